"""Delivery: signed, at least once, in order within a case, whatever receivers do."""

import asyncio
import random
from base64 import b64decode
from collections import defaultdict
from datetime import timedelta
from typing import NoReturn

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from evenhand.events import deliveries, webhooks
from evenhand.events.courier import Courier
from evenhand.events.deliveries import LEASE
from evenhand.events.outbox import Event, emit, give_places
from evenhand.events.schedule import WAITS
from evenhand.events.sender import Sender, Sent
from evenhand.events.webhooks import Change, Rotation
from evenhand.store import Database, open_database
from tests.integration.events.conftest import OK, Answer, Clock, File, Got, Receiver, Subscribe, Work


async def tell(database: Database, clock: Clock, *cases: int) -> None:
    """Something happens in cases, in this order; the step counts within the case."""
    async with database.pool.acquire() as connection, connection.transaction():
        await emit(
            connection, [Event("case.moved", None, case, clock(), {"step": step}) for step, case in enumerate(cases)]
        )


async def answer_503(got: Got) -> Answer:
    return 503, {}, b"come back later"


async def test_a_receiver_verifies_what_it_gets_with_the_published_library(
    receiver: Receiver, subscribe: Subscribe, file: File, work: Work
) -> None:
    webhook = await subscribe()
    assert isinstance(webhook.secret, str)
    ruled = await file(1, 2, 3)
    await work()
    events = receiver.verified(webhook.secret)
    assert {one["subject"] for one in events} == {one.case for one in ruled}
    assert all(one["type"] == "evenhand.ruling.issued" for one in events)
    assert all(isinstance(one["data"]["amount"], int) for one in events)
    (got, *_) = receiver.got
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert got.id == got.event["id"]
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook.secret).verify(got.body.replace(b"8000", b"9000"), got.headers)


async def test_only_what_was_asked_for_is_sent(
    receiver: Receiver, subscribe: Subscribe, file: File, database: Database, clock: Clock, work: Work
) -> None:
    await file(1)  # before there was a webhook
    await subscribe(types=["evenhand.ruling.issued"], markets=["bazaar"])
    await file(2)
    await tell(database, clock, 1)
    await file(3, 4, market="bazaar")
    await work()
    assert sorted(one.event["data"]["application"] for one in receiver.got) == ["application-3", "application-4"]


