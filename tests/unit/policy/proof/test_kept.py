"""A ruling that a person made, against what the document promises never happens."""

from typing import Any

import pytest

from evenhand.policy import Policy
from evenhand.policy.proof.kept import broken_promise

SOURCE = """---
policy: kept
version: 1
effective: 2020-01-01
---
# Kept

## Fragile
| U | order.category | → fragile |
|---|----------------|-----------|
| 1 | "glass"        | true      |
| 2 | not("glass")   | false     |

## Dear
| U | order.amount | → dear |
|---|--------------|--------|
| 1 | >= 5000      | true   |
| 2 | < 5000       | false  |

## Trusted
| U | buyer.label | → trusted |
|---|-------------|-----------|
| 1 | "none"      | true      |
| 2 | not("none") | false     |

## Ruling
| F | application.stage | → outcome        |
|---|-------------------|------------------|
| 1 | "in_transit"      | negotiate        |
| 2 | -                 | merchant_decides |

## Promises
- never `fragile = true and return_required = true`
- never `payer = "merchant" and merchant.experience_score >= 4.80`
- never `amount > 5000`
- when `fragile = true` then `outcome = "review"`
- when `merchant.high_quality = true` then `payer = "none"`
- when `amount > 4000 and outcome = "subsidise"` then `dear = true`
- when `outcome = "subsidise"` then `buyer.integrity >= "good"`
- when `trusted = false` then `payer = "none"`
- when `amount = 1` then `respond_within_hours = 24`
- when `fragile = true` then `dear = true`
"""
FACTS = {
    "order": {"category": "glass", "amount": 9_000},
    "merchant": {"experience_score": 4.8},
    "application": {"amount": 9_000},
}
GRANTED = {"outcome": "subsidise", "payer": "platform", "amount": 5_000, "return_required": False}


@pytest.mark.parametrize(
    ("given", "facts", "broken"),
    [
        ({}, {}, None),
        ({"return_required": True}, {}, "never `fragile = true and return_required = true`"),
        ({"return_required": True}, {"order": {"category": "toys", "amount": 9_000}}, None),
        ({"payer": "merchant"}, {}, 'never `payer = "merchant" and merchant.experience_score >= 4.80`'),
        ({"payer": "merchant"}, {"merchant": {"experience_score": 4.79}}, None),
        ({"payer": "merchant"}, {"merchant": {}}, None),
        ({"amount": 5_001}, {}, "never `amount > 5000`"),
        # of what nobody may do
        ({}, {"merchant": {"high_quality": True}}, 'when `merchant.high_quality = true` then `payer = "none"`'),
        ({}, {"order": {"amount": 4_999}}, 'when `amount > 4000 and outcome = "subsidise"` then `dear = true`'),
        ({}, {"order": {}}, 'when `amount > 4000 and outcome = "subsidise"` then `dear = true`'),
        ({"amount": 4_000}, {"order": {"amount": 4_999}}, None),
        # where the document lets the parties negotiate first, it does not say who pays in the end; what may not be ruled stays
        ({}, {"merchant": {"high_quality": True}, "application": {"stage": "in_transit"}}, None),
        (
            {},
            {"order": {"amount": 4_999}, "application": {"stage": "in_transit"}},
            'when `amount > 4000 and outcome = "subsidise"` then `dear = true`',
        ),
        # a return charges nobody by itself, but for `never`
        ({"outcome": "return_and_refund", "payer": "merchant"}, {"merchant": {"high_quality": True}}, None),
        # how the buyer is seen is looked at again, and so is how the tables rule
        ({}, {"buyer": {"integrity": "poor", "label": "malicious"}}, None),
        ({"amount": 1}, {}, None),
    ],
)
def test_never_binds_and_of_when_what_limits_who_pays_and_what_is_given(
    given: dict[str, Any], facts: dict[str, Any], broken: str | None
) -> None:
    assert broken_promise(Policy.parse(SOURCE), FACTS | facts, GRANTED | given) == broken


def test_promises_that_cannot_be_read_hold_nobody() -> None:
    policy = Policy.parse(SOURCE.replace("never `amount > 5000`", "never `amount is large`"))
    assert broken_promise(policy, FACTS, GRANTED | {"amount": 9_000}) is None
