-- What is told to the outside: the outbox, webhooks, what was delivered to them.

-- What happened, written in the transaction in which it happened. A row is one event, or, for rulings, all those of one booking:
-- the events are then made from the application rows, so that the path writes one row per batch. `no` is taken before the
-- transaction is committed, so rows appear out of its order; `position` is given afterwards, to what is committed, one transaction
-- at a time: whoever reads by position misses nothing.
create table outbox (
    no         bigint generated always as identity primary key,
    -- of the last event the row stands for; null until it has a place
    position   bigint,
    span       int not null default 1 check (span > 0),
    type       text collate "C" not null check (type ~ '^[a-z_]+\.[a-z_]+$'),
    -- null: of no market, or of several (rulings)
    market     smallint references market (no),
    case_no    bigint,
    at         timestamptz not null,
    -- what is said; null for rulings
    data       json,
    -- rulings: the booking, and between which numbers its cases are
    batch      bigint,
    first_case bigint,
    last_case  bigint,
    check ((data is null) = (batch is not null)),
    check ((batch is null) = (first_case is null) and (batch is null) = (last_case is null))
) with (fillfactor = 80);
create unique index outbox_position on outbox (position) where position is not null;
create index outbox_waiting on outbox (no) where position is null;

-- The next place in the log; whoever holds this row gives places. `forgotten` is the last one that was deleted.
create table outbox_next (
    only_one   boolean primary key default true check (only_one),
    position   bigint not null default 1,
    forgotten  bigint not null default 0
);
insert into outbox_next default values;

-- Where events are sent.
create table webhook (
    no         bigint generated always as identity primary key,
    id         text collate "C" not null unique check (id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    url        text not null,
    note       text not null default '',
    -- which types (`ruling.issued`, `case.*`) and markets; empty is every one
    types      text[] not null,
    markets    text[] not null,
    secret     text not null check (secret ~ '^whsec_'),
    -- the secret before the last rotation, and how long it signs too
    old_secret text,
    old_until  timestamptz,
    -- the last event that was looked at for it
    reached    bigint not null,
    -- since when nothing has got through
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_why text,
    created_at timestamptz not null,
    check ((old_secret is null) = (old_until is null)),
    check ((disabled_at is null) = (disabled_why is null))
);

-- An event on its way to a webhook, or there.
create table webhook_delivery (
    no         bigint generated always as identity primary key,
    webhook    bigint not null references webhook (no) on delete cascade,
    outbox     bigint not null references outbox (no) on delete cascade,
    -- of the event
    position   bigint not null,
    type       text not null,
    case_no    bigint,
    state      text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
    -- sendings so far, and those before it was last sent again by hand: the schedule counts from there
    attempts   int not null default 0,
    resent_at  int not null default 0,
    -- when it is sent next; while it is being sent, when the sender is taken for dead
    due_at     timestamptz not null,
    made_at    timestamptz not null,
    ended_at   timestamptz,
    check ((state = 'waiting') = (ended_at is null)),
    unique (webhook, position)
) with (fillfactor = 80);
create index webhook_delivery_due on webhook_delivery (webhook, due_at) where state = 'waiting';
create index webhook_delivery_case on webhook_delivery (webhook, case_no, position) where state = 'waiting';
create index webhook_delivery_dead on webhook_delivery (webhook, no) where state = 'dead';
create index webhook_delivery_ended on webhook_delivery (ended_at) where state = 'delivered';
create index webhook_delivery_outbox on webhook_delivery (outbox);

-- Every sending, with what came back.
create table webhook_attempt (
    delivery   bigint not null references webhook_delivery (no) on delete cascade,
    no         int not null,
    at         timestamptz not null,
    -- of the answer; null when there was none, and then why
    status     int,
    error      text,
    took_ms    int not null,
    -- the first 1,000 bytes
    answer     bytea not null,
    primary key (delivery, no),
    check ((status is null) = (error is not null))
);
