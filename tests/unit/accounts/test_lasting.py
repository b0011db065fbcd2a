"""Every label a labelling document gives can be set: it lasts 1 to 366 days, and names its cause. Proven before it is used."""

from pathlib import Path

import pytest
import typer

from evenhand.accounts.labelling import STANDARD, checked
from evenhand.accounts.labelling.lasting import unfit
from evenhand.cli.checking import run_check
from evenhand.errors import BadInput
from evenhand.policy import Policy

WARNING = '"warning"                                          | 180    | "interceptions"'


def changed(to: str) -> Policy:
    """The package's document, promises and examples left out, with another row 6."""
    source = STANDARD.source.split("## Promises")[0]
    assert source.count(WARNING) == 1
    return Policy.parse(source.replace(WARNING, to), "ours.md")


def test_the_package_labels_nobody_for_too_long() -> None:
    assert list(unfit(STANDARD)) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('"warning" | 400 | "interceptions"', "a label lasts from 1 to 366 days; .* gets label warning with days 400"),
        ('"warning" | 0 | "interceptions"', "gets label warning with days 0"),
        ('"warning" | null | "interceptions"', "gets label warning with days null"),
        ('"warning" | history.buyer_declined_90d * 100 | "interceptions"', "gets label warning with days"),
        ('"warning" | 180 | null', "a label names its cause; .* gets label warning with cause null"),
    ],
)
def test_a_document_that_gives_a_label_nobody_can_set_is_refused_with_an_account_that_shows_it(
    row: str, says: str
) -> None:
    with pytest.raises(BadInput, match=f"ours.md:38: .*{says}"):
        checked(changed(row))


@pytest.mark.parametrize("days", ["1", "366", "min(366, 30 * history.buyer_declined_90d)"])
def test_any_length_a_label_may_have_is_taken(days: str) -> None:
    assert checked(changed(f'"warning" | {days} | "interceptions"'))


def test_days_that_are_no_number_are_refused() -> None:
    source = STANDARD.source.split("## Promises")[0]
    for days in ("180 ", "90  ", "0   "):
        source = source.replace(f"| {days}   |", '| "long" |')
    with pytest.raises(BadInput, match="and days cannot"):
        checked(Policy.parse(source, "ours.md"))


def test_policy_check_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "ours.md"
    document.write_text(changed('"warning" | 400 | "interceptions"').source, "utf-8")
    with pytest.raises(typer.Exit) as left:
        run_check([str(document)], 30.0, as_json=False)
    assert left.value.exit_code == 1
    assert "a label lasts from 1 to 366 days" in capsys.readouterr().out
