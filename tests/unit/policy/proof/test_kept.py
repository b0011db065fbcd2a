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

## Ruling
| F | fragile | → outcome |
|---|---------|-----------|
| 1 | -       | review    |

## Promises
- never `fragile = true and return_required = true`
- never `payer = "merchant" and merchant.experience_score >= 4.80`
- never `amount > 5000`
- when `fragile = true` then `outcome = "review"`
"""
FACTS = {"order": {"category": "glass"}, "merchant": {"experience_score": 4.8}, "application": {"amount": 9_000}}
GRANTED = {"outcome": "subsidise", "payer": "platform", "amount": 5_000, "return_required": False}


@pytest.mark.parametrize(
    ("given", "facts", "broken"),
    [
        ({}, {}, None),
        ({"return_required": True}, {}, "never `fragile = true and return_required = true`"),
        ({"return_required": True}, {"order": {"category": "toys"}}, None),
        ({"payer": "merchant"}, {}, 'never `payer = "merchant" and merchant.experience_score >= 4.80`'),
        ({"payer": "merchant"}, {"merchant": {"experience_score": 4.79}}, None),
        ({"payer": "merchant"}, {"merchant": {}}, None),
        ({"amount": 5_001}, {}, "never `amount > 5000`"),
    ],
)
def test_only_never_binds_and_it_reads_facts_tables_and_the_ruling(
    given: dict[str, Any], facts: dict[str, Any], broken: str | None
) -> None:
    assert broken_promise(Policy.parse(SOURCE), FACTS | facts, GRANTED | given) == broken


def test_promises_that_cannot_be_read_hold_nobody() -> None:
    policy = Policy.parse(SOURCE.replace("never `amount > 5000`", "never `amount is large`"))
    assert broken_promise(policy, FACTS, GRANTED | {"amount": 9_000}) is None
