"""What is taken out of an agreement, which a party makes under its name."""

from datetime import UTC, datetime

import pytest

from evenhand.cases.model import Decision, Said
from evenhand.redaction import Redaction

NAME = "wang-xiaoming-8472"
BUYER = Redaction(NAME, "erased-1", "buyer", [])
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("source", "left"), [("agreement", "erased-1"), ("person", NAME)])
def test_who_made_an_agreement_is_a_party_and_who_ruled_is_staff(source: str, left: str) -> None:
    made = Decision("retention", "merchant", 3000, source, AT, by=(NAME,))  # pyright: ignore[reportArgumentType]
    said = BUYER.said(Said(decision=made), own=True, mine=True)
    assert said.decision is not None
    assert said.decision.by == (left,)
    told = {"role": "buyer", "who": NAME, "decision": {"source": source, "by": [NAME]}}
    assert BUYER.told(told, mine=True) == {
        "role": "buyer",
        "who": "erased-1",
        "decision": {"source": source, "by": [left]},
    }


def test_somebody_elses_agreement_stays() -> None:
    made = Decision("retention", "merchant", 3000, "agreement", AT, by=(NAME,))
    assert BUYER.said(Said(decision=made), own=False, mine=False).decision == made


def test_staff_and_strangers_of_the_same_name_are_not_the_person() -> None:
    zhang = Redaction("张伟", "erased-1", "buyer", [])
    elsewhere = {"role": "adjudicator", "who": "张伟", "text": "已电话联系张伟"}
    assert zhang.told(elsewhere, mine=False) == elsewhere
    assert zhang.told(elsewhere, mine=True) == {**elsewhere, "text": "已电话联系erased-1"}
    label = {"account": {"kind": "buyer", "id": "张伟"}, "cause": "张伟多次申请仅退款"}
    assert zhang.told(label, mine=False) == {
        "account": {"kind": "buyer", "id": "erased-1"},
        "cause": "erased-1多次申请仅退款",
    }
    other = {"account": {"kind": "merchant", "id": "张伟"}, "cause": "张伟不发货"}
    assert zhang.told(other, mine=False) == other
