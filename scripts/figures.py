"""Draw docs/explanation/what-it-catches.md: scores, the regimes compared, and how abuse is found, from two databases.

    scripts/draw-figures --synthetic DEMO --olist OLIST

`DEMO` holds the synthetic marketplace (`evenhand demo --no-serve --data DEMO`), `OLIST` the import of Olist's orders
(`evenhand import olist DIR --data OLIST`); either may be the URL of a database. The plots go to docs/images, the tables between
the marks of the page.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import msgspec
import numpy as np
from matplotlib import pyplot as plt
from sklearn.metrics import precision_recall_curve, roc_curve

from evenhand.accounts.abuse.card import Costs
from evenhand.accounts.abuse.fitting import fit, scores_of
from evenhand.accounts.abuse.labelled import Labelled
from evenhand.accounts.abuse.measuring import Report, challenger, report
from evenhand.accounts.abuse.rulings import Claim, read_rulings
from evenhand.accounts.abuse.splitting import split
from evenhand.policy import Policy
from evenhand.simulation.truth import synthetic_truth
from evenhand.store import open_database
from evenhand.vocabulary import OUTCOMES

ROOT: Final = Path(__file__).parents[1]
REGIMES: Final = (
    "1688@2024-08",
    "1688@2025-03",
    "taobao@2023-12",
    "taobao@2024-08",
    "pinduoduo@2021",
    "pinduoduo@2025-01",
)
COLOURS: Final = {
    "subsidise": "#4878a8", "refund_by_merchant": "#e0a030", "negotiate": "#9fc5a8", "merchant_decides": "#c9d6df",
    "return_and_refund": "#8d9aa5", "review": "#b79ac8", "decline": "#b8433a",
}  # fmt: skip
HONEST: Final = "#6b9a78"
ABUSIVE: Final = "#b8433a"
_RULED: Final = """
    select m.id as market, m.currency, a.id, b.id as buyer, s.id as merchant, facts(a) as facts
    from application a join market m on m.no = a.market join account b on b.no = a.buyer join account s on s.no = a.merchant
    order by a.no
