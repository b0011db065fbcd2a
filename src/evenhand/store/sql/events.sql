-- name: emit
-- What happened, in order; from the caller's transaction.
insert into outbox (type, market, case_no, at, data)
select * from unnest($1::text[], $2::smallint[], $3::bigint[], $4::timestamptz[], $5::json[])

-- name: waiting
-- Whether anything has no place in the log yet.
select exists (select from outbox where position is null)

-- name: lock_next
-- The next place in the log, held until the transaction ends: one at a time gives places.
select position from outbox_next for update

-- name: place
-- Give places, from $1 on, to what is committed; returns the next free one. One snapshot sees every cause of what it sees, and a
-- cause has the lower number.
with waiting as (
    select no, sum(span) over (order by no) as upto
    from (select no, span from outbox where position is null order by no limit 5000) w
), placed as (
    update outbox o set position = $1 - 1 + w.upto from waiting w where o.no = w.no returning o.position
)
update outbox_next set position = (select max(position) + 1 from placed)
where exists (select from placed)
returning position

-- name: bounds
-- The last place that was given, and the last one that was deleted.
select position - 1 as last, forgotten from outbox_next

-- name: reach
-- How far a reader looks at once: to the place of the 2,000th row after $1.
select max(position) from (select position from outbox where position > $1 order by position limit 2000) o

-- name: page
-- Rows after $1 up to $2 of these types and markets, until they stand for $5 events.
select o.* from (
    select no, position, span, type, market, case_no, at, data, batch, first_case, last_case,
           sum(least(span, position - $1)) over (order by position) - least(span, position - $1) as before
    from outbox
    where position > $1 and position <= $2
      and ($3::text[] is null or type like any($3))
      and ($4::smallint[] is null or batch is not null or market = any($4))
) o
where o.before < $5
order by o.position

-- name: rulings
-- The rulings of bookings, each with its place in the log. $1 to $6 say of every booking: its number, between which cases it lies,
-- the place before its first, and how many of its rulings to skip and to take.
select b.before + r.place as position, b.batch, r.no as case_no, m.no as market_no, m.id as market, m.currency, r.id, l.order_id, l.id as line,
       y.id as buyer, s.id as merchant, t.booked_at, r.remedy, r.stage, r.reason, r.asked, r.applied_at, r.outcome, r.payer, r.return_required,
       r.amount, r.respond_within_hours, v.policy, v.version, r.rule, r.because_en, r.because_zh
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[])
    as b (batch, first_case, last_case, before, skip, take)
cross join lateral (
    select row_number() over (order by a.no) as place, a.*
    from application a
    where a.no between b.first_case and b.last_case and a.batch = b.batch
    order by a.no
    offset b.skip limit b.take
) r
join batch t on t.no = b.batch
join market m on m.no = r.market
join policy_version v on v.no = r.policy_version
join order_line l on l.no = r.line
join account y on y.no = r.buyer
join account s on s.no = r.merchant
order by 1

-- name: at
-- The rows that hold these places, each with the place that was asked for.
select o.no, w.position as asked, o.position, o.span, o.type, o.market, o.case_no, o.at, o.data, o.batch, o.first_case, o.last_case
from unnest($1::bigint[], $2::bigint[]) as w (row, position)
join outbox o on o.no = w.row

-- name: market_ids
-- The id of every market.
select no, id from market

-- name: forget
-- Delete what happened before $1, as far as no webhook that is at work has yet to look at it; returns the last place.
with old as (
    select no from outbox
    where position is not null and at < $1
      and position <= coalesce((select min(reached) from webhook where disabled_at is null), 9223372036854775807)
    order by position
    limit 2000
), gone as (
    delete from outbox o using old where o.no = old.no returning o.position
)
update outbox_next set forgotten = greatest(forgotten, (select max(position) from gone))
where exists (select from gone)
returning forgotten
