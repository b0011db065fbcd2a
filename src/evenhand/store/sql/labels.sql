-- name: add
-- Put a label on an account; a warning has no effect, so rulings need not look.
with labelled as (update account set labelled = true where no = $1 and $2 <> 'warning')
insert into label (account, label, cause, set_by, starts_at, expires_at, rule, cases, reason_en, reason_zh)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
returning no

-- name: strangers
-- Those of some cases that are not this account's.
select c.no from unnest($2::bigint[]) as c (no)
left join application a on a.no = c.no and (a.buyer = $1 or a.merchant = $1)
where a.no is null

-- name: hold_account
-- An account, held until the transaction ends.
select from account where no = $1 for update

-- name: same
-- A label that says the same of an account for the same cause, and lasts past a moment.
select no, expires_at from label
where account = $1 and label = $2 and cause = $3 and ended_at is null and expires_at > $4 and cases @> $5::bigint[]
order by expires_at desc limit 1

-- name: rules
-- The policy versions that rule a market from one day to another, with the first day of each; a pinned market's is its only one.
with place as (select no, policy, pinned from market where no = $1)
select p.effective, v.policy, v.version, v.source
from place m
join publication p on p.market = m.no and p.role = 'ruling' and p.withdrawn_at is null
join policy_version v on v.no = p.policy_version
where m.pinned is null and p.effective <= $3
  and p.effective >= coalesce((select max(b.effective) from publication b where b.market = m.no and b.role = 'ruling'
                               and b.withdrawn_at is null and b.effective <= $2), p.effective)
union all
(select null, v.policy, v.version, v.source
 from place m join policy_version v on v.policy = m.policy and v.version = m.pinned
 order by v.no desc limit 1)
order by effective

-- name: reason_of
-- What the person was told of a label.
select reason_en, reason_zh from label where no = $1

-- name: hold
-- A label with whose it is, held until the transaction ends.
select l.no, l.account, l.label, l.set_by, l.starts_at, l.expires_at, l.ended_at, a.market, a.kind, a.id, m.id as market_id
from label l join account a on a.no = l.account join market m on m.no = a.market
where l.no = $1 for update of l

-- name: end
-- A label has no effect from now on.
update label set ended_at = $2, ended_by = $3, ended_why = $4 where no = $1

-- name: settle_doubts
-- Somebody has looked at a label again.
update label_doubt set settled_at = $2, settled_by = $3 where label = $1 and settled_at is null

-- name: appeal
-- Somebody contests a label.
insert into label_appeal (label, says, filed_at) values ($1, $2, $3) returning no

-- name: hold_appeal
-- An appeal, held until the transaction ends.
select no, label, verdict from label_appeal where no = $1 for update

-- name: decide_appeal
-- What a person decided of an appeal.
update label_appeal set verdict = $2, decided_by = $3, decided_at = $4, note = $5 where no = $1

