"""Whatever a text holds, FEEL and the reader of DMN give a result or their own error; arithmetic is that of decimals."""

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evenhand.errors import BadInput
from evenhand.policy import dmn
from evenhand.policy.dmn.feel.builtins import FUNCTIONS
from evenhand.policy.dmn.feel.errors import FeelError, LimitReached, Refused
from evenhand.policy.dmn.feel.values import kind
from evenhand.policy.errors import PolicyError
from tests.unit.policy.dmn.feel import evaluate, passes, shown

_KEYWORDS = """
    if then else for in return some every satisfies and or not between instance of function external item partial
    true false null x y-z a b ? - + * / ** ( ) [ ] { } , : . .. < <= > >= = != @ -> 1 2.5 .5 1e3 number list<
    "a" "2025-01-01" @"P1D" @"2025-01-01" [1..3] {a:[1,x]}
"""
_WORDS = [*_KEYWORDS.split(), *FUNCTIONS]
VARIABLES: dict[str, Any] = {"x": Decimal(3), "y-z": [Decimal(1), None, "s"], "a b": {"a": Decimal(1), "item": "i"}}
EXPECTED = (FeelError, LimitReached, Refused)


def words() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join)


@given(st.one_of(words(), st.text(max_size=60)))
@example("x in (x in (x in (x in (x in (x in (x in (x in (x in (x in (x in (x in (1")
@example("[1..[1..[1..[1..[1..[1..[1..[1..[1..[1..[1..[1..[1..[1..[1..[")
@example("-" * 500)
@settings(max_examples=400, deadline=None)
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    try:
        result = evaluate(text, VARIABLES)
    except EXPECTED:
        return
    assert kind(result)


@given(
    st.one_of(words(), st.text(max_size=60)), st.sampled_from([None, Decimal(1), "a", [Decimal(1)], date(2025, 1, 1)])
)
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_test_or_an_error(text: str, value: Any) -> None:
    try:
        assert passes(text, value, VARIABLES) in (True, False)
    except EXPECTED:
        return


_ARGUMENTS = [
    *("null", "1", "-2.5", "0", '"a"', '""', '"["', "[]", "[1, null]", '["a"]', "{}", "{a: 1}", "[1..3]", "(< 2)"),
    *(
        '@"2025-01-01"',
        '@"10:00:00Z"',
        '@"2025-01-01T00:00:00"',
        '@"P1D"',
        '@"-P1M"',
        "function(x) x",
        "1e6000",
        "true",
    ),
]


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(st.sampled_from(_ARGUMENTS), max_size=7))
@settings(max_examples=1000, deadline=None)
def test_any_call_of_a_function_has_a_value(name: str, arguments: list[str]) -> None:
    try:
        evaluate(f"{name}({', '.join(arguments)})")
    except (LimitReached, Refused):
        return


@given(
    st.sampled_from(["+", "-", "*", "/", "**", "=", "<", "in", "and", "or"]),
    st.sampled_from(_ARGUMENTS),
    st.sampled_from(_ARGUMENTS),
)
@settings(max_examples=600, deadline=None)
def test_any_two_values_go_with_any_operator(operator: str, left: str, right: str) -> None:
    evaluate(f"({left}) {operator} ({right})")


_numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4)


@given(_numbers, _numbers)
def test_arithmetic_is_decimal_of_34_digits(left: Decimal, right: Decimal) -> None:
    context = Context(prec=34, rounding=ROUND_HALF_EVEN)
    for operator, exact in (
        ("+", context.add),
        ("-", context.subtract),
        ("*", context.multiply),
        ("/", context.divide),
    ):
        try:
            expected: Decimal | None = exact(left, right)
        except (InvalidOperation, ZeroDivisionError):
            expected = None
        assert evaluate(f"a {operator} b", {"a": left, "b": right}) == expected


@given(_numbers, _numbers.filter(bool))
def test_modulo_is_what_floor_division_leaves(left: Decimal, right: Decimal) -> None:
    rest = evaluate("modulo(a, b)", {"a": left, "b": right})
    assert rest == left - right * evaluate("floor(a / b)", {"a": left, "b": right})
    assert abs(rest) < abs(right)


@given(
    st.dates(min_value=date(2, 1, 1), max_value=date(9998, 12, 31)),
    st.timedeltas(min_value=timedelta(days=-300), max_value=timedelta(days=300)),
)
def test_days_added_are_days_between(day: date, duration: timedelta) -> None:
    whole = timedelta(days=duration.days)
    assert evaluate("(d + p) - d = p", {"d": day, "p": whole}) is True


@given(
    st.recursive(
        st.one_of(_numbers, st.booleans(), st.none(), st.text(alphabet='ab"\\ 多\n', max_size=5), st.dates()),
        st.lists,
        max_leaves=6,
    )
)
def test_a_value_written_out_reads_back(value: Any) -> None:
    text = shown("v", {"v": value}).replace("\n", "\\n")
    for day in _dates(value):
        text = text.replace(day.isoformat(), f'@"{day.isoformat()}"')
    assert evaluate(text) == value


def _dates(value: Any) -> set[date]:
    if isinstance(value, list):
        return set().union(*(_dates(each) for each in value))
    return {value} if isinstance(value, date) else set()


_MODEL = """<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="m" namespace="n">
<inputData id="i" name="Age"><variable name="Age" typeRef="number"/></inputData>
<decision id="d" name="D"><variable name="D" typeRef="string"/>
<informationRequirement><requiredInput href="#i"/></informationRequirement>
<decisionTable hitPolicy="FIRST"><input><inputExpression><text>Age</text></inputExpression></input>
<output name="o" typeRef="string"/>
<rule><inputEntry><text>[0..18)</text></inputEntry><outputEntry><text>"child"</text></outputEntry></rule></decisionTable></decision>
</definitions>"""


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_to_a_file_is_told(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(_MODEL)))
    end = data.draw(st.integers(start, min(len(_MODEL), start + 40)))
    source = (
        _MODEL[:start] + data.draw(st.one_of(st.just(""), st.text(max_size=8), st.just("<decision/>"))) + _MODEL[end:]
    )
    try:
        model = dmn.loads(source.encode("utf-8", "surrogatepass"))
        for name in model.decisions:
            model.evaluate(name, {"Age": 5})
    except (PolicyError, BadInput):
        return


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_told(source: bytes) -> None:
    try:
        dmn.loads(source)
    except PolicyError:
        return
