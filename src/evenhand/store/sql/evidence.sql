-- name: one_at_a_time
-- Until the transaction ends nobody else adds evidence, so that numbers become visible in their order.
select pg_advisory_xact_lock(hashtext('evenhand.evidence'))

-- name: fingerprints
-- What is compared by sight, after a number, in order; some at a time.
select no, pdq, windows from evidence where no > $1 and pdq is not null order by no limit $2

-- name: thumbnails
-- The small grey pictures of candidates.
select no, thumbnail from evidence where no = any($1::bigint[]) and thumbnail is not null

-- name: same
-- Evidence with the same bytes. What many write alike (a text, a carrier's record) is not compared.
select no from evidence where sealed = $1 and kind not in ('text', 'tracking') order by no limit $2

-- name: add
-- Take evidence in.
insert into evidence (id, market, party, kind, bytes, sealed, copied, width, height, frames, quality, pdq, windows, thumbnail,
                      received_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
returning no

-- name: add_credential
-- What the camera that took it says.
insert into capture_credential (evidence, signer, camera, source, taken_at, time_stamped) values ($1, $2, $3, $4, $5, $6)

-- name: credential
-- What the camera that took it says, where it says something.
select signer, camera, source, taken_at, time_stamped from capture_credential where evidence = $1

-- name: add_alike
-- What it is like.
insert into evidence_alike (evidence, earlier, exact, distance, likeness)
select $1, f.earlier, f.exact, f.distance, f.likeness
from unnest($2::bigint[], $3::boolean[], $4::smallint[], $5::real[]) as f (earlier, exact, distance, likeness)

-- name: one
-- One piece of evidence by its id.
select e.no, e.id, m.id as market, e.party, e.kind, e.bytes, e.sealed, e.copied, e.width, e.height, e.frames, e.quality,
       e.received_at, e.removed_at, e.removed_why
from evidence e join market m on m.no = e.market
where e.id = $1

-- name: alike
-- What evidence is like, whichever came first, with the cases in which those were shown. Of what was erased with a person nothing
-- is told: how like it is to a file that is still there would show what it was.
select e.id, k.exact, k.distance, k.likeness,
       array(select u.case_no from evidence_use u where u.evidence = e.no order by u.case_no limit $2) as cases
from (
    select earlier as no, exact, distance, likeness from evidence_alike where evidence = $1
    union all
    select evidence, exact, distance, likeness from evidence_alike where earlier = $1
) k
join evidence e on e.no = k.no and e.removed_why is distinct from 'erasure'
where not exists (select from evidence o where o.no = $1 and o.removed_why = 'erasure')
order by k.exact desc, k.likeness desc nulls last, e.no
limit $2

-- name: shown
-- What applications refer to: each piece with its like, and cases about other orders in which a buyer had shown any of them by
-- then. Some of each are enough, so that a picture that thousands show costs no more than another. A capture credential counts for
-- the buyer who shows it where the photograph was taken after the goods came (or were ordered, where they have not come) and not after
-- this, and nobody had shown it or its like about another order line by then.
select f.i, f.id, e.no, e.sealed, l.order_no, e.kind not in ('text', 'tracking') as comparable, k.kin,
       array(
           select u.case_no
           from evidence_use u
           join evidence o on o.no = u.evidence and o.party = 'buyer'
           where u.evidence = any(k.kin) and u.order_no <> l.order_no and u.at <= f.at
           limit $6
       ) as cases,
       e.party = 'buyer' and c.taken_at is not null
           and c.taken_at between case when l.delivered_at <= f.at then l.delivered_at else l.placed_at end and f.at
           and not exists (
               select from evidence_use u join application a on a.no = u.case_no
               where u.evidence = any(k.kin) and a.line <> f.line and u.at <= f.at
           ) as credential
from unnest($1::int[], $2::smallint[], $3::text[], $4::bigint[], $5::timestamptz[]) as f (i, market, id, line, at)
join evidence e on e.market = f.market and e.id = f.id
join order_line l on l.no = f.line
cross join lateral (
    select array[e.no]
           || array(select earlier from evidence_alike where evidence = e.no)
           || array(select evidence from evidence_alike where earlier = e.no order by evidence limit 100) as kin
) k
left join capture_credential c on c.evidence = e.no

-- name: use
-- Evidence that was shown in cases.
insert into evidence_use (case_no, evidence, order_no, at, seen_in, credential)
select f.case_no, f.evidence, f.order_no, f.at, f.seen_in::bigint[], f.credential
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::boolean[])
    as f (case_no, evidence, order_no, at, seen_in, credential)
on conflict do nothing

-- name: line_of_case
-- The market and the order line a case is about.
select market, line from application where no = $1

-- name: of_case
-- What was shown in a case, with where its like had been shown before, and what the camera that took it says.
select e.id, e.party, e.kind, e.received_at, e.removed_at, e.removed_why, u.at, u.seen_in, u.credential,
       c.signer, c.camera, c.source, c.taken_at, c.time_stamped
from evidence_use u join evidence e on e.no = u.evidence left join capture_credential c on c.evidence = e.no
where u.case_no = $1
order by u.at, e.no

-- name: ask_photo
-- Ask for a fresh photograph.
insert into photo_request (case_no, code, asked_by, asked_at, expires_at) values ($1, $2, $3, $4, $5) returning no

-- name: photo_request
-- A request for a photograph, with the market of its case, what was seen on the answer if it was looked at, and the photographs of
-- the case that their camera vouches for.
select r.no, r.case_no, m.id as market_id, r.code, r.asked_by, r.asked_at, r.expires_at, e.id as evidence, c.shows_code, c.checked_by,
       c.checked_at, c.note,
       array(select v.id from evidence_use u join evidence v on v.no = u.evidence where u.case_no = r.case_no and u.credential
             order by u.at, v.no) as vouched
from photo_request r
join application a on a.no = r.case_no
join market m on m.no = a.market
left join photo_check c on c.request = r.no
left join evidence e on e.no = c.evidence
where r.no = $1

-- name: photo_requests
-- The photographs asked for in a case, oldest first.
select r.no, r.case_no, m.id as market_id, r.code, r.asked_by, r.asked_at, r.expires_at, e.id as evidence, c.shows_code, c.checked_by,
       c.checked_at, c.note,
       array(select v.id from evidence_use u join evidence v on v.no = u.evidence where u.case_no = r.case_no and u.credential
             order by u.at, v.no) as vouched
from photo_request r
join application a on a.no = r.case_no
join market m on m.no = a.market
left join photo_check c on c.request = r.no
left join evidence e on e.no = c.evidence
where r.case_no = $1
order by r.no

-- name: answer
-- Evidence that may answer a request for a photograph in a case ($2), held until the transaction ends: whether it was shown there, and
-- whether it was shown in others.
select e.no, m.id as market, e.party, e.kind, e.sealed, e.received_at, e.removed_at,
       exists (select from evidence_use u where u.evidence = e.no and u.case_no = $2) as here,
       exists (select from evidence_use u where u.evidence = e.no and u.case_no <> $2) as elsewhere
from evidence e join market m on m.no = e.market
where e.id = $1
for no key update of e

-- name: answered
-- A request that evidence ($1), or the same file ($2), has answered, other than one ($3).
select c.request from photo_check c join evidence e on e.no = c.evidence
where (e.no = $1 or e.sealed = $2) and c.request <> $3
order by c.request limit 1

-- name: check_photo
-- What a person saw on the photograph; once per request.
insert into photo_check (request, evidence, shows_code, checked_by, checked_at, note)
select $1, e.no, $3, $4, $5, $6 from evidence e where e.id = $2
on conflict (request) do nothing
returning request

-- name: note_custody
-- Somebody had evidence in hand.
insert into evidence_custody (evidence, at, action, who, note) select no, $2, $3, $4, $5 from unnest($1::bigint[]) as f (no)

-- name: custody
-- Who had evidence in hand, in order.
select no, at, action, who, note, digest from evidence_custody where evidence = $1 order by no

-- name: retention
-- How long each market keeps evidence, where it has said so; with who said so.
select distinct on (r.market) r.market, r.months, r.set_by, r.set_at from evidence_retention r order by r.market, r.no desc

-- name: set_retention
-- A market keeps evidence so long from now on.
insert into evidence_retention (market, months, set_by, set_at) values ($1, $2, $3, $4)

-- name: expired
-- Evidence whose time is over: of markets ($1) it is kept so many months ($2) after the last case it was shown in has ended, or after
-- it came where it was shown in none. What is shown in a case that has not ended, or is held, stays. A case in which no clock runs and
-- nothing has happened since its ruling has ended with it.
select e.no, e.id, m.id as market, coalesce(u.ended, e.received_at) as since
from unnest($1::smallint[], $2::int[]) as k (market, months)
join market m on m.no = k.market
join evidence e on e.market = k.market and e.removed_at is null and e.received_at <= $3::timestamptz - make_interval(months => k.months)
cross join lateral (
    select max(case when f.no is null then b.booked_at
                    when f.state = 'closed' then coalesce((f.stands ->> 'ended_at')::timestamptz, b.booked_at)
                    else 'infinity' end) as ended,
           bool_or(exists (select from legal_hold h where h.case_no = s.case_no and h.lifted_at is null)) as held
    from evidence_use s
    join application a on a.no = s.case_no
    join batch b on b.no = a.batch
    left join case_file f on f.no = s.case_no
    where s.evidence = e.no
) u
where not coalesce(u.held, false) and coalesce(u.ended, e.received_at) <= $3::timestamptz - make_interval(months => k.months)
order by e.no
limit $4

-- name: may_remove
-- Let this transaction take files away from evidence.
select set_config('evenhand.erasing', 'on', true)

-- name: remove
-- The files of evidence are to be removed; with `erased` nothing that could tell the file again stays.
with doomed as (
    select no, sealed, copied from evidence where no = any($1::bigint[]) and removed_at is null
), credentials as (
    delete from capture_credential c using doomed d where c.evidence = d.no
), files as (
    insert into vault_removal (digest, asked_at)
    select distinct f.digest, $2::timestamptz from doomed d cross join lateral (values (d.sealed), (d.copied)) as f (digest)
    on conflict do nothing
)
update evidence e
set removed_at = $2, removed_why = case when $3::boolean then 'erasure' else 'retention' end, pdq = null, windows = null, thumbnail = null,
    sealed = case when $3 then null else e.sealed end, copied = case when $3 then null else e.copied end
from doomed d where e.no = d.no
returning e.no

-- name: forget_hash
-- Of evidence that was removed before, nothing that could tell the file again stays either.
update evidence set sealed = null, copied = null, removed_why = 'erasure' where no = any($1::bigint[]) and sealed is not null

-- name: to_remove
-- Files that are to be removed from the vault, and whether evidence that is still kept has the same.
select r.digest, exists (select from evidence e where e.sealed = r.digest and e.removed_at is null)
              or exists (select from evidence e where e.copied = r.digest and e.removed_at is null) as needed
from vault_removal r order by r.asked_at limit $1

-- name: removed
-- Files that are gone from the vault, or are needed after all.
delete from vault_removal where digest = any($1::bytea[])

-- name: waiting_removals
-- How many files wait to be removed.
select count(*) from vault_removal

-- name: hold
-- Place a case under legal hold; nothing when it is.
insert into legal_hold (case_no, why, placed_by, placed_at) values ($1, $2, $3, $4)
on conflict (case_no) where lifted_at is null do nothing
returning no

-- name: lift
-- Lift the hold of a case; nothing when there is none.
update legal_hold set lifted_by = $2, lifted_at = $4, lifted_why = $3 where case_no = $1 and lifted_at is null returning no

-- name: holds_of_case
-- The holds of a case, the newest first.
select case_no, why, placed_by, placed_at, lifted_by, lifted_at, lifted_why from legal_hold where case_no = $1 order by no desc

-- name: holds
-- Holds that stand in some markets, the newest first.
select h.case_no, m.id as market, h.why, h.placed_by, h.placed_at, h.lifted_by, h.lifted_at, h.lifted_why
from legal_hold h join application a on a.no = h.case_no join market m on m.no = a.market
where h.lifted_at is null and a.market = any($1::smallint[])
order by h.no desc limit 500

-- name: kept_in_case
-- What was shown in a case, by whether its file is still there; when the case ended, null while it has not; and its market.
select count(e.no) as shown, count(e.no) filter (where e.removed_at is not null) as removed, max(a.market) as market,
       max(case when f.no is null then b.booked_at
                when f.state = 'closed' then coalesce((f.stands ->> 'ended_at')::timestamptz, b.booked_at) end) as ended
from application a
join batch b on b.no = a.batch
left join case_file f on f.no = a.no
left join evidence_use u on u.case_no = a.no
left join evidence e on e.no = u.evidence
where a.no = $1
