-- name: add
-- A new webhook, that has reached the end of the log; none when there is one of that id.
insert into webhook (id, url, note, types, markets, secret, reached, created_at)
select $1, $2, $3, $4, $5, $6, position - 1, $7 from outbox_next
on conflict (id) do nothing
returning no

-- name: count
-- How many webhooks there are.
select count(*) from webhook

-- name: webhooks
-- Every webhook, or the one of an id, with what is under way to it.
select w.*, d.waiting, d.dead, d.oldest, l.last_at, p.behind
from webhook w
cross join lateral (
    select count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'dead') as dead,
           min(made_at) filter (where state = 'waiting') as oldest
    from webhook_delivery where webhook = w.no and state <> 'delivered'
) d
cross join lateral (select max(ended_at) as last_at from webhook_delivery where webhook = w.no and state = 'delivered') l
cross join lateral (select position - 1 - w.reached as behind from outbox_next) p
where $1::text is null or w.id = $1
order by w.no

-- name: webhook
-- A webhook as it is stored.
select * from webhook where id = $1

-- name: lock
-- A webhook, held until the transaction ends.
select * from webhook where id = $1 for update

-- name: change
-- Another address, note, choice of types and markets.
update webhook set url = $2, note = $3, types = $4, markets = $5, version = version + 1 where no = $1

-- name: enable
-- Send to it again: what waits is due now.
with enabled as (
    update webhook set disabled_at = null, disabled_why = null, failing_since = null where no = $1 returning no
)
update webhook_delivery set due_at = least(due_at, $2) where webhook = (select no from enabled) and state = 'waiting'

-- name: disable
-- Send nothing to it any more.
update webhook set disabled_at = $2, disabled_why = $3 where no = $1 and disabled_at is null returning id

-- name: rotate
-- A new secret; the one before signs too until $3.
update webhook set old_secret = secret, old_until = $3, secret = $2, version = version + 1 where no = $1

-- name: delete
-- Forget a webhook, with everything that was on its way.
delete from webhook where id = $1 returning id

-- name: at_work
-- Webhooks that are sent to.
select * from webhook where disabled_at is null order by no

-- name: lock_to_fill
-- How far a webhook has looked, held until the transaction ends; null when somebody else is filling.
select reached from webhook where no = $1 and disabled_at is null for update skip locked

-- name: waiting
-- How many deliveries wait for a webhook.
select count(*) from webhook_delivery where webhook = $1 and state = 'waiting'

-- name: fill
-- Events that a webhook is to get.
insert into webhook_delivery (webhook, outbox, position, type, case_no, due_at, made_at)
select $1, e.row, e.position, e.type, e.case_no, $6, $6
from unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[]) as e (row, position, type, case_no)
on conflict (webhook, position) do nothing

-- name: reach
-- A webhook has looked so far.
update webhook set reached = $2 where no = $1

-- name: take
-- Deliveries that are due, at most $4, to be ended before $3: then they are due again, whatever became of the sender. An event waits
-- for those of its case before it.
update webhook_delivery t set attempts = t.attempts + 1, due_at = $3
from (
    select d.no from webhook_delivery d
    where d.webhook = $1 and d.state = 'waiting' and d.due_at <= $2
      and (d.case_no is null or not exists (
          select from webhook_delivery e
          where e.webhook = d.webhook and e.case_no = d.case_no and e.state = 'waiting' and e.position < d.position))
    order by d.due_at, d.position
    limit $4
    for update skip locked
) due
where t.no = due.no
returning t.no, t.outbox, t.position, t.attempts, t.resent_at

-- name: end
-- What became of a delivery that was taken as its $2nd sending; nothing when it was taken again since.
update webhook_delivery set state = $3, due_at = $4, ended_at = $5
where no = $1 and attempts = $2 and state = 'waiting'
returning webhook

-- name: attempt
-- What came back.
insert into webhook_attempt (delivery, no, at, status, error, took_ms, answer) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (delivery, no) do nothing

-- name: arrived
-- Something has got through.
update webhook set failing_since = null where no = $1 and failing_since is not null

-- name: failed
-- Nothing has got through since; returns since when.
update webhook set failing_since = coalesce(failing_since, $2) where no = $1 returning failing_since

-- name: deliveries
-- Deliveries to a webhook, the latest event first, from the one before $3 on, with what came of the last sending.
select d.*, a.at as sent_at, a.status, a.error, a.took_ms, a.answer
from webhook_delivery d
left join lateral (select * from webhook_attempt where delivery = d.no order by no desc limit 1) a on true
where d.webhook = $1 and ($2::text is null or d.state = $2) and ($3::bigint is null or d.position < $3)
order by d.position desc
limit $4

-- name: attempts
-- Every sending of a delivery.
select a.* from webhook_attempt a join webhook_delivery d on d.no = a.delivery
where d.webhook = $1 and d.position = $2 order by a.no

-- name: resend
-- Send a delivery again, now, with a whole schedule before it.
update webhook_delivery set state = 'waiting', due_at = $3, ended_at = null, resent_at = attempts
where webhook = $1 and position = $2
returning no

-- name: resend_dead
-- Send all dead letters again.
update webhook_delivery set state = 'waiting', due_at = $2, ended_at = null, resent_at = attempts
where webhook = $1 and state = 'dead'

-- name: forget_delivered
-- Deliveries that arrived before $1 need not be shown any more.
delete from webhook_delivery where no in (
    select no from webhook_delivery where state = 'delivered' and ended_at < $1 order by ended_at limit 2000
)
