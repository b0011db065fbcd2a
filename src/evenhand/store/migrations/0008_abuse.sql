-- Learned scores of abuse: every version that was stored, and which one a market uses.

-- A points card, word for word, with the report of how it did on claims it was not learned from. `version` is what rulings name
-- (the fact `abuse.model`): the last day it was learned from and the beginning of its hash.
create table abuse_model (
    no         int generated always as identity primary key,
    version    text collate "C" not null unique,
    -- SHA-256 of the card, in hexadecimal
    hash       text collate "C" not null unique,
    card       text not null,
    -- the same as a scorecard document, for people
    document   text not null,
    report     json,
    stored_by  text not null check (stored_by <> ''),
    stored_at  timestamptz not null
);
create trigger abuse_model_is_immutable before update or delete on abuse_model for each statement execute function refuse_change();

-- Which one scores a market's applications from that moment on, the newest row counts; null is the documented scorecard again.
create table abuse_activation (
    no           bigint generated always as identity primary key,
    market       smallint not null references market (no),
    model        int references abuse_model (no),
    activated_by text not null check (activated_by <> ''),
    activated_at timestamptz not null
);
create index abuse_activation_market on abuse_activation (market, no);
create trigger abuse_activation_is_immutable before update or delete on abuse_activation
    for each statement execute function refuse_change();
