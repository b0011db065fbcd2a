"""The overview as a picture: figures cut into bars, with everything a chart needs to draw itself and to lead on to the cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from evenhand.markets import MarketDesk
from evenhand.money import exponent, written
from evenhand.vocabulary import OUTCOMES, word
from evenhand.web.console.causes import CauseLine, lines, series
from evenhand.web.console.figures import Bar, Figures, Step, bars, outcome_bars, per_bar
from evenhand.web.console.render import Reader, address

Chart = dict[str, Any]
# Interceptions are drawn day by day over so many days.
_MOST_DAYS: Final = 800


@dataclass(frozen=True, slots=True)
class MarketLine:
    """What happened in one market."""

    desk: MarketDesk
    applications: int
    outcomes: dict[str, int]
    asked: str
    fund_paid: int
    merchants_paid: int
    # of the largest fund in the same currency, 0 to 100
    share: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview shows."""

    applications: int
    interceptions: int
    # amounts in words, one per currency
    asked: list[str]
    fund_paid: list[str]
    merchants_paid: list[str]
    lines: list[MarketLine]
    outcomes: list[str]
    step: Step
    outcome_chart: Chart | None
    interception_chart: Chart | None
    interception_step: Step
    causes: list[CauseLine]
    # interceptions that a later decision turned over
    overturned: int


def view(
    figures: Figures,
    markets: Sequence[MarketDesk],
    changes: Sequence[tuple[date, str]],
    since: date | None,
    until: date | None,
    reader: Reader,
) -> Overview:
    """Put the figures of these markets into the reader's language; `changes` are the days new policy versions took effect."""
    only = markets[0].market.id if len(markets) == 1 else None
    step: Step = "day"
    daily: Step = "day"
    outcome_chart = interception_chart = None
    if figures.first is not None and figures.last is not None:
        first, last = since or figures.first, until or figures.last
        # years of nothing before the first case would leave no room for the rest
        step, cut = bars(max(first, figures.first), min(last, figures.last))
        outcome_chart = _outcome_chart(figures, cut, changes, only, reader)
        daily, finer = bars(cut[0].since, cut[-1].until, days=_MOST_DAYS)
        interception_chart = _interception_chart(figures, finer, only, reader)
    of_markets = _lines(figures, markets)
    seen = [outcome for outcome in OUTCOMES if figures.applications(outcome)]
    return Overview(
        figures.applications(),
        figures.applications("decline"),
        _by_currency(markets, figures.asked),
        _by_currency(markets, lambda number: figures.paid_by("subsidy", number)),
        _by_currency(markets, lambda number: figures.paid_by("merchant_refund", number)),
        of_markets,
        seen,
        step,
        outcome_chart,
        interception_chart,
        daily,
        lines(figures.intercepted, reader),
        sum(one.overturned for one in figures.intercepted),
    )


def fund_chart(figures: Figures, market: MarketDesk, reader: Reader) -> Chart | None:
    """What one market's fund paid, over time."""
    paid = [one for one in figures.paid if one.market == market.number and one.cause == "subsidy"]
    if not paid or figures.first is None:
        return None
    _, cut = bars(paid[0].day, paid[-1].day)
    sums = per_bar(cut, [("subsidy", one.day, one.amount) for one in paid])["subsidy"]
    places = exponent(market.currency)
    name = reader.t("paid by the fund", "基金支出")
    series = [{"key": "subsidise", "name": name, "values": [amount / 10**places for amount in sums]}]
    return _chart(cut, series, market.market.id, unit=market.currency, decimals=places)


def _outcome_chart(
    figures: Figures, cut: Sequence[Bar], changes: Sequence[tuple[date, str]], market: str | None, reader: Reader
) -> Chart:
    series = [
        {"key": outcome, "name": word(outcome, reader.lang), "values": values}
        for outcome, values in outcome_bars(figures, cut).items()
    ]
    effective = [
        (index, name) for day, name in changes for index, bar in enumerate(cut) if bar.since <= day <= bar.until
    ]
    # neighbours would write over one another: they take turns at two heights
    marks = [{"bar": bar, "name": name, "level": turn % 2} for turn, (bar, name) in enumerate(effective)]
    return _chart(cut, series, market, marks=marks)


def _interception_chart(figures: Figures, cut: Sequence[Bar], market: str | None, reader: Reader) -> Chart:
    chart = _chart(cut, series(figures.intercepted, cut, reader), market)
    return {**chart, "link": address("/cases", market=market, outcome="decline"), "part": "cause"}


def _chart(
    cut: Sequence[Bar],
    series: list[dict[str, Any]],
    market: str | None,
    *,
    marks: Sequence[dict[str, Any]] = (),
    unit: str = "",
    decimals: int = 0,
) -> Chart:
    return {
        "bars": [(bar.label, bar.since, bar.until) for bar in cut],
        "link": address("/cases", market=market),
        # the parameter that a part of a bar is, for the cases behind it
        "part": "outcome",
        "series": series,
        "marks": list(marks),
        "unit": unit,
        "decimals": decimals,
    }


def _lines(figures: Figures, markets: Sequence[MarketDesk]) -> list[MarketLine]:
    paid = {market.number: figures.paid_by("subsidy", market.number) for market in markets}
    largest: dict[str, int] = {}
    for market in markets:
        largest[market.currency] = max(largest.get(market.currency, 0), paid[market.number])
    return [
        MarketLine(
            market,
            figures.applications(None, market.number),
            {outcome: figures.applications(outcome, market.number) for outcome in OUTCOMES},
            written(figures.asked(market.number), market.currency),
            paid[market.number],
            figures.paid_by("merchant_refund", market.number),
            100 * paid[market.number] / largest[market.currency] if largest[market.currency] else 0,
        )
        for market in markets
    ]


def _by_currency(markets: Sequence[MarketDesk], of: Any) -> list[str]:
    sums: dict[str, int] = {}
    for market in markets:
        sums[market.currency] = sums.get(market.currency, 0) + of(market.number)
    some = {currency: amount for currency, amount in sums.items() if amount} or dict(list(sums.items())[:1])
    return [written(amount, currency) for currency, amount in some.items()]
