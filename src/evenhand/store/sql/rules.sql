-- name: changed
-- All rules of the merchants whose rules have changed since a revision.
select merchant, id, decision, price_from, price_to, categories, reasons, stages, within_days, valid_from, deleted_at
from merchant_rule
where merchant in (select merchant from merchant_rule where revision > $1)

-- name: known
-- Rules of merchants by merchant and id.
select r.merchant, r.id, r.decision, r.price_from, r.price_to, r.categories, r.reasons, r.stages, r.within_days, r.valid_from,
       r.deleted_at
from unnest($1::bigint[], $2::text[]) as f (merchant, id)
join merchant_rule r on r.merchant = f.merchant and r.id = f.id

-- name: in_force
-- How many rules of each merchant have not ended.
select merchant, count(*) from merchant_rule where merchant = any($1::bigint[]) and deleted_at is null group by merchant

-- name: set
-- A merchant sets a rule.
insert into merchant_rule (merchant, id, decision, price_from, price_to, categories, reasons, stages, within_days, valid_from,
                           deleted_at, set_at, revision)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: end
-- A rule ends; one that has not begun never does.
update merchant_rule set deleted_at = greatest(valid_from, $3), revision = $4
where merchant = $1 and id = $2 and deleted_at is null

-- name: of_merchant
-- The rules of a merchant, in the order they were set.
select r.merchant, r.id, r.decision, r.price_from, r.price_to, r.categories, r.reasons, r.stages, r.within_days, r.valid_from,
       r.deleted_at
from merchant_rule r
join account a on a.no = r.merchant
where a.market = $1 and a.kind = 'merchant' and a.id = $2
order by r.no

-- name: find_merchant
-- The account of a merchant.
select no from account where market = $1 and kind = 'merchant' and id = $2
