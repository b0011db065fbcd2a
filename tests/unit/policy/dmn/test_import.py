"""Files of other editors as policy documents: what comes of them, and what is refused."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evenhand.policy import Policy, PolicyError, dmn
from evenhand.policy.dmn import Model
from evenhand.policy.dmn.imported import to_markdown
from evenhand.policy.values import nested
from tests.unit.policy.dmn.test_evaluate import DATA, decision, literal, model_of


def imported(model: Model) -> Policy:
    return Policy.parse(to_markdown(model, date(2025, 1, 1)))


def decided(policy: Policy, facts: dict[str, Any]) -> dict[str, Any]:
    return policy.decide(nested(facts, policy.model.facts, policy.model.read))


def test_a_file_of_camundas_editors() -> None:
    policy = imported(dmn.load(DATA / "camunda.dmn"))
    assert (policy.name, policy.version, policy.effective, policy.title) == ("dinner", "1", date(2025, 1, 1), "Dinner")
    assert decided(policy, {"season": "winter", "weekend": True}) == {"guestCount": 15, "desiredDish": "soup"}
    assert decided(policy, {"season": "summer", "weekend": False}) == {"guestCount": 4, "desiredDish": "salad"}


INPUTS = """
<itemDefinition name="tStatus"><typeRef>string</typeRef><allowedValues><text>"new", "old"</text></allowedValues></itemDefinition>
<itemDefinition name="tClient">
  <itemComponent name="birth date"><typeRef>date</typeRef></itemComponent>
  <itemComponent name="status"><typeRef>tStatus</typeRef></itemComponent>
  <itemComponent name="score"><typeRef>number</typeRef><allowedValues><text>[0..10]</text></allowedValues></itemComponent>
