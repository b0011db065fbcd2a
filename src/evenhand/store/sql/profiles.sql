-- name: last_event
-- When the last order of a market was placed, or the last application filed, whichever is later; null where there is none.
select greatest(
    (select max(placed_at) from orders where market = $1), (select max(applied_at) from application where market = $1)
)

-- name: account
-- An account with its history.
select no, tiles from account where market = $1 and kind = $2 and id = $3
