-- name: hold
-- An account, held until the transaction ends.
select a.no, a.market, a.id, m.id as market_id, exists (select from erasure e where e.account = a.no and e.pseudonym = a.id) as erased
from account a join market m on m.no = a.market
where m.id = $1 and a.kind = $2 and a.id = $3 for update of a

-- name: erased_before
-- Whether a name was erased, by its keyed hash.
select exists (select from erased_name where digest = $1)

-- name: remember
-- A name was erased.
insert into erased_name (digest) values ($1) on conflict do nothing

-- name: allow
-- Let this transaction take out what a person wrote.
select set_config('evenhand.erasing', 'on', true)

-- name: cases
-- The cases of a buyer or a merchant.
select no from application where case $2 when 'buyer' then buyer else merchant end = $1 order by no

-- name: held_cases
-- Those of some cases that are under legal hold.
select distinct case_no from legal_hold where case_no = any($1::bigint[]) and lifted_at is null order by case_no

-- name: open_cases
-- Those of some cases that have not ended. One in which no clock runs and nothing has happened since its ruling has.
select no from case_file where no = any($1::bigint[]) and state <> 'closed' order by no

-- name: payouts_under_way
-- Cases whose money is on its way to the person.
select distinct case_no from payout where buyer = $1 and state in ('due', 'sending', 'pending', 'differs') order by case_no

-- name: debts
-- Cases in which the person owes money.
select case_no from debt where buyer = $1 and owed > 0 order by case_no

-- name: labels_in_effect
-- Labels in effect on an account, and those the person has appealed against.
select l.no from label l
where l.account = $1 and ((l.expires_at > $2 and l.ended_at is null)
                          or exists (select from label_appeal p where p.label = l.no and p.verdict is null))
order by l.no

-- name: forget
-- The account is called something else, and its history is dropped.
update account set id = $2, tiles = '', version = version + 1 where no = $1

-- name: beside
-- What the others in some cases are called: parties, and who acted there.
select distinct a.id as name from application x join account a on a.no in (x.buyer, x.merchant)
where x.no = any($1::bigint[]) and a.no <> $2
union select who from case_event where case_no = any($1::bigint[])

-- name: own_words
-- What the buyer wrote and referred to with its applications.
select extra from application where no = any($1::bigint[]) and extra is not null

-- name: forget_comments
-- What the person wrote or showed with applications goes, with the digest that was made of it; the applications and their rulings stay.
update application set extra = null, digest = sha256(('erased ' || no)::bytea) where no = any($1::bigint[]) and extra is not null

-- name: comments
-- What buyers wrote and referred to with the applications of some cases.
select no, extra from application where no = any($1::bigint[]) and extra is not null

-- name: rewrite_comments
-- What buyers wrote, without what is erased; the digest stays, so that the same application is still known.
update application a set extra = f.extra from unnest($1::bigint[], $2::json[]) as f (no, extra) where a.no = f.no

-- name: forget_signs
-- Cases noted against the account.
delete from label_sign where account = $1

-- name: events
-- What happened in cases, and what was said in others of the market ($3) that is like the name ($2, as JSON writes it) or whose key is.
-- Without a name only what happened in the cases. Here and below ASCII letters are made small before a text is compared.
select e.case_no, e.no, e.role, e.who, e.said, e.key
from case_event e
where e.case_no = any($1::bigint[])
   or ((lower(e.said::text collate "C") like any ($2::text[]) or lower(to_json(e.key)::text collate "C") like any ($2::text[]))
       and exists (select from application a where a.no = e.case_no and a.market = $3))
order by e.case_no, e.no

-- name: rewrite_events
-- What happened, without what is erased.
update case_event e set who = f.who, said = f.said,
    key = case when f.forget then null else e.key end, digest = case when f.forget then null else e.digest end
from unnest($1::bigint[], $2::int[], $3::text[], $4::json[], $5::boolean[]) as f (case_no, no, who, said, forget)
where e.case_no = f.case_no and e.no = f.no

-- name: files
-- Where cases stand.
select no, stands from case_file where no = any($1::bigint[]) and stands is not null for update

-- name: rewrite_files
-- Where cases stand, without what is erased.
update case_file c set stands = f.stands from unnest($1::bigint[], $2::json[]) as f (no, stands) where c.no = f.no

