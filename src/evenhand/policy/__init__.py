"""Policy documents: read, typed, compiled, and run.

document.py    Markdown -> tables of cells          parser.py, syntax.py   a cell's text -> its syntax
drafts.py      tables -> parsed, not typed          build.py               drafts -> the typed model (tree.py, types.py)
lowering.py    syntax -> the typed tree
row.py         model -> a Python function           policy.py              what everybody uses

What nodes of the tree mean: constants.py, arithmetic.py, date_parts.py, comparing.py, functions.py.
"""

from evenhand.policy.errors import Fault, PolicyError
from evenhand.policy.policy import Policy, shipped
from evenhand.policy.ruling import Because, Ruling, TraceStep, encode_ruling

__all__ = ["Because", "Fault", "Policy", "PolicyError", "Ruling", "TraceStep", "encode_ruling", "shipped"]
