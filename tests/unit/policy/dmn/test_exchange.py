"""Policies to DMN and back: the exported file decides what the policy decides, and what comes back means the same."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.policy import Policy, PolicyError, dmn, shipped
from evenhand.policy.dmn.export import export
from evenhand.policy.dmn.feel.values import YearsMonths
from evenhand.policy.dmn.imported import to_markdown
from evenhand.policy.tree import Formula, Table
from evenhand.policy.types import Type
from evenhand.policy.values import nested, outward

# everything the language has, in one document
KITCHEN_SINK = """---
policy: kitchen-sink
version: 1
effective: 2025-01-01
---
# Everything at once

## Facts
| fact | type | values |
|---|---|---|
| parcel.weight | number(2) | [0..100] |
| parcel.carrier | choice | "fast", "cheap", "slow" |
| parcel.insured | boolean | - |
| parcel.sent_on | date | - |
| parcel.lost_after | duration | - |
| parcel.scanned_at | date and time | - |
| parcel.note | string | - |
| parcel.warranty | months | - |
| tier | ordered choice | "basic", "plus", "premium" |

## Unique
| U | parcel.weight | parcel.carrier | → unique_result |
|---|---|---|---|
| 1 | < 10 | "fast", "cheap" | "light" |
| 2 | [10..50) | not("slow") | "medium" |
| 3 | (49.5..100] | - | "heavy" |
| 4 | null | "slow", null | "unknown" |

## Any of them
| A | parcel.weight | parcel.insured | → any_result |
|---|---|---|---|
| 1 | < 50 | true | 1.25 |
| 2 | >= 20 | true | 1.25 |
| 3 | - | false | null |

## Priority: which one?
| P | tier | parcel.weight | → urgency: "high", "middle", "low" |
|---|---|---|---|
| 1 | - | - | "low" |
| 2 | >= "plus" | - | "middle" |
| 3 | - | > 20 | "high" |

## First
| F | tier | parcel.sent_on | → first_result | → first_count |
|---|---|---|---|---|
| 1 | not(>= "plus") | - | "a" | 1 |
| 2 | > "plus" | < @"2025-03-01" | "b" | count(listed) |
| 3 | "plus", null | [@"2025-01-01"..@"2025-06-30"] | "c" | days_gone.days |
| 4 | != "basic" | - | null | null |

## Listed
| R | parcel.weight | tier | → listed |
|---|---|---|---|
| 1 | > 1 | - | 1 |
| 2 | > 2 | - | parcel.weight |
| 3 | - | "premium" | null |

## Ordered
| O | parcel.weight | → ordered: "x", "y", "z" |
|---|---|---|
| 1 | > 1 | "z" |
| 2 | > 2 | "x" |
| 3 | > 50 | "y" |

## Collected
| C | parcel.weight | → collected | → why |
|---|---|---|---|
| 1 | > 1 | 3 | "one" |
| 2 | > 2 | 4.5 | "two" |

## Sum
| C+ | parcel.weight | parcel.note | → points |
|---|---|---|---|
| 1 | > 1 | - | 10.5 |
| 2 | - | "fragile", null | -3 |
| 3 | - | not(null) | if parcel.insured then 1 else 2 |

## Least
| C< | parcel.weight | → least |
|---|---|---|
| 1 | > 1 | parcel.weight / 3 |
| 2 | - | 12 |

## Greatest
| C> | parcel.weight > 10 | → greatest |
|---|---|---|
| 1 | true | 1 |
| 2 | not(true) | 2 |

## Count
| C# | parcel.weight | → fired |
|---|---|---|
| 1 | > 1 | 1 |
| 2 | > 60 | 1 |

## Figures
```feel
days_gone = @"2025-07-01" - parcel.sent_on
share = (parcel.weight + 1) / (points - 7.5)
rounded_share = round half up(share * 2, 3) + floor(share) - ceiling(share) + modulo(parcel.weight, 7)
extremes = max(abs(points - 5), min(parcel.weight, 40), 2)
soon = parcel.scanned_at + parcel.lost_after > @"2025-05-01T00:00:00+08:00"
late = parcel.sent_on + @"P7D" between @"2025-01-01" and @"2025-04-01"
covered = parcel.warranty * 2 >= @"P1Y" or parcel.sent_on.year = 2024
wordy = contains(parcel.note, "a") and (starts with(parcel.note, "b") or string length(parcel.note) > 3)
better = tier > "basic" and not(tier in ("premium")) or tier <= "basic" and parcel.insured
listed_sum = sum(listed)
listed_most = max(listed)
has_y = list contains(ordered, "y")
nothing = if parcel.insured = null then "?" else if parcel.carrier in ("fast", "slow") then "yes" else "no"
unknown = parcel.weight > 5 and parcel.insured
worth = if tier between "basic" and "plus" then -parcel.weight else 0.5 * parcel.weight
```
"""


def examples() -> list[Policy]:
    names = ("integrity", "abuse", "experience")
    return [*shipped(), *(Policy.load(f"src/evenhand/accounts/scorecards/{name}.md") for name in names)]


def exported(policy: Policy) -> dmn.Model:
    return dmn.loads(export(policy), f"{policy.name}.dmn")


def as_dmn(kind: Type, value: Any) -> Any:
    """A fact from outside as DMN takes it."""
    if kind.kind == "months" and value is not None:
        return YearsMonths(value)
    return value


def given_to_dmn(policy: Policy, flat: dict[str, Any]) -> dict[str, Any]:
    """Flat facts, nested as the exported file's input data."""
    inputs: dict[str, Any] = {}
    for name in policy.model.read:
        value = as_dmn(policy.model.facts[name], flat.get(name))
        group, _, leaf = name.partition(".")
        if leaf:
            inputs.setdefault(group, {})[leaf] = value
        else:
            inputs[group] = value
    return inputs


