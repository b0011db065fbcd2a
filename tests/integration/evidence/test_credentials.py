"""A photograph that its camera vouches for counts for the buyer who took it, and nothing counts against anybody."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evenhand.booking import reproduce
from evenhand.cases.actions import ACTIONS
from evenhand.casework import Casework
from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, EvenhandError
from evenhand.evidence import fresh
from evenhand.evidence.capture import CaptureReader
from evenhand.evidence.content import LARGEST_FILE
from evenhand.evidence.credential import CaptureCredential
from evenhand.evidence.custody import Custody, shown_in
from evenhand.evidence.retention import let_go
from evenhand.evidence.vault import Directory
from evenhand.policy import Policy
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.rescoring import rescored
from evenhand.store import Database
from evenhand.vocabulary import Lang
from tests.unit.evidence.cameras import Cameras, authority, cameras, created, sign, signer
from tests.unit.evidence.pictures import noise, saved

from .conftest import NOW, make_application, make_order

# the orders were delivered 16 days before now, and the applications filed a day before
TAKEN = NOW - timedelta(days=2)


@pytest.fixture
def shop(tmp_path: Path) -> Cameras:
    return cameras(tmp_path)


@pytest.fixture
def custody(database: Database, tmp_path: Path, shop: Cameras) -> Custody:
    return Custody(database, Directory(tmp_path / "evidence"), CaptureReader(shop.anchors))


class Counter:
    """The desk where files are handed in and applications filed."""

    def __init__(self, desk: Desk, custody: Custody, database: Database, shop: Cameras) -> None:
        self.desk, self.custody, self.database, self.shop = desk, custody, database, shop

    async def show(self, data: bytes, party: Any = "buyer") -> str:
        return (await self.custody.take(self.desk.markets["shop"].number, party, data, NOW)).id

    async def photo(self, seed: int, taken: datetime = TAKEN, party: Any = "buyer") -> str:
        return await self.show(self.shop.take(saved(noise(seed)), taken), party)

    async def rule(self, *applications: Application) -> list[Ruled]:
        answers = await self.desk.rule([("shop", application) for application in applications])
        assert not [answer for answer in answers if isinstance(answer, EvenhandError)]
        return [answer for answer in answers if isinstance(answer, Ruled)]

    async def facts(self, ruled: Ruled) -> dict[str, dict[str, Any]]:
        stored = await self.database.pool.fetchval("select a.facts from application a where no = $1", int(ruled.case))
        return msgspec.json.decode(stored)

    async def counted(self, *ruled: Ruled) -> list[bool | None]:
        return [(await self.facts(one))["application"]["capture_credential"] for one in ruled]


@pytest.fixture
def counter(desk: Desk, custody: Custody, database: Database, shop: Cameras) -> Counter:
    return Counter(desk, custody, database, shop)


async def test_a_photograph_its_camera_vouches_for_counts_for_the_buyer(counter: Counter, database: Database) -> None:
    name = await counter.photo(1)
    said = CaptureCredential("Camera Ltd", "Test Camera 1.2", "digitalCapture", TAKEN, False)
    assert (await counter.custody.describe(name)).credential == said
    vouched, plain = await counter.rule(
        make_application(1, name), make_application(2, await counter.show(saved(noise(2))))
    )
    assert await counter.counted(vouched, plain) == [True, None]
    with_it, without = await counter.facts(vouched), await counter.facts(plain)
    assert (with_it["abuse"]["score"], without["abuse"]["score"]) == (0.015, 0.03)
    async with database.pool.acquire() as connection:
        (shown,) = await shown_in(connection, int(vouched.case))
        assert (shown.credential, shown.credential_counts) == (said, True)
        (shown,) = await shown_in(connection, int(plain.case))
        assert (shown.credential, shown.credential_counts) == (None, False)
        # scored again from what is stored, it is the same
        assert (await rescored(connection, int(vouched.case))).facts == with_it
    row = await database.pool.fetchrow(
        "select a.facts, v.source from application a join policy_version v on v.no = a.policy_version where a.no = $1",
        int(vouched.case),
    )
    assert row
    assert reproduce(row["source"], row["facts"], "CNY").outcome == vouched.outcome


async def test_none_broken_untrusted_and_made_up_are_all_the_same(counter: Counter, shop: Cameras) -> None:
    stranger = authority("Stranger")
    broken = bytearray(shop.take(saved(noise(2)), TAKEN))
    broken[-400] ^= 1
    files = [
        saved(noise(1)),
        bytes(broken),
        sign(saved(noise(3)), signer("Other", stranger), stranger, [created(when=TAKEN)]),
        shop.take(saved(noise(4)), TAKEN, "trainedAlgorithmicMedia"),
    ]
    ruled = await counter.rule(
        *[make_application(number, await counter.show(data)) for number, data in enumerate(files)]
    )
    every = [await counter.facts(one) for one in ruled]
    assert [one["application"]["capture_credential"] for one in every] == [None] * 4
    assert [one["abuse"] for one in every] == [every[0]["abuse"]] * 4
    assert {one.outcome for one in ruled} == {ruled[0].outcome}


async def test_it_must_be_taken_after_the_goods_came_and_before_the_application(
    counter: Counter, database: Database
) -> None:
    delivered, filed = NOW - timedelta(days=16), NOW - timedelta(days=1)
    second = timedelta(seconds=1)
    moments = [delivered - second, delivered, filed, filed + second]
    ruled = await counter.rule(
        *[
            make_application(number, await counter.photo(number, moment), applied_at=filed)
            for number, moment in enumerate(moments)
        ]
    )
    assert await counter.counted(*ruled) == [None, True, True, None]
    async with database.pool.acquire() as connection:
        (early,) = await shown_in(connection, int(ruled[0].case))
    # what the camera says is told all the same
    assert early.credential
    assert not early.credential_counts


async def test_where_nothing_came_it_must_be_taken_after_the_order(counter: Counter) -> None:
    placed = NOW - timedelta(days=10)
    orders = [
        Order(f"open-{number}", "buyer-1", placed, "CNY", [OrderLine("1", "store-1", 10_000, "toys")])
        for number in (1, 2)
    ]
    await counter.desk.take_orders([("shop", order) for order in orders])
    early, late = await counter.photo(1, placed - timedelta(seconds=1)), await counter.photo(2, placed)
    ruled = await counter.rule(
        make_application(1, early, order="open-1", stage="in_transit", reason="not_received"),
        make_application(2, late, order="open-2", stage="in_transit", reason="not_received"),
    )
    assert await counter.counted(*ruled) == [None, True]


async def test_a_copy_of_somebody_elses_photograph_does_not_count(counter: Counter, shop: Cameras) -> None:
    data = shop.take(saved(noise(1)), TAKEN)
    name = await counter.show(data)
    (mine,) = await counter.rule(make_application(1, name))
    copy = await counter.show(data)
    ruled = await counter.rule(
        make_application(2, copy),  # another buyer
        make_application(1, name, id="again", amount=100),  # the same line once more
        make_application(1, name, id="line-2", line="2", amount=100),  # another line of the same order
    )
    assert await counter.counted(mine, *ruled) == [True, None, True, None]


async def test_of_two_in_one_batch_only_the_first_counts(counter: Counter, shop: Cameras) -> None:
    data = shop.take(saved(noise(1)), TAKEN)
    names = [await counter.show(data), await counter.show(data)]
    ruled = await counter.rule(*[make_application(number, name) for number, name in enumerate(names)])
    assert await counter.counted(*ruled) == [True, None]
    # as it is in two batches
    apart = [await counter.photo(2), await counter.photo(2)]
    ruled = [(await counter.rule(make_application(number, name)))[0] for number, name in enumerate(apart, 10)]
    assert await counter.counted(*ruled) == [True, None]


async def test_a_photograph_whose_altered_copy_was_shown_elsewhere_does_not_count(
    counter: Counter, shop: Cameras
) -> None:
    (first,) = await counter.rule(make_application(1, await counter.show(saved(noise(1), quality=60))))
    (second,) = await counter.rule(make_application(2, await counter.photo(1)))
    assert await counter.counted(first, second) == [None, None]


async def test_what_others_show_does_not_count_for_the_buyer(counter: Counter) -> None:
    names = [await counter.photo(number, party=party) for number, party in enumerate(("merchant", "platform"))]
    ruled = await counter.rule(*[make_application(number, name) for number, name in enumerate(names)])
    assert await counter.counted(*ruled) == [None, None]


async def test_asking_for_a_fresh_photograph_tells_where_a_vouched_one_is(counter: Counter, database: Database) -> None:
    name = await counter.photo(1)
    vouched, plain = await counter.rule(make_application(1, name), make_application(2))
    async with database.pool.acquire() as connection:
        asked = await fresh.ask(connection, int(vouched.case), "Lin", 72, NOW)
        assert asked.vouched == [name]
        assert asked.code
        assert (await fresh.ask(connection, int(plain.case), "Lin", 72, NOW)).vouched == []


async def test_what_the_camera_says_goes_with_the_file(counter: Counter, database: Database) -> None:
    name = await counter.photo(1)
    (ruled,) = await counter.rule(make_application(1, name))
    async with database.pool.acquire() as connection:
        number = await connection.fetchval("select no from evidence where id = $1", name)
        for attempt in ("delete from capture_credential", "update capture_credential set camera = ''"):
            with pytest.raises(Exception, match="rows are never"):
                await connection.execute(attempt)
        async with connection.transaction():
            await let_go(connection, [number], "keeper", NOW, erased=False)
        assert await connection.fetchval("select count(*) from capture_credential") == 0
        (shown,) = await shown_in(connection, int(ruled.case))
    # that it counted stays true
    assert (shown.credential, shown.credential_counts) == (None, True)
    assert (await counter.custody.describe(name)).credential is None


async def test_a_file_that_is_too_large_leaves_nothing(counter: Counter, shop: Cameras, database: Database) -> None:
    data = shop.take(saved(noise(1)), TAKEN)
    with pytest.raises(BadInput, match="evidence may hold"):
        await counter.show(data + b"\0" * (20 * 1024 * 1024 - len(data)))
    assert LARGEST_FILE < 20 * 1024 * 1024
    assert await database.pool.fetchval("select count(*) from evidence") == 0


RULES = """---
policy: {name}
version: 1
effective: 2020-01-01
---
# {name}

