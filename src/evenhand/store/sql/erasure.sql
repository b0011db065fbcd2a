-- name: hold
-- An account, held until the transaction ends.
select a.no, a.market, m.id as market_id from account a join market m on m.no = a.market
where m.id = $1 and a.kind = $2 and a.id = $3 for update of a

-- name: allow
-- Let this transaction take the comments out of applications.
select set_config('evenhand.erasing', 'on', true)

-- name: forget
-- The account is called something else, and its history is dropped.
update account set id = $2, tiles = '', version = version + 1 where no = $1

-- name: forget_comments
-- What the person wrote or showed with applications goes; the applications and their rulings stay.
update application set extra = null where buyer = $1 and extra is not null

-- name: forget_signs
-- Cases noted against the account.
delete from label_sign where account = $1

-- name: note
-- That somebody was erased, and by whom.
insert into erasure (account, pseudonym, erased_by, erased_at) values ($1, $2, $3, $4)
