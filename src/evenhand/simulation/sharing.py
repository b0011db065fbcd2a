"""Who shares what in the synthetic marketplace: households, rings of abusers, hubs and accidents. Pure.

Everybody has a device, a payment token, a home and a phone. On top of that:

- Two in three abusive buyers act in rings of three to six. A ring gives itself away by one device for all, by a chain of devices
  and cards that two share each, or by one address with one phone; one in four is careful and shares an address only.
- One in twelve of the others lives in a household of two with one address and one landline; half of those share a tablet too.
- One in six of all buyers has parcels sent to an office building, one in eight to a parcel locker whose operator's number stands
  on the parcel as the phone. Both are hubs once enough people use them, and there they mean nothing.
- Accidents link people who have nothing to do with each other: one buyer in a hundred bought somebody's used phone, and one
  abuser in eight pays with the stolen card of an honest buyer.

The draws come from a generator of their own, so whatever is shared, the rest of the marketplace stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from evenhand.records import Attributes

OFFICE, LOCKER, LOCKER_PHONE = (
    "synthetic office building",
    "synthetic parcel locker",
    "synthetic phone of the parcel locker",
)
HUBS = (OFFICE, LOCKER, LOCKER_PHONE)
# Of so few buyers nobody would build a locker: its phone would link its neighbours.
_FEWEST_FOR_LOCKER = 120


@dataclass(slots=True)
class Sharing:
    """What each buyer of one market uses, by place, and the truth of who is together."""

    used: list[dict[str, list[str]]]
    # places of buyers
    rings: list[list[int]] = field(default_factory=list[list[int]])
    households: list[list[int]] = field(default_factory=list[list[int]])
    office: list[int] = field(default_factory=list[int])
    locker: list[int] = field(default_factory=list[int])

    def attributes(self, buyer: int) -> Attributes:
        return Attributes(**self.used[buyer])


def share_out(abusive: Sequence[bool], random: Random) -> Sharing:
    """Who uses what: `abusive` says it of every buyer, by place."""
    sharing = Sharing(
        [
            {kind: [f"synthetic {kind} {buyer + 1}"] for kind in ("address", "device", "payment", "phone")}
            for buyer in range(len(abusive))
        ]
    )
    _plant_rings([buyer for buyer, abuses in enumerate(abusive) if abuses], sharing, random)
    honest = [buyer for buyer, abuses in enumerate(abusive) if not abuses]
    for one, other in zip(honest[::2], honest[1::2], strict=False):
        if random.randrange(12) == 0:
            sharing.households.append([one, other])
            kinds = ("address", "phone", "device") if random.randrange(2) else ("address", "phone")
            _share(sharing, [one, other], kinds, f"household {len(sharing.households)}")
    for buyer in honest:
        if random.randrange(100) == 0:
            _share(sharing, [buyer, random.choice(honest)], ("device",), f"buyer {buyer + 1}, used")
    for buyer, abuses in enumerate(abusive):
        if abuses and honest and random.randrange(8) == 0:
            sharing.used[buyer]["payment"] += sharing.used[random.choice(honest)]["payment"]
    for buyer in range(len(abusive)):
        if random.randrange(6) == 0:
            sharing.office.append(buyer)
            sharing.used[buyer]["address"].append(OFFICE)
        if random.randrange(8) == 0 and len(abusive) >= _FEWEST_FOR_LOCKER:
            sharing.locker.append(buyer)
            sharing.used[buyer]["address"].append(LOCKER)
            sharing.used[buyer]["phone"].append(LOCKER_PHONE)
    return sharing


def _plant_rings(abusive: Sequence[int], sharing: Sharing, random: Random) -> None:
    for number, members in enumerate(in_groups(abusive[: len(abusive) * 2 // 3], random), start=1):
        sharing.rings.append(members)
        match number % 4:
            case 1:
                _share(sharing, members, ("device",), f"ring {number}")
            case 2:
                for place, pair in enumerate(pairwise(members)):
                    kind = "payment" if place % 2 else "device"
                    _share(sharing, pair, (kind,), f"ring {number}.{place + 1}")
            case 3:
                _share(sharing, members, ("address", "phone"), f"ring {number}")
            case _:
                _share(sharing, members, ("address",), f"ring {number}")


def in_groups(members: Sequence[int], random: Random) -> Iterator[list[int]]:
    """Three to six at a time; the last two have nobody to join."""
    begin = 0
    while len(members) - begin >= 3:
        end = min(begin + random.randint(3, 6), len(members))
        yield list(members[begin:end])
        begin = end


def _share(sharing: Sharing, buyers: Sequence[int], kinds: Sequence[str], name: str) -> None:
    for buyer in buyers:
        for kind in kinds:
            sharing.used[buyer][kind].append(f"synthetic {kind} of {name}")
