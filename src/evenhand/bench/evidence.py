"""`evenhand bench evidence`: how well reused photographs are found, how seldom others are taken for them, how fast.

The photographs are those that scikit-image ships (all free to use) and parts cut out of them, each part a photograph of its own;
or your own, with `--photos`. Each is altered as people alter photographs, and is to be found among all. Then every photograph is
compared with every one that was not cut out of the same picture: a match there is a false one.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec
import numpy as np
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.errors import BadInput
from evenhand.evidence.index import MOST_DISTANCE, Hashes, Index
from evenhand.evidence.likeness import LEAST_LIKENESS
from evenhand.evidence.matching import compare
from evenhand.evidence.pdq import WINDOWS, Fingerprint, distance, fingerprint, orientations

_PARTS: Final = 12
_LEAST_SIDE: Final = 120
_THRESHOLDS: Final = (20, 31, 48, 64, 80)
# How far unrelated pictures are laid over each other, beyond what is a candidate, to see what margin there is.
_FAR: Final = 100
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph, and the picture it comes from."""

    origin: str
    image: Image.Image


def run(*, photos: Path | None, hashes: int, as_json: bool) -> None:
    rng = np.random.default_rng(1)
    shown = _photos(_files(photos), rng)
    _chatter.print(f"{len(shown)} photographs of {len({one.origin for one in shown})} pictures")
    prints = [fingerprint(one.image) for one in shown]
    found = {
        name: _found(shown, prints, lambda image, alter=alter: alter(image, rng)) for name, alter in _ALTERED.items()
    }
    false = _false(shown, prints)
    speed = _speed(hashes, rng)
    if as_json:
        print(msgspec.json.encode({"machine": machine(), "found": found, "false": false, "speed": speed}).decode())  # noqa: T201
        return
    _print(found, false, speed)


def _files(photos: Path | None) -> list[Path]:
    if photos is not None:
        files = sorted(path for path in photos.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
        if len({path.stem for path in files}) < 2:
            raise BadInput(f"{photos} holds fewer than two JPEG, PNG or WebP files", field="--photos")
        return files
    try:
        import skimage.data as shipped
    except ImportError:
        raise BadInput(
            "install scikit-image, which ships photographs, or name a folder of your own", field="--photos"
        ) from None
    folder = Path(str(shipped.__file__)).parent
    # drawings and repeated patterns are no photographs of goods; a pair taken by two lenses is one picture
    left_out = ("chessboard", "logo", "horse", "phantom", "multipage", "motorcycle_right", "color")
    return [
        path for path in sorted([*folder.glob("*.png"), *folder.glob("*.jpg")]) if not path.stem.startswith(left_out)
    ]


def _photos(files: list[Path], rng: np.random.Generator) -> list[Photo]:
    photos: list[Photo] = []
    for path in files:
        with Image.open(path) as opened:
            whole = opened.convert("RGB")
        photos.append(Photo(path.stem, whole))
        for _ in range(_PARTS):
            part = _window(whole, rng, 0.3, 0.6)
            if min(part.size) >= _LEAST_SIDE:
                photos.append(Photo(path.stem, part))
    return photos


def _window(image: Image.Image, rng: np.random.Generator, least: float, most: float) -> Image.Image:
    """A rectangle somewhere in an image, each side between the shares given."""
    across, down = rng.uniform(least, most, 2)
    left, top = rng.uniform(0, 1 - across), rng.uniform(0, 1 - down)
    width, height = image.size
    return image.crop((int(left * width), int(top * height), int((left + across) * width), int((top + down) * height)))


def _recompressed(image: Image.Image, quality: int) -> Image.Image:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality)
    return Image.open(target).convert("RGB")


def _on_a_screen(image: Image.Image) -> Image.Image:
    """A screenshot of a picture viewer: dark bars above and below, narrow ones beside, recompressed."""
    width, height = image.size
    framed = ImageOps.expand(image, (int(width * 0.02), int(height * 0.06)), (24, 24, 24))
    return _recompressed(framed, 75)


def _tilted(image: Image.Image, degrees: float) -> Image.Image:
    width, height = image.size
    turned = image.rotate(degrees, Image.Resampling.BICUBIC)
    return turned.crop((int(width * 0.04), int(height * 0.04), int(width * 0.96), int(height * 0.96)))


_Alter = Callable[[Image.Image, np.random.Generator], Image.Image]
_ALTERED: Final[dict[str, _Alter]] = {
    "half the size": lambda image, _: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "JPEG quality 50": lambda image, _: _recompressed(image, 50),
    "JPEG quality 20": lambda image, _: _recompressed(image, 20),
    "1.4 times as bright": lambda image, _: image.point([min(255, int(v * 1.4)) for v in range(256)] * 3),
    "0.6 times as bright": lambda image, _: image.point([int(v * 0.6) for v in range(256)] * 3),
    "turned by 90 degrees": lambda image, _: image.transpose(Image.Transpose.ROTATE_90),
    "turned by 180 degrees": lambda image, _: image.transpose(Image.Transpose.ROTATE_180),
    "mirrored": lambda image, _: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "cropped by 5 %": lambda image, rng: _window(image, rng, 0.95, 0.95),
    "cropped by 10 %": lambda image, rng: _window(image, rng, 0.9, 0.9),
    "cropped by 10 to 20 %": lambda image, rng: _window(image, rng, 0.8, 0.9),
    "cropped by 10 %, mirrored, quality 50": lambda image, rng: _recompressed(
        _window(image, rng, 0.9, 0.9).transpose(Image.Transpose.FLIP_LEFT_RIGHT), 50
    ),
    "border of 3 %": lambda image, _: ImageOps.expand(image, int(min(image.size) * 0.03), (255, 255, 255)),
    "screenshot with bars": lambda image, _: _on_a_screen(image),
    "tilted by 2 degrees": lambda image, _: _tilted(image, 2),
    "tilted by 5 degrees": lambda image, _: _tilted(image, 5),
}


