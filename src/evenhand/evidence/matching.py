"""From candidates to matches: the two thumbnails of each are laid over each other."""

from collections.abc import Sequence
from typing import Final

from evenhand.evidence.index import Candidate
from evenhand.evidence.likeness import Grey, likeness, window_map
from evenhand.evidence.pdq import Fingerprint

# A picture that thousands show (a placeholder, a listing's photograph) is not compared with all of them.
MOST_CANDIDATES: Final = 200


def compare(known: Grey, asking: Sequence[Fingerprint], candidate: Candidate) -> float:
    """Likeness, -1 to 1, of a candidate's thumbnail and the picture that was asked about (its orientations)."""
    asked = asking[candidate.orientation].thumbnail
    start = window_map(candidate.window)
    # the one of which a window was near holds the other; where both were near as wholes, either may
    inner, outer = (known, asked) if candidate.of_asking else (asked, known)
    likely = likeness(outer, inner, start)
    return likely if candidate.window is not None else max(likely, likeness(inner, outer, start))
