-- name: open
-- Make the accounts that are not there yet. Sorted by the caller, so that two writers meet in the same order.
insert into account (market, kind, id)
select * from unnest($1::smallint[], $2::text[], $3::text[])
on conflict (market, kind, id) do nothing

-- name: find
-- Numbers of accounts by market, kind and id.
select a.no, a.market, a.kind, a.id
from unnest($1::smallint[], $2::text[], $3::text[]) as f (market, kind, id)
join account a on a.market = f.market and a.kind = f.kind and a.id = f.id

-- name: lock
-- State of the accounts, locked in one order until the transaction ends: two batches that share an account queue here.
select a.no, a.tiles,
       (select array_agg((l.label, l.starts_at, l.expires_at)) from label l where l.account = a.no) as labels
from account a
where a.no = any($1::bigint[])
order by a.no
for update of a

-- name: save
-- New day tiles of accounts.
update account a set tiles = f.tiles
from unnest($1::bigint[], $2::bytea[]) as f (no, tiles)
where a.no = f.no

-- name: label
-- Put a label on an account.
insert into label (account, label, cause, set_by, starts_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
