"""DMN XML (1.1 to 1.5) to elements. What is not understood is refused by name."""

from collections.abc import Callable
from typing import Final, NoReturn, cast

from evenhand.policy.dmn.boxed_reader import read_expression, read_function, text_of, type_ref_of
from evenhand.policy.dmn.elements import (
    BusinessKnowledgeModel,
    Decision,
    DecisionService,
    Definitions,
    Element,
    FunctionDefinition,
    FunctionItem,
    Import,
    InputData,
    ItemDefinition,
    Refusal,
)
from evenhand.policy.dmn.feel.lexer import normal
from evenhand.policy.dmn.xml import Node, read_xml
from evenhand.policy.errors import Fault, PolicyError

NAMESPACES: Final = {
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd": "1.1",
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
# The namespace of what Evenhand's own exports say beside the standard.
EVENHAND: Final = "urn:evenhand:policy:1"
# Elements that say nothing about what a decision decides.
_SILENT: Final = frozenset(
    (
        "description",
        "extensionElements",
        "knowledgeSource",
        "textAnnotation",
        "association",
        "performanceIndicator",
        "organizationUnit",
        "businessContextElement",
        "elementCollection",
        "artifact",
        "group",
        "DMNDI",
    )
)


def read_definitions(source: bytes, file: str) -> Definitions:
    """Read a DMN file; raises `PolicyError` naming the line of what it does not understand."""
    root = read_xml(source, file)
    if root.name != "definitions" or root.namespace not in NAMESPACES:
        known = ", ".join(f"{version} ({namespace})" for namespace, version in NAMESPACES.items())
        message = f"expected <definitions> of DMN {known}; found <{root.name}> of {root.namespace or 'no namespace'}"
        raise PolicyError(file, [Fault(root.line, 1, message)])
    return _Reader(root, file).definitions


class _Reader:
    def __init__(self, root: Node, file: str) -> None:
        self.file = file
        self.language = root.attributes.get("expressionLanguage")
        self.definitions = Definitions(file, root.attributes.get("name", ""), root.attributes.get("namespace", ""))
        readers: dict[str, Callable[[Node], None]] = {
            "itemDefinition": self._item,
            "inputData": self._input_data,
            "decision": self._decision,
            "businessKnowledgeModel": self._knowledge,
            "decisionService": self._service,
            "import": self._import,
        }
        for node in root.children:
            if node.name in readers and node.namespace == root.namespace:
                readers[node.name](node)
            elif node.name == "drgElement" or (node.name not in _SILENT and node.namespace == root.namespace):
                self.fail(node, f"<{node.name}> is not known in DMN definitions")
        self._told(root)
        self._check()

    def _told(self, root: Node) -> None:
        self.definitions.description = (root.content("description") or "").strip()
        extension = root.first("extensionElements")
        for node in extension.children if extension else ():
            if node.namespace == EVENHAND and node.name == "policy":
                self.definitions.told = node.attributes
                self.definitions.sections = [
                    (section.attributes.get("heading", ""), section.text.strip()) for section in node.all("section")
                ]

    def fail(self, node: Node, message: str) -> NoReturn:
        raise PolicyError(self.file, [Fault(node.line, 1, message)])

    def _item(self, node: Node) -> None:
        item = self._item_definition(node)
        if item.name in self.definitions.items:
            self.fail(node, f"item definition {item.name!r} is given twice")
        self.definitions.items[item.name] = item

    def _item_definition(self, node: Node) -> ItemDefinition:
        allowed, constraint = node.first("allowedValues"), node.first("typeConstraint")
        return ItemDefinition(
            self._name(node),
            node.line,
            type_ref_of(node),
            node.attributes.get("isCollection") in ("true", "1"),
            text_of(allowed) if allowed else None,
            text_of(constraint) if constraint else None,
            [self._item_definition(child) for child in node.all("itemComponent")],
            self._function_item(node),
        )

    def _function_item(self, node: Node) -> FunctionItem | None:
        item = node.first("functionItem")
        if item is None:
            return None
        parameters = {self._name(each): type_ref_of(each) for each in item.all("parameters")}
        return FunctionItem(parameters, item.attributes.get("outputTypeRef"))

    def _name(self, node: Node) -> str:
        name = normal(node.attributes.get("name", ""))
        if not name:
            self.fail(node, f"<{node.name}> has no name")
        return name

    def _element(self, node: Node) -> tuple[str, str, str, str | None, int, str]:
        name = self._name(node)
        variable = node.first("variable")
        type_ref = None
        called = name
        if variable is not None:
            called = normal(variable.attributes.get("name", "")) or name
            type_ref = type_ref_of(variable)
        label = " ".join(node.attributes.get("label", "").split())
        return node.attributes.get("id") or f"?{node.name}:{name}", name, called, type_ref, node.line, label or name

    def _add(self, element: Element, node: Node) -> None:
        if element.id in self.definitions.elements:
            self.fail(node, f"id {element.id!r} is given twice")
        self.definitions.elements[element.id] = element

    def _input_data(self, node: Node) -> None:
        self._add(InputData(*self._element(node)), node)

    def _decision(self, node: Node) -> None:
        self._add(
            Decision(
                *self._element(node),
                information=self._required(node, "informationRequirement", "requiredDecision", "requiredInput"),
                knowledge=self._required(node, "knowledgeRequirement", "requiredKnowledge"),
                expression=read_expression(node, self.file, self.language),
                question=node.content("question"),
            ),
            node,
        )

    def _required(self, node: Node, requirement: str, *kinds: str) -> list[str]:
        return [self._href(target) for each in node.all(requirement) for target in each.all(*kinds)]

    def _href(self, node: Node) -> str:
        href = node.attributes.get("href", "").strip()
        if not href:
            self.fail(node, f"<{node.name}> has no href")
        return href

    def _knowledge(self, node: Node) -> None:
        logic = node.first("encapsulatedLogic")
        self._add(
            BusinessKnowledgeModel(
                *self._element(node),
                knowledge=self._required(node, "knowledgeRequirement", "requiredKnowledge"),
                logic=cast("FunctionDefinition | Refusal", read_function(logic, self.file, self.language))
                if logic
                else None,
            ),
            node,
        )

    def _service(self, node: Node) -> None:
        self._add(
            DecisionService(
                *self._element(node),
                outputs=[self._href(child) for child in node.all("outputDecision")],
                encapsulated=[self._href(child) for child in node.all("encapsulatedDecision")],
                input_decisions=[self._href(child) for child in node.all("inputDecision")],
                input_data=[self._href(child) for child in node.all("inputData")],
            ),
            node,
        )

    def _import(self, node: Node) -> None:
        kind = node.attributes.get("importType", "")
        if kind not in NAMESPACES:
            self.fail(node, f"imports of {kind or 'an unnamed kind'} are refused: only DMN files are imported")
        name = normal(node.attributes.get("name", ""))
        namespace = node.attributes.get("namespace", "")
        self.definitions.imports.append(Import(name, namespace, node.attributes.get("locationURI"), node.line))

    def _check(self) -> None:
        """Every reference within the file leads somewhere, and no two elements of a kind share a name."""
        elements = self.definitions.elements
        seen: dict[tuple[type, str], Element] = {}
        for element in elements.values():
            twin = seen.setdefault((type(element), element.name), element)
            if twin is not element:
                message = f"two elements are named {element.name!r} (the other is on line {twin.line})"
                raise PolicyError(self.file, [Fault(element.line, 1, message)])
            for href in references(element):
                namespace, _, identifier = href.rpartition("#")
                if namespace in ("", self.definitions.namespace) and identifier not in elements:
                    message = f"{element.name!r} requires {href!r}, which is not in the file"
                    raise PolicyError(self.file, [Fault(element.line, 1, message)])


def references(element: Element) -> list[str]:
    """Every href of an element."""
    match element:
        case Decision():
            return [*element.information, *element.knowledge]
        case BusinessKnowledgeModel():
            return element.knowledge
        case DecisionService():
            return [*element.outputs, *element.encapsulated, *element.input_decisions, *element.input_data]
        case _:
            return []
