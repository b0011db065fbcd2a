"""Once an interception is turned over, what rested on it is corrected in the same moment: figures, scores, labels, proposals."""

from typing import Any

import msgspec
import pytest

from evenhand.accounts.labels import decide_proposal, labels_in, proposals_in
from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.interceptions import daily
from evenhand.labelling import Labeller, configure
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BUYER, Clock, Do, File


class Bench:
    """Intercepts, labels and turns over in one market."""

    def __init__(self, file: File, do: Do, desk: Desk, database: Database, clock: Clock) -> None:
        self.file, self.do, self.desk, self.database, self.clock = file, do, desk, database, clock

    async def intercepted(self, count: int) -> list[str]:
        cases: list[str] = []
        self.clock.move(days=7)  # what is filed sooner after a label leads to no graver one
        for _ in range(count):
            ruled = await self.file(market="strict", reason="no_reason", remedy="return_and_refund")
            assert ruled.outcome == "decline"
            cases.append(ruled.case)
        labeller = Labeller(self.database.pool, lambda: self.desk.markets, self.clock)
        while await labeller.step():
            pass
        return cases

    async def turn_over(self, case: str) -> None:
        await self.do(case, BUYER, "appeal", why="It is torn.", evidence=["photo"])
        await self.do(case, ANNA, "claim")
        await self.do(case, ANNA, "rule", outcome="subsidise", grounds=["goods.defective"])

    async def labels(self) -> list[str]:
        async with self.database.pool.acquire() as connection:
            market = self.desk.markets["strict"].number
            found = await labels_in(connection, [market], account="buyer-1", at=self.clock.now)
        return sorted(one.label for one in found)

    async def facts_of_next(self) -> dict[str, Any]:
        """What the next ruling is given: of an application that is not intercepted."""
        ruled = await self.file(market="strict", remedy="return_and_refund")
        text = await self.database.pool.fetchval("select a.facts from application a where no = $1", int(ruled.case))
        assert isinstance(text, str)
        return msgspec.json.decode(text)


@pytest.fixture
def bench(file: File, do: Do, desk: Desk, database: Database, clock: Clock) -> Bench:
    return Bench(file, do, desk, database, clock)


async def test_the_score_of_the_very_next_ruling_is_the_one_without_it(bench: Bench) -> None:
    clean = (await bench.facts_of_next())["buyer"]["integrity_score"]
    [case] = await bench.intercepted(1)
    marked = await bench.facts_of_next()
    assert marked["history"]["buyer_declined_365d"] == 1
    assert marked["buyer"]["integrity_score"] < clean
    await bench.turn_over(case)
    after = await bench.facts_of_next()
    assert after["history"]["buyer_declined_365d"] == 0
    assert after["buyer"]["integrity_score"] == clean


async def test_a_warning_that_rested_on_it_ends_at_once(bench: Bench, database: Database) -> None:
    first, _ = await bench.intercepted(2)
    assert await bench.labels() == ["warning"]
    await bench.turn_over(first)
    assert await bench.labels() == []
    row = await database.pool.fetchrow("select ended_by, ended_why, rule from label")
    assert row is not None
    assert (row["ended_by"], row["ended_why"]) == (row["rule"], f"case {first} was turned over")
    assert await database.pool.fetchval("select count(*) from outbox where type = 'label.ended'") == 1
    # nobody has to look at what is gone
    assert not await database.pool.fetchval("select exists (select from label_doubt where settled_at is null)")


async def test_only_what_no_longer_holds_ends(bench: Bench) -> None:
    cases = await bench.intercepted(2) + await bench.intercepted(2)
    assert await bench.labels() == ["warning", "watched"]
    assert (await bench.facts_of_next())["buyer"]["label"] == "watched"
    await bench.turn_over(cases[0])
    assert await bench.labels() == ["warning"]  # three interceptions are still two and more
    assert (await bench.facts_of_next())["buyer"]["label"] == "none"
    # the account is not spared for what it does afterwards, and what was turned over speaks against nobody
    await bench.intercepted(1)
    assert await bench.labels() == ["warning", "watched"]
    async with bench.database.pool.acquire() as connection:
        [again, *_] = await labels_in(connection, [bench.desk.markets["strict"].number], account="buyer-1")
    assert cases[0] not in again.cases


async def test_a_proposal_that_rested_on_it_is_gone(bench: Bench, database: Database) -> None:
    cases = await bench.intercepted(2) + await bench.intercepted(2) + await bench.intercepted(2)
    market = bench.desk.markets["strict"].number
    async with database.pool.acquire() as connection:
        [waiting] = await proposals_in(connection, [market])
    assert waiting.label == "malicious"
    await bench.turn_over(cases[0])
    async with database.pool.acquire() as connection:
        assert await proposals_in(connection, [market]) == []


async def test_what_a_person_confirmed_a_person_looks_at_again(
    bench: Bench, database: Database, work: Casework, clock: Clock
) -> None:
    market = bench.desk.markets["strict"]
    async with database.pool.acquire() as connection, connection.transaction():
        await configure(connection, market, "warning", None, by="ops", now=clock.now)
    first, _ = await bench.intercepted(2)
    async with database.pool.acquire() as connection, connection.transaction():
        [waiting] = await proposals_in(connection, [market.number])
        await decide_proposal(connection, waiting.no, "confirmed", by="Anna", note=None, now=clock.now)
    await bench.turn_over(first)
    async with database.pool.acquire() as connection:
        [label] = await labels_in(connection, [market.number], account="buyer-1", at=clock.now)
    assert (label.label, label.doubted) == ("warning", True)


async def test_an_interception_turned_over_is_marked_in_the_figures_and_one_that_is_upheld_is_not(bench: Bench) -> None:
    first, second = await bench.intercepted(2)
    await bench.turn_over(first)
    await bench.do(second, BUYER, "appeal", why="It is torn.", evidence=["photo"])
    await bench.do(second, ANNA, "claim")
    await bench.do(second, ANNA, "rule", outcome="decline", grounds=["goods.as_described"])
    async with bench.database.pool.acquire() as connection:
        (found,) = await daily(connection, [bench.desk.markets["strict"].number], None, None)
    assert (found.applications, found.overturned) == (2, 1)
