-- name: note_count
-- What a case adds to histories; taken while the accounts are held, so that its arrival is known.
insert into case_count (case_no, day, kind, weight, outcome, source, late, used) values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: events
-- Everything that histories of a market count, as `evenhand.history.batch` reads it: one row per event and account it is of, in the
-- order of arrival. `ask` is the case number of an application, which is ruled on what came before it: those rows are the asks too.
with zone as (
    select time_zone from market where no = $1
), told as (
    select arrived, 0::bigint as place, placed_at as at, 'order' as kind, buyer, null::bigint as merchant,
           (select sum(amount)::bigint from order_line l where l.order_no = o.no) as amount,
           null::smallint as score, null::boolean as late
    from orders o where market = $1
    union all
    select o.arrived, l.merchant, o.placed_at, 'order', null, l.merchant, sum(l.amount)::bigint, null, null
    from orders o join order_line l on l.order_no = o.no where o.market = $1
    group by o.no, l.merchant
    union all
    select o.delivery_arrived, l.merchant, o.delivered_at, 'delivery', null, l.merchant, null, null, o.delivered_late
    from orders o join order_line l on l.order_no = o.no where o.market = $1 and o.delivered_at is not null
    group by o.no, l.merchant
    union all
    select r.arrived, l.merchant, r.at, 'review', null, l.merchant, null, r.score, null
    from orders o join order_line l on l.order_no = o.no join review r on r.order_no = o.no where o.market = $1
    group by r.order_no, r.id, l.merchant
), every as (
    select arrived, place, (at at time zone (select time_zone from zone))::date - date '1970-01-01' as day, kind, buyer, merchant,
           1 as weight, null as remedy, null as reason, null as stage, null as outcome, null as source, late, score, amount,
           null::int as used, null::bigint as ask
    from told
    union all
    select b.arrived, a.no, (a.applied_at at time zone (select time_zone from zone))::date - date '1970-01-01', 'ruled', a.buyer,
           a.merchant, 1, a.remedy, a.reason, a.stage, a.outcome, 'policy', null, null, a.asked, null, a.no
    from application a join batch b on b.no = a.batch where a.market = $1
    union all
    select c.arrived, 0, c.day, c.kind, case when c.kind in ('ruling', 'finding') then a.buyer end,
           case when c.kind in ('ruling', 'answer') then a.merchant end, c.weight, null, null, null,
           c.outcome, c.source, c.late, null, null, c.used, null
    from case_count c join application a on a.no = c.case_no where a.market = $1
)
select row_number() over (order by arrived, place) as seq, day, kind, buyer, merchant, weight, remedy, reason, stage, outcome,
       source, late::text as late, score, amount, used, ask
from every
order by seq

-- name: erased_since
-- Whether an account's history ($1) was erased at a moment ($2) or after it.
select exists (select from erasure where account = $1 and erased_at >= $2)

-- name: is_found
-- Whether what a person found in a case was counted and not taken back.
select coalesce(sum(weight), 0) > 0 from case_count where case_no = $1 and kind = 'finding'
