# ruff: noqa: E501 - a document and what is said of it stand on one line
"""The language of policy documents: what cells mean, how tables work together, and what is said of mistakes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.errors import BadInput
from evenhand.policy import Policy, PolicyError
from evenhand.policy.parser import parse_expression, parse_test
from evenhand.policy.syntax import CellError

HEAD = "---\npolicy: test\nversion: v1\neffective: 2025-01-01\n---\n# A test\n\n"
FACTS = """## Facts
| fact | type | values |
|------|------|--------|
| n | integer | [-1000..1000] |
| d | number(2) | [-1000..1000] |
| size | ordered choice | "small", "medium", "large" |
| colour | choice | "red", "green", "blue" |
| flag | boolean | - |
| name | string | - |
| day | date | - |
| moment | date and time | - |
| span | duration | - |
| age | months | - |

"""


def policy(body: str) -> Policy:
    return Policy.parse(HEAD + FACTS + body, "test.md")


def matches(column: str, cell: str, **facts: Any) -> bool:
    """Whether a cell under a column matches facts."""
    compiled = policy(f"## T\n| F | {column} | → hit |\n|---|---|---|\n| 1 | {cell} | true |\n| 2 | - | false |\n")
    return decided(compiled, **facts)["hit"]


def value(expression: str, **facts: Any) -> Any:
    """What an expression gives."""
    return decided(policy(f"## T\n\n```feel\nx = {expression}\n```\n"), **facts)["x"]


def decided(compiled: Policy, **facts: Any) -> dict[str, Any]:
    from evenhand.policy.values import nested

    return compiled.decide(nested(facts, compiled.model.facts, compiled.model.read))


def faults(body: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        policy(body)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("column", "cell", "yes", "no"),
    [
        ("n", "5", [5], [4, None]),
        ("n", "-5", [-5], [5, None]),
        ("n", "1, 2, 7", [1, 2, 7], [3, None]),
        ("n", "<= 3", [3, -9], [4, None]),
        ("n", "!= 3", [4, None], [3]),
        ("n", "[1..3]", [1, 3], [0, 4, None]),
        ("n", "(1..3)", [2], [1, 3]),
        ("n", "]1..3[", [2], [1, 3]),
        ("n", "[1..3)", [1, 2], [3]),
        ("n", "not(1, [5..7])", [2, 8], [1, 5, 7]),
        ("n", "not(> 5)", [5], [6, None]),  # null > 5 is null, and so is its not
        ("n", "not(5)", [4, None], [5]),  # null = 5 is false
        ("n", "null", [None], [0]),
        ("n", "not(null)", [0], [None]),
        ("n", "null, 3", [None, 3], [4]),
        ("n", "-", [None, 3], []),
        ("n", "2.5", [], [2, 3, None]),
        ("n", "< 2.5", [2], [3]),
        ("n", ">= 2.5", [3], [2]),
        ("d", "4.80", [Decimal("4.8")], [Decimal("4.79")]),
        ("d", ">= 4.8", [4.8, 5], [4.79, None]),
        ("d", "> 4.795", [4.8], [4.79]),
        ("d", "[4.50..4.80)", [4.5, 4.79], [4.8, 4.49]),
        ("d", "< n", [], [None]),
        ("size", '>= "medium"', ["medium", "large"], ["small", None]),
        ("size", '"small", "large"', ["small", "large"], ["medium", None]),
        ("size", '["small".."medium"]', ["small", "medium"], ["large"]),
        ("colour", 'not("red")', ["green", None], ["red"]),
        ("flag", "true", [True], [False, None]),
        ("flag", "false", [False], [True, None]),
        ("name", r'"say \"hi\""', ['say "hi"'], ["say hi"]),
        ("name", '"鲜", "fresh"', ["鲜"], ["x", None]),
        ("day", '>= @"2025-03-24"', ["2025-03-24"], ["2025-03-23", None]),
        ("day", '[date("2025-01-01")..date("2025-12-31")]', ["2025-06-01"], ["2026-01-01"]),
        ("moment", '< @"2025-03-24T00:00:00+08:00"', ["2025-03-23T15:59:59Z"], ["2025-03-23T16:00:00Z"]),
        ("span", '> duration("PT48H")', ["P2DT1S"], ["P2D"]),
        ("age", '>= @"P1Y6M"', ["P2Y"], ["P17M"]),
    ],
)
def test_a_cell_matches_what_it_says(column: str, cell: str, yes: list[Any], no: list[Any]) -> None:
    for one in yes:
        assert matches(column, cell, **{column: one}), one
    for one in no:
        assert not matches(column, cell, **{column: one}), one


@pytest.mark.parametrize(
    ("expression", "facts", "expected"),
    [
        ("n + 2 * 3", {"n": 1}, 7),
        ("(n + 2) * 3", {"n": 1}, 9),
        ("-n", {"n": 4}, -4),
        ("n - 1 - 1", {"n": 5}, 3),
        ("d * 0.1", {"d": Decimal("4.85")}, Decimal("0.485")),
        ("n / 3", {"n": 10}, Decimal("3.333333")),
        ("n / 3", {"n": -20}, Decimal("-6.666667")),
        ("1 / n", {"n": 0}, None),
        ("n + 1", {"n": None}, None),
        ("min(n, 3)", {"n": 5}, 3),
        ("max(n, 3, d)", {"n": 1, "d": Decimal("3.5")}, Decimal("3.50")),
        ("min(n, 3)", {"n": None}, None),
        ("abs(n)", {"n": -3}, 3),
        ("floor(d)", {"d": Decimal("-1.01")}, -2),
        ("ceiling(d)", {"d": Decimal("-1.99")}, -1),
        ("round(d, 1)", {"d": Decimal("2.25")}, Decimal("2.3")),
        ("round half up(d, 0)", {"d": Decimal("-2.5")}, -3),
        ("modulo(n, 3)", {"n": -7}, 2),
        ("modulo(n, -3)", {"n": 7}, -2),
        ("sum(n, 1, 2)", {"n": 3}, 6),
        ("if n > 3 then 1 else 2", {"n": 4}, 1),
        ("if n > 3 then 1 else 2", {"n": None}, 2),
        ("n between 1 and 3", {"n": 3}, True),
        ("n in (1, 5, > 10)", {"n": 11}, True),
        ("n in [1..5)", {"n": 5}, False),
        ("n in ([1..5], 9)", {"n": 9}, True),
        ("n in (1..5)", {"n": 1}, False),
        ('colour = "red" or n = 1', {"colour": "red"}, True),
        ("n > 1 and flag", {"n": None, "flag": False}, False),
        ("n > 1 and flag", {"n": None, "flag": True}, None),
        ("n > 1 or flag", {"n": None, "flag": True}, True),
        ("not(flag)", {"flag": None}, None),
        ("n = null", {"n": None}, True),
        ("n != null", {"n": None}, False),
        ('contains(name, "b")', {"name": "abc"}, True),
        ('starts with(name, "b")', {"name": "abc"}, False),
        ('ends with(name, "c")', {"name": None}, None),
        ("string length(name)", {"name": "生鲜😀"}, 3),
        ('upper case(name) = "ABÇç"', {"name": "abÇç"}, True),
        ("day.year * 10000 + day.month * 100 + day.day", {"day": "2024-02-29"}, 20240229),
        ("day.weekday", {"day": "1970-01-01"}, 4),
        ("moment.hour * 100 + moment.minute", {"moment": "2025-03-24T08:30:00+08:00"}, 30),
        ("span.days * 100 + span.hours", {"span": "P2DT5H"}, 205),
        ("span.hours", {"span": "-PT5H30M"}, -5),
        ("age.years * 100 + age.months", {"age": "P17M"}, 105),
        ('(day - @"2025-01-01").days', {"day": "2025-01-31"}, 30),
        ('day + duration("P1D") = @"2025-03-01"', {"day": "2025-02-28"}, True),
        ("list contains(tags, 3)", {"n": 1}, True),
    ],
)
def test_an_expression_is_exact(expression: str, facts: dict[str, Any], expected: Any) -> None:
    body = "## Tags\n| C | n | → tags |\n|---|---|---|\n| 1 | 1 | 3 |\n| 2 | - | 4 |\n" if "tags" in expression else ""
    compiled = policy(f"{body}## T\n\n```feel\nx = {expression}\n```\n")
    assert decided(compiled, **facts)["x"] == expected


TABLE = """## T
| {hit} | n | → out{listed} |
|---|---|---|
| 1 | >= 1 | {a} |
| 2 | >= 2 | {b} |
| 3 | >= 3 | {c} |
"""


@pytest.mark.parametrize(
    ("hit", "listed", "outputs", "expected"),
    [
        # for n = 0, 1, 2, 3
        ("U", "", (10, 20, 30), [None, 10, None, None]),
        ("A", "", (10, 10, 30), [None, 10, 10, None]),
        ("F", "", (10, 20, 30), [None, 10, 10, 10]),
        ("P", ': "c", "b", "a"', ('"a"', '"b"', '"c"'), [None, "a", "b", "c"]),
        ("R", "", (10, 20, 10), [[], [10], [10, 20], [10, 20, 10]]),
        ("C", "", (10, 20, 10), [[], [10], [10, 20], [10, 20, 10]]),
        ("O", ': "c", "b", "a"', ('"a"', '"b"', '"c"'), [[], ["a"], ["b", "a"], ["c", "b", "a"]]),
        ("C+", "", (10, 20, "-30"), [None, 10, 30, 0]),
        ("C<", "", (10, 20, 5), [None, 10, 10, 5]),
        ("C>", "", (10, 20, 5), [None, 10, 20, 20]),
        ("C#", "", (10, 20, 5), [0, 1, 2, 3]),
    ],
)
def test_every_hit_policy_of_dmn(hit: str, listed: str, outputs: tuple[Any, ...], expected: list[Any]) -> None:
    a, b, c = outputs
    compiled = policy(TABLE.format(hit=hit, listed=listed, a=a, b=b, c=c))
    assert [decided(compiled, n=n)["out"] for n in range(4)] == expected


def test_tables_feed_one_another_in_any_order_and_figures_are_taken_of_lists() -> None:
    compiled = policy(
        """## Ruling
