"""What a DMN file holds, as read: elements by their names in the standard, nothing evaluated."""

from dataclasses import dataclass, field
from typing import Literal as OneOf

HitPolicy = OneOf["U", "A", "P", "F", "R", "O", "C", "C+", "C<", "C>", "C#"]


@dataclass(slots=True)
class Text:
    """FEEL text and the line it begins on."""

    text: str
    line: int


@dataclass(slots=True)
class ItemDefinition:
    name: str
    line: int
    type_ref: str | None = None
    collection: bool = False
    # unary tests that every value (every element of a collection) must pass
    allowed: Text | None = None
    # DMN 1.5: unary tests on the value as a whole
    constraint: Text | None = None
    components: list["ItemDefinition"] = field(default_factory=list["ItemDefinition"])
    function: "FunctionItem | None" = None


@dataclass(slots=True)
class FunctionItem:
    """The type of a function: its parameters by name, and its result."""

    parameters: dict[str, str | None]
    returns: str | None


@dataclass(slots=True)
class Expression:
    """Any expression; `type_ref` is what its value must conform to."""

    line: int
    type_ref: str | None


@dataclass(slots=True)
class LiteralExpression(Expression):
    text: Text


@dataclass(slots=True)
class InputClause:
    label: str
    expression: LiteralExpression
    # the values the input may have
    values: Text | None


@dataclass(slots=True)
class OutputClause:
    name: str | None
    label: str | None
    type_ref: str | None
    # the values the output may have, the first with the highest priority
    values: Text | None
    default: LiteralExpression | None
    line: int


@dataclass(slots=True)
class Rule:
    inputs: list[Text]
    outputs: list[LiteralExpression]
    line: int
    # what the annotation columns say
    annotations: list[str]


@dataclass(slots=True)
class DecisionTable(Expression):
    hit_policy: HitPolicy
    inputs: list[InputClause]
    outputs: list[OutputClause]
    rules: list[Rule]
    orientation: str


@dataclass(slots=True)
class ContextEntry:
    # the last entry may have none: it is the value of the whole
    name: str | None
    type_ref: str | None
    expression: Expression


@dataclass(slots=True)
class BoxedContext(Expression):
    entries: list[ContextEntry]


@dataclass(slots=True)
class BoxedList(Expression):
    elements: list[Expression]


@dataclass(slots=True)
class Relation(Expression):
    columns: list[tuple[str, str | None]]
    rows: list[list[Expression]]


@dataclass(slots=True)
class Invocation(Expression):
    function: Expression
    # parameter, the type of what is bound to it, and that
    bindings: list[tuple[str, str | None, Expression]]


@dataclass(slots=True)
class FunctionDefinition(Expression):
    parameters: list[tuple[str, str | None]]
    body: Expression


@dataclass(slots=True)
class Conditional(Expression):
    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(slots=True)
class BoxedFilter(Expression):
    of: Expression
    match: Expression


@dataclass(slots=True)
class Iterator(Expression):
    kind: OneOf["for", "some", "every"]
    variable: str
    of: Expression
    body: Expression


@dataclass(slots=True)
class Refusal(Expression):
    """Something this reader knows and does not evaluate; whoever asks for its value is told so."""

    message: str


@dataclass(slots=True)
class Element:
    """Anything that may be required: it has an id, a name, and the name of the variable that carries its value."""

    id: str
    name: str
    variable: str
    type_ref: str | None
    line: int
    # how people call it, where that differs
    label: str


@dataclass(slots=True)
class InputData(Element):
    pass


@dataclass(slots=True)
class Decision(Element):
    # ids (or namespace#id) of input data and decisions, then of business knowledge models and services
    information: list[str]
    knowledge: list[str]
    expression: Expression | None
    question: str | None = None


@dataclass(slots=True)
class BusinessKnowledgeModel(Element):
    knowledge: list[str]
    logic: FunctionDefinition | Refusal | None


@dataclass(slots=True)
class DecisionService(Element):
    outputs: list[str]
    encapsulated: list[str]
    input_decisions: list[str]
    input_data: list[str]


@dataclass(slots=True)
class Import:
    name: str
    namespace: str
    location: str | None
    line: int


@dataclass(slots=True)
class Definitions:
    file: str
    name: str
    namespace: str
    items: dict[str, ItemDefinition] = field(default_factory=dict[str, ItemDefinition])
    elements: dict[str, Element] = field(default_factory=dict[str, Element])
    imports: list[Import] = field(default_factory=list[Import])
    description: str = ""
    # what Evenhand's own exports say beside the standard: front matter, and sections as Markdown
    told: dict[str, str] = field(default_factory=dict[str, str])
    sections: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
