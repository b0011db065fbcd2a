"""Accounts that belong together: what links them, how the links are kept, and the rings found among them.

Accounts that use the same device, payment instrument, or the same address and phone are *linked*; linked accounts form a *ring
of accounts* (`grouping`). What they use is kept only as keyed hashes (`hashing`), moved forward with every order (`keeping`) and
read back as facts (`facts`). Who acts together against the same stores is found by peeling the dispute graph (`peeling`); a
finding is evidence for a person (`findings`). Every link can be shown as the path that makes it (`paths`).
"""
