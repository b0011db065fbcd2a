-- Returns that a policy ordered without a deadline, and in which something had happened before migration 16, get the week the others
-- got, from now on: where they stand, and what their events begin from.
with begun as (
    select c.no, now() + interval '168 hours' as due
    from case_file c join application a on a.no = c.no
    where a.outcome = 'return_and_refund' and a.respond_within_hours is null
      and c.state = 'settling' and c.due_at is null and c.first_due is null
      and (c.stands is null or (c.stands::jsonb -> 'todo' ? 'return' and c.stands ->> 'left' is null))
)
update case_file c
set due_at = b.due, first_due = b.due, stands = jsonb_set(c.stands::jsonb, '{due}', to_jsonb(b.due))
from begun b where c.no = b.no;
