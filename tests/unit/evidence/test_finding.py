"""A photograph is found again however people alter it; another is not taken for it."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageOps

from evenhand.evidence.index import MOST_DISTANCE, Hashes, Index
from evenhand.evidence.likeness import LEAST_LIKENESS
from evenhand.evidence.matching import compare
from evenhand.evidence.pdq import LEAST_QUALITY, distance, fingerprint, orientations, packed, unpacked

from .pictures import NAMES, noise, photo, saved

PRINTS = {name: fingerprint(photo(name)) for name in NAMES}


def everything() -> Index:
    index = Index()
    index.add(
        list(range(len(NAMES))),
        np.stack([one.whole for one in PRINTS.values()]),
        np.concatenate([one.windows for one in PRINTS.values()]),
    )
    return index


def found(image: Image.Image) -> set[str]:
    """The known photographs that an image is told to be the same as."""
    asking = orientations(image)
    return {
        NAMES[candidate.number]
        for candidate in everything().near(asking)
        if compare(PRINTS[NAMES[candidate.number]].thumbnail, asking, candidate) >= LEAST_LIKENESS
    }


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "a third of the size": lambda image: image.resize((image.width // 3, image.height // 3)),
    "JPEG quality 25": lambda image: Image.open(io.BytesIO(saved(image, quality=25))),
    "turned left": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "mirrored and turned": lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    "brighter": lambda image: image.point([min(255, int(v * 1.2)) for v in range(256)] * 3),
    "darker": lambda image: image.point([int(v * 0.6) for v in range(256)] * 3),
    "cropped all round": lambda image: cropped(image, 0.04, 0.04, 0.96, 0.96),
    "cropped at a corner": lambda image: cropped(image, 0, 0, 0.9, 0.9),
    "cropped on one side": lambda image: cropped(image, 0.04, 0, 1, 1),
    "in a white frame": lambda image: ImageOps.expand(image, image.width // 25, (255, 255, 255)),
    "cropped, mirrored, small": lambda image: (
        cropped(image, 0.05, 0.05, 1, 1).transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((300, 300))
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_an_altered_photograph_is_found_and_no_other(name: str) -> None:
    for how, alter in ALTERED.items():
        assert found(alter(photo(name))) == {name}, how


def test_other_pictures_are_not_taken_for_known_ones() -> None:
    for seed in range(20):
        assert found(noise(seed)) == set()


def test_a_part_that_shows_something_else_is_not_the_photograph() -> None:
    """A quarter of a picture is another picture."""
    assert found(cropped(photo("coffee.png"), 0, 0, 0.5, 0.5)) == set()


def test_a_crop_defeats_the_hash_of_the_whole_and_the_windows_see_it() -> None:
    name = "coffee.png"
    part = fingerprint(cropped(photo(name), 0.08, 0.08, 1, 1))
    assert distance(part.whole, PRINTS[name].whole) > MOST_DISTANCE
    assert min(distance(part.whole, window) for window in PRINTS[name].windows) <= 31


def test_plain_pictures_are_told_to_be_plain() -> None:
    assert fingerprint(Image.new("RGB", (300, 300), "black")).quality < LEAST_QUALITY
    assert fingerprint(Image.new("RGB", (1, 1), "red")).quality < LEAST_QUALITY
    assert all(one.quality >= LEAST_QUALITY for one in PRINTS.values())


def test_the_first_orientation_is_the_image_itself() -> None:
    first = orientations(photo("rocket.jpg"))[0]
    assert distance(first.whole, PRINTS["rocket.jpg"].whole) == 0


def test_stored_hashes_come_back() -> None:
    windows = PRINTS["moon.png"].windows
    assert np.array_equal(unpacked(packed(windows)), windows)


words = arrays.arrays(np.uint64, st.tuples(st.integers(0, 300), st.just(4)), elements=st.integers(0, 2**64 - 1))


@settings(deadline=None, max_examples=60)
@given(words, words.filter(len), st.integers(0, 256), st.integers(0, 350), st.integers(1, 7))
def test_the_search_finds_exactly_what_comparing_each_finds(
    known: np.ndarray, asked: np.ndarray, most: int, first: int, parts: int
) -> None:
    table = Hashes()
    for part in np.array_split(known, parts):
        table.add(part)
    which, places, distances = table.near(asked, most, min(first, len(known)))
    naive = {
        (query, place, distance(known[place], asked[query]))
        for query in range(len(asked))
        for place in range(min(first, len(known)), len(known))
        if distance(known[place], asked[query]) <= most
    }
    assert set(zip(which.tolist(), places.tolist(), distances.tolist(), strict=True)) == naive
    assert len(which) == len(naive)


def test_the_search_finds_the_same_over_many_blocks_and_cores() -> None:
    rng = np.random.default_rng(4)
    known = rng.integers(0, 2**64, (150_000, 4), dtype=np.uint64)
    asked = known[[0, 70_000, 149_999]].copy()
    asked[1, 3] ^= np.uint64(0xFFFF)
    asked[2] = ~asked[2]  # 256 bits away from its like
    table = Hashes()
    table.add(known)
    which, places, distances = table.near(asked, 40)
    assert set(zip(which.tolist(), places.tolist(), distances.tolist(), strict=True)) == {(0, 0, 0), (1, 70_000, 16)}
