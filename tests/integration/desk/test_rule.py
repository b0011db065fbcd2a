"""Applications in, durable rulings out: once each, in order, explained, and nothing half-written."""

import asyncio
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from evenhand.booking import reproduce
from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, Conflict, EvenhandError, StoreError, UnknownThing
from evenhand.records import Application, Review
from evenhand.store import Database

from .conftest import MARKET, NOW, make_application, make_order

pytestmark = pytest.mark.usefixtures("orders")


async def rule(desk: Desk, *applications: Application) -> list[Ruled | EvenhandError]:
    return await desk.rule([("shop", application) for application in applications])


async def rule_one(desk: Desk, application: Application) -> Ruled:
    (answer,) = await rule(desk, application)
    assert isinstance(answer, Ruled), answer
    return answer


async def test_a_quality_dispute_of_a_good_account_is_subsidised_and_booked(desk: Desk, database: Database) -> None:
    answer = await rule_one(desk, make_application(1))
    assert (answer.outcome, answer.payer, answer.amount, answer.return_required) == (
        "subsidise",
        "platform",
        8_000,
        False,
    )
    assert (answer.policy, answer.version) == ("1688", "2025-03")
    postings = await database.pool.fetch("select account, amount, currency from posting order by amount")
    assert [tuple(posting) for posting in postings] == [("fund", -8_000, "CNY"), ("buyer", 8_000, "CNY")]


async def test_a_connection_that_breaks_when_it_is_given_back_stops_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = asyncpg.pool.Pool.release, [True]

    async def release(pool: asyncpg.Pool, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        await whole(pool, connection)
        if broken:
            broken.clear()
            raise asyncpg.InterfaceError("the connection is gone")

    monkeypatch.setattr(asyncpg.pool.Pool, "release", release)
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(rule_one(desk, make_application(number)) for number in (1, 2)))
    assert not broken
    assert [answer.outcome for answer in answers] == ["subsidise", "subsidise"]


async def test_the_policy_in_force_on_the_day_rules(desk: Desk) -> None:
    before = NOW.replace(year=2025, month=2)
    await desk.take_orders([("shop", make_order(70, placed_at=before, promised_at=None, delivered_at=before))])
    answer = await rule_one(desk, make_application(70, applied_at=before + timedelta(days=2)))
    assert answer.version != "2025-03"
    assert (answer.outcome, answer.payer) == ("refund_by_merchant", "merchant")


async def test_the_change_of_policy_happens_at_midnight_of_the_market(desk: Desk) -> None:
    placed = NOW.replace(year=2025, month=2)
    await desk.take_orders([("shop", make_order(n, placed_at=placed, delivered_at=placed)) for n in (71, 72)])
    midnight = placed.replace(month=3, day=23, hour=16)  # 2025-03-24 00:00 in Shanghai
    before, after = await rule(
        desk,
        make_application(71, applied_at=midnight - timedelta(seconds=1)),
        make_application(72, applied_at=midnight),
    )
    assert isinstance(before, Ruled)
    assert isinstance(after, Ruled)
    assert before.version != "2025-03"
    assert after.version == "2025-03"


async def test_a_late_application_reads_what_had_arrived_of_its_own_day_and_nothing_of_later_ones(
    desk: Desk, database: Database
) -> None:
    """As docs/reference/facts.md says: days are the finest that is kept."""
    yesterday = (NOW - timedelta(days=1)).astimezone(desk.markets["shop"].zone)
    evening = [Review(f"r-{n}", 1, yesterday.replace(hour=20)) for n in range(20)]
    today = [Review("r-20", 1, NOW - timedelta(hours=1))]
    await desk.take_orders([("shop", make_order(1, reviews=[*evening, *today]))])
    ruled = await rule_one(desk, make_application(1, applied_at=yesterday.replace(hour=9)))
    facts = await database.pool.fetchval("select a.facts from application a where no = $1", int(ruled.case))
    assert msgspec.json.decode(facts)["history"]["merchant_reviews_365d"] == 20


