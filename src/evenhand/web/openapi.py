"""The OpenAPI 3.1 document: what the framework knows of the handlers, and the two POST addresses that stand before it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig

from evenhand import __version__
from evenhand.accounts.links.explaining import Explained, Links
from evenhand.accounts.links.findings import Finding
from evenhand.cases.actions import ACTIONS
from evenhand.cases.settings import Settings
from evenhand.cases.statement import StatementOfReasons
from evenhand.casework import Acted
from evenhand.desk import OrderTaken, Ruled
from evenhand.erasure import Erased
from evenhand.events.deliveries import Attempt, Delivery
from evenhand.events.webhooks import Change, NewWebhook, Rotation, Webhook
from evenhand.evidence.custody import Evidence
from evenhand.evidence.fresh import PhotoRequest
from evenhand.evidence.holds import Hold
from evenhand.evidence.log import CustodyLog
from evenhand.evidence.retention import Keeping, Retention
from evenhand.fund.budgets import Budget
from evenhand.fund.by_hand import Moved
from evenhand.fund.debts import Debt
from evenhand.fund.payouts import OrderPayment, PaidThrough, Payout
from evenhand.fund.statement import Statement
from evenhand.panels import PanelShown, Voted
from evenhand.profiles import AccountShown
from evenhand.publishing import Publication
from evenhand.records import Application, Market, MerchantRule, Order
from evenhand.web.accounts import Interception
from evenhand.web.api import Health, MarketShown, PolicyShown, PolicyText
from evenhand.web.asgi import JSON, LARGEST_BODY
from evenhand.web.bodies import MOST_ITEMS, NDJSON
from evenhand.web.cases import Inbox, SettingsShown, Timeline, Vote
from evenhand.web.custody import PlaceHold, SetRetention
from evenhand.web.erasure import Erase
from evenhand.web.events import EventPage
from evenhand.web.evidence import AskPhoto, CheckPhoto, EvidenceOfCase
from evenhand.web.fund import (
    DebtPage,
    MoveMoney,
    Noticed,
    PaymentReference,
    PayoutPage,
    PayThrough,
    SetBudget,
    SettlePayout,
)
from evenhand.web.labels import (
    Appeal,
    AppealDecision,
    AppealFiled,
    Ending,
    LabellingSettings,
    LabelList,
    LabelSet,
    NewLabel,
    ProposalDecided,
    ProposalDecision,
)
from evenhand.web.links import Judgement, Looked
from evenhand.web.problems import CONTENT_TYPE, Problem
from evenhand.web.shapes import Case, CasePage
from evenhand.web.webhooks import DeliveryPage, Resent

Json = dict[str, Any]
_CONFIG: Final = OpenAPIConfig(
    title="Evenhand",
    version=__version__,
    summary="Decides refund disputes for marketplaces.",
    description="Orders and refund applications in, rulings out. Money is in minor units; every moment carries a time zone. "
    "Errors are RFC 9457 problem details whose `type` leads to a page that explains it.",
    use_handler_docstrings=True,
)
# Records the framework would describe without their docstrings.
_DESCRIBED: Final = (
    Case, CasePage, MarketShown, PolicyShown, PolicyText, Publication, MerchantRule, Statement, Health,
    Budget, SetBudget, MoveMoney, Moved, Payout, PayoutPage, PayThrough, PaidThrough,
    PaymentReference, OrderPayment, SettlePayout, Noticed, Debt, DebtPage,
    Evidence, EvidenceOfCase, PhotoRequest, AskPhoto, CheckPhoto,
    Links, Explained, Finding, Judgement, Looked, CustodyLog, Hold, Keeping, Retention, PlaceHold, SetRetention, Erase, Erased,
    Market, EventPage, NewWebhook, Webhook, Change, Rotation, Delivery, Attempt, DeliveryPage, Resent,
    Acted, Timeline, Inbox, Settings, SettingsShown, StatementOfReasons, Vote, Voted, PanelShown,
    NewLabel, LabelSet, Ending, Appeal, AppealFiled, AppealDecision, ProposalDecision, ProposalDecided, LabellingSettings,
    LabelList, AccountShown, Interception,
    *(kind for kind, _ in ACTIONS.values()),
)  # fmt: skip
_REF: Final = "#/components/schemas/{name}"
_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Belongs to this request: sent again under it, it is done once; another request under it is refused.",
}
# What is posted and takes no key.
_KEYLESS: Final = frozenset(
    {"/v1/webhooks/{webhook}/test", "/v1/markets/{market}/ring-findings", "/v1/gateways/{gateway}/notices"}
)
_MATCH: Final[Json] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag as it was read: done only while that is the latest version, else answered by 412.",
}
# What is changed from the version it was read at.
_VERSIONED: Final[Mapping[str, tuple[str, ...]]] = {
    **{f"/v1/cases/{{case}}/{action}": ("post",) for action in (*ACTIONS, "votes")},
    "/v1/markets/{market}/case-settings": ("put",),
    "/v1/markets/{market}/payouts": ("put",),
    "/v1/markets/{market}/orders/{order}/payment": ("put",),
    "/v1/webhooks/{webhook}": ("patch", "delete"),
    "/v1/webhooks/{webhook}/rotate": ("post",),
}


def document(handlers: Sequence[HTTPRouteHandler]) -> Json:
    """The whole document as plain data."""
    # never served: it is there to be described
    described = Litestar(handlers, openapi_config=_CONFIG, logging_config=None)
    found: Json = described.openapi_schema.to_schema()
    schemas, components = msgspec.json.schema_components(
        [Application, Order, Ruled, OrderTaken, Problem, *_DESCRIBED], schema_hook=_hook, ref_template=_REF
    )
    application, order, ruled, taken, problem, *_ = schemas
    for path, operations in found["paths"].items():
        for operation in operations.values():
            _tidy(operation, problem)
        if "post" in operations and path not in _KEYLESS:
            operations["post"].setdefault("parameters", []).append(_KEY)
        for method in _VERSIONED.get(path, ()):
            operations[method].setdefault("parameters", []).append(_MATCH)
    posts = {
        "/v1/markets/{market}/applications": _post(
            "File refund applications",
            "Each application is ruled, booked and answered with its ruling once that is durable. The same application "
            "again (same id, same body) gets the same ruling, with `repeated` true; the same id with another body is a conflict.",
            application,
            ruled,
            problem,
        ),
        "/v1/markets/{market}/orders": _post(
            "Send orders",
            "An order is sent when it is placed, and again whenever it has come further (shipped, delivered, reviewed). "
            "What is new moves it forward; what was said once cannot be changed.",
            order,
            taken,
            problem,
        ),
    }
    found["paths"] = {**posts, **found["paths"]}
    found["components"]["schemas"] |= components
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "Needed when the server has EVENHAND_API_KEY set."}
    }
    found["security"] = [{}, {"key": []}]
    return found


def _hook(kind: type) -> Json:
    if kind is msgspec.Raw:
        return {"description": "The tables that fired, with the facts they read and what came out."}
    raise NotImplementedError


def _tidy(operation: Json, problem: Json) -> None:
    """One way to say what may go wrong, instead of the framework's own."""
    operation.pop("deprecated", None)
    for parameter in operation.get("parameters", []):
        for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(noise, None)
    operation["responses"] = {
        status: response for status, response in operation["responses"].items() if int(status) < 400
    } | {"default": _problems(problem)}


