"""Erasing a person: what identifies it goes, what happened stays true.

The account keeps its number and loses its name: orders, applications, rulings and transfers refer to it by the number and
stay as they are, so every ruling can still be reproduced and the ledger still sums to zero, about somebody whom nobody can
name. Gone are the history, what links the account to others, everything the person wrote or showed (comments, messages,
notes, appeals, files), and the name wherever others wrote it: threads, statements of reasons, labels, events told to
subscribers and what their webhooks answered. Events and custody logs keep their rows, so that a case still follows from its
events and a log can still be checked.

Whoever asks is told what was erased, what was kept, and on which ground. A case that has not ended, money on its way, or a
label in effect stands against it until somebody says why it is done all the same; a legal hold must be lifted first.
"""

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from evenhand.accounts.links.hashing import HASH_BYTES
from evenhand.accounts.links.keeping import alone, forget, secret
from evenhand.accounts.state import AccountKind, Connection
from evenhand.cases.keeping import case_of
from evenhand.cases.model import Said
from evenhand.errors import Conflict, StoreError, UnknownThing
from evenhand.evidence.retention import let_go, sweep
from evenhand.evidence.vault import Vault
from evenhand.naming import person
from evenhand.policy import Because
from evenhand.redaction import ERASED, Redaction, written_in
from evenhand.store import Queries

_sql: Final = Queries.load("erasure")
_evidence: Final = Queries.load("evidence")
_json: Final = msgspec.json.Encoder()
_said: Final = msgspec.json.Decoder(Said)
_SHOWN: Final = 5
# what means something else to `like`
_LIKE: Final = re.compile(r"[\\%_]")

# Why something of a person is kept.
_GROUNDS: Final = {
    "orders": Because(
        "Trade records: what was bought and paid, under a pseudonym, as long as bookkeeping law asks.",
        "交易记录：以化名保存的购买与付款信息，按会计法规要求的期限保留。",
    ),
    "rulings": Because(
        "Applications with their rulings and the facts read, which name nobody: decisions must stay open to review and to proof.",
        "申请、裁决及其所依据的事实（不含身份信息）：裁决须可复核、可证明。",
    ),
    "transfers": Because(
        "Ledger entries, under a pseudonym: books are never changed, and bookkeeping law asks for them.",
        "以化名保存的账务分录：账目不得更改，且须依会计法规留存。",
    ),
    "payouts": Because(
        "Payments with the gateway's own references: proof of payment, as long as bookkeeping law asks.",
        "付款记录及支付渠道的流水号：付款凭据，按会计法规要求的期限保留。",
    ),
    "labels": Because(
        "Labels with the cases they rest on, under a pseudonym: rulings were made by them.",
        "标签及其所依据的案件（化名保存）：相关裁决以此作出。",
    ),
    "custody": Because(
        "That files were shown, received and removed, without the files: the custody log must stay complete.",
        "文件曾被提交、接收与移除的记录（不含文件本身）：证据保管记录须完整。",
    ),
    "others_evidence": Because(
        "Files that the other party, the platform or an inspector showed, or that somebody else's case rests on too: theirs, "
        "until their retention ends.",
        "对方、平台或检测机构提交的文件，以及其他案件同样依据的文件：归其所有，保留至各自期限届满。",
    ),
}


class Kept(msgspec.Struct, frozen=True):
    """Something that was kept, and on which ground."""

    what: str
    count: int
    ground: Because


class Erased(msgspec.Struct, frozen=True):
    """What became of a person's data."""

    market: str
    kind: str
    # what the account is called from now on; null where the name was erased before
    pseudonym: str | None
    # the name was erased before; nothing was done
    repeated: bool
    # how many of what
    erased: dict[str, int]
    kept: list[Kept]
    # webhooks that were sent events about the person: whoever reads there has copies, and must be told to erase them
    told: list[str]
    # files that are still to be removed from the vault, which is away; a server removes them when it is back
    files_waiting: int = 0


