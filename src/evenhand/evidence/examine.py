"""A file looked at: what it is, the copy that may be shown, and what it is compared by. Pure."""

from dataclasses import dataclass

from evenhand.evidence.content import IMAGES, Kind, kind_of
from evenhand.evidence.images import Picture, read_image
from evenhand.evidence.pdq import LEAST_QUALITY, Fingerprint, orientations


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out about a file."""

    kind: Kind
    # of an image
    picture: Picture | None = None
    quality: int | None = None
    # its fingerprints in eight orientations, as it is first; empty where there is nothing to compare by sight
    asking: tuple[Fingerprint, ...] = ()


def examine(data: bytes) -> Examined:
    """Look at a file; raises `BadInput` when it is not taken, broken or too large."""
    kind = kind_of(data)
    if kind not in IMAGES:
        return Examined(kind)
    picture = read_image(data, kind)
    asking = orientations(picture.image)
    quality = asking[0].quality
    return Examined(kind, picture, quality, tuple(asking) if quality >= LEAST_QUALITY else ())
