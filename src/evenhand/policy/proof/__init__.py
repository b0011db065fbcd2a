"""Proofs about policies: what holds for every application there could be, and a concrete one where something does not.

boxes.py, covering.py   one table as axis-aligned boxes: gaps, overlaps, hidden rows, orders, in milliseconds
table_diff.py, table_proof.py   policies of one large table, compared and proven by boxes
grid.py, classes.py     a whole policy over classes of facts that it cannot tell apart
smt.py, solver.py       a whole policy as SMT-LIB text for Z3
promises.py, proving.py `## Promises`: read, then proven or refuted by both
check.py, diff.py, recourse.py, exploit.py   what people ask for

Boxes and grid share no code with the Z3 side but the typed tree, and nothing is refuted that the row function does not confirm.
"""
