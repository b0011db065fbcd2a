-- name: write
-- What a booking declined: cases, markets, days, causes, what was asked.
insert into interception (case_no, market, day, cause, asked)
select * from unnest($1::bigint[], $2::smallint[], $3::date[], $4::text[], $5::bigint[])

-- name: decided_again
-- A later decision on a case that was intercepted: whether it is not to decline.
update interception set overturned = $2 where case_no = $1 and overturned <> $2

-- name: unnamed
-- The latest interceptions that have no cause yet, with what reproduces them; held until the transaction ends.
select i.case_no, a.facts, m.currency, v.source
from interception i
join application a on a.no = i.case_no
join market m on m.no = i.market
join policy_version v on v.no = a.policy_version
where i.cause is null
order by i.case_no desc limit $1
for update of i skip locked

-- name: name
-- The causes of interceptions.
update interception i set cause = f.cause from unnest($1::bigint[], $2::text[]) as f (case_no, cause) where i.case_no = f.case_no

-- name: daily
-- Applications that were intercepted, by market, day (the market's own) and cause, from day $2 to $3: how many, what they asked for
-- (minor units), and how many were turned over later.
select m.no as number, m.id as market, m.currency, i.day, coalesce(i.cause, 'other') as cause, i.applications, i.asked, i.overturned
from (
    select market, day, cause, count(*) as applications, sum(asked)::bigint as asked, count(*) filter (where overturned) as overturned
    from interception
    where market = any($1::smallint[]) and ($2::date is null or day >= $2) and ($3::date is null or day <= $3)
    group by market, day, cause
) i
join market m on m.no = i.market
order by i.day, m.id, i.cause

-- name: today
-- The same of every market's own day at a moment.
select m.id as market, coalesce(i.cause, 'other') as cause, i.applications, i.overturned
from market m
cross join lateral (
    select cause, count(*) as applications, count(*) filter (where overturned) as overturned
    from interception
    where market = m.no and day = ($1::timestamptz at time zone m.time_zone)::date
    group by cause
) i
order by 1, 2
