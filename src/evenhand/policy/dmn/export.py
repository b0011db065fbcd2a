"""A policy as DMN 1.3 XML: the version that editors, bpmn.io's dmn-js among them, open today.

Each group of facts becomes input data with an item definition, each table and formula a decision that requires what it
reads, and a diagram is laid out. What DMN has no place for (front matter, reasons, promises, examples) travels in extension
elements and comes back when Evenhand reads the file. A table of several outputs is a context to DMN, so that other decisions
read `Ruling.outcome`; a table of one output is that value.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final
from xml.etree import ElementTree as ET

from evenhand.policy.dmn.feel.lexer import tokens
from evenhand.policy.dmn.feel_writer import FeelWriter, bare, quoted
from evenhand.policy.dmn.layout import laid_out
from evenhand.policy.dmn.reader import EVENHAND
from evenhand.policy.dmn.sections import sections
from evenhand.policy.document import ARROWS, Cell
from evenhand.policy.errors import Fault, PolicyError
from evenhand.policy.parser import parse_expression, parse_test
from evenhand.policy.policy import Policy
from evenhand.policy.syntax import CellError, Expression
from evenhand.policy.tree import Formula, Step, Table, expressions, names_read
from evenhand.policy.types import Type

_NAMESPACES: Final = {
    "xmlns": "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "xmlns:dmndi": "https://www.omg.org/spec/DMN/20191111/DMNDI/",
    "xmlns:dc": "http://www.omg.org/spec/DMN/20180521/DC/",
    "xmlns:di": "http://www.omg.org/spec/DMN/20180521/DI/",
    "xmlns:evenhand": EVENHAND,
}
_HIT_POLICIES: Final = {
    "U": "UNIQUE",
    "A": "ANY",
    "P": "PRIORITY",
    "F": "FIRST",
    "R": "RULE ORDER",
    "O": "OUTPUT ORDER",
    "C": "COLLECT",
}
_AGGREGATIONS: Final = {"C+": "SUM", "C<": "MIN", "C>": "MAX", "C#": "COUNT"}
_TYPE_REFS: Final = {
    "number": "number",
    "boolean": "boolean",
    "text": "string",
    "date": "date",
    "datetime": "date and time",
    "duration": "days and time duration",
    "months": "years and months duration",
    # never anything but null
    "null": "Any",
}
# what a number is bounded by when nobody bounds it
_UNBOUNDED: Final = 10**15
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, attributes: dict[str, str] | None = None, *content: "ET.Element | str | None") -> ET.Element:
    """An element with its children, or its text."""
    made = ET.Element(tag, attributes or {})
    for part in content:
        if isinstance(part, str):
            made.text = part
        elif part is not None:
            made.append(part)
    return made


def _text(tag: str, text: str, attributes: dict[str, str] | None = None) -> ET.Element:
    return element(tag, attributes, element("text", None, text))


def export(policy: Policy) -> str:
    """The DMN XML of a policy; raises `PolicyError` with every cell that DMN cannot say with the same meaning."""
    return _Export(policy).text()


class _Export:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.model = policy.model
        self.faults: list[Fault] = []
        self.facts = [name for name in self.model.read if name not in self.model.outputs]
        self.groups = self._groups()
        self.names = self._decision_names()
        types = dict(self.model.facts) | {name: output.type for name, (_, output) in self.model.outputs.items()}
        self.writer = FeelWriter(types, self._paths())
        self.grids = {grid.heading: grid for grid in policy.document.tables}

    def text(self) -> str:
        model = self.model
        attributes = {
            **_NAMESPACES,
            "id": "definitions",
            "name": f"{model.name} {model.version}",
            "namespace": f"{EVENHAND}:{model.name}:{model.version}",
            "exporter": "Evenhand",
        }
        root = element(
            "definitions",
            attributes,
            element("description", None, model.title) if model.title else None,
            self._extension(),
            *(self._item(group, fields) for group, fields in self.groups.items() if fields != [group]),
            *(self._input(group, fields) for group, fields in self.groups.items()),
            *(self._decision(step) for step in model.steps),
            self._diagram(),
        )
        ET.indent(root)
        written = f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
        unfit = _NOT_XML.search(written)
        if unfit:
            self.faults.append(Fault(1, 1, f"the document holds {unfit[0]!r}, a character that XML cannot hold"))
        if self.faults:
            raise PolicyError(self.policy.file, set(self.faults))
        return written

    # names

    def _groups(self) -> dict[str, list[str]]:
        """Facts by the input data that holds them."""
        groups: dict[str, list[str]] = {}
        for name in self.facts:
            groups.setdefault(name.partition(".")[0], []).append(name)
        for group, fields in groups.items():
            nested = [name for name in fields if name.count(".") > 1 or (name == group and len(fields) > 1)]
            if nested:
                self.faults.append(
                    Fault(1, 1, f"the fact {nested[0]} lies too deep for DMN's input data: use group.name")
                )
        return groups

    def _decision_names(self) -> dict[str, str]:
        """A name that FEEL can read for every table (by its heading) and formula (by its output), none of them twice."""
        taken = {*self.groups, "item", "partial"}
        names: dict[str, str] = {}
        for step in self.model.steps:
            wanted = step.name if isinstance(step, Formula) else _readable(step.name)
            name, number = wanted, 1
            while name in taken:
                number += 1
                name = f"{wanted} {number}"
            taken.add(name)
            names[_key(step)] = name
        return names

    def _paths(self) -> dict[str, str]:
        paths = {name: name for name in self.facts}
        for name, (step, _) in self.model.outputs.items():
            decision = self.names[_key(step)]
            several = isinstance(step, Table) and len(step.outputs) > 1
            paths[name] = f"{decision}.{name}" if several else decision
        return paths

    def _id(self, step: Step) -> str:
        return f"decision_{self.model.steps.index(step) + 1}"

    # input data

    def _item(self, group: str, fields: list[str]) -> ET.Element:
        components = [
            element(
                "itemComponent",
                {"id": f"item_{group}_{index}", "name": name.removeprefix(f"{group}.")},
                *self._typed(self.model.facts[name]),
            )
            for index, name in enumerate(fields, start=1)
        ]
        return element("itemDefinition", {"id": f"item_{group}", "name": f"t_{group}"}, *components)

    def _typed(self, type_: Type) -> list[ET.Element]:
        """The type of a fact and the values it may have."""
        allowed = ""
        if type_.values:
            allowed = ", ".join(map(quoted, type_.values))
        elif type_.kind == "number" and abs(type_.low) < _UNBOUNDED and abs(type_.high) < _UNBOUNDED:
            low, high = (f"{Decimal(end).scaleb(-type_.scale):f}" for end in (type_.low, type_.high))
            allowed = f"[{low}..{high}]"
        type_ref = element("typeRef", None, _TYPE_REFS[type_.kind])
        return [type_ref, _text("allowedValues", allowed)] if allowed else [type_ref]

    def _input(self, group: str, fields: list[str]) -> ET.Element:
        type_ref = _TYPE_REFS[self.model.facts[group].kind] if fields == [group] else f"t_{group}"
        variable = element("variable", {"id": f"variable_{group}", "name": group, "typeRef": type_ref})
        return element("inputData", {"id": f"input_{group}", "name": group}, variable)

    # decisions

    def _sources(self, step: Step) -> list[str]:
        """Ids of what a step reads, in the order it reads them."""
        found: dict[str, None] = {}
        for expr in expressions(step):
            for name in names_read(expr):
                if name in self.model.outputs:
                    found[self._id(self.model.outputs[name][0])] = None
                else:
                    found[f"input_{name.partition('.')[0]}"] = None
        return [source for source in found if source != self._id(step)]

    def _decision(self, step: Step) -> ET.Element:
        identifier = self._id(step)
        name = self.names[_key(step)]
        requirements = [
            element(
                "informationRequirement",
                {"id": f"{identifier}_reads_{index}"},
                element(
                    "requiredDecision" if source.startswith("decision_") else "requiredInput", {"href": f"#{source}"}
                ),
            )
            for index, source in enumerate(self._sources(step), start=1)
        ]
        variable = {"id": f"{identifier}_variable", "name": name}
        outputs = [step.output] if isinstance(step, Formula) else step.outputs
        if len(outputs) == 1 and not outputs[0].type.many:
            variable["typeRef"] = _TYPE_REFS[outputs[0].type.kind]
        logic = self._formula(step) if isinstance(step, Formula) else self._table(step)
        attributes = {"id": identifier, "name": name, "label": step.section if isinstance(step, Formula) else step.name}
        return element("decision", attributes, element("variable", variable), *requirements, logic)

    def _said(self, cell: Cell, say: Callable[[], str]) -> str:
        try:
            return say()
        except CellError as error:
            self.faults.append(Fault(cell.line, cell.column + error.column, str(error)))
            return "null"

    def _formula(self, step: Formula) -> ET.Element:
        cell = next(cell for _, cell in self.policy.document.formulas if cell.line == step.line)
        text = self._said(cell, lambda: self.writer.output(parse_expression(step.text), step.output.type))
        return _text("literalExpression", bare(text), {"id": f"{self._id(step)}_formula"})

    def _table(self, step: Table) -> ET.Element:
        grid = self.grids[step.name]
        identifier = self._id(step)
        arrows = [index for index, cell in enumerate(grid.header) if cell.text.startswith(ARROWS)]
        heads = [
            (index, parse_expression(cell.text))
            for index, cell in enumerate(grid.header)
            if index and index not in arrows
        ]
        types = [output.type for output in step.outputs]
        attributes = {"id": f"{identifier}_table", "hitPolicy": _HIT_POLICIES[step.hit[0]]}
        if step.hit in _AGGREGATIONS:
            attributes["aggregation"] = _AGGREGATIONS[step.hit]
        return element(
            "decisionTable",
            attributes,
            *(
                self._head(f"{identifier}_input_{number}", grid.header[index], operand)
                for number, (index, operand) in enumerate(heads, start=1)
            ),
            *(
                element(
                    "output",
                    {
                        "id": f"{identifier}_output_{number}",
                        "name": output.name,
                        "typeRef": _TYPE_REFS[output.type.kind],
                    },
                    _text("outputValues", ", ".join(quoted(str(value)) for value in output.priority))
                    if output.priority
                    else None,
                )
                for number, output in enumerate(step.outputs, start=1)
            ),
            *(
                self._rule(f"{identifier}_rule_{number}", row, heads, list(zip(arrows, types, strict=True)))
                for number, row in enumerate(grid.rows, start=1)
            ),
        )

    def _head(self, identifier: str, cell: Cell, operand: Expression) -> ET.Element:
        text = self._said(cell, lambda: self.writer.expression(operand))
        attributes = {"id": f"{identifier}_expression", "typeRef": _TYPE_REFS[self.writer.type_of(operand).kind]}
        return element(
            "input", {"id": identifier, "label": cell.text}, _text("inputExpression", bare(text), attributes)
        )

    def _rule(
        self,
        identifier: str,
        row: tuple[Cell, ...],
        heads: Sequence[tuple[int, Expression]],
        outputs: Sequence[tuple[int, Type]],
    ) -> ET.Element:
        entries: list[ET.Element] = []
        for number, (index, operand) in enumerate(heads, start=1):
            cell = row[index]
            text = self._said(cell, lambda c=cell, o=operand: self.writer.test(parse_test(c.text), o))
            entries.append(_text("inputEntry", text, {"id": f"{identifier}_in_{number}"}))
        for number, (index, type_) in enumerate(outputs, start=1):
            cell = row[index]
            text = self._said(cell, lambda c=cell, t=type_: self.writer.output(parse_expression(c.text), t))
            entries.append(_text("outputEntry", bare(text), {"id": f"{identifier}_out_{number}"}))
        return element("rule", {"id": identifier}, *entries)

    # beside the standard

    def _extension(self) -> ET.Element:
        model = self.model
        told = {
            "policy": model.name,
            "version": model.version,
            "effective": model.effective.isoformat(),
            "anchor": model.anchor,
            **({"currency": model.currency} if model.currency else {}),
        }
        parts = [
            element("evenhand:section", {"heading": heading}, text) for heading, text in sections(self.policy.document)
        ]
        return element("extensionElements", None, element("evenhand:policy", told, *parts))

    def _diagram(self) -> ET.Element:
        kinds = {f"input_{group}": "input" for group in self.groups}
        kinds |= {self._id(step): "decision" for step in self.model.steps}
        requires = {self._id(step): self._sources(step) for step in self.model.steps}
        boxes = laid_out(kinds, requires)
        drawn = [
            element(
                "dmndi:DMNShape",
                {"id": f"shape_{shape}", "dmnElementRef": shape},
                element("dc:Bounds", dict(zip(("x", "y", "width", "height"), map(str, box), strict=True))),
            )
            for shape, box in boxes.items()
        ]
        for decision, sources in requires.items():
            for index, source in enumerate(sources, start=1):
                x, y, width, _ = boxes[source]
                to_x, to_y, to_width, to_height = boxes[decision]
                # edges arrive in the order in which they come, from left to right
                arrival = sorted(sources, key=lambda one: boxes[one][0]).index(source) + 1
                end = (to_x + to_width * arrival // (len(sources) + 1), to_y + to_height)
                requirement = f"{decision}_reads_{index}"
                drawn.append(
                    element(
                        "dmndi:DMNEdge",
                        {"id": f"edge_{requirement}", "dmnElementRef": requirement},
                        *(
                            element("di:waypoint", {"x": str(at), "y": str(down)})
                            for at, down in ((x + width // 2, y), end)
                        ),
                    )
                )
        return element("dmndi:DMNDI", None, element("dmndi:DMNDiagram", {"id": "diagram"}, *drawn))


def _key(step: Step) -> str:
    return f"formula {step.name}" if isinstance(step, Formula) else f"table {step.name}"


def _readable(heading: str) -> str:
    """A heading as a name of FEEL: its words, without what names cannot hold."""
    text = heading.replace('"', " ")
    kept = [" "] * len(text)
    for token in tokens(text):
        if token.kind in ("word", "number"):
            kept[token.position : token.position + len(token.text)] = token.text
    name = " ".join("".join(kept).replace(".", " ").split())
    return name if name and not name[0].isdigit() else f"Table {name}".strip()