-- name: statements
-- What parties were told in cases, and in others of the market ($3) where it is like the name ($2).
select s.case_no, s.decision, s.party, s.lang, s.body, s.text
from reasons_statement s
where s.case_no = any($1::bigint[])
   or (lower(s.text collate "C") like any ($2::text[])
       and exists (select from application a where a.no = s.case_no and a.market = $3))

-- name: rewrite_statements
-- What parties were told, without what is erased.
update reasons_statement s set body = f.body, text = f.text
from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::json[], $6::text[]) as f (case_no, decision, party, lang, body, text)
where s.case_no = f.case_no and s.decision = f.decision and s.party = f.party and s.lang = f.lang

-- name: told
-- What subscribers are told of these cases, or of the market ($3) where it is like the name ($2, as JSON writes it).
select no, case_no, data from outbox
where data is not null and (case_no = any($1::bigint[]) or (market = $3 and lower(data::text collate "C") like any ($2::text[])))

-- name: rewrite_told
-- What subscribers are told, without what is erased.
update outbox o set data = f.data from unnest($1::bigint[], $2::json[]) as f (no, data) where o.no = f.no

-- name: forget_answers
-- What webhooks answered to events of these cases, or rows of the outbox, which may repeat what was sent; and what has the name ($3)
-- in it, or another spelling of it ($4), where these are given.
update webhook_attempt t set answer = ''
from webhook_delivery d
where d.no = t.delivery and length(t.answer) > 0
  and (d.case_no = any($1::bigint[]) or d.outbox = any($2::bigint[]) or position(convert_to($3, 'UTF8') in t.answer) > 0
       or exists (select from unnest($4::text[]) one
                  where position(encode(convert_to(one, 'UTF8'), 'escape') in lower(encode(t.answer, 'escape') collate "C")) > 0))

-- name: told_to
-- Webhooks that were sent events of these cases, or rows of the outbox: whoever reads there has a copy.
select distinct w.id from webhook w join webhook_delivery d on d.webhook = w.no
where d.attempts > 0 and (d.case_no = any($1::bigint[]) or d.outbox = any($2::bigint[])) order by w.id

-- name: forget_keys
-- Idempotency keys in which the name ($1, a regular expression) stands, and answers kept under keys with the name ($2, as JSON writes
-- it), those that are like it ($4), or of these cases ($3).
delete from idempotency_key
where key ~* $1 or position($2 in answer::text) > 0 or lower(answer::text collate "C") like any ($4::text[])
   or answer ->> 'case' = any($3::text[])

-- name: appeals
-- What the person said against labels.
select p.no, p.says from label_appeal p join label l on l.no = p.label where l.account = $1

-- name: forget_appeals
-- What the person said against labels.
update label_appeal p set says = $2 from label l where l.no = p.label and l.account = $1

-- name: votes
-- What the person wrote as a juror.
select reason from panel_seat where juror = $1 and reason <> ''

-- name: forget_votes
-- What the person wrote as a juror; the vote stays.
update panel_seat set reason = $2 where juror = $1 and reason <> ''

