"""Check: every kind of finding, at its place and with an application that shows it; and nothing where nothing is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from evenhand.bench.tables import document
from evenhand.policy import Policy, PolicyError, shipped
from evenhand.policy.proof.report import Finding
from tests.unit.policy.proof.documents import policy, ruling

SCORECARDS = sorted((Path(__file__).parents[4] / "src/evenhand/accounts/scorecards").glob("*.md"))


def findings(made: Policy, kind: str) -> list[Finding]:
    return [finding for finding in made.check().findings if finding.kind == kind]


def only(made: Policy, kind: str) -> Finding:
    (finding,) = findings(made, kind)
    return finding


def line(made: Policy, finding: Finding) -> str:
    assert finding.place == f"mine.md:{finding.line}"
    return made.source.split("\n")[finding.line - 1]


@pytest.mark.parametrize("made", shipped(), ids=lambda made: f"{made.name}@{made.version}")
def test_shipped_policies_have_nothing_wrong_and_keep_their_promises(made: Policy) -> None:
    report = made.check()
    assert report.findings == ()
    assert len(report.promises) == len(made.document.promises) > 0
    assert {kept.status for kept in report.promises} == {"proven"}
    assert {kept.provers for kept in report.promises} == {("grid", "z3")}
    assert report.examples >= 12


@pytest.mark.parametrize("path", SCORECARDS, ids=lambda path: path.stem)
def test_scorecards_have_nothing_wrong_and_keep_their_promises(path: Path) -> None:
    report = Policy.load(path).check()
    assert report.findings == ()
    assert {kept.status for kept in report.promises} == {"proven"}


def test_a_gap_is_shown_and_falls_to_a_person() -> None:
    made = ruling('"received" | "good" | - | subsidise\nnot("received") | - | - | merchant_decides')
    found = only(made, "gap")
    assert found.severity == "error"
    assert 'application.stage = "received" and buyer.integrity != "good"' in found.message
    assert line(made, found).startswith("| F |")
    assert found.example is not None
    answer = made.rule(found.example)
    assert (answer.outcome, answer.rule) == ("review", "Ruling/0")


def test_a_gap_of_a_table_that_decides_no_outcome_is_a_warning() -> None:
    made = policy("""
## Grade
| U | application.amount | → grade: "high", "low" |
|---|--------------------|------------------------|
| 1 | < 100              | "low"                  |
| 2 | > 100              | "high"                 |
## Ruling
| F | grade  | → outcome |
|---|--------|-----------|
| 1 | "high" | decline   |
| 2 | -      | negotiate |
""")
    (found,) = made.check().findings
    assert (found.kind, found.severity) == ("gap", "warning")
    assert "application.amount in (100, null), so grade is null" in found.message
    assert found.example == {"application": {"amount": 100}}


def test_a_gap_that_no_application_reaches_is_none() -> None:
    """The first table never gives null, so the second need not cover it."""
    made = policy("""
## Flag
| F | application.reason | → flag |
|---|--------------------|--------|
| 1 | "quality"          | true   |
| 2 | -                  | false  |
## Ruling
| U | flag  | → outcome |
|---|-------|-----------|
| 1 | true  | negotiate |
| 2 | false | decline   |
""")
    assert made.check().findings == ()


@pytest.mark.parametrize(("hit", "count"), [("U", 2), ("A", 1)])
def test_rows_that_contradict_each_other(hit: str, count: int) -> None:
    made = policy(f"""
## Ruling
| {hit} | application.amount | → outcome |
|---|--------------------|-----------|
| 1 | < 100              | negotiate |
| 2 | [50..200]          | negotiate |
| 3 | >= 200, null       | decline   |
""")
    found = findings(made, "overlap")
    assert len(found) == count
    assert "rows 2 and 3 both match application.amount = 200" in found[-1].message
    example = {"application": {"amount": 200}}
    assert found[-1].example == example
    assert made.rule(example).rule == "Ruling/0"


def test_a_row_that_no_application_meets() -> None:
    made = ruling("- | - | > 5.00 | decline\n- | - | - | negotiate")
    found = only(made, "dead row")
    assert line(made, found) == "| 1 | - | - | > 5.00 | decline |"


def test_a_row_that_reads_what_never_comes() -> None:
    made = policy("""