async def erase_person(
    pool: asyncpg.Pool,
    vault: Vault,
    market: str,
    kind: AccountKind,
    account: str,
    *,
    by: str,
    now: datetime,
    despite: str = "",
) -> Erased:
    """Erase an account and remove the person's files from the vault; errors as for `erase`."""
    async with pool.acquire() as connection, connection.transaction():
        done = await erase(connection, market, kind, account, by=by, now=now, despite=despite)
    try:
        await sweep(pool, vault)
    except StoreError:
        done = msgspec.structs.replace(done, files_waiting=await pool.fetchval(_evidence.waiting_removals))
    return done


async def erase(
    connection: Connection,
    market: str,
    kind: AccountKind,
    account: str,
    *,
    by: str,
    now: datetime,
    despite: str = "",
) -> Erased:
    """Erase an account, inside the caller's transaction; files go with `evidence.retention.sweep` after it.

    A name that was erased before is answered so. An account that bears a pseudonym can be erased again, for what was written
    since. Raises `UnknownThing` when the market knows none such, `Conflict` when something stands against it that `despite` (why
    it is done all the same) does not get over.
    """
    by = person(by)
    await connection.execute(_evidence.one_at_a_time)
    # asks for the secret of the hashes, and whoever links asks for that first too
    remembered = await _name_hash(connection, market, kind, account)
    await alone(connection, market)
    row = await connection.fetchrow(_sql.hold, market, kind, account)
    if row is None:
        if await connection.fetchval(_sql.erased_before, remembered):
            return Erased(market, kind, None, True, {}, [], [])
        raise UnknownThing(f"market {market[:60]!r} knows no {kind} {account[:120]!r}", field="account")
    cases: list[int] = [one["no"] for one in await connection.fetch(_sql.cases, row["no"], kind)]
    await _check(connection, row["no"], cases, now, despite)

    pseudonym: str = row["id"] if row["erased"] else f"erased-{secrets.token_hex(8)}"
    await connection.execute(_sql.allow)
    words = await _words(connection, row["no"], cases, kind)
    beside = [one["name"] for one in await connection.fetch(_sql.beside, cases, row["no"])]
    redaction = Redaction(account, pseudonym, kind, words, beside)
    counts = {"history": 1}
    await connection.execute(_sql.forget, row["no"], pseudonym)
    if kind == "buyer":
        counts["comments"] = _count(await connection.execute(_sql.forget_comments, cases))
    else:
        counts["comments"] = await _rewrite_comments(connection, redaction, cases)
    counts["signs"] = _count(await connection.execute(_sql.forget_signs, row["no"]))
    counts["appeals"] = _count(await connection.execute(_sql.forget_appeals, row["no"], ERASED))
    counts["votes"] = _count(await connection.execute(_sql.forget_votes, row["no"], ERASED))
    counts["messages"] = await _rewrite_threads(connection, redaction, row["market"], cases)
    counts["statements"] = await _rewrite_statements(connection, redaction, row["market"], cases)
    counts["notes"] = await _rewrite_notes(connection, redaction, row, cases)
    # after the notes: findings the person stands in are about it
    await forget(connection, row["no"], row["market"])
    told = await _rewrite_told(connection, redaction, row["market"], cases)
    counts["events_told"] = len(told)
    name = redaction.name
    written, spelled = _quoted(name.text), [_quoted(one) for one in name.spellings] if name.folds else []
    found = written if name.distinct else None
    counts["webhook_answers"] = _count(await connection.execute(_sql.forget_answers, cases, told, found, spelled))
    as_value, own_cases = written if name.distinct else f'"{written}"', [str(case) for case in cases]
    counts["keys"] = _count(
        await connection.execute(_sql.forget_keys, name.pattern, as_value, own_cases, _like(spelled))
    )
    shown = await connection.fetch(_sql.evidence, cases, kind)
    own = [one["no"] for one in shown if one["own"] and not one["elsewhere"]]
    counts["files"] = await let_go(connection, own, by, now, erased=True)

    counts = {what: count for what, count in counts.items() if count}
    kept = await _kept(connection, row["no"], kind, len(cases), len(own), len(shown) - len(own))
    webhooks = [one["id"] for one in await connection.fetch(_sql.told_to, cases, told)]
    done = Erased(market, kind, pseudonym, False, counts, kept, webhooks)
    await connection.execute(_sql.remember, remembered)
    said = (redaction.who(by), now, redaction.others(despite, mine=True))
    await connection.execute(_sql.note, row["no"], pseudonym, *said, _json.encode(done).decode())
    return done