def given_to_policy(policy: Policy, flat: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, value in flat.items():
        place = facts
        *groups, leaf = name.split(".")
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    return nested(facts, policy.model.facts, policy.model.read)


def same_value(kind: Type, ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list):
        return (
            isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(map(lambda a, b: same_value(kind, a, b), ours, theirs))
        )
    if isinstance(theirs, timedelta):
        theirs = outward(kind, theirs // timedelta(seconds=1))
    if isinstance(theirs, YearsMonths):
        theirs = outward(kind, theirs.total)
    return ours == theirs and (ours is None) == (theirs is None)


def assert_same_decisions(policy: Policy, model: dmn.Model, flat: dict[str, Any]) -> None:
    ours = policy.decide(given_to_policy(policy, flat))
    inputs = given_to_dmn(policy, flat)
    for place, step in enumerate(policy.model.steps, start=1):
        outputs = [step.output] if isinstance(step, Formula) else step.outputs
        try:
            theirs = model.evaluate(f"decision_{place}", inputs)
        except PolicyError:
            # rules of a U or A table that contradict one another are null to a policy, an error to DMN
            if (
                isinstance(step, Table)
                and step.hit in ("U", "A")
                and all(ours[output.name] is None for output in outputs)
            ):
                return
            raise
        for output in outputs:
            value = _output_of(theirs, output.name) if len(outputs) > 1 else theirs
            assert same_value(output.type, ours[output.name], value), (step.name, output.name, ours[output.name], value)


def _output_of(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [each[name] for each in value]
    return None if value is None else value[name]


def of_type(kind: Type) -> st.SearchStrategy[Any]:
    match kind.kind:
        case "text":
            values: st.SearchStrategy[Any] = (
                st.sampled_from(kind.values) if kind.values else st.sampled_from(["", "a", "fragile", "bcda", "多a"])
            )
        case "boolean":
            values = st.booleans()
        case "number":
            low, high = max(kind.low, -(10**6)), min(kind.high, 10**6)
            near = st.integers(low, min(high, low + 12_000))
            values = st.one_of(near, st.integers(low, high)).map(
                lambda n: Decimal(n).scaleb(-kind.scale) if kind.scale else n
            )
        case "date":
            values = st.dates(date(2024, 1, 1), date(2026, 12, 31))
        case "datetime":
            values = st.integers(0, 10**8).map(lambda n: datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=n))
        case "duration":
            values = st.integers(-(10**7), 10**8).map(lambda n: timedelta(seconds=n))
        case _:
            values = st.integers(-30, 60)
    return st.one_of(st.none(), values)


def facts_of(policy: Policy) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: of_type(policy.model.facts[name]) for name in policy.model.read})


KITCHEN = Policy.parse(KITCHEN_SINK)
KITCHEN_MODEL = exported(KITCHEN)


@given(facts_of(KITCHEN))
@settings(max_examples=300, deadline=None)
def test_the_exported_file_decides_what_the_policy_decides(flat: dict[str, Any]) -> None:
    assert_same_decisions(KITCHEN, KITCHEN_MODEL, flat)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_so_do_the_shipped_policies(data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(examples()), label="policy")
    assert_same_decisions(policy, exported(policy), data.draw(facts_of(policy)))


@pytest.mark.parametrize("policy", examples(), ids=lambda policy: f"{policy.name}-{policy.version}")
def test_a_round_trip_keeps_the_meaning(policy: Policy) -> None:
    back = Policy.parse(to_markdown(exported(policy), date(2000, 1, 1)))
    assert trees(back) == trees(policy)
    assert back.model.ruling == policy.model.ruling
    assert told(back) == told(policy)


