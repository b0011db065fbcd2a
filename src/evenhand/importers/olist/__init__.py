"""Olist's orders, deliveries and reviews (the Brazilian E-Commerce Public Dataset by Olist) as orders and refund applications.

`sources` reads the files and checks them whole, `complaints` says what they mean, with `phrases` for the buyers' words,
`timeline` puts everything in the order in which it happened, `sending` takes it through the live path.
"""
