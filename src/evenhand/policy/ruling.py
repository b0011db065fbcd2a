"""What a policy answers."""

from typing import Any

import msgspec


class Because(msgspec.Struct, frozen=True):
    """The reason, as told to the parties, with how to contest it."""

    en: str
    zh: str


class TraceStep(msgspec.Struct, frozen=True):
    """One table that was evaluated: which rows matched, what it read, what came out."""

    table: str
    rows: list[int]
    facts: dict[str, Any]
    outputs: dict[str, Any]


class Ruling(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy's answer to one set of facts."""

    outcome: str
    payer: str
    return_required: bool
    # minor units
    amount: int
    # by when the next party must answer, in hours from the application; null sets no deadline
    respond_within_hours: int | None
    policy: str
    version: str
    # table and row that decided: "Ruling/3"
    rule: str
    because: Because
    # the tables that were evaluated, in order
    trace: list[TraceStep]
    # what follows when nobody answers in time (accept, escalate, close), where the policy says
    on_silence: str | None = None

    def reviewed(self, because: Because) -> "Ruling":
        """A person's review in place of this ruling, for a reason that is no policy's."""
        return msgspec.structs.replace(
            self,
            outcome="review",
            payer="none",
            return_required=False,
            amount=0,
            respond_within_hours=None,
            because=because,
            on_silence=None,
        )


_encoder = msgspec.json.Encoder(decimal_format="number")


def encode_ruling(ruling: Ruling) -> bytes:
    """A ruling as JSON; numbers with decimals stay exact numbers."""
    return _encoder.encode(ruling)
