-- name: lots
-- Buyer accounts of a case's market drawn by lot: numbers taken at random, and those kept that belong to a buyer who may sit. Nobody
-- who is a party, is labelled, is linked with the buyer, or ever ordered from the merchant; $3 were drawn before.
with the_case as (
    select a.market, a.buyer, a.merchant, m.ring from application a left join link_member m on m.account = a.buyer where a.no = $1
), bounds as (
    select min(no) as least, max(no) as most from account
), tickets as (
    select distinct least + floor(random() * (most - least + 1))::bigint as no from bounds, generate_series(1, $2)
)
select j.no, j.tiles, m.ring
from tickets t
join the_case c on true
join account j on j.no = t.no
left join link_member m on m.account = j.no
where j.market = c.market and j.kind = 'buyer' and j.no <> c.buyer and not j.labelled
  and (m.ring is null or m.ring is distinct from c.ring)
  and not (j.no = any($3::bigint[]))
  and not exists (select from order_line l join orders o on o.no = l.order_no where o.buyer = j.no and l.merchant = c.merchant)
order by random()

-- name: open
-- A panel is drawn.
insert into panel (case_no, drawn_at, closes_at, prevalence) values ($1, $2, $3, $4) returning no

-- name: seat
-- Its jurors, with what their votes weigh.
insert into panel_seat (panel, juror, sensitivity, specificity)
select $1, * from unnest($2::bigint[], $3::float8[], $4::float8[])

-- name: current
-- The panel that is voting on a case.
select no, closes_at, prevalence from panel where case_no = $1 and ended_at is null order by no desc limit 1

-- name: latest
-- The latest panel of a case.
select p.no, p.drawn_at, p.closes_at, p.verdict, (select count(*) from panel_seat s where s.panel = p.no) as seats
from panel p where p.case_no = $1 order by p.no desc limit 1

-- name: seat_of
-- The seat of an account in a panel.
select s.juror, s.for_buyer
from account a join panel_seat s on s.panel = $1 and s.juror = a.no
where a.market = $2 and a.kind = 'buyer' and a.id = $3

-- name: vote
-- A vote is cast.
update panel_seat set for_buyer = $3, reason = $4, voted_at = $5 where panel = $1 and juror = $2 and for_buyer is null

-- name: votes
-- The votes of a panel, in the order they were cast.
select for_buyer, reason, sensitivity, specificity from panel_seat where panel = $1 and for_buyer is not null order by voted_at, juror

-- name: end
-- A panel is over.
update panel set ended_at = $3, verdict = $2 where case_no = $1 and ended_at is null

-- name: past_votes
-- Votes of a market's past panels, newest first, with who won where a person decided the case again on appeal.
select p.case_no, s.juror, s.for_buyer,
       case when f.stands -> 'appealed' is not null and f.stands -> 'decision' ->> 'source' = 'person'
            then f.stands -> 'decision' ->> 'outcome' <> 'decline' end as buyer_won
from panel p
join case_file f on f.no = p.case_no and f.market = $1
join panel_seat s on s.panel = p.no and s.for_buyer is not null
where p.ended_at is not null
order by p.no desc
limit $2

-- name: jurors
-- Who sits in a panel and has not voted yet.
select a.id from panel_seat s join account a on a.no = s.juror where s.panel = $1 and s.for_buyer is null order by a.id
