"""Input data as facts of a policy document: their names, types and values.

A number of DMN may have any size and any count of decimals, a fact has bounds and a fixed count: it gets as many decimals as
the file ever compares it with, and two at least; and ten billion either way, where the file sets no bounds.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from evenhand.policy.dmn.cell_writer import CannotSay, literal
from evenhand.policy.dmn.elements import InputData, ItemDefinition, Text
from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import ListLiteral, Literal, Node, RangeLiteral, UnaryTests
from evenhand.policy.dmn.item_types import read_tests
from evenhand.policy.dmn.model import Model
from evenhand.policy.errors import Fault, PolicyError
from evenhand.vocabulary import FACTS

_LEAST_DECIMALS: Final = 2
_MOST_DECIMALS: Final = 6
# leaves room to divide in 64 bits
_BOUNDS: Final = (Decimal(-10_000_000_000), Decimal(10_000_000_000))
_TYPES: Final = {
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "date": "date",
    "date and time": "date and time",
    "dateTime": "date and time",
    "days and time duration": "duration",
    "dayTimeDuration": "duration",
    "years and months duration": "months",
    "yearMonthDuration": "months",
    "integer": "number",
    "long": "number",
    "double": "number",
}
_KINDS: Final = {"choice": "string", "integer": "number", "number": "number", "boolean": "boolean", "string": "string"}


@dataclass(slots=True)
class _Fact:
    name: str
    # a type of a policy document, without decimals; empty while nobody said
    kind: str
    line: int
    # what DMN calls it, for messages
    said: str
    values: tuple[str, ...] = ()
    bounds: tuple[Decimal, Decimal] | None = None
    decimals: int = _LEAST_DECIMALS


class FactTypes:
    def __init__(self, model: Model, told: str | None) -> None:
        self.model = model
        self._facts: dict[str, _Fact] = {}
        # input data and its members -> fact; None for input data that has members
        self._inputs: dict[tuple[str, ...], str | None] = {}
        # facts without input data, by the text that reads them
        self.undeclared: dict[str, str] = {}
        # facts that the file itself describes, as Evenhand's exports do: their rows are taken as they are
        self._told = dict(re.findall(r"^\|\s*`?([A-Za-z_][\w.]*)`?\s*\|\s*([^|]*?)\s*\|", told or "", re.MULTILINE))
        for element in model.definitions.elements.values():
            if isinstance(element, InputData):
                self._declare((element.id,), element.name, element.type_ref, element.line, element.name)

    def names(self) -> list[str]:
        return list(self._facts)

    def declare(self, text: str, type_ref: str | None, line: int) -> None:
        """A fact that an expression reads without input data."""
        if text not in self.undeclared:
            self.undeclared[text] = self._declare((text,), text, type_ref, line, text) or _identifier(
                text, line, self.model
            )

    def of_input(self, element: InputData) -> str | None:
        return self._inputs.get((element.id,))

    def of_member(self, element: InputData, members: tuple[str, ...]) -> str | None:
        return self._inputs.get((element.id, *members))

    def decimals(self, name: str) -> int | None:
        if name in FACTS:
            return FACTS[name].scale
        if name in self._told:
            found = re.fullmatch(r"number\s*\((\d+)\)", self._told[name])
            return int(found[1]) if found else 0
        fact = self._facts.get(name)
        return fact.decimals if fact and fact.kind == "number" else None

    # declaring

    def _declare(self, key: tuple[str, ...], name: str, type_ref: str | None, line: int, said: str) -> str | None:
        item = self.model.types.item(type_ref)
        return self._declare_item(key, name, type_ref, item, line, said, 0)

    def _declare_item(
        self,
        key: tuple[str, ...],
        name: str,
        type_ref: str | None,
        item: ItemDefinition | None,
        line: int,
        said: str,
        depth: int,
    ) -> str | None:
        if depth > 8:
            raise self._error(line, f"{said!r} holds itself: a fact cannot")
        if item is not None and item.collection:
            raise self._error(line, f"{said!r} is a collection: a policy document has no lists of facts")
        if item is not None and item.components:
            self._inputs[key] = None
            for part in item.components:
                inner = self.model.types.item(part.type_ref) if not part.components else part
                found = part if part.components or part.collection or inner is None else inner
                self._declare_item(
                    (*key, part.name),
                    f"{name}.{part.name}",
                    part.type_ref,
                    found,
                    line,
                    f"{said}.{part.name}",
                    depth + 1,
                )
                if part.allowed is not None and found is not part:
                    self._allow(self._inputs[*key, part.name], part.allowed, said)
            return None
        kind = item.type_ref if item is not None else type_ref
        inner = self.model.types.item(kind) if item is not None and kind != item.name else None
        if inner is not None:
            made = self._declare_item(key, name, kind, inner, line, said, depth + 1)
        else:
            made = self._add(name, kind, line, said)
            self._inputs[key] = made
        if item is not None:
            for text in (item.allowed, item.constraint):
                if text is not None:
                    self._allow(made, text, said)
        return made

    def _add(self, name: str, type_ref: str | None, line: int, said: str) -> str:
        fact_name = ".".join(_identifier(part, line, self.model) for part in name.split("."))
        reference = (type_ref or "").rpartition(":")[2]
        if reference not in _TYPES and reference not in ("", "Any"):
            raise self._error(line, f"{said!r} is a {reference}: a policy document has no facts of that type")
        kind = _TYPES.get(reference, "")
        known = FACTS.get(fact_name)
        if known is not None and kind not in ("", _KINDS.get(known.kind, known.kind)):
            raise self._error(
                line, f"{said!r} is a {reference}, but the fact {fact_name} of the vocabulary is a {known.kind}"
            )
        if fact_name in self._facts and self._facts[fact_name].said != said:
            raise self._error(line, f"{said!r} and {self._facts[fact_name].said!r} would both be the fact {fact_name}")
        self._facts.setdefault(fact_name, _Fact(fact_name, kind, line, said))
        return fact_name

    def _error(self, line: int, message: str) -> PolicyError:
        return PolicyError(self.model.definitions.file, [Fault(line, 1, message)])

    def _allow(self, name: str | None, text: Text, said: str) -> None:
        closed = Vocabulary(functions=FUNCTIONS, function_names=FUNCTION_NAMES)
        tests = read_tests(text, closed, self.model.definitions.file, f"allowed values of {said!r}")
        try:
            if name is not None:
                self.limit(name, tests)
        except CannotSay as error:
            raise self._error(text.line, f"{said!r}: {error}") from error

    # what else the file says of a fact

    def limit(self, name: str, tests: UnaryTests) -> None:
        """The values that a fact may have: listed strings, or one closed range of numbers."""
        fact = self._facts.get(name)
        if fact is None:
            raise CannotSay(f"only facts have allowed values, and {name!r} is none")
        operands = [test.operand for test in tests.tests]
        plain = not tests.negated and not any(test.operator or test.conditional for test in tests.tests)
        values = [value for operand in operands for value in _listed(operand)]
        values = [value for value in values if value is not None] if None in values and len(values) > 1 else values
        if plain and values and all(isinstance(value, str) for value in values):
            self._limit_choice(fact, tuple(str(value) for value in values))
            return
        if plain and sorted(map(str, values)) == ["False", "True"]:
            return
        if plain and len(operands) == 1 and isinstance(operands[0], RangeLiteral):
            bounds = _bounds(operands[0])
            if bounds is not None and (fact.bounds is None or fact.bounds == bounds):
                fact.bounds = bounds
                fact.decimals = max(fact.decimals, *map(_decimals, bounds))
                self._check_bounds(fact)
                return
        if tests.tests:
            raise CannotSay('the values of a fact are a list like "low", "high" or a closed range like [0..100]')

    def _limit_choice(self, fact: _Fact, values: tuple[str, ...]) -> None:
        known = FACTS.get(fact.name)
        if known is not None and known.values and set(values) != set(known.values):
            raise CannotSay(f"the fact {fact.name} of the vocabulary is one of {', '.join(known.values)}")
        if fact.values and set(fact.values) != set(values):
            raise CannotSay(f"{fact.said!r} has other allowed values elsewhere")
        fact.values = fact.values or values

    def _check_bounds(self, fact: _Fact) -> None:
        known = FACTS.get(fact.name)
        if known is not None and fact.bounds != (known.low, known.high):
            raise CannotSay(f"the fact {fact.name} of the vocabulary lies in [{known.low}..{known.high}]")

    def seen(self, name: str, tests: UnaryTests, type_ref: str | None) -> None:
        """What the tests of a column say of the fact that heads it."""
        fact = self._facts.get(name)
        if fact is None:
            return
        fact.kind = fact.kind or _TYPES.get((type_ref or "").rpartition(":")[2], "")
        for test in tests.tests:
            for value in _literals(test.operand):
                if isinstance(value, Decimal):
                    fact.decimals = max(fact.decimals, _decimals(value))
                    fact.kind = fact.kind or "number"
                elif isinstance(value, bool):
                    fact.kind = fact.kind or "boolean"
                elif isinstance(value, str):
                    fact.kind = fact.kind or "string"

    # writing

    def rows(self, faults: list[Fault]) -> list[list[str]]:
        """The rows of `## Facts`: those that the vocabulary does not have."""
        found: list[list[str]] = []
        for fact in self._facts.values():
            if fact.name in FACTS or fact.name in self._told:
                continue
            if not fact.kind:
                faults.append(Fault(fact.line, 1, f"{fact.said!r} has no type: give it a typeRef"))
            elif fact.decimals > _MOST_DECIMALS:
                faults.append(
                    Fault(
                        fact.line, 1, f"{fact.said!r} is compared with {fact.decimals} decimals, six at most are taken"
                    )
                )
            else:
                found.append([fact.name, *_written(fact)])
        return found


def _written(fact: _Fact) -> list[str]:
    if fact.values:
        return ["choice", ", ".join(literal(value) for value in fact.values)]
    if fact.kind != "number":
        return [fact.kind, "-"]
    low, high = map(literal, fact.bounds or _BOUNDS)
    return [f"number({fact.decimals})", f"[{low}..{high}]"]


def _identifier(name: str, line: int, model: Model) -> str:
    """A name of letters, digits and _ for a name of DMN."""
    made = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else name
    if not made or not name.isascii():
        message = f"{name!r} is no name in a policy document: use letters of English, digits and _"
        raise PolicyError(model.definitions.file, [Fault(line, 1, message)])
    return made if not made[0].isdigit() else f"_{made}"


def _listed(node: Node) -> list[object]:
    if isinstance(node, ListLiteral):
        return [value for element in node.elements for value in _listed(element)]
    return [node.value] if isinstance(node, Literal) else [node]


def _literals(node: Node) -> list[object]:
    if isinstance(node, RangeLiteral):
        return [value for end in (node.low, node.high) if end is not None for value in _literals(end)]
    return [value for value in _listed(node) if not isinstance(value, Node)]


def _bounds(node: RangeLiteral) -> tuple[Decimal, Decimal] | None:
    low, high = (end.value if isinstance(end, Literal) else None for end in (node.low, node.high))
    closed = node.low_closed and node.high_closed
    return (low, high) if closed and isinstance(low, Decimal) and isinstance(high, Decimal) else None


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
