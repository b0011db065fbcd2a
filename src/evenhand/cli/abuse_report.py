"""How a learned score did, for people."""

from rich.table import Table

from evenhand.accounts.abuse.measuring import Doubt, Report
from evenhand.cli.options import answer


def print_report(said: Report) -> None:
    answer.print(
        f"{said.model}, measured on {said.claims:,} claims of {said.source} from {said.first} to {said.last}, "
        f"{said.abusive:,} of them abusive; none was learned from.",
        markup=False,
        soft_wrap=True,
    )
    answer.print()
    table = _table("Telling abusive from honest claims", "", "ROC AUC", "average precision", "Brier")
    for one in said.rankings:
        table.add_row(one.score, f"{one.roc_auc:.4f}", f"{one.average_precision:.4f}", f"{one.brier:.4f}")
    table.add_row("saying their share of all", "0.5000", "", f"{said.brier_of_share:.4f}")
    answer.print(table)
    answer.print()
    table = _table("Calibration of the points card", "probability", "claims", "said", "were abusive")
    for one in said.reliability:
        table.add_row(f"{one.low:g} to {one.high:g}", f"{one.claims:,}", f"{one.said:.3f}", f"{one.found:.3f}")
    answer.print(table)
    answer.print()
    cut, set_ = said.threshold, said.conformal
    precision = "none refused" if cut.precision is None else f"{cut.precision:.1%} of them abusive"
    answer.print(
        f"Refusing from {cut.threshold:.3f} on (a wronged buyer costs {cut.costs.wronged:g}, a robbed merchant "
        f"{cut.costs.robbed:g}): {cut.refused:,} refused, {precision}; {cut.recall:.1%} of the abusive claims refused, "
        f"{cut.wronged:,} honest buyers wronged. "
        f"Cost per 1,000 claims {cut.cost:.1f}; {cut.cost_of_paying_all:.1f} when all are paid; {cut.least_cost:.1f} at best.",
        markup=False,
        soft_wrap=True,
    )
    answer.print(
        f"Uncertain, for a person: {set_.uncertain:.1%}. Sure and wrong: {set_.missed_abusive:.1%} of the abusive and "
        f"{set_.missed_honest:.1%} of the honest claims, where {set_.miscoverage:.1%} of each was allowed.",
        markup=False,
        soft_wrap=True,
    )
    answer.print()
    table = _table("By group", "", "claims", "ROC AUC", "said", "were", "wronged", "unsure")
    for one in said.groups:
        table.add_row(
            one.group, f"{one.claims:,}", _known(one.roc_auc, ".4f"), f"{one.said:.3f}", f"{one.found:.3f}",
            _known(one.honest_refused, ".2%"), f"{one.uncertain:.1%}",
        )  # fmt: skip
    answer.print(table)
    answer.print()
    print_doubts(said)


def print_doubts(said: Report | None) -> None:
    """What speaks against using a card; nothing where there is nothing."""
    if said is None:
        return
    for one in said.doubts:
        answer.print(doubt(said, one), markup=False, soft_wrap=True, style="bold yellow")


def doubt(said: Report, one: Doubt) -> str:
    """What speaks against using a card, in words."""
    if one == "no_better_than_chance":
        return (
            f"{said.model} tells abusive from honest claims no better than chance: ROC AUC {said.roc_auc:.4f} on "
            f"{said.claims:,} held-out claims, {said.abusive:,} of them abusive. Look whether the labels are right."
        )
    set_ = said.conformal
    return (
        f"The capacity was not kept: {set_.uncertain:.1%} of the held-out claims are uncertain, where --capacity lets "
        f"{set_.capacity:.1%} be. Persons get as many a day as `evenhand market capacity` says; the rest is ruled as the policy "
        "is written."
    )


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _known(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
