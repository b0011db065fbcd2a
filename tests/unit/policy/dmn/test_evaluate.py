"""Whole files: requirements, tables, boxed expressions, types; and what is told when something is wrong."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evenhand.errors import BadInput, UnknownThing
from evenhand.policy import PolicyError, dmn
from evenhand.policy.dmn import Model, YearsMonths

DATA = Path(__file__).parents[3] / "data" / "dmn"


@pytest.fixture(scope="module")
def hits() -> Model:
    return dmn.load(DATA / "hit-policies.dmn")


@pytest.fixture(scope="module")
def boxed() -> Model:
    return dmn.load(DATA / "boxed.dmn")


@pytest.fixture(scope="module")
def lending() -> Model:
    return dmn.load(str(DATA / "lending.dmn"))


@pytest.fixture(scope="module")
def types() -> Model:
    return dmn.load(DATA / "types.dmn")


@pytest.mark.parametrize(
    ("decision", "n", "value"),
    [
        ("unique", 9, "small"),
        ("unique", 10, "middle"),
        ("unique", 150, "large"),
        ("unique", 200, None),
        ("unique", None, None),
        ("any", 7, True),
        ("any", 3, True),
        ("any", 11, None),
        ("priority", 1, {"risk": "low", "limit": 1}),
        ("priority", 6, {"risk": "middle", "limit": 2}),
        ("priority", 51, {"risk": "high", "limit": 3}),
        ("first", 11, {"size": "large", "half": 1}),
        ("first", 6, {"size": "middle", "half": None}),
        ("first", 5, {"size": "none", "half": Decimal("2.5")}),
        ("rule order", 3, ["b", "a"]),
        ("rule order", 1, []),
        ("output order", 4, [{"letter": "a", "place": 2}, {"letter": "b", "place": 1}, {"letter": "b", "place": 3}]),
        ("collect", 3, [{"a": 3, "b c": 1}, {"a": 6, "b c": 2}]),
        ("collect", 2, [{"a": 2, "b c": 1}]),
        ("collect", 0, []),
        ("sum of points", 3, Decimal("10.5")),
        ("sum of points", 0, None),
        ("least", 3, Decimal("0.5")),
        ("greatest", 3, date(2025, 1, 1)),
        ("number of hits", 3, 2),
        ("number of hits", 0, 0),
        ("discount", 5, Decimal("0.05")),
        ("discount", 99, Decimal("0.1")),
        ("discount", 100, Decimal("0.15")),
    ],
)
def test_every_hit_policy(hits: Model, decision: str, n: int | None, value: Any) -> None:
    assert hits.evaluate(decision, {"n": n}) == value


def test_rules_that_break_their_hit_policy_give_null_and_values_outside_are_named(hits: Model) -> None:
    assert hits.evaluate("unique", {"n": 95}) is None  # rules 2 and 3 match at once
    assert hits.evaluate("any", {"n": -1}) is None  # rules 1, 2 and 3 match and differ
    with pytest.raises(BadInput, match=r"^n: -1 is not among the values of decision 'discount': \[0\.\.1000\]"):
        hits.evaluate("discount", {"n": -1})


NUMBERS = {"the numbers": [1, 2.5, Decimal(3)]}


@pytest.mark.parametrize(
    ("decision", "inputs", "value"),
    [
        ("context", NUMBERS, {"how many": 3, "inner": {"twice": 6}, "wrong": None}),
        ("context with a result", NUMBERS, Decimal("16.25")),
        ("list", {}, [1, ["two"]]),
        ("people", {}, [{"first name": "Ann", "age": 30}, {"first name": "Bo", "age": 17}]),
        ("conditional", NUMBERS, "many"),
        ("conditional", {"the numbers": 1}, "few"),
        ("adults", {}, [{"first name": "Ann", "age": 30}]),
        ("greetings", {}, ["1. Ann", "2. Bo"]),
        ("some child", {}, True),
        ("every child", {}, False),
        ("invocation", {}, 106),
        ("invoked built-in", {}, "cdef"),
    ],
)
def test_every_boxed_expression(boxed: Model, decision: str, inputs: dict[str, Any], value: Any) -> None:
    assert boxed.evaluate(decision, inputs) == value


ANN = {"full name": "Ann", "born on": "1990-06-15", "employment": "employed", "monthly incomes": [900, 200, -50]}
REQUEST = {"Applicant": ANN, "Day of request": date(2025, 3, 24), "Term-in-years": "P2Y6M"}


def test_a_decision_requires_others(lending: Model) -> None:
    assert lending.evaluate("Applicant's age", REQUEST) == 34
    assert lending.evaluate("Risk category", REQUEST) == "low"
    assert lending.evaluate("Approval", REQUEST) == {"approved": True, "until": date(2027, 9, 24)}
    poor = {**REQUEST, "Applicant": {**ANN, "monthly incomes": 10}}
    assert lending.evaluate("Approval", poor) == {"approved": False, "until": None}


def test_a_decision_can_be_given_instead_of_made(lending: Model) -> None:
    assert lending.evaluate("Approval", {"Risk category": "high", "Total income": 5000, "Last instalment": None}) == {
        "approved": False,
        "until": None,
    }


def test_services_and_recursive_knowledge(lending: Model) -> None:
    assert lending.evaluate("Asked of the service", {}) == 4
    assert lending.evaluate("Income service", {"Applicant": ANN}) == 1100
    assert lending.evaluate("Factorial of 20", {}) == 2432902008176640000
    with pytest.raises(PolicyError, match=r"decision 'Factorial of -1': functions call one another more than 500 deep"):
        lending.evaluate("Factorial of -1", {})


def test_years_and_months_may_come_as_their_type(lending: Model) -> None:
    assert lending.evaluate("Last instalment", {**REQUEST, "Term-in-years": YearsMonths(30)}) == date(2027, 9, 24)


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (
            {"Day of request": "24 March"},
            "Day of request",
            'expected a date such as 2025-03-24, found the string "24 March"',
        ),
        ({"Day of request": 5}, "Day of request", "expected a date such as 2025-03-24, found the number 5"),
        ({"Term-in-years": timedelta(days=3)}, "Term-in-years", "expected a years and months duration such as P1Y6M"),
        ({"Applicant": "Ann"}, "Applicant", "expected an object with full name, born on, employment, monthly incomes"),
        (
            {"Applicant": {**ANN, "employment": "idle"}},
            "Applicant.employment",
            '"idle" is not among the allowed values',
        ),
        (
            {"Applicant": {**ANN, "monthly incomes": [1, "x"]}},
            "Applicant.monthly incomes[1]",
            "expected a number, found",
        ),
        (
            {"Applicant": {**ANN, "monthly incomes": [float("nan")]}},
            "Applicant.monthly incomes[0]",
            "not a number that",
        ),
        ({"Applicant": {**ANN, 5: 1}}, "Applicant", "keys are strings, found the number 5"),
        ({"Applicant": {**ANN, "x": {1, 2}}}, "Applicant.x", "a set is no value of FEEL"),
    ],
)
def test_inputs_of_the_wrong_type_are_named(lending: Model, change: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        lending.evaluate("Approval", {**REQUEST, **change})
    assert caught.value.field == field
    assert message in caught.value.detail


def test_a_missing_input_is_named_with_the_name_that_was_given_instead(lending: Model) -> None:
    with pytest.raises(BadInput) as caught:
        lending.evaluate("Applicant's age", {"Aplicant": ANN})
    assert caught.value.field == "Applicant"
    assert "missing (tApplicant) (given is Aplicant?)" in caught.value.detail
    assert "also missing: Day of request" in caught.value.detail


def test_an_unknown_decision_is_named_with_its_nearest(lending: Model) -> None:
    with pytest.raises(UnknownThing, match=r"there is no decision 'Aproval' .* \(did you mean Approval\?\)"):
        lending.evaluate("Aproval", {})


def test_a_deep_input_is_refused(types: Model) -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested more than 100 deep"):
        types.evaluate("echo", {"anything": deep})


def test_item_definitions(types: Model) -> None:
    assert types.evaluate("mean grade", {"grades": [1, 2]}) == Decimal("1.5")
    assert types.evaluate("mean grade", {"grades": 2}) == 2
    with pytest.raises(BadInput, match=r"grades\[1\]: 7 is not among the allowed values \[1\.\.6\]"):
        types.evaluate("mean grade", {"grades": [1, 7]})
    with pytest.raises(BadInput, match=r"grades: \[1, 2, 3, 4\] is not among the allowed values count"):
        types.evaluate("mean grade", {"grades": [1, 2, 3, 4]})
    tree = {"name": "a", "branches": [{"name": "b", "branches": []}, {"name": "c", "branches": None}]}
    assert types.evaluate("names", {"tree": tree}) == ["b", "c"]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (1, Decimal(1)),
        (0.1, Decimal("0.1")),
        ("2025-01-01", "2025-01-01"),
        (True, True),
        (None, None),
        (date(2025, 1, 1), date(2025, 1, 1)),
        ((1, [2]), [Decimal(1), [Decimal(2)]]),
        ({"a  b": {"c": 1}}, {"a b": {"c": Decimal(1)}}),
        (YearsMonths(14), YearsMonths(14)),
    ],
)
def test_inputs_without_a_type_are_what_they_are(types: Model, given: Any, value: Any) -> None:
    assert types.evaluate("echo", {"anything": given}) == value


def test_times_come_as_values_or_as_text(types: Model) -> None:
    moment = datetime(2025, 3, 24, 13, 45, tzinfo=UTC)
    values = [datetime(2025, 3, 25, 14, 45, tzinfo=UTC), time(14, 45), timedelta(hours=50)]
    given: dict[str, Any] = {"moment": moment, "clock": time(13, 45), "length": timedelta(hours=25)}
    assert types.evaluate("later", given) == values
    assert (
        types.evaluate("later", {"moment": "2025-03-24T13:45:00Z", "clock": "13:45:00", "length": "P1DT1H"}) == values
    )


def test_results_conform_to_their_type(types: Model) -> None:
    assert types.evaluate("as list", {}) == [3]
    assert types.evaluate("as element", {}) == "a"
    assert types.evaluate("not conforming", {}) is None
    assert types.evaluate("as moment", {}) == datetime(2025, 3, 24, tzinfo=UTC)
    assert types.evaluate("instances", {}) == [True, False, True]


SWITCH = """
<itemDefinition name="tSwitch"><typeRef>string</typeRef><allowedValues><text>"on", "off"</text></allowedValues></itemDefinition>
"""
DERIVED = """
<itemDefinition name="tSame"><typeRef>tSwitch</typeRef></itemDefinition>
<itemDefinition name="tOther"><typeRef>tSwitch</typeRef><allowedValues><text>"up"</text></allowedValues></itemDefinition>
"""
FUNCTION_TYPE = """
<itemDefinition name="tFunction">
  <functionItem outputTypeRef="tSwitch"><parameters name="x" typeRef="tSwitch"/></functionItem>
