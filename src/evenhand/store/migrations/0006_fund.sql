-- The fund at work: more causes, budgets that cannot be overspent, payouts to buyers.

-- A ledger account is a kind and, for buyers and merchants, whose. What each cause moves, from where to where, is one table here
-- and in evenhand.fund.ledger; docs/explanation/the-ledger.md shows it to people, and a test holds the three together.
alter table transfer
    drop constraint transfer_cause_check,
    drop constraint transfer_debit_check,
    drop constraint transfer_credit_check,
    drop constraint transfer_check1,
    drop constraint transfer_check2,
    drop constraint transfer_case_no_cause_key,
    alter case_no drop not null,
    -- the transfer this one carries on or takes back
    add column follows bigint references transfer (no),
    add constraint transfer_cause_check check ((cause, debit, credit) in (
        ('subsidy', 'fund', 'buyer'),
        ('merchant_refund', 'merchant', 'buyer'),
        ('agreement', 'merchant', 'buyer'),
        ('appeal_refund', 'fund', 'buyer'),
        ('appeal_refund', 'merchant', 'buyer'),
        ('compensation', 'fund', 'merchant'),
        ('recovery', 'buyer', 'fund'),
        ('repayment', 'external', 'buyer'),
        ('payout', 'buyer', 'clearing'),
        ('payout_paid', 'clearing', 'external'),
        ('payout_failed', 'clearing', 'buyer'),
        ('deposit', 'external', 'fund'),
        ('withdrawal', 'fund', 'external')
    )),
    add constraint transfer_debit_check check ((debit in ('buyer', 'merchant')) = (debit_of is not null)),
    add constraint transfer_credit_check check ((credit in ('buyer', 'merchant')) = (credit_of is not null)),
    -- only putting money into the fund and taking it out again belongs to no case
    add constraint transfer_case_check check (case_no is not null or cause in ('deposit', 'withdrawal')),
    add constraint transfer_follows_check
        check ((follows is not null) = (cause in ('recovery', 'repayment', 'payout', 'payout_paid', 'payout_failed')));
-- A case is given at most one transfer of each cause, and each transfer is carried on at most once in each way: what was granted
-- is paid out once, recovered once.
create unique index transfer_once on transfer (case_no, cause, coalesce(follows, 0));

-- Who moved money by hand, and why.
create table transfer_note (
    transfer bigint primary key references transfer (no),
    by       text not null check (by <> ''),
    note     text not null check (note <> '')
);
create trigger transfer_note_is_immutable before update or delete on transfer_note for each statement execute function refuse_change();

-- What a market may spend from its fund per period. Rows are never changed: of one kind of period, the newest that covers a day
-- counts there, and every kind that covers a day must have enough.
create table budget (
    no            bigint generated always as identity primary key,
    market        smallint not null references market (no),
    period        text not null check (period in ('month', 'quarter', 'custom')),
    -- in the market's time zone, both included; what recurs has no end
    first_day     date not null,
    last_day      date check (last_day >= first_day),
    -- minor units; null is no limit from here on
    amount        bigint check (amount >= 0),
    -- tell somebody when so much of it is spent
    alert_percent smallint not null check (alert_percent between 1 and 100),
    set_by        text not null check (set_by <> ''),
    set_at        timestamptz not null,
    check ((period = 'custom') = (last_day is not null))
);
create index budget_market on budget (market, no);
create trigger budget_is_immutable before update or delete on budget for each statement execute function refuse_change();

-- One stretch of days of a budget, opened when it is first asked for.
create table budget_period (
    no         bigint generated always as identity primary key,
    budget     bigint not null references budget (no),
    first_day  date not null,
    last_day   date not null,
    amount     bigint not null,
    -- when it was told that it runs low, and that it is spent
    alerted_at timestamptz,
    spent_at   timestamptz,
    unique (budget, first_day)
);

-- What is left of it, in sixteen shares: bookings at the same time take from different ones and do not wait for each other. The
-- check is what makes spending more than there is impossible.
create table budget_share (
    period    bigint not null references budget_period (no),
    share     smallint not null check (share between 0 and 15),
    remains   bigint not null check (remains >= 0),
    primary key (period, share)
) with (fillfactor = 50);

-- The budgets that count for a day of a market, with the stretch of days that holds it.
create function budgets_on(of_market smallint, on_day date)
returns table (budget bigint, first_day date, last_day date, amount bigint)
language sql stable as $$
    select b.no, d.first_day,
           case b.period when 'custom' then b.last_day
                         when 'month' then (d.first_day + interval '1 month')::date - 1
                         else (d.first_day + interval '3 months')::date - 1 end,
           b.amount
    from (select distinct on (period) * from budget
          where market = of_market and first_day <= on_day and (last_day is null or on_day <= last_day)
          order by period, no desc) b,
    lateral (select case b.period when 'custom' then b.first_day
                                  else date_trunc(b.period, on_day::timestamp)::date end as first_day) d
    where b.amount is not null
    order by b.no
$$;

-- What the fund has granted in a market between two days.
create function granted_in(of_market smallint, from_day date, to_day date) returns bigint language sql stable as $$
    select coalesce(sum(t.amount), 0)::bigint
    from transfer t join market m on m.no = t.market
    where t.market = of_market and t.debit = 'fund' and t.credit in ('buyer', 'merchant')
      and t.value_at >= from_day::timestamp at time zone m.time_zone
      and t.value_at < (to_day + 1)::timestamp at time zone m.time_zone
$$;