A person looks, unless {fact} says otherwise.

## Ruling
| F | {fact} | → outcome |
|---|--------|-----------|
| 1 | {test} | subsidise |
| 2 | -      | review    |
"""


@pytest.fixture
async def ruled_by(counter: Counter) -> Any:
    """Rule the same claim by a policy that reads a fact; `vouched` is whether a photograph comes with it."""
    desk = counter.desk

    async def rule(fact: str, test: str, *, vouched: bool) -> Ruled:
        name = f"by-{fact.replace('.', '-').replace('_', '-')}"
        if name not in desk.markets:
            await desk.register(Policy.parse(RULES.format(name=name, fact=fact, test=test)))
            await desk.add_market(Market(name, name, name, "CNY", "Asia/Shanghai", pinned="1"), synthetic=True)
            await desk.take_orders([(name, make_order(number)) for number in (1, 2)])
        number = 1 if vouched else 2
        photo = counter.shop.take(saved(noise(number)), TAKEN) if vouched else saved(noise(number))
        shown = (await counter.custody.take(desk.markets[name].number, "buyer", photo, NOW)).id
        (answer,) = await desk.rule([(name, make_application(number, shown))])
        assert isinstance(answer, Ruled), answer
        return answer

    return rule


RELIED: dict[Lang, str] = {
    "en": "photograph vouched for by the camera that took it: yes",
    "zh": "照片附有拍摄设备签名的有效凭证：是",
}


async def test_a_policy_may_read_it_and_the_statement_says_so(
    ruled_by: Any, counter: Counter, database: Database
) -> None:
    vouched = await ruled_by("application.capture_credential", "true", vouched=True)
    plain = await ruled_by("application.capture_credential", "true", vouched=False)
    assert (vouched.outcome, plain.outcome) == ("subsidise", "review")
    work = Casework(counter.desk, database, clock=lambda: NOW)
    for lang, words in RELIED.items():
        for party in ("buyer", "merchant"):
            assert words in (await work.statement(int(vouched.case), party, lang))[1]
    assert (
        "photograph vouched for by the camera that took it: unknown"
        in (await work.statement(int(plain.case), "buyer", "en"))[1]
    )


async def test_a_score_it_lowered_says_so_and_one_without_does_not(
    ruled_by: Any, counter: Counter, database: Database
) -> None:
    vouched = await ruled_by("abuse.score", "< 0.030", vouched=True)
    plain = await ruled_by("abuse.score", "< 0.030", vouched=False)
    assert (vouched.outcome, plain.outcome) == ("subsidise", "review")
    work = Casework(counter.desk, database, clock=lambda: NOW)
    for lang, words in RELIED.items():
        assert words in (await work.statement(int(vouched.case), "buyer", lang))[1]
    assert "camera" not in (await work.statement(int(plain.case), "buyer", "en"))[1]
    assert "camera" not in (await work.statement(int(vouched.case), "merchant", "en"))[1]


async def test_a_persons_ruling_names_it_among_what_it_rests_on(
    ruled_by: Any, counter: Counter, database: Database
) -> None:
    # a person rules both cases; only one has such a photograph
    vouched = await ruled_by("application.amount", "< 1", vouched=True)
    plain = await ruled_by("application.amount", "< 1", vouched=False)
    work = Casework(counter.desk, database, clock=lambda: NOW)
    anna = {"role": "adjudicator", "id": "Anna"}
    for case in (vouched.case, plain.case):
        for action, fields in (
            ("claim", {}),
            ("rule", {"outcome": "subsidise", "amount": 3_000, "grounds": ["goods.defective"]}),
        ):
            await work.act(int(case), msgspec.convert({"by": anna, **fields}, ACTIONS[action][0]))
    for lang, words in RELIED.items():
        assert words in (await work.statement(int(vouched.case), "merchant", lang))[1]
    assert "camera" not in (await work.statement(int(plain.case), "merchant", "en"))[1]