"""


class Ruled(NamedTuple):
    """An application with the facts it was ruled on; whether its buyer was made abusive, where that is known."""

    market: str
    currency: str
    buyer: str
    merchant: str
    facts: dict[str, dict[str, Any]]
    abusive: bool | None


async def read(place: str, *, labelled: bool) -> tuple[list[Ruled], Labelled | None]:
    """Every application of a database; of the synthetic marketplace also the labelled claims."""
    url, folder = (place, None) if "://" in place else (None, Path(place))
    async with open_database(url, folder) as store, store.pool.acquire() as connection:
        truth = await synthetic_truth(connection) if labelled else None
        if labelled and truth is None:
            raise SystemExit(f"{place} holds no synthetic marketplace: evenhand demo --no-serve")
        found = list[Ruled]()
        for row in await connection.fetch(_RULED):
            facts = msgspec.json.decode(row["facts"])
            known = truth(Claim(row["market"], row["id"], row["buyer"])) if truth else None
            found.append(
                Ruled(
                    row["market"],
                    row["currency"],
                    row["buyer"],
                    row["merchant"],
                    facts,
                    known.abusive if known else None,
                )
            )
        claims = await read_rulings(connection, None, truth, "the synthetic marketplace") if truth else None
    return found, claims


def buyers(ruled: Sequence[Ruled]) -> list[tuple[float, bool | None]]:
    """The integrity of every buyer as of the last ruling, with whether the buyer was made abusive."""
    scores = {(one.market, one.buyer): (one.facts["buyer"]["integrity_score"], one.abusive) for one in ruled}
    return [(float(score), abusive) for score, abusive in scores.values() if score is not None]


def stores(ruled: Sequence[Ruled]) -> list[tuple[float, bool | None]]:
    """The experience score of every store as of the last ruling."""
    scores = {(one.market, one.merchant): one.facts["merchant"]["experience_score"] for one in ruled}
    return [(float(score), None) for score in scores.values() if score is not None]


def draw_scores(places: dict[str, list[Ruled]], file: Path) -> dict[str, Any]:
    """Distributions of integrity and experience, one row of plots for each place; answers with their quartiles."""
    figure, axes = plt.subplots(len(places), 2, figsize=(10, 3.2 * len(places)), squeeze=False)
    said: dict[str, Any] = {}
    for (place, ruled), row in zip(places.items(), axes, strict=True):
        integrity = buyers(ruled)
        experience = stores(ruled)
        for axis, scores, bins, head in (
            (row[0], integrity, np.arange(0, 1001, 25), "integrity score of buyers who applied"),
            (row[1], experience, np.arange(0, 5.01, 0.1), "experience score of stores disputed with"),
        ):
            known = bool(scores) and scores[0][1] is not None
            parts = [([s for s, abusive in scores if abusive is kind], label, colour) for kind, label, colour in (
                (False, "honest", HONEST), (True, "abusive", ABUSIVE),
            )] if known else [([s for s, _ in scores], None, "#4878a8")]  # fmt: skip
            axis.hist(
                [part for part, _, _ in parts], bins=bins, stacked=True, log=True,
                color=[colour for _, _, colour in parts], label=[label for _, label, _ in parts] if known else None,
            )  # fmt: skip
            axis.set_title(f"{place}: {head}", fontsize=9)
            axis.set_ylabel("accounts (log)", fontsize=8)
            if known:
                axis.legend(fontsize=8)
        row[1].axvline(4.8, color="#444", linewidth=0.8, linestyle="--")
        said[place] = {"integrity": _quartiles(integrity), "experience": _quartiles(experience)}
    _save(figure, file)
    return said


def _quartiles(scores: Sequence[tuple[float, bool | None]]) -> dict[str, Any]:
    values = np.array([score for score, _ in scores])
    parts = {"all": values}
    if scores and scores[0][1] is not None:
        parts |= {
            name: np.array([score for score, abusive in scores if abusive is kind])
            for name, kind in (("honest", False), ("abusive", True))
        }
    return {
        name: [len(part), *(round(float(one), 2) for one in np.quantile(part, [0.05, 0.25, 0.5, 0.75, 0.95]))]
        for name, part in parts.items()
        if len(part)
    }


def compare(ruled: Sequence[Ruled]) -> dict[str, dict[bool, Counter[str]]]:
    """The same applications, on the same facts, by every regime: outcomes of the honest and of the abusive ones."""
    found: dict[str, dict[bool, Counter[str]]] = {}
    for name in REGIMES:
        policy = Policy.load(name)
        counts: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
        for one in ruled:
            counts[bool(one.abusive)][policy.rule(one.facts, one.currency).outcome] += 1
        found[name] = counts
    return found


def draw_regimes(found: dict[str, dict[bool, Counter[str]]], file: Path) -> None:
    """Outcomes as shares of the honest and of the abusive applications, a bar for each regime."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
    for axis, kind, head in ((axes[0], False, "claims of honest buyers"), (axes[1], True, "claims of abusive buyers")):
        for place, (_, counts) in enumerate(reversed(found.items())):
            total, left = max(1, counts[kind].total()), 0.0
            for outcome in OUTCOMES:
                share = counts[kind][outcome] / total
                axis.barh(place, share, left=left, color=COLOURS[outcome], label=None if place else outcome)
                left += share
        axis.set_yticks(range(len(found)), list(reversed(found)), fontsize=8)
        axis.set_title(f"synthetic: {head}", fontsize=9)
        axis.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncol=4, fontsize=8)
    figure.tight_layout(rect=(0, 0.14, 1, 1))
    _save(figure, file)


