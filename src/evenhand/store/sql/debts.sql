-- name: hold_line
-- Hold the order line of a case until the transaction ends, as its actions do.
select l.no from application a join order_line l on l.no = a.line where a.no = $1 for update of l

-- name: hold_payouts
-- Hold the payouts of a case until the transaction ends.
select no from payout where case_no = $1 for update

-- name: grants
-- What the buyer of a case was given (with $2 by the fund alone), the newest first: with its payout, what was taken back of it, and
-- the last transfer of that.
with recursive given as (
    select no, market, currency, amount, debit, credit_of as buyer from transfer
    where case_no = $1 and credit = 'buyer' and cause in ('subsidy', 'merchant_refund', 'agreement', 'appeal_refund')
      and (debit = 'fund' or not $2::bool)
), back as (
    select no as given, no, 0::bigint as amount from given
    union all
    select b.given, r.no, r.amount from back b join transfer r on r.case_no = $1 and r.cause = 'recovery' and r.follows = b.no
)
select g.no, g.market, g.currency, g.amount, g.buyer, p.no as payout, p.key, p.state, p.amount as paying, p.attempts,
       b.recovered, b.last
from given g
join (select given, sum(amount)::bigint as recovered, max(no) as last from back group by given) b on b.given = g.no
left join payout p on p.granted = g.no
order by g.no desc

-- name: open
-- A buyer owes what was taken back and had been sent.
insert into debt (recovery, market, currency, case_no, buyer, amount, owed) values ($1, $2, $3, $4, $5, $6, $6)

-- name: of_case
-- What the buyer of a case owes, by recovery; held until the transaction ends.
select recovery, market, currency, buyer, owed from debt where case_no = $1 order by recovery for update

-- name: of_buyer
-- What a buyer owes anywhere in its market, the oldest first; held until the transaction ends.
select recovery, case_no, owed from debt where buyer = $1 and owed > 0 order by recovery for update

-- name: settle
-- A part of a debt is settled, by a repayment ($4) or a payout made smaller ($5).
with settled as (update debt set owed = owed - $3 where recovery = $1)
insert into debt_settlement (debt, at, amount, repayment, payout) values ($1, $2, $3, $4, $5)

-- name: any
-- Whether the buyer of a case ever owed something of it, or something was recovered.
select exists (select from debt where case_no = $1) or exists (select from transfer where case_no = $1 and cause = 'recovery')

-- name: owing
-- Payouts among these whose buyer owes something.
select p.no, p.market, p.currency, p.case_no, p.buyer, p.amount, p.key from payout p
where p.no = any($1::bigint[]) and exists (select from debt d where d.buyer = p.buyer and d.owed > 0)
order by p.no for update

-- name: owed
-- What buyers still owe, the oldest first, from one on.
select d.recovery as no, m.id as market, d.case_no::text as case, b.id as buyer, d.currency, d.amount, d.owed, t.booked_at as since
from debt d join market m on m.no = d.market join account b on b.no = d.buyer join transfer t on t.no = d.recovery
where d.owed > 0 and ($1::text is null or m.id = $1) and d.recovery > $2
order by d.recovery limit $3
