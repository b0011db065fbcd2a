-- The path writes less, and nobody reads again what it wrote.

-- Cases that speak against buyers are noted when they are booked; those of bookings that the labelling pass has not come to yet, here.
create index label_sign_case on label_sign (case_no);
insert into label_sign (account, case_no, at)
select a.buyer, a.no, a.applied_at
from label_pass p
join outbox o on o.batch is not null and (o.position is null or o.position > p.position)
join application a on a.no between o.first_case and o.last_case and a.batch = o.batch
where a.outcome = 'decline' or a.facts -> 'abuse' ->> 'frequent_refund_only' = 'true'
   or a.facts -> 'abuse' ->> 'frequent_counterfeit_claims' = 'true'
on conflict do nothing;
