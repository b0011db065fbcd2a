"""What a person wrote, and the person's name, taken out of what was written down. Pure.

What the person wrote is replaced as a whole. What others wrote stays, without the person's name and without the words of the
person that it repeats. Nothing else changes: who did what when, offers, amounts, decisions.

Short words are not looked for inside of other people's sentences: `thanks` stands in sentences that have nothing to do with
anybody. Where names are looked for is told in `evenhand.naming`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from msgspec.structs import replace

from evenhand.cases.model import Case, Decision, Offer, Party, Said
from evenhand.spelling import Name

ERASED: Final = "[erased / 已删除]"
# Characters of the shortest words that are looked for in what others wrote.
SHORTEST_WORDS: Final = 10
_UPLOADED: Final = re.compile(r"ev_[0-9a-f]{32}")
# In what subscribers are told: where names stand, and where words do.
_NAMES: Final = frozenset({"who", "id", "buyer", "merchant", "account", "juror"})
_WORDS: Final = frozenset({"text", "note", "why", "cause", "says", "reason", "en", "zh", "problem", "said"})
_PARTIES: Final = frozenset({"buyer", "merchant"})
_OWN: Final = frozenset({"text", "note", "why", "says"})


class Redaction:
    """One person, by the name that goes, the pseudonym that comes in its place, and the words the person wrote."""

    def __init__(
        self, name: str, pseudonym: str, party: Party, words: Iterable[str], beside: Iterable[str] = ()
    ) -> None:
        """`beside` are the names of others in the person's cases."""
        self.name = Name(name, beside)
        self.pseudonym = pseudonym
        self.party = party
        # the longest first: one may hold another
        self._words = sorted({one for one in words if len(one) >= SHORTEST_WORDS and one != ERASED}, key=len)[::-1]

    def others(self, text: str, *, mine: bool) -> str:
        """What somebody else wrote, without the person's name and words; `mine` where it was about the person."""
        for words in self._words:
            text = text.replace(words, ERASED)
        return self.name.replaced(text, self.pseudonym, mine=mine)

    def who(self, name: str) -> str:
        return self.pseudonym if name == self.name.text else name

    def said(self, said: Said, *, own: bool, mine: bool) -> Said:
        """What an event says: `own` when the person, or somebody in its stead, did it; `mine` in one of the person's cases."""
        return replace(
            said,
            text=_blank(said.text) if own else self.others(said.text, mine=mine),
            evidence=tuple(_reference(one) if own else self.others(one, mine=mine) for one in said.evidence),
            offer=said.offer and self._offer(said.offer, mine),
            decision=said.decision and self._decision(said.decision, mine),
        )

    def case(self, case: Case, *, mine: bool) -> Case:
        """Where a case stands: what folding its redacted events gives."""
        return replace(
            case,
            offers=tuple(self._offer(one, mine) for one in case.offers),
            draft=case.draft and self._decision(case.draft, mine),
            decision=case.decision and self._decision(case.decision, mine),
        )

    def told(self, data: Mapping[str, Any], *, mine: bool) -> dict[str, Any]:
        """What subscribers were told; `mine` of one of the person's cases."""
        mine = mine or data.get("account") == {"kind": self.party, "id": self.name.text}
        own = mine and data.get("role") == self.party
        return cast("dict[str, Any]", self._walk(dict(data), "", own, mine))

    def _walk(self, value: Any, key: str, own: bool, mine: bool) -> Any:
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            own = own or (mine and key == "offer" and fields.get("by") == self.party)
            # a buyer, a merchant and somebody of the staff may bear one name
            other = fields.get("role", fields.get("kind", self.party)) != self.party
            agreed = mine and fields.get("source") == "agreement"
            return {
                name: one if other and name in _NAMES and name not in _PARTIES
                # who made an agreement
                else [self.who(who) for who in one] if agreed and name == "by"
                else self._walk(one, name, own, mine)
                for name, one in fields.items()
            }  # fmt: skip
        if isinstance(value, list):
            return [self._walk(one, key, own, mine) for one in cast("list[Any]", value)]
        if not isinstance(value, str):
            return value
        if key in _NAMES:
            return value if key in _PARTIES and key != self.party else self.who(value)
        if key == "evidence":
            return _reference(value) if own else self.others(value, mine=mine)
        if own and key in _OWN:
            return _blank(value)
        return self.others(value, mine=mine) if key in _WORDS else value

    def _offer(self, offer: Offer, mine: bool) -> Offer:
        note = _blank(offer.note) if mine and offer.by == self.party else self.others(offer.note, mine=mine)
        return replace(offer, note=note)

    def _decision(self, decision: Decision, mine: bool) -> Decision:
        # an agreement is made by a party; whatever else is decided, by staff
        agreed = mine and decision.source == "agreement"
        by = tuple(self.who(one) for one in decision.by) if agreed else decision.by
        return replace(decision, note=self.others(decision.note, mine=mine), by=by)


def written_in(said: Said, party: Party, *, own: bool) -> list[str]:
    """The words of a party in an event."""
    words = [said.text, *said.evidence] if own else []
    if said.offer is not None and said.offer.by == party:
        words.append(said.offer.note)
    return [one for one in words if one and not _UPLOADED.fullmatch(one)]


def _blank(text: str) -> str:
    return ERASED if text else ""


def _reference(text: str) -> str:
    """A reference to an upload says nothing by itself; one of the marketplace's own may be a name or a link."""
    return text if _UPLOADED.fullmatch(text) else ERASED
