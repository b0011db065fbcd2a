"""From syntax to the typed tree: names are resolved, types checked, decimals become scaled integers, FEEL becomes the core.

`constants`, `arithmetic`, `date_parts`, `comparing` and `functions` say what each node means; here they are put together.
"""

from collections.abc import Mapping

from evenhand.policy import syntax
from evenhand.policy.arithmetic import arithmetic, divided, negated
from evenhand.policy.comparing import alike, check_interval, compared, fit, place_of, union
from evenhand.policy.constants import constant
from evenhand.policy.date_parts import part_of
from evenhand.policy.errors import suggestion
from evenhand.policy.functions import FUNCTIONS
from evenhand.policy.syntax import CellError, Expression
from evenhand.policy.tree import (
    And,
    Const,
    Expr,
    If,
    In,
    Not,
    Or,
    Read,
)
from evenhand.policy.types import BOOLEAN, Type, Value


class Lowering:
    """Lowers the cells of one document; `names` are the facts and outputs that may be read."""

    def __init__(self, names: Mapping[str, Type]) -> None:
        self._names = names

    # names and constants

    def read(self, name: str, at: int) -> Expr:
        """A fact, an output, or a part (`.year`) of one; raises `CellError` with a suggestion for a near miss."""
        found = self._names.get(name)
        if found is not None:
            return Read(found, name)
        owner, _, part = name.rpartition(".")
        if owner in self._names:
            return part_of(Read(self._names[owner], owner), part, at)
        raise CellError(at, f"there is no fact or output {name}{suggestion(name, self._names)}")

    def expression(self, node: Expression) -> Expr:
        """Lower an expression; raises `CellError` at the place of what does not fit."""
        match node:
            case syntax.Literal():
                return constant(node.value, node.at)
            case syntax.Name():
                return self.read(node.value, node.at)
            case syntax.Negate():
                return negated(self.expression(node.operand), node.at)
            case syntax.Binary(operator="and" | "or"):
                parts = (self.condition(node.left), self.condition(node.right))
                return And(BOOLEAN, parts) if node.operator == "and" else Or(BOOLEAN, parts)
            case syntax.Binary(operator="+" | "-" | "*" | "/"):
                return self._calculated(node)
            case syntax.Binary():
                left, right = self.expression(node.left), self._beside(node.left, node.right)
                if isinstance(left, Const) and not isinstance(right, Const) and right.type.values:
                    left = self._beside(node.right, node.left)
                return compared(node.operator, left, right, node.at)
            case syntax.Choose():
                condition = self.condition(node.condition)
                then, otherwise = self.expression(node.then), self.expression(node.otherwise)
                then, otherwise = alike(then, otherwise, node.at)
                return If(union(then.type, otherwise.type), condition, then, otherwise)
            case syntax.Within():
                return self.test(node.test, self.expression(node.value)) or Const(BOOLEAN, True)
            case syntax.Part():
                return part_of(self.expression(node.value), node.part, node.at)
            case syntax.Call():
                return self._called(node)

    def condition(self, node: Expression) -> Expr:
        """Lower an expression that must be a boolean."""
        lowered = self.expression(node)
        if lowered.type.kind not in ("boolean", "null") or lowered.type.many:
            raise CellError(place_of(node), f"expected a condition (true or false), found {lowered.type}")
        return Const(BOOLEAN, None) if lowered.type.kind == "null" else lowered

    def _beside(self, other: Expression, node: Expression) -> Expr:
        """A side of a comparison; a bare word beside a choice is one of its values: `payer = merchant`."""
        if isinstance(node, syntax.Name) and node.value not in self._names and isinstance(other, syntax.Name):
            known = self._names.get(other.value)
            if known is not None and node.value in known.values:
                return Const(known, node.value)
            if known is not None and known.values and "." not in node.value:
                near = suggestion(node.value, (*known.values, *self._names))
                raise CellError(node.at, f"{node.value} is not {known}, and no fact or output{near}")
        return self.expression(node)

    def _calculated(self, node: syntax.Binary) -> Expr:
        left, right = self.expression(node.left), self.expression(node.right)
        if node.operator == "/":
            return divided(left, right, node.at)
        return arithmetic(node.operator, left, right, node.at)

    # unary tests

    def test(self, node: syntax.Test, operand: Expr) -> Expr | None:
        """Lower an input cell against its column's value; None is `-`, which needs no test."""
        if operand.type.many:
            raise CellError(
                0, "a list cannot be tested; head the column with count(...), sum(...) or list contains(...)"
            )
        match node:
            case syntax.Anything():
                return None
            case syntax.Equal():
                return compared("=", operand, self._value(node.value, operand), place_of(node.value))
            case syntax.Compare():
                return compared(node.operator, operand, self._value(node.value, operand), place_of(node.value))
            case syntax.Interval():
                low, high = self._value(node.low, operand), self._value(node.high, operand)
                check_interval(low, high, place_of(node.low))
                above = compared(">" if node.low_open else ">=", operand, low, place_of(node.low))
                below = compared("<" if node.high_open else "<=", operand, high, place_of(node.high))
                return And(BOOLEAN, (above, below))
            case syntax.AnyOf():
                return self._any(node.tests, operand)
            case syntax.Not():
                return Not(BOOLEAN, self._any(node.tests, operand))

    def _any(self, tests: tuple[syntax.Test, ...], operand: Expr) -> Expr:
        found: list[Expr] = []
        values: list[Value] = []
        for test in tests:
            lowered = self.test(test, operand)
            if isinstance(lowered, In) and lowered.operand == operand:
                values.extend(value for value in lowered.values if value not in values)
            elif lowered is not None:
                found.append(lowered)
        if values or not found:
            found.insert(0, In(BOOLEAN, operand, tuple(values)))
        return found[0] if len(found) == 1 else Or(BOOLEAN, tuple(found))

    def _value(self, node: Expression, operand: Expr) -> Expr:
        if isinstance(node, syntax.Name) and node.value not in self._names and "." not in node.value:
            if node.value in operand.type.values:
                raise CellError(node.at, f'strings stand in quotes: "{node.value}"')
            if operand.type.kind == "text" and not suggestion(node.value, self._names):
                raise CellError(
                    node.at, f'there is no fact or output {node.value}; a string stands in quotes: "{node.value}"'
                )
        return self.expression(node)

    # outputs

    def output(self, node: Expression, wanted: Type | None) -> Expr:
        """Lower an output cell to its column's type, where that is known; a bare word is a value of a choice."""
        if isinstance(node, syntax.Name):
            if wanted is not None and node.value in wanted.values:
                return Const(wanted, node.value)
            if wanted is not None and wanted.values and node.value not in self._names:
                known = ", ".join(wanted.values[:12]) + (", ..." if len(wanted.values) > 12 else "")
                near = suggestion(node.value, wanted.values)
                raise CellError(node.at, f"{node.value} is not one of {known}{near}")
        lowered = self.expression(node)
        return fit(lowered, wanted, place_of(node)) if wanted is not None else lowered

    # functions

    def _called(self, node: syntax.Call) -> Expr:
        function = FUNCTIONS.get(node.function)
        if function is None:
            names = [name for name in FUNCTIONS if name != "@"]
            raise CellError(
                node.at,
                f"there is no function {node.function}{suggestion(node.function, names)}; "
                f"there are {', '.join(sorted(names))}",
            )
        return function(tuple(self.expression(argument) for argument in node.arguments), node.at)
