"""What can be wrong with a table: inputs that no row covers, rows that contradict each other, rows that never decide anything.

Boxes answer first. Where the columns depend on one another their answer "there is none" stands, and what they find is put to Z3,
over the whole policy. Z3 also gives its own answer on gaps and overlaps, and the two must agree.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from evenhand.policy.proof.boxes import Box, Boxes, first
from evenhand.policy.proof.covering import Covering, inside
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.judge import read_by
from evenhand.policy.proof.limits import Disagreement, Undecided
from evenhand.policy.proof.plain import Facts, plain, simplest
from evenhand.policy.proof.proving import Provers, nearest
from evenhand.policy.proof.report import Finding, Severity
from evenhand.policy.proof.words import condition, facts_text, literal, outside
from evenhand.policy.regions import Region
from evenhand.policy.tree import Const, Expr, Read, Rule, Table

# So many findings of one kind are shown of a table; then it is said that there are more.
MOST_SHOWN: Final = 5
# Seconds that Z3 gets to confirm what boxes have answered.
_SECOND_OPINION: Final = 0.5
# Outputs of more values than this are not asked which of them occur.
_MOST_VALUES: Final = 16
SINGLE: Final = ("U", "A", "P", "F")


class TableCheck:
    """Looks at one table of a policy."""

    def __init__(self, provers: Provers, table: Table, file: str) -> None:
        self._provers = provers
        self._table = table
        self._file = file
        self._model = provers.model
        self._deciding = provers.model.deciding is table
        self._depends = read_by(provers.model)[table.name]
        try:
            self._boxes: Boxes | None = Boxes(table, self._model.outputs)
        except Undecided:
            self._boxes = None

    def findings(self) -> Iterator[Finding]:
        """Everything found; what stays undecided is a finding too."""
        if self._table.hit in SINGLE:
            severity: Severity = "error" if self._deciding else "warning"
            yield from self._guarded(self._gaps, severity, "whether every input is covered")
        if self._table.hit in ("U", "A"):
            yield from self._guarded(self._overlaps, "error", "whether rows contradict each other")
        yield from self._guarded(self._idle_rows, "warning", "whether every row can decide")

    def _guarded(self, look: Callable[[], Iterator[Finding]], severity: Severity, what: str) -> Iterator[Finding]:
        try:
            yield from look()
        except Undecided as error:
            yield self._finding(
                "undecided", severity, self._table.line, f"{self._table.name}: it is undecided {what}: {error}"
            )

    def _finding(self, kind: str, severity: Severity, line: int, message: str, facts: Facts | None = None) -> Finding:
        example = outside(self._model.facts, facts) if facts is not None else None
        return Finding(kind, severity, f"{self._file}:{line}", line, message, example)

    # gaps

    def _gaps(self) -> Iterator[Finding]:
        table = self._table
        if any(all(test is None for test in rule.tests) for rule in table.rules):
            return
        severity: Severity = "error" if self._deciding else "warning"
        told = 0
        more = False
        if self._boxes is not None:
            covering = Covering(self._boxes, self._provers.deadline)
            found, more = covering.gaps(MOST_SHOWN if self._boxes.exact else 4 * MOST_SHOWN, self._reached)
            self._agree(self._uncovered(), bool(found))
            for box in found:
                facts = self._facts_in(box, self._uncovered(), lambda tried: not self._matched(tried))
                if facts is not None and told < MOST_SHOWN:
                    told += 1
                    yield self._gap(severity, self._box_text(box), facts)
            if told or not found:
                if more and told:
                    yield self._finding(
                        "gap", severity, table.line, f"{table.name}: there are more gaps; these are the first {told}"
                    )
                return
        facts = self._by_z3(self._uncovered(), lambda tried: not self._matched(tried))
        if facts is not None:
            yield self._gap(severity, self._inputs_text(facts), facts)

    def _gap(self, severity: Severity, where: str, facts: Facts) -> Finding:
        table = self._table
        what = (
            "so a person decides"
            if self._deciding
            else f"so {', '.join(output.name for output in table.outputs)} is null"
        )
        return self._finding(
            "gap",
            severity,
            table.line,
            f"{table.name}: no row covers {where}, {what}; for example {facts_text(self._model.facts, facts)}",
            facts,
        )

    def _uncovered(self) -> str:
        return f"(not (or false {' '.join(self._provers.encoding.matches[self._table.name])}))"

    def _agree(self, question: str, found: bool) -> None:
        """Ask Z3 what boxes have answered; a second opinion that takes too long is done without."""
        assert self._boxes is not None
        provers = self._provers
        try:
            answer = provers.solver.find(question, provers.kinds, _SECOND_OPINION) is not None
        except Undecided:
            return
        if answer != found and (answer or self._boxes.exact):
            raise Disagreement(f"the table {self._table.name!r}")

    # overlaps

    def _overlaps(self) -> Iterator[Finding]:
        table = self._table
        encoding = self._provers.encoding
        blocked = encoding.blocked[table.name]
        if self._boxes is None:
            yield from self._overlap_by_z3(blocked)
            return
        pairs = (
            (left, right)
            for left, right in self._boxes.overlaps(self._provers.deadline)
            if self._clashes([table.rules[left], table.rules[right]])
        )
        kept, more = first(pairs, MOST_SHOWN if self._boxes.exact else 50 * MOST_SHOWN)
        self._agree(blocked, bool(kept))
        told = 0
        for left, right in kept:
            box = self._boxes.shared(left, right)
            rules = [table.rules[left], table.rules[right]]
            if box is None or told >= MOST_SHOWN:
                continue
            both = f"(and {encoding.matches[table.name][left]} {encoding.matches[table.name][right]})"
            facts = self._facts_in(box, both, lambda tried, r=rules: all(rule in self._matched(tried) for rule in r))
            if facts is not None:
                told += 1
                yield self._overlap(rules[0], rules[1], self._box_text(box), facts)
        if kept and not told:
            yield from self._overlap_by_z3(blocked)
        if told and more:
            yield self._finding(
                "overlap",
                "error",
                table.line,
                f"{table.name}: more rows contradict each other; these are the first {told}",
            )

    def _overlap_by_z3(self, blocked: str) -> Iterator[Finding]:
        facts = self._by_z3(blocked, lambda tried: self._clashes(self._matched(tried)))
        if facts is not None:
            rules = self._matched(facts)
            other = next(rule for rule in rules[1:] if self._clashes([rules[0], rule]))
            yield self._overlap(rules[0], other, self._inputs_text(facts), facts)

    def _clashes(self, rules: list[Rule]) -> bool:
        """Whether two rows may not match together, by the hit policy."""
        if len(rules) < 2:
            return False
        return self._table.hit == "U" or any(_said(rule) != _said(rules[0]) for rule in rules)

    def _overlap(self, left: Rule, right: Rule, where: str, facts: Facts) -> Finding:
        table = self._table
        rule = "only one row may match" if table.hit == "U" else "rows that match together must say the same"
        return self._finding(
            "overlap",
            "error",
            right.line,
            f"{table.name}: rows {left.number} and {right.number} both match {where}, but {rule} (hit policy {table.hit}); "
            f"for example {facts_text(self._model.facts, facts)}",
            facts,
        )

    # rows that never decide

    def _idle_rows(self) -> Iterator[Finding]:
        table = self._table
        ordered = table.hit in ("F", "P")
        boxes = self._boxes
        covering = Covering(boxes, self._provers.deadline) if boxes is not None else None
        told = 0
        for place, rule in enumerate(table.rules):
            self._provers.deadline.keep()
            if boxes is not None and place in boxes.empty:
                found: Finding | None = self._dead(rule)
            elif covering is not None and ordered and covering.hidden(place):
                found = self._hidden(place)
            elif (boxes is None or not boxes.exact) and rule.number not in self._provers.fired[table.name]:
                found = self._idle_by_z3(place, ordered)
            else:
                continue
            if found is None:
                continue
            told += 1
            if told > MOST_SHOWN:
                yield self._finding(
                    found.kind, "error", table.line, f"{table.name}: there are more rows that never decide"
                )
                return
            yield found

    def _idle_by_z3(self, place: int, ordered: bool) -> Finding | None:
        provers = self._provers
        matches = provers.encoding.matches[self._table.name]
        earlier = [f"(not {match})" for match in matches[:place]] if ordered else []
        if (
            provers.solver.find(f"(and {' '.join([matches[place], *earlier])})", provers.kinds, provers.patience)
            is not None
        ):
            return None
        if ordered and provers.solver.find(matches[place], provers.kinds, provers.patience) is not None:
            return self._hidden(place)
        return self._dead(self._table.rules[place])

    def _dead(self, rule: Rule) -> Finding:
        message = f"{self._table.name}: row {rule.number} can never match: no application meets all its cells at once"
        return self._finding("dead row", "error", rule.line, message)

    def _hidden(self, place: int) -> Finding:
        table = self._table
        rule = table.rules[place]
        facts = self._by_z3(
            self._provers.encoding.matches[table.name][place], lambda tried: rule in self._matched(tried)
        )
        by = "earlier rows"
        if self._boxes is not None:
            boxes = self._boxes
            earlier = np.flatnonzero(boxes.owners < place)
            mine = [boxes.box(one) for one in np.flatnonzero(boxes.owners == place).tolist()]
            meeting = {int(boxes.owners[one]) for box in mine for one in boxes.meeting(box, earlier).tolist()}
            whole = [other for other in sorted(meeting) if self._covers(other, place)]
            names = [str(table.rules[other].number) for other in (whole[:1] or sorted(meeting))]
            if len(names) <= 6:
                by = f"row{'s' if len(names) > 1 else ''} {_listed(names)}"
        takes = f"take{'s' if by.startswith('row ') else ''} all it matches"
        message = f"{table.name}: row {rule.number} never decides anything: {by} {takes}"
        if facts is not None:
            taker = self._matched(facts)[0]
            message += f"; for example {facts_text(self._model.facts, facts)} is decided by row {taker.number}"
        return self._finding("hidden row", "error", rule.line, message, facts)

    def _covers(self, large: int, small: int) -> bool:
        """Whether one row matches all that another does."""
        boxes = self._boxes
        assert boxes is not None
        larger = [boxes.box(one) for one in np.flatnonzero(boxes.owners == large).tolist()]
        return all(
            any(inside(boxes.box(one), box) for box in larger) for one in np.flatnonzero(boxes.owners == small).tolist()
        )

    # examples

    def _facts_in(self, box: Box, question: str, shows: Callable[[Facts], bool]) -> Facts | None:
        """Facts in a box that show something; None where no application gets there."""
        boxes = self._boxes
        assert boxes is not None
        kinds = self._provers.kinds
        if boxes.exact:
            facts: Facts = {name: plain(name, kind) for name, kind in kinds.items()}
            for column, where in boxes.sides(box):
                assert isinstance(column.operand, Read)
                facts[column.operand.name] = nearest(where, plain(column.operand.name, column.operand.type))
            return self._simplest(facts, self._staying(box, shows)) if shows(facts) else None
        encoding = self._provers.encoding
        inside = [encoding.inside(column.operand, where) for column, where in boxes.sides(box)]
        return self._by_z3(f"(and {' '.join([question, *inside])})", self._staying(box, shows))

    def _staying(self, box: Box, shows: Callable[[Facts], bool]) -> Callable[[Facts], bool]:
        """Facts that show it and stay in the box."""
        assert self._boxes is not None
        sides = self._boxes.sides(box)

        def staying(tried: Facts) -> bool:
            env = self._env(tried)
            return all(evaluate(column.operand, env) in where for column, where in sides) and shows(tried)

        return staying

    def _by_z3(self, question: str, shows: Callable[[Facts], bool]) -> Facts | None:
        provers = self._provers
        found = provers.solver.find(question, provers.kinds, provers.patience)
        if found is None:
            return None
        if not shows(found):
            raise Undecided("an example was found that ruling it does not confirm")
        return self._simplest(found, shows)

    def _simplest(self, facts: Facts, shows: Callable[[Facts], bool]) -> Facts:
        """The plainest facts that show it; those that the table depends on are told."""
        kinds = self._provers.kinds
        kept = tuple(name for name in kinds if name in self._depends)
        for name in kept:
            tried = facts | {name: plain(name, kinds[name])}
            if facts[name] is None and shows(tried):
                facts = tried
        return simplest(facts, kinds, shows, kept)

    def _env(self, facts: Facts) -> dict[str, Any]:
        judge = self._provers.judge
        return {name: facts.get(name) for name in judge.names} | judge.answer(facts)

    def _matched(self, facts: Facts) -> list[Rule]:
        """The rows that match, in the order of evaluation."""
        env = self._env(facts)
        return [
            rule
            for rule in self._table.rules
            if all(test is None or evaluate(test, env) is True for test in rule.tests)
        ]

    @cached_property
    def _reached(self) -> Box:
        """All inputs there are, without values of outputs that no application gives: they would only confuse."""
        boxes = self._boxes
        assert boxes is not None
        whole = boxes.whole
        masks = whole.masks.copy()
        for column in boxes.columns:
            given = isinstance(column.operand, Read) and column.operand.name in self._model.outputs
            if given and column.bits and len(column.atoms) <= _MOST_VALUES:
                kept = [bit for bit, atom in enumerate(column.atoms) if self._reachable(column.operand, atom)]
                masks[column.index] = sum(1 << bit for bit in kept)
        return replace(whole, masks=masks)

    def _reachable(self, operand: Expr, where: Region) -> bool:
        provers = self._provers
        try:
            return (
                provers.solver.find(provers.encoding.inside(operand, where), provers.kinds, _SECOND_OPINION) is not None
            )
        except Undecided:
            return True

    def _box_text(self, box: Box) -> str:
        boxes = self._boxes
        assert boxes is not None
        told = [
            condition(header, where)
            for header, (_, where), (_, possible) in zip(
                self._table.headers, boxes.sides(box), boxes.sides(self._reached), strict=True
            )
            if where != possible
        ]
        return _listed(told) if told else "any input"

    def _inputs_text(self, facts: Facts) -> str:
        env = self._env(facts)
        told = [
            f"{header} = {literal(operand.type, evaluate(operand, env))}"
            for header, operand in zip(self._table.headers, self._table.inputs, strict=True)
        ]
        return _listed(told)


def _said(rule: Rule) -> tuple[Any, ...]:
    return tuple(value.value if isinstance(value, Const) else value for value in rule.outputs)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
