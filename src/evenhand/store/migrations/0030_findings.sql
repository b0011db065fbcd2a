-- What persons found that buyers had sent back is counted in histories too, from now on.
alter table case_count drop constraint case_count_kind_check;
alter table case_count add constraint case_count_kind_check check (kind in ('ruling', 'answer', 'finding'));