async def test_the_same_application_again_gets_the_same_ruling(desk: Desk, database: Database) -> None:
    first = await rule_one(desk, make_application(1))
    second = await rule_one(desk, make_application(1))
    assert second.repeated
    assert msgspec.structs.replace(second, repeated=False) == first
    assert await database.pool.fetchval("select count(*) from application") == 1
    assert await database.pool.fetchval("select count(*) from transfer") == 1


async def test_the_same_moment_in_another_time_zone_is_the_same_body(desk: Desk) -> None:
    moment = NOW - timedelta(days=1)
    first = await rule_one(desk, make_application(1, applied_at=moment))
    second = await rule_one(desk, make_application(1, applied_at=moment.astimezone(desk.markets["shop"].zone)))
    assert second.case == first.case


async def test_the_same_id_with_another_body_is_a_conflict(desk: Desk) -> None:
    await rule_one(desk, make_application(1))
    (answer,) = await rule(desk, make_application(1, amount=7_000))
    assert isinstance(answer, Conflict)
    assert "application-1" in str(answer)


async def test_repeats_and_conflicts_inside_one_batch(desk: Desk, database: Database) -> None:
    first, again, other = await rule(desk, make_application(1), make_application(1), make_application(1, amount=7_000))
    assert isinstance(first, Ruled)
    assert not first.repeated
    assert isinstance(again, Ruled)
    assert (again.case, again.repeated) == (first.case, True)
    assert isinstance(other, Conflict)
    assert await database.pool.fetchval("select count(*) from application") == 1


@pytest.mark.parametrize(
    ("changes", "kind", "field", "says"),
    [
        ({"order": "no-such"}, UnknownThing, "order", "no order"),
        ({"line": "7"}, UnknownThing, "line", "no line"),
        ({"amount": 10_001}, BadInput, "amount", "100.01 CNY is more than the order line's 100.00 CNY"),
        ({"currency": "EUR"}, BadInput, "currency", "trades in CNY"),
        ({"applied_at": NOW + timedelta(minutes=2)}, BadInput, "applied_at", "future"),
        ({"applied_at": NOW - timedelta(days=21)}, BadInput, "applied_at", "before the order"),
    ],
)
async def test_a_bad_application_is_told_the_field_and_the_others_are_ruled(
    desk: Desk, database: Database, changes: dict[str, object], kind: type[BadInput], field: str, says: str
) -> None:
    good, bad, last = await rule(desk, make_application(1), make_application(2, **changes), make_application(3))
    assert isinstance(good, Ruled)
    assert isinstance(last, Ruled)
    assert isinstance(bad, kind)
    assert bad.field == field
    assert says in str(bad)
    assert await database.pool.fetchval("select count(*) from application") == 2


async def test_an_account_whose_history_is_broken_stops_nobody_else(desk: Desk, database: Database) -> None:
    number = await database.pool.fetchval(
        "update account set tiles = '\\x0102' where kind = 'buyer' and id = 'buyer-1' returning no"
    )
    broken, whole = await rule(desk, make_application(1), make_application(2))
    assert isinstance(broken, StoreError)
    assert f"account {number} " in str(broken)
    assert isinstance(whole, Ruled)


async def test_an_unknown_market_is_told(desk: Desk) -> None:
    (answer,) = await desk.rule([("nowhere", make_application(1))])
    assert isinstance(answer, UnknownThing)
    assert answer.field == "market"


