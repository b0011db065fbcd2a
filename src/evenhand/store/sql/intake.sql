-- name: find
-- Orders as they are known, locked, with their lines and the ids of their reviews.
select o.no, o.market, o.id, b.id as buyer, o.buyer as buyer_no, o.placed_at, o.promised_at, o.shipped_at, o.delivered_at,
       (select array_agg((l.id, m.id, l.merchant, l.amount, l.category) order by l.position)
        from order_line l join account m on m.no = l.merchant where l.order_no = o.no) as lines,
       (select array_agg((r.id, r.score, r.at)) from review r where r.order_no = o.no) as reviews
from unnest($1::smallint[], $2::text[]) as f (market, id)
join orders o on o.market = f.market and o.id = f.id
join account b on b.no = o.buyer
order by o.no
for update of o

-- name: take_numbers
-- Numbers for new orders.
select nextval('order_no') as no from generate_series(1, $1)

-- name: insert_orders
-- Orders seen for the first time.
insert into orders (no, market, id, buyer, placed_at, promised_at, shipped_at, delivered_at)
select * from unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
                     $7::timestamptz[], $8::timestamptz[])

-- name: insert_lines
-- The lines of new orders, in the order they were given.
insert into order_line (order_no, position, id, merchant, category, amount)
select * from unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])

-- name: move_forward
-- Dates of known orders that have come further.
update orders o set promised_at = f.promised_at, shipped_at = f.shipped_at, delivered_at = f.delivered_at
from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[]) as f (no, promised_at, shipped_at, delivered_at)
where o.no = f.no

-- name: insert_reviews
-- New reviews.
insert into review (order_no, id, score, at)
select * from unnest($1::bigint[], $2::text[], $3::smallint[], $4::timestamptz[])
