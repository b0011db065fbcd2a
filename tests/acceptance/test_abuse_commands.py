"""`evenhand abuse`: learned from a file, explained, activated, from outside. All claims are synthetic."""

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import asyncpg
import msgspec
import pytest

from evenhand.accounts.abuse.labelled import Line
from tests.unit.accounts.test_abuse_score import claims

EVENHAND = Path(sys.executable).with_name("evenhand")
FIGURES = Path(__file__).parents[2] / "scripts" / "figures.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EVENHAND, "abuse", *arguments], capture_output=True, text=True, timeout=120, check=False)


def write(path: Path, lines: list[Line]) -> Path:
    encoder = msgspec.json.Encoder(decimal_format="number")
    path.write_bytes(b"\n".join(encoder.encode(line) for line in lines))
    return path


async def a_taobao_application(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(
            "select a.id from application a join market m on m.no = a.market where m.id = 'taobao' order by a.no limit 1"
        )
    finally:
        await connection.close()


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


def test_rulings_teach_a_score_and_a_market_uses_it(tmp_path: Path, fresh_url: str) -> None:
    """The synthetic marketplace knows its abusers; a real one says who they were with `--labels`."""
    made = subprocess.run(
        [EVENHAND, "demo", "--no-serve", "--orders", "6000", "--json", "--database", fresh_url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    out = tmp_path / "model"
    trained = run("train", "--database", fresh_url, "--out", str(out))
    assert trained.returncode == 0, trained.stderr
    assert "claims of the synthetic marketplace from" in trained.stdout
    version = json.loads((out / "report.json").read_bytes())["model"]
    used = run("activate", str(out), "--market", "taobao", "--by", "ana", "--database", fresh_url)
    assert used.returncode == 0, used.stderr
    assert f"{version} scores the applications of market taobao" in used.stdout
    assert f"{version}: used by taobao; stored by ana" in run("list", "--database", fresh_url).stdout
    assert run("deactivate", "--market", "taobao", "--database", fresh_url).returncode == 0
    assert f"{version}: not used" in run("list", "--database", fresh_url).stdout

    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    figures = [sys.executable, FIGURES, "--synthetic", fresh_url, "--images", str(tmp_path), "--page", str(page)]
    drawn = subprocess.run(figures, capture_output=True, text=True, timeout=120, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert {file.name for file in tmp_path.glob("*.svg")} == {"scores.svg", "regimes.svg", "detection.svg"}
    text = page.read_text()
    assert (text.startswith("before\n"), text.endswith("after\n"), "old" in text) == (True, True, False)
    # before its reform Taobao refused nobody; since then mostly those who were made abusive
    rows = {line.split(" | ")[0]: line.split(" | ")[1:] for line in text.splitlines()}
    assert rows["| taobao@2023-12"][0] == "0"
    assert float(rows["| taobao@2024-08"][1].removesuffix(" %")) > 90
    card = next(one["roc_auc"] for one in json.loads((out / "report.json").read_bytes())["rankings"])
    assert f"| points card | {card:.4f} |" in text

    labels = tmp_path / "labels.ndjson"
    ruled = asyncio.run(a_taobao_application(fresh_url))
    labels.write_text(json.dumps({"market": "taobao", "application": ruled, "abusive": True}) + "\n")
    few = run("train", "--database", fresh_url, "--labels", str(labels), "--out", str(out))
    assert few.returncode == 2
    assert "--history, --labels: " in few.stderr
    assert "left out" not in few.stderr
    with labels.open("a") as file:
        file.writelines(
            json.dumps({"market": "taobao", "application": f"typo-{n}", "abusive": True}) + "\n" for n in range(12)
        )
    some = run("train", "--database", fresh_url, "--labels", str(labels), "--out", str(out))
    assert "Labels left out, 12 of 13, as no such application was ruled here: taobao/typo-0, " in some.stderr
    assert "taobao/typo-9 and 2 more" in some.stderr
    none = run("train", "--database", fresh_url, "--labels", str(labels), "--market", "1688", "--out", str(out))
    assert none.returncode == 2
    assert f"--labels: no label names an application that was ruled in market 1688: taobao/{ruled}" in none.stderr
    labels.write_text('{"market": "taobao", "application": "a"}\n')
    wrong = run("train", "--database", fresh_url, "--labels", str(labels), "--out", str(out))
    assert (wrong.returncode, "line 1: a label is" in wrong.stderr) == (2, True)


def test_a_card_that_knows_nothing_rules_only_where_somebody_insists(tmp_path: Path, fresh_url: str) -> None:
    lines, draw = claims(800), random.Random(7)
    for line in lines:
        line.abusive = draw.random() < 0.3
    history, out = write(tmp_path / "claims.ndjson", lines), tmp_path / "model"
    trained = run("train", "--history", str(history), "--out", str(out), "--capacity", "0.01")
    assert trained.returncode == 0, trained.stderr
    assert "no better than chance: ROC AUC 0." in trained.stdout
    assert "The capacity was not kept: " in trained.stdout
    assert subprocess.run(
        [EVENHAND, "demo", "--no-serve", "--orders", "20", "--json", "--database", fresh_url],
        capture_output=True,
        timeout=120,
        check=True,
    )
    use = ("activate", str(out), "--market", "taobao", "--database", fresh_url)
    refused = run(*use)
    assert (refused.returncode, "say --yes" in refused.stderr) == (2, True)
    assert "No learned score is stored" in run("list", "--database", fresh_url).stdout
    insisted = run(*use, "--yes")
    assert insisted.returncode == 0, insisted.stderr
    version = json.loads((out / "report.json").read_bytes())["model"]
    # nor by its version, whose report is kept with it
    again = run("activate", version, "--market", "1688", "--database", fresh_url)
    assert (again.returncode, "no better than chance" in again.stderr) == (2, True)
    (out / "report.json").unlink()
    unmeasured = run(*use)
    assert (unmeasured.returncode, "no report says how it does" in unmeasured.stderr) == (2, True)


def test_rulings_alone_teach_nothing(tmp_path: Path, fresh_url: str) -> None:
    answer = run("train", "--database", fresh_url, "--out", str(tmp_path / "model"))
    assert answer.returncode == 2
    assert "--labels: say which applications were abusive" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--history", "missing.ndjson", "--out", "x"], "--history: there is no file missing.ndjson"),
        (["train", "--history", "few.ndjson", "--out", "x"], "--history, --labels: the part to fit on"),
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
