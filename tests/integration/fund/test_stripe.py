"""Stripe by its own library, against a server that answers in Stripe's recorded shapes (API reference: Refunds, Errors)."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from evenhand.fund.gateways import Answer, Gateway, NotNow, Payment, Unknown
from evenhand.fund.gateways.stripe import Stripe

PAYMENT = Payment("eh_1", 8_000, "USD", "shop", "buyer-1", "o1", "17", "pi_3Abc")


def refund(**changes: Any) -> dict[str, Any]:
    """A Refund as Stripe answers it."""
    return {
        "id": "re_1Nispe2eZvKYlo2Cd31jOCgZ",
        "object": "refund",
        "amount": 8_000,
        "balance_transaction": "txn_1Nispe2eZvKYlo2CYezqFhEx",
        "charge": "ch_1NirD82eZvKYlo2CIvbtLWuY",
        "created": 1692942318,
        "currency": "usd",
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "metadata": {"evenhand_payout": "eh_1"},
        "payment_intent": "pi_3Abc",
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    } | changes


def wrong(kind: str, message: str, **changes: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message} | changes}


@dataclass
class Recorded:
    """Answers with what was recorded, and keeps what it was asked."""

    status: int = 200
    body: dict[str, Any] | None = field(default_factory=refund)
    asked: list[tuple[str, str, dict[str, str], dict[str, list[str]]]] = field(default_factory=list[Any])
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append((method, path, headers, parse_qs(body.decode())))
        if self.body is not None:
            said = json.dumps(self.body).encode()
            writer.write(
                f"HTTP/1.1 {self.status} X\r\ncontent-type: application/json\r\ncontent-length: {len(said)}\r\n"
                "connection: close\r\n\r\n".encode()
                + said
            )
            await writer.drain()
        writer.close()


@pytest.fixture
async def recorded() -> AsyncGenerator[Recorded]:
    kept = Recorded()
    server = await asyncio.start_server(kept.handle, "127.0.0.1", 0)
    kept.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield kept
    server.close()


@pytest.fixture
async def gateway(recorded: Recorded) -> AsyncGenerator[Gateway]:
    made = Stripe("sk_test_123", url=recorded.url, timeout=5)
    yield made
    await made.close()


async def test_a_payout_is_a_refund_the_platform_pays(gateway: Gateway, recorded: Recorded) -> None:
    answer = await gateway.pay(PAYMENT)
    assert answer == Answer("paid", "re_1Nispe2eZvKYlo2Cd31jOCgZ", 8_000, "USD")
    ((method, path, headers, body),) = recorded.asked
    assert (method, path) == ("POST", "/v1/refunds")
    assert headers["idempotency-key"] == "eh_1"
    assert headers["authorization"] == "Bearer sk_test_123"
    assert body["payment_intent"] == ["pi_3Abc"]
    assert body["amount"] == ["8000"]
    assert body["reverse_transfer"] == ["false"]
    assert body["metadata[evenhand_payout]"] == ["eh_1"]


@pytest.mark.parametrize(
    ("status", "state"),
    [("pending", "pending"), ("requires_action", "pending"), ("failed", "refused"), ("canceled", "refused")],
)
async def test_states_of_a_refund(gateway: Gateway, recorded: Recorded, status: str, state: str) -> None:
    recorded.body = refund(status=status, failure_reason="expired_or_canceled_card" if status == "failed" else None)
    answer = await gateway.pay(PAYMENT)
    assert answer.state == state
    assert answer.problem


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, wrong("api_error", "Something went wrong on Stripe's end."), Unknown),
        (
            409,
            wrong("invalid_request_error", "There is currently another in-progress request using this key."),
            Unknown,
        ),
        (
            400,
            wrong("idempotency_error", "Keys for idempotent requests can only be used with the same parameters."),
            Unknown,
        ),
        (429, wrong("invalid_request_error", "Request rate limit exceeded.", code="rate_limit"), NotNow),
        (401, wrong("invalid_request_error", "Invalid API Key provided: sk_test_***123"), NotNow),
        (403, wrong("invalid_request_error", "The provided key does not have the required permissions"), NotNow),
        (200, None, Unknown),
    ],
)
async def test_what_is_not_an_answer(
    gateway: Gateway, recorded: Recorded, status: int, body: dict[str, Any] | None, kind: type[Exception]
) -> None:
    recorded.status, recorded.body = status, body
    with pytest.raises(kind):
        await gateway.pay(PAYMENT)
    assert len(recorded.asked) == 1, "the library does not try again on its own"


async def test_a_refund_that_cannot_be_is_refused_for_good(gateway: Gateway, recorded: Recorded) -> None:
    recorded.status = 400
    recorded.body = wrong(
        "invalid_request_error", "Charge ch_1 has already been refunded.", code="charge_already_refunded"
    )
    answer = await gateway.pay(PAYMENT)
    assert (answer.state, "already been refunded" in answer.problem) == ("refused", True)


async def test_it_is_found_among_the_refunds_of_its_payment(gateway: Gateway, recorded: Recorded) -> None:
    other = refund(id="re_other", metadata={})
    recorded.body = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": [other, refund(id="re_ours")]}
    found = await gateway.find(PAYMENT)
    assert found is not None
    assert (found.state, found.id) == ("paid", "re_ours")
    assert recorded.asked[0][1].startswith("/v1/refunds?")
    assert "payment_intent=pi_3Abc" in recorded.asked[0][1]
    recorded.body = {"object": "list", "url": "/v1/refunds", "has_more": False, "data": [other]}
    assert await gateway.find(PAYMENT) is None
    recorded.status, recorded.body = 500, wrong("api_error", "down")
    with pytest.raises(Unknown):
        await gateway.find(PAYMENT)


async def test_currencies_that_stripe_writes_in_its_own_way(gateway: Gateway, recorded: Recorded) -> None:
    recorded.body = refund(amount=50_000, currency="isk")
    answer = await gateway.pay(Payment("eh_2", 500, "ISK", "shop", "b", "o", "1", "pi_1"))
    assert recorded.asked[0][3]["amount"] == ["50000"]
    assert (answer.amount, answer.currency) == (500, "ISK")


async def test_without_a_payment_reference_nothing_is_sent(gateway: Gateway, recorded: Recorded) -> None:
    without = Payment("eh_3", 500, "USD", "shop", "b", "o9", "1", None)
    with pytest.raises(NotNow, match="order o9 has no PaymentIntent"):
        await gateway.pay(without)
    assert await gateway.find(without) is None
    assert recorded.asked == []
