-- name: take
-- Payouts whose time has come, with what the gateway is told; nobody else gets them meanwhile.
select p.no, p.state, p.moved, p.key, p.amount, p.currency, p.gateway, p.market, p.case_no, p.buyer, p.attempts,
       m.id as market_id, b.id as buyer_id, l.order_id, r.reference
from payout p
join market m on m.no = p.market
join account b on b.no = p.buyer
join application a on a.no = p.case_no
join order_line l on l.no = a.line
left join payment_reference r on r.order_no = l.order_no
where p.due_at <= $1 and p.gateway = any($2::text[])
order by p.due_at
limit $3
for update of p skip locked

-- name: ask_now
-- A payout is to be asked about at once; one that is paid only where it is said to be undone ($3).
update payout set due_at = $4, changed_at = $4, state = case state when 'paid' then 'pending' else state end
where key = $1 and gateway = $2 and (state in ('sending', 'pending') or (state = 'paid' and $3))
returning no

-- name: noticed
-- Its gateway told of a payout.
insert into payout_event (payout, at, state, key, said) select no, $2, state, key, $3 from payout where no = $1

-- name: is_paid_out
-- Whether the last transfer of a payout says that it was paid.
select cause = 'payout_paid' from transfer where no = $1

-- name: is_handed_over
-- Whether the last transfer of a payout already handed its money to the gateway.
select cause = 'payout' from transfer where no = $1

-- name: taken
-- A payout is being sent, or asked about.
update payout set state = $2, moved = $3, due_at = $4, changed_at = $5, attempts = attempts + 1 where no = $1

-- name: lock
-- A payout, held until the transaction ends.
select * from payout where no = $1 for update

-- name: record
-- What became of a payout.
update payout set state = $2, moved = $3, due_at = $4, gateway_id = $5, problem = $6, changed_at = $7 where no = $1

-- name: said_paid
-- A gateway said that it paid another amount than it was asked to.
update payout set gateway_amount = $2 where no = $1

-- name: was_paid
-- A payout paid another amount than it was asked to.
update payout set amount = $2 where no = $1

-- name: pay_rest
-- What a payout paid too little ($3, given back by transfer $2) is paid by one of its own.
insert into payout (granted, moved, market, currency, case_no, buyer, amount, gateway, due_at, made_at, changed_at)
select $2, $2, market, currency, case_no, buyer, $3, gateway, $4, $4, $4 from payout where no = $1

-- name: happened
-- What happened to a payout.
insert into payout_event (payout, at, state, key, said) values ($1, $2, $3, $4, $5)

-- name: stop_the_press
-- Wait for every booking under way, and let none begin until the transaction ends.
lock table transfer in share row exclusive mode

-- name: paying
-- Through which gateway a market's fund pays, and since when; no row where through none.
select gateway, set_by, set_at, version from payout_market where market = $1

-- name: hold_paying
-- The version of how a market's fund pays; no row where it does not. Held until the transaction ends.
select version from payout_market where market = $1 for update

-- name: start
-- A market's fund pays through a gateway.
insert into payout_market (market, gateway, set_by, set_at) values ($1, $2, $3, $4)
on conflict (market) do update set gateway = excluded.gateway, set_by = excluded.set_by, set_at = excluded.set_at, version = excluded.version
returning version

-- name: stop
-- A market's fund pays through none any more.
delete from payout_market where market = $1

-- name: catch_up
-- Payouts for what a fund granted buyers since a day, where there are none yet.
insert into payout (granted, moved, market, currency, case_no, buyer, amount, gateway, due_at, made_at, changed_at)
select t.no, t.no, t.market, t.currency, t.case_no, t.credit_of, t.amount, $2, $4, $4, $4
from transfer t join market m on m.no = t.market
where t.market = $1 and t.debit = 'fund' and t.credit = 'buyer' and t.value_at >= $3::date::timestamp at time zone m.time_zone
on conflict (granted) do nothing
returning no

-- name: retry
-- A payout that was refused is due again, under a new key.
update payout set state = 'due', due_at = $2, changed_at = $2, attempts = 1, gateway_amount = null,
                  key = 'eh_' || replace(gen_random_uuid()::text, '-', '')
where no = $1
returning key

-- name: payment
-- By what the gateway knows the payment of an order; nulls where nobody has said.
select r.reference, r.set_at, coalesce(r.version, 0) as version
from orders o left join payment_reference r on r.order_no = o.no where o.market = $1 and o.id = $2

-- name: hold_order
-- An order whose payment is being named, held until the transaction ends.
select no from orders where market = $1 and id = $2 for no key update

-- name: refer
-- By what the gateway knows the payment of an order.
insert into payment_reference (order_no, reference, set_at) values ($1, $2, $3)
on conflict (order_no) do update
set reference = excluded.reference, set_at = excluded.set_at, version = payment_reference.version + 1
returning version

-- name: payouts
-- Payouts, the newest first.
select p.no, m.id, p.case_no::text, b.id, p.amount, p.currency, p.gateway, p.key, p.gateway_id, p.state, p.attempts, p.due_at,
       p.problem, p.gateway_amount, p.made_at, p.changed_at
from payout p
join market m on m.no = p.market
join account b on b.no = p.buyer
where ($1::text is null or m.id = $1) and ($2::text is null or p.state = $2) and ($3::bigint is null or p.no < $3)
order by p.no desc
limit $4

-- name: tallies
-- How many payouts are in which state.
select m.id, p.currency, p.state, count(*), sum(p.amount)::bigint
from payout p join market m on m.no = p.market
group by m.id, p.currency, p.state
order by m.id, array_position(array['due', 'sending', 'pending', 'paid', 'failed', 'differs', 'cancelled'], p.state)

-- name: reduce
-- A payout that was never sent pays so much less; nothing of it left cancels it.
update payout set amount = case when amount > $2 then amount - $2 else amount end,
                  state = case when amount > $2 then state else 'cancelled' end,
                  due_at = case when amount > $2 then due_at end, problem = $3, changed_at = $4
where no = $1

-- name: reported
-- Payouts that a gateway should know of, for comparing.
select p.no, p.key, p.gateway_id, p.amount, p.currency, p.state, p.case_no::text as case, p.changed_at
from payout p join market m on m.no = p.market
where p.gateway = $1 and ($2::text is null or m.id = $2) and p.attempts > 0
  and ($3::timestamptz is null or p.changed_at >= $3) and ($4::timestamptz is null or p.changed_at < $4)
order by p.no

-- name: known_keys
-- Which of these keys are of payouts here, whatever their market or time, and whether one was refused under it.
select e.key, bool_or(e.state = 'failed') and bool_and(p.key <> e.key) as refused
from payout_event e join payout p on p.no = e.payout
where e.key = any($1::text[])
group by e.key
