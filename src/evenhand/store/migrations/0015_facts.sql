-- Facts are kept as the values alone, in the order of a list of names that nearly every ruling shares: the names took two thirds of
-- the row.

-- Lists of fact names (`application.remedy order.amount ...`), as rulings read them.
create table fact_names (
    no     int generated always as identity primary key,
    names  text not null
);
create unique index fact_names_once on fact_names (md5(names));
create trigger fact_names_are_immutable before update or delete on fact_names for each statement execute function refuse_change();

-- What is there is written in the new form, number for number as it was.
alter table application add column fact_names int, add column fact_values json;
alter table application disable trigger application_is_immutable;
create temporary table kept on commit drop as
    select a.no, string_agg(g.key || '.' || f.key, ' ' order by g.i, f.i) as names, json_agg(f.value order by g.i, f.i) as values
    from application a, json_each(a.facts) with ordinality g (key, value, i), json_each(g.value) with ordinality f (key, value, i)
    group by a.no;
insert into fact_names (names) select distinct names from kept;
update application a set fact_names = n.no, fact_values = k.values
from kept k join fact_names n on md5(n.names) = md5(k.names)
where a.no = k.no;
alter table application enable trigger application_is_immutable;
alter table application
    alter fact_names set not null,
    alter fact_values set not null,
    drop column facts;

-- The facts of a ruling, nested as the policy was given them: `a.facts` of an application `a`.
create function facts(a application) returns json language sql stable as $$
    select json_object_agg(g.name, g.facts order by g.first)
    from (
        select split_part(n.name, '.', 1) as name, min(n.i) as first,
               json_object_agg(split_part(n.name, '.', 2), v.value order by n.i) as facts
        from fact_names f,
             unnest(string_to_array(f.names, ' ')) with ordinality n (name, i)
             join json_array_elements(a.fact_values) with ordinality v (value, i) using (i)
        where f.no = a.fact_names
        group by 1
    ) g
$$;
