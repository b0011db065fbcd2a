"""`evenhand abuse`: learned from a file, explained, activated, from outside. All claims are synthetic."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from evenhand.accounts.abuse.labelled import Line
from tests.unit.accounts.test_abuse_score import claims

EVENHAND = Path(sys.executable).with_name("evenhand")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EVENHAND, "abuse", *arguments], capture_output=True, text=True, timeout=120, check=False)


def write(path: Path, lines: list[Line]) -> Path:
    encoder = msgspec.json.Encoder(decimal_format="number")
    path.write_bytes(b"\n".join(encoder.encode(line) for line in lines))
    return path


def test_a_score_is_learned_explained_and_put_to_use(tmp_path: Path, fresh_url: str) -> None:
    history, out = write(tmp_path / "claims.ndjson", claims(1500)), tmp_path / "model"
    trained = run("train", "--history", str(history), "--out", str(out), "--json")
    assert trained.returncode == 0, trained.stderr
    said = json.loads(trained.stdout)
    assert [one["score"] for one in said["rankings"]][:2] == ["points card", "documented scorecard"]
    assert (out / "card.md").read_text("utf-8").startswith("---\npolicy: abuse-card\n")
    evaluated = run("evaluate", str(out), "--history", str(history), "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["reliability"] == said["reliability"]

    facts = tmp_path / "facts.json"
    facts.write_text('{"history": {"buyer_refund_only_365d": 20, "buyer_orders_365d": 30}}')
    explained = run("explain", str(out), str(facts))
    assert explained.returncode == 0, explained.stderr
    assert said["model"] in explained.stdout
    assert "365天内" in explained.stdout

    refused = run("activate", str(out), "--market", "nowhere", "--database", fresh_url)
    assert (refused.returncode, "there is no market 'nowhere'" in refused.stderr) == (2, True)
    listed = run("list", "--database", fresh_url)
    assert "No learned score is stored" in listed.stdout  # nothing half-done is left behind


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--history", "missing.ndjson", "--out", "x"], "--history: there is no file missing.ndjson"),
        (["train", "--history", "few.ndjson", "--out", "x"], "--history: the part to fit on"),
        (
            ["train", "--history", "few.ndjson", "--out", "x", "--wronged", "-1"],
            "--wronged: a cost is a number above zero",
        ),
        (["train", "--history", "few.ndjson", "--out", "x", "--held-out", "soon"], "--held-out: 'soon' is not a date"),
        (["train", "--history", "few.ndjson", "--out", "x", "--labels", "l"], "--labels: belongs to the rulings"),
        (["evaluate", "nothing", "--history", "few.ndjson"], "DIR: cannot read nothing/card.json"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "few.ndjson", claims(50))
    answer = run(*arguments)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()