## Grade
| F | application.amount | → grade: "high", "mid", "low" |
|---|--------------------|------------------------|
| 1 | < 100              | "low"                  |
| 2 | -                  | "high"                 |
## Ruling
| F | grade  | → outcome |
|---|--------|-----------|
| 1 | "mid"  | decline   |
| 2 | -      | negotiate |
""")
    assert line(made, only(made, "dead row")) == '| 1 | "mid"  | decline   |'


def test_a_row_hidden_by_one_and_a_row_hidden_by_two() -> None:
    made = ruling("""
    -          | "good"                         | -       | decline
    "received" | "good"                         | >= 4.00 | negotiate
    -          | "poor", "fair"                 | -       | review
    -          | "fair", "good"                 | < 3.00  | negotiate
    -          | -                              | -       | merchant_decides
    """)
    first, second = findings(made, "hidden row")
    assert "row 2 never decides anything: row 1 takes all it matches" in first.message
    assert "row 4 never decides anything: rows 1 and 3 take all it matches" in second.message
    assert first.example is not None
    assert made.rule(first.example).rule == "Ruling/1"


def test_rows_of_a_priority_table_hide_each_other_by_priority() -> None:
    made = policy("""
## Ruling
| P | application.amount | → outcome: "decline", "negotiate" |
|---|--------------------|-----------------------------------|
| 1 | > 100              | "negotiate"                       |
| 2 | > 50               | "decline"                         |
| 3 | -                  | "negotiate"                       |
""")
    assert "row 1 never decides anything: row 2 takes all" in only(made, "hidden row").message


def test_what_nothing_reads() -> None:
    made = policy("""
## Facts
| fact      | type    | values |
|-----------|---------|--------|
| shop.idle | boolean | -      |
## Idle
| F | application.amount | → idle |
|---|--------------------|--------|
| 1 | -                  | 1      |
## Ruling
| F | application.amount | → outcome | → extra | → because |
|---|--------------------|-----------|---------|-----------|
| 1 | -                  | decline   | 1       | one       |
## Reasons
| code | en   | zh |
|------|------|----|
| one  | One. | 一。 |
| two  | Two. | 二。 |
""")
    report = made.check()
    assert report.good
    told = {(finding.kind, finding.severity): line(made, finding) for finding in report.findings}
    assert set(told) == {
        ("unused fact", "warning"),
        ("unused table", "warning"),
        ("unused output", "warning"),
        ("unused reason", "warning"),
    }
    assert told["unused reason", "warning"].startswith("| two")
    assert told["unused fact", "warning"].startswith("| shop.idle")


def test_what_is_never_anything_but_null() -> None:
    made = policy("""
## Shares
```feel
share = application.amount / 0
rest = share + 1
other = application.amount / (order.amount - order.amount)
fine = application.amount / order.amount
```

## Score
| F | application.amount | → points | → left |
|---|--------------------|----------|--------|
| 1 | > 100              | rest     | 1      |
| 2 | -                  | other    | null   |
""")
    report = made.check()
    assert report.good
    assert [finding.message for finding in report.findings if finding.kind == "always null"] == [
        "share = application.amount / 0 is always null",
        "rest = share + 1 is always null",
        "other = application.amount / (order.amount - order.amount) is always null",
        "Score: points is always null",
    ]


def test_an_output_outside_its_range() -> None:
    made = policy("""
## Score
```feel
buyer.integrity_score = 2 * application.evidence_count
```
""")
    found = only(made, "out of range")
    assert found.example == {"application": {"evidence_count": 501}}
    assert "buyer.integrity_score can be 1002, outside 0 to 1000" in found.message


def test_an_example_that_gets_something_else() -> None:
    made = ruling(
        "- | - | >= 4.80 | negotiate\n- | - | - | decline",
        """
