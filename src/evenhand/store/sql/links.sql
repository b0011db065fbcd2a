-- name: keep_key
-- The secret of this database, or the fingerprint of one kept outside; the first one stays.
insert into link_key (key, fingerprint) values ($1, $2) on conflict do nothing

-- name: key
-- What is known of the secret.
select key, fingerprint from link_key

-- name: unseen
-- Places of what buyers (market, id) are not known to have used.
select f.i
from unnest($1::bytea[], $2::smallint[], $3::text[]) with ordinality as f (attribute, market, id, i)
left join account a on a.market = f.market and a.kind = 'buyer' and a.id = f.id
where not exists (select from link_holding h where h.attribute = f.attribute and h.account = a.no)

-- name: hold
-- What accounts have used; answers with what is new. Sorted by the caller, so that two writers meet in the same order.
insert into link_holding (attribute, account, kind, seen_at)
select f.attribute, f.account, f.kind, $4 from unnest($1::bytea[], $2::bigint[], $3::smallint[]) as f (attribute, account, kind)
on conflict do nothing
returning attribute, account, kind

-- name: alone
-- Be the only one who links accounts of these markets until the transaction ends.
select pg_advisory_xact_lock($1, market) from unnest($2::int[]) as f (market)

-- name: alone_in
-- The same for a market by its id.
select pg_advisory_xact_lock($1, no) from market where id = $2

-- name: holders
-- Who holds each attribute that is no hub.
select f.attribute, array(select account from link_holding h where h.attribute = f.attribute) as accounts
from unnest($1::bytea[]) as f (attribute)
where not exists (select from link_hub b where b.attribute = f.attribute)

-- name: holding_both
-- Accounts that share a new holding and, of another kind ($3), something else with the account that has it; and that account. What
-- it holds of that kind is looked at to a limit ($4).
select distinct unnest(array[n.account, o.account]) as account
from (select * from unnest($1::bytea[], $2::bigint[], $3::smallint[]) as f (attribute, account, other)
      where not exists (select from link_hub b where b.attribute = f.attribute)) n
-- the limit also keeps hubs from being followed
cross join lateral (select attribute from link_holding x
                    where x.account = n.account and x.kind = n.other
                          and not exists (select from link_hub b where b.attribute = x.attribute) limit $4) h
join link_holding p on p.attribute = h.attribute and p.account <> n.account
join link_holding o on o.attribute = n.attribute and o.account = p.account

-- name: add_hubs
-- Attributes that are held by too many from now on.
insert into link_hub (attribute, market)
select * from unnest($1::bytea[], $2::smallint[]) as f (attribute, market) on conflict do nothing

-- name: values_of
-- How many different values of a kind accounts hold, counted to a limit.
select f.account, f.kind,
       (select count(*) from (select from link_holding h where h.account = f.account and h.kind = f.kind limit $3) h) as values
from unnest($1::bigint[], $2::smallint[]) as f (account, kind)

-- name: rings_of
-- The rings of accounts.
select account, ring from link_member where account = any($1::bigint[])

-- name: members
-- Every account of these rings.
select account, ring from link_member where ring = any($1::bigint[])

-- name: size
-- How many accounts are in a ring.
select count(*) from link_member where ring = $1

-- name: some_members
-- Accounts of a ring, at most so many, the newest.
select account from link_member where ring = $1 order by account desc limit $2

-- name: findings_of
-- Findings in which an account stands, the newest first.
select finding from ring_finding_account where account = $1 order by finding desc limit 20

-- name: sizes
-- How many accounts are in these rings.
select ring, count(*) as size from link_member where ring = any($1::bigint[]) group by ring

-- name: holdings
-- What accounts hold, a limited count ($3) of each kind. Holders are counted to one above the cap of the kind ($2); a hub has that many.
select h.account, h.kind, h.attribute,
       case when exists (select from link_hub b where b.attribute = h.attribute) then ($2::int[])[h.kind + 1] + 1
       else (select count(*) from (select from link_holding o where o.attribute = h.attribute
                                   limit ($2::int[])[h.kind + 1] + 1) o) end::int as holders
