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
-- State of the accounts, locked in one order until the transaction ends.
select no, version, tiles, kind from account where no = any($1::bigint[]) order by no for update

-- name: save
-- New history of accounts, where they are still at the version that was read; the caller compares the count. Numbers and versions
-- come as JSON, which costs the driver a sixth of what arrays do.
update account a set tiles = f.tiles, version = a.version + 1
from rows from (json_array_elements_text($1), json_array_elements_text($2), unnest($3::bytea[])) as f (no, version, tiles)
where a.no = f.no::bigint and a.version = f.version::int
