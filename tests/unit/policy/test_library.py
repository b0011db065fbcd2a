"""The library, as the outside uses it."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import evenhand
from evenhand.errors import BadInput, UnknownThing

FACTS = {
    "application": {"remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 8000},
    "merchant": {"experience_score": 4.8},
}


def test_a_policy_is_loaded_by_name_day_version_or_file(tmp_path: Path) -> None:
    before = evenhand.Policy.load("taobao", at=date(2024, 8, 8))
    after = evenhand.Policy.load("taobao", at=date(2024, 8, 9))
    assert (before.version, after.version) == ("2023-12", "2024-08")
    assert evenhand.Policy.load("taobao@2023-12").hash == before.hash
    file = tmp_path / "mine.md"
    file.write_text(after.source, encoding="utf-8")
    assert evenhand.Policy.load(file).rule(FACTS) == after.rule(FACTS)
    with pytest.raises(UnknownThing, match=r"no version of policy taobao was in force on 2020-01-01"):
        evenhand.Policy.load("taobao", at=date(2020, 1, 1))
    with pytest.raises(UnknownThing, match=r"did you mean taobao\?"):
        evenhand.Policy.load("taobo")


def test_a_ruling_is_the_same_for_one_and_for_many_and_whatever_spells_the_number() -> None:
    policy = evenhand.Policy.load("taobao")
    one = policy.rule(FACTS)
    assert (one.outcome, one.payer, one.rule.partition("/")[0]) == ("negotiate", "none", "Ruling")
    exact = {**FACTS, "merchant": {"experience_score": Decimal("4.80")}}
    assert policy.rule_many([FACTS, exact, FACTS]) == [one, one, one]


def test_of_many_the_wrong_one_is_named() -> None:
    wrong = {"merchant": {"experience_score": 4.805}}
    with pytest.raises(BadInput, match=r"\[1\]\.merchant\.experience_score"):
        evenhand.Policy.load("taobao").rule_many([FACTS, wrong])
