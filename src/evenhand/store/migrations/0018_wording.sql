-- What statements of reasons are worded in, from when on: those of rulings are made when they are asked for, in the words of their time.
create table wording (
    no     int generated always as identity primary key,
    digest bytea not null,
    body   json not null,
    since  timestamptz not null
);
create trigger wording_is_immutable before update or delete on wording for each statement execute function refuse_change();
