-- Kept answers say by a mark which secret a webhook was given, and do not hold it.
update idempotency_key
set answer = json_build_object(
    'webhook', (answer -> 0)::jsonb - 'secret', 'is_new', answer -> 1,
    'mark', encode(sha256(convert_to(answer -> 0 ->> 'secret', 'UTF8')), 'hex'))
where case when json_typeof(answer) = 'array' then json_array_length(answer) = 2 and answer -> 0 ->> 'url' is not null end;
update idempotency_key
set answer = json_build_object(
    'webhook', answer::jsonb - 'secret', 'is_new', true, 'mark', encode(sha256(convert_to(answer ->> 'secret', 'UTF8')), 'hex'))
where case when json_typeof(answer) = 'object' then answer ->> 'secret' is not null and answer ->> 'url' is not null end;
