"""Images for the tests: real photographs, and what hostile or unusual files look like."""

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data as shipped
from PIL import Image

FOLDER = Path(str(shipped.__file__)).parent
NAMES = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "rocket.jpg", "moon.png")


@cache
def photo(name: str) -> Image.Image:
    """A photograph that scikit-image ships."""
    with Image.open(FOLDER / name) as opened:
        return opened.convert("RGB")


def saved(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def png_of_size(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of a few hundred bytes that says it is that large (and is cut off where its pixels would be)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + _chunk(b"IEND", b"")
    )


def png_of_rows(image: Image.Image, rows: int, *, interlaced: bool = False) -> bytes:
    """A PNG with only the first rows (of the first of seven passes, where it is interlaced), well-formed otherwise."""
    pixels = np.asarray(image.convert("RGB"))
    first = pixels[::8, ::8] if interlaced else pixels
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in first[:rows]))
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def bomb(side: int) -> bytes:
    """A complete PNG of one bit a pixel, all black: side x side pixels in some thousandths as many bytes."""
    row = b"\0" * (1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def noise(seed: int, side: int = 200) -> Image.Image:
    """A synthetic picture with detail at every scale, another for each seed."""
    rng = np.random.default_rng(seed)
    waves = np.fft.fft2(rng.normal(size=(side, side, 3)), axes=(0, 1))
    across = np.fft.fftfreq(side)
    radius = np.hypot(across[:, None], across[None, :])
    radius[0, 0] = 1
    made = np.fft.ifft2(waves / radius[..., None] ** 1.3, axes=(0, 1)).real
    made = (made - made.min()) / (made.max() - made.min())
    return Image.fromarray((made * 255).astype(np.uint8))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
