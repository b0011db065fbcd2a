"""What a ruling's statement says does not hang on when it is first asked for: not on later settings, policies or words."""

import re

import msgspec
import pytest

from evenhand.booking import parsed
from evenhand.cases import wording
from evenhand.cases.grounds import Sentence
from evenhand.cases.settings import Settings
from evenhand.cases.wording import CURRENT, Wording
from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.policy import Policy
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BUYER, MERCHANT, STRICT, Clock, Do, File


async def told(work: Casework, case: str) -> list[tuple[bytes, str]]:
    return [await work.statement(int(case), party, lang) for party in ("buyer", "merchant") for lang in ("en", "zh")]


async def test_a_statement_asked_for_late_says_what_it_would_have_said_at_once(
    file: File, work: Casework, desk: Desk, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await work.set_settings("strict", Settings(appeal_months=3, out_of_court=["Ombudsman"]), "tests")
    early, late = [(await file(market="strict", reason="no_reason")).case for _ in range(2)]
    at_once = await told(work, early)
    assert "Ombudsman" in at_once[0][1]
    # a year later: other settings, a newer policy, and software that words everything otherwise
    clock.move(days=365)
    await work.set_settings("strict", Settings(appeal_months=12, out_of_court=["Court of Equity"]), "tests")
    await desk.register(Policy.parse(STRICT.replace("version: 1", "version: 2").replace("decline", "review")))
    newer = Wording({key: Sentence(f"NEW {one.en}", f"新{one.zh}") for key, one in CURRENT.said.items()})
    body = msgspec.json.encode(newer, order="sorted").decode()
    monkeypatch.setattr("evenhand.casework.consequences.CURRENT", newer)
    monkeypatch.setattr("evenhand.cases.keeping.BODY", body)
    monkeypatch.setattr("evenhand.cases.keeping.DIGEST", b"newer")
    monkeypatch.setattr("evenhand.policy.reasons.CONTEST", {"en": "Contest it anew.", "zh": "可重新申诉。"})
    parsed.cache_clear()
    upgraded = await Desk.open(database, clock=clock)
    again = Casework(upgraded, database, clock=clock)

    def plain(pages: list[tuple[bytes, str]], case: str) -> list[tuple[str, str]]:
        """Without what tells two cases apart."""
        own = re.compile(rf'(?<="case":"){case}(?=")|(?<=case ){case}\b|(?<=第){case}(?=号)|order-\d')
        return [(own.sub("#", body.decode()), own.sub("#", text)) for body, text in pages]

    assert plain(await told(again, late), late) == plain(at_once, early)
    assert await told(again, early) == at_once
    # what is ruled from now on is told in the new words, under the new settings
    (answer,) = [await file(market="strict", reason="no_reason")]
    new = (await again.statement(int(answer.case), "buyer", "en"))[1]
    assert new.startswith("NEW ")
    assert "Court of Equity" in new
    await upgraded.close()
    parsed.cache_clear()


async def test_the_same_words_are_kept_once(desk: Desk, database: Database, clock: Clock) -> None:
    for _ in range(2):
        await (await Desk.open(database, clock=clock)).close()
    assert await database.pool.fetchval("select count(*) from wording") == 1
    stored = await database.pool.fetchval("select body from wording")
    assert wording.kept(stored) == CURRENT


async def test_an_appeal_is_named_for_what_it_is_and_not_counted_among_messages(
    file: File, do: Do, work: Casework, clock: Clock
) -> None:
    case = (await file(market="wholesale", reason="no_reason")).case
    await do(case, BUYER, "messages", text="It is broken.")
    await do(case, MERCHANT, "decline", why="It is as described.")
    clock.move(hours=1)
    await do(case, BUYER, "appeal", why="It is not.", evidence=["photo-1", "photo-2"])
    await do(case, ANNA, "claim")
    await do(case, ANNA, "rule", outcome="subsidise", grounds=["goods.defective"])
    english = (await work.statement(int(case), "merchant", "en"))[1]
    assert "- appeal: by the buyer on 2026-03-02 13:00 (Asia/Shanghai); new evidence: 2\n" in english
    assert "- messages, offers and evidence in the thread: 1\n" in english
    chinese = (await work.statement(int(case), "buyer", "zh"))[1]
    assert "- 申诉：买家于2026-03-02 13:00（Asia/Shanghai）提出，附新证据2份\n" in chinese
    # the ruling that was appealed rests on none
    assert "appeal: by" not in (await work.statement(int(case), "merchant", "en", 0))[1]
