"""The load of a fault campaign: clients that file, act on cases, repeat themselves and send things in the wrong order.

A client that gets no answer, or one that says "later", sends the same again until it is answered, as clients of a service that
must not lose anything do. What was answered is kept, to be looked for afterwards.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx

MARKETS: Final = ("1688", "taobao", "pinduoduo")
_PATIENCE_SECONDS: Final = 120
# What a request meets whose server goes away; on uvloop a connection that ends while it is set up has no socket to ask about.
_GONE: Final = (httpx.TransportError, AttributeError)
# How often a client looks whether a panel was drawn.
_LOOKS: Final = 6
_BUYERS, _MERCHANTS = 400, 40
# Of a hundred requests: sent twice at once, an application before its order, an old application again.
_TWICE, _EARLY, _AGAIN = 15, 8, 8


class Load:
    """The clients, and what was acknowledged to them."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._chance = random.Random(seed)
        self._numbers = iter(range(1, 10_000_000))
        # what was answered, by application: market, case, outcome, amount
        self.rulings: dict[str, tuple[str, str, str, int]] = {}
        # keys of actions that were answered with success, and their case
        self.actions: dict[str, str] = {}
        # votes that were answered with success: by case and juror, whether for the buyer
        self.votes: dict[tuple[str, str], bool] = {}
        # requests, answers, retries, repeats, early, acted, appealed, voted, refused
        self.counts: Counter[str] = Counter()
        # what must not be, one line each
        self.problems: list[str] = []
        self._sent: dict[str, dict[str, Any]] = {}
        self.over = False

    async def run(self, clients: int) -> None:
        """Send until `over`, and until everything that was sent is answered."""
        # the environment's proxies are for the world outside
        async with httpx.AsyncClient(base_url=self._url, timeout=20, trust_env=False) as client:
            await asyncio.gather(*(self._work(client) for _ in range(clients)))

    async def _work(self, client: httpx.AsyncClient) -> None:
        while not self.over:
            number = next(self._numbers)
            market = self._chance.choice(MARKETS)
            order, application = _order(number), _application(number, self._chance)
            if self._luck(_EARLY):
                early = await self._send(client, f"/v1/markets/{market}/applications", application)
                self.counts["early"] += 1
                if early.status_code < 400:
                    self.problems.append(f"{application['id']} was ruled before there was an order")
            await self._sent_well(client, f"/v1/markets/{market}/orders", order)
            ruled = await self._file(client, market, application)
            if ruled:
                await self._act(client, ruled, order)
            if self.rulings and self._luck(_AGAIN):
                old = self._chance.choice(list(self.rulings))
                await self._file(client, self.rulings[old][0], self._sent[old])
            await asyncio.sleep(self._chance.uniform(0, 0.1))

    async def _file(self, client: httpx.AsyncClient, market: str, application: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self._sent_well(client, f"/v1/markets/{market}/applications", application)
        if answer is None:
            return None
        number = application["id"]
        found = (market, answer["case"], answer["outcome"], answer["amount"])
        self.counts["repeats"] += answer["repeated"]
        if self.rulings.setdefault(number, found) != found:
            self.problems.append(f"{number} was ruled {self.rulings[number]} first, and then {found}")
        self._sent[number] = application
        return answer

    async def _act(self, client: httpx.AsyncClient, ruled: dict[str, Any], order: dict[str, Any]) -> None:
        """What people might do in the case; not every case allows all of it, and a refusal is an answer."""
        buyer = {"role": "buyer", "id": order["buyer"]}
        merchant = {"role": "merchant", "id": order["lines"][0]["merchant"]}
        staff = {"role": "adjudicator", "id": "kim"}
        offer = {"by": merchant, "kind": "partial_refund", "amount": 2000}
        other = {"role": "adjudicator", "id": "lee"}
        new = {"why": "Look again.", "evidence": ["weight slip"]}
        # of a merchant who has paid: it is compensated, and the buyer owes; of a buyer who had nothing: the fund pays
        merchants = [("appeal", {"by": merchant, **new}), ("claim", {"by": other}), ("rule", _ruling(other, "decline"))]
        buyers = [("appeal", {"by": buyer, **new}), ("claim", {"by": other}), ("rule", _ruling(other, "subsidise"))]
        steps: list[tuple[str, dict[str, Any]]]
        match ruled["outcome"]:
            case "negotiate" | "merchant_decides":
                steps = self._chance.choice(
                    [
                        [("offers", offer), ("accept", {"by": buyer, "offer": 1})],
                        [("messages", {"by": buyer, "text": "It broke."}), ("accept", {"by": merchant})],
                        [("decline", {"by": merchant}), ("escalate", {"by": buyer})],
                        [("escalate", {"by": merchant, "why": "We differ."})],
                        [("decline", {"by": merchant}), *buyers],
                        [("withdraw", {"by": buyer})],
                        [("offers", offer)],
                        [],
                    ]
                )
            case "review":
                decline = [("claim", {"by": staff}), ("rule", _ruling(staff, "decline"))]
                steps = self._chance.choice([decline, [*decline, *buyers], [("claim", {"by": staff})], []])
            case "refund_by_merchant":
                steps = self._chance.choice([merchants, merchants[:2], [], []])
            case _:
                steps = []
        for action, body in steps:
            key = str(UUID(int=self._chance.getrandbits(128)))
            answer = await self._send(client, f"/v1/cases/{ruled['case']}/{action}", body, key)
            if answer.status_code == 200:
                self.counts["acted"] += 1
                self.counts["appealed"] += action == "appeal"
                self.counts["repeats"] += answer.json()["repeated"]
                self.actions[key] = ruled["case"]
            elif answer.status_code in (403, 409):
                self.counts["refused"] += 1
            else:
                self.problems.append(f"{action} of case {ruled['case']}: {answer.status_code} {answer.text[:300]}")
                return
            if action == "escalate" and answer.status_code == 200:
                await self._vote(client, ruled["case"])

    async def _vote(self, client: httpx.AsyncClient, case: str) -> None:
        """Where a panel is drawn before long, its jurors vote; not always all that are needed."""
        jurors: list[str] = []
        for _ in range(_LOOKS):
            with suppress(*_GONE):
                answer = await client.get(f"/v1/cases/{case}/panel")
                jurors = answer.json()["jurors"] if answer.status_code == 200 else []
            if jurors or self.over:
                break
            await asyncio.sleep(0.5)
        side = self._chance.choice(("buyer", "merchant"))
        for juror in jurors[: self._chance.choice((1, 2, 2, 3))]:
            vote = {"juror": juror, "side": side, "reason": "I looked."}
            answer = await self._send(client, f"/v1/cases/{case}/votes", vote)
            if answer.status_code == 200:
                self.counts["voted"] += 1
                self.counts["repeats"] += answer.json()["repeated"]
                self.votes[case, juror] = side == "buyer"
            elif answer.status_code == 409:
                self.counts["refused"] += 1
            else:
                self.problems.append(f"vote of {juror} in case {case}: {answer.status_code} {answer.text[:300]}")

    async def _sent_well(self, client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self._send(client, path, body)
        if answer.status_code < 300:
            return answer.json()
        self.problems.append(f"{path} {body['id']}: {answer.status_code} {answer.text[:300]}")
        return None

    async def _send(
        self, client: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None = None
    ) -> httpx.Response:
        """Send until there is an answer, sometimes twice at the same time."""
        if not self._luck(_TWICE):
            return await self._until_answered(client, path, body, key)
        one, two = await asyncio.gather(*(self._until_answered(client, path, body, key) for _ in range(2)))
        # of two that overlap an early one may be refused and the other not: the better answer is what counts
        return one if one.status_code <= two.status_code else two

    async def _until_answered(
        self, client: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None
    ) -> httpx.Response:
        headers = {} if key is None else {"idempotency-key": key}
        last = ""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                self.counts["requests"] += 1
                try:
                    answer = await client.post(path, json=body, headers=headers)
                except _GONE as error:
                    last = repr(error)
                else:
                    if answer.status_code == 500:
                        self.problems.append(f"{path}: 500 {answer.text[:300]}")
                    if answer.status_code < 500:
                        self.counts["answers"] += 1
                        return answer
                    last = answer.text
                self.counts["retries"] += 1
                await asyncio.sleep(0.1 + self._chance.random() / 5)
        raise AssertionError(last)

    def _luck(self, percent: int) -> bool:
        return self._chance.randrange(100) < percent


def _ruling(by: dict[str, str], outcome: str) -> dict[str, Any]:
    return {
        "by": by,
        "outcome": outcome,
        "grounds": ["goods.as_described" if outcome == "decline" else "goods.defective"],
    }


def _order(number: int) -> dict[str, Any]:
    placed = datetime.now(UTC) - timedelta(days=10)
    return {
        "id": f"o{number}",
        "buyer": f"b{number * 7919 % _BUYERS}",
        "placed_at": placed.isoformat(),
        "delivered_at": (placed + timedelta(days=5)).isoformat(),
        "currency": "CNY",
        "lines": [{"id": "1", "merchant": f"m{number % _MERCHANTS}", "category": "toys", "amount": 10_000}],
    }


def _application(number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "order": f"o{number}",
        "line": "1",
        "remedy": chance.choice(("refund_only", "refund_only", "refund_only", "return_and_refund", "exchange")),
        "stage": "received",
        "reason": chance.choice(("quality", "quality", "not_as_described", "other")),
        "amount": 5_000 + number % 997,
        "currency": "CNY",
    }