async def test_an_order_line_is_never_granted_more_than_was_paid(desk: Desk, database: Database) -> None:
    """Two applications about one line: in one batch, one after the other, and at once."""
    a, b = await rule(desk, make_application(1), make_application(1, id="second"))
    assert isinstance(a, Ruled)
    assert isinstance(b, BadInput)
    assert "20.00 CNY" in str(b)
    (c,) = await rule(desk, make_application(1, id="third", amount=2_001))
    assert isinstance(c, BadInput)
    answers = await asyncio.gather(*(rule(desk, make_application(2, id=f"at-once-{n}")) for n in range(8)))
    assert sum(isinstance(answer, Ruled) for (answer,) in answers) == 1
    refunded = await database.pool.fetch("select amount, refunded from order_line where refunded > 0")
    assert [tuple(row) for row in refunded] == [(10_000, 8_000), (10_000, 8_000)]


async def test_history_counts_every_application_once_however_they_arrive(desk: Desk, database: Database) -> None:
    """Forty batches at once about the same three buyers and two stores, through two desks on one database."""
    other = await Desk.open(database, clock=lambda: NOW)
    wanted = [make_application(n % 10, id=f"a{n}", amount=10, reason="other") for n in range(120)]
    desks = (desk, other)
    answers = await asyncio.gather(*(rule(desks[n % 2], *wanted[n * 3 : n * 3 + 3]) for n in range(40)))
    assert all(isinstance(answer, Ruled) for batch in answers for answer in batch)
    last = await rule_one(desk, make_application(0, id="last", amount=10, reason="other"))
    facts = msgspec.json.decode(
        await database.pool.fetchval("select a.facts from application a where no = $1", int(last.case)),
        type=dict[str, dict[str, object]],
    )
    # buyer-0 placed orders 0, 3, 6 and 9: 4 of every 10 applications are theirs; store-0 has half of all
    assert facts["history"]["buyer_applications_90d"] == 48
    assert facts["history"]["merchant_disputes_365d"] == 60
    await other.close()


async def test_a_batch_ruled_ahead_of_one_that_fails_is_ruled_again(desk: Desk, database: Database) -> None:
    """Another writer takes the version that the failing batch would have written: the versions alone do not tell."""
    async with database.pool.acquire() as other:
        writing = other.transaction()
        await writing.start()
        await other.execute("update account set version = version + 1 where id in ('buyer-0', 'store-0')")
        first = asyncio.create_task(rule_one(desk, make_application(0, id="first", amount=10, reason="other")))
        await waiting(database, 1)
        second = asyncio.create_task(rule_one(desk, make_application(0, id="second", amount=10, reason="other")))
        async with asyncio.timeout(20):
            while not desk._ruling.locked():  # pyright: ignore[reportPrivateUsage]
                await asyncio.sleep(0.01)
        third = asyncio.create_task(rule_one(desk, make_application(0, id="third", amount=10, reason="other")))
        await asyncio.sleep(0.5)  # by now the second is ruled and waits for its turn to book, and the third was read
        await writing.commit()
    await asyncio.gather(first, second, third)
    last = await rule_one(desk, make_application(0, id="last", amount=10, reason="other"))
    seen = await database.pool.fetchval("select a.facts from application a where no = $1", int(last.case))
    assert msgspec.json.decode(seen)["history"]["buyer_applications_90d"] == 3


async def test_a_batch_sees_what_the_two_before_it_did_though_it_was_read_before_either_was_written(
    desk: Desk, database: Database
) -> None:
    async with database.pool.acquire() as other:
        holding = other.transaction()
        await holding.start()
        await other.execute("select from account where id in ('buyer-0', 'store-0') for update")
        tasks = [asyncio.create_task(rule_one(desk, make_application(0, id="a0", amount=10, reason="other")))]
        await waiting(database, 1)
        for n in range(1, 5):
            tasks.append(
                asyncio.create_task(rule_one(desk, make_application(0, id=f"a{n}", amount=10, reason="other")))
            )
            await asyncio.sleep(0.1)
        await holding.rollback()
    rulings = await asyncio.gather(*tasks)
    rows = await database.pool.fetch("select a.no, a.facts from application a")
    seen = {row["no"]: msgspec.json.decode(row["facts"])["history"]["buyer_applications_90d"] for row in rows}
    assert [seen[int(ruling.case)] for ruling in rulings] == [0, 1, 2, 3, 4]


