-- name: account
-- An account with its history.
select no, tiles from account where market = $1 and kind = $2 and id = $3

-- name: interceptions
-- Applications that were intercepted, by market, day (the market's own) and cause (the deciding rule's reason, and the sign of abuse
-- that stood, if one did); what they asked for, minor units.
select m.id as market, m.currency, (a.applied_at at time zone m.time_zone)::date as day,
       case when (a.facts -> 'buyer' ->> 'label') = 'malicious' then 'malicious_label'
            when (a.facts -> 'abuse' ->> 'reused_evidence') = 'true' then 'reused_evidence'
            when (a.facts -> 'abuse' ->> 'empty_parcel') = 'true' then 'empty_parcel'
            when (a.facts -> 'abuse' ->> 'frequent_counterfeit_claims') = 'true' then 'frequent_counterfeit_claims'
            when (a.facts -> 'abuse' ->> 'frequent_refund_only') = 'true' then 'frequent_refund_only'
            else 'other' end as cause,
       count(*) as applications, sum(a.asked)::bigint as asked
from application a
join market m on m.no = a.market
where a.outcome = 'decline' and a.market = any($1::smallint[])
  and ($2::date is null or (a.applied_at >= ($2::date - 1)::timestamp at time zone 'UTC'
                            and (a.applied_at at time zone m.time_zone)::date >= $2))
  and ($3::date is null or (a.applied_at < ($3::date + 2)::timestamp at time zone 'UTC'
                            and (a.applied_at at time zone m.time_zone)::date <= $3))
group by 1, 2, 3, 4
order by 3, 1, 4
