-- The ground: markets, policies, accounts, orders, applications with their rulings, the ledger.
-- Times are timestamptz; money is bigint minor units of the market's currency; ids given by a marketplace are text.

-- One platform or country site.
create table market (
    no         smallint generated always as identity primary key,
    id         text collate "C" not null unique,
    name       text not null,
    policy     text not null,
    pinned     text,
    currency   text not null check (currency ~ '^[A-Z]{3}$'),
    time_zone  text not null,
    synthetic  boolean not null default false,
    unique (no, currency)
);

-- Every policy version that ever ruled, word for word, so that a ruling can be reproduced after the package has moved on.
create table policy_version (
    no         int generated always as identity primary key,
    policy     text not null,
    version    text not null,
    effective  date not null,
    hash       text not null,
    source     text not null,
    stored_at  timestamptz not null default now(),
    unique (policy, version, hash)
);

-- A buyer or a merchant, with its history so far as packed day tiles (evenhand.history). Whoever writes the tiles raises the
-- version, and only if it is still the one it read: two writers never overwrite each other.
create table account (
    no         bigint generated always as identity primary key,
    market     smallint not null references market (no),
    kind       text collate "C" not null check (kind in ('buyer', 'merchant')),
    id         text collate "C" not null,
    version    int not null default 0,
    -- whether there are rows in label, so that nearly every ruling need not look
    labelled   boolean not null default false,
    tiles      bytea not null default '',
    unique (market, kind, id)
) with (fillfactor = 80);
-- A busy store's tiles are kilobytes, written again with every batch that touches it: compressing them costs more than it saves.
alter table account alter tiles set storage external;

-- A label on an account: with cause, start and end; never a silent ban.
create table label (
    no         bigint generated always as identity primary key,
    account    bigint not null references account (no),
    label      text not null check (label in ('watched', 'malicious')),
    cause      text not null check (cause <> ''),
    set_by     text not null check (set_by <> ''),
    starts_at  timestamptz not null,
    expires_at timestamptz not null check (expires_at > starts_at)
);
create index label_account on label (account);

-- An order as far as it has come. Numbers are taken before the rows are written, so that one statement can write them all.
create sequence order_no as bigint;
create table orders (
    no           bigint primary key,
    market       smallint not null references market (no),
    id           text collate "C" not null,
    buyer        bigint not null references account (no),
    placed_at    timestamptz not null,
    promised_at  timestamptz,
    shipped_at   timestamptz,
    delivered_at timestamptz,
    unique (market, id)
) with (fillfactor = 80);

-- One kind of goods in an order. It repeats of its order what every ruling needs, so that a ruling reads one row.
-- `refunded` is what has been granted on the line; the check is what makes granting more than was paid impossible.
create sequence order_line_no as bigint;
create table order_line (
    no           bigint primary key,
    market       smallint not null,
    order_id     text collate "C" not null,
    id           text collate "C" not null,
    order_no     bigint not null references orders (no),
    -- its place in the order, from 0
    position     smallint not null,
    buyer        bigint not null references account (no),
    merchant     bigint not null references account (no),
    category     text not null,
    amount       bigint not null check (amount > 0),
    refunded     bigint not null default 0 check (refunded between 0 and amount),
    placed_at    timestamptz not null,
    delivered_at timestamptz,
    unique (market, order_id, id)
) with (fillfactor = 80);
create index order_line_order on order_line (order_no);

create table review (
    order_no   bigint not null references orders (no),
    id         text collate "C" not null,
    score      smallint not null check (score between 1 and 5),
    at         timestamptz not null,
    primary key (order_no, id)
);

-- One booking: applications that were ruled and written together. Subscribers are told of them in this order.
create table batch (
    no         bigint generated always as identity primary key,
    -- the code that ruled
    engine     text not null,
    booked_at  timestamptz not null
);