async def test_what_fails_is_sent_again_until_it_arrives_with_the_same_id_and_body(
    receiver: Receiver, subscribe: Subscribe, file: File, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()
    await file(1)
    receiver.answers = answer_503
    await work()
    assert len(receiver.got) == 1
    await work()
    assert len(receiver.got) == 1  # not before its time
    clock.move(seconds=6)
    await work()
    assert len(receiver.got) == 2
    receiver.answers = receiver.thanks
    clock.move(minutes=2)
    await work()
    clock.move(days=1)
    await work()
    assert len(receiver.got) == 3
    assert len({(one.id, one.body) for one in receiver.got}) == 1
    async with database.pool.acquire() as connection:
        (shown,) = await deliveries.deliveries(connection, webhook.id)
        tries = await deliveries.attempts(connection, webhook.id, int(shown.event))
    assert (shown.state, shown.attempts) == ("delivered", 3)
    assert [(one.status, one.answer) for one in tries] == [(503, "come back later")] * 2 + [(200, "thanks")]
    assert [tries[1].at - tries[0].at, tries[2].at - tries[1].at] == [timedelta(seconds=6), timedelta(minutes=2)]


async def test_three_days_then_a_dead_letter_which_can_be_sent_again(
    receiver: Receiver, subscribe: Subscribe, file: File, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()
    await file(1)
    receiver.answers = answer_503
    began = clock()
    for _ in range(60):
        await work()
        clock.move(hours=1, minutes=30)
    assert len(receiver.got) == len(WAITS) + 1
    async with database.pool.acquire() as connection:
        (letter,) = await deliveries.deliveries(connection, webhook.id, state="dead")
        assert letter.ended_at is not None
        assert timedelta(days=2, hours=23) < letter.ended_at - began < timedelta(days=3, hours=12)
        receiver.answers = receiver.thanks
        assert await deliveries.resend_dead(connection, webhook.id, clock()) == 1
    await work()
    assert len({one.id for one in receiver.got}) == 1
    async with database.pool.acquire() as connection:
        assert await deliveries.deliveries(connection, webhook.id, state="dead") == []
        (shown,) = await deliveries.deliveries(connection, webhook.id)
        assert (shown.state, shown.attempts) == ("delivered", len(WAITS) + 2)


async def test_a_failing_event_holds_back_its_case_and_no_other(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    await subscribe()
    await tell(database, clock, 1, 2, 1, 2, 1)

    async def not_the_first_of_case_one(got: Got) -> Answer:
        return (500, {}, b"") if got.event["data"]["step"] == 0 else OK

    receiver.answers = not_the_first_of_case_one
    await work()
    assert [one.event["data"]["step"] for one in receiver.got if one.event["subject"] == "2"] == [1, 3]
    assert [one.event["data"]["step"] for one in receiver.got if one.event["subject"] == "1"] == [0]
    receiver.answers = receiver.thanks
    clock.move(seconds=10)
    await work()
    assert [one.event["data"]["step"] for one in receiver.got if one.event["subject"] == "1"] == [0, 0, 2, 4]


async def test_a_dead_letter_holds_its_case_back_no_longer(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()
    await tell(database, clock, 1, 1)

    async def not_the_first(got: Got) -> Answer:
        return (500, {}, b"") if got.event["data"]["step"] == 0 else OK

    receiver.answers = not_the_first
    for _ in range(60):
        await work()
        clock.move(hours=1, minutes=30)
    steps = [one.event["data"]["step"] for one in receiver.got]
    assert steps == [0] * (len(WAITS) + 1) + [1]
    # sent again by hand, it is the same event, later than it was
    receiver.answers = receiver.thanks
    async with database.pool.acquire() as connection:
        (letter,) = await deliveries.deliveries(connection, webhook.id, state="dead")
        await deliveries.resend(connection, webhook.id, int(letter.event), clock())
    await work()
    assert receiver.got[-1].body == receiver.got[0].body


async def test_a_failing_receiver_does_not_keep_another_waiting(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    other = Receiver()
    await other.start()
    await subscribe()
    await subscribe(url=other.url)
    receiver.answers = answer_503
    await tell(database, clock, 1, 1, 1)
    await work()
    assert len(receiver.got) == 1
    assert len(other.got) == 3
    await other.stop()


async def test_a_slow_receiver_is_given_up_in_time_and_others_are_served_meanwhile(
    receiver: Receiver, subscribe: Subscribe, courier: Courier, work: Work, clock: Clock, database: Database
) -> None:
    quick = Receiver()
    await quick.start()
    webhook = await subscribe()
    await subscribe(url=quick.url)
    asleep = asyncio.Event()

    async def sleep(got: Got) -> Answer:
        await asleep.wait()
        return OK

    receiver.answers = sleep
    await tell(database, clock, *range(40))
    while len(quick.got) < 40:
        await courier.step()
    # no more than its share of hands was held up by the slow one
    assert receiver.busiest <= 8
    await work()
    asleep.set()
    async with database.pool.acquire() as connection:
        found = await deliveries.deliveries(connection, webhook.id)
    assert {one.last.error for one in found if one.last} == {"no answer within 1 s"}
    await quick.stop()


async def test_what_a_dead_sender_held_is_sent_by_another(
    receiver: Receiver, subscribe: Subscribe, file: File, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()
    assert isinstance(webhook.secret, str)
    await file(1)

    # killed after the receiver had it, before it was written down
    class Killed(Exception):
        pass

    class Doomed(Sender):
        async def send(self, url: str, headers: dict[str, str], body: bytes) -> NoReturn:
            await super().send(url, headers, body)
            raise Killed

    async with Doomed(allow_private=True) as sender, Courier(database.pool, sender, clock) as doomed:
        while await doomed.step():
            pass
    assert len(receiver.got) == 1
    await work()
    assert len(receiver.got) == 1
    clock.now += LEASE
    await work()
    assert len(receiver.got) == 2
    # by its id the receiver knows it for the same
    assert len(receiver.verified(webhook.secret)) == 1


async def test_what_is_written_down_late_does_not_undo_what_happened_since(
    receiver: Receiver, subscribe: Subscribe, clock: Clock, database: Database, courier: Courier, work: Work
) -> None:
    webhook = await subscribe()
    await tell(database, clock, 1)
    async with database.pool.acquire() as connection:
        (row,) = await connection.fetch("select * from webhook")
        await give_places(connection)
        await deliveries.fill(connection, row, clock())
        (taken,) = await deliveries.take(connection, row["no"], 8, clock())
        clock.now += LEASE
        await work()  # another courier took it over, and it arrived
        await deliveries.settle(connection, taken, Sent(500, None, 1, b""), clock())
        (shown,) = await deliveries.deliveries(connection, webhook.id)
    assert (shown.state, shown.attempts) == ("delivered", 2)


async def test_two_couriers_share_the_work_and_keep_the_order(
    receiver: Receiver, subscribe: Subscribe, clock: Clock, database: Database
) -> None:
    await subscribe()
    chance = random.Random(7)

    async def now_and_then(got: Got) -> Answer:
        await asyncio.sleep(chance.random() * 0.01)
        return OK

    receiver.answers = now_and_then
    cases = [chance.randrange(5) for _ in range(80)]
    await tell(database, clock, *cases)

    async def run() -> None:
        async with Sender(allow_private=True) as sender, Courier(database.pool, sender, clock) as one:
            while await one.step():
                pass

    await asyncio.gather(run(), run())
    steps = [one.event["data"]["step"] for one in receiver.got]
    assert sorted(steps) == list(range(80))
    for case in range(5):
        mine = [step for step in steps if cases[step] == case]
        assert mine == sorted(mine)


async def test_after_a_rotation_both_secrets_verify_until_the_old_one_ends(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()
    async with database.pool.acquire() as connection, connection.transaction():
        rotated = await webhooks.rotate(connection, webhook.id, Rotation(overlap_hours=1), clock())
    assert isinstance(webhook.secret, str)
    assert isinstance(rotated.secret, str)
    assert rotated.secret != webhook.secret
    assert rotated.old_secret_until == clock() + timedelta(hours=1)
    await tell(database, clock, 1)
    await work()
    assert len(receiver.verified(webhook.secret)) == len(receiver.verified(rotated.secret)) == 1
    clock.move(hours=1)
    await tell(database, clock, 1)
    await work()
    got = receiver.got[-1]
    (signature,) = got.headers["webhook-signature"].split()
    sign = Verifier(rotated.secret).sign(got.id, clock(), got.body.decode())
    assert signature == sign
    assert len(b64decode(rotated.secret.removeprefix("whsec_"))) == 32


async def test_a_receiver_that_fails_for_days_is_disabled_and_that_is_told(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    witness = Receiver()
    await witness.start()
    broken = await subscribe()
    await subscribe(url=witness.url, types=["evenhand.webhook.*"])
    receiver.answers = answer_503
    for case in range(9):
        await tell(database, clock, case)
        await work()
        clock.move(hours=20)
    await work()
    (told,) = witness.got
    assert told.event["type"] == "evenhand.webhook.disabled"
    assert told.event["data"] == {"webhook": broken.id, "why": "nothing has got through for 5 days"}
    before = len(receiver.got)
    await tell(database, clock, 99)
    clock.move(days=1)
    await work()
    assert len(receiver.got) == before
    # enabled again, it gets what happened in the meantime
    receiver.answers = receiver.thanks
    async with database.pool.acquire() as connection, connection.transaction():
        back = await webhooks.change(connection, broken.id, Change(enabled=True), [], clock(), by="a test")
    assert (back.enabled, back.failing_since) == (True, None)
    await work()
    assert "99" in {one.event.get("subject") for one in receiver.got[before:]}
    await witness.stop()


async def test_gone_disables_at_once(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()

    async def gone(got: Got) -> Answer:
        return 410, {}, b""

    receiver.answers = gone
    await tell(database, clock, 1, 2)
    await work()
    async with database.pool.acquire() as connection:
        shown = await webhooks.get(connection, webhook.id, clock())
    assert (shown.enabled, shown.disabled_why) == (False, "the receiver answered 410 Gone")


async def test_a_receiver_may_ask_for_time(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    await subscribe()

    async def later(got: Got) -> Answer:
        return 429, {"Retry-After": "600"}, b""

    receiver.answers = later
    await tell(database, clock, 1)
    await work()
    clock.move(minutes=9)
    await work()
    assert len(receiver.got) == 1
    clock.move(minutes=1)
    await work()
    assert len(receiver.got) == 2


async def test_redirections_are_not_followed(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    elsewhere = Receiver()
    await elsewhere.start()
    webhook = await subscribe()

    async def there(got: Got) -> Answer:
        return 307, {"location": elsewhere.url}, b""

    receiver.answers = there
    await tell(database, clock, 1)
    await work()
    assert elsewhere.got == []
    async with database.pool.acquire() as connection:
        (shown,) = await deliveries.deliveries(connection, webhook.id)
    assert (shown.state, shown.last and shown.last.status) == ("waiting", 307)
    await elsewhere.stop()


async def test_of_a_long_or_endless_answer_only_the_beginning_is_read_and_kept(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()

    async def much(got: Got) -> Answer:
        return 200, {"content-length": str(10**12)}, b"\0\xffx" * 100_000

    receiver.answers = much
    await tell(database, clock, 1)
    await work()
    async with database.pool.acquire() as connection:
        (shown,) = await deliveries.deliveries(connection, webhook.id)
    assert shown.state == "delivered"
    assert shown.last is not None
    assert 600 < len(shown.last.answer) <= 1000
    assert "\0" not in shown.last.answer


async def test_answers_that_are_no_http_fail_like_any_other(
    subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x00\x01SSH-2.0-nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    webhook = await subscribe(url=f"http://127.0.0.1:{port}/")
    nobody = await subscribe(url="http://127.0.0.1:1/")
    await tell(database, clock, 1)
    await work()
    async with database.pool.acquire() as connection:
        for one, words in ((webhook, "is not HTTP"), (nobody, "no connection")):
            (shown,) = await deliveries.deliveries(connection, one.id)
            assert shown.state == "waiting"
            assert shown.last is not None
            assert words in (shown.last.error or "")
    server.close()


async def test_a_deleted_webhook_gets_nothing_more(
    receiver: Receiver, subscribe: Subscribe, work: Work, clock: Clock, database: Database
) -> None:
    webhook = await subscribe()
    receiver.answers = answer_503
    await tell(database, clock, 1)
    await work()
    async with database.pool.acquire() as connection:
        await webhooks.delete(connection, webhook.id)
    clock.move(days=1)
    await work()
    assert len(receiver.got) == 1


PLAN = st.lists(st.tuples(st.integers(0, 3), st.lists(st.sampled_from(["ok", "500", "lost"]), max_size=4)), max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=PLAN)
def test_whatever_fails_each_case_arrives_whole_and_in_order(plan: list[tuple[int, list[str]]], fresh_url: str) -> None:
    """For every event a case and what becomes of its first sendings: an error, or an answer that is lost after it arrived."""
    asyncio.run(_play(plan, fresh_url))


async def _play(plan: list[tuple[int, list[str]]], url: str) -> None:
    clock, receiver = Clock(), Receiver()
    tries: dict[int, int] = defaultdict(int)
    arrived: list[int] = []

    async def answers(got: Got) -> Answer:
        step = got.event["data"]["step"]
        fates = plan[step][1]
        fate = fates[tries[step]] if tries[step] < len(fates) else "ok"
        tries[step] += 1
        if fate != "500" and step not in arrived:
            arrived.append(step)
        return OK if fate == "ok" else (500, {}, b"")

    receiver.answers = answers
    await receiver.start()
    async with open_database(url) as database:
        await _clean(database.pool)
        async with database.pool.acquire() as connection, connection.transaction():
            await webhooks.add(connection, webhooks.NewWebhook(receiver.url), [], clock())
        await tell(database, clock, *(case for case, _ in plan))
        async with Sender(allow_private=True) as sender, Courier(database.pool, sender, clock) as courier:
            while True:
                while await courier.step():
                    pass
                if not await database.pool.fetchval("select count(*) from webhook_delivery where state = 'waiting'"):
                    break
                clock.move(minutes=10)
    await receiver.stop()
    assert sorted(arrived) == list(range(len(plan)))
    for case in range(4):
        mine = [step for step in arrived if plan[step][0] == case]
        assert mine == sorted(mine)


async def _clean(pool: asyncpg.Pool) -> None:
    await pool.execute("truncate webhook, outbox cascade")