| F | weight | worst | → outcome | → amount | → respond_within_hours |
|---|--------|-------|-----------|----------|------------------------|
| 1 | > 2.5 | >= "medium" | subsidise | application.amount / 3 | null |
| 2 | - | - | negotiate | null | 24 + 24 |

## Signs
| C | n | → sign |
|---|---|--------|
| 1 | > 0 | 1 |
| 2 | > 1 | 2 |

## Worst
| F | n | → worst: "large", "medium", "small" |
|---|---|---|
| 1 | > 1 | "large" |
| 2 | - | "small" |

## Weight

```feel
// the signs, halved
weight = sum(sign) * 0.5 + count(sign)
```
"""
    )
    high = compiled.rule({"n": 2, "application": {"amount": 1000}})
    assert (high.outcome, high.payer, high.amount, high.rule) == ("subsidise", "platform", 333, "Ruling/1")
    low = compiled.rule({"n": 1, "application": {"amount": 1000}})
    assert (low.outcome, low.amount, low.respond_within_hours, low.rule) == ("negotiate", 0, 48, "Ruling/2")
    assert [step.table for step in high.trace] == ["Signs", "Weight: weight", "Worst", "Ruling"]
    assert high.trace[0].rows == [1, 2]
    assert high.trace[1].outputs == {"weight": Decimal("3.5")}


def test_where_no_row_matches_a_person_decides() -> None:
    ruling = policy("## R\n| U | n | → outcome |\n|---|---|---|\n| 1 | 1 | decline |\n").rule({"n": 2})
    assert (ruling.outcome, ruling.payer, ruling.rule) == ("review", "none", "R/0")
    assert "person" in ruling.because.en


def test_an_amount_is_never_more_than_was_asked_nor_less_than_nothing() -> None:
    compiled = policy(
        "## R\n| F | n | → outcome | → amount |\n|---|---|---|---|\n| 1 | - | subsidise | application.amount * n |\n"
    )
    asked = {"application": {"amount": 500}}
    assert [compiled.rule({"n": n} | asked).amount for n in (1, 2, -1)] == [500, 500, 0]
    # null is no amount of the row's own: what was asked
    assert compiled.rule(asked).amount == 500


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("| F | merchant.experiense_score | → x |\n|-|-|-|\n| 1 | > 1 | 1 |", "24:7: there is no fact or output merchant.experiense_score (did you mean merchant.experience_score?)"),
        ("| F | size | → x |\n|-|-|-|\n| 1 | \"smal\" | 1 |", '26:7: "smal" is not one of small, medium, large (did you mean small?)'),
        ("| F | size | → x |\n|-|-|-|\n| 1 | small | 1 |", '26:7: strings stand in quotes: "small"'),
        ("| F | n | → x |\n|-|-|-|\n| 1 | \"5\" | 1 |", "26:7: cannot compare a whole number with a string: numbers stand without quotes"),
        ("| F | name | → x |\n|-|-|-|\n| 1 | > \"a\" | 1 |", "26:9: strings have no order here"),
        ("| F | flag | → x |\n|-|-|-|\n| 1 | > true | 1 |", "26:9: true and false have no order"),
        ("| F | day | → x |\n|-|-|-|\n| 1 | \"2025-01-01\" | 1 |", 'write a date as @"2025-03-24"'),
        ("| F | n | → x |\n|-|-|-|\n| 1 | [5..1] | 1 |", "26:8: this interval is empty"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | | 1 |", "the cell is empty; write - for any value"),
        ("| F | n | → outcome |\n|-|-|-|\n| 1 | - | subsidize |", "subsidize is not one of subsidise, "),
        ("| F | n | → outcome | → payer |\n|-|-|-|-|\n| 1 | - | subsidise | merchant |", "26:23: subsidise is paid by platform, not by merchant"),
        ("| F | n | → outcome | → payer |\n|-|-|-|-|\n| 1 | - | decline | platform |", "nobody pays for decline: the payer is none, not platform"),
        ("| F | n | → outcom | → payer |\n|-|-|-|-|\n| 1 | - | decline | none |", "no table gives an outcome, which every ruling needs (did you mean outcome by outcom?)"),
        ("| F | n | → outcome | → because |\n|-|-|-|-|\n| 1 | - | decline | a.b |", "there is no reason a.b: give its sentences under ## Reasons"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | - | 1 |\n| 2 | - | \"a\" |", "expected a whole number as in the rows above, found a string"),
        ("| F | n | → x |\n|-|-|-|\n| 2 | - | 1 |", "26:3: rows are numbered in order: this is row 1, not '2'"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | - | 1 | 7 |", "26:1: this row has 4 cells, its table has 3 columns"),
        ("| X | n | → x |\n|-|-|-|\n| 1 | - | 1 |", "24:3: expected a hit policy (U, A, P, F, R, O, C, C+, C<, C>, C#), found 'X'"),
        ("| P | n | → x |\n|-|-|-|\n| 1 | - | 1 |", "hit policy P needs the order of its outputs"),
        ("| C+ | n | → x |\n|-|-|-|\n| 1 | - | \"a\" |", "hit policy C+ needs numbers, x is one of a"),
        ("| F | n | day |\n|-|-|-|\n| 1 | - | - |", "this table has no output"),
        ("| F | n | → buyer.integrity |\n|-|-|-|\n| 1 | - | \"bad\" |", '"bad" is not one of poor, fair, good, excellent'),
        ("| F | n | → buyer.integrity_score |\n|-|-|-|\n| 1 | - | 1001 |", "this lies outside the allowed 0 to 1,000"),
        ("| F | n | → order.amount |\n|-|-|-|\n| 1 | - | 99999999999 |", "this lies outside the allowed 0 to 9,000,000,000"),
        ("| F | application.amount * application.amount | → x |\n|-|-|-|\n| 1 | > 1 | 1 |", "more than 64 bits hold: divide first, or limit it"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | flor(n) | 1 |", "there is no function flor (did you mean floor?)"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | day.yer | 1 |", "day is a date and has no part yer (did you mean year?)"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | 2 ** 3 | 1 |", "`**` is not in the language: write the factors out"),
        ("| F | n | → x |\n|-|-|-|\n| 1 | for i in n | 1 |", "`for` of FEEL is not in the language of policies"),
        ("| F | name | → x |\n|-|-|-|\n| 1 | toys | 1 |", 'there is no fact or output toys; a string stands in quotes: "toys"'),
        ("| F | n | → x |\n|-|-|-|\n| 1 | “red” | 1 |", "strings are written with straight quotes"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_a_way_out(body: str, expected: str) -> None:
    told = faults(f"## T\n\n{body}\n")
    assert len(told) == 1, told
    assert expected in told[0]
    assert told[0].startswith("test.md:2")


def test_all_mistakes_are_told_at_once() -> None:
    told = faults(
        "## A\n| U | b | → a |\n|-|-|-|\n| 1 | zzz | 1 |\n\n"
        "## B\n| U | n | → b |\n|-|-|-|\n| 1 | \"x\" | 1 |\n\n## Reasons\n| code | en | zh |\n|-|-|-|\n| r | only English {nobody} | |\n"
    )  # fmt: skip
    assert len(told) == 4, told


def test_a_cycle_is_shown() -> None:
    told = faults("## A\n| U | b | → a |\n|-|-|-|\n| 1 | 1 | 1 |\n\n## B\n| U | a | → b |\n|-|-|-|\n| 1 | 1 | 1 |\n")
    assert told == ["test.md:23:1: tables feed one another in a cycle: 'A' reads b of 'B' reads a of 'A'"]


@pytest.mark.parametrize(
    ("facts", "field", "says"),
    [
        ({"m": 1}, "m", "is no fact"),
        ({"application": {"amont": 1}}, "application.amont", "did you mean application.amount?"),
        ({"application": 5}, "application", "expected an object of facts"),
        ({"application.amount": 5}, "application.amount", "nested"),
        ({"n": "5"}, "n", "expected a whole number"),
        ({"n": True}, "n", "expected a whole number"),
        ({"n": 2.5}, "n", "more decimals"),
        ({"n": 5000}, "n", "lies outside -1,000 to 1,000"),
        ({"n": float("nan")}, "n", "expected a whole number"),
        ({"n": Decimal("1e999999")}, "n", "too large"),
        ({"d": "4.8"}, "d", "expected a number with 2 decimals at most"),
        ({"size": "tiny"}, "size", "is not one of small, medium, large"),
        ({"flag": 1}, "flag", "expected true or false"),
        ({"day": "2025-02-30"}, "day", "expected a date"),
        ({"moment": "2025-02-28T00:00:00"}, "moment", "with its zone"),
        ({"name": ["a"]}, "name", "expected a string, got a list"),
        ([], "", "expected an object of facts, got a list"),
    ],
)
def test_bad_facts_are_told_by_name(facts: Any, field: str, says: str) -> None:
    compiled = policy("## T\n| F | n | → outcome |\n|-|-|-|\n| 1 | - | review |\n")
    with pytest.raises(BadInput, match=says) as caught:
        compiled.rule(facts)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with front matter"),
        ("---\npolicy: x\n", "not closed"),
        ("---\npolicy: x y\nversion: 1\neffective: 2025-13-01\nanchr: order\n---\n", "did you mean anchor?"),
        (HEAD + "Nothing but prose.\n", "holds no decision table"),
        (HEAD + '## Promises\n\nnever `payer = "platform"`\n', "must be an item of a list"),
        (HEAD + "## Promise\n\n- never `true`\n", "write Promises"),
        (HEAD + "## examples\n\n- 1\n", "write Examples"),
        (HEAD + "## Order\n\n`decline < review`\n", "must be an item of a list"),
        (HEAD.replace("effective", "currency: XXQ\neffective"), "ISO 4217"),
        (HEAD + "## T\n| F | x |\n|-|-|\n| 1 | a\0b |\n", "NUL"),
    ],
)
def test_a_document_that_is_none_is_told_so(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        Policy.parse(text)


def test_the_source_of_the_row_function_cannot_be_broken_out_of() -> None:
    hostile = "\\\"\\n'''import os"
    compiled = policy(f'## T "\'\'\' # x\n| F | name | → out |\n|-|-|-|\n| 1 | "{hostile}" | "{hostile}" |\n')
    assert decided(compiled, name="\"\n'''import os")["out"] == "\"\n'''import os"


CELLISH = st.text(alphabet=" -\"'()[]<>=.,+*/@!abcnot1290\\|\n{}鲜", max_size=40) | st.text(max_size=20)


@given(CELLISH)
def test_reading_a_cell_gives_a_tree_or_a_place(text: str) -> None:
    for read in (parse_test, parse_expression):
        try:
            read(text)
        except CellError as error:
            assert 0 <= error.column <= len(text)  # noqa: PT017


@settings(max_examples=200)
@given(
    st.lists(CELLISH, min_size=4, max_size=8),
    st.sampled_from(["U", "F", "C+", "P", "A", "?", ""]),
    st.text(max_size=60),
)
def test_reading_a_document_gives_a_policy_or_its_faults(cells: list[str], hit: str, prose: str) -> None:
    a, b, c, d, *rest = cells
    table = f"## T\n| {hit} | {a} | → {b} |\n|---|---|---|\n| 1 | {c} | {d} |\n| 2 | n | 3 |\n"
    try:
        policy(f"{prose}\n\n{table}\n## Reasons\n| code | en | zh |\n|-|-|-|\n{'|'.join(rest)}\n")
    except PolicyError as error:
        assert error.faults  # noqa: PT017


@given(st.text(max_size=300))
def test_reading_anything_gives_a_policy_or_its_faults(text: str) -> None:
    for source in (text, HEAD + text):
        with pytest.raises(PolicyError):
            Policy.parse(source)


def test_depth_and_size_are_bounded() -> None:
    for cell in (
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 3000 + "1",
        "not(" * 500 + "true" + ")" * 500,
        "1+" * 3000 + "1",
        "9" * 30,
    ):
        with pytest.raises(CellError):
            parse_expression(cell)
