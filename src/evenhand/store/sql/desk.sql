-- name: register_policy
-- Keep a policy version, word for word; the same text again is fine.
insert into policy_version (policy, version, effective, hash, source) values ($1, $2, $3, $4, $5)
on conflict (policy, version, hash) do nothing

-- name: policy_versions
-- Every stored policy version, oldest text first.
select no, policy, version, effective, hash, source from policy_version order by no

-- name: markets
-- Every market.
select no, id, name, policy, pinned, currency, time_zone, synthetic from market order by no

-- name: add_market
-- A new market; one that is there already stays as it is.
insert into market (id, name, policy, pinned, currency, time_zone, synthetic) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do nothing

-- name: find
-- For each application: its order line, both accounts as they stand, and what was filed under its id before. Cases are numbered in
-- the order of the applications. The lists come as JSON, which costs the driver a sixth of what arrays do; moments go as
-- microseconds since 1970 (exact until the year 2106), a quarter of what it takes to make dates of them.
select i, nextval('case_no') as case_no, line_no, category, amount, refunded,
       (date_part('epoch', placed_at) * 1000000)::bigint as placed, (date_part('epoch', delivered_at) * 1000000)::bigint as delivered,
       buyer, buyer_version, buyer_tiles, merchant, merchant_version, merchant_tiles, labels, linked, known, digest
from (
    select f.i, l.no as line_no, l.category, l.amount, l.refunded, l.placed_at, l.delivered_at,
           l.buyer, b.version as buyer_version, b.tiles as buyer_tiles,
           l.merchant, m.version as merchant_version, m.tiles as merchant_tiles,
           case when b.labelled then
               (select array_agg((label, starts_at, least(expires_at, ended_at))) from label
                where account = l.buyer and label <> 'warning')
           end as labels,
           b.linked,
           a.no as known, a.digest
    from rows from (
        json_array_elements_text($1), json_array_elements_text($2), json_array_elements_text($3), json_array_elements_text($4)
    ) with ordinality as f (market, id, order_id, line, i)
    left join order_line l on l.market = f.market::smallint and l.order_id = f.order_id and l.id = f.line
    left join account b on b.no = l.buyer
    left join account m on m.no = l.merchant
    left join application a on a.market = f.market::smallint and a.id = f.id
    order by f.i
) as found

-- name: order_exists
-- Whether a market has an order at all.
select exists (select from orders where market = $1 and id = $2)

-- name: rulings
-- Rulings issued before, with what reproduces them.
select a.no, a.id, a.outcome, a.payer, a.return_required, a.amount, a.respond_within_hours, a.rule, a.because_en, a.because_zh,
       a.facts, v.policy, v.version, v.source, m.currency
from application a
join policy_version v on v.no = a.policy_version
join market m on m.no = a.market
where a.no = any($1::bigint[])

-- name: name_facts
-- Lists of fact names, numbered; the same again is fine.
insert into fact_names (names) select * from unnest($1::text[]) on conflict (md5(names)) do nothing

-- name: fact_names
-- The numbers of lists of fact names.
select f.no, f.names from unnest($1::text[]) as n (names) join fact_names f on md5(f.names) = md5(n.names)

-- name: open_batch
-- A new booking of $5 rulings, and the one row that tells of all of them; their cases are numbered from $3 to $4.
with opened as (
    insert into batch (engine, booked_at) values ($1, $2) returning no
), told as (
    insert into outbox (span, type, at, batch, first_case, last_case) select $5, 'ruling.issued', $2, no, $3, $4 from opened
)
select no from opened

-- name: grant
-- Money that moves at once: what is granted on order lines, the transfers, and payouts where the market's fund pays by a gateway.
-- The lists come as JSON, as for `find`.
with moved as (
    select case_no::bigint, market::smallint, currency, cause, line::bigint, buyer::bigint, merchant::bigint, amount::bigint,
           value_at::timestamptz
    from rows from (
        json_array_elements_text($1), json_array_elements_text($2), json_array_elements_text($3), json_array_elements_text($4),
        json_array_elements_text($5), json_array_elements_text($6), json_array_elements_text($7), json_array_elements_text($8),
        json_array_elements_text($9)
    ) as f (case_no, market, currency, cause, line, buyer, merchant, amount, value_at)
), granted as (
    update order_line l set refunded = l.refunded + g.amount
    from (select line, sum(amount)::bigint as amount from moved group by line) g
    where l.no = g.line
), booked as (
    insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, booked_at)
    select market, currency, cause, case_no,
           case cause when 'subsidy' then 'fund' else 'merchant' end,
           case cause when 'subsidy' then null else merchant end,
           'buyer', buyer, amount, value_at, $10
    from moved
    returning no, market, currency, case_no, debit, credit_of, amount
)
insert into payout (granted, moved, market, currency, case_no, buyer, amount, gateway, due_at, made_at, changed_at)
select b.no, b.no, b.market, b.currency, b.case_no, b.credit_of, b.amount, p.gateway, $10, $10, $10
from booked b join payout_market p on p.market = b.market
where b.debit = 'fund'

-- name: still_named
-- Those of some accounts that are called what they were called, and that nobody has erased.
select a.no from unnest($1::bigint[], $2::text[]) as f (no, id)
join account a on a.no = f.no and a.id = f.id
where not exists (select from erasure e where e.account = a.no and e.pseudonym = a.id)