ORDERED = """---
policy: ordered
version: 1
effective: 2025-01-01
---
# Ordered choices are compared

## Ruling
| F | buyer.integrity            | application.amount | trusted | → outcome         |
|---|----------------------------|--------------------|---------|-------------------|
| 1 | not(>= "fair")             | -                  | -       | decline           |
| 2 | >= "good"                  | <= half + 1000     | true    | subsidise         |
| 3 | ["fair".."good"], null     | -                  | -       | negotiate         |
| 4 | -                          | -                  | null    | review            |
| 5 | -                          | -                  | -       | return_and_refund |

```feel
trusted = not(buyer.integrity < "good") and (buyer.label = none or abuse.score / 3 < 0.1)
half = floor(order.amount / 2)
```
"""


@pytest.mark.parametrize(
    "policy", [*shipped(), Policy.parse(ORDERED)], ids=lambda policy: f"{policy.name}-{policy.version}"
)
def test_the_difference_of_a_round_trip_is_proven_to_be_nothing(policy: Policy) -> None:
    back = Policy.parse(to_markdown(exported(policy), date(2000, 1, 1)))
    difference = policy.diff(back, reasons=True)
    assert difference.same
    assert difference.complete


def trees(policy: Policy) -> dict[str, Any]:
    """What every table and formula means, in typed trees."""
    found: dict[str, Any] = {}
    for step in policy.model.steps:
        if isinstance(step, Formula):
            found[step.name] = step.value
        else:
            rules = [(rule.tests, rule.outputs) for rule in step.rules]
            found[step.name] = (step.hit, step.inputs, step.outputs, rules)
    return found


def told(policy: Policy) -> list[Any]:
    """What DMN has no place for, and what comes back nevertheless."""
    return [
        (policy.name, policy.version, policy.effective, policy.anchor, policy.currency, policy.title),
        {code: (reason.en, reason.zh) for code, reason in policy.model.reasons.items()},
        [promise.text for promise in policy.document.promises],
        [(example.facts, example.expected) for example in policy.examples],
    ]


@given(facts_of(KITCHEN))
@settings(max_examples=200, deadline=None)
def test_the_policy_that_comes_back_decides_the_same(flat: dict[str, Any]) -> None:
    facts = given_to_policy(KITCHEN, flat)
    assert BACK.decide(facts) == KITCHEN.decide(facts)


BACK = Policy.parse(to_markdown(KITCHEN_MODEL, date(2000, 1, 1)))


# what DMN cannot say


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("upper case(parcel.note)", "upper case changes A to Z only in Evenhand"),
        ("parcel.scanned_at.hour", "in its own zone, Evenhand in UTC"),
        ("date(parcel.scanned_at)", "is taken in UTC here, and in its own zone in DMN"),
    ],
)
def test_what_dmn_says_otherwise_is_refused_with_its_place(cell: str, message: str) -> None:
    start = KITCHEN_SINK.index("```feel\n") + len("```feel\n")
    policy = Policy.parse(KITCHEN_SINK[:start] + f"refused = {cell}\n" + KITCHEN_SINK[start:], "sink.md")
    with pytest.raises(PolicyError) as caught:
        export(policy)
    line = KITCHEN_SINK[:start].count("\n") + 1
    assert f"sink.md:{line}:" in str(caught.value)
    assert message in str(caught.value)


def test_a_character_that_xml_cannot_hold_is_refused() -> None:
    policy = Policy.parse(KITCHEN_SINK.replace("# Everything", "# Every\x01thing"))
    with pytest.raises(PolicyError, match="a character that XML cannot hold"):
        export(policy)


def test_every_shape_of_the_diagram_stands_alone() -> None:
    """No two shapes overlap, and every edge ends at the shapes it joins."""
    from defusedxml.ElementTree import fromstring

    root: Any = fromstring(export(KITCHEN))
    boxes: dict[str, tuple[int, ...]] = {}
    for shape in root.iter("{https://www.omg.org/spec/DMN/20191111/DMNDI/}DMNShape"):
        bounds = shape[0].attrib
        boxes[shape.attrib["dmnElementRef"]] = tuple(int(bounds[side]) for side in ("x", "y", "width", "height"))
    assert len(boxes) == len(KITCHEN.model.steps) + 2  # the parcel, and the tier
    placed = list(boxes.values())
    for index, (x, y, width, height) in enumerate(placed):
        for other_x, other_y, other_width, other_height in placed[:index]:
            assert (
                x + width <= other_x
                or other_x + other_width <= x
                or y + height <= other_y
                or other_y + other_height <= y
            )
    edges = list(root.iter("{https://www.omg.org/spec/DMN/20191111/DMNDI/}DMNEdge"))
    assert len(edges) == sum(
        1 for _ in root.iter("{https://www.omg.org/spec/DMN/20191111/MODEL/}informationRequirement")
    )
