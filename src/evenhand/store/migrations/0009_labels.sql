-- Labels with what they rest on and what becomes of them: evidence, statement of reasons, appeals; proposals that wait for a person.

-- A warning is a label without effect on any ruling. `ended_at` is when a person took the label away before it expired.
alter table label drop constraint label_label_check;
alter table label add constraint label_label_check check (label in ('warning', 'watched', 'malicious'));
alter table label
    -- the row of the labelling document that set it; null: a person did
    add column rule      text,
    -- the cases it rests on
    add column cases     bigint[] not null default '{}',
    -- what the person was told, as it was told
    add column reason_en text not null default '',
    add column reason_zh text not null default '',
    add column ended_at  timestamptz,
    add column ended_by  text check (ended_by <> ''),
    add column ended_why text,
    add check ((ended_at is null) = (ended_by is null));

-- What a labelling document proposed and a person has to decide. `facts` are what the document read.
create table label_proposal (
    no          bigint generated always as identity primary key,
    market      smallint not null references market (no),
    account     bigint not null references account (no),
    label       text not null check (label in ('warning', 'watched', 'malicious')),
    days        int not null check (days > 0),
    rule        text not null,
    cases       bigint[] not null,
    reason_en   text not null,
    reason_zh   text not null,
    facts       json not null,
    proposed_at timestamptz not null,
    verdict     text check (verdict in ('confirmed', 'dismissed')),
    decided_by  text check (decided_by <> ''),
    decided_at  timestamptz,
    note        text,
    -- the label it became
    became      bigint references label (no),
    check ((verdict is null) = (decided_by is null) and (verdict is null) = (decided_at is null)),
    check ((became is not null) = (verdict is not distinct from 'confirmed'))
);
-- one at a time of each account
create unique index label_proposal_open on label_proposal (account) where verdict is null;
create index label_proposal_account on label_proposal (account);

-- The person's appeal against a label, decided by a person who did not set it. One label is appealed once at a time.
create table label_appeal (
    no         bigint generated always as identity primary key,
    label      bigint not null references label (no),
    says       text not null check (says <> ''),
    filed_at   timestamptz not null,
    verdict    text check (verdict in ('lifted', 'upheld')),
    decided_by text check (decided_by <> ''),
    decided_at timestamptz,
    note       text,
    check ((verdict is null) = (decided_by is null) and (verdict is null) = (decided_at is null))
);
create unique index label_appeal_open on label_appeal (label) where verdict is null;
create index label_appeal_label on label_appeal (label);

-- How a market labels, the newest row counts: the document it uses (null is the package's) and from which label on a person confirms.
create table labelling (
    no         bigint generated always as identity primary key,
    market     smallint not null references market (no),
    document   text,
    confirm    text not null check (confirm in ('warning', 'watched', 'malicious', 'never')),
    set_by     text not null check (set_by <> ''),
    set_at     timestamptz not null
);
create index labelling_market on labelling (market, no);
create trigger labelling_is_immutable before update or delete on labelling for each statement execute function refuse_change();

-- Cases that speak against a buyer: intercepted, or ruled while a sign of abuse stood. Noted by the labelling pass, so that a label
-- can name its cases without looking through all applications.
create table label_sign (
    account    bigint not null references account (no),
    case_no    bigint not null,
    at         timestamptz not null,
    primary key (account, case_no)
);

-- How far the pass has come in the log of what was booked (outbox.position).
create table label_pass (
    only_one   boolean primary key default true check (only_one),
    position   bigint not null default 0
);
insert into label_pass default values;

-- Erasing a person: the account is called something else, its history is dropped, the comments of its applications go. Nothing else
-- of an application ever changes, and that only while somebody is being erased.
create table erasure (
    no         bigint generated always as identity primary key,
    account    bigint not null references account (no),
    pseudonym  text not null,
    erased_by  text not null check (erased_by <> ''),
    erased_at  timestamptz not null
);
create trigger erasure_is_immutable before update or delete on erasure for each statement execute function refuse_change();

create function keep_application() returns trigger language plpgsql as $$
begin
    if current_setting('evenhand.erasing', true) = 'on' and new.extra is null
        and (to_jsonb(old) - 'extra') = (to_jsonb(new) - 'extra')
    then
        return new;
    end if;
    raise exception 'application rows are never changed: write a new one' using errcode = 'restrict_violation';
end $$;
drop trigger application_is_immutable on application;
create trigger application_is_immutable before update on application for each row execute function keep_application();
create trigger application_is_kept before delete on application for each statement execute function refuse_change();
