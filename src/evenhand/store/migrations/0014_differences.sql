-- What a gateway paid otherwise than it was asked, or paid and took back, is booked as it was.

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
        ('payout_returned', 'external', 'clearing'),
        ('payout_short', 'clearing', 'buyer'),
        ('payout_over', 'buyer', 'clearing'),
        ('deposit', 'external', 'fund'),
        ('withdrawal', 'fund', 'external')
    )),
    add constraint transfer_follows_check check (case
        when cause in ('recovery', 'repayment', 'payout', 'payout_paid', 'payout_failed', 'payout_returned', 'payout_short',
                       'payout_over')
            then follows is not null
        when cause in ('appeal_refund', 'compensation', 'charge') then true
        else follows is null end);
