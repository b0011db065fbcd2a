-- name: remember_keys
-- Keep idempotency keys with what they came with, the first use only; a few that are past their time go.
with forgotten as (
    delete from idempotency_key
    where key in (select key from idempotency_key where used_at < now() - interval '7 days' order by used_at limit 200)
)
insert into idempotency_key (key, digest)
select * from unnest($1::text[], $2::bytea[])
on conflict (key) do nothing

-- name: keys
-- What keys first came with.
select key, digest from idempotency_key where key = any($1::text[])
