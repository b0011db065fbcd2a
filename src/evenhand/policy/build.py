"""From a document to its model: every name resolved, every cell typed, tables in the order they feed one another.

Everything that is wrong is reported at once. A fault in one output does not drag along the cells that read it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from evenhand.policy import syntax
from evenhand.policy.document import Cell, Document
from evenhand.policy.drafts import Column, Draft, read_drafts
from evenhand.policy.errors import Fault, PolicyError, suggestion
from evenhand.policy.examples import Example, read_examples
from evenhand.policy.lowering import Lowering
from evenhand.policy.own_facts import own_facts
from evenhand.policy.reasons import EMPTY_REASONS, FUND_EMPTY, placeholders, read_reasons
from evenhand.policy.ruling_parts import RULING_TYPES, ruling_parts
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import (
    Const,
    Expr,
    Formula,
    Model,
    Output,
    Reason,
    Rule,
    Step,
    Table,
    expressions,
    names_read,
    size,
)
from evenhand.policy.types import BOOLEAN, NULL, TEXT, Type, Value, choice, of_fact
from evenhand.vocabulary import FACTS

_LISTS: Final = ("R", "O", "C")
_FIGURES: Final = ("C+", "C<", "C>")
# Nodes of an expression, written out: abs, modulo and parts of durations read their operand several times.
_MAX_SIZE: Final = 5_000


def build(document: Document) -> tuple[Model, tuple[Example, ...]]:
    """Understand a document; raises `PolicyError` with every fault in it."""
    return _Builder(document).build()


class _Builder:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults: list[Fault] = list(document.faults)
        # outputs that could not be typed: whoever reads them is not blamed
        self._lost: set[str] = set()

    def _fault(self, cell: Cell, message: str, column: int = 0) -> None:
        self._faults.append(Fault(cell.line, cell.column + column, message))

    def build(self) -> tuple[Model, tuple[Example, ...]]:
        document = self._document
        facts: dict[str, Type] = {name: of_fact(fact) for name, fact in FACTS.items()}
        facts |= own_facts(document.facts, facts, self._faults)
        reasons = read_reasons(document.reasons, self._faults)
        if document.when_empty:
            said = EMPTY_REASONS[document.when_empty]
            reasons.setdefault(FUND_EMPTY, Reason(FUND_EMPTY, said["en"], said["zh"], 1))
        drafts = read_drafts(document, self._faults)
        declared = {column.name: draft for draft in drafts for column in draft.columns}
        ordered = self._in_order(drafts, declared, facts)

        names: dict[str, Type] = {name: kind for name, kind in facts.items() if name not in declared}
        wanted = dict(RULING_TYPES) | {name: kind for name, kind in facts.items() if name in declared}
        wanted.pop("because")
        if reasons:
            wanted["because"] = choice(tuple(reasons))
        outputs: dict[str, tuple[Step, Output]] = {}
        steps: list[Step] = []
        for draft in ordered:
            step, made = self._typed(draft, names, wanted)
            for output in made:
                names[output.name] = _reached(step, output)
                outputs[output.name] = (step, output)
            if draft.formula is None or made:
                steps.append(step)
        if "outcome" not in declared:
            self._check_scorecard(declared)
        ruling = ruling_parts(
            outputs, lambda line, message: self._faults.append(Fault(line, 1, message)), document.when_empty
        )
        known = dict(names) | {name: kind for name, kind in RULING_TYPES.items() if ruling and name not in names}
        for reason in reasons.values():
            for text in (reason.en, reason.zh):
                self._check_placeholders(text, reason.line, known)
        examples = read_examples(document.examples, facts, known, self._faults)
        if self._faults:
            raise PolicyError(document.file, set(self._faults))
        deciding = outputs["outcome"][0] if "outcome" in outputs else None
        read: dict[str, None] = {}
        for expr in (*(expr for step in steps for expr in expressions(step)), *ruling.values()):
            read |= dict.fromkeys(name for name in names_read(expr) if name in facts and name not in outputs)
        model = Model(
            document.name,
            document.version,
            document.effective,
            document.anchor,
            document.currency,
            document.title,
            facts,
            tuple(steps),
            outputs,
            ruling,
            deciding if isinstance(deciding, Table) else None,
            reasons,
            tuple(read),
        )
        return model, examples

    # order

    def _in_order(self, drafts: list[Draft], made: Mapping[str, Draft], facts: Mapping[str, Type]) -> list[Draft]:
        """Drafts in an order in which each finds what it reads; a cycle is a fault that shows it."""
        ordered: list[Draft] = []
        state: dict[int, int] = {}

        def sources(draft: Draft) -> Iterable[tuple[str, Draft]]:
            for name in sorted(draft.needs):
                owner = name if name in made else name.rpartition(".")[0]
                source = made.get(owner)
                # a scorecard may refine a fact of the vocabulary that it reads itself: no other table makes it
                if source is not None and not (source is draft and owner in facts):
                    yield owner, source

        def visit(draft: Draft, path: tuple[tuple[str, Draft], ...]) -> None:
            if state.get(id(draft)) == 2:
                return
            if state.get(id(draft)) == 1:
                start = next(place for place, (_, earlier) in enumerate(path) if earlier is draft)
                chain = " reads ".join(
                    [repr(path[start][1].name), *(f"{name} of {one.name!r}" for name, one in path[start + 1 :])]
                )
                self._faults.append(Fault(draft.line, 1, f"tables feed one another in a cycle: {chain}"))
                return
            state[id(draft)] = 1
            for name, source in sources(draft):
                visit(source, (*path, (name, source)))
            state[id(draft)] = 2
            ordered.append(draft)

        for draft in drafts:
            visit(draft, ((draft.columns[0].name if draft.columns else "", draft),))
        if any("in a cycle" in fault.message for fault in self._faults):
            raise PolicyError(self._document.file, set(self._faults))
        return ordered

    # typing

    def _typed(
        self, draft: Draft, names: Mapping[str, Type], wanted: Mapping[str, Type]
    ) -> tuple[Step, tuple[Output, ...]]:
        lowering = Lowering(names)
        if draft.formula is not None:
            return self._typed_formula(draft, lowering, wanted)
        inputs: list[Expr] = []
        for _, cell, node in draft.heads:
            found = self._lower(cell, lambda n=node: lowering.expression(n) if n else None)
            inputs.append(found or Const(NULL, None))
        types = [self._type_of(draft, place, column, lowering, wanted) for place, column in enumerate(draft.columns)]
        rules: list[Rule] = []
        for number, (row, tests, nodes) in enumerate(draft.rows, start=1):
            lowered_tests: list[Expr | None] = []
            for (index, _, _), operand, test in zip(draft.heads, inputs, tests, strict=True):
                if test is None or (operand.type.kind == "null" and not operand.type.many):
                    lowered_tests.append(None)
                    continue
                lowered_tests.append(self._lower(row[index], lambda t=test, o=operand: lowering.test(t, o)))
            values: list[Expr] = []
            for column, kind, node in zip(draft.columns, types, nodes, strict=True):
                if column.name == "because" and isinstance(node, syntax.Name) and "because" not in wanted:
                    self._fault(
                        row[column.index], f"there is no reason {node.value}: give its sentences under ## Reasons"
                    )
                    values.append(Const(NULL, None))
                    continue
                value = self._lower(
                    row[column.index], lambda n=node, k=kind: lowering.output(n, k) if n and k else None
                )
                values.append(value or Const(kind or NULL, None))
            rules.append(Rule(number, row[0].line, tuple(lowered_tests), tuple(values)))
            self._check_payer(draft, row, values)
        outputs = tuple(
            self._output(draft, column, kind, [rule.outputs[place] for rule in rules])
            for place, (column, kind) in enumerate(zip(draft.columns, types, strict=True))
            if kind is not None
        )
        if len(outputs) < len(draft.columns):
            self._lost.update(column.name for column in draft.columns)
        if draft.hit in ("P", "O"):
            rules = self._by_priority(draft, rules, outputs)
        headers = tuple(cell.text for _, cell, _ in draft.heads)
        return Table(draft.name, draft.hit, draft.line, headers, tuple(inputs), outputs, tuple(rules)), outputs

    def _typed_formula(
        self, draft: Draft, lowering: Lowering, wanted: Mapping[str, Type]
    ) -> tuple[Step, tuple[Output, ...]]:
        assert draft.formula is not None
        cell, node = draft.formula
        name = draft.columns[0].name
        value = self._lower(cell, lambda: lowering.output(node, wanted.get(name)))
        if value is None:
            self._lost.add(name)
            value = Const(NULL, None)
        kind = wanted.get(name) or value.type
        output = Output(name, kind)
        return Formula(name, draft.name, draft.line, output, value, cell.text), (output,)

    def _lower(self, cell: Cell, lower: Callable[[], Expr | None]) -> Expr | None:
        try:
            found = lower()
        except CellError as error:
            if not any(name in cell.text for name in self._lost):
                self._fault(cell, str(error), error.column)
            return None
        if found is not None and size(found) > _MAX_SIZE:
            self._fault(cell, "this is too long a calculation for one cell: name a part of it as a formula")
            return None
        return found

    def _type_of(
        self, draft: Draft, place: int, column: Column, lowering: Lowering, wanted: Mapping[str, Type]
    ) -> Type | None:
        """The type of an output column: declared, listed in its header, or what its cells have in common."""
        declared = wanted.get(column.name)
        if column.listed:
            listed = tuple(str(value) for value in column.listed)
            if declared is None:
                return choice(tuple(reversed(listed)), ordered=True)
            strange = [value for value in listed if value not in declared.values]
            if strange:
                self._fault(column.place, f"{strange[0]} is not {declared}{suggestion(strange[0], declared.values)}")
            return declared
        if declared is not None or column.name == "because":
            return declared or TEXT
        nodes = [nodes[place] for _, _, nodes in draft.rows]
        words = [word for node in nodes if node is not None and (word := _word(node, lowering)) is not None]
        nulls = sum(isinstance(node, syntax.Literal) and node.value is None for node in nodes)
        if words and len(words) + nulls == len([node for node in nodes if node is not None]):
            return choice(tuple(dict.fromkeys(words)))
        kind: Type | None = None
        understood = True
        for (row, _, _), node in zip(draft.rows, nodes, strict=True):
            found = self._lower(row[column.index], lambda n=node: lowering.expression(n)) if node is not None else None
            understood = understood and found is not None
            if found is None or found.type.kind == "null":
                continue
            if found.type.many:
                self._fault(row[column.index], "a list cannot be passed on; use count(...), sum(...) or the like")
                return None
            merged = found.type if kind is None else _merged(kind, found.type)
            if merged is None:
                self._fault(row[column.index], f"expected {kind} as in the rows above, found {found.type}")
                return None
            kind = merged
        if kind is None and understood and nodes:
            self._fault(column.place, f"{column.name} is never anything but null")
        return kind

    def _output(self, draft: Draft, column: Column, kind: Type, values: list[Expr]) -> Output:
        priority: tuple[Value, ...] = column.listed
        if draft.hit in ("P", "O") and not priority and kind.ordered:
            priority = tuple(reversed(kind.values))
        if draft.hit in _LISTS:
            kind = replace(kind, many=True)
        elif draft.hit == "C#":
            kind = Type("number", low=0, high=len(values))
        elif draft.hit in _FIGURES:
            if kind.kind != "number" and not (draft.hit != "C+" and kind.counted):
                self._fault(column.place, f"hit policy {draft.hit} needs numbers, {column.name} is {kind}")
            elif draft.hit == "C+" and column.name not in RULING_TYPES and column.name not in FACTS:
                low = sum(min(0, value.type.low) for value in values)
                high = sum(max(0, value.type.high) for value in values)
                kind = replace(kind, low=low, high=high)
        return Output(column.name, kind, priority)

    def _by_priority(self, draft: Draft, rules: list[Rule], outputs: tuple[Output, ...]) -> list[Rule]:
        ranked = [place for place, output in enumerate(outputs) if output.priority]
        if not ranked:
            if outputs:
                example = f"→ {outputs[0].name}: highest, ..., lowest"
                self._fault(
                    draft.columns[0].place,
                    f"hit policy {draft.hit} needs the order of its outputs: head one `{example}`",
                )
            return rules

        def key(rule: Rule) -> tuple[int, ...]:
            places: list[int] = []
            for place in ranked:
                value = rule.outputs[place]
                priority = outputs[place].priority
                if not isinstance(value, Const) or value.value not in priority:
                    row = draft.rows[rule.number - 1][0]
                    self._fault(
                        row[draft.columns[place].index],
                        f"hit policy {draft.hit} needs one of its listed values here: {', '.join(map(str, priority))}",
                    )
                    return ()
                places.append(priority.index(value.value))
            return tuple(places)

        keys = {rule.number: key(rule) for rule in rules}
        if any(not one for one in keys.values()):
            return rules
        return sorted(rules, key=lambda rule: keys[rule.number])

    def _check_scorecard(self, declared: Mapping[str, Draft]) -> None:
        """A document without an outcome is a scorecard, unless it gives other parts of a ruling."""
        given = [name for name in RULING_TYPES if name in declared and name != "because"]
        near = next(iter(get_close_matches("outcome", [name for name in declared if name not in FACTS], 1, 0.75)), "")
        if given or near:
            name = near or given[0]
            place = next(column.place for column in declared[name].columns if column.name == name)
            hint = f" (did you mean outcome by {near}?)" if near else ""
            self._fault(place, f"no table gives an outcome, which every ruling needs{hint}")

    def _check_payer(self, draft: Draft, row: tuple[Cell, ...], values: list[Expr]) -> None:
        """An outcome that moves money names who pays: the platform subsidises, the merchant refunds."""
        told = {
            column.name: (column, value.value)
            for column, value in zip(draft.columns, values, strict=True)
            if isinstance(value, Const) and value.value is not None
        }
        if "outcome" not in told or "payer" not in told:
            return
        outcome, (column, payer) = told["outcome"][1], told["payer"]
        needed = {"subsidise": "platform", "refund_by_merchant": "merchant", "return_and_refund": payer}.get(
            str(outcome)
        )
        if needed is None and payer != "none":
            self._fault(row[column.index], f"nobody pays for {outcome}: the payer is none, not {payer}")
        elif needed and payer != needed:
            self._fault(row[column.index], f"{outcome} is paid by {needed}, not by {payer}")

    def _check_placeholders(self, text: str, line: int, known: Mapping[str, Type]) -> None:
        for name in placeholders(text):
            if name in self._lost:
                continue
            if name not in known:
                self._faults.append(
                    Fault(line, 1, f"there is no fact or output {name} to put into {{{name}}}{suggestion(name, known)}")
                )
            elif known[name].many:
                self._faults.append(Fault(line, 1, f"{name} is a list and cannot stand in a sentence"))


def _word(node: syntax.Expression, lowering: Lowering) -> str | None:
    """The value a cell of an undeclared choice names: a string, or a bare word that is no fact and no output."""
    if isinstance(node, syntax.Literal) and isinstance(node.value, str):
        return node.value
    if isinstance(node, syntax.Name) and "." not in node.value:
        try:
            lowering.read(node.value, 0)
        except CellError:
            return node.value
    return None


def _reached(step: Step, output: Output) -> Type:
    """An output's type as others read it: its cells say how far a figure reaches, whatever range is declared for it."""
    if not output.type.counted or (isinstance(step, Table) and step.hit == "C#"):
        return output.type
    values = (
        [step.value] if isinstance(step, Formula) else [rule.outputs[step.outputs.index(output)] for rule in step.rules]
    )
    given = [value.type for value in values if not (isinstance(value, Const) and value.value is None)] or [output.type]
    low, high = min(one.low for one in given), max(one.high for one in given)
    if isinstance(step, Table) and step.hit == "C+":
        low, high = sum(min(0, one.low) for one in given), sum(max(0, one.high) for one in given)
    return replace(output.type, low=low, high=high)


def _merged(left: Type, right: Type) -> Type | None:
    if left.kind != right.kind:
        return None
    if left.kind == "text":
        return left if left.values == right.values else TEXT
    if left.kind == "boolean":
        return BOOLEAN
    scale = max(left.scale, right.scale)
    ends = [end * 10 ** (scale - kind.scale) for kind in (left, right) for end in (kind.low, kind.high)]
    unit = left.unit if left.unit == right.unit else left.unit or right.unit
    return replace(left, scale=scale, low=min(ends), high=max(ends), unit=unit)
