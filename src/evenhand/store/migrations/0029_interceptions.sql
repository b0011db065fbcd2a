-- What was intercepted, for which cause and whether it was turned over, so that figures by day and cause read these narrow rows and
-- nothing else. One row per application that the policy declined.
create table interception (
    case_no    bigint primary key,
    market     smallint not null,
    -- when it was filed, in the market's time zone
    day        date not null,
    -- what the person was told (evenhand.accounts.causes); null where it was ruled before causes were kept: a server names it
    cause      text collate "C" check (cause <> ''),
    -- minor units
    asked      bigint not null,
    -- a later decision on the case is not to decline
    overturned boolean not null default false
) with (fillfactor = 90);
insert into interception (case_no, market, day, asked, overturned)
select a.no, a.market, (a.applied_at at time zone m.time_zone)::date, a.asked,
       coalesce((select e.said #>> '{decision,outcome}' <> 'decline' from case_event e
                 where e.case_no = a.no and e.action = 'rule' and e.said #>> '{decision,outcome}' is not null
                 order by e.no desc limit 1), false)
from application a join market m on m.no = a.market
where a.outcome = 'decline';
create index interception_day on interception (market, day, cause) include (asked, overturned);
create index interception_unnamed on interception (case_no) where cause is null;
