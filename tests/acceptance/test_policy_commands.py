"""`evenhand policy check | diff | recourse | exploits` from outside: exit codes, JSON, and one clear line for bad input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evenhand.accounts.scores import INTEGRITY

EVENHAND = Path(sys.executable).with_name("evenhand")
DOCUMENT = """---
policy: mine
version: 1
effective: 2025-01-01
---
# Mine
## Ruling
| F | application.amount | → outcome |
|---|--------------------|-----------|
| 1 | > 100              | decline   |
| 2 | -                  | negotiate |
## Promises
- never `{}`
"""


def run(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [EVENHAND, "policy", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "mine.md"
    path.write_text(DOCUMENT.format("outcome = decline"), encoding="utf-8")
    return path


def test_check_answers_for_every_policy_and_with_json(document: Path) -> None:
    good = run("check", "1688", "taobao@2023-12", "--json")
    assert good.returncode == 0
    assert answer(good)["good"] is True
    assert [report["policy"] for report in answer(good)["reports"]] == ["1688", "taobao"]
    bad = run("check", "1688", str(document), "--json")
    assert bad.returncode == 1
    (finding,) = answer(bad)["reports"][1]["findings"]
    assert (finding["kind"], finding["line"], finding["example"]) == ("promise", 13, {"application": {"amount": 8000}})


def test_check_reports_on_what_can_be_read_beside_what_cannot(document: Path) -> None:
    document.write_text("no policy at all", encoding="utf-8")
    told = run("check", "1688", str(document))
    assert told.returncode == 2
    assert told.stdout.startswith("1688 ")
    assert f"evenhand: {document}:" in told.stderr
    both = run("check", str(document), "1688", "--json")
    assert (both.returncode, answer(both)["good"]) == (2, False)
    assert [report["policy"] for report in answer(both)["reports"]] == ["1688"]
    assert [one["policy"] for one in answer(both)["unread"]] == [str(document)]


def test_diff_of_the_same_is_zero_and_of_others_one(document: Path) -> None:
    same = run("diff", "1688", "1688@2025-03", "--json")
    assert (same.returncode, answer(same)["same"], answer(same)["changes"]) == (0, True, [])
    other = run("diff", "1688", str(document), "--json")
    assert (other.returncode, answer(other)["same"], answer(other)["complete"]) == (1, False, True)


def test_diff_of_scorecards_is_zero_for_the_same_and_one_for_others(tmp_path: Path) -> None:
    same = run("diff", "integrity", "integrity", "--json")
    assert (same.returncode, answer(same)["same"], answer(same)["changes"]) == (0, True, [])
    harder = tmp_path / "harder.md"
    harder.write_text(INTEGRITY.source.replace("| -40      |", "| -70 |"), encoding="utf-8")
    told = run("diff", "integrity", str(harder))
    assert told.returncode == 1
    assert "1. buyer.integrity_score falls by 30\n   refund_only_share: [0.15..0.25)\n" in told.stdout
    refused = run("diff", "integrity", "1688")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


def test_recourse_reads_facts_from_a_pipe() -> None:
    facts = '{"application": {"remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 8000}}'
    found = run("recourse", "1688", "-", "--json", given=facts)
    assert found.returncode == 0
    assert answer(found)["ways"][0]["steps"][0]["needed"] == "good"
    none = run("recourse", "1688", "-", "--changeable", "application.amount", given=facts)
    assert none.returncode == 1
    assert "此人可改变的事实均不会带来更有利的裁决" in none.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "nowhere.md"), "policy: there is no policy or file 'nowhere.md'"),
        (("check", "1688@1999"), "policy 1688 has no version '1999'"),
        (("diff", "1688", "1688@2021", "--history", "nowhere.ndjson"), "--history: cannot read nowhere.ndjson"),
        (("diff", "integrity", "abuse", "--history", "-"), "--history: counts rulings"),
        (("recourse", "1688", "nowhere.json"), "FACTS: cannot read nowhere.json"),
        (("recourse", "1688", "-"), "FACTS: expected one JSON object of facts"),
        (("exploits", "1688", "--share", "many"), "--share: expected a share like 1% or 0.01"),
        (("exploits", "1688", "--average=-5"), "--average: must be zero or more"),
        (("exploits", "1688", "--average", "1.234"), "--average: '1.234' has more decimals than CNY has"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments, given="[1]")
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_promise_that_cannot_be_read_names_its_place(document: Path) -> None:
    document.write_text(DOCUMENT.format("outcome = declin"), encoding="utf-8")
    done = run("check", str(document))
    assert done.returncode == 2
    assert f"{document}:13:20: declin is not" in done.stderr
    assert "did you mean decline?" in done.stderr