async def _check(connection: Connection, account: int, cases: Sequence[int], now: datetime, despite: str) -> None:
    """Raises `Conflict` with everything that stands against erasing."""
    held = [row["case_no"] for row in await connection.fetch(_sql.held_cases, cases)]
    if held:
        raise Conflict(f"under legal hold: {_listed('case', held)}. Lift the hold first", field="account")
    against: list[str] = []
    if running := [row["no"] for row in await connection.fetch(_sql.open_cases, cases)]:
        against.append(f"not closed: {_listed('case', running)}")
    if paying := [row["case_no"] for row in await connection.fetch(_sql.payouts_under_way, account)]:
        against.append(f"money on its way: {_listed('case', paying)}")
    if owing := [row["case_no"] for row in await connection.fetch(_sql.debts, account)]:
        against.append(f"money owed: {_listed('case', owing)}")
    if labels := [row["no"] for row in await connection.fetch(_sql.labels_in_effect, account, now)]:
        against.append(f"in effect or contested: {_listed('label', labels)}")
    if against and not despite.strip():
        raise Conflict(
            f"{'; '.join(against)}. Wait until that is over, or say in `despite` why the person is erased all the same: "
            "what is under way then goes on without name and words",
            field="despite",
        )


def _listed(what: str, numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _SHOWN:,} more" if len(numbers) > _SHOWN else ""
    return f"{what} {', '.join(str(one) for one in numbers[:_SHOWN])}{more}"


async def _name_hash(connection: Connection, market: str, kind: str, account: str) -> bytes:
    text = f"{market}\0{kind}\0{account}".encode()
    return hmac.digest(await secret(connection), b"erased name\0" + text, "sha256")[:HASH_BYTES]


async def _words(connection: Connection, account: int, cases: Sequence[int], kind: AccountKind) -> list[str]:
    """Everything the person wrote."""
    words: list[str] = [row["says"] for row in await connection.fetch(_sql.appeals, account)]
    words += [row["reason"] for row in await connection.fetch(_sql.votes, account)]
    if kind == "buyer":
        for row in await connection.fetch(_sql.own_words, cases):
            extra = msgspec.json.decode(row["extra"])
            words += [extra["comment"], *extra["evidence"]]
    for row in await connection.fetch(_sql.events, cases, None, None):
        words += written_in(_said.decode(row["said"]), kind, own=row["role"] == kind)
    return words


async def _rewrite_threads(connection: Connection, redaction: Redaction, market: int, cases: Sequence[int]) -> int:
    """Threads, and where their cases stand, without the person; returns how many events that changed."""
    mine = set(cases)
    rows: list[tuple[Any, ...]] = []
    for row in await connection.fetch(_sql.events, cases, _elsewhere(redaction), market):
        here = row["case_no"] in mine
        own = here and row["role"] == redaction.party
        before = _said.decode(row["said"])
        after = redaction.said(before, own=own, mine=here)
        no_key = own or (row["key"] is not None and redaction.name.stands_in(row["key"], mine=here))
        if no_key or after != before:
            who = redaction.who(row["who"]) if own else row["who"]
            rows.append((row["case_no"], row["no"], who, _json.encode(after).decode(), no_key))
    if not rows:
        return 0
    await connection.execute(_sql.rewrite_events, *_columns(rows))
    files: list[tuple[int, str]] = []
    for row in await connection.fetch(_sql.files, sorted({one[0] for one in rows})):
        case = case_of(row["stands"])
        assert case is not None
        files.append((row["no"], _json.encode(redaction.case(case, mine=row["no"] in mine)).decode()))
    if files:
        await connection.execute(_sql.rewrite_files, *_columns(files))
    return len(rows)


