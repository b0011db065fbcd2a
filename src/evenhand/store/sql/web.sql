-- name: remember_keys
-- Keep idempotency keys with what they came with, the first use only; a few that are past their time go.
with forgotten as (
    delete from idempotency_key
    where key in (
        select key from idempotency_key where used_at < now() - interval '7 days' order by used_at limit 200 for update skip locked
    )
)
insert into idempotency_key (key, digest)
select * from unnest($1::text[], $2::bytea[])
on conflict (key) do nothing

-- name: keys
-- What keys first came with.
select key, digest from idempotency_key where key = any($1::text[])

-- name: forget_old
-- A few keys that are past their time go, with their answers.
delete from idempotency_key
where key in (
    select key from idempotency_key where used_at < now() - interval '7 days' order by used_at limit 200 for update skip locked
)

-- name: hold_key
-- Take a key, or wait for who holds it: the digest it first came with, and what was answered, if it was.
insert into idempotency_key (key, digest) values ($1, $2)
on conflict (key) do update set key = excluded.key
returning digest, answer

-- name: keep_answer
-- What was answered under a key.
update idempotency_key set answer = $2 where key = $1
