"""A card as a scorecard document: what people read, and what a policy engine can check and prove."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from evenhand.accounts.abuse.card import Card, ChoicePoints, NumberPoints
from evenhand.vocabulary import FACTS

_SAYS: Final = {"up": "never lowers", "down": "never raises", "either": "moves in one direction only"}


def document(card: Card) -> str:
    """The card in the policy language. Its `abuse_points`, `abuse.score` and `abuse.uncertain` are those of the card."""
    trained, costs = card.trained, card.costs
    facts = [part.fact for part in card.parts]
    threshold = Decimal(costs.threshold).scaleb(-3)
    share = trained.abusive / trained.applications
    return "\n".join(
        [
            "---",
            "policy: abuse-card",
            f"version: {card.version}",
            f"effective: {trained.last}",
            "---",
            "# Abuse score, learned",
            "",
            f"Learned from {trained.source}: {trained.applications:,} labelled applications of {trained.first} to "
            f"{trained.last}, {trained.abusive:,} of them abusive ({share:.1%}). Points are added up; every 20 double the "
            "odds. What is not known gives no points.",
            "",
            f"Refusing an honest buyer is held to cost {costs.wronged:g}, paying an abusive claim {costs.robbed:g}: refusing "
            f"is the cheaper mistake from a probability of {threshold} on. Claims marked uncertain should go to a person.",
            "",
            "## 中文摘要",
            f"本评分卡由{trained.first}至{trained.last}的{trained.applications:,}件已标注申请训练得出，其中{trained.abusive:,}件属于滥用。"
            f"各项得分相加，每20分使发生比翻一倍；未知的数据不计分。误拒诚实买家的代价定为{costs.wronged:g}，"
            f"误付滥用申请的代价定为{costs.robbed:g}，故概率达到{threshold}时拒绝的代价更小。标为不确定的申请应交由人工判断。",
            "",
            "## Points",
            *_table("C+", facts, "abuse_points", _point_rows(card, len(facts))),
            "",
            "## Probability",
            *_table("U", ["abuse_points"], "abuse.score", _probability_rows(card)),
            "",
            "## Uncertainty",
            *_table("U", ["abuse_points"], "abuse.uncertain", _uncertain_rows(card)),
            "",
            "## Directions",
            *_directions(card),
            "",
        ]
    )


def bands(cuts: Sequence[Decimal | int]) -> list[str]:
    """The tests of the bands between cuts."""
    if not cuts:
        return ["-"]
    between = [f"[{low}..{high})" for low, high in pairwise(cuts)]
    return [f"< {cuts[0]}", *between, f">= {cuts[-1]}"]


def _point_rows(card: Card, width: int) -> Iterator[list[str]]:
    yield ["-"] * width + ["0"]
    for place, part in enumerate(card.parts):
        for test, points in _tests(part):
            if points:
                yield ["-"] * place + [test] + ["-"] * (width - place - 1) + [str(points)]


def _tests(part: NumberPoints | ChoicePoints) -> Iterator[tuple[str, int]]:
    if isinstance(part, NumberPoints):
        yield from zip(bands(part.cuts), part.points, strict=True)
        return
    quoted = FACTS[part.fact].kind != "boolean"
    for points in sorted(set(part.points.values()), reverse=True):
        values = [value for value, one in part.points.items() if one == points]
        yield ", ".join(f'"{value}"' if quoted else value for value in values), points


def _probability_rows(card: Card) -> Iterator[list[str]]:
    for test, probability in zip(bands(card.steps), card.probabilities, strict=True):
        yield [test, str(Decimal(probability).scaleb(-3))]


def _uncertain_rows(card: Card) -> Iterator[list[str]]:
    first, last = card.uncertain.first, card.uncertain.last
    if last < first:
        yield ["-", "false"]
        return
    yield from ([f"< {first}", "false"], [f"[{first}..{last}]", "true"], [f"> {last}", "false"])


def _directions(card: Card) -> Iterator[str]:
    """What holds by the shape of the tables, and is checked whenever a card is read."""
    for part in card.numbers:
        yield f"- more of `{part.fact}` {_SAYS[part.direction]} the score"


def _table(hit: str, inputs: Sequence[str], output: str, rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {hit} | {' | '.join(inputs)} | → {output} |"
    yield "|" + "---|" * (len(inputs) + 2)
    for number, row in enumerate(rows, 1):
        yield f"| {number} | {' | '.join(row)} |"
