-- name: find
-- Orders as they are known, locked, with their lines, the ids of their reviews, and whether the buyer was erased.
select o.no, o.market, o.id, b.id as buyer, o.buyer as buyer_no, o.placed_at, o.promised_at, o.shipped_at, o.delivered_at,
       (select array_agg((l.id, m.id, l.amount, l.category) order by l.position)
        from order_line l join account m on m.no = l.merchant where l.order_no = o.no) as lines,
       (select array_agg((r.id, r.score, r.at)) from review r where r.order_no = o.no) as reviews,
       b.id like 'erased-%' and exists (select from erasure e where e.account = b.no and e.pseudonym = b.id) as erased
from unnest($1::smallint[], $2::text[]) as f (market, id)
join orders o on o.market = f.market and o.id = f.id
join account b on b.no = o.buyer
order by o.no
for update of o

-- name: erased_stores
-- Those of some stores of a market, by what they are called, that were erased.
select a.id from account a join erasure e on e.account = a.no and e.pseudonym = a.id
where a.market = $1 and a.kind = 'merchant' and a.id = any($2::text[])

-- name: take_numbers
-- Numbers for new orders and their lines.
select array(select nextval('order_no') from generate_series(1, $1)) as orders,
       array(select nextval('order_line_no') from generate_series(1, $2)) as lines

-- name: insert_orders
-- Orders seen for the first time.
insert into orders (no, market, id, buyer, placed_at, promised_at, shipped_at, delivered_at, delivery_arrived, delivered_late)
select f.*,
       case when f.delivered_at is not null then nextval('arrival') end,
       case when f.delivered_at is not null then (f.delivered_at > f.promised_at) is true end
from unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
            $7::timestamptz[], $8::timestamptz[])
    as f (no, market, id, buyer, placed_at, promised_at, shipped_at, delivered_at)

-- name: insert_lines
-- The lines of new orders, in the order they were given.
insert into order_line (no, market, order_id, id, order_no, position, buyer, merchant, category, amount, placed_at, delivered_at)
select * from unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::bigint[], $6::smallint[], $7::bigint[],
                     $8::bigint[], $9::text[], $10::bigint[], $11::timestamptz[], $12::timestamptz[])

-- name: move_forward
-- Dates of known orders that have come further.
with moved as (
    select * from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
        as f (no, promised_at, shipped_at, delivered_at)
), lines as (
    update order_line l set delivered_at = f.delivered_at
    from moved f where l.order_no = f.no and l.delivered_at is distinct from f.delivered_at
)
update orders o
set promised_at = f.promised_at, shipped_at = f.shipped_at, delivered_at = f.delivered_at,
    delivery_arrived = coalesce(o.delivery_arrived, case when f.delivered_at is not null then nextval('arrival') end),
    delivered_late =
        coalesce(o.delivered_late, case when f.delivered_at is not null then (f.delivered_at > f.promised_at) is true end)
from moved f where o.no = f.no

-- name: insert_reviews
-- New reviews.
insert into review (order_no, id, score, at)
select * from unnest($1::bigint[], $2::text[], $3::smallint[], $4::timestamptz[])