from unnest($1::bigint[]) as f (account)
cross join generate_series(0, 3) as k (kind)
cross join lateral (select account, kind, attribute from link_holding
                    where account = f.account and link_holding.kind = k.kind limit $3) h

-- name: dissolve
-- Forget who is in these rings.
delete from link_member where ring = any($1::bigint[])

-- name: rename
-- Rings that became part of another.
update link_member m set ring = f.into_ring from unnest($1::bigint[], $2::bigint[]) as f (ring, into_ring) where m.ring = f.ring

-- name: join_ring
-- Accounts that were in no ring.
with linked as (update account set linked = true where no = any($1::bigint[]) and not linked)
insert into link_member (account, ring) select * from unnest($1::bigint[], $2::bigint[])

-- name: states
-- The newest accounts of the rings these buyers are in, at most so many of each, with their history.
select r.buyers, a.no, a.version, a.tiles
from (select ring, array_agg(account) as buyers from link_member where account = any($1::bigint[]) group by ring) r
cross join lateral (select account from link_member m where m.ring = r.ring order by account desc limit $2) m
join account a on a.no = m.account

-- name: account
-- An account by market and id, with its ring.
select a.no, m.no as market, l.ring
from market m
join account a on a.market = m.no and a.kind = $2 and a.id = $3
left join link_member l on l.account = a.no
where m.id = $1

-- name: forget_holdings
-- What an account has used, and its part in findings: gone.
with findings as (delete from ring_finding_account where account = $1)
delete from link_holding where account = $1

-- name: ids
-- What the marketplace calls these accounts.
select no, kind, id from account where no = any($1::bigint[])

-- name: disputes
-- Who disputed with whom since a moment, in which span of so many days ($4) after it, how often, and the buyer's ring.
select a.buyer, a.merchant, floor(extract(epoch from a.applied_at - $2) / 86400 / $4)::int as fortnight,
       count(*)::int as times, (count(*) filter (where a.remedy = 'refund_only'))::int as refund_only, m.ring
from application a
left join link_member m on m.account = a.buyer
where a.market = $1 and a.applied_at >= $2 and a.applied_at <= $3
group by a.buyer, a.merchant, fortnight, m.ring
order by a.buyer, a.merchant, fortnight

-- name: keep_finding
-- A group that was found; found again, its figures are renewed and a person's verdict stays. `found_before` tells.
insert into ring_finding (market, digest, first_found, last_found, since, density, chance, disputes, refund_only, linked_buyers)
values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9)
on conflict (market, digest) do update
set last_found = excluded.last_found, since = excluded.since, density = excluded.density, chance = excluded.chance,
    disputes = excluded.disputes, refund_only = excluded.refund_only, linked_buyers = excluded.linked_buyers
returning no, first_found <> last_found as found_before

-- name: keep_accounts
-- The accounts of a finding.
insert into ring_finding_account (finding, account) select $1, account from unnest($2::bigint[]) as f (account) on conflict do nothing

-- name: findings
-- Findings of a market, or of every one, densest first among those that wait; those with a verdict only where asked for.
select f.no, m.id as market, f.first_found, f.last_found, f.since, f.density, f.chance, f.disputes, f.refund_only, f.linked_buyers,
       f.verdict, f.reviewed_by, f.reviewed_at, f.note,
       array(select a.id from ring_finding_account x join account a on a.no = x.account
             where x.finding = f.no and a.kind = 'buyer' order by a.id) as buyers,
       array(select a.id from ring_finding_account x join account a on a.no = x.account
             where x.finding = f.no and a.kind = 'merchant' order by a.id) as merchants
from ring_finding f
join market m on m.no = f.market
where ($1::text is null or m.id = $1) and ($2 or f.verdict is null)
order by f.verdict is not null, f.density desc, f.no

-- name: judge
-- A person's verdict on a finding that has none.
update ring_finding set verdict = $2, reviewed_by = $3, reviewed_at = $4, note = $5 where no = $1 and verdict is null
returning no

-- name: verdict
-- The verdict a finding has.
select verdict, reviewed_by from ring_finding where no = $1
