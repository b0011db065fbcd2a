"""Merchants' own rules in the store: set, ended, listed, and read by those who rule."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from evenhand.accounts.rules import Rules, compiled
from evenhand.accounts.state import AccountKey, Connection, find_or_open
from evenhand.errors import BadInput, Conflict, EvenhandError, UnknownThing
from evenhand.records import MerchantRule
from evenhand.store import Queries

_sql: Final = Queries.load("rules")
_publishing: Final = Queries.load("publishing")
# A merchant has so many rules at a time; each application of one of its orders is compared with all of them.
MOST_RULES: Final = 200
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_FARTHEST: Final = timedelta(days=3660)


class RuleSet(msgspec.Struct, frozen=True):
    """The answer to a rule: the rule as it is known now."""

    rule: MerchantRule
    # it was known before
    repeated: bool


async def set_rules(
    connection: Connection, market: str, rules: Sequence[MerchantRule], now: datetime
) -> list[RuleSet | EvenhandError]:
    """Set rules of a market's merchants, inside the caller's transaction; answers item by item, in order.

    A rule is valid from now unless it says otherwise: a marketplace may bring the rules its merchants had before. The same
    rule again is fine; the same id with other terms is a `Conflict`. Raises `UnknownThing` when there is no such market.
    """
    revision = await connection.fetchval(_publishing.next_revision)
    number = await _market(connection, market)
    keys: list[AccountKey | None] = [None] * len(rules)
    answers: list[RuleSet | EvenhandError | None] = [None] * len(rules)
    for index, rule in enumerate(rules):
        try:
            keys[index] = (number, "merchant", _check(rule, now))
        except EvenhandError as error:
            answers[index] = error
    found = await find_or_open(connection, [key for key in keys if key])
    asked = [(found[key], rule.id) for key, rule in zip(keys, rules, strict=True) if key]
    merchants, ids = [merchant for merchant, _ in asked], [name for _, name in asked]
    known = {(row["merchant"], row["id"]): row for row in await connection.fetch(_sql.known, merchants, ids)}
    known = {key: _rule(row, "") for key, row in known.items()}
    live: dict[int, int] = {row[0]: row[1] for row in await connection.fetch(_sql.in_force, merchants)}
    new: list[tuple[Any, ...]] = []
    for index, (key, rule) in enumerate(zip(keys, rules, strict=True)):
        if key is None:
            continue
        merchant = found[key]
        try:
            answer = _taken(known.get((merchant, rule.id)), rule, now)
            if not answer.repeated:
                if rule.deleted_at is None:
                    live[merchant] = live.get(merchant, 0) + 1
                    if live[merchant] > MOST_RULES:
                        raise Conflict(
                            f"merchant {rule.merchant!r} has {MOST_RULES} rules, the most one may have: end one first"
                        )
                known[merchant, rule.id] = answer.rule
                new.append(_row(merchant, answer.rule, now, revision))
            answers[index] = answer
        except EvenhandError as error:
            answers[index] = error
    await connection.executemany(_sql.set, new)
    return [answer for answer in answers if answer is not None]


async def end_rule(connection: Connection, market: str, merchant: str, rule: str, now: datetime) -> MerchantRule:
    """End a rule now, inside the caller's transaction; one that has ended stays as it is.

    Orders placed while it was in force are still ruled by it where the policy is anchored to the order. Raises `UnknownThing`.
    """
    revision = await connection.fetchval(_publishing.next_revision)
    number = await _market(connection, market)
    account = await connection.fetchval(_sql.find_merchant, number, merchant)
    if account is not None:
        await connection.execute(_sql.end, account, rule, now, revision)
        for row in await connection.fetch(_sql.known, [account], [rule]):
            return _rule(row, merchant)
    raise UnknownThing(f"merchant {merchant[:120]!r} of market {market} has no rule {rule[:120]!r}", field="rule")


async def rules_of(connection: Connection, market: str, merchant: str) -> list[MerchantRule]:
    """A merchant's rules, in the order they were set, with those that have ended. Raises `UnknownThing` for the market."""
    number = await _market(connection, market)
    return [_rule(row, merchant) for row in await connection.fetch(_sql.of_merchant, number, merchant)]


async def changed_rules(connection: Connection, since: int) -> dict[int, Rules]:
    """The rules of every merchant, by account number, whose rules have changed since a revision."""
    found: dict[int, list[MerchantRule]] = {}
    for row in await connection.fetch(_sql.changed, since):
        found.setdefault(row["merchant"], []).append(_rule(row, ""))
    return {merchant: compiled(rules) for merchant, rules in found.items()}


def _check(rule: MerchantRule, now: datetime) -> str:
    """What can be said of a rule by itself, and whose it is; raises `BadInput` naming the field."""
    if rule.merchant is None:
        raise BadInput("is required", field="merchant")
    if rule.price_from is not None and rule.price_to is not None and rule.price_from > rule.price_to:
        raise BadInput(f"lies below price_from ({rule.price_from}): no price would match", field="price_to")
    valid_from = rule.valid_from or now
    for field, moment in (("valid_from", valid_from), ("deleted_at", rule.deleted_at)):
        if moment is not None and not _EARLIEST <= moment <= now + _FARTHEST:
            raise BadInput(f"lies before {_EARLIEST:%Y} or more than ten years ahead", field=field)
    if rule.deleted_at is not None and rule.deleted_at < valid_from:
        raise BadInput("lies before the rule is valid", field="deleted_at")
    return rule.merchant


def _taken(known: MerchantRule | None, sent: MerchantRule, now: datetime) -> RuleSet:
    """The answer to a rule that may be known; raises `Conflict` when it is known with other terms."""
    sent = msgspec.structs.replace(
        sent,
        categories=sorted(set(sent.categories)),
        reasons=sorted(set(sent.reasons)),
        stages=sorted(set(sent.stages)),
        valid_from=(sent.valid_from or (known and known.valid_from) or now).astimezone(UTC),
    )
    if known is None:
        return RuleSet(sent, repeated=False)
    known = msgspec.structs.replace(known, merchant=sent.merchant)
    if known == sent:
        return RuleSet(known, repeated=True)
    if known == msgspec.structs.replace(sent, deleted_at=known.deleted_at):
        raise Conflict(f"rule {sent.id!r} ended at {known.deleted_at:%Y-%m-%d %H:%M %Z}; set another id", field="id")
    raise Conflict(
        f"rule {sent.id!r} is set with other terms: end it, and set the new ones under another id", field="id"
    )


def _row(merchant: int, rule: MerchantRule, now: datetime, revision: Any) -> tuple[Any, ...]:
    return (
        merchant, rule.id, rule.decision, rule.price_from, rule.price_to, rule.categories, rule.reasons, rule.stages,
        rule.within_days, rule.valid_from, rule.deleted_at, now, revision,
    )  # fmt: skip


def _rule(row: Any, merchant: str) -> MerchantRule:
    return MerchantRule(
        row["id"], row["decision"], merchant, row["price_from"], row["price_to"], row["categories"], row["reasons"],
        row["stages"], row["within_days"], row["valid_from"], row["deleted_at"],
    )  # fmt: skip


async def _market(connection: Connection, market: str) -> int:
    found = await connection.fetchrow(_publishing.market, market)
    if found is None:
        raise UnknownThing(f"there is no market {market[:60]!r}", field="market")
    return found["no"]
