-- How a market's fund pays, and by what a gateway knows an order's payment, can be changed from the version they were read at. A market
-- that begins to pay again does so under a version it never had.
create sequence payout_market_version as int;
alter table payout_market add column version int not null default nextval('payout_market_version');
alter table payment_reference add column version int not null default 1;
