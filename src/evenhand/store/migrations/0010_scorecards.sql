-- Scorecards are published like policies: each market by the day, and every ruling names those it was scored by.

-- What a published version is for in its market; two versions of one role never rule the same moment.
alter table publication add column role text not null default 'ruling'
    check (role in ('ruling', 'integrity', 'experience', 'abuse', 'labelling'));
alter table publication alter column role drop default;
drop index publication_rules_alone;
create unique index publication_rules_alone on publication (market, role, effective) where withdrawn_at is null;

create or replace function keep_publication() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.withdrawn_at is not null
        or (old.market, old.role, old.effective, old.published_by, old.published_at)
           is distinct from (new.market, new.role, new.effective, new.published_by, new.published_at)
        or (old.published_by is not null and old.policy_version <> new.policy_version)
    then
        raise exception 'a publication can only be withdrawn' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- Scorecards that score together, so that a ruling names them by one number.
create table scorecards (
    no         int generated always as identity primary key,
    integrity  int not null references policy_version (no),
    experience int not null references policy_version (no),
    abuse      int not null references policy_version (no),
    unique (integrity, experience, abuse)
);
create trigger scorecards_are_immutable before update or delete on scorecards for each statement execute function refuse_change();

-- Which scored a ruling; null before this was kept, when there were none but the package's. No foreign key, as for the accounts.
alter table application add column scorecards int;