async def waiting(database: Database, count: int) -> None:
    """Wait until so many connections wait for a lock of another."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await database.pool.fetchval(query) < count:
            await asyncio.sleep(0.01)


async def test_every_ruling_can_be_reproduced_from_what_is_stored(desk: Desk, database: Database) -> None:
    reasons = ["quality", "not_as_described", "damaged", "other", "counterfeit"]
    await rule(desk, *(make_application(n, reason=reasons[n % 5], amount=100 * n + 1) for n in range(10)))
    rows = await database.pool.fetch(
        "select a.*, a.facts, v.source from application a join policy_version v on v.no = a.policy_version"
    )
    assert len(rows) == 10
    for row in rows:
        again = reproduce(row["source"], row["facts"], "CNY")
        assert (again.outcome, again.payer, again.amount, again.rule) == (
            row["outcome"],
            row["payer"],
            row["amount"],
            row["rule"],
        )
        assert (again.because.en, again.because.zh) == (row["because_en"], row["because_zh"])


async def test_reasons_name_the_values_in_both_languages(desk: Desk) -> None:
    answer = await rule_one(desk, make_application(1))
    assert "good" in answer.because.en
    assert "良好" in answer.because.zh
    assert "{" not in answer.because.en + answer.because.zh


async def test_the_database_refuses_to_unbalance_or_change_the_ledger(desk: Desk, database: Database) -> None:
    await rule_one(desk, make_application(1))
    insert = """insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at,
                                      booked_at)
                select market, {currency}, 'merchant_refund', case_no, debit, debit_of, {credit}, {credit_of}, {amount}, value_at,
                       booked_at
                from transfer"""
    good = {"currency": "currency", "credit": "credit", "credit_of": "credit_of", "amount": "amount"}
    for broken in (
        {"amount": "0"},
        {"amount": "-amount"},
        {"currency": "'USD'"},
        {"credit": "'fund'", "credit_of": "null"},
        {"credit_of": "null"},
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.pool.execute(insert.format(**good | broken))
    for change in (
        "update transfer set amount = 1",
        "delete from transfer",
        "update application set outcome = 'decline'",
        "insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, booked_at)"
        " select market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, booked_at from transfer",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.pool.execute(change)
    assert await database.pool.fetchval("select sum(amount) from posting") == 0


async def test_a_market_exists_once(desk: Desk) -> None:
    await desk.add_market(MARKET)
    with pytest.raises(Conflict):
        await desk.add_market(msgspec.structs.replace(MARKET, currency="USD"))
    for wrong in ({"policy": "nothing"}, {"pinned": "1999"}, {"time_zone": "Mars/Olympus"}):
        with pytest.raises(BadInput):
            await desk.add_market(msgspec.structs.replace(MARKET, id="other", **wrong))
    assert "other" not in desk.markets


async def test_a_labelled_buyer_is_seen_as_labelled_only_while_the_label_lasts(desk: Desk, database: Database) -> None:
    from evenhand.accounts.labels import set_label

    async with database.pool.acquire() as connection:
        await set_label(
            connection,
            "shop",
            "buyer",
            "buyer-1",
            "malicious",
            cause="synthetic test",
            set_by="a person",
            starts_at=NOW - timedelta(days=5),
            expires_at=NOW - timedelta(days=1),
        )
    await rule(
        desk,
        *(
            make_application(1, id=f"d{days}", amount=10, applied_at=NOW - timedelta(days=days))
            for days in (6, 5, 3, 1)
        ),
    )
    rows = await database.pool.fetch("select id, a.facts -> 'buyer' ->> 'label' from application a order by id")
    assert [tuple(row) for row in rows] == [("d1", "none"), ("d3", "malicious"), ("d5", "malicious"), ("d6", "none")]
