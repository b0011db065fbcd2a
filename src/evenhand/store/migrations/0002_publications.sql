-- Which policy version rules a market from which day, and what merchants have set for their own shops.

-- Counts the changes to what running servers keep in mind: markets, publications, merchants' rules. Whoever changes any of it takes
-- the next number first, and the row stays locked until that is committed: numbers are committed in order, and a server that
-- has seen one number misses nothing by asking for what is above it.
create table revision (
    only_one boolean primary key default true check (only_one),
    no       bigint not null
);
insert into revision (no) values (0);

-- A policy version rules a market from its first day until the first day of the next one. Ends are not written down, so two
-- versions could only rule one moment by beginning on one day, and that the key refuses.
create table publication (
    no             bigint generated always as identity primary key,
    market         smallint not null references market (no),
    policy_version int not null references policy_version (no),
    -- in the market's time zone
    effective      date not null,
    -- null: the market follows the package's versions of its policy by their own dates
    published_by   text check (published_by <> ''),
    published_at   timestamptz not null,
    withdrawn_by   text check (withdrawn_by <> ''),
    withdrawn_at   timestamptz,
    check ((withdrawn_by is null) = (withdrawn_at is null))
);
create unique index publication_rules_alone on publication (market, effective) where withdrawn_at is null;
create index publication_market on publication (market);

-- A publication is withdrawn once or stays as it is; one of the package's may take a corrected text of its version.
create function keep_publication() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.withdrawn_at is not null
        or (old.market, old.effective, old.published_by, old.published_at)
           is distinct from (new.market, new.effective, new.published_by, new.published_at)
        or (old.published_by is not null and old.policy_version <> new.policy_version)
    then
        raise exception 'a publication can only be withdrawn' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger publication_is_kept before update or delete on publication for each row execute function keep_publication();

-- Markets that are there follow what they have followed: every stored version of their policy, of several texts the latest.
insert into publication (market, policy_version, effective, published_at)
select m.no, v.no, v.effective, now()
from market m
join (select distinct on (policy, effective) * from policy_version order by policy, effective, no desc) v on v.policy = m.policy
where m.pinned is null;

-- What a merchant has set for its own shop. Terms are never changed: a rule ends (once), and another begins.
create table merchant_rule (
    no         bigint generated always as identity primary key,
    merchant   bigint not null references account (no),
    id         text collate "C" not null,
    decision   text not null check (decision in ('refund_without_return', 'exchange', 'partial_refund')),
    -- what was paid for the order line, both included, in minor units; null is no bound
    price_from bigint check (price_from > 0),
    price_to   bigint check (price_to >= coalesce(price_from, 1)),
    -- which categories, reasons and stages; empty is every one
    categories text[] not null,
    reasons    text[] not null,
    stages     text[] not null,
    within_days int check (within_days >= 0),
    valid_from timestamptz not null,
    deleted_at timestamptz check (deleted_at >= valid_from),
    set_at     timestamptz not null,
    -- see the table revision
    revision   bigint not null,
    unique (merchant, id)
);
create index merchant_rule_revision on merchant_rule (revision);

create function keep_merchant_rule() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.deleted_at is not null
        or (to_jsonb(old) - 'deleted_at' - 'revision') <> (to_jsonb(new) - 'deleted_at' - 'revision')
    then
        raise exception 'the terms of a merchant''s rule are never changed: end it and set another'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger merchant_rule_is_kept before update or delete on merchant_rule for each row execute function keep_merchant_rule();
