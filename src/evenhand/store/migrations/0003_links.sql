-- What accounts share, which accounts are linked by it, and the rings a person is to look at.

-- The secret the hashes are made with. Where it is kept outside (EVENHAND_LINK_KEY), only its fingerprint stands here, by which
-- another key is noticed.
create table link_key (
    only_one    boolean primary key default true check (only_one),
    key         bytea check (length(key) >= 16),
    fingerprint bytea not null
);

-- An account has used this. `attribute` is a keyed hash of the value, its kind and its market: 16 bytes that say equal or not.
create table link_holding (
    attribute bytea not null check (length(attribute) = 16),
    account   bigint not null references account (no) on delete cascade,
    -- place in evenhand.accounts.links.grouping.KINDS
    kind      smallint not null check (kind between 0 and 3),
    -- when it was first taken in
    seen_at   timestamptz not null,
    primary key (attribute, account)
);
create index link_holding_account on link_holding (account, kind);

-- Held by so many accounts that it links nobody. Once a hub, always a hub: that people are erased does not make an office building
-- a bond between those who are left.
create table link_hub (
    attribute bytea primary key,
    market    smallint not null references market (no)
);

-- The ring of every linked account, named by the number of an account in it.
create table link_member (
    account bigint primary key references account (no) on delete cascade,
    ring    bigint not null
);
create index link_member_ring on link_member (ring, account);

-- Whether there may be a row in link_member, so that nearly every ruling need not look.
alter table account add column linked boolean not null default false;

-- A group found acting together: evidence for a person, who confirms or dismisses it. No ruling reads it.
create table ring_finding (
    no            int generated always as identity primary key,
    market        smallint not null references market (no),
    -- digest of the buyers: the same group is one finding, however often it is found
    digest        bytea not null,
    first_found   timestamptz not null,
    last_found    timestamptz not null,
    -- the disputes that were looked at, by when they were filed
    since         timestamptz not null,
    -- what peeling measured, and the most that chance made of the same disputes
    density       double precision not null,
    chance        double precision not null,
    disputes      int not null,
    refund_only   int not null,
    -- how many of its buyers share a device, a payment instrument, or address and phone with another of them
    linked_buyers int not null,
    verdict       text check (verdict in ('confirmed', 'dismissed')),
    reviewed_by   text check (reviewed_by <> ''),
    reviewed_at   timestamptz,
    note          text,
    check ((verdict is null) = (reviewed_by is null) and (verdict is null) = (reviewed_at is null)),
    unique (market, digest)
);

-- Its buyers, and the stores they dispute with.
create table ring_finding_account (
    finding int not null references ring_finding (no) on delete cascade,
    account bigint not null references account (no) on delete cascade,
    primary key (finding, account)
);
create index ring_finding_account_account on ring_finding_account (account);