## Examples
| # | merchant.experience_score | → outcome | → respond_within_hours |
|---|---------------------------|-----------|------------------------|
| 1 | 4.80                      | negotiate | -                      |
| 2 | 4.79                      | negotiate | null                   |
""",
    )
    found = only(made, "example")
    assert line(made, found).startswith("| 2 |")
    assert "expects outcome negotiate, but gets decline (by Ruling/2)" in found.message


def test_a_broken_promise_is_an_error_that_anybody_can_repeat() -> None:
    made = ruling("- | - | < 2.00 | decline\n- | - | - | negotiate", "## Promises\n- never `outcome = decline`\n")
    report = made.check()
    (found,) = report.errors
    assert not report.good
    assert found.kind == "promise"
    assert "merchant.experience_score = 1.99" in found.message
    assert "gets decline, payer none, amount 0 by Ruling/1" in found.message
    assert found.example is not None
    assert made.rule(found.example).outcome == "decline"
    assert [kept.status for kept in report.promises] == ["refuted"]


def test_every_pair_of_rows_that_breaks_an_order_is_named() -> None:
    made = policy("""
## Ruling
| U | application.evidence_count | buyer.integrity           | → outcome |
|---|----------------------------|---------------------------|-----------|
| 1 | [0..2]                     | "poor", "fair", null      | negotiate |
| 2 | [3..5]                     | -                         | decline   |
| 3 | > 5, null                  | -                         | subsidise |
| 4 | [0..2]                     | "good", "excellent"       | review    |
## Promises
- as `application.evidence_count` rises, the buyer is never worse off
""")
    (found,) = made.check().errors
    assert found.message.endswith("pairs of rows that break it: 1 and 2, 4 and 2")


def test_a_promise_that_cannot_be_read_is_an_error_of_the_document() -> None:
    made = ruling("- | - | - | decline", "## Promises\n- never `outcome = declin`\n")
    with pytest.raises(PolicyError, match=r"mine\.md:.*did you mean decline\?"):
        made.check()


def test_a_check_without_time_names_what_is_undecided() -> None:
    made = Policy.parse(document(200, seed=1))
    report = made.check(seconds=0)
    assert not report.good
    undecided = [kept.text for kept in report.promises if kept.status == "undecided"]
    assert undecided
    named = [finding.message for finding in report.errors if "this promise is undecided" in finding.message]
    assert len(named) == len(undecided)
    assert all(any(text in message for message in named) for text in undecided)
    assert all("time limit" in message for message in named)


def test_what_z3_cannot_know_of_strings_is_never_proven_wrongly() -> None:
    made = policy("""
## Ruling
| F | contains(order.category, "fresh") | → outcome |
|---|-----------------------------------|-----------|
| 1 | true                              | decline   |
| 2 | -                                 | negotiate |
## Promises
- never `outcome = decline`
- when `order.category = "fresh"` then `outcome = decline`
- when `order.category = "toys"` then `outcome = negotiate`
- when `starts with(order.category, "fresh")` then `outcome = decline`
""")
    statuses = [kept.status for kept in made.check().promises]
    assert statuses == ["refuted", "proven", "proven", "undecided"]


def test_a_generated_document_of_two_hundred_rows_is_proven() -> None:
    report = Policy.parse(document(200, seed=5)).check(seconds=120)
    assert report.findings == ()
    assert [kept.status for kept in report.promises] == ["proven"] * 10
    assert [kept.provers for kept in report.promises].count(("boxes", "z3")) == 7


def test_progress_counts_to_the_end() -> None:
    steps: list[tuple[int, int]] = []
    made = Policy.load("1688")
    made.check(progress=lambda done, total: steps.append((done, total)))
    assert steps == [(number, len(steps)) for number in range(1, len(steps) + 1)]


def test_ruling_does_not_load_the_provers() -> None:
    code = (
        "import sys; from evenhand.policy import Policy; import evenhand.desk; "
        "Policy.load('1688').rule({'application': {'amount': 1}}); "
        "sys.exit(any(name in sys.modules for name in ('z3', 'evenhand.policy.proof.check')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
