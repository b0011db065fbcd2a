"""Cases at work: an action in, what it changed out, one transaction.

    load the ground -> lock case and order line -> decide (pure) -> append events -> book money -> correct history -> tell

Actions on one case queue at its row, so each is decided on what the one before left. An action sent again under its key is
done once. Whoever names the version it has seen is refused when the case has moved on since.
"""

from evenhand.casework.checking import check_all, check_case
from evenhand.casework.loading import Loaded
from evenhand.casework.working import Acted, Casework

__all__ = ["Acted", "Casework", "Loaded", "check_all", "check_case"]
