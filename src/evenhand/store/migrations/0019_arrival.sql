-- The order in which things arrived, so that histories can be computed again as each ruling saw them: what came late counts on its own
-- day, for rulings after it came. Numbers are taken while the accounts are held, so of one account they rise as it was written.
create sequence arrival;

alter table batch add column arrived bigint;
alter table review add column arrived bigint;
alter table orders
    add column arrived bigint,
    add column delivery_arrived bigint,
    -- by what was promised when the delivery was told
    add column delivered_late boolean;

-- Of what is there already, the best that is known: it came as it happened.
alter table batch disable trigger user;
alter table review disable trigger user;
create temporary table came on commit drop as
    select row_number() over (order by at, what, no, id) as arrived, what, no, id
    from (
        select placed_at as at, 1 as what, no, '' as id from orders
        union all select delivered_at, 2, no, '' from orders where delivered_at is not null
        union all select at, 3, order_no, id from review
        union all select max(applied_at), 4, batch, '' from application group by batch
    ) as told;
update orders o set arrived = c.arrived from came c where c.what = 1 and c.no = o.no;
update orders o set delivery_arrived = c.arrived, delivered_late = (o.delivered_at > o.promised_at) is true
from came c where c.what = 2 and c.no = o.no;
update review r set arrived = c.arrived from came c where c.what = 3 and c.no = r.order_no and c.id = r.id;
update batch b set arrived = c.arrived from came c where c.what = 4 and c.no = b.no;
select setval('arrival', (select count(*) + 1 from came));
update batch set arrived = nextval('arrival') where arrived is null;
alter table batch enable trigger user;
alter table review enable trigger user;

alter table batch alter arrived set default nextval('arrival'), alter arrived set not null;
alter table review alter arrived set default nextval('arrival'), alter arrived set not null;
alter table orders
    alter arrived set default nextval('arrival'),
    alter arrived set not null,
    add check ((delivery_arrived is null) = (delivered_at is null)),
    add check ((delivered_late is null) = (delivered_at is null));

-- What cases added to histories, from now on: rulings by people and panels (weight -1 takes one back), and how stores answered.
create table case_count (
    arrived  bigint primary key default nextval('arrival'),
    case_no  bigint not null references case_file (no),
    -- the day it counts on, in days since 1970-01-01 in the market's time zone
    day      int not null,
    kind     text not null check (kind in ('ruling', 'answer')),
    weight   smallint not null check (weight in (-1, 1)),
    -- of a ruling
    outcome  text,
    source   text,
    -- of an answer: whether its deadline passed, and the part of the time given that was taken, in percent
    late     boolean,
    used     int,
    check ((kind = 'ruling') = (outcome is not null and source is not null)),
    check ((kind = 'answer') = (late is not null and used is not null))
);
create trigger case_counts_are_immutable before update or delete on case_count for each statement execute function refuse_change();
