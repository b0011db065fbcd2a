-- name: register_policy
-- Keep a policy version, word for word; the same text again is fine.
insert into policy_version (policy, version, effective, hash, source) values ($1, $2, $3, $4, $5)
on conflict (policy, version, hash) do nothing

-- name: policy_versions
-- Every stored policy version, oldest text first.
select no, policy, version, hash, source from policy_version order by no

-- name: markets
-- Every market.
select no, id, name, policy, pinned, currency, time_zone, synthetic from market order by no

-- name: add_market
-- A new market; one that is there already stays as it is.
insert into market (id, name, policy, pinned, currency, time_zone, synthetic) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do nothing

-- name: find
-- For each application, in order: its order and line, what was filed under its id before, and a number for its case.
select f.i, nextval('case_no') as case_no, o.no as order_no, o.buyer, o.placed_at, o.delivered_at,
       l.merchant, l.category, l.amount, l.refunded, a.no as known, a.digest
from unnest($1::smallint[], $2::text[], $3::text[], $4::text[]) with ordinality as f (market, id, order_id, line, i)
left join orders o on o.market = f.market and o.id = f.order_id
left join order_line l on l.order_no = o.no and l.id = f.line
left join application a on a.market = f.market and a.id = f.id

-- name: rulings
-- Rulings issued before, as they were answered.
select r.application, a.id, r.outcome, r.payer, r.return_required, r.amount, r.respond_within_hours, v.policy, v.version, r.rule,
       r.because_en, r.because_zh, r.trace
from ruling r
join application a on a.no = r.application
join policy_version v on v.no = r.policy_version
where r.application = any($1::bigint[])

-- name: book
-- One batch, one statement: applications, rulings, cases, what is granted on the order lines, transfers, outgoing events and
-- the accounts' new history. All of it or nothing.
with filed as materialized (
    select * from unnest(
        $1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[],
        $10::text[], $11::bigint[], $12::timestamptz[], $13::json[], $14::bytea[], $15::int[], $16::text[], $17::text[],
        $18::boolean[], $19::bigint[], $20::int[], $21::text[], $22::text[], $23::text[], $24::json[], $25::json[], $26::text[],
        $27::timestamptz[], $28::text[], $29::text[]
    ) as f (no, market, id, order_no, line, buyer, merchant, remedy, stage, reason, asked, applied_at, extra, digest,
            policy_version, outcome, payer, return_required, amount, hours, rule, because_en, because_zh, facts, trace,
            state, due_at, cause, currency)
), applications as (
    insert into application (no, market, id, order_no, line, buyer, merchant, remedy, stage, reason, amount, applied_at, extra, digest)
    select no, market, id, order_no, line, buyer, merchant, remedy, stage, reason, asked, applied_at, extra, digest from filed
), rulings as (
    insert into ruling (application, policy_version, outcome, payer, return_required, amount, respond_within_hours, rule,
                        because_en, because_zh, facts, trace, engine, ruled_at)
    select no, policy_version, outcome, payer, return_required, amount, hours, rule, because_en, because_zh, facts, trace, $30, $31
    from filed
), opened as (
    insert into cases (no, market, outcome, state, opened_at, due_at)
    select no, market, outcome, state, applied_at, due_at from filed
), granted as (
    update order_line l set refunded = l.refunded + g.amount
    from (select order_no, line, sum(amount)::bigint as amount from filed where cause is not null group by order_no, line) g
    where l.order_no = g.order_no and l.id = g.line
), transfers as (
    insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, booked_at)
    select market, currency, cause, no,
           case cause when 'subsidy' then 'fund' else 'merchant' end,
           case cause when 'subsidy' then null else merchant end,
           'buyer', buyer, amount, applied_at, $31
    from filed where cause is not null
), told as (
    insert into outbox (market, kind, case_no, at) select market, 'ruling.issued', no, $31 from filed
)
update account a set tiles = f.tiles
from unnest($32::bigint[], $33::bytea[]) as f (no, tiles)
where a.no = f.no