-- What a buyer filed and how it was ruled, once per market and id; frozen when issued (see the trigger). `no` is the number of
-- its case. The facts are the exact text the policy was given: with the policy version they reproduce the ruling and its trace.
create sequence case_no as bigint;
create table application (
    no             bigint primary key,
    market         smallint not null,
    id             text collate "C" not null,
    -- BLAKE2b of the body: the same id with another digest is a conflict
    digest         bytea not null,
    -- the order line and the accounts: read from their own rows in the same booking, which are never deleted, so no foreign key
    -- is checked again for each of millions of rows
    line           bigint not null,
    buyer          bigint not null,
    merchant       bigint not null,
    remedy         text not null,
    stage          text not null,
    reason         text not null,
    asked          bigint not null check (asked > 0),
    applied_at     timestamptz not null,
    -- what else came with it, as sent: evidence, comment
    extra          json,
    -- the ruling
    batch          bigint not null,
    policy_version int not null,
    outcome        text not null check (outcome in ('subsidise', 'refund_by_merchant', 'negotiate', 'merchant_decides',
                                                    'return_and_refund', 'decline', 'review')),
    payer          text not null check (payer in ('platform', 'merchant', 'none')),
    return_required boolean not null,
    amount         bigint not null check (amount between 0 and asked),
    respond_within_hours int check (respond_within_hours > 0),
    rule           text not null,
    because_en     text not null,
    because_zh     text not null,
    facts          json not null,
    unique (market, id)
);
-- Applications arrive nearly in order of time, so block ranges find a day's at almost no cost to writing.
create index application_applied_at on application using brin (applied_at) with (pages_per_range = 32);

-- The ledger. One transfer moves one amount from one account to another, so its two postings sum to zero by the shape of the
-- table: there is no way to write one leg. Rows are never changed (see the trigger); a correction is a new transfer.
create table transfer (
    no         bigint generated always as identity primary key,
    market     smallint not null,
    currency   text not null,
    cause      text not null check (cause in ('subsidy', 'merchant_refund')),
    case_no    bigint not null references application (no),
    -- who pays: a ledger account is a kind and, where it belongs to somebody, that account
    debit      text not null check (debit in ('fund', 'merchant', 'buyer')),
    debit_of   bigint references account (no),
    credit     text not null check (credit in ('fund', 'merchant', 'buyer')),
    credit_of  bigint references account (no),
    amount     bigint not null check (amount > 0),
    -- the business moment the money counts for (accountants' value date), and when the row was written
    value_at   timestamptz not null,
    booked_at  timestamptz not null,
    check ((debit, coalesce(debit_of, 0)) <> (credit, coalesce(credit_of, 0))),
    check ((debit = 'fund') = (debit_of is null)),
    check ((credit = 'fund') = (credit_of is null)),
    -- a market's ledger is in the market's currency only
    foreign key (market, currency) references market (no, currency),
    -- at most one subsidy, at most one imposed refund, per case
    unique (case_no, cause)
);
create index transfer_by_market on transfer (market, value_at);

-- The two postings of every transfer: what the account gains is positive.
create view posting as
    select no as transfer, market, currency, case_no, cause, debit as account, debit_of as owner, -amount as amount,
           value_at, booked_at
    from transfer
    union all
    select no, market, currency, case_no, cause, credit, credit_of, amount, value_at, booked_at from transfer;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% rows are never changed: write a new one', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger transfer_is_immutable before update or delete on transfer for each statement execute function refuse_change();
create trigger application_is_immutable before update or delete on application for each statement execute function refuse_change();
create trigger policy_version_is_immutable before update or delete on policy_version for each statement execute function refuse_change();

-- An Idempotency-Key with a digest of the request it first came with; kept for a week.
create table idempotency_key (
    key      text collate "C" primary key,
    digest   bytea not null,
    used_at  timestamptz not null default now()
);
create index idempotency_key_used_at on idempotency_key (used_at);

-- What `evenhand demo` made here, if it did: one row. It is finished when everything it was to make is there.
create table demo (
    only_one    boolean primary key default true check (only_one),
    seed        bigint not null,
    orders      int not null,
    -- the code that made it
    engine      text not null,
    finished_at timestamptz
);
