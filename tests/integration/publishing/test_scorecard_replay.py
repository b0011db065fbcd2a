"""A changed scorecard over what was ruled: exactly what it would have moved, and nothing guessed."""

from datetime import timedelta

from evenhand.accounts.scores import INTEGRITY
from evenhand.desk import Desk
from evenhand.policy import Policy
from evenhand.scorecard_replay import Moved, Replay, replay
from evenhand.store import Database

from .conftest import NOW, Clock, Publisher
from .test_scorecards import APRIL, IN_APRIL, integrity, ruled


async def over(database: Database, card: Policy) -> Replay:
    async with database.pool.acquire() as connection:
        return await replay(connection, "shop", card, "integrity")


async def test_the_same_card_moves_nothing(desk: Desk, database: Database) -> None:
    for number in range(3):
        await ruled(desk, number, NOW)
    found = await over(database, INTEGRITY)
    assert (found.rulings, found.left_out, found.examples) == (3, 0, [])
    assert found.mean_before == found.mean_after
    assert all(one.before == one.after for one in [*found.statuses, *found.outcomes])
    assert found.granted_before == found.granted_after > 0


async def test_a_stricter_card_shows_which_rulings_it_would_have_turned(desk: Desk, database: Database) -> None:
    cases = [await ruled(desk, number, NOW) for number in range(2)]
    elsewhere = await ruled(desk, 9, NOW, market="west", currency="USD")
    found = await over(database, integrity("1", 300, reads="history.buyer_declined_365d"))
    assert found.statuses == [Moved("good", "poor", 2)]
    # 1688 subsidises a dispute over quality where integrity is good
    assert [(one.before, one.rulings) for one in found.outcomes] == [("subsidise", 2)]
    assert found.outcomes[0].after != "subsidise"
    assert (found.granted_before, found.granted_after) == (16_000, 0)
    assert found.examples == [str(case) for case in cases]
    assert str(elsewhere) not in found.examples
    assert (found.mean_before, found.mean_after) == (630.0, 300.0)


async def test_what_a_ruling_was_not_given_is_not_guessed(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    await ruled(desk, 1, NOW)
    card = integrity("1", 900)  # reads how often goods were sent back, which the package's cards do not
    found = await over(database, card)
    assert (found.rulings, found.left_out, found.not_given) == (0, 1, ["history.buyer_returns_365d"])
    await publisher.publish(card)
    await desk.refresh()
    clock.now = IN_APRIL + timedelta(days=1)
    await ruled(desk, 2, IN_APRIL)
    found = await over(database, integrity("2", 500))
    assert (found.rulings, found.left_out) == (1, 1)
    assert found.statuses == [Moved("good", "poor", 1)]
    assert IN_APRIL.date() > APRIL
