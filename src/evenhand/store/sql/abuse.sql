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