def detect(claims: Labelled, file: Path) -> Report:
    """Fit the scores on earlier claims and draw how they find abuse in the later ones."""
    parts = split(claims)
    card = fit(claims, parts, Costs(10.0, 1.0), 0.05, 0.05)
    trees = challenger(claims, parts)
    part = parts.held_out
    scores = {
        "documented scorecard": claims.documented[part],
        "points card": scores_of(card, claims)[part],
        "boosted trees": trees,
    }
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
    for name, values in scores.items():
        false, true, _ = roc_curve(claims.abusive[part], values)
        precision, recall, _ = precision_recall_curve(claims.abusive[part], values)
        axes[0].plot(false, true, label=name)
        axes[1].plot(recall, precision, label=name)
    for axis, (x, y), head in (
        (axes[0], ("honest claims refused", "abusive claims refused"), "ROC"),
        (axes[1], ("recall", "precision"), "precision and recall"),
    ):
        axis.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(0.5 if axis is axes[1] else -0.01, 1.01))
        axis.set_title(f"synthetic, later claims: {head}", fontsize=9)
        axis.legend(fontsize=8)
    figure.tight_layout()
    _save(figure, file)
    return report(card, claims, part, np.unique(claims.buyer[parts.fit | parts.calibrate]), {"boosted trees": trees})


def _save(figure: Any, file: Path) -> None:
    if not file.name.startswith("regimes"):
        figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def tables(scores: dict[str, Any], regimes: dict[str, dict[bool, Counter[str]]], detected: Report) -> str:
    """The figures as Markdown."""
    lines = ["**Scores**, of every account as of its last ruling:", ""]
    lines += [
        "| | accounts | 5 % below | 25 % below | median | 75 % below | 95 % below |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for place, kinds in scores.items():
        for kind, parts in kinds.items():
            for part, (count, *cuts) in parts.items():
                name = f"{place}: {kind}{'' if part == 'all' else f', {part}'}"
                lines.append(f"| {name} | {count:,} | {' | '.join(f'{cut:g}' for cut in cuts)} |")
    lines += ["", "**Regimes**, the same synthetic applications on the same facts:", ""]
    lines += [
        "| | intercepted | of them abusive | of abusive claims | of honest claims | refunded without return to abusive buyers |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, counts in regimes.items():
        caught, wronged = counts[True]["decline"], counts[False]["decline"]
        paid = counts[True]["subsidise"] + counts[True]["refund_by_merchant"]
        abusive, honest = counts[True].total(), counts[False].total()
        lines.append(
            f"| {name} | {caught + wronged:,} | {_share(caught, caught + wronged)} | {_share(caught, abusive)} |"
            f" {_share(wronged, honest)} | {_share(paid, abusive)} |"
        )
    at = detected.threshold
    lines += [
        "",
        f"**Detection**, {detected.claims:,} claims from {detected.first} to {detected.last}, {detected.abusive:,} of them"
        " abusive, none of them learned from:",
        "",
    ]
    lines += ["| score | ROC AUC | average precision | Brier |", "|---|---:|---:|---:|"]
    lines += [
        f"| {one.score} | {one.roc_auc:.4f} | {one.average_precision:.4f} | {one.brier:.4f} |"
        for one in detected.rankings
    ]
    precision = "none refused" if at.precision is None else f"precision {at.precision:.3f}"
    lines += [
        "",
        f"The points card refusing from {at.threshold:.3f} on: {at.refused:,} refused, {precision}, recall {at.recall:.3f},"
        f" {at.wronged:,} honest claims refused.",
    ]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", required=True, help="folder or URL of the synthetic marketplace's database")
    parser.add_argument("--olist", help="folder or URL of the database Olist was imported into")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "explanation" / "what-it-catches.md")
    given = parser.parse_args()
    mpl.use("svg")
    # the same data draw the same file
    mpl.rcParams.update(
        {"svg.hashsalt": "evenhand", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    )
    synthetic, claims = asyncio.run(read(given.synthetic, labelled=True))
    assert claims is not None
    places = {"synthetic": synthetic}
    if given.olist:
        places["Olist"] = asyncio.run(read(given.olist, labelled=False))[0]
    given.images.mkdir(parents=True, exist_ok=True)
    scores = draw_scores(places, given.images / "scores.svg")
    regimes = compare(synthetic)
    draw_regimes(regimes, given.images / "regimes.svg")
    detected = detect(claims, given.images / "detection.svg")
    before, _, rest = given.page.read_text("utf-8").partition("<!-- figures -->\n")
    _, _, after = rest.partition("<!-- /figures -->")
    made = tables(scores, regimes, detected)
    given.page.write_text(f"{before}<!-- figures -->\n{made}\n<!-- /figures -->{after}", "utf-8")


if __name__ == "__main__":
    main()
