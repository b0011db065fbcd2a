-- Claims that the learned score of abuse is unsure of, and that persons were given: per market and the day they were filed, in the
-- market's time zone. The check is what makes giving persons more than a market set impossible.
create table uncertain_day (
    market  smallint not null references market (no),
    day     date not null,
    -- the market's limit when the last claim was given out, or what was given out before it was lowered; null is none
    per_day int check (per_day >= 0),
    taken   int not null default 0 check (taken >= 0),
    -- what the policy settled by itself because there was no place
    passed  int not null default 0 check (passed >= 0),
    primary key (market, day),
    check (taken <= per_day)
) with (fillfactor = 50);
