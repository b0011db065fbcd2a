"""`evenhand abuse train | evaluate | explain | activate | deactivate | list`."""

import asyncio
import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from evenhand.accounts.abuse import keeping
from evenhand.accounts.abuse.card import Card, Costs, Scorer, complete, read_card, reasons
from evenhand.accounts.abuse.document import document
from evenhand.accounts.abuse.fitting import fit
from evenhand.accounts.abuse.labelled import Labelled, read_history
from evenhand.accounts.abuse.measuring import Report, challenger, report
from evenhand.accounts.abuse.rulings import Labels, Truth, persons_truth, read_labels, read_rulings
from evenhand.accounts.abuse.splitting import FEWEST_OTHERS, check, number_of, split
from evenhand.cli.abuse_report import doubt, print_doubts, print_report
from evenhand.cli.options import answer, chatter, day, progress
from evenhand.desk import utc_now
from evenhand.errors import BadInput
from evenhand.policy.types import of_fact
from evenhand.policy.values import nested
from evenhand.simulation.truth import synthetic_truth
from evenhand.store import open_database
from evenhand.vocabulary import FACTS

_TREES: Final = "boosted trees (do not rule)"
# Labels of nothing that are named; their number is told besides.
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Source:
    """Where labelled claims come from: a file, or the rulings of a database."""

    history: Path | None
    labels: Path | None
    market: str | None
    data: Path | None
    database: str | None

    def read(self) -> Labelled:
        """Raises `BadInput` naming the option, or the line, that is wrong."""
        if self.history is None:
            return asyncio.run(self._from_database())
        for option, given in (("--labels", self.labels), ("--market", self.market)):
            if given is not None:
                raise BadInput("belongs to the rulings of a database, not to a file of labelled claims", field=option)
        if not self.history.is_file():
            raise BadInput(f"there is no file {self.history}", field="--history")
        with progress() as bar:
            task = bar.add_task("Reading labelled claims", total=self.history.stat().st_size)
            return read_history(self.history, lambda count: bar.advance(task, count))

    async def _from_database(self) -> Labelled:
        labels = read_labels(self.labels) if self.labels else None
        async with open_database(self.database, self.data) as store, store.pool.acquire() as connection:
            if labels is not None:
                name = f"rulings labelled by {self.labels.name}" if self.labels else ""
                truth: Truth = labels.truth
            else:
                synthetic = await synthetic_truth(connection)
                name = "the synthetic marketplace" if synthetic else "rulings that persons looked at"
                truth = synthetic or await persons_truth(connection, self.market)
            with chatter.status("Reading rulings"):
                read = await read_rulings(connection, self.market, truth, name)
        if labels is not None:
            _tell_unmet(labels, self.market)
        return read


def train(
    source: Source,
    out: Path,
    held_out: str | None,
    wronged: float,
    robbed: float,
    miscoverage: float,
    capacity: float,
    *,
    as_json: bool,
) -> None:
    for option, value in (("--wronged", wronged), ("--robbed", robbed)):
        if not 0 < value < float("inf"):
            raise BadInput("a cost is a number above zero", field=option)
    first = day(held_out, "--held-out")
    history = source.read()
    parts = split(history, first)
    with chatter.status("Fitting the points card") as status:
        card = fit(history, parts, Costs(wronged, robbed), miscoverage, capacity)
        status.update("Fitting boosted trees to compare with")
        trees = challenger(history, parts)
    seen = np.unique(history.buyer[parts.fit | parts.calibrate])
    said = report(card, history, parts.held_out, seen, {_TREES: trees}, capacity)
    _write(out, card, said)
    if as_json:
        print(msgspec.json.format(said.json, indent=0).decode())  # noqa: T201
        return
    print_report(said)
    for count, what in (
        (history.unlabelled, "without a label"),
        (parts.too_late, "labelled only in the held-out time"),
    ):
        if count:
            answer.print(f"{count:,} claims {what} were not learned from.")
    answer.print(f"Written to {out}: card.md to read, card.json to activate, report.json.", markup=False)


def evaluate(model: Path, source: Source, *, as_json: bool) -> None:
    card, history = _load(model), source.read()
    last = number_of(card.trained.last)
    part = history.filed > last
    check(history, part, f"after {card.trained.last}, which the card was not learned from,", FEWEST_OTHERS)
    said = report(card, history, part, np.unique(history.buyer[~part]), {})
    if as_json:
        print(msgspec.json.format(said.json, indent=0).decode())  # noqa: T201
    else:
        print_report(said)


