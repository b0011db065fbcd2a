"""Decision tables as nodes: which rules match, and what their hit policy makes of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from evenhand.errors import BadInput
from evenhand.policy.dmn.elements import HitPolicy
from evenhand.policy.dmn.feel.builtins.conversion import text_of
from evenhand.policy.dmn.feel.builtins.statistics import largest, smallest, total
from evenhand.policy.dmn.feel.operators import equal
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.scope import Scope
from evenhand.policy.dmn.feel.tree import Node, UnaryTests
from evenhand.policy.dmn.feel.types import Type, conform
from evenhand.policy.dmn.feel.values import Value
from evenhand.policy.errors import Fault, PolicyError

_AGGREGATES: Final = {"C+": total, "C<": smallest, "C>": largest}


@dataclass(frozen=True, slots=True)
class Input:
    label: str
    expression: Node
    # no tests: any value
    values: UnaryTests
    values_text: str


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    type: Type | None
    # in order of priority; no tests: any value, and no priority
    values: UnaryTests
    default: Node | None

    def rank(self, value: Value, scope: Scope, run: Run) -> int | None:
        """The place of a value in the order of priority; None when it is not among the values."""
        for place, test in enumerate(self.values.tests):
            if UnaryTests((test,)).hold(value, scope, run):
                return place
        return None


@dataclass(frozen=True, slots=True)
class TableRule:
    tests: tuple[UnaryTests, ...]
    entries: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class TableNode(Node):
    """The value is that of the one output, or a context of several outputs; several hits make a list of those."""

    # what the table is called in messages
    title: str
    file: str
    line: int
    hit_policy: HitPolicy
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[TableRule, ...]

    def evaluate(self, scope: Scope, run: Run) -> Value:
        values = [self._input(each, scope, run) for each in self.inputs]
        hits: list[int] = []
        for place, rule in enumerate(self.rules):
            if all(test.hold(value, scope, run) for test, value in zip(rule.tests, values, strict=True)):
                hits.append(place)
                if self.hit_policy == "F":
                    break
        if not hits:
            return self._default(scope, run)
        if self.hit_policy == "U" and len(hits) > 1:
            return None  # undefined, says the standard; the same in our own documents
        results = [self._outputs(place, scope, run) for place in hits]
        return self._hit(hits, results, scope, run)

    def _fail(self, place: int, message: str) -> None:
        raise PolicyError(self.file, [Fault(self.rules[place].line, 1, f"{self.title}: {message}")])

    def _input(self, clause: Input, scope: Scope, run: Run) -> Value:
        value = clause.expression.evaluate(scope, run)
        if value is not None and not clause.values.hold(value, scope, run):
            raise BadInput(
                f"{text_of(value)} is not among the values of {self.title}: {clause.values_text}", field=clause.label
            )
        return value

    def _outputs(self, place: int, scope: Scope, run: Run) -> list[Value]:
        results: list[Value] = []
        for output, entry in zip(self.outputs, self.rules[place].entries, strict=True):
            value = conform(entry.evaluate(scope, run), output.type)
            if value is not None and output.values.tests and output.rank(value, scope, run) is None:
                given = f"{text_of(value)}, which is not among the values of {output.name or 'its output'}"
                self._fail(place, f"rule {place + 1} gives {given}")
            results.append(value)
        return results

    def _hit(self, hits: list[int], results: list[list[Value]], scope: Scope, run: Run) -> Value:
        match self.hit_policy:
            case "U" | "F":
                return self._value(results[0])
            case "A":
                same = all(equal(result, results[0]) for result in results[1:])
                return self._value(results[0]) if same else None
            case "P":
                return self._value(min(results, key=lambda result: self._priority(result, scope, run)))
            case "O":
                ordered = sorted(results, key=lambda result: self._priority(result, scope, run))
                return [self._value(result) for result in ordered]
            case "C#":
                return Decimal(len(results))
            case "C+" | "C<" | "C>":
                return _AGGREGATES[self.hit_policy]([result[0] for result in results])
            case _:
                return [self._value(result) for result in results]

    def _priority(self, result: list[Value], scope: Scope, run: Run) -> tuple[int, ...]:
        """By the first output that has an order, then by the next; null comes last."""
        return tuple(
            len(output.values.tests) if (rank := output.rank(value, scope, run)) is None else rank
            for output, value in zip(self.outputs, result, strict=True)
            if output.values.tests
        )

    def _default(self, scope: Scope, run: Run) -> Value:
        """Nothing matched: the default outputs, else no hits at all (an empty list, a count of zero), else null."""
        if any(output.default for output in self.outputs):
            value = self._value(
                [
                    conform(output.default.evaluate(scope, run), output.type) if output.default else None
                    for output in self.outputs
                ]
            )
            return [value] if self.hit_policy in ("R", "O", "C") and not isinstance(value, list) else value
        if self.hit_policy in ("R", "O", "C"):
            return []
        return Decimal(0) if self.hit_policy == "C#" else None

    def _value(self, result: list[Value]) -> Value:
        if len(self.outputs) == 1:
            return result[0]
        return {output.name: value for output, value in zip(self.outputs, result, strict=True)}
