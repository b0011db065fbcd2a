"""`evenhand merchant rules set | list | end`."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import typer

from evenhand.accounts.rule_book import end_rule, rules_of, set_rules
from evenhand.cli.lines import numbered, opened
from evenhand.cli.options import answer, chatter, listing, print_listing, progress
from evenhand.desk import utc_now
from evenhand.errors import BadInput, EvenhandError
from evenhand.money import written
from evenhand.records import MerchantRule, decode
from evenhand.store import Queries, open_database
from evenhand.vocabulary import word

_publishing: Final = Queries.load("publishing")
# Lines written in one transaction, bytes a line may hold, and problems that are told one by one.
_TOGETHER: Final = 1_000
_LONGEST: Final = 1_000_000
_TOLD: Final = 20


def run_set(source: str, market: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    """Set the rules of an NDJSON file; a line that cannot be taken is told and does not touch the others (exit code 2)."""
    with ExitStack() as stack:
        reader = opened(source, stack, "FILE")
        done, known, refused = asyncio.run(_set(reader, market, data, database))
    if as_json:
        print(msgspec.json.encode({"set": done, "known": known, "refused": len(refused)}).decode())  # noqa: T201
    else:
        answer.print(f"{done:,} rules set in market {market}, {known:,} known before.", markup=False, soft_wrap=True)
    refused.sort(key=lambda problem: problem.line or 0)
    for problem in refused[:_TOLD]:
        chatter.print(f"evenhand: {problem}", markup=False, soft_wrap=True)
    if len(refused) > _TOLD:
        chatter.print(f"evenhand: {len(refused) - _TOLD:,} more lines were refused", markup=False)
    if refused:
        raise typer.Exit(2)


def show(market: str, merchant: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def read() -> tuple[list[MerchantRule], str]:
        async with open_database(database, data) as store, store.pool.acquire() as connection:
            rules = await rules_of(connection, market, merchant)
            return rules, await connection.fetchval(_publishing.currency, market)

    rules, currency = asyncio.run(read())
    if as_json:
        print(msgspec.json.encode({"merchant": merchant, "rules": rules}).decode())  # noqa: T201
        return
    if not rules:
        answer.print(f"Merchant {merchant} has set no rules in market {market}.", markup=False)
        return
    table = listing(
        ("rule", "decision", "price", "categories", "reasons", "stages", "days", "valid from", "ended"), whole=("rule",)
    )
    for rule in rules:
        table.add_row(
            rule.id,
            word(rule.decision, "en"),
            _price(rule, currency),
            ", ".join(category or '""' for category in rule.categories) or "any",
            ", ".join(word(reason, "en") for reason in rule.reasons) or "any",
            ", ".join(word(stage, "en") for stage in rule.stages) or "any",
            "any" if rule.within_days is None else f"≤ {rule.within_days}",
            f"{rule.valid_from:%Y-%m-%d %H:%M}" if rule.valid_from else "",
            f"{rule.deleted_at:%Y-%m-%d %H:%M}" if rule.deleted_at else "-",
            style="dim" if rule.deleted_at else None,
        )
    print_listing(table)


def run_end(market: str, merchant: str, rule: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work() -> MerchantRule:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            return await end_rule(connection, market, merchant, rule, utc_now())

    ended = asyncio.run(work())
    if as_json:
        print(msgspec.json.encode(ended).decode())  # noqa: T201
        return
    answer.print(
        f"Rule {rule} of merchant {merchant} ended at {ended.deleted_at:%Y-%m-%d %H:%M:%S UTC}.",
        markup=False,
        soft_wrap=True,
    )


async def _set(
    reader: BinaryIO, market: str, data: Path | None, database: str | None
) -> tuple[int, int, list[BadInput]]:
    refused: list[BadInput] = []
    answered = repeated = 0
    async with open_database(database, data) as store:
        with progress() as bar:
            task = bar.add_task("Setting rules", total=None)
            for lines in _parts(reader):
                read = [(number, _read(line)) for number, line in lines]
                good = [(number, rule) for number, rule in read if isinstance(rule, MerchantRule)]
                refused += [_placed(rule, number) for number, rule in read if isinstance(rule, BadInput)]
                async with store.pool.acquire() as connection, connection.transaction():
                    answers = await set_rules(connection, market, [rule for _, rule in good], utc_now())
                for (number, _), one in zip(good, answers, strict=True):
                    if isinstance(one, EvenhandError):
                        refused.append(_placed(one, number))
                    else:
                        answered += 1
                        repeated += one.repeated
                bar.advance(task, len(lines))
    return answered - repeated, repeated, refused


def _read(line: bytes) -> MerchantRule | BadInput:
    try:
        if len(line) > _LONGEST:
            raise BadInput(f"a line may hold {_LONGEST:,} bytes, this one is longer")
        return decode(line, MerchantRule)
    except BadInput as error:
        return error


def _placed(error: EvenhandError, line: int) -> BadInput:
    if isinstance(error, BadInput):
        error.line = line
        return error
    return BadInput(str(error), line=line)


def _parts(reader: BinaryIO) -> Iterator[Sequence[tuple[int, bytes]]]:
    """Lines with their numbers, so many at a time."""
    whole = numbered(reader, _LONGEST)
    while part := list(islice(whole, _TOGETHER)):
        yield part


def _price(rule: MerchantRule, currency: str) -> str:
    low, high = rule.price_from, rule.price_to
    if low is None and high is None:
        return "any"
    if low is None or high is None:
        return f"≤ {written(high, currency)}" if high is not None else f"≥ {written(low or 0, currency)}"
    return f"{written(low, currency)} to {written(high, currency)}"