def explain(model: Path, facts: str, *, as_json: bool) -> None:
    card = _load(model)
    try:
        raw = sys.stdin.buffer.read() if facts == "-" else Path(facts).read_bytes()
        given = msgspec.json.decode(raw, type=dict[str, Any])
    except OSError as error:
        raise BadInput(f"cannot read {facts}: {error.strerror}", field="FACTS") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"this is not one JSON object of facts: {error}", field="FACTS") from None
    whole = complete(nested(given, {name: of_fact(fact) for name, fact in FACTS.items()}, ()), card)
    scorer = Scorer(card)
    scorer.score(whole)
    points, found = scorer.points(whole), reasons(card, whole, most=len(card.parts))
    abuse = whole["abuse"]
    if as_json:
        shown = {"model": card.version, "points": points, "score": abuse["score"], "uncertain": abuse["uncertain"]}
        print(msgspec.json.Encoder(decimal_format="number").encode({**shown, "reasons": found}).decode())  # noqa: T201
        return
    unsure = ", uncertain: a person should look" if abuse["uncertain"] else ""
    answer.print(f"{abuse['score']} by {points:+d} points ({card.version}){unsure}", markup=False)
    for one in found:
        answer.print(f"  {one.en}", markup=False, soft_wrap=True)
        answer.print(f"  {one.zh}", markup=False, soft_wrap=True)


def activate(model: str, market: str, by: str | None, *, yes: bool, data: Path | None, database: str | None) -> None:
    folder = Path(model)
    card = _load(folder) if folder.is_dir() else None

    async def work() -> tuple[str, Report | None]:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            if card is not None:
                said = _report_of(folder)
                await keeping.keep(connection, card, said, by=by or getpass.getuser(), now=utc_now())
            else:
                said = _read_report(await keeping.report_on(connection, model))
            version = card.version if card else model
            await keeping.activate(connection, market, version, by=by or getpass.getuser(), now=utc_now())
            if not yes:
                _must_be_good(said)
            return version, said

    version, said = asyncio.run(work())
    print_doubts(said)
    answer.print(f"{version} scores the applications of market {market} from now on.", markup=False, soft_wrap=True)
    answer.print(
        "A person looks at the claims it is uncertain of, where the policy would settle them by itself: "
        f"`evenhand market capacity {market}` says how many a day, or sets it.", markup=False, soft_wrap=True,
    )  # fmt: skip


def deactivate(market: str, by: str | None, *, data: Path | None, database: str | None) -> None:
    async def work() -> None:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            await keeping.activate(connection, market, None, by=by or getpass.getuser(), now=utc_now())

    asyncio.run(work())
    answer.print(f"The documented scorecard scores the applications of market {market} again.", markup=False)


def show_list(*, data: Path | None, database: str | None, as_json: bool) -> None:
    async def read() -> list[keeping.Kept]:
        async with open_database(database, data) as store, store.pool.acquire() as connection:
            return await keeping.kept(connection)

    found = asyncio.run(read())
    if as_json:
        print(msgspec.json.encode({"models": found}).decode())  # noqa: T201
        return
    for one in found:
        use = f"used by {', '.join(one.markets)}" if one.markets else "not used"
        answer.print(f"{one.version}: {use}; stored by {one.stored_by} on {one.stored_at:%Y-%m-%d}", markup=False)
    if not found:
        answer.print("No learned score is stored: every market uses the documented scorecard.")


def _tell_unmet(labels: Labels, market: str | None) -> None:
    """Say which labels name no application that was ruled; raises `BadInput` where none names any."""
    unmet = labels.unmet()
    if not unmet:
        return
    more = f" and {len(unmet) - _SHOWN:,} more" if len(unmet) > _SHOWN else ""
    named = f"{', '.join(unmet[:_SHOWN])}{more}"
    where = f"in market {market}" if market else "here"
    if not labels.met:
        raise BadInput(f"no label names an application that was ruled {where}: {named}", field="--labels")
    chatter.print(
        f"Labels left out, {len(unmet):,} of {len(labels.known):,}, as no such application was ruled {where}: {named}",
        markup=False,
        soft_wrap=True,
    )


def _write(out: Path, card: Card, said: Report) -> None:
    files = {
        "card.json": card.json,
        "card.md": document(card).encode(),
        "report.json": said.json,
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise BadInput(f"cannot write to {out}: {error.strerror}", field="--out") from None


def _load(folder: Path) -> Card:
    file = folder / "card.json"
    try:
        return read_card(file.read_bytes(), str(file))
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}", field="DIR") from None


def _must_be_good(said: Report | None) -> None:
    """Raises `BadInput` where nothing says that a card is better than chance."""
    if said is None:
        raise BadInput(
            "no report says how it does on later claims: `evenhand abuse train` writes it beside the card, `evenhand abuse "
            "evaluate` shows it; to use the card all the same, say --yes",
            field="--yes",
        )
    if "no_better_than_chance" in said.doubts:
        raise BadInput(f"{doubt(said, 'no_better_than_chance')} To use the card all the same, say --yes", field="--yes")


def _report_of(folder: Path) -> Report | None:
    """The report that was written with a card, where it is still there."""
    try:
        return _read_report((folder / "report.json").read_bytes())
    except OSError:
        return None


def _read_report(raw: bytes | str | None) -> Report | None:
    try:
        return msgspec.json.decode(raw, type=Report) if raw else None
    except msgspec.DecodeError:
        return None
