-- name: holds_real_data
-- Whether anything in this database came from a real marketplace.
select exists (select from orders o join market m on m.no = o.market where not m.synthetic)

-- name: clear
-- Empty everything: only ever called where all there is is synthetic.
truncate market, account, label, orders, order_line, review, batch, application, transfer restart identity
