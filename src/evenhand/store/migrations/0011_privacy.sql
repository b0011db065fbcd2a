-- Privacy: custody of evidence, how long it is kept, legal holds, and erasing a person from everything that was written.

-- Rows that never change but for some columns, and those only while somebody is erased or evidence is removed.
create function keep_but_for() returns trigger language plpgsql as $$
begin
    if current_setting('evenhand.erasing', true) = 'on'
        and (to_jsonb(old) - tg_argv) = (to_jsonb(new) - tg_argv)
    then
        return new;
    end if;
    raise exception '% rows are never changed: write a new one', tg_table_name using errcode = 'restrict_violation';
end $$;

-- The digest goes with the comment: it is made of it, and would tell whoever guesses the words that the guess is right.
drop trigger application_is_immutable on application;
create trigger application_is_immutable before update on application
    for each row execute function keep_but_for('extra', 'digest');
drop function keep_application();
drop trigger case_event_is_immutable on case_event;
create trigger case_event_is_immutable before update on case_event
    for each row execute function keep_but_for('who', 'said', 'key', 'digest');
create trigger case_event_is_kept before delete on case_event for each statement execute function refuse_change();
drop trigger reasons_statement_is_immutable on reasons_statement;
create trigger reasons_statement_is_immutable before update on reasons_statement
    for each row execute function keep_but_for('body', 'text');
create trigger reasons_statement_is_kept before delete on reasons_statement for each statement execute function refuse_change();
drop trigger transfer_note_is_immutable on transfer_note;
create trigger transfer_note_is_immutable before update on transfer_note
    for each row execute function keep_but_for('note');
create trigger transfer_note_is_kept before delete on transfer_note for each statement execute function refuse_change();
drop trigger payout_event_is_immutable on payout_event;
create trigger payout_event_is_immutable before update on payout_event
    for each row execute function keep_but_for('said');
create trigger payout_event_is_kept before delete on payout_event for each statement execute function refuse_change();
drop trigger photo_check_is_immutable on photo_check;
create trigger photo_check_is_immutable before update on photo_check
    for each row execute function keep_but_for('note');
create trigger photo_check_is_kept before delete on photo_check for each statement execute function refuse_change();

-- Evidence whose file was removed keeps its row: that it was there, what it was like, its custody. When its time was over the hash
-- stays too, so that a copy somebody kept can still be proven; with a person who is erased the hash goes.
drop trigger evidence_is_immutable on evidence;
create trigger evidence_is_immutable before update on evidence
    for each row execute function keep_but_for('removed_at', 'removed_why', 'sealed', 'copied', 'pdq', 'windows', 'thumbnail');
create trigger evidence_is_kept before delete on evidence for each statement execute function refuse_change();
alter table evidence
    alter sealed drop not null,
    alter copied drop not null,
    add column removed_at  timestamptz,
    add column removed_why text check (removed_why in ('retention', 'erasure')),
    add check ((removed_at is null) = (removed_why is null)),
    add check ((sealed is null) = (copied is null)),
    add check (sealed is not null or removed_why = 'erasure'),
    add check (removed_at is null or thumbnail is null);
create index evidence_copied on evidence (copied);
create index evidence_kept on evidence (market, received_at) where removed_at is null;

-- Files to be removed from the vault once nothing refers to them: written with what made them so, done afterwards.
create table vault_removal (
    digest   bytea primary key check (length(digest) = 32),
    asked_at timestamptz not null
);

-- Who had evidence in hand: took it in, looked at it, took the original out, removed it. Each row's digest covers the one before, so
-- a row that is changed, taken out or put in between shows; the first one covers the file's hash.
create table evidence_custody (
    evidence bigint not null references evidence (no),
    no       int not null,
    at       timestamptz not null,
    action   text not null check (action in ('received', 'looked_at', 'original_taken', 'removed', 'erased')),
    who      text not null check (who <> ''),
    note     text not null default '',
    digest   bytea not null,
    primary key (evidence, no)
);
create function chain_custody() returns trigger language plpgsql as $$
declare
    item record;
    last record;
begin
    -- whoever writes about the same evidence waits
    select id, sealed into item from evidence where evidence.no = new.evidence for no key update;
    select c.no, c.digest into last from evidence_custody c where c.evidence = new.evidence order by c.no desc limit 1;
    new.no := coalesce(last.no, 0) + 1;
    new.digest := sha256(
        coalesce(last.digest, sha256(convert_to(item.id, 'UTF8') || item.sealed))
        || convert_to(json_build_array(new.no, (extract(epoch from new.at) * 1000000)::bigint, new.action, new.who, new.note)::text,
                      'UTF8'));
    return new;
end $$;
create trigger evidence_custody_is_chained before insert on evidence_custody for each row execute function chain_custody();
insert into evidence_custody (evidence, at, action, who) select no, received_at, 'received', party from evidence order by no;
create trigger evidence_custody_is_immutable before update or delete on evidence_custody
    for each statement execute function refuse_change();

-- How long a market keeps evidence after the last case it was shown in has ended, the newest row counts; null, and no row: as long as a
-- closed case can be appealed.
create table evidence_retention (
    no      bigint generated always as identity primary key,
    market  smallint not null references market (no),
    months  int check (months between 1 and 240),
    set_by  text not null check (set_by <> ''),
    set_at  timestamptz not null
);
create index evidence_retention_market on evidence_retention (market, no);
create trigger evidence_retention_is_immutable before update or delete on evidence_retention
    for each statement execute function refuse_change();

-- A case under legal hold: nothing shown in it is removed, none of its parties is erased, until the hold is lifted.
create table legal_hold (
    no         bigint generated always as identity primary key,
    case_no    bigint not null references application (no),
    why        text not null check (why <> ''),
    placed_by  text not null check (placed_by <> ''),
    placed_at  timestamptz not null,
    lifted_by  text check (lifted_by <> ''),
    lifted_at  timestamptz,
    lifted_why text,
    check ((lifted_by is null) = (lifted_at is null) and (lifted_by is null) = (lifted_why is null))
);
create unique index legal_hold_case on legal_hold (case_no) where lifted_at is null;

-- What was erased and what was kept, by count; why it was done although something stood against it.
alter table erasure
    add column despite text not null default '',
    add column report  json;

-- Keyed hashes of names that were erased, so that asking again is answered. They lead to no account.
create table erased_name (
    digest bytea primary key check (length(digest) = 16)
);
