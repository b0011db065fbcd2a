-- Appeals move money in every direction, once each; what a buyer owes is kept until it is paid back or set off.

-- A ruling on appeal may charge a merchant for what the fund paid (`charge`), and moves money of a cause once more than the ruling
-- before: then it names the case's last transfer as the one it follows.
alter table transfer
    drop constraint transfer_cause_check,
    drop constraint transfer_follows_check,
    add constraint transfer_cause_check check ((cause, debit, credit) in (
        ('subsidy', 'fund', 'buyer'),
        ('merchant_refund', 'merchant', 'buyer'),
        ('agreement', 'merchant', 'buyer'),
        ('appeal_refund', 'fund', 'buyer'),
        ('appeal_refund', 'merchant', 'buyer'),
        ('compensation', 'fund', 'merchant'),
        ('charge', 'merchant', 'fund'),
        ('recovery', 'buyer', 'fund'),
        ('repayment', 'external', 'buyer'),
        ('payout', 'buyer', 'clearing'),
        ('payout_paid', 'clearing', 'external'),
        ('payout_failed', 'clearing', 'buyer'),
        ('deposit', 'external', 'fund'),
        ('withdrawal', 'fund', 'external')
    )),
    add constraint transfer_follows_check check (case
        when cause in ('recovery', 'repayment', 'payout', 'payout_paid', 'payout_failed') then follows is not null
        when cause in ('appeal_refund', 'compensation', 'charge') then true
        else follows is null end);

-- What a buyer owes of a recovery: all of it but what had not been sent.
create table debt (
    recovery bigint primary key references transfer (no),
    market   smallint not null references market (no),
    currency text not null,
    case_no  bigint not null,
    buyer    bigint not null references account (no),
    -- minor units: at first, and still
    amount   bigint not null check (amount > 0),
    owed     bigint not null check (owed between 0 and amount)
) with (fillfactor = 80);
create index debt_buyer on debt (buyer) where owed > 0;
create index debt_case on debt (case_no);

-- What became of it, one row each: a repayment, or a payout that was made smaller.
create table debt_settlement (
    no        bigint generated always as identity primary key,
    debt      bigint not null references debt (recovery),
    at        timestamptz not null,
    amount    bigint not null check (amount > 0),
    repayment bigint references transfer (no),
    payout    bigint references payout (no),
    check ((repayment is null) <> (payout is null))
);
create index debt_settlement_debt on debt_settlement (debt);
create trigger debt_settlement_is_immutable before update or delete on debt_settlement
    for each statement execute function refuse_change();

-- Recoveries there are already, less what was never sent and what was paid back.
insert into debt (recovery, market, currency, case_no, buyer, amount, owed)
select no, market, currency, case_no, buyer, owed, owed
from (
    select r.no, r.market, r.currency, r.case_no, r.debit_of as buyer,
           r.amount - case when p.no is null then 0 when p.state = 'cancelled' then r.amount else g.amount - p.amount end as owed
    from transfer r join transfer g on g.no = r.follows left join payout p on p.granted = g.no
    where r.cause = 'recovery'
      and not exists (select from transfer b where b.case_no = r.case_no and b.cause = 'repayment' and b.follows = r.no)
) found
where owed > 0;
