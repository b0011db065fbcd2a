-- name: cases
-- Cases, newest ruling first, from the one before $1 on. The times $5 and $6 bound the days $7 and $8 (the market's own) so
-- that block ranges can be skipped; $9 is the beginning of an application's id, below $10, and $11 a case number; $13 is a cause of
-- interception. Beside the first ruling the decision in force, where there is one.
select a.no, m.id as market, m.name as market_name, m.synthetic, m.currency, m.time_zone, a.id, a.remedy, a.stage, a.reason,
       a.asked, a.applied_at, a.outcome, a.payer, a.return_required, a.amount, a.respond_within_hours,
       v.policy, v.version, a.rule, f.stands -> 'decision' as decision
from application a
join market m on m.no = a.market
join policy_version v on v.no = a.policy_version
left join case_file f on f.no = a.no
where ($1::bigint is null or a.no < $1)
  and a.market = any($2::smallint[])
  and ($3::text is null or a.outcome = $3)
  and ($4::int[] is null or a.policy_version = any($4))
  and ($5::timestamptz is null or a.applied_at >= $5)
  and ($6::timestamptz is null or a.applied_at < $6)
  and ($7::date is null or (a.applied_at at time zone m.time_zone)::date >= $7)
  and ($8::date is null or (a.applied_at at time zone m.time_zone)::date <= $8)
  and ($9::text is null or (a.market = any($2) and a.id >= $9 and a.id < $10) or a.no = $11)
  and ($13::text is null or exists (select from interception i where i.case_no = a.no and i.cause = $13))
order by a.no desc
limit $12

-- name: case
-- One case with everything it was ruled on.
select a.no, m.id as market, m.name as market_name, m.synthetic, m.currency, m.time_zone,
       a.id, l.order_id, l.id as line, b.id as buyer, s.id as merchant, a.remedy, a.stage, a.reason, a.asked, a.applied_at,
       a.extra, l.category, l.amount as paid, l.refunded, o.placed_at, o.promised_at, o.shipped_at, o.delivered_at,
       a.outcome, a.payer, a.return_required, a.amount, a.respond_within_hours, a.rule, a.because_en, a.because_zh, a.facts,
       v.policy, v.version, v.effective, v.hash, v.source, t.engine, t.booked_at, a.scorecards
from application a
join market m on m.no = a.market
join order_line l on l.no = a.line
join orders o on o.no = l.order_no
join account b on b.no = a.buyer
join account s on s.no = a.merchant
join policy_version v on v.no = a.policy_version
join batch t on t.no = a.batch
where a.no = $1

-- name: postings
-- The postings of a case: what each account gained or lost.
select p.transfer, p.cause, p.account, a.id as owner, p.amount, p.currency, p.value_at, p.booked_at
from posting p
left join account a on a.no = p.owner
where p.case_no = $1
order by p.transfer, p.amount

-- name: daily
-- Applications by market, day (the market's own) and outcome: how many, asked, granted; in the days from $2 to $3.
select a.market, (a.applied_at at time zone m.time_zone)::date as day, a.outcome,
       count(*) as applications, sum(a.asked)::bigint as asked, sum(a.amount)::bigint as granted
from application a
join market m on m.no = a.market
where a.market = any($1::smallint[])
  and ($2::date is null or (a.applied_at >= ($2::date - 1)::timestamp at time zone 'UTC'
                            and (a.applied_at at time zone m.time_zone)::date >= $2))
  and ($3::date is null or (a.applied_at < ($3::date + 2)::timestamp at time zone 'UTC'
                            and (a.applied_at at time zone m.time_zone)::date <= $3))
group by 1, 2, 3
order by 2, 1, 3

-- name: paid_daily
-- What moved in the ledger by market, day and cause.
select t.market, (t.value_at at time zone m.time_zone)::date as day, t.cause, sum(t.amount)::bigint as amount
from transfer t
join market m on m.no = t.market
where t.market = any($1::smallint[])
  and ($2::date is null or (t.value_at at time zone m.time_zone)::date >= $2)
  and ($3::date is null or (t.value_at at time zone m.time_zone)::date <= $3)
group by 1, 2, 3
order by 2, 1, 3

-- name: policy_versions
-- Every stored policy version, newest text first.
select no, policy, version, effective, hash, source, stored_at from policy_version order by policy, effective desc, no desc

-- name: well
-- Whether the database answers.
select 1
