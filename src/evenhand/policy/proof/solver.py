"""Z3 over one script: is there a set of facts for which a condition holds?

Every question has its own time limit. Z3 is loaded when the first one is asked, never by a server that only rules.
"""

from typing import Any

from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.types import Type, Value

Assignment = dict[str, Value]


class Solver:
    """Answers questions about the encodings of one script."""

    def __init__(self, script: Script, deadline: Deadline) -> None:
        import z3

        self._z3: Any = z3
        self._script = script
        self._deadline = deadline
        self._context: Any = z3.Context()
        self._solver: Any = z3.Solver(ctx=self._context)
        self._meant = 0

    def find(self, condition: str, kinds: dict[str, Type], most: float) -> Assignment | None:
        """Facts (as held inside) for which the condition holds, of those named by `kinds`; None proves that there are none.

        `most` limits this question, in seconds, beside the deadline. Raises `Undecided`.
        """
        z3 = self._z3
        if condition == "false":
            return None
        symbols = {name: _symbols(name, kind) for name, kind in kinds.items() if self._script.knows(name)}
        self._deadline.keep()
        self._add(self._script.take())
        self._solver.push()
        try:
            self._add(f"(assert {condition})")
            self._add(self._script.meanings())
            left = min(self._deadline.left, most)
            self._solver.set("timeout", max(1, int(left * 1000)))
            answer = self._solver.check()
            if answer == z3.unsat:
                return None
            if answer == z3.unknown:
                why = self._solver.reason_unknown()
                slow = "timeout" in why or "canceled" in why
                raise Undecided("Z3 found no answer in time" if slow else f"Z3 does not know: {why}")
            found = self._solver.model()
            return {
                name: self._value(found, symbols[name], kind) if name in symbols else None
                for name, kind in kinds.items()
            }
        except z3.Z3Exception as error:
            raise Undecided(f"Z3 gave up: {error}") from None
        finally:
            self._solver.pop()

    def _add(self, text: str) -> None:
        if text:
            self._solver.add(
                self._z3.parse_smt2_string(f"{self._script.declarations(text)}\n{_asserts(text)}", ctx=self._context)
            )

    def _value(self, model: Any, symbols: tuple[str, str, str], kind: Type) -> Value:
        z3 = self._z3
        value, null, sort = symbols
        if z3.is_true(model.eval(z3.Bool(null, ctx=self._context), model_completion=True)):
            return None
        constant = z3.Bool(value, ctx=self._context) if sort == "Bool" else z3.Int(value, ctx=self._context)
        found = model.eval(constant, model_completion=True)
        if sort == "Bool":
            return bool(z3.is_true(found))
        number = found.as_long()
        if kind.kind != "text":
            return number
        known = {place: text for text, place in self._script.strings.items()}
        if number in known:
            return known[number]
        return kind.values[0] if kind.values else f"other {number}"


def _symbols(name: str, kind: Type) -> tuple[str, str, str]:
    return name, f"{name} is null", "Bool" if kind.kind == "boolean" else "Int"


def _asserts(text: str) -> str:
    """Without declarations, which are made anew for each text."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("(declare-"))
