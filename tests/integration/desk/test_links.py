"""Links are kept with the orders: the same as from everything at once, seen by rulings, forgotten with a person."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from evenhand.accounts.links import keeping
from evenhand.accounts.links.grouping import CAPS, KINDS, MOST_VALUES, members, rings
from evenhand.desk import Desk, OrderTaken
from evenhand.errors import BadInput, StoreError
from evenhand.records import Attributes, Order, OrderLine, decode
from evenhand.store import Database

from .conftest import MARKET, NOW, make_application, make_order

_numbers: Iterator[int] = iter(range(1_000_000))


def used(buyer: str, **attributes: list[str]) -> tuple[str, Order]:
    """An order of a buyer who used these; every one is another order."""
    number = next(_numbers)
    line = OrderLine("1", f"store-{number % 3}", 10_000, "toys")
    return "shop", make_order(number, id=f"o-{number}", buyer=buyer, lines=[line], attributes=Attributes(**attributes))


async def take(desk: Desk, *orders: tuple[str, Order]) -> None:
    answers = await desk.take_orders(orders)
    assert all(isinstance(answer, OrderTaken) for answer in answers), answers


async def kept(database: Database) -> set[frozenset[str]]:
    """The rings as they are stored, by the marketplace's ids."""
    rows = await database.pool.fetch(
        "select array_agg(a.id) as ids from link_member m join account a on a.no = m.account group by m.ring"
    )
    return {frozenset(row["ids"]) for row in rows}


async def from_everything(database: Database) -> set[frozenset[str]]:
    """The rings that all holdings make, taken at once."""
    rows = await database.pool.fetch(
        "select h.attribute, h.account, h.kind, a.id from link_holding h join account a on a.no = h.account"
    )
    ids = {row["account"]: row["id"] for row in rows}
    _, attributes = np.unique([row["attribute"].hex() for row in rows], return_inverse=True)
    accounts, kinds = (np.array([row[name] for row in rows], dtype=np.int64) for name in ("account", "kind"))
    ring_of = rings(accounts, kinds, attributes)
    return {frozenset(ids[account] for account in group) for group in members(ring_of).values()}


async def facts_of(desk: Desk, database: Database, buyer: str, store: str = "store-1") -> dict[str, int]:
    """The facts of a ring that an application of this buyer against a store is ruled by."""
    number = next(_numbers)
    order = make_order(number, id=f"o-{number}", buyer=buyer)
    order = msgspec.structs.replace(order, lines=[OrderLine("1", store, 10_000, "toys")])
    await take(desk, ("shop", order))
    (ruled,) = await desk.rule([("shop", make_application(number, order=order.id, amount=1, reason="other"))])
    text = await database.pool.fetchval("select a.facts from application a where no = $1", int(ruled.case))  # pyright: ignore[reportAttributeAccessIssue]
    history: dict[str, int] = msgspec.json.decode(text)["history"]
    return {name.removeprefix("ring_"): value for name, value in history.items() if name.startswith("ring_")}


@pytest.mark.parametrize("seed", range(12))
async def test_kept_order_by_order_they_are_those_of_everything_at_once(
    desk: Desk, database: Database, seed: int
) -> None:
    """Random batches over few values, so that rings join, attributes become hubs and rings fall apart again."""
    random = Random(seed)
    buyers, values, popular = random.choice([(12, 8, 0.1), (40, 60, 0.3), (60, 200, 0.5)])
    for _ in range(12):
        batch: list[tuple[str, Order]] = []
        for _ in range(random.randint(1, 10)):
            attributes = {
                kind: [
                    f"{kind} {0 if random.random() < popular else random.randrange(values)}"
                    for _ in range(random.randint(0, 2))
                ]
                for kind in random.sample(KINDS, random.randint(1, 3))
            }
            batch.append(used(f"buyer-{random.randrange(buyers)}", **attributes))
        await take(desk, *batch)
        assert await kept(database) == await from_everything(database)
    named = await database.pool.fetchval("select bool_and(ring in (select account from link_member)) from link_member")
    assert named is not False
    assert await database.pool.fetchval("select count(*) from link_holding") > 0


