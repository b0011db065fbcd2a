"""`POST /v1/markets/{market}/orders` and `/applications`: the two addresses a marketplace lives on.

They stand in front of the framework, since most of what a server does for one small request is not about the request. What they
take and answer is in the OpenAPI document all the same.
"""

import logging
import re
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, Generic, TypeVar

import msgspec

from evenhand.desk import Desk, OrderTaken, Ruled
from evenhand.errors import BadInput, EvenhandError, StoreError
from evenhand.records import Application, Order
from evenhand.store import Database
from evenhand.web import bodies
from evenhand.web.asgi import JSON, Gone, Headers, Receive, Scope, Send, answer, answer_problem, body_of
from evenhand.web.batcher import Batcher, Busy
from evenhand.web.keys import Keys
from evenhand.web.metrics import Metrics
from evenhand.web.problems import Refused, of_error, problem

R = TypeVar("R", Order, Application)
_log: Final = logging.getLogger(__name__)
_path: Final = re.compile(r"/v1/markets/([^/]+)/(orders|applications)")
_json: Final = msgspec.json.Encoder(decimal_format="number")
# Batches at work: one is ruled while the one before is written, and a full one may be read meanwhile.
_RULING: Final = 2
_FULL: Final = 1
# How long a forming batch waits for company, in seconds.
_LINGER: Final = 0.001


class _Door(Generic[R]):
    """One kind of record: how it is read, and who works on it."""

    def __init__(self, kind: type[R], batcher: Batcher[tuple[str, R], Any], metrics: Metrics, name: str) -> None:
        self.kind = kind
        self.batcher = batcher
        self.observe = metrics.request_observer(name)
        metrics.watch_queue(name, lambda: batcher.waiting)


class Posts:
    """Answers the two addresses."""

    def __init__(self, desk: Desk, database: Database, metrics: Metrics) -> None:
        self._desk = desk
        self._keys = Keys(database)

        async def rule(items: Sequence[tuple[str, Application]]) -> Sequence[Ruled | EvenhandError]:
            answers = await desk.rule(items)
            metrics.ruled(items, answers)
            return answers

        ruling = Batcher(
            rule, in_flight=_RULING, full=_FULL, linger=_LINGER, observe=metrics.batch_observer("applications")
        )
        taking = Batcher(desk.take_orders, linger=_LINGER, observe=metrics.batch_observer("orders"))
        self._doors: dict[str, _Door[Any]] = {
            "applications": _Door(Application, ruling, metrics, "applications"),
            "orders": _Door(Order, taking, metrics, "orders"),
        }

    async def drain(self) -> None:
        """Wait until everything taken on is answered."""
        for door in self._doors.values():
            await door.batcher.drain()

    async def answers(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> bool:
        """Answer the request if it is for one of the two addresses."""
        path: str = scope["path"]
        match = _path.fullmatch(path)
        if match is None:
            return False
        started = perf_counter()
        door = self._doors[match[2]]
        try:
            if scope["method"] != "POST":
                raise Refused("method-not-allowed", f"{path} takes POST only", headers={"allow": "POST"})
            await self._answer(door, match[1], path, headers, receive, send)
        except Gone:
            return True
        except Refused as refused:
            await answer_problem(send, refused.problem, refused.headers)
        except Busy:
            await answer_problem(send, problem("busy", "too much is waiting already; nothing was written"))
        except EvenhandError as error:
            await answer_problem(send, of_error(error))
        except Exception:
            _log.exception("%s failed", path)
            await answer_problem(send, problem("internal", "something went wrong; the server's log says what"))
        door.observe(perf_counter() - started)
        return True

    async def _answer(
        self, door: _Door[R], market: str, path: str, headers: Headers, receive: Receive, send: Send
    ) -> None:
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refused("unsupported-media-type", "bodies are taken uncompressed")
        if market not in self._desk.markets:
            raise Refused("not-found", f"there is no market {market[:120]!r}", field="market")
        raw = await body_of(headers, receive)
        body = bodies.read(headers.get(b"content-type"), raw, door.kind)
        await self._keys.check(headers, path, raw)
        if body.form == "object":
            (item,) = body.items
            if isinstance(item, BadInput):
                raise item
            (done,) = await door.batcher.submit([(market, item)])
            if isinstance(done, EvenhandError):
                raise done
            await _answer_one(send, done)
            return
        answers = await _ruled_in_place(door, market, body.items)
        if answers and all(isinstance(one, StoreError) for one in answers):
            raise answers[0]
        said = [
            of_error(one, body.line(place)) if isinstance(one, EvenhandError) else one
            for place, one in enumerate(answers)
        ]
        if body.form == "array":
            await answer(send, 200, JSON, _json.encode(said))
        else:
            await answer(send, 200, bodies.NDJSON, _json.encode_lines(said))


async def _ruled_in_place(door: _Door[R], market: str, items: list[R | BadInput]) -> list[Any]:
    """Answers in the order of the items: what could not be read keeps its place."""
    records = [(market, item) for item in items if not isinstance(item, BadInput)]
    done = await door.batcher.submit(records) if records else []
    if len(records) == len(items):
        return done
    answers = iter(done)
    return [item if isinstance(item, BadInput) else next(answers) for item in items]


async def _answer_one(send: Send, done: Ruled | OrderTaken) -> None:
    headers = {"location": f"/v1/cases/{done.case}"} if isinstance(done, Ruled) else None
    await answer(send, 200 if done.repeated else 201, JSON, _json.encode(done), headers)