</itemDefinition>
<inputData id="c" name="The client"><variable name="The client" typeRef="tClient"/></inputData>
<inputData id="a" name="amount asked"><variable name="amount asked" typeRef="number"/></inputData>
"""
READS = (
    '<informationRequirement><requiredInput href="#c"/></informationRequirement>'
    '<informationRequirement><requiredInput href="#a"/></informationRequirement>'
)
KNOWS = '<knowledgeRequirement><requiredKnowledge href="#k"/></knowledgeRequirement>'


def table(hit: str, rules: str, output: str = '<output name="level"/>') -> str:
    head = "<input><inputExpression><text>amount asked</text></inputExpression></input>"
    return f"<decisionTable {hit}>{head}{output}{rules}</decisionTable>"


def rule(test: str, *outputs: str) -> str:
    entries = "".join(f"<outputEntry><text>{output}</text></outputEntry>" for output in outputs)
    return f"<rule><inputEntry><text>{test}</text></inputEntry>{entries}</rule>"


def test_input_data_becomes_facts() -> None:
    policy = imported(model_of(INPUTS + decision(literal("The client.score * 2 + amount asked"), "total", READS)))
    facts = policy.document.facts
    assert facts is not None
    assert [[cell.text for cell in row] for row in facts.rows] == [
        ["The_client.birth_date", "date", "-"],
        ["The_client.status", "choice", '"new", "old"'],
        ["The_client.score", "number(2)", "[0..10]"],
        ["amount_asked", "number(2)", "[-10000000000..10000000000]"],
    ]
    assert decided(policy, {"The_client": {"score": 3}, "amount_asked": Decimal("0.5")}) == {"total": Decimal("6.50")}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('if The client.status = "new" then 1 else 2', 1),
        ("amount asked between 1 and 10 and The client.score in ([1..2], 3)", True),
        ("round half up(amount asked / 7, 6)", Decimal("0.714286")),
        ("amount asked / 4", Decimal("1.25")),
        ("max([amount asked, The client.score])", Decimal("5.00")),
        ('list contains(["new", "old"], The client.status)', True),
        ('The client.birth date.year + (date("2025-03-24") - The client.birth date).days', 1990 + 12701),
        ("- amount asked", Decimal("-5.00")),
        ("not(The client.status = null)", True),
    ],
)
def test_literal_expressions_become_formulas(expression: str, value: Any) -> None:
    policy = imported(model_of(INPUTS + decision(literal(expression), "x", READS)))
    facts = {"The_client": {"status": "new", "score": 3, "birth_date": "1990-06-15"}, "amount_asked": 5}
    assert decided(policy, facts)["x"] == value


def test_default_outputs_become_a_last_row() -> None:
    output = '<output name="level"><defaultOutputEntry><text>"none"</text></defaultOutputEntry></output>'
    policy = imported(model_of(INPUTS + decision(table("", rule("&gt; 10", '"high"'), output), "d", READS)))
    assert decided(policy, {"amount_asked": 11}) == {"level": "high"}
    assert decided(policy, {"amount_asked": 10}) == {"level": "none"}
    assert decided(policy, {}) == {"level": "none"}


def test_knowledge_is_written_out_where_it_is_called() -> None:
    knowledge = (
        '<businessKnowledgeModel id="k" name="with fee"><variable name="with fee"/><encapsulatedLogic>'
        f'<formalParameter name="x"/><formalParameter name="fee"/>{literal("x * (1 + fee)")}'
        "</encapsulatedLogic></businessKnowledgeModel>"
    )
    policy = imported(
        model_of(INPUTS + knowledge + decision(literal("with fee(amount asked + 1, 0.5)"), "d", READS + KNOWS))
    )
    assert decided(policy, {"amount_asked": 3})["d"] == 6


def test_an_invoked_table_becomes_the_table_of_the_decision() -> None:
    rules = rule("&lt; 10", '"low"') + rule("&gt;= 10", '"high"')
    knowledge = (
        '<businessKnowledgeModel id="k" name="graded"><variable name="graded"/>'
        '<encapsulatedLogic><formalParameter name="x"/>'
        f"<decisionTable><input><inputExpression><text>x</text></inputExpression></input><output/>{rules}</decisionTable>"
        "</encapsulatedLogic></businessKnowledgeModel>"
    )
    binding = f'<binding><parameter name="x"/>{literal("amount asked * 2")}</binding>'
    invocation = f"<invocation>{literal('graded')}{binding}</invocation>"
    policy = imported(model_of(INPUTS + knowledge + decision(invocation, "level", READS + KNOWS)))
    assert decided(policy, {"amount_asked": 5}) == {"level": "high"}
    assert decided(policy, {"amount_asked": Decimal("4.99")}) == {"level": "low"}


@pytest.mark.parametrize(
    ("logic", "message"),
    [
        (literal("amount asked / 3"), "a quotient of 34 digits"),
        (literal("amount asked ** 2"), "no words for ** as an operator"),
        (literal("for x in [1] return x"), "no words for for"),
        (literal("[1, 2][1]"), "no words for a filter or index"),
        (literal("sqrt(amount asked)"), "no words for sqrt()"),
        (literal("The client"), "'The client' as a whole"),
        (literal('upper case("a")'), "no words for upper case()"),
        (literal('time("10:00:00")'), "no words for time()"),
        (literal("abs(n: 1)"), "named arguments"),
        (literal('"a" + The client.status'), "a policy document cannot hold this: cannot calculate"),
        ("<list/>", "no words for a boxed list"),
        ("<context/>", "no words for a boxed context"),
        ("<relation/>", "no words for a relation"),
        (table("", rule("? &gt; 3", "1")), "rule 1: a policy document has no words for ? in a cell"),
        (table("", rule("amount asked &gt; 3", "1")), "a condition in a cell"),
        (
            table(
                'hitPolicy="COLLECT"',
                rule("-", "1"),
                '<output name="l"><defaultOutputEntry><text>0</text></defaultOutputEntry></output>',
            ),
            "no default outputs, and hit policy C",
        ),
        (
            table("", rule("-", "1"), '<output name="l"><outputValues><text>[1..3]</text></outputValues></output>'),
            "the values of an output are strings here",
        ),
        ("", "it has no logic"),
    ],
)
def test_what_a_policy_document_cannot_say_is_refused_by_name(logic: str, message: str) -> None:
    model = model_of(INPUTS + decision(logic, "d", READS))
    with pytest.raises(PolicyError) as caught:
        to_markdown(model, date(2025, 1, 1))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ('<inputData id="i" name="i"><variable name="i" typeRef="time"/></inputData>', "no facts of that type"),
        ('<inputData id="i" name="i"/>', "'i' has no type"),
        (
            '<inputData id="i" name="金额"><variable name="金额" typeRef="number"/></inputData>',
            "use letters of English",
        ),
        (
            '<itemDefinition name="t" isCollection="true"><typeRef>number</typeRef></itemDefinition>'
            '<inputData id="i" name="i"><variable name="i" typeRef="t"/></inputData>',
            "no lists of facts",
        ),
        (
            '<itemDefinition name="t"><typeRef>number</typeRef><allowedValues><text>1, 2</text></allowedValues></itemDefinition>'
            '<inputData id="i" name="i"><variable name="i" typeRef="t"/></inputData>',
            "the values of a fact are a list like",
        ),
        (
            '<itemDefinition name="t"><itemComponent name="stage"><typeRef>number</typeRef></itemComponent></itemDefinition>'
            '<inputData id="i" name="application"><variable name="application" typeRef="t"/></inputData>',
            "the fact application.stage of the vocabulary is a choice",
        ),
        (
            '<businessKnowledgeModel id="k" name="f"><variable name="f"/>'
            '<knowledgeRequirement><requiredKnowledge href="#k"/></knowledgeRequirement>'
            f'<encapsulatedLogic><formalParameter name="n"/>{literal("f(n - 1)")}</encapsulatedLogic></businessKnowledgeModel>'
            + decision(literal("f(1)"), "e", KNOWS),
            "no recursion",
        ),
    ],
)
def test_what_cannot_be_a_fact_is_refused_by_name(items: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        to_markdown(model_of(items + decision(literal("1"), "d")), date(2025, 1, 1))
    assert message in str(caught.value)


def test_knowledge_that_doubles_itself_is_bounded() -> None:
    """x + x, thirty times over, would be a cell of a billion characters."""
    models = "".join(
        f'<businessKnowledgeModel id="k{n}" name="f{n}"><variable name="f{n}"/>'
        + (f'<knowledgeRequirement><requiredKnowledge href="#k{n - 1}"/></knowledgeRequirement>' if n else "")
        + '<encapsulatedLogic><formalParameter name="x"/>'
        + literal(f"f{n - 1}(x) + f{n - 1}(x)" if n else "x + x")
        + "</encapsulatedLogic>"
        "</businessKnowledgeModel>"
        for n in range(30)
    )
    knows = '<knowledgeRequirement><requiredKnowledge href="#k29"/></knowledgeRequirement>'
    with pytest.raises(PolicyError, match=r"longer than a cell may be|no recursion"):
        to_markdown(model_of(models + decision(literal("f29(1)"), "d", knows)), date(2025, 1, 1))


def test_all_that_is_wrong_is_told_at_once() -> None:
    model = model_of(
        INPUTS + decision(literal("amount asked ** 2"), "d", READS) + decision("<list/>", "e") + decision("", "f")
    )
    with pytest.raises(PolicyError) as caught:
        to_markdown(model, date(2025, 1, 1))
    assert len(caught.value.faults) == 3


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    service = '<decisionService id="s" name="Both"><outputDecision href="#d"/></decisionService>'
    text = to_markdown(model_of(decision(literal("1"), "d") + service), date(2025, 1, 1))
    assert "The decision services of the file (Both) only bundle decisions, and are left out." in text
