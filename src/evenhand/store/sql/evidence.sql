-- name: one_at_a_time
-- Until the transaction ends nobody else adds evidence, so that numbers become visible in their order.
select pg_advisory_xact_lock(hashtext('evenhand.evidence'))

-- name: fingerprints
-- What is compared by sight, after a number, in order; some at a time.
select no, pdq, windows from evidence where no > $1 and pdq is not null order by no limit $2

-- name: thumbnails
-- The small grey pictures of candidates.
select no, thumbnail from evidence where no = any($1::bigint[])

-- name: same
-- Evidence with the same bytes. What many write alike (a text, a carrier's record) is not compared.
select no from evidence where sealed = $1 and kind not in ('text', 'tracking') order by no limit $2

-- name: add
-- Take evidence in.
insert into evidence (id, market, party, kind, bytes, sealed, copied, width, height, frames, quality, pdq, windows, thumbnail,
                      received_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
returning no

-- name: add_alike
-- What it is like.
insert into evidence_alike (evidence, earlier, exact, distance, likeness)
select $1, f.earlier, f.exact, f.distance, f.likeness
from unnest($2::bigint[], $3::boolean[], $4::smallint[], $5::real[]) as f (earlier, exact, distance, likeness)

-- name: one
-- One piece of evidence by its id.
select e.no, e.id, m.id as market, e.party, e.kind, e.bytes, e.sealed, e.copied, e.width, e.height, e.frames, e.quality,
       e.pdq is null as plain, e.received_at
from evidence e join market m on m.no = e.market
where e.id = $1

-- name: alike
-- What evidence is like, whichever came first, with the cases in which those were shown.
select e.id, k.exact, k.distance, k.likeness,
       array(select u.case_no from evidence_use u where u.evidence = e.no order by u.case_no limit $2) as cases
from (
    select earlier as no, exact, distance, likeness from evidence_alike where evidence = $1
    union all
    select evidence, exact, distance, likeness from evidence_alike where earlier = $1
) k
join evidence e on e.no = k.no
order by k.exact desc, k.likeness desc nulls last, e.no
limit $2

-- name: shown
-- What applications refer to: each piece with its like, and cases about other orders in which a buyer had shown any of them by
-- then. Some of each are enough, so that a picture that thousands show costs no more than another.
select f.i, f.id, e.no, l.order_no, e.kind not in ('text', 'tracking') as comparable, k.kin,
       array(
           select u.case_no
           from evidence_use u
           join evidence o on o.no = u.evidence and o.party = 'buyer'
           where u.evidence = any(k.kin) and u.order_no <> l.order_no and u.at <= f.at
           limit $6
       ) as cases
from unnest($1::int[], $2::smallint[], $3::text[], $4::bigint[], $5::timestamptz[]) as f (i, market, id, line, at)
join evidence e on e.market = f.market and e.id = f.id
join order_line l on l.no = f.line
cross join lateral (
    select array[e.no]
           || array(select earlier from evidence_alike where evidence = e.no)
           || array(select evidence from evidence_alike where earlier = e.no order by evidence limit 100) as kin
) k

-- name: use
-- Evidence that was shown in cases.
insert into evidence_use (case_no, evidence, order_no, at, seen_in)
select f.case_no, f.evidence, f.order_no, f.at, f.seen_in::bigint[]
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[])
    as f (case_no, evidence, order_no, at, seen_in)
on conflict do nothing

-- name: line_of_case
-- The market and the order line a case is about.
select market, line from application where no = $1

-- name: of_case
-- What was shown in a case, with where its like had been shown before.
select e.id, e.party, e.kind, e.received_at, u.at, u.seen_in
from evidence_use u join evidence e on e.no = u.evidence
where u.case_no = $1
order by u.at, e.no

-- name: ask_photo
-- Ask for a fresh photograph.
insert into photo_request (case_no, code, asked_by, asked_at, expires_at) values ($1, $2, $3, $4, $5) returning no

-- name: photo_request
-- A request for a photograph, with the market of its case, and what was seen on the answer if it was looked at.
select r.no, r.case_no, m.id as market_id, r.code, r.asked_by, r.asked_at, r.expires_at, e.id as evidence, c.shows_code, c.checked_by,
       c.checked_at, c.note
from photo_request r
join application a on a.no = r.case_no
join market m on m.no = a.market
left join photo_check c on c.request = r.no
left join evidence e on e.no = c.evidence
where r.no = $1

-- name: photo_requests
-- The photographs asked for in a case, oldest first.
select r.no, r.case_no, m.id as market_id, r.code, r.asked_by, r.asked_at, r.expires_at, e.id as evidence, c.shows_code, c.checked_by,
       c.checked_at, c.note
from photo_request r
join application a on a.no = r.case_no
join market m on m.no = a.market
left join photo_check c on c.request = r.no
left join evidence e on e.no = c.evidence
where r.case_no = $1
order by r.no

-- name: check_photo
-- What a person saw on the photograph; once per request.
insert into photo_check (request, evidence, shows_code, checked_by, checked_at, note)
select $1, e.no, $3, $4, $5, $6 from evidence e where e.id = $2
on conflict (request) do nothing
returning request
