"""Images of strangers: read within bounds, upright, without metadata; hostile ones end in one clear error."""

import io
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from evenhand.errors import BadInput
from evenhand.evidence.content import IMAGES, Kind, kind_of
from evenhand.evidence.images import LONGEST_SIDE, Picture, read_image

from .pictures import bomb, noise, photo, png_of_rows, png_of_size, saved


def read(data: bytes) -> Picture:
    kind = kind_of(data)
    assert kind in IMAGES
    return read_image(data, kind)


def shown(picture: Picture) -> Image.Image:
    """The copy, as a browser would see it."""
    return Image.open(io.BytesIO(picture.copy))


def exif(**more: object) -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.Make] = "SecretPhone"
    made[ExifTags.Base.Artist] = "A. Person"
    made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (31.0, 14.0, 9.0)
    made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    for name, value in more.items():
        made[ExifTags.Base[name]] = value
    return made


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_where_and_by_whom_a_photograph_was_taken_is_not_in_the_copy(form: str) -> None:
    options: dict[str, object] = {"exif": exif()}
    if form == "JPEG":
        options |= {"comment": b"secret comment", "xmp": b"<x:xmpmeta>secret place</x:xmpmeta>"}
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Location", "secret place")
        options["pnginfo"] = text
    data = saved(noise(1), form, **options) + b"PK\x03\x04 secret archive behind the end"
    assert b"SecretPhone" in data
    assert b"secret" in data
    picture = read(data)
    copy = shown(picture)
    assert not copy.getexif()
    assert set(copy.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"secret" not in picture.copy.lower()
    assert copy.size == (200, 200)


def test_a_photograph_is_turned_upright() -> None:
    image = Image.new("RGB", (60, 40), "white")
    image.paste((255, 0, 0), (0, 0, 60, 10))  # red above, as stored
    picture = read(saved(image, "JPEG", exif=exif(Orientation=6), quality=95))
    assert (picture.width, picture.height) == (60, 40)
    assert picture.image.size == (40, 60)
    red, _, blue = np.asarray(shown(picture))[30, 35]  # now on the right
    assert red > 200
    assert blue < 100


def test_heic_is_read_and_stripped() -> None:
    """The file is a synthetic gradient, 64 x 48 pixels, with a place and a maker in its metadata."""
    data = Path(__file__).with_name("synthetic.heic").read_bytes()
    assert kind_of(data) == "heic"
    assert b"SecretPhone" in data
    picture = read(data)
    assert (picture.width, picture.height) == (64, 48)
    assert not shown(picture).getexif()
    red, green, _ = np.asarray(shown(picture))[40, 60]
    assert (abs(int(red) - 240) < 15, abs(int(green) - 200) < 15) == (True, True)
    with pytest.raises(BadInput, match="broken"):
        read(data[: len(data) // 2])
    with pytest.raises(BadInput, match="broken"):
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100)


@pytest.mark.parametrize(
    ("image", "form"),
    [
        (photo("coffee.png").convert("CMYK"), "JPEG"),
        (photo("coffee.png").convert("L"), "JPEG"),
        (photo("coffee.png").convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        (photo("coffee.png").convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
        (photo("coffee.png").convert("RGBA"), "PNG"),
        (photo("coffee.png").convert("LA"), "PNG"),
        (Image.fromarray(np.asarray(photo("coffee.png").convert("L")).astype(np.uint16) << 8), "PNG"),
    ],
    ids=["CMYK", "grey", "palette", "GIF", "RGBA", "grey with alpha", "16 bits"],
)
def test_every_way_to_store_colours_shows_the_same_picture(image: Image.Image, form: str) -> None:
    copy = shown(read(saved(image, form))).convert("L")
    wanted = np.asarray(photo("coffee.png").convert("L")).astype(int)
    assert np.abs(np.asarray(copy).astype(int) - wanted).mean() < 6


def test_what_is_transparent_is_white() -> None:
    image = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    assert shown(read(saved(image, "PNG"))).convert("RGB").getpixel((25, 25)) == (255, 255, 255)


def test_of_an_animation_the_first_frame_is_looked_at() -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "green", "blue")]
    picture = read(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.frames == 3
    red, green, _ = np.asarray(picture.image)[15, 15]
    assert red > 200 > green


def test_one_pixel_is_an_image() -> None:
    picture = read(saved(Image.new("RGB", (1, 1), "red"), "PNG"))
    assert (picture.width, picture.height) == (1, 1)


def test_a_large_image_is_copied_smaller() -> None:
    picture = read(saved(Image.new("RGB", (6000, 100), "red"), "PNG"))
    assert max(shown(picture).size) == 4096


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (png_of_size(50_000, 50_000), "64,000,000 pixels"),
        (png_of_size(2**31 - 1, 2**31 - 1), "pixels"),
        (png_of_size(LONGEST_SIDE + 1, 1), "a side may have 20,000"),
        (png_of_size(9_000, 9_000), "64,000,000 in all"),
        (bomb(12_000), "64,000,000 in all"),
        (png_of_size(0, 10), "broken"),
        (png_of_size(100, 100), "broken"),
        (b"\xff\xd8\xff", "broken"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 1000, "broken"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (b"GIF89a" + b"\xff" * 50, "broken"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "broken"),
    ],
)
def test_hostile_images_are_refused_before_they_unfold(data: bytes, says: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=says):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_png_whose_rows_end_early_is_refused() -> None:
    image = photo("coffee.png")  # 600 x 400
    for rows, says in ((10, "2 %"), (399, "99 %")):
        with pytest.raises(BadInput, match=f"cut off: {says} of its pixels are there"):
            read(png_of_rows(image, rows))
    with pytest.raises(BadInput, match="cut off"):
        read(png_of_rows(image, 50, interlaced=True))
    assert read(png_of_rows(image, 400)).image.size == image.size
    # a decoder goes by the last header
    small, cut = png_of_size(1, 1), png_of_rows(image, 10)
    with pytest.raises(BadInput, match="cut off: 2 %"):
        read(small[:33] + cut[8:])
    one = Image.new("RGB", (1, 1), "red")  # whose first pass is all there is
    assert read(png_of_rows(one, 1, interlaced=True)).image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_images_cut_off_or_damaged_anywhere_are_an_image_or_one_error(form: str) -> None:
    data = saved(noise(2, 80), form)
    rng = random.Random(5)
    with pytest.raises(BadInput, match="cut off or broken"):
        read(data[: len(data) * 2 // 3])
    for _ in range(150):
        hurt = bytearray(data)
        for _ in range(rng.randint(1, 20)):
            hurt[rng.randrange(12, len(hurt))] = rng.randrange(256)
        try:
            said = str(shown(read_image(bytes(hurt), _kind(form))).size)
        except BadInput as error:
            said = str(error)
        assert "\n" not in said


def _kind(form: str) -> Kind:
    kinds: dict[str, Kind] = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
    return kinds[form]


def test_a_name_or_type_that_lies_changes_nothing() -> None:
    """A PNG sent as anything is a PNG: `read_image` never tries another decoder than the content's own."""
    with pytest.raises(BadInput, match="broken"):
        read_image(saved(noise(1, 20), "PNG"), "jpeg")
