-- name: next_revision
-- Announce a change of what servers keep in mind; taken first, it also makes those who change it queue.
update revision set no = no + 1 returning no

-- name: revision
-- The number of the last such change.
select no from revision

-- name: follow
-- Markets nobody has published for follow the package's versions of their policy by their days, and its scorecards since ever;
-- given as roles, names, versions and hashes.
insert into publication (market, role, policy_version, effective, published_at)
select m.no, f.role, v.no, case f.role when 'ruling' then v.effective else '0001-01-01' end, $5
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as f (role, policy, version, hash)
join policy_version v on v.policy = f.policy and v.version = f.version and v.hash = f.hash
join market m on f.role <> 'ruling' or (m.policy = v.policy and m.pinned is null)
where not exists (
    select from publication p
    where p.market = m.no and p.role = f.role and (p.published_by is not null or p.withdrawn_at is not null)
)
on conflict (market, role, effective) where withdrawn_at is null
do update set policy_version = excluded.policy_version where publication.policy_version <> excluded.policy_version

-- name: timelines
-- What rules every market and scores its accounts, from when on, and whether somebody published it.
select market, role, effective, policy_version, published_by is not null as published
from publication where withdrawn_at is null order by market, role, effective

-- name: name_scorecards
-- Give a number to all that score together in a market at some time.
insert into scorecards (integrity, experience, abuse)
select distinct i.policy_version, e.policy_version, a.policy_version
from (select distinct market, effective from publication where role in ('integrity', 'experience', 'abuse')
      and withdrawn_at is null) t
join lateral (select policy_version from publication where market = t.market and role = 'integrity' and withdrawn_at is null
              and effective <= t.effective order by effective desc limit 1) i on true
join lateral (select policy_version from publication where market = t.market and role = 'experience' and withdrawn_at is null
              and effective <= t.effective order by effective desc limit 1) e on true
join lateral (select policy_version from publication where market = t.market and role = 'abuse' and withdrawn_at is null
              and effective <= t.effective order by effective desc limit 1) a on true
on conflict do nothing

-- name: scorecards
-- What scores together, with the number that rulings name it by.
select no, integrity, experience, abuse from scorecards

-- name: scored_by
-- The scorecards that a ruling names.
select r.role, v.policy, v.version, v.hash, v.source
from scorecards s
cross join lateral (values (1, 'integrity', s.integrity), (2, 'experience', s.experience), (3, 'abuse', s.abuse)) as r (place, role, no)
join policy_version v on v.no = r.no
where s.no = $1
order by r.place

-- name: scored_case
-- The facts of a ruling, and what scored it.
select a.facts, a.scorecards from application a where a.no = $1

-- name: to_rescore
-- Rulings of a market in the order of their cases, from one on, with what reproduces them and what scored them.
select a.no, a.facts, a.scorecards, a.outcome, a.amount, v.source
from application a
join policy_version v on v.no = a.policy_version
where a.market = $1 and a.no > $2
order by a.no limit $3

-- name: count_rulings
-- How many rulings a market has.
select count(*) from application a join market m on m.no = a.market where m.id = $1

-- name: has_ruled
-- Whether anything was ruled in a market.
select exists (select from application where market = $1)

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
-- Everything published for a market: what rules it, then its scorecards, each in the order it counts.
select p.no, p.role, v.policy, v.version, v.hash, p.effective, p.published_by, p.published_at, p.withdrawn_by, p.withdrawn_at
from publication p
join policy_version v on v.no = p.policy_version
where p.market = $1
order by array_position(array['ruling', 'integrity', 'experience', 'abuse', 'labelling'], p.role), p.effective, p.no

-- name: texts
-- The stored texts of a policy version, by their hashes.
select no, hash from policy_version where policy = $1 and version = $2

-- name: publish
-- A version begins to count in a market on a day.
insert into publication (market, role, policy_version, effective, published_by, published_at) values ($1, $2, $3, $4, $5, $6)

-- name: withdraw
-- A publication that has not taken effect is taken back.
update publication set withdrawn_by = $2, withdrawn_at = $3 where no = $1
