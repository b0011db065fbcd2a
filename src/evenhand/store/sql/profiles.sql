-- name: account
-- An account with its history.
select no, tiles from account where market = $1 and kind = $2 and id = $3