def _problems(problem: Json) -> Json:
    return {"description": "What went wrong.", "content": {CONTENT_TYPE: {"schema": problem}}}


def _post(summary: str, description: str, record: Json, answer: Json, problem: Json) -> Json:
    many = {"type": "array", "items": record, "maxItems": MOST_ITEMS}
    answers = {"type": "array", "items": {"anyOf": [answer, problem]}}
    return {
        "post": {
            "summary": summary,
            "description": f"{description}\n\nThe body is one object, an array, or NDJSON (one object a line), up to "
            f"{MOST_ITEMS:,} items and {LARGEST_BODY // 2**20} MB. One object is answered by 201, or 200 when it was known; "
            "several by 200 and, item by item in their order, an answer or a problem each. "
            "A wrong item does not touch the others.",
            "operationId": summary.title().replace(" ", ""),
            "tags": ["markets"],
            "parameters": [
                {
                    "name": "market",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string"},
                    "description": "The market's id.",
                },
                _KEY,
            ],
            "requestBody": {
                "required": True,
                "content": {JSON: {"schema": {"oneOf": [record, many]}}, NDJSON: {"schema": record}},
            },
            "responses": {
                "201": {"description": "The one object was taken.", "content": {JSON: {"schema": answer}}},
                "200": {
                    "description": "The one object was known; or the answers of several, in order.",
                    "content": {
                        JSON: {"schema": {"anyOf": [answer, answers]}},
                        NDJSON: {"schema": {"anyOf": [answer, problem]}},
                    },
                },
                "default": _problems(problem),
            },
        }
    }
