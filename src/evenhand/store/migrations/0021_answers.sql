-- What a request under an Idempotency-Key was answered, written in the transaction that did what it asked. Null: the request does no
-- harm when it is repeated, or comes from before answers were kept.
alter table idempotency_key add column answer json;
