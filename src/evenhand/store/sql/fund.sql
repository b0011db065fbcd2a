-- name: markets
-- Markets, each with its fund.
select no, id, currency, time_zone, synthetic from market order by id

-- name: balance_before
-- What the fund of a market stood at before a moment: nothing paid in is booked yet, so it is what was paid out.
select coalesce(sum(amount), 0) from posting where market = $1 and account = 'fund' and value_at < $2

-- name: movements
-- What moved in the fund of a market between two moments (null is open), by cause.
select cause, count(*) as transfers, sum(amount) as amount
from posting
where market = $1 and account = 'fund'
  and ($2::timestamptz is null or value_at >= $2) and ($3::timestamptz is null or value_at < $3)
group by cause
order by cause