async def test_writers_at_once_link_what_one_after_the_other_would(desk: Desk, database: Database) -> None:
    batches: list[Sequence[tuple[str, Order]]] = [
        [used(f"b-{n}-{i}", device=[f"chain {n}", f"chain {n + 1}"]) for i in range(3)] for n in range(12)
    ]
    await asyncio.gather(*(take(desk, *batch) for batch in batches))
    assert await kept(database) == await from_everything(database)
    assert len(await kept(database)) == 1


async def test_writers_who_link_each_others_buyers_never_wait_for_each_other_in_vain(
    desk: Desk, database: Database
) -> None:
    await take(desk, *(used(f"b-{n}", device=[f"{n}"]) for n in range(8)))
    await asyncio.gather(*(take(desk, used(f"b-{n}", device=[f"{n + 1}"])) for n in range(7)))
    assert await kept(database) == {frozenset(f"b-{n}" for n in range(8))}
    async with database.pool.acquire() as connection:
        await connection.execute("select pg_stat_clear_snapshot()")
        deadlocks = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
    assert deadlocks == 0


async def test_a_ring_is_known_by_what_its_buyers_did_together(desk: Desk, database: Database) -> None:
    await take(desk, used("ann", device=["d"]), used("bob", device=["d"]), used("eve", device=["other"]))
    assert (await facts_of(desk, database, "eve"))["size"] == 0
    # the orders by which they are linked, and the one each probe is about
    assert await facts_of(desk, database, "ann") == {
        "size": 2, "orders_90d": 3, "applications_90d": 0, "refund_only_90d": 0, "counterfeit_claims_90d": 0, "declined_90d": 0,
        "same_store_90d": 0,
    }  # fmt: skip
    after_one = await facts_of(desk, database, "bob")
    assert (after_one["refund_only_90d"], after_one["same_store_90d"]) == (1, 1)
    after_two = await facts_of(desk, database, "ann")
    assert (after_two["refund_only_90d"], after_two["same_store_90d"]) == (2, 1), "its own claim is not another's"
    assert (await facts_of(desk, database, "ann", "store-2"))["same_store_90d"] == 0
    assert (await facts_of(desk, database, "eve"))["refund_only_90d"] == 0


async def test_within_a_batch_and_ahead_of_the_writing_each_sees_what_the_ring_did_before(
    desk: Desk, database: Database
) -> None:
    orders = [used(f"buyer-{n % 8}", payment=["card"]) for n in range(40)]
    await take(desk, *orders)
    applications = [
        ("shop", make_application(next(_numbers), order=order.id, amount=1, applied_at=NOW - timedelta(hours=1)))
        for _, order in orders
    ]
    await asyncio.gather(*(desk.rule(applications[start : start + 2]) for start in range(0, 40, 2)))
    rows = await database.pool.fetch("select a.facts, a.buyer, a.merchant from application a order by batch, no")
    histories = [msgspec.json.decode(row["facts"])["history"] for row in rows]
    assert sorted(history["ring_applications_90d"] for history in histories) == list(range(40))
    # who of the others had applied against the store before: counted anew, over all that was ruled by then
    by_turn = sorted(zip(histories, rows, strict=True), key=lambda each: each[0]["ring_applications_90d"])
    for turn, (history, row) in enumerate(by_turn):
        before = {earlier["buyer"] for _, earlier in by_turn[:turn] if earlier["merchant"] == row["merchant"]}
        assert history["ring_same_store_90d"] == len(before - {row["buyer"]})


async def test_a_shared_address_or_phone_alone_makes_nobody_a_ring(desk: Desk, database: Database) -> None:
    victim = used(
        "victim", address=["1 Wensan Road"], phone=["13800138000"], device=["her phone"], payment=["her card"]
    )
    await take(
        desk, victim, used("ring-1", device=["farm"]), used("ring-2", device=["farm"], address=["1 wensan road"])
    )
    assert await kept(database) == {frozenset({"ring-1", "ring-2"})}
    assert (await facts_of(desk, database, "victim"))["size"] == 0


