-- How often a webhook was changed, so that who changes it says which one was read.
alter table webhook add column version int not null default 1;
