"""What silence leads to is a part of the ruling where a document says it, and nowhere else."""

import pytest

from evenhand.policy import Policy, encode_ruling, shipped
from evenhand.policy.errors import PolicyError

DOCUMENT = """---
policy: quiet
version: 1
effective: 2025-01-01
---
# Quiet

A test.

## Ruling
| F | application.stage | → outcome | → respond_within_hours | → on_silence |
|---|-------------------|-----------|------------------------|--------------|
| 1 | "received"        | negotiate | 24                     | {first}      |
| 2 | -                 | negotiate | 24                     | null         |

## Promises
- never `on_silence = "accept"`
"""


def test_the_document_says_what_silence_leads_to() -> None:
    policy = Policy.parse(DOCUMENT.format(first="close"))
    received = policy.rule({"application": {"stage": "received"}})
    other = policy.rule({"application": {"stage": "unshipped"}})
    assert (received.on_silence, other.on_silence) == ("close", None)
    assert b'"on_silence":"close"' in encode_ruling(received)
    assert b"on_silence" not in encode_ruling(other).partition(b'"trace"')[0]
    assert "on_silence" in policy.sql("duckdb")


def test_a_promise_about_silence_is_proven_or_refuted() -> None:
    assert Policy.parse(DOCUMENT.format(first="close")).check().good
    assert not Policy.parse(DOCUMENT.format(first="accept")).check().good


def test_what_silence_cannot_lead_to_is_refused() -> None:
    with pytest.raises(PolicyError, match="explode"):
        Policy.parse(DOCUMENT.format(first="explode"))


def test_shipped_policies_leave_it_to_the_defaults() -> None:
    for policy in shipped():
        ruling = policy.rule({"application": {"remedy": "refund_only", "stage": "received", "amount": 1}})
        assert ruling.on_silence is None