async def test_a_hub_lets_go_those_it_linked(desk: Desk, database: Database) -> None:
    cap = CAPS[KINDS.index("device")]
    await take(desk, used("a", payment=["both"]), used("b", payment=["both"]))
    for number in range(cap):
        await take(desk, used(f"guest-{number}", device=["lobby terminal"]))
    assert len(await kept(database)) == 2
    await take(desk, used("a", device=["lobby terminal"]))
    assert await kept(database) == {frozenset({"a", "b"})}
    # and whoever comes after, in any number, is linked to nobody
    await take(desk, *(used(f"late-{number}", device=["LOBBY terminal "]) for number in range(300)))
    assert await kept(database) == {frozenset({"a", "b"})}
    assert (await facts_of(desk, database, "late-7"))["size"] == 0


async def test_an_account_that_names_the_cards_of_many_is_let_go(desk: Desk, database: Database) -> None:
    cards = [f"card {number}" for number in range(MOST_VALUES + 1)]
    await take(desk, *(used(f"victim-{number}", payment=[card]) for number, card in enumerate(cards)))
    for start in range(0, MOST_VALUES, 8):
        await take(desk, used("framer", payment=cards[start : start + 8]))
    assert len(next(iter(await kept(database)))) == MOST_VALUES + 1
    await take(desk, used("framer", payment=cards[MOST_VALUES:]))
    assert await kept(database) == set()


async def test_what_is_used_comes_with_any_repetition_of_an_order(desk: Desk, database: Database) -> None:
    order = make_order(1)
    more = msgspec.structs.replace(order, attributes=Attributes(device=["d"]))
    assert await desk.take_orders([("shop", order)]) == [OrderTaken("order-1", False)]
    assert await desk.take_orders([("shop", more)]) == [OrderTaken("order-1", True)]
    await take(desk, used("other", device=["d"]))
    assert await kept(database) == {frozenset({order.buyer, "other"})}


async def test_a_refused_order_leaves_nothing_of_what_it_used(desk: Desk, database: Database) -> None:
    _, order = used("ann", device=["d"])
    (answer,) = await desk.take_orders([("shop", msgspec.structs.replace(order, currency="USD"))])
    assert isinstance(answer, BadInput)
    assert await database.pool.fetchval("select count(*) from link_holding") == 0


async def test_what_one_market_sees_links_nobody_in_another(desk: Desk, database: Database) -> None:
    await desk.add_market(msgspec.structs.replace(MARKET, id="other"), synthetic=True)
    _, order = used("ann", device=["d"])
    await take(desk, ("shop", order), ("other", msgspec.structs.replace(order, buyer="bob")))
    assert await kept(database) == set()
    assert await database.pool.fetchval("select count(distinct attribute) from link_holding") == 2


async def test_no_value_is_stored_anywhere(desk: Desk, database: Database) -> None:
    await take(
        desk, used("ann", device=["device-Ω-1"], address=["Secret Lane 5"], phone=["13800138000"], payment=["tok_1"])
    )
    for table in await database.pool.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ):
        for row in await database.pool.fetch(f'select t::text as row from "{table[0]}" t'):
            assert not any(text in row["row"].casefold() for text in ("secret", "13800138000", "tok_1", "device-"))


async def test_erasing_a_person_forgets_what_it_used_and_parts_those_it_joined(desk: Desk, database: Database) -> None:
    await take(desk, used("a", device=["1"]), used("bridge", device=["1"], payment=["2"]), used("c", payment=["2"]))
    await take(desk, used("d", payment=["2"]))
    assert await kept(database) == {frozenset({"a", "bridge", "c", "d"})}
    number, market = await database.pool.fetchrow("select no, market from account where id = 'bridge'") or (0, 0)
    async with database.pool.acquire() as connection, connection.transaction():
        await keeping.forget(connection, number, market)
    assert await kept(database) == {frozenset({"c", "d"})}
    assert await database.pool.fetchval("select count(*) from link_holding where account = $1", number) == 0
    assert (await facts_of(desk, database, "a"))["size"] == 0
    assert (await facts_of(desk, database, "bridge"))["size"] == 0


