"""Images from strangers: read within bounds, turned upright, copied without metadata.

An image says its size before it is unpacked; what would unpack to more than the bounds is refused there. The copy is made of
the pixels alone: where a photograph was taken, with which device, under whose name, what somebody hid behind its end, none of
that can be in it.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import pi_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from evenhand.errors import BadInput
from evenhand.evidence.content import Kind
from evenhand.evidence.png import share_of_pixels

pi_heif.register_heif_opener()
# What Pillow warns of is refused here, or of no account: strangers should not fill the log.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

MOST_PIXELS: Final = 64_000_000
LONGEST_SIDE: Final = 20_000
# The copy is for looking at; beyond this a screen shows no more.
_COPY_SIDE: Final = 4096
_QUALITY: Final = 90
_FORMATS: Final[dict[Kind, str]] = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "heic": "HEIF", "gif": "GIF"}
_SRGB: Final = ImageCms.createProfile("sRGB")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, upright, in RGB on white, with the copy of it that may be shown."""

    # as it came, before it was turned upright
    width: int
    height: int
    # more than one when it was animated: only the first is looked at
    frames: int
    # upright; of the whole image, at most 4096 pixels a side
    image: Image.Image
    # a JPEG of `image` with nothing but its pixels
    copy: bytes


def read_image(data: bytes, kind: Kind) -> Picture:
    """Read an image of a known kind; raises `BadInput` when it is broken, cut off, or too large."""
    try:
        with Image.open(io.BytesIO(data), formats=(_FORMATS[kind],)) as opened:
            width, height = opened.size
            _check_size(width, height)
            frames = int(getattr(opened, "n_frames", 1))
            image = _upright(opened)
        if kind == "png" and (share := share_of_pixels(data)) < 1:
            raise BadInput(f"the image is cut off: {int(share * 100)} % of its pixels are there")
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput(f"the image has more than {MOST_PIXELS:,} pixels") from None
    except Exception as error:
        # a hostile image makes a decoder raise anything
        raise BadInput(f"the image is cut off or broken: {_reason(error)}") from None
    return Picture(width, height, frames, image, _copy(image))


def grey(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The image squeezed into a square of `side` grey pixels."""
    return np.asarray(squeezed(image.convert("L"), side))


def squeezed(image: Image.Image, side: int) -> Image.Image:
    """The image squeezed into a square, whatever its shape."""
    return image.resize((side, side), Image.Resampling.BOX if min(image.size) > side else Image.Resampling.BILINEAR)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LONGEST_SIDE:
        raise BadInput(f"the image is {width:,} x {height:,} pixels; a side may have {LONGEST_SIDE:,}")
    if width * height > MOST_PIXELS:
        raise BadInput(f"the image is {width:,} x {height:,} pixels; it may have {MOST_PIXELS:,} in all")


def _upright(opened: Image.Image) -> Image.Image:
    """The first frame as RGB, on white where it is transparent, turned as its orientation says, in the colours of sRGB."""
    # a JPEG can be unpacked at a half or a quarter of its size
    opened.draft("RGB", (_COPY_SIDE, _COPY_SIDE))
    opened.load()
    profile = opened.info.get("icc_profile")
    image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I;16") or image.mode == "I":
        # sixteen bits of grey: eight are kept, where Pillow would cut off at white
        deep = np.asarray(image).astype(np.int64)
        image = Image.fromarray(np.clip(deep >> 8, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.new("RGBA", above.size, "white")
        image.alpha_composite(above)
    if profile and image.mode in ("RGB", "CMYK"):
        image = _in_srgb(image, profile)
    image = image.convert("RGB")
    image.thumbnail((_COPY_SIDE, _COPY_SIDE), Image.Resampling.LANCZOS)
    return image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as they were meant: a dispute may be about a colour. A profile that cannot be used is passed over."""
    try:
        made = ImageCms.profileToProfile(image, io.BytesIO(profile), _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return made or image


def _copy(image: Image.Image) -> bytes:
    """A JPEG of the pixels alone: an image made of an array has no metadata to carry along."""
    target = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(target, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return target.getvalue()


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "what follows its first bytes makes no image"
    return str(error)[:200].replace("\n", " ") or type(error).__name__