async def _rewrite_comments(connection: Connection, redaction: Redaction, cases: Sequence[int]) -> int:
    """What buyers wrote of a store, without its name."""
    rows: list[tuple[int, str]] = []
    for row in await connection.fetch(_sql.comments, cases):
        before = msgspec.json.decode(row["extra"])
        after = {
            "evidence": [redaction.others(one, mine=True) for one in before["evidence"]],
            "comment": redaction.others(before["comment"], mine=True),
        }
        if after != before:
            rows.append((row["no"], _json.encode(after).decode()))
    if rows:
        await connection.execute(_sql.rewrite_comments, *_columns(rows))
    return len(rows)


async def _rewrite_statements(connection: Connection, redaction: Redaction, market: int, cases: Sequence[int]) -> int:
    mine = set(cases)
    rows: list[tuple[Any, ...]] = []
    for row in await connection.fetch(_sql.statements, cases, _elsewhere(redaction, json=False), market):
        before, here = msgspec.json.decode(row["body"]), row["case_no"] in mine
        body = {**before, "note": redaction.others(before["note"], mine=here)}
        text = redaction.others(row["text"], mine=here)
        if body != before or text != row["text"]:
            key = row["case_no"], row["decision"], row["party"], row["lang"]
            rows.append((*key, _json.encode(body).decode(), text))
    if rows:
        await connection.execute(_sql.rewrite_statements, *_columns(rows))
    return len(rows)


async def _rewrite_notes(connection: Connection, redaction: Redaction, account: Any, cases: Sequence[int]) -> int:
    changed: dict[str, list[tuple[int, int, str]]] = {}
    elsewhere = _elsewhere(redaction, json=False)
    for row in await connection.fetch(_sql.notes, account["no"], cases, elsewhere, account["market"]):
        text = redaction.others(row["text"], mine=row["own"])
        if text != row["text"]:
            changed.setdefault(row["place"], []).append((row["key"], row["part"], text))
    for place, rows in changed.items():
        await connection.execute(getattr(_sql, place), *_columns(rows))
    return sum(len(rows) for rows in changed.values())


async def _rewrite_told(connection: Connection, redaction: Redaction, market: int, cases: Sequence[int]) -> list[int]:
    """Events for subscribers, without the person; returns their rows."""
    mine = set(cases)
    rows: list[tuple[int, str]] = []
    for row in await connection.fetch(_sql.told, cases, _as_value(redaction), market):
        before = msgspec.json.decode(row["data"])
        after = redaction.told(before, mine=row["case_no"] in mine)
        if after != before:
            rows.append((row["no"], _json.encode(after).decode()))
    if rows:
        await connection.execute(_sql.rewrite_told, *_columns(rows))
    return [row[0] for row in rows]


async def _kept(connection: Connection, account: int, kind: str, cases: int, own: int, others: int) -> list[Kept]:
    row = await connection.fetchrow(_sql.kept, account, kind)
    assert row is not None
    counts = {**dict(row), "rulings": cases, "custody": own, "others_evidence": others}
    return [Kept(what, counts[what], ground) for what, ground in _GROUNDS.items() if counts.get(what)]


def _elsewhere(redaction: Redaction, *, json: bool = True) -> list[str] | None:
    """What texts that may speak of the person where others are spoken of are like, inside of a JSON string or as they are; None
    where the name is not looked for there."""
    if not redaction.name.distinct:
        return None
    return _like(_quoted(one) if json else one for one in redaction.name.spellings)


def _as_value(redaction: Redaction) -> list[str]:
    """The same for JSON that names accounts: a name that is not looked for in sentences is there as a value."""
    return _elsewhere(redaction) or _like(f'"{_quoted(one)}"' for one in redaction.name.spellings)


def _like(texts: Iterable[str]) -> list[str]:
    """Patterns of `like` that find texts inside of others."""
    return [f"%{_LIKE.sub(lambda found: chr(92) + found[0], one)}%" for one in texts]


def _quoted(text: str) -> str:
    """A text as it stands inside of a JSON string."""
    return _json.encode(text).decode()[1:-1]


def _count(done: str) -> int:
    """How many rows a command changed, from what the database answers (`UPDATE 3`)."""
    return int(done.rpartition(" ")[2])


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