def _found(
    photos: list[Photo], prints: list[Fingerprint], alter: Callable[[Image.Image], Image.Image]
) -> dict[str, float]:
    """Shares of altered photographs that are found: by the hash of the whole alone at each threshold, and by everything."""
    wholes: list[int] = []
    found: list[bool] = []
    for photo, original in zip(photos, prints, strict=True):
        altered = alter(photo.image)
        asking = orientations(altered)
        wholes.append(distance(asking[0].whole, original.whole))
        found.append(_matches(original, asking))
    shares = {f"whole hash, {most} bits": float(np.mean(np.array(wholes) <= most)) for most in _THRESHOLDS}
    return {**shares, "median distance": float(np.median(wholes)), "found": float(np.mean(found))}


def _matches(known: Fingerprint, asking: list[Fingerprint]) -> bool:
    index = Index()
    index.add([0], known.whole[None], known.windows)
    candidates = index.near(asking)
    return bool(candidates) and compare(known.thumbnail, asking, candidates[0]) >= LEAST_LIKENESS


def _false(photos: list[Photo], prints: list[Fingerprint]) -> dict[str, float]:
    """Shares of unrelated pairs that pass for near, by hash and by everything; the nearest likeness among them."""
    index = Index()
    index.add(
        list(range(len(prints))),
        np.stack([one.whole for one in prints]),
        np.concatenate([one.windows for one in prints]),
    )
    pairs, candidates, found, greatest = 0, 0, 0, 0.0
    wholes: list[int] = []
    for place, photo in enumerate(photos):
        asking = orientations(photo.image)
        unrelated = {other for other, one in enumerate(photos) if one.origin != photo.origin}
        pairs += len(unrelated)
        wholes += [distance(asking[0].whole, prints[other].whole) for other in unrelated if other > place]
        for candidate in index.near(asking, _FAR):
            if candidate.number in unrelated:
                alike = compare(prints[candidate.number].thumbnail, asking, candidate)
                greatest = max(greatest, alike)
                if candidate.distance <= MOST_DISTANCE:
                    candidates += 1
                    found += alike >= LEAST_LIKENESS
    shares = {f"whole hash, {most} bits": float(np.mean(np.array(wholes) <= most)) for most in _THRESHOLDS}
    return {
        "pairs": pairs,
        **shares,
        f"candidates ({MOST_DISTANCE} bits, windows, orientations)": candidates / pairs,
        f"greatest likeness within {_FAR} bits": greatest,
        "found": found / pairs,
    }


def _speed(count: int, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds to go through `count` hashes once for one asked, and to ask about a picture among those of so many hashes."""
    _chatter.print(f"searching {count:,} hashes")
    table = Hashes()
    for first in range(0, count, 1 << 20):
        table.add(rng.integers(0, 2**64, (min(1 << 20, count - first), 4), dtype=np.uint64))
    asked = rng.integers(0, 2**64, (8, 4), dtype=np.uint64)
    times: dict[str, float] = {"hashes": count}
    for name, most in (("31 bits", 31), (f"{MOST_DISTANCE} bits", MOST_DISTANCE)):
        moments = [perf_counter()]
        for _ in range(5):
            table.near(asked, most)
            moments.append(perf_counter())
        times[f"ms per hash asked, {name}"] = min(late - early for early, late in pairwise(moments)) / len(asked) * 1000
    del table
    pictures = max(1, count // (1 + len(WINDOWS)))
    index = Index()
    for first in range(0, pictures, 1 << 17):
        some = min(1 << 17, pictures - first)
        wholes = rng.integers(0, 2**64, (some, 4), dtype=np.uint64)
        windows = rng.integers(0, 2**64, (some * len(WINDOWS), 4), dtype=np.uint64)
        index.add(range(first, first + some), wholes, windows)
    image = Image.fromarray(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8))
    start = perf_counter()
    asking = orientations(image)
    hashed = perf_counter()
    index.near(asking)
    return {
        **times,
        "ms to hash a picture in eight orientations": (hashed - start) * 1000,
        f"ms to find it among {pictures:,} pictures": (perf_counter() - hashed) * 1000,
    }


def _print(found: dict[str, dict[str, float]], false: dict[str, float], speed: dict[str, float]) -> None:
    console = Console(highlight=False)
    table = Table(title="Altered photographs found, %", title_justify="left", box=None, pad_edge=False)
    for column in ("", "median bits", *(f"<= {most}" for most in _THRESHOLDS), "found"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, one in found.items():
        shares = [f"{100 * one[f'whole hash, {most} bits']:.1f}" for most in _THRESHOLDS]
        table.add_row(name, f"{one['median distance']:.0f}", *shares, f"{100 * one['found']:.1f}")
    console.print(table)
    console.print(f"\nUnrelated photographs, {false['pairs']:,} pairs")
    for name, value in false.items():
        if name != "pairs":
            console.print(f"  {name}: {value:.2f}" if "likeness" in name else f"  {name}: {value:.2e}")
    console.print(f"\nSearch through {speed['hashes']:,} hashes")
    for name, value in speed.items():
        if name != "hashes":
            console.print(f"  {name}: {value:.1f}")
    console.print(machine())
