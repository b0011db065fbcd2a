"""A stateful model of the case: whatever anybody does, in whatever order and at whatever time, some things always hold."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evenhand.cases.actions import ACTIONS, decide, tick
from evenhand.cases.adjudication import RULABLE, verdict
from evenhand.cases.machine import Hand, check_who, fold_all
from evenhand.cases.model import OFFERS, Case, Event, Ground, Who
from evenhand.cases.opening import opened, waits
from evenhand.cases.settings import Settings
from evenhand.cases.table import find
from evenhand.errors import BadInput, Conflict, NotAllowed

START = datetime(2026, 3, 2, 4, tzinfo=UTC)
PEOPLE = (
    Who("buyer", "b"), Who("merchant", "m"), Who("adjudicator", "Anna"), Who("adjudicator", "Boris"),
    Who("adjudicator", "Clara"), Who("platform", "ops"), Who("buyer", "stranger"),
)  # fmt: skip
# What happens by an action, where it is not called like its address.
HAPPENS = {"messages": "message", "offers": "offer", "send-back": "send_back", "confirm": "rule"}
HOURS = st.sampled_from((None, 24, 48))
OUTCOMES = (
    "negotiate",
    "merchant_decides",
    "return_and_refund",
    "review",
    "decline",
    "subsidise",
    "refund_by_merchant",
)


class AnyCase(RuleBasedStateMachine):
    """Buyer, merchant, adjudicators, strangers and the clock, all doing what they like."""

    @initialize(
        outcome=st.sampled_from(OUTCOMES),
        hours=HOURS,
        silence=st.sampled_from(("accept", "escalate", "close")),
        remedy=st.sampled_from(("refund_only", "return_and_refund", "exchange")),
        second=st.sampled_from((None, 0, 5_000)),
        share=st.sampled_from((0, 100)),
        never=st.sampled_from(((), ("merchant",), ("platform",), ("merchant", "platform"))),
    )
    def file(
        self,
        outcome: str,
        hours: int | None,
        silence: Any,
        remedy: str,
        second: int | None,
        share: int,
        never: tuple[str, ...],
    ) -> None:
        # who never pays, as the policy promises
        self.never = never
        payer: Any = {"subsidise": "platform", "refund_by_merchant": "merchant"}.get(outcome, "none")
        granted = 8_000 if outcome in ("subsidise", "refund_by_merchant", "return_and_refund") else 0
        due = START + timedelta(hours=hours or 168) if waits(outcome, hours) else None
        self.ground = Ground(
            no=1, market=1, currency="CNY", zone=ZoneInfo("Asia/Shanghai"),
            settings=Settings(second_pair_above=second, inspection_share=share, longest_thread=40), buyer="b", merchant="m",
            remedy=remedy, outcome=outcome, payer=payer, return_required=outcome == "return_and_refund", asked=8_000,
            granted=granted, hours=hours, silence=silence if waits(outcome, hours) else None, issued_at=START, first_due=due,
            line_paid=10_000, line_left=10_000 - (granted if payer != "none" else 0),
        )  # fmt: skip
        self.first = self.case = opened(self.ground)
        self.events: list[Event] = []
        self.now = START
        self.granted_elsewhere = 0

    def _left(self) -> int:
        return 10_000 - self.granted_elsewhere - self.case.paid.to_buyer

    def _do(self, who: Who | None, decided: Any, role: Any = None) -> None:
        ground = msgspec.structs.replace(self.ground, line_left=self._left())
        promise = "never that one"
        hand = Hand(
            self.case, ground, who, self.now, role=role, broken=lambda it: promise if it.payer in self.never else None
        )
        try:
            if who is not None:
                check_who(ground, who)
            decided(hand)
        except (BadInput, Conflict, NotAllowed):
            return  # refused: nothing of the hand is kept
        self.events += hand.events
        self.case = hand.case

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Somebody does something that somebody in that role may do now."""
        state = self.case.state
        may = {
            action: [who for who in PEOPLE if find(state, HAPPENS.get(action, action), who.role)] for action in ACTIONS
        }
        # what moves a case comes up more often than what only fills its thread
        likely = [name for name, who in may.items() if who and name not in ("messages", "evidence")] or ["messages"]
        action = data.draw(st.sampled_from(likely))
        self._act(data, data.draw(st.sampled_from(may[action] or PEOPLE)), action)

    @rule(data=st.data(), who=st.sampled_from(PEOPLE), action=st.sampled_from(tuple(ACTIONS)))
    def act_wildly(self, data: st.DataObject, who: Who, action: str) -> None:
        self._act(data, who, action)

    def _act(self, data: st.DataObject, who: Who, action: str) -> None:
        record = ACTIONS[action][0]
        offers = [None, *(one.no for one in self.case.offers[-3:])]
        amounts = st.one_of(st.none(), st.sampled_from((1, 500, 3_000, 8_000, 12_000)))
        drawn: dict[str, st.SearchStrategy[Any]] = {
            "text": st.just("words"),
            "why": st.just("because"),
            "offer": st.sampled_from(offers),
            "counters": st.sampled_from(offers),
            "kind": st.sampled_from(OFFERS),
            "amount": amounts,
            "outcome": st.sampled_from(RULABLE),
            "grounds": st.just(["goodwill"]),
            "evidence": st.just(["photo"]),
            "finding": st.sampled_from(("as_described", "defective")),
        }
        fields = {field.name for field in msgspec.structs.fields(record)}
        given = {name: data.draw(strategy) for name, strategy in drawn.items() if name in fields}
        body = record(by=who, **given)
        self._do(who, lambda hand: decide(hand, body))

    @rule(hours=st.sampled_from((1, 23, 24, 47, 200, 24 * 40)))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self._do(None, tick)

    @rule(amount=st.integers(1, 3_000))
    def another_application_is_granted(self, amount: int) -> None:
        self.granted_elsewhere += min(amount, self._left())

    @precondition(lambda self: self.case.state == "escalated" and not self.case.draft and not self.case.appealed)
    @precondition(lambda self: self.case.inspection != "ordered")
    @rule(for_buyer=st.booleans())
    def a_panel_finds(self, for_buyer: bool) -> None:
        self._do(None, lambda hand: hand.add("draw", due=self.now + timedelta(hours=24)), role="platform")
        self._do(None, lambda hand: verdict(hand, for_buyer, ()), role="panel")

    @invariant()
    def the_events_make_the_case(self) -> None:
        assert fold_all(self.first, self.events) == self.case
        assert [event.no for event in self.events] == list(range(1, len(self.events) + 1))

    @invariant()
    def what_is_stored_is_what_was_meant(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.case), type=Case) == self.case
        if self.events:
            assert msgspec.json.decode(msgspec.json.encode(self.events[-1]), type=Event) == self.events[-1]

    @invariant()
    def nobody_gets_more_than_was_asked_or_paid(self) -> None:
        paid = self.case.paid
        assert paid.to_buyer + self.granted_elsewhere <= 10_000
        assert min(paid.to_buyer, paid.of_merchant, paid.to_buyer - paid.of_merchant) >= 0

    @invariant()
    def a_ruling_that_was_carried_out_is_what_everybody_stands_at(self) -> None:
        case, decision = self.case, self.case.decision
        if case.state == "closed" and case.ended == "ruled" and decision is not None:
            granted = decision.amount if decision.payer != "none" else 0
            assert case.paid.to_buyer == granted
            assert case.paid.of_merchant == (granted if decision.payer == "merchant" else 0)

    @invariant()
    def a_merchant_pays_only_by_its_word_or_by_a_ruling_that_names_it(self) -> None:
        named = self.first.paid.by_merchant > 0
        for event in self.events:
            agreed = event.action == "accept" or (event.action == "receive" and event.role == "merchant")
            named = named or agreed or (event.said.decision is not None and event.said.decision.payer == "merchant")
            assert named or event.action != "pay" or event.said.payer != "merchant"

    @invariant()
    def whoever_never_pays_does_not_but_by_the_policy_or_its_own_word(self) -> None:
        for payer in self.never:
            free = self.first.paid.to_buyer > 0
            for event in self.events:
                free = free or (event.action in ("accept", "receive") and event.role == "merchant")
                free = free or event.action == "accept"
                assert free or event.action not in ("pay", "charge") or event.said.payer != payer

    @invariant()
    def money_of_a_cause_moves_once(self) -> None:
        appeals, causes = 0, list[tuple[str, int]]()
        for event in self.events:
            appeals += event.action == "appeal"
            if event.action in ("pay", "compensate", "charge", "recover"):
                causes.append((event.said.cause, appeals))
        assert len(causes) == len(set(causes)), causes

    @invariant()
    def no_state_is_passed_through_only_in_part(self) -> None:
        assert self.case.state not in ("agreed", "ruled")

    @invariant()
    def whoever_decided_does_not_decide_again(self) -> None:
        by = [
            name
            for event in self.events
            if event.action == "rule" and event.said.decision
            for name in event.said.decision.by
        ]
        assert len(by) == len(set(by))

    @invariant()
    def a_case_that_waits_for_somebody_is_come_back_to(self) -> None:
        case = self.case
        if case.state in ("opened", "negotiating") and self.ground.outcome == "negotiate" and self.ground.hours:
            assert case.due is not None or case.left is not None
        if case.state == "settling":
            assert case.due is not None or case.left is not None
        if case.state == "escalated":
            assert case.wanted_by is not None or self.ground.outcome == "review"
        if case.state == "under_review" and case.inspection != "ordered":
            assert case.due is not None

    @invariant()
    def what_happened_is_in_the_table(self) -> None:
        state = self.first.state
        for event in self.events:
            assert find(state, event.action, event.role) is not None
            state = event.state


AnyCase.TestCase.settings = settings(max_examples=400, stateful_step_count=80, deadline=None)
TestAnyCase = AnyCase.TestCase
