"""The typed tree: what a policy document means. Every compiler (row, columns, proofs) reads this and nothing else.

Expressions are a small core over exact integers, booleans and strings (see `types.py`), each node with its type; all of FEEL
that documents may use is lowered to it. Null follows FEEL: arithmetic and comparisons with null are null, equality and
membership are always true or false (null equals null only), and a condition holds only when it is true.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from evenhand.policy.types import Type, Value


@dataclass(frozen=True, slots=True)
class Const:
    type: Type
    value: Value


@dataclass(frozen=True, slots=True)
class Read:
    """The value of a fact or of an output."""

    type: Type
    name: str


@dataclass(frozen=True, slots=True)
class Arith:
    """`+`, `-` or `*` on integers; null when a side is null."""

    type: Type
    operator: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Quotient:
    """left / right as an integer, rounded "half_up" (ties away from zero), "floor" or "ceiling"; null when right is 0."""

    type: Type
    rounding: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least ("min") or greatest ("max"); null when one is null."""

    type: Type
    operator: str
    operands: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`<`, `<=`, `>` or `>=` on integers; null when a side is null."""

    type: Type
    operator: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Equal:
    """Whether both are the same, null included: never null."""

    type: Type
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class In:
    """Whether the operand is one of the values (which may include None): never null."""

    type: Type
    operand: "Expr"
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class And:
    type: Type
    operands: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Or:
    type: Type
    operands: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Not:
    type: Type
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class If:
    """`then` where the condition is true, else `otherwise`, also where it is null."""

    type: Type
    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of an ordered choice in its order, from 0; null for null."""

    type: Type
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class TextTest:
    """Whether left "contains", "starts" with or "ends" with right; null when a side is null."""

    type: Type
    operator: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class TextCase:
    """ "upper" or "lower" case of the letters A to Z; others stay as they are, so that every engine agrees."""

    type: Type
    operator: str
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class TextLength:
    """The number of Unicode code points."""

    type: Type
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class DatePart:
    """ "year", "month", "day" or "weekday" (Monday is 1) of a date, a count of days since 1970-01-01.

    `calendar.expanded` says the same in plain arithmetic, for engines without a calendar.
    """

    type: Type
    part: str
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A figure over the list that a table with hit policy R, O or C gives: "sum", "min", "max" or "count".

    As in FEEL, sum, min and max are null when the list is empty or holds a null.
    """

    type: Type
    operator: str
    # the output's name; its table is found in the model
    name: str


Expr = (
    Const
    | Read
    | Arith
    | Quotient
    | Extreme
    | Compare
    | Equal
    | In
    | And
    | Or
    | Not
    | If
    | Rank
    | TextTest
    | TextCase
    | TextLength
    | DatePart
    | Gathered
)


@dataclass(frozen=True, slots=True)
class Output:
    """An output column. `priority` lists its values, highest first, for the hit policies P and O."""

    name: str
    type: Type
    priority: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: it matches when every test that is not None (`-`) is true."""

    # from 1, as in the document
    number: int
    # in the file
    line: int
    tests: tuple[Expr | None, ...]
    outputs: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table. Hit policies are DMN's, by their letter.

    U and A give null when their condition (one match; all matches alike) does not hold. P and O are F and R with the rows in
    the order of their outputs' priority, and are held that way: `rules` is the order of evaluation.
    """

    name: str
    hit: str
    line: int
    # header text of each input column, and what it reads
    headers: tuple[str, ...]
    inputs: tuple[Expr, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """A named expression beside the tables."""

    name: str
    # heading it stands under
    section: str
    line: int
    output: Output
    value: Expr
    # as written
    text: str


Step = Table | Formula


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code's sentences, with {placeholders}."""

    code: str
    en: str
    zh: str
    line: int


@dataclass(frozen=True, slots=True)
class Model:
    """A policy document, understood."""

    name: str
    version: str
    effective: date
    anchor: str
    currency: str | None
    title: str
    # every fact the document may read: the vocabulary's and its own
    facts: Mapping[str, Type]
    # tables and formulas in an order in which each finds what it reads
    steps: tuple[Step, ...]
    # output name -> its step and type
    outputs: Mapping[str, tuple[Step, Output]]
    # the ruling in terms of the outputs: outcome, payer, amount, return_required, respond_within_hours, because; empty for a
    # document that decides no outcome (a scorecard)
    ruling: Mapping[str, Expr]
    # the table that gives the outcome: its deciding row names the ruling's rule
    deciding: Table | None
    reasons: Mapping[str, Reason]
    # the facts that are read, in the order of the document
    read: tuple[str, ...]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands of a node."""
    match expr:
        case Const() | Read() | Gathered():
            return ()
        case Arith() | Quotient() | Compare() | Equal() | TextTest():
            return (expr.left, expr.right)
        case Extreme() | And() | Or():
            return expr.operands
        case If():
            return (expr.condition, expr.then, expr.otherwise)
        case _:
            return (expr.operand,)


def rebuilt(expr: Expr, operands: Sequence[Expr]) -> Expr:
    """An expression with other operands; constants take the types of those they replace."""
    kept = [
        Const(child.type, operand.value) if isinstance(operand, Const) else operand
        for child, operand in zip(children(expr), operands, strict=True)
    ]
    match expr:
        case Const() | Read() | Gathered():
            return expr
        case If():
            return If(expr.type, kept[0], kept[1], kept[2])
        case And() | Or() | Extreme():
            return replace(expr, operands=tuple(kept))
        case Arith() | Quotient() | Compare() | Equal() | TextTest():
            return replace(expr, left=kept[0], right=kept[1])
        case _:
            return replace(expr, operand=kept[0])


def size(expr: Expr) -> int:
    """How many nodes an expression has when it is written out, parts that it shares as often as they are read."""
    known: dict[int, int] = {}

    def counted(node: Expr) -> int:
        if id(node) not in known:
            known[id(node)] = 1 + sum(counted(child) for child in children(node))
        return known[id(node)]

    return counted(expr)


def names_read(expr: Expr) -> Iterator[str]:
    """Names of the facts and outputs an expression reads, with repeats."""
    if isinstance(expr, Read | Gathered):
        yield expr.name
    for child in children(expr):
        yield from names_read(child)


def expressions(step: Step) -> Iterator[Expr]:
    """Every expression of a table or formula."""
    if isinstance(step, Formula):
        yield step.value
        return
    yield from step.inputs
    for rule in step.rules:
        yield from (test for test in rule.tests if test is not None)
        yield from rule.outputs


def outputs_of(step: Step) -> tuple[Output, ...]:
    """What a table or formula gives."""
    return step.outputs if isinstance(step, Table) else (step.output,)
