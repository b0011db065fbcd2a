"""What a ruling may know of a buyer's ring: its size, what it did in 90 days, how many of it dispute with the same store. Pure.

The last is the graph of disputes as one claim sees it: among linked accounts, the edges to the store that is disputed with now.
Whoever shares a tablet with somebody hardly ever disputes with the same store in the same season; who follows one plan does.
All are counts of what happened before the application: they can be quoted, and go when an account is erased.
"""

from collections.abc import Collection, Mapping
from typing import Final

from evenhand.accounts.state import Account
from evenhand.history import BUYER, PAIR
from evenhand.measures import RING_DAYS, RING_MEASURES
from evenhand.vocabulary import MOST_COUNT

# fact of a ring -> fact of each buyer in it, both without the `history.` prefix
_SUMS: Final = {f"ring_{name}_{RING_DAYS}d": f"buyer_{name}_{RING_DAYS}d" for name in RING_MEASURES}
_READ: Final = frozenset(_SUMS.values())
_AT_STORE: Final = f"pair_applications_{RING_DAYS}d"
SAME_STORE: Final = f"ring_same_store_{RING_DAYS}d"
NO_RING: Final[dict[str, int]] = {"ring_size": 0, **dict.fromkeys(_SUMS, 0), SAME_STORE: 0}


def together(buyer: int, ring: Mapping[int, Account] | None, accounts: Mapping[int, Account]) -> list[Account]:
    """The accounts of a buyer's ring, in the states of `accounts`, which a batch works on, where they are in it."""
    return [accounts.get(number, read) for number, read in {**ring, buyer: accounts[buyer]}.items()] if ring else []


def ring_facts(accounts: Collection[Account], day: int, buyer: Account, merchant: int) -> dict[str, int]:
    """The facts of a ring as of a day of the market, from the histories of its accounts; 0 each for a buyer without a ring.

    `buyer` is the one of them that applies, and `merchant` the number of the store it disputes with.
    """
    if not accounts:
        return NO_RING
    each = [BUYER.facts(account.tiles, day, _READ) for account in accounts]
    sums = {name: min(sum(int(facts[one] or 0) for facts in each), MOST_COUNT) for name, one in _SUMS.items()}
    same_store = sum(
        bool(PAIR.facts(account.tiles, merchant, day, (_AT_STORE,))[_AT_STORE])
        for account in accounts
        if account is not buyer
    )
    return {"ring_size": len(each), **sums, SAME_STORE: same_store}
