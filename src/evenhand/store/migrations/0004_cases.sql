-- The life of a case after its ruling: where it stands, what happened, deadlines, how markets handle it, statements of reasons.

-- Where a case stands. A case has a row from its ruling on when a clock or a person must come back to it, else from the first
-- thing that happens in it. Everything but `no` and `market` can be made again from the events (`evenhand doctor`); the columns
-- beside `stands` repeat what timers and the inbox ask for.
create table case_file (
    no         bigint primary key,
    market     smallint not null,
    state      text not null check (state in ('opened', 'negotiating', 'agreed', 'escalated', 'under_review', 'ruled', 'settling',
                                              'closed')),
    -- events so far: an action is decided on the version it was made for
    version    int not null default 0,
    -- when the clock acts next
    due_at     timestamptz,
    -- the deadline the ruling set: what the events begin from
    first_due  timestamptz,
    -- by when a person is to rule; what is at stake, minor units; who holds it
    wanted_by  timestamptz,
    stake      bigint not null,
    holder     text,
    -- the case as it is folded from its events; null is as the ruling left it
    stands     json
) with (fillfactor = 80);
create index case_file_due on case_file (due_at) where due_at is not null;
create index case_file_inbox on case_file (wanted_by, no) where state in ('escalated', 'under_review');

-- What happened in cases, one row per event, never changed.
create table case_event (
    case_no    bigint not null references case_file (no),
    no         int not null check (no > 0),
    at         timestamptz not null,
    action     text not null,
    role       text not null,
    who        text not null,
    -- the state it led to
    state      text not null,
    said       json not null,
    -- given by the client with an action, so that sending it again does it once; with the digest of what was sent
    key        text collate "C",
    digest     bytea,
    primary key (case_no, no)
);
create unique index case_event_key on case_event (case_no, key) where key is not null;
create trigger case_event_is_immutable before update or delete on case_event for each statement execute function refuse_change();

-- How a market handles its cases, the newest row counts; one that has set nothing works by the defaults.
create table case_settings (
    no         bigint generated always as identity primary key,
    market     smallint not null references market (no),
    settings   json not null,
    set_by     text not null check (set_by <> ''),
    set_at     timestamptz not null
);
create index case_settings_market on case_settings (market, no);
create trigger case_settings_are_immutable before update or delete on case_settings for each statement execute function refuse_change();

-- What each party was told about a decision, as it was told: by case, decision (0 is the policy's own, else the event), party and language.
create table reasons_statement (
    case_no    bigint not null,
    decision   int not null,
    party      text not null check (party in ('buyer', 'merchant')),
    lang       text not null check (lang in ('en', 'zh')),
    body       json not null,
    text       text not null,
    issued_at  timestamptz not null,
    primary key (case_no, decision, party, lang)
);
create trigger reasons_statement_is_immutable before update or delete on reasons_statement
    for each statement execute function refuse_change();

-- Labels that rested on a ruling which was turned over: somebody has to look at them again.
create table label_doubt (
    label      bigint not null references label (no),
    case_no    bigint not null,
    raised_at  timestamptz not null,
    settled_at timestamptz,
    settled_by text,
    primary key (label, case_no)
);

-- Panels: jurors drawn by lot for a case, their votes (secret while it votes) and what each juror's votes have been worth.
create table panel (
    no         bigint generated always as identity primary key,
    case_no    bigint not null references case_file (no),
    drawn_at   timestamptz not null,
    closes_at  timestamptz not null,
    ended_at   timestamptz,
    -- how often the buyer is right at all, when it was drawn
    prevalence float8 not null,
    -- buyer, merchant, or none in time
    verdict    text check (verdict in ('buyer', 'merchant', 'none')),
    check ((ended_at is null) = (verdict is null))
);
create index panel_case on panel (case_no);
create table panel_seat (
    panel      bigint not null references panel (no),
    juror      bigint not null references account (no),
    -- what its votes were worth when it was drawn
    sensitivity float8 not null,
    specificity float8 not null,
    for_buyer  boolean,
    reason     text not null default '',
    voted_at   timestamptz,
    primary key (panel, juror),
    check ((for_buyer is null) = (voted_at is null))
);
create index panel_seat_juror on panel_seat (juror);
