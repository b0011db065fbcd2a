"""Everything that can be wrong with a policy, and whether it keeps what it promises.

Each part has its own kind of finding (see `report.py`); each finding names its place and shows an application. Time is bounded:
what is not decided by then is named, and the answer is no.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.limits import Deadline, Undecided, Watch
from evenhand.policy.proof.pairs import MOST, breaking_pairs
from evenhand.policy.proof.plain import Facts, simplest
from evenhand.policy.proof.promises import read_promises
from evenhand.policy.proof.proving import Provers, Verdict
from evenhand.policy.proof.report import Finding, Kept, Report
from evenhand.policy.proof.silent import silent
from evenhand.policy.proof.spans import spans
from evenhand.policy.proof.tables import TableCheck
from evenhand.policy.proof.unused import unused
from evenhand.policy.proof.words import facts_text, flat, literal, outside
from evenhand.policy.tree import Output, Read, Step, Table, outputs_of
from evenhand.policy.types import Type
from evenhand.policy.values import outward

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

SECONDS: Final = 30.0
# called with (parts done, parts in all)
Progress = Callable[[int, int], None]


def check(policy: "Policy", seconds: float = SECONDS, progress: Progress | None = None) -> Report:
    """Check a policy; raises `PolicyError` when a promise cannot be read."""
    return _Check(policy, seconds, progress).report()


class _Check:
    def __init__(self, policy: "Policy", seconds: float, progress: Progress | None) -> None:
        self._watch = Watch()
        self._policy = policy
        self._model = policy.model
        self._progress = progress
        self._promises = read_promises(policy.document, policy.model)
        self._examples = [flat(policy.model.facts, example.facts) for example in policy.examples]
        self._provers = Provers(policy.model, self._promises, Deadline(seconds), self._examples)
        self._tables = [step for step in self._model.steps if isinstance(step, Table)]
        self._done = 0

    def report(self) -> Report:
        policy = self._policy
        findings = [*self._failing()]
        for table in self._tables:
            findings += TableCheck(self._provers, table, policy.file).findings()
            self._step()
        findings += self._ranges()
        findings += silent(self._provers, self._model.steps, policy.file)
        findings += unused(policy.document, self._model, self._promises)
        kept: list[Kept] = []
        for place in range(len(self._promises)):
            verdict = self._provers.verdict(place)
            promise = verdict.promise
            kept.append(Kept(promise.text, promise.line, verdict.status, round(verdict.seconds, 4), verdict.provers))
            if verdict.status != "proven":
                findings.append(self._broken(verdict))
            self._step()
        findings.sort(key=lambda one: (one.severity, one.line))
        return Report(
            policy.name,
            policy.version,
            policy.file,
            tuple(findings),
            tuple(kept),
            len(policy.examples),
            round(self._watch.seconds, 3),
        )

    def _step(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, len(self._tables) + len(self._promises))

    def _finding(self, kind: str, line: int, message: str, facts: Facts | None = None) -> Finding:
        example = outside(self._model.facts, facts) if facts is not None else None
        return Finding(kind, "error", f"{self._policy.file}:{line}", line, message, example)

    # promises

    def _broken(self, verdict: Verdict) -> Finding:
        promise = verdict.promise
        if verdict.status == "undecided":
            return self._finding("undecided", promise.line, f"this promise is undecided: {promise.text}: {verdict.why}")
        facts, raised = verdict.facts, verdict.raised
        assert facts is not None
        kinds = self._model.facts
        told = f"{facts_text(kinds, facts)} gets {self._answer(facts, promise.output)}"
        if raised is not None:
            risen = literal(kinds[promise.fact], raised[promise.fact])
            told += f"; with {promise.fact} = {risen} instead it gets {self._answer(raised, promise.output)}"
            pairs = breaking_pairs(self._model, promise, self._provers.deadline)
            if len(pairs) > 1:
                told += f"; pairs of rows that break it: {', '.join(f'{less} and {more}' for less, more in pairs)}"
                told += " (and perhaps more)" if len(pairs) == MOST else ""
        return self._finding("promise", promise.line, f"this promise is broken: {promise.text}: {told}", facts)

    def _answer(self, facts: Facts, output: str = "") -> str:
        """What facts get, and by which row: from the policy itself, as anybody would ask it."""
        policy, model = self._policy, self._model
        rows = self._provers.judge.rows(facts)
        if model.ruling and output in ("", *model.ruling):
            ruling = policy.rule(outside(model.facts, facts))
            told = f"{ruling.outcome}, payer {ruling.payer}, amount {ruling.amount}"
            return f"{told} by {ruling.rule}"
        answers = self._provers.judge.answer(facts)
        names = [output] if output in model.outputs else list(model.outputs)
        told = ", ".join(f"{name} = {_literal(model.outputs[name][1].type, answers[name])}" for name in names)
        step = model.outputs[names[0]][0]
        hit = rows.get(step.name)
        return f"{told} by {step.name}/{hit}" if isinstance(hit, int) else told

    # examples

    def _failing(self) -> Iterator[Finding]:
        model = self._model
        judge = Judge(model, {f"ruling {name}": expr for name, expr in model.ruling.items()})
        for example, facts in zip(self._policy.examples, self._examples, strict=True):
            answers = judge.answer(facts)
            for name, expected in example.expected.items():
                kind = model.ruling[name].type if name in model.ruling else model.outputs[name][1].type
                value = answers[f"ruling {name}" if name in model.ruling else name]
                found = outward(kind, value)
                if found != expected:
                    rows = judge.rows(facts)
                    table = model.outputs[name][0] if name in model.outputs else model.deciding
                    hit = rows.get(table.name) if table is not None else None
                    by = f" (by {table.name}/{hit})" if table is not None and isinstance(hit, int) else ""
                    yield self._finding(
                        "example",
                        example.line,
                        f"example {example.number} expects {name} {_shown(expected)}, but gets {_shown(found)}{by}",
                        {one: value for one, value in facts.items() if value is not None},
                    )

    # ranges

    def _ranges(self) -> Iterator[Finding]:
        """Outputs that may leave the values their name allows."""
        known = spans(self._model)
        for step in self._model.steps:
            for output in outputs_of(step):
                span = known[output.name]
                kind = output.type
                if span is None or not kind.counted or kind.many or (kind.low <= span.low and span.high <= kind.high):
                    continue
                try:
                    finding = self._range(step, output)
                except Undecided as error:
                    low, high = literal(kind, kind.low), literal(kind, kind.high)
                    message = f"it is undecided whether {output.name} always lies within {low} to {high}: {error}"
                    finding = self._finding("undecided", step.line, message)
                if finding is not None:
                    yield finding

    def _range(self, step: Step, output: Output) -> Finding | None:
        provers, kind = self._provers, output.type
        term = provers.encoding.term(Read(kind, output.name))
        low, high = (f"(- {-end})" if end < 0 else str(end) for end in (kind.low, kind.high))
        question = f"(and (not {term.null}) (or (< {term.value} {low}) (> {term.value} {high})))"
        facts = provers.solver.find(question, provers.kinds, provers.patience)
        if facts is None:
            return None

        def shows(tried: Facts) -> bool:
            value = provers.judge.answer(tried)[output.name]
            return value is not None and not kind.low <= value <= kind.high

        if not shows(facts):
            raise Undecided("an example was found that deciding it does not confirm")
        facts = simplest(facts, provers.kinds, shows)
        value = provers.judge.answer(facts)[output.name]
        return self._finding(
            "out of range",
            step.line,
            f"{step.name}: {output.name} can be {literal(kind, value)}, outside {literal(kind, kind.low)} to "
            f"{literal(kind, kind.high)}; for example with {facts_text(self._model.facts, facts)}",
            facts,
        )


def _literal(kind: Type, value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else literal(kind, value)  # type: ignore[arg-type]


def _shown(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
