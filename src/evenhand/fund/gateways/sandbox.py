"""The sandbox gateway's client: plain HTTP, one payment per key."""

from typing import Final

import httpx
import msgspec

from evenhand.fund.gateways import Answer, NotNow, Payment, Unknown

_SECONDS: Final = 10.0
_answer: Final = msgspec.json.Decoder(Answer)


class Sandbox:
    """A sandbox (`evenhand fund sandbox`) at an address."""

    name = "sandbox"

    def __init__(self, url: str, *, timeout: float = _SECONDS) -> None:
        # the environment's proxies are for the world outside
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def pay(self, payment: Payment) -> Answer:
        """See `Gateway`."""
        body = {"amount": payment.amount, "currency": payment.currency, "buyer": payment.buyer, "case": payment.case}
        headers = {"idempotency-key": payment.key}
        try:
            response = await self._client.post("/payments", json=body, headers=headers)
        except httpx.ConnectError as error:
            raise NotNow(f"the sandbox cannot be reached: {error}") from None
        except httpx.HTTPError as error:
            raise Unknown(f"no answer to the payment: {error!r}") from None
        if response.status_code in (429, 503):
            raise NotNow(f"the sandbox does not take payments now ({response.status_code})")
        return _read(response, payment)

    async def find(self, payment: Payment) -> Answer | None:
        """See `Gateway`."""
        try:
            response = await self._client.get(f"/payments/{payment.key}")
        except httpx.HTTPError as error:
            raise Unknown(f"no answer to the question: {error!r}") from None
        return None if response.status_code == 404 else _read(response, payment)


def _read(response: httpx.Response, payment: Payment) -> Answer:
    """The answer, if it is one, and about this payment: on a connection that is out of step it may be another's."""
    if response.status_code not in (200, 201, 202, 402):
        raise Unknown(f"the sandbox answered {response.status_code}")
    if response.headers.get("idempotency-key") != payment.key:
        raise Unknown("the sandbox answered about another payment")
    try:
        return _answer.decode(response.content)
    except msgspec.DecodeError as error:
        raise Unknown(f"the sandbox's answer cannot be read: {error}") from None
