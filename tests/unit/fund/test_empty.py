"""What becomes of a subsidy that the budget does not cover: as the document says, in every compiler, else a review."""

from itertools import product

import duckdb
import pytest

from evenhand.fund.empty import within_budget
from evenhand.policy import Policy, PolicyError

SHIPPED = Policy.load("1688@2025-03")


def saying(word: str) -> Policy:
    return Policy.parse(SHIPPED.source.replace("currency: CNY", f"currency: CNY\nwhen_empty: {word}", 1))


def facts(integrity: str, reason: str, available: bool | None) -> dict[str, dict[str, object]]:
    return {
        "application": {"remedy": "refund_only", "stage": "received", "reason": reason, "amount": 8_000},
        "buyer": {"integrity": integrity},
        "fund": {"available": available},
    }


EVERY = [facts(*one) for one in product(("good", "poor"), ("quality", "other"), (True, False, None))]


@pytest.mark.parametrize("word", ["review", "merchant_decides"])
def test_only_a_subsidy_without_money_is_turned(word: str) -> None:
    policy = saying(word)
    for one in EVERY:
        ruled, before = policy.rule(one), SHIPPED.rule(one)
        if before.payer == "platform" and one["fund"]["available"] is False:
            assert (ruled.outcome, ruled.payer, ruled.amount, ruled.rule) == (word, "none", 0, before.rule)
            assert "80.00 CNY" in ruled.because.en
            assert "预算不足" in ruled.because.zh
        else:
            assert (ruled.outcome, ruled.payer, ruled.amount, ruled.because) == (
                before.outcome, before.payer, before.amount, before.because,
            )  # fmt: skip


@pytest.mark.parametrize("word", ["review", "merchant_decides"])
def test_sql_says_the_same(word: str) -> None:
    policy = saying(word)
    names = policy.model.read
    with duckdb.connect() as connection:
        kinds = {"fund.available": "boolean", "application.amount": "bigint"}
        columns = ", ".join(f'"{name}" {kinds.get(name, "varchar")}' for name in names)
        connection.execute(f"create table facts ({columns})")
        rows = [[one[name.split(".")[0]].get(name.split(".")[1]) for name in names] for one in EVERY]
        connection.executemany(f"insert into facts values ({', '.join('?' * len(names))})", rows)
        found = connection.sql(
            f"select outcome, payer, amount, because from ({policy.query('duckdb', 'facts')})"
        ).fetchall()
    expected = [policy.rule(one) for one in EVERY]
    assert sorted((row[0], row[1], row[2]) for row in found) == sorted(
        (one.outcome, one.payer, one.amount) for one in expected
    )
    assert [row[3] for row in found].count("fund.empty") == 1


@pytest.mark.parametrize("word", ["review", "merchant_decides"])
def test_its_promises_are_proven_with_it(word: str) -> None:
    report = saying(word).check()
    assert [one.status for one in report.promises] == ["proven"] * 8
    assert report.findings == ()


def test_a_promise_that_forgets_the_empty_fund_is_broken() -> None:
    promise = '- when `quality_dispute = true and buyer.integrity = "good" and application.stage = "received" and '
    promise += 'application.remedy = "refund_only"` then `outcome = "subsidise"`\n'
    policy = Policy.parse(saying("review").source.replace("## Examples", f"{promise}\n## Examples", 1))
    broken = [one for one in policy.check().promises if one.status != "proven"]
    assert len(broken) == 1


def test_another_word_is_a_fault_with_its_place() -> None:
    with pytest.raises(PolicyError, match=r"policy\.md:7:13: when_empty is review or merchant_decides, not 'decline'"):
        saying("decline")


def test_a_document_that_says_nothing_is_answered_by_a_review() -> None:
    for one in EVERY:
        ruled = within_budget(SHIPPED.rule(one), one, "CNY")
        if one["fund"]["available"] is False and SHIPPED.rule(one).payer == "platform":
            assert (ruled.outcome, ruled.payer, ruled.amount) == ("review", "none", 0)
            assert ruled.because == saying("review").rule(one).because
        else:
            assert ruled == SHIPPED.rule(one)