async def test_a_large_ring_is_read_up_to_its_bound(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_READ", 5)
    await take(desk, *(used(f"link-{n:02}", device=[f"{n}", f"{n + 1}"]) for n in range(12)))
    assert (await facts_of(desk, database, "link-11"))["size"] == 5
    assert (await facts_of(desk, database, "link-00"))["size"] == 6, "the newest five and the buyer itself"


async def test_a_key_is_made_once_or_given_and_another_is_refused(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keeping.KEY_VARIABLE, "short")
    with pytest.raises(StoreError, match="shorter than 16 bytes"):
        await take(desk, used("ann", device=["d"]))
    monkeypatch.setenv(keeping.KEY_VARIABLE, "a long random text of ours")
    await take(desk, used("ann", device=["d"]))
    assert await database.pool.fetchval("select key from link_key") is None
    monkeypatch.setenv(keeping.KEY_VARIABLE, "another long random text")
    with pytest.raises(StoreError, match="is not the key this database was begun with"):
        await take(desk, used("bob", device=["d"]))
    monkeypatch.delenv(keeping.KEY_VARIABLE)
    with pytest.raises(StoreError, match="set EVENHAND_LINK_KEY to it"):
        await take(desk, used("bob", device=["d"]))
    await take(desk, used("bob"))  # an order that names nothing needs no key
    monkeypatch.setenv(keeping.KEY_VARIABLE, "a long random text of ours")
    await take(desk, used("bob", device=["d"]))
    assert await kept(database) == {frozenset({"ann", "bob"})}


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"device": ["d"] * 9}, "attributes.device"),
        ({"device": ["d" * 201]}, "attributes.device[0]"),
        ({"device": [""]}, "attributes.device[0]"),
        ({"phone": [13800138000]}, "attributes.phone[0]"),
        ({"iris": ["x"]}, "attributes.iris"),
        ({"phone": ["\0"]}, "attributes.phone[0]"),
        ("x", "attributes"),
    ],
)
def test_hostile_attributes_are_told_their_place(attributes: Any, field: str) -> None:
    order = msgspec.to_builtins(make_order(1)) | {"attributes": attributes}
    with pytest.raises(BadInput) as told:
        decode(msgspec.json.encode(order), Order)
    assert told.value.field == field


async def test_what_is_used_to_file_an_application_links_before_it_is_ruled(desk: Desk, database: Database) -> None:
    orders = [used("lin"), used("mei"), used("wu")]
    await take(desk, *orders)
    device = Attributes(device=["tablet-of-lin"])
    ring_sizes: list[int] = []
    for _, order in orders[:2]:
        filed = make_application(next(_numbers), order=order.id, amount=1, attributes=device)
        (ruled,) = await desk.rule([("shop", filed)])
        facts = await database.pool.fetchval("select a.facts::text from application a where no = $1", int(ruled.case))  # pyright: ignore[reportAttributeAccessIssue]
        ring_sizes.append(msgspec.json.decode(facts)["history"]["ring_size"])
        # the same application is the same whatever was used to send it again
        again = msgspec.structs.replace(filed, attributes=Attributes(device=["another"]))
        (repeated,) = await desk.rule([("shop", again)])
        assert (repeated.case, repeated.repeated) == (ruled.case, True)  # pyright: ignore[reportAttributeAccessIssue]
    assert ring_sizes == [0, 2]
    assert await kept(database) == {frozenset({"lin", "mei"})}
    # one that is refused leaves nothing of what it used
    wrong = make_application(
        next(_numbers), order=orders[2][1].id, currency="USD", attributes=Attributes(phone=["139"])
    )
    (refused,) = await desk.rule([("shop", wrong)])
    assert isinstance(refused, BadInput)
    assert await database.pool.fetchval("select count(*) from link_holding where kind = 3") == 0
    texts = await database.pool.fetch("select t::text as row from application t")
    assert not any("tablet-of-lin" in row["row"] for row in texts)