</itemDefinition>
"""


def test_allowed_values_replace_those_of_the_base_and_are_inherited_without() -> None:
    logic = (
        "<context>"
        + "".join(
            f'<contextEntry><variable name="{name}" typeRef="{type_ref}"/>{literal(text)}</contextEntry>'
            for name, type_ref, text in (
                ("a", "tSame", '"on"'),
                ("b", "tSame", '"up"'),
                ("c", "tOther", '"up"'),
                ("d", "tOther", '"on"'),
            )
        )
        + "</context>"
    )
    model = model_of(SWITCH + DERIVED + decision(logic))
    assert model.evaluate("d", {}) == {"a": "on", "b": None, "c": "up", "d": None}


def test_what_is_bound_and_what_comes_back_conforms_to_the_types_of_functions() -> None:
    function = (
        FUNCTION_TYPE + '<businessKnowledgeModel id="k" name="k"><variable name="k" typeRef="tFunction"/>'
        f'<encapsulatedLogic><formalParameter name="x"/>{literal("if x = null then &quot;null&quot; else x")}</encapsulatedLogic>'
        "</businessKnowledgeModel>"
    )
    knows = '<knowledgeRequirement><requiredKnowledge href="#k"/></knowledgeRequirement>'
    bound = f'<binding><parameter name="x" typeRef="tSwitch"/>{literal("&quot;away&quot;")}</binding>'
    model = model_of(
        SWITCH
        + function
        + decision(literal('[k("on"), k("away")]'), "called", knows)
        + decision(f"<invocation>{literal('function(x) x = null')}{bound}</invocation>", "invoked")
    )
    # an argument that does not conform is null; so is a result, "null" being none of the allowed strings
    assert model.evaluate("called", {}) == ["on", None]
    assert model.evaluate("invoked", {}) is True


@pytest.mark.parametrize(
    ("over", "value"),
    [
        ("1..3", [2, 4, 6]),
        ("3..1", [6, 4, 2]),
        ("1 .. count([7, 7])", [2, 4]),
        ("[1..3]", [2, 4, 6]),
        ("(1..3]", [4, 6]),
        ("[1, 5]", [2, 10]),
        ("1..null", None),
    ],
)
def test_boxed_iterations_run_over_ranges_as_those_of_feel_do(over: str, value: list[int] | None) -> None:
    boxed = decision(f'<for iteratorVariable="i"><in>{literal(over)}</in><return>{literal("i * 2")}</return></for>')
    assert model_of(boxed).evaluate("d", {}) == value
    assert model_of(decision(literal(f"for i in {over} return i * 2"))).evaluate("d", {}) == value
    some = f'<some iteratorVariable="i"><in>{literal(over)}</in><satisfies>{literal("i = 2")}</satisfies></some>'
    plain = f"some i in {over} satisfies i = 2"
    assert model_of(decision(some)).evaluate("d", {}) == model_of(decision(literal(plain))).evaluate("d", {})


def test_a_bad_range_of_a_boxed_iteration_is_told_with_its_place() -> None:
    boxed = decision(f'<for iteratorVariable="i"><in>{literal("1..3 4")}</in><return>{literal("i")}</return></for>')
    with pytest.raises(PolicyError, match=r"m\.dmn:3:6: decision 'd': did not expect '4' here"):
        model_of(boxed).evaluate("d", {})


def test_a_file_without_input_data() -> None:
    model = dmn.load(DATA / "camunda.dmn")
    assert model.evaluate("Choose a dish", {"season": "winter", "weekend": True}) == "soup"
    assert model.evaluate("dish", {"season": "winter", "weekend": False}) == "stew"
    assert model.evaluate("dish", {"season": "summer", "guests": 3}) == "salad"
    with pytest.raises(PolicyError, match="'season' is not known here"):
        model.evaluate("dish", {"weekend": True})


def test_the_oldest_version() -> None:
    model = dmn.load(DATA / "oldest.dmn")
    assert model.evaluate("end", {"start": "2024-02-29T10:00:00Z", "span": "P1Y"}) == datetime(
        2025, 2, 28, 10, tzinfo=UTC
    )


def test_imports_from_beside_the_file() -> None:
    model = dmn.load(DATA / "importing.dmn")
    assert model.evaluate("price with tax", {"common rules.net price": 10}) == Decimal("11.90")
    assert model.evaluate("price with tax", {"common rules": {"net price": 10}}) == Decimal("11.90")
    with pytest.raises(BadInput, match=r"common rules\.net price: -1 is not among the allowed values >= 0"):
        model.evaluate("price with tax", {"common rules.net price": -1})
    with pytest.raises(BadInput, match=r"common rules\.net price: this input is missing"):
        model.evaluate("price with tax", {})


def test_an_import_without_a_place_is_found_by_its_namespace(tmp_path: Path) -> None:
    importing = (DATA / "importing.dmn").read_text()
    (tmp_path / "a.dmn").write_text("<broken urn:test:imported")
    (tmp_path / "other name.dmn").write_bytes((DATA / "imported.dmn").read_bytes())
    (tmp_path / "main.dmn").write_text(importing.replace('locationURI="imported.dmn"', ""))
    model = dmn.load(tmp_path / "main.dmn")
    assert model.evaluate("price with tax", {"common rules.net price": 10}) == Decimal("11.90")


# what is wrong with a file


def model_of(content: str, version: str = "20230324", attributes: str = "") -> Model:
    head = (
        f'<definitions xmlns="https://www.omg.org/spec/DMN/{version}/MODEL/" name="m" namespace="urn:m" {attributes}>'
    )
    return dmn.loads(f"{head}\n{content}\n</definitions>", "m.dmn")


def decision(logic: str, identifier: str = "d", requirements: str = "") -> str:
    return f'<decision id="{identifier}" name="{identifier}"><variable name="{identifier}"/>{requirements}\n{logic}\n</decision>'


def literal(text: str) -> str:
    return f"<literalExpression><text>{text}</text></literalExpression>"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("<decision/>", 2, "<decision> has no name"),
        ("<gadget/>", 2, "<gadget> is not known in DMN definitions"),
        (decision(literal("1") + "\n" + literal("2")), 4, "<decision> holds more than one expression"),
        (decision("<decisionTable/>"), 3, "the decision table has no output"),
        (
            decision('<decisionTable hitPolicy="BEST"><output/></decisionTable>'),
            3,
            "the hit policy 'BEST' is not one of UNIQUE",
        ),
        (
            decision("<decisionTable><output/><rule><inputEntry><text>1</text></inputEntry></rule></decisionTable>"),
            3,
            "this rule has 1 input and 0 output entries, the table 0 inputs and 1 outputs",
        ),
        (decision('<decisionTable><output name="a"/><output/></decisionTable>'), 3, "needs a name of its own"),
        (decision("<context><contextEntry/></context>"), 3, "<contextEntry> holds no expression"),
        (decision(literal("1")) + "\n" + decision(literal("2")), 5, "id 'd' is given twice"),
        (
            decision(literal("1"), "d", '<informationRequirement><requiredInput href="#x"/></informationRequirement>'),
            2,
            "'d' requires '#x', which is not in the file",
        ),
        (
            decision(
                literal("1"), "a", '<informationRequirement><requiredDecision href="#b"/></informationRequirement>'
            )
            + decision(
                literal("1"), "b", '<informationRequirement><requiredDecision href="#a"/></informationRequirement>'
            ),
            2,
            "decisions require one another: a -> b -> a",
        ),
        (
            '<itemDefinition name="t"><typeRef>nmber</typeRef></itemDefinition>',
            2,
            "there is no type 'nmber' (did you mean number?)",
        ),
        (
            '<itemDefinition name="t"><typeRef>u</typeRef></itemDefinition>'
            '<itemDefinition name="u"><typeRef>t</typeRef></itemDefinition>',
            2,
            "defined by itself: t -> u -> t",
        ),
        (
            '<itemDefinition name="t"><typeRef>number</typeRef><allowedValues><text>[1..</text></allowedValues></itemDefinition>',
            2,
            "allowed values of 't': expected a value, found the end",
        ),
        (
            '<import name="i" namespace="urn:i" importType="http://www.dmg.org/PMML-4_2"/>',
            2,
            "only DMN files are imported",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(content: str, line: int, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        model_of(content)
    assert caught.value.faults[0].line == line
    assert message in caught.value.faults[0].message


@pytest.mark.parametrize(
    ("logic", "line", "column", "message"),
    [
        (literal("1 +\n  * 2"), 4, 3, "decision 'd': expected a value, found '*'"),
        (literal("lenght(1)"), 3, 1, "decision 'd': 'lenght' is not known here"),
        (literal("1 instance of tThing"), 3, 15, "expected a type"),
        (
            '<literalExpression expressionLanguage="python"><text>1</text></literalExpression>',
            3,
            1,
            "in python are refused",
        ),
        ('<functionDefinition kind="Java"><context/></functionDefinition>', 3, 1, "functions of kind Java are refused"),
        ("", 2, 1, "decision 'd': it has no logic"),
        (
            "<decisionTable><input><inputExpression><text>1</text></inputExpression></input><output/>"
            "<rule><inputEntry><text>[1..</text></inputEntry><outputEntry><text>1</text></outputEntry></rule></decisionTable>",
            3,
            5,
            "decision 'd', rule 1, input '1': expected a value, found the end",
        ),
        (
            '<decisionTable hitPolicy="PRIORITY"><output/><rule><outputEntry><text>1</text></outputEntry></rule></decisionTable>',
            3,
            1,
            "hit policy P needs output values",
        ),
        (
            '<decisionTable hitPolicy="COLLECT" aggregation="SUM"><output name="a"/><output name="b"/></decisionTable>',
            3,
            1,
            "C+ aggregates one output, this table has 2",
        ),
        (
            "<decisionTable><output><outputValues><text>1, 2</text></outputValues></output>"
            "<rule><outputEntry><text>3</text></outputEntry></rule></decisionTable>",
            3,
            1,
            "rule 1 gives 3, which is not among the values of its output",
        ),
        (literal("today()"), 2, 1, "today() asks for the clock"),
        (
            "<invocation>" + literal("f") + "</invocation>",
            3,
            1,
            "decision 'd', invoked function: 'f' is not known here",
        ),
    ],
)
def test_what_is_wrong_with_a_decision_is_told_when_it_is_asked_for(
    logic: str, line: int, column: int, message: str
) -> None:
    model = model_of(decision(logic) + decision(literal("1"), "sound"))
    with pytest.raises(PolicyError) as caught:
        model.evaluate("d", {})
    assert message in caught.value.faults[0].message
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (line, column)
    assert model.evaluate("sound", {}) == 1, "a decision beside it is not dragged along"


def test_the_clock_is_what_the_caller_says() -> None:
    model = model_of(decision(literal("[today(), now()]")))
    moment = datetime(2025, 3, 24, 13, 45, tzinfo=UTC)
    assert model.evaluate("d", {}, now=moment) == [date(2025, 3, 24), moment]


def test_a_decision_sees_only_what_it_requires() -> None:
    model = model_of(decision(literal("1"), "a") + decision(literal("a + 1"), "b"))
    with pytest.raises(PolicyError, match="decision 'b': 'a' is not known here"):
        model.evaluate("b", {})


@pytest.mark.parametrize(
    "source",
    [
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><d>&b;</d>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd"><d/>',
        "<!DOCTYPE d><d/>",
    ],
)
def test_entities_and_document_types_are_refused(source: str) -> None:
    with pytest.raises(PolicyError, match="a document type or an entity is not allowed"):
        dmn.loads(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "this is not XML"),
        ("<a><b></a>", "m.dmn:1:9: this is not XML: mismatched tag"),
        ("<a>" * 300 + "</a>" * 300, "nested at most 200 deep"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "this is not XML"),
        ("<definitions/>", "expected <definitions> of DMN 1.1"),
        ('<definitions xmlns="urn:other"/>', "found <definitions> of urn:other"),
    ],
)
def test_what_is_no_dmn_is_told(source: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        dmn.loads(source, "m.dmn")
    assert message in str(caught.value)


def test_a_file_too_large_or_absent_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="a DMN file may hold"):
        dmn.loads(b" " * 20_000_001)
    with pytest.raises(UnknownThing, match="there is no file"):
        dmn.load(tmp_path / "none.dmn")
    with pytest.raises(BadInput, match="cannot be read"):
        dmn.load(tmp_path)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../imported.dmn", "only files beside the importing one are read"),
        ("/etc/passwd", "only files beside the importing one are read"),
        ("http://example.org/x.dmn", "only files beside the importing one are read"),
        ("self.dmn", "imports the file that imports it"),
        ("none.dmn", "there is no file 'none.dmn' beside it"),
        ("", "no locationURI says where the file is, and none beside it has the namespace 'urn:i'"),
    ],
)
def test_imports_are_read_from_beside_the_file_only(tmp_path: Path, location: str, message: str) -> None:
    kind = "https://www.omg.org/spec/DMN/20230324/MODEL/"
    path = tmp_path / "self.dmn"
    path.write_text(
        f'<definitions xmlns="{kind}" name="m" namespace="urn:m">'
        f'<import name="i" namespace="urn:i" importType="{kind}" locationURI="{location}"/></definitions>'
    )
    with pytest.raises(PolicyError) as caught:
        dmn.load(path)
    assert message in str(caught.value)
