-- What a gateway said it paid is kept as an amount, not in words alone, so that whoever settles a payout that differs is held to it.
alter table payout add column gateway_amount bigint check (gateway_amount >= 0);

update payout
set gateway_amount = substring(problem from '^the gateway paid (\d{1,18}) [A-Z]{3} \(minor units\)$')::bigint
where state = 'differs' and problem like '% ' || currency || ' (minor units)';