-- name: propose
-- A label for a person to decide on; one at a time of an account.
insert into label_proposal (market, account, label, days, rule, cases, reason_en, reason_zh, facts, proposed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (account) where verdict is null do nothing
returning no

-- name: hold_proposal
-- A proposal, held until the transaction ends.
select p.no, p.account, p.label, p.days, p.rule, p.cases, p.reason_en, p.reason_zh, p.verdict, a.kind, a.id, m.id as market_id, m.no as market
from label_proposal p join account a on a.no = p.account join market m on m.no = p.market
where p.no = $1 for update of p

-- name: decide_proposal
-- What a person decided of a proposal.
update label_proposal set verdict = $2, decided_by = $3, decided_at = $4, note = $5, became = $6 where no = $1

-- name: labels
-- Labels of markets or of one account, the newest first, with whether somebody contests or doubts them.
select l.no, m.id as market, a.kind, a.id as account, l.label, l.cause, l.set_by, l.rule, l.cases, l.reason_en, l.reason_zh,
       l.starts_at, l.expires_at, l.ended_at, l.ended_by, l.ended_why,
       (select p.no from label_appeal p where p.label = l.no and p.verdict is null) as appeal,
       (select p.says from label_appeal p where p.label = l.no and p.verdict is null) as appeal_says,
       exists (select from label_doubt d where d.label = l.no and d.settled_at is null) as doubted
from label l join account a on a.no = l.account join market m on m.no = a.market
where a.market = any($1::smallint[]) and ($2::text is null or a.id = $2)
  and ($3::timestamptz is null or (l.starts_at <= $3 and l.expires_at > $3 and l.ended_at is null))
order by l.no desc limit $4

-- name: proposals
-- Proposals that wait for a person, the oldest first.
select p.no, m.id as market, a.kind, a.id as account, p.label, p.days, p.rule, p.cases, p.reason_en, p.reason_zh, p.proposed_at
from label_proposal p join account a on a.no = p.account join market m on m.no = p.market
where p.market = any($1::smallint[]) and p.verdict is null
order by p.no limit $2

-- name: known
-- What the labelling document is told of an account's labels, and what is in effect or open already: the labels since $2.
select no, label, set_by, rule, starts_at, least(expires_at, coalesce(ended_at, expires_at)) as ends_at, ended_at from label
where account = $1 and starts_at <= $3 and least(expires_at, coalesce(ended_at, expires_at)) >= $2

-- name: dismissed_since
-- Whether a person has dismissed a proposal, or lifted a label, of an account since a moment; what the document itself took back,
-- since a case was turned over, is no person's word.
select exists (select from label_proposal
               where account = $1 and verdict = 'dismissed' and decided_at >= $2 and decided_by <> rule)
    or exists (select from label where account = $1 and ended_at >= $2 and ended_by is distinct from rule)

-- name: open_proposal
-- Whether a proposal about an account waits for a person.
select exists (select from label_proposal where account = $1 and verdict is null)

-- name: proposal_of
-- The proposal about an account that waits for a person.
select no, label, rule from label_proposal where account = $1 and verdict is null

-- name: tiles_of
-- The history of an account.
select tiles from account where no = $1

-- name: settings
-- How each market labels.
select distinct on (market) market, document, confirm from labelling order by market, no desc

-- name: configure
-- A market labels so from now on.
insert into labelling (market, document, confirm, set_by, set_at) values ($1, $2, $3, $4, $5)

-- name: take_pass
-- How far the pass has come, held until the transaction ends; nothing while another server is at it.
select position from label_pass for update skip locked

-- name: bookings
-- The next bookings of rulings in the log.
select position, first_case, last_case from outbox
where position > $1 and batch is not null order by position limit $2

-- name: move_pass
-- So far the pass has come.
update label_pass set position = $1

-- name: note_signs
-- Cases that speak against their buyers, noted in the transaction that books them: the account, the case, when it was filed.
insert into label_sign (account, case_no, at) select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[])

-- name: spoken_against
-- Buyers against whom any case between two speaks, with their histories.
select distinct on (a.no) a.no as buyer, a.market, a.id, a.tiles
from label_sign s join account a on a.no = s.account
where s.case_no between $1 and $2
order by a.no

-- name: signs_of
-- The latest cases that speak against an account; one whose interception was turned over speaks against nobody.
select case_no from label_sign s
where account = $1 and at >= $2
  and not exists (select from case_event e
                  where e.case_no = s.case_no and e.action = 'rule' and (e.said ->> 'overturned') = 'true')
order by at desc, case_no desc limit $3

-- name: count_signs
-- How many cases that speak against an account were filed since a moment, as above.
select count(*) from label_sign s
where account = $1 and at >= $2
  and not exists (select from case_event e
                  where e.case_no = s.case_no and e.action = 'rule' and (e.said ->> 'overturned') = 'true')

-- name: forget_signs
-- Cases too old to speak against anybody.
delete from label_sign where at < $1
