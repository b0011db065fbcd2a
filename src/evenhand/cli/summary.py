"""The closing summary of a run: what came in, how it was ruled, what the fund paid."""

from collections.abc import Mapping

from rich.table import Table

from evenhand.money import written
from evenhand.vocabulary import OUTCOMES, word


def outcomes_table(title: str, columns: Mapping[str, Mapping[str, int]]) -> Table:
    """Outcomes down, one column of counts per group; outcomes that never happened are left out."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for outcome in OUTCOMES:
        counts = [column.get(outcome, 0) for column in columns.values()]
        if any(counts):
            table.add_row(word(outcome, "en"), *(f"{count:,}" if count else "-" for count in counts))
    return table


def fund_line(fund: Mapping[str, int]) -> str:
    """What the fund paid, per currency."""
    paid = ", ".join(written(amount, currency) for currency, amount in fund.items() if amount)
    return f"The fund paid {paid}." if paid else "The fund paid nothing."
