-- name: next_revision
-- Announce a change of what servers keep in mind; taken first, it also makes those who change it queue.
update revision set no = no + 1 returning no

-- name: revision
-- The number of the last such change.
select no from revision

-- name: follow
-- Markets nobody has published for follow the package's versions of their policy, given as names, versions and hashes.
insert into publication (market, policy_version, effective, published_at)
select m.no, v.no, v.effective, $4
from unnest($1::text[], $2::text[], $3::text[]) as f (policy, version, hash)
join policy_version v on v.policy = f.policy and v.version = f.version and v.hash = f.hash
join market m on m.policy = v.policy and m.pinned is null
where not exists (
    select from publication p where p.market = m.no and (p.published_by is not null or p.withdrawn_at is not null)
)
on conflict (market, effective) where withdrawn_at is null
do update set policy_version = excluded.policy_version where publication.policy_version <> excluded.policy_version

-- name: timelines
-- What rules every market, from when on.
select market, effective, policy_version from publication where withdrawn_at is null order by market, effective

-- name: market
-- A market's settings.
select no, id, policy, pinned, time_zone from market where id = $1

-- name: currency
-- What a market trades in.
select currency from market where id = $1

-- name: market_ids
-- Every market there is.
select id from market order by id

-- name: publications
-- Everything published for a market, in the order it rules.
select p.no, v.policy, v.version, v.hash, p.effective, p.published_by, p.published_at, p.withdrawn_by, p.withdrawn_at
from publication p
join policy_version v on v.no = p.policy_version
where p.market = $1
order by p.effective, p.no

-- name: texts
-- The stored texts of a policy version, by their hashes.
select no, hash from policy_version where policy = $1 and version = $2

-- name: publish
-- A version begins to rule a market on a day.
insert into publication (market, policy_version, effective, published_by, published_at) values ($1, $2, $3, $4, $5)

-- name: withdraw
-- A publication that has not taken effect is taken back.
update publication set withdrawn_by = $2, withdrawn_at = $3 where no = $1