-- name: notes
-- What others wrote about the account ($1) and its cases ($2), and elsewhere in its market ($4) where it is like its name ($3): a row per
-- text, with where it stands and its keys.
with labels as (
    select * from label where account = $1 or account in (select no from account where market = $4)
), proposals as (
    select * from label_proposal where market = $4
), texts as (
    select 'label_cause' as place, no as key, 0::bigint as part, cause as text, account = $1 as own from labels
    union all select 'label_ended', no, 0, ended_why, account = $1 from labels
    union all select 'label_en', no, 0, reason_en, account = $1 from labels
    union all select 'label_zh', no, 0, reason_zh, account = $1 from labels
    union all select 'appeal_note', p.no, 0, p.note, l.account = $1 from label_appeal p join labels l on l.no = p.label
    union all select 'appeal_says', p.no, 0, p.says, l.account = $1 from label_appeal p join labels l on l.no = p.label
    union all select 'proposal_note', no, 0, note, account = $1 from proposals
    union all select 'proposal_en', no, 0, reason_en, account = $1 from proposals
    union all select 'proposal_zh', no, 0, reason_zh, account = $1 from proposals
    union all select 'finding', no, 0, note, exists (select from ring_finding_account x where x.finding = no and x.account = $1)
              from ring_finding where market = $4
    union all select 'vote', s.panel, s.juror, s.reason, p.case_no = any($2::bigint[])
              from panel_seat s join panel p on p.no = s.panel join application a on a.no = p.case_no where a.market = $4
    union all select 'photo', c.request, 0, c.note, r.case_no = any($2::bigint[])
              from photo_check c join photo_request r on r.no = c.request join application a on a.no = r.case_no where a.market = $4
    union all select 'transfer', n.transfer, 0, n.note, t.case_no = any($2::bigint[])
              from transfer_note n join transfer t on t.no = n.transfer where t.market = $4
    union all select 'payout', e.no, 0, e.said, p.case_no = any($2::bigint[])
              from payout_event e join payout p on p.no = e.payout where p.market = $4
    union all select 'payout_problem', no, 0, problem, case_no = any($2::bigint[]) from payout where market = $4
    union all select 'hold_why', h.no, 0, h.why, h.case_no = any($2::bigint[])
              from legal_hold h join application a on a.no = h.case_no where a.market = $4
    union all select 'lifted', h.no, 0, h.lifted_why, h.case_no = any($2::bigint[])
              from legal_hold h join application a on a.no = h.case_no where a.market = $4
)
select place, key, part, text, own from texts where text <> '' and (own or lower(text collate "C") like any ($3::text[]))

-- name: label_cause
-- Why a label was set.
update label t set cause = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: label_ended
-- Why a label was ended.
update label t set ended_why = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: label_en
-- What the person was told of a label, in English.
update label t set reason_en = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: label_zh
-- What the person was told of a label, in Chinese.
update label t set reason_zh = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: appeal_note
-- Why an appeal against a label was decided so.
update label_appeal t set note = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: appeal_says
-- What was said against a label.
update label_appeal t set says = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: proposal_note
-- Why a proposed label was decided so.
update label_proposal t set note = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: proposal_en
-- What a proposed label is for, in English.
update label_proposal t set reason_en = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text)
where t.no = f.key

-- name: proposal_zh
-- What a proposed label is for, in Chinese.
update label_proposal t set reason_zh = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text)
where t.no = f.key

-- name: finding
-- What a person noted of a ring.
update ring_finding t set note = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: vote
-- Why a juror voted so.
update panel_seat t set reason = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text)
where t.panel = f.key and t.juror = f.part

-- name: photo
-- What a person noted of a fresh photograph.
update photo_check t set note = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.request = f.key

-- name: transfer
-- Why money was moved by hand.
update transfer_note t set note = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text)
where t.transfer = f.key

-- name: payout
-- What a gateway said of a payout.
update payout_event t set said = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: payout_problem
-- What is wrong with a payout.
update payout t set problem = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: hold_why
-- Why a case was held.
update legal_hold t set why = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: lifted
-- Why a hold was lifted.
update legal_hold t set lifted_why = f.text from unnest($1::bigint[], $2::bigint[], $3::text[]) as f (key, part, text) where t.no = f.key

-- name: evidence
-- What was shown in cases: whether the party itself showed it, and whether it was shown in a case of somebody else too. What its camera
-- said of a photograph (capture_credential) goes with the file.
select distinct e.no, e.party = $2 as own, e.removed_at is not null as removed,
       exists (select from evidence_use o where o.evidence = e.no and o.case_no <> all($1::bigint[])) as elsewhere
from evidence_use u join evidence e on e.no = u.evidence
where u.case_no = any($1::bigint[])

-- name: kept
-- What stays of an account, by count: orders, applications, transfers, payouts, labels.
select (select count(*) from orders where $2 = 'buyer' and buyer = $1) as orders,
       (select count(*) from transfer where debit_of = $1 or credit_of = $1) as transfers,
       (select count(*) from payout where buyer = $1) as payouts,
       (select count(*) from label where account = $1) as labels

-- name: note
-- That somebody was erased, by whom, and what became of it.
insert into erasure (account, pseudonym, erased_by, erased_at, despite, report) values ($1, $2, $3, $4, $5, $6)
