-- A return that a policy ordered has a deadline, also where the policy names none: a case of its own row, like every other that waits.
-- Those there are get the usual week, from now on.
insert into case_file (no, market, state, due_at, first_due, wanted_by, stake)
select a.no, a.market, 'settling', now() + interval '168 hours', now() + interval '168 hours', null, a.asked
from application a
where a.outcome = 'return_and_refund' and a.respond_within_hours is null
on conflict (no) do nothing;