create function share_out(of_period bigint, rest bigint) returns void language sql as $$
    insert into budget_share (period, share, remains)
    select of_period, share, rest / 16 + (share < rest % 16)::int from generate_series(0, 15) as share
    on conflict (period, share) do update set remains = excluded.remains
$$;

-- What is left for each (market, day): a row for every budget that counts there. Opens stretches that were never asked for; with
-- `hold` nobody else takes from them until the transaction ends.
create function budget_left(markets smallint[], days date[], hold boolean)
returns table (place int, period bigint, remains bigint) language plpgsql as $$
declare
    asked record;
    one record;
begin
    if not exists (select from budget b where b.market = any(markets)) then
        return;
    end if;
    for asked in select f.market, f.day, f.i from unnest(markets, days) with ordinality as f (market, day, i) order by f.market, f.day
    loop
        for one in select * from budgets_on(asked.market, asked.day) loop
            place := asked.i - 1;
            period := (select p.no from budget_period p where p.budget = one.budget and p.first_day = one.first_day);
            if period is null then
                insert into budget_period (budget, first_day, last_day, amount)
                values (one.budget, one.first_day, one.last_day, one.amount)
                on conflict (budget, first_day) do nothing returning no into period;
                if period is null then
                    period := (select p.no from budget_period p where p.budget = one.budget and p.first_day = one.first_day);
                else
                    perform share_out(period,
                                      greatest(0, one.amount - granted_in(asked.market, one.first_day, one.last_day)));
                end if;
            end if;
            if hold then
                perform from budget_share s where s.period = budget_left.period order by s.share for update;
            end if;
            remains := (select sum(s.remains) from budget_share s where s.period = budget_left.period);
            return next;
        end loop;
    end loop;
end $$;

-- Take what is granted from the budgets of its (market, day), or refuse all of it: EV001 when there is not enough; a serialization
-- failure when a stretch was never opened, so that nobody has looked whether there is.
create function take_from_budgets(markets smallint[], days date[], amounts bigint[]) returns void language plpgsql as $$
declare
    asked record;
    one record;
    of_period bigint;
    rest bigint;
begin
    if not exists (select from budget b where b.market = any(markets)) then
        return;
    end if;
    for asked in
        select f.market, f.day, sum(f.amount)::bigint as amount from unnest(markets, days, amounts) as f (market, day, amount)
        group by f.market, f.day order by f.market, f.day
    loop
        for one in select * from budgets_on(asked.market, asked.day) loop
            of_period := (select p.no from budget_period p where p.budget = one.budget and p.first_day = one.first_day);
            if of_period is null then
                raise exception 'a budget was set meanwhile' using errcode = 'serialization_failure';
            end if;
            update budget_share s set remains = s.remains - asked.amount
            where s.period = of_period and s.share = pg_backend_pid() % 16 and s.remains >= asked.amount;
            continue when found;
            -- not enough in this share: take from all, and share out anew what is left
            perform from budget_share s where s.period = of_period order by s.share for update;
            rest := (select sum(s.remains) from budget_share s where s.period = of_period) - asked.amount;
            if rest < 0 then
                raise exception 'the budget is spent'
                    using errcode = 'EV001', detail = format('%s %s %s %s', one.first_day, one.last_day, rest + asked.amount,
                                                               (select m.currency from market m where m.no = asked.market));
            end if;
            perform share_out(of_period, rest);
        end loop;
    end loop;
end $$;

-- Markets whose fund pays buyers, and through which gateway.
create table payout_market (
    market   smallint primary key references market (no),
    gateway  text not null check (gateway <> ''),
    set_by   text not null check (set_by <> ''),
    set_at   timestamptz not null
);

-- By what the gateway knows the payment of an order, where it gives money back to where it came from.
create table payment_reference (
    order_no  bigint primary key references orders (no),
    reference text not null check (reference <> ''),
    set_at    timestamptz not null
);

-- Money the fund granted a buyer, on its way there. A grant has one payout.
create table payout (
    no         bigint generated always as identity primary key,
    -- the transfer that granted it
    granted    bigint not null unique references transfer (no),
    market     smallint not null references market (no),
    currency   text not null,
    case_no    bigint not null,
    buyer      bigint not null references account (no),
    amount     bigint not null check (amount > 0),
    gateway    text not null,
    -- what makes the gateway pay once however often it is asked
    key        text not null unique default 'eh_' || replace(gen_random_uuid()::text, '-', ''),
    -- due: nothing is under way · sending: it may have been sent · pending: the gateway has it · paid, failed, cancelled: over ·
    -- differs: the gateway paid something else, a person must look
    state      text not null default 'due'
        check (state in ('due', 'sending', 'pending', 'paid', 'failed', 'cancelled', 'differs')),
    -- the last transfer of it
    moved      bigint not null references transfer (no),
    attempts   int not null default 0,
    -- when to send it, or to ask for it, next
    due_at     timestamptz,
    -- the gateway's own name for it
    gateway_id text,
    problem    text,
    made_at    timestamptz not null,
    changed_at timestamptz not null,
    check ((due_at is not null) = (state in ('due', 'sending', 'pending')))
) with (fillfactor = 80);
create index payout_due on payout (due_at) where due_at is not null;
create index payout_state on payout (state, no);
create index payout_case on payout (case_no);

-- What happened to it, one row each.
create table payout_event (
    no      bigint generated always as identity primary key,
    payout  bigint not null references payout (no),
    at      timestamptz not null,
    state   text not null,
    key     text not null,
    said    text not null
);
create index payout_event_payout on payout_event (payout);
create trigger payout_event_is_immutable before update or delete on payout_event for each statement execute function refuse_change();
