-- name: ground
-- What an action on a case stands on: the application with its ruling, its parties, and what reproduces the ruling.
select a.no, a.market, m.id as market_id, m.currency, m.time_zone, b.id as buyer, s.id as merchant, a.buyer as buyer_no,
       a.merchant as merchant_no, a.line, a.remedy, a.reason, a.applied_at, a.outcome, a.payer, a.return_required, a.asked, a.amount,
       a.respond_within_hours, a.because_en, a.because_zh, a.facts, v.source, t.booked_at, l.order_id
from application a
join order_line l on l.no = a.line
join market m on m.no = a.market
join account b on b.no = a.buyer
join account s on s.no = a.merchant
join policy_version v on v.no = a.policy_version
join batch t on t.no = a.batch
where a.no = $1

-- name: exists
-- Whether there is a case.
select no from application where no = $1

-- name: open_file
-- Give a case its row, where it has none.
insert into case_file (no, market, state, due_at, first_due, wanted_by, stake) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (no) do nothing

-- name: lock_file
-- Where a case stands, held until the transaction ends: actions on one case queue here.
select version, first_due, stands from case_file where no = $1 for update

-- name: file
-- Where a case stands.
select state, version, due_at, first_due, wanted_by, holder, stands from case_file where no = $1

-- name: lock_line
-- What was paid for an order line and what was granted back, held until the transaction ends.
select amount, refunded from order_line where no = $1 for update

-- name: line
-- What was paid for an order line and what was granted back.
select amount, refunded from order_line where no = $1

-- name: last_transfer
-- The last transfer of a case.
select max(no) from transfer where case_no = $1

-- name: recovered
-- What was taken back from the buyer of a case.
select coalesce(sum(amount), 0)::bigint from transfer where case_no = $1 and cause = 'recovery'

-- name: grant_line
-- More, or less, is granted back on an order line.
update order_line set refunded = refunded + $2 where no = $1

-- name: has_spoken
-- Whether a merchant did anything in a case before an event.
select exists (select from case_event where case_no = $1 and role = 'merchant' and no < $2)

-- name: event_by_key
-- What an action sent before under a key did.
select no, digest from case_event where case_no = $1 and key = $2

-- name: append
-- What happened, in order.
insert into case_event (case_no, no, at, action, role, who, state, said, key, digest)
select $1, * from unnest($2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[], $9::text[], $10::bytea[])

-- name: save_file
-- Where a case stands now.
update case_file set state = $2, version = $3, due_at = $4, wanted_by = $5, holder = $6, stands = $7 where no = $1

-- name: events
-- What happened in a case, from an event on.
select no, at, action, role, who, state, said from case_event where case_no = $1 and no > $2 order by no limit $3

-- name: newest_events
-- The newest of what happened in a case before an event, the newest first.
select no, at, action, role, who, state, said from case_event where case_no = $1 and no < $2 order by no desc limit $3

-- name: all_events
-- Everything that happened in a case.
select no, at, action, role, who, state, said from case_event where case_no = $1 order by no

-- name: appeals
-- Who appealed before an event, when, and with how many pieces of evidence.
select role, at, coalesce(json_array_length(said -> 'evidence'), 0) as evidence
from case_event where case_no = $1 and action = 'appeal' and no < $2 order by no

-- name: due
-- A case whose clock must act, held until the transaction ends; what somebody else holds is passed over.
select no from case_file where due_at <= $1 and not (no = any($2::bigint[])) order by due_at limit 1 for update skip locked

-- name: inbox
-- Cases that wait for a person, by when they are wanted and then by what is at stake; from a place on.
select f.no, m.id as market, m.currency, f.state, f.wanted_by, f.due_at, f.stake, f.holder, f.version, f.stands,
       a.reason, a.remedy, a.outcome, a.applied_at, a.id
from case_file f
join market m on m.no = f.market
join application a on a.no = f.no
where f.state in ('escalated', 'under_review')
  and f.market = any($1::smallint[])
  and ($2::text is null or f.holder = $2)
order by f.wanted_by nulls last, f.stake desc, f.no
limit $3 offset $4

-- name: waiting
-- How many cases wait for a person, and how many of them are late.
select count(*) as waiting, count(*) filter (where wanted_by < $2::timestamptz) as late, count(*) filter (where holder is not null) as held
from case_file where state in ('escalated', 'under_review') and market = any($1::smallint[])

-- name: files
-- Cases that have moved, from a number on: to be checked against their events.
select no from case_file where no > $1 and version > 0 order by no limit $2

-- name: settings
-- How each market handles its cases.
select distinct on (market) market, settings from case_settings order by market, no desc

-- name: settings_of
-- How a market handles its cases, with who set it.
select settings, set_by, set_at, count(*) over () as version from case_settings where market = $1 order by no desc limit 1

-- name: set_settings
-- A market handles its cases so from now on.
insert into case_settings (market, settings, set_by, set_at) values ($1, $2, $3, $4)

-- name: as_of
-- How a market handled its cases, and what statements were worded in, at a moment.
select (select settings from case_settings where market = $1 and set_at <= $2 order by no desc limit 1) as settings,
       coalesce((select body from wording where since <= $2 order by no desc limit 1),
                (select body from wording order by no limit 1)) as wording

-- name: keep_wording
-- What statements are worded in from now on, where that is another than before.
insert into wording (digest, body, since)
select $1, $2, $3 where (select digest from wording order by no desc limit 1) is distinct from $1

-- name: keep_statement
-- What a party was told, the first time it was told.
insert into reasons_statement (case_no, decision, party, lang, body, text, issued_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (case_no, decision, party, lang) do nothing

-- name: statement
-- What a party was told of a decision, or of the latest one.
select decision, body, text, issued_at from reasons_statement
where case_no = $1 and party = $2 and lang = $3 and ($4::int is null or decision = $4)
order by decision desc limit 1

-- name: doubt_labels
-- Labels of an account that still hold and rest on a ruling: they name its case, or were set after it.
insert into label_doubt (label, case_no, raised_at)
select no, $2, $3 from label
where account = $1 and expires_at > $3 and ended_at is null and (starts_at >= $4 or $2 = any(cases))
on conflict do nothing
returning label
