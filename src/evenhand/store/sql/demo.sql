-- name: try_alone
-- Be the only demo at work in this database until the connection is given back; false when another is.
select pg_try_advisory_lock($1)

-- name: holds_real_data
-- Whether anybody of a real marketplace is known here: every order, application and label brings an account.
select exists (select from account a join market m on m.no = a.market where not m.synthetic)

-- name: made
-- The demo that was made here before, if there was one.
select seed, orders, engine, finished_at is not null as finished from demo

-- name: clear
-- Empty everything and count cases from one again: only ever called where all there is is synthetic. Several statements. Numbers
-- of accounts and markets are not used again, since servers at work keep some in mind.
update revision set no = no + 1;
truncate demo, market, account, label, orders, order_line, review, batch, application, interception, transfer, case_file, reasons_statement
cascade;
alter sequence case_no restart

-- name: begin
-- A demo is being made.
insert into demo (seed, orders, engine) values ($1, $2, $3)

-- name: finish
-- Everything is there.
update demo set finished_at = now()

-- name: count_orders
-- Orders of the synthetic markets.
select count(*) from orders o join market m on m.no = o.market where m.synthetic

-- name: by_policy
-- What the synthetic markets' applications came to, by market, policy version and outcome; money in minor units.
select m.id as market, m.name, m.currency, v.policy, v.version, v.effective, a.outcome,
       count(*) as applications,
       sum(a.asked)::bigint as claimed,
       coalesce(sum(t.amount) filter (where t.debit = 'fund'), 0)::bigint as paid_by_platform,
       coalesce(sum(t.amount) filter (where t.debit = 'merchant'), 0)::bigint as paid_by_merchants
from application a
join market m on m.no = a.market and m.synthetic
join policy_version v on v.no = a.policy_version
left join transfer t on t.case_no = a.no
group by m.no, v.no, a.outcome
order by m.no, v.effective, v.no, a.outcome
