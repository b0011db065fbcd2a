"""Stripe: a payout is a refund of the order's PaymentIntent, paid by the platform.

The buyer gets the money back to where it came from. A refund of a destination charge that does not reverse the transfer leaves
the merchant's money where it is: the platform's own balance pays, which is what a subsidy means
(docs.stripe.com/connect/destination-charges, "Issue refunds"). So an order needs its PaymentIntent (`pi_...`) as reference.

Stripe keeps idempotency keys for a day at least, so what became of an older payment is read from the PaymentIntent's refunds,
where our key stands in the metadata.
"""

from typing import Any, Final, cast

import stripe

from evenhand.fund.gateways import Answer, NotNow, Payment, Unknown

_SECONDS: Final = 30.0
_KEY: Final = "evenhand_payout"
# Currencies whose amounts Stripe writes with two decimals although they have none (docs.stripe.com/currencies, "special cases").
_TWO_DECIMALS: Final = ("ISK", "UGX")
_STATES: Final = {"succeeded": "paid", "pending": "pending", "requires_action": "pending"}


class Stripe:
    """An account at Stripe, by a secret key."""

    name = "stripe"

    def __init__(self, key: str, *, url: str | None = None, timeout: float = _SECONDS) -> None:
        self._http = stripe.HTTPXClient(timeout=timeout)
        # when to try again is decided here, not in the library
        self._client = stripe.StripeClient(
            key, http_client=self._http, max_network_retries=0, base_addresses={"api": url} if url else None
        )

    async def close(self) -> None:
        await self._http.close_async()

    async def pay(self, payment: Payment) -> Answer:
        """See `Gateway`."""
        if payment.reference is None:
            raise NotNow(f"order {payment.order} has no PaymentIntent as its payment reference")
        params: Any = {
            "payment_intent": payment.reference,
            "amount": _outward(payment.amount, payment.currency),
            "reverse_transfer": False,
            "metadata": {_KEY: payment.key, "evenhand_case": payment.case, "evenhand_market": payment.market},
        }
        try:
            made = await self._client.v1.refunds.create_async(params, {"idempotency_key": payment.key})
        except stripe.APIConnectionError as error:
            raise Unknown(f"no answer from Stripe: {error}") from None
        except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
            raise NotNow(str(error)) from None
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            if error.http_status == 409:
                raise Unknown(f"a request with this key is under way: {error}") from None
            return Answer("refused", "", payment.amount, payment.currency, str(error))
        except stripe.StripeError as error:
            raise Unknown(f"Stripe did not say what it did: {error}") from None
        return _read(made)

    async def find(self, payment: Payment) -> Answer | None:
        """See `Gateway`."""
        if payment.reference is None:
            return None
        try:
            params: Any = {"payment_intent": payment.reference, "limit": 100}
            found = await self._client.v1.refunds.list_async(params)
            async for one in found.auto_paging_iter():
                metadata = one.metadata or {}
                if _KEY in metadata and metadata[_KEY] == payment.key:
                    return _read(one)
        except stripe.StripeError as error:
            raise Unknown(f"Stripe cannot be asked: {error}") from None
        return None


def _read(refund: stripe.Refund) -> Answer:
    currency = refund.currency.upper()
    state = cast("Any", _STATES.get(refund.status or "", "refused"))
    problem = "" if state == "paid" else refund.failure_reason or refund.status or ""
    return Answer(state, refund.id, _inward(refund.amount, currency), currency, problem)


def _outward(amount: int, currency: str) -> int:
    return amount * 100 if currency in _TWO_DECIMALS else amount


def _inward(amount: int, currency: str) -> int:
    return amount // 100 if currency in _TWO_DECIMALS else amount
