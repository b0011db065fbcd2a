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
from tests.integration.cases.conftest import STRICT, Clock, File


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
