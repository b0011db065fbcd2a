-- name: ruled
-- Rulings of one market, or of every one, with the facts they were given, in the order of their cases.
select a.no, m.id as market, m.synthetic, a.id, b.id as buyer, a.facts
from application a
join market m on m.no = a.market
join account b on b.no = a.buyer
where $1::text is null or m.id = $1
order by a.no

-- name: judged
-- The latest word of persons, or of a panel, in every case that has one: what they decided, on what grounds, and on which day of the
-- market. A ruling that was turned over on appeal is not the latest.
select distinct on (e.case_no) m.id as market, a.id, e.said -> 'decision' ->> 'outcome' as outcome,
       array(select json_array_elements_text(e.said -> 'decision' -> 'grounds')) as grounds,
       (e.at at time zone m.time_zone)::date as known_on
from case_event e
join application a on a.no = e.case_no
join market m on m.no = a.market
where e.action = 'rule' and e.role in ('adjudicator', 'panel') and ($1::text is null or m.id = $1)
order by e.case_no, e.no desc

-- name: demo
-- The synthetic marketplace that was made here.
select seed, orders from demo where finished_at is not null

-- name: store
-- Keep a card; the same one again is fine.
insert into abuse_model (version, hash, card, document, report, stored_by, stored_at) values ($1, $2, $3, $4, $5::json, $6, $7)
on conflict (hash) do nothing

-- name: model
-- A kept card by its version.
select no, version, hash, card, document, report, stored_by, stored_at from abuse_model where version = $1

-- name: models
-- Every kept card, the newest first, with the markets that use it now.
select v.version, v.hash, v.stored_by, v.stored_at,
       array(
           select m.id
           from market m
           join lateral (select model from abuse_activation a where a.market = m.no order by a.no desc limit 1) a on true
           where a.model = v.no
           order by m.id
       ) as markets
from abuse_model v
order by v.no desc

-- name: activate
-- A market uses a card from now on, or with null the documented scorecard.
insert into abuse_activation (market, model, activated_by, activated_at) values ($1, $2, $3, $4)

-- name: active
-- The card of every market that uses one.
select m.no, v.card
from market m
join lateral (select model from abuse_activation a where a.market = m.no order by a.no desc limit 1) a on true
join abuse_model v on v.no = a.model

-- name: in_use
-- The card a market uses now, with who let it and since when; none where the documented scorecard scores.
select v.version, a.activated_by, a.activated_at
from (
    select a.model, a.activated_by, a.activated_at
    from abuse_activation a
    join market m on m.no = a.market
    where m.id = $1
    order by a.no desc
    limit 1
) a
join abuse_model v on v.no = a.model

-- name: people_left
-- For each market and day: how many uncertain claims persons can look at (null is no limit), and how many they were given.
select f.place, s.per_day, coalesce(d.taken, 0) as taken
from unnest($1::smallint[], $2::date[]) with ordinality as f (market, day, place)
left join lateral (
    select (settings ->> 'uncertain_per_day')::int as per_day from case_settings where market = f.market order by no desc limit 1
) s on true
left join uncertain_day d on d.market = f.market and d.day = f.day

-- name: hold_people
-- Let nobody else give a claim of these days to a person until the transaction ends.
insert into uncertain_day (market, day)
select market, day from unnest($1::smallint[], $2::date[]) as f (market, day) order by market, day
on conflict (market, day) do update set taken = uncertain_day.taken

-- name: take_people
-- Give claims to persons, within the market's limit as it is set now: one that was lowered below what was given out already gives no
-- more, and takes nothing back.
insert into uncertain_day (market, day, per_day, taken, passed)
select f.market, f.day, s.per_day, f.taken, f.passed
from unnest($1::smallint[], $2::date[], $3::int[], $4::int[]) as f (market, day, taken, passed)
left join lateral (
    select (settings ->> 'uncertain_per_day')::int as per_day from case_settings where market = f.market order by no desc limit 1
) s on true
order by f.market, f.day
on conflict (market, day) do update
set per_day = case when excluded.per_day is not null then greatest(excluded.per_day, uncertain_day.taken) end,
    taken = uncertain_day.taken + excluded.taken,
    passed = uncertain_day.passed + excluded.passed

-- name: uncertain_today
-- How it stands today in each market that uses a learned score, or gave claims to persons today.
select m.id, t.day, s.per_day, coalesce(d.taken, 0) as taken, coalesce(d.passed, 0) as passed
from market m
cross join lateral (select ($2::timestamptz at time zone m.time_zone)::date as day) t
left join lateral (select model from abuse_activation where market = m.no order by no desc limit 1) a on true
left join lateral (
    select (settings ->> 'uncertain_per_day')::int as per_day from case_settings where market = m.no order by no desc limit 1
) s on true
left join uncertain_day d on d.market = m.no and d.day = t.day
where m.no = any($1::smallint[]) and (a.model is not null or d.market is not null)
order by m.id
