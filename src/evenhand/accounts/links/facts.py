"""What a ruling may know of a buyer's ring: how many accounts, and what they did together in 90 days. Pure."""

from collections.abc import Collection, Mapping
from typing import Final

from evenhand.accounts.state import Account
from evenhand.history import BUYER
from evenhand.measures import RING_DAYS, RING_MEASURES
from evenhand.vocabulary import MOST_COUNT

# fact of a ring -> fact of each buyer in it, both without the `history.` prefix
_SUMS: Final = {f"ring_{name}_{RING_DAYS}d": f"buyer_{name}_{RING_DAYS}d" for name in RING_MEASURES}
_READ: Final = frozenset(_SUMS.values())
NO_RING: Final[dict[str, int]] = {"ring_size": 0, **dict.fromkeys(_SUMS, 0)}


def together(buyer: int, ring: Mapping[int, Account] | None, accounts: Mapping[int, Account]) -> list[Account]:
    """The accounts of a buyer's ring, in the states of `accounts`, which a batch works on, where they are in it."""
    return [accounts.get(number, read) for number, read in {**ring, buyer: accounts[buyer]}.items()] if ring else []


def ring_facts(accounts: Collection[Account], day: int) -> dict[str, int]:
    """The facts of a ring as of a day of the market, from the histories of its accounts; 0 each for a buyer without a ring."""
    if not accounts:
        return NO_RING
    each = [BUYER.facts(account.tiles, day, _READ) for account in accounts]
    sums = {name: min(sum(int(facts[one] or 0) for facts in each), MOST_COUNT) for name, one in _SUMS.items()}
    return {"ring_size": len(each)} | sums
