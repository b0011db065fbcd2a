-- name: markets
-- Markets, each with its fund.
select no, id, currency, time_zone, synthetic from market order by id

-- name: market
-- A market by its id.
select no, id, currency, time_zone, synthetic from market where id = $1

-- name: book
-- Write transfers, in order; what the fund grants a buyer gets a payout where the market pays through a gateway.
with booked as (
    insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, follows, booked_at)
    select market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, follows, $12
    from unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[],
                $9::bigint[], $10::timestamptz[], $11::bigint[]) with ordinality
        as f (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, follows, i)
    order by i
    returning *
), paying as (
    insert into payout (granted, moved, market, currency, case_no, buyer, amount, gateway, due_at, made_at, changed_at)
    select b.no, b.no, b.market, b.currency, b.case_no, b.credit_of, b.amount, p.gateway, $12, $12, $12
    from booked b join payout_market p on p.market = b.market
    where b.debit = 'fund' and b.credit = 'buyer'
)
select no from booked order by no

-- name: note
-- Who moved money by hand, and why.
insert into transfer_note (transfer, by, note) values ($1, $2, $3)

-- name: days
-- The days of moments, each in its market's time zone.
select (f.value_at at time zone m.time_zone)::date as day
from unnest($1::smallint[], $2::timestamptz[]) with ordinality as f (market, value_at, i) join market m on m.no = f.market
order by f.i

-- name: take
-- Take what was granted from budgets.
select take_from_budgets($1::smallint[], $2::date[], $3::bigint[])

-- name: left
-- What the budgets of (market, day) have left, opening those never asked for; with $3 nobody else takes from them meanwhile.
select place, period, remains from budget_left($1::smallint[], $2::date[], $3)

-- name: balance
-- What the fund of a market stands at.
select coalesce(sum(amount), 0)::bigint from posting where market = $1 and account = 'fund'

-- name: balance_before
-- What the fund of a market stood at before a moment.
select coalesce(sum(amount), 0) from posting where market = $1 and account = 'fund' and value_at < $2

-- name: movements
-- What moved in the fund of a market between two moments (null is open), by cause.
select cause, count(*) as transfers, sum(amount) as amount
from posting
where market = $1 and account = 'fund'
  and ($2::timestamptz is null or value_at >= $2) and ($3::timestamptz is null or value_at < $3)
group by cause
order by cause

-- name: movements_by_day
-- The same by day of the market's time zone.
select (value_at at time zone $4)::date as day, cause, count(*) as transfers, sum(amount) as amount
from posting
where market = $1 and account = 'fund'
  and ($2::timestamptz is null or value_at >= $2) and ($3::timestamptz is null or value_at < $3)
group by 1, 2
order by 1, 2

-- name: stop_the_press
-- Wait for every booking under way, and let none begin until the transaction ends.
lock table transfer in share row exclusive mode

-- name: set_budget
-- A new budget.
insert into budget (market, period, first_day, last_day, amount, alert_percent, set_by, set_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning no

-- name: clashing
-- A budget for days of its own that shares some of them with others.
select first_day, last_day from (
    select distinct on (first_day, last_day) first_day, last_day, amount from budget
    where market = $1 and period = 'custom' order by first_day, last_day, no desc
) b
where amount is not null and first_day <= $3 and last_day >= $2 and (first_day, last_day) <> ($2, $3)
limit 1

-- name: budgets_now
-- The budgets that count today, of every market or one, with what is spent of them.
select m.id as market, m.currency, b.period, s.first_day, s.last_day, b.amount, b.alert_percent, b.set_by, b.set_at,
       granted_in(m.no, s.first_day, s.last_day) as spent, p.alerted_at, p.spent_at
from market m
cross join lateral budgets_on(m.no, ($1::timestamptz at time zone m.time_zone)::date) s
join budget b on b.no = s.budget
left join budget_period p on p.budget = s.budget and p.first_day = s.first_day
where $2::text is null or m.id = $2
order by m.id, b.period

-- name: running_low
-- Stretches of days of which so much is spent that somebody is to be told, and has not been.
select p.no, m.no as market, m.id, m.currency, b.period, p.first_day, p.last_day, p.amount, r.remains,
       r.remains = 0 as spent
from budget_period p
join budget b on b.no = p.budget
join market m on m.no = b.market
cross join lateral (select sum(remains)::bigint as remains from budget_share where period = p.no) r
where p.last_day >= ($1::timestamptz at time zone m.time_zone)::date and p.spent_at is null
  and ((r.remains = 0) or (p.alerted_at is null and p.amount - r.remains >= p.amount * (b.alert_percent / 100.0)))
for update of p skip locked

-- name: told
-- It was told.
update budget_period set alerted_at = coalesce(alerted_at, $2), spent_at = case when $3 then $2 end where no = $1
