"""The child that opens strangers' pictures: pixels in, a new JPEG out. See ``bot/limited.py``."""

from __future__ import annotations

import io
import json
import warnings

from PIL import Image, UnidentifiedImageError

from bot import limited

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
MOST_WEBP, MOST_PROGRESSIVE = 10_000_000, 24_000_000
"""Their decoders need 16 and up to 8 bytes for each pixel, the others 4: these are what the child's memory holds."""
LONGEST_SIDE = 2048
STRIP = 128
"""Rows that are made smaller at a time, so that a large picture is never there twice."""
QUALITY = 88
WHITE = (255, 255, 255)
FAINTEST = 4
"""Shades of grey between the darkest and the brightest cell: with fewer there is nothing to tell pictures apart by."""
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the camera's word for how it was held (Exif 2.32, tag 0x0112)."""


class _TooManyPixelsError(Exception):
    pass


def made_anew(data: bytes) -> bytes:
    """A line of JSON, then the JPEG. What is wrong is named in one word."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tags we do not keep, and sizes that are looked at below
            pixels = _pixels(data)
    except (_TooManyPixelsError, Image.DecompressionBombError, MemoryError):
        return _refused("pixels")
    except UnidentifiedImageError:
        return _refused("kind")
    except Exception:  # a decoder may fail in any way; none of them makes a copy
        return _refused("broken")
    # From the bytes of the pixels alone: no colour profile, no comment, no text block can come along.
    clean = Image.frombytes("RGB", pixels.size, pixels.tobytes())
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY)
    head = {"width": clean.width, "height": clean.height, "dhash": difference_hash(clean)}
    return json.dumps(head).encode() + b"\n" + out.getvalue()


def difference_hash(picture: Image.Image) -> str:
    """64 bits: whether each of 8 x 8 cells is brighter than its right neighbour; empty when all are alike."""
    small = picture.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    if max(small) - min(small) < FAINTEST:
        return ""
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (small[row * 9 + column] > small[row * 9 + column + 1])
    return f"{bits:016x}"


def _pixels(data: bytes) -> Image.Image:
    """The picture upright, on white, within the longest side."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        _demand_few_pixels(picture)
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a larger JPEG is halved while it is decoded
        picture.load()
        small = _reduced(picture)
        turn = _turn(picture)
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return small if turn is None else small.transpose(turn)


def _demand_few_pixels(picture: Image.Image) -> None:
    most = MOST_PIXELS
    if picture.format == "WEBP":
        most = MOST_WEBP
    elif picture.info.get("progressive"):
        most = MOST_PROGRESSIVE
    if picture.width * picture.height > most:
        raise _TooManyPixelsError


def _reduced(picture: Image.Image) -> Image.Image:
    """Smaller by a whole number, but not below the longest side."""
    factor = max(max(picture.size) // LONGEST_SIDE, 1)
    size = (-(-picture.width // factor), -(-picture.height // factor))
    small = Image.new("RGB", size, WHITE)
    rows = STRIP // factor * factor or factor
    for top in range(0, picture.height, rows):
        strip = _flat(picture.crop((0, top, picture.width, min(top + rows, picture.height))))
        small.paste(strip.reduce(factor) if factor > 1 else strip, (0, top // factor))
    return small


def _flat(strip: Image.Image) -> Image.Image:
    """RGB on white: a transparent part must not hide what is under it."""
    if strip.mode.startswith("I"):  # 16 bits of grey
        strip = strip.convert("I").point(lambda value: value / 256).convert("L")
    if not strip.has_transparency_data:
        return strip.convert("RGB")
    layered = strip.convert("RGBA")
    ground = Image.new("RGB", layered.size, WHITE)
    ground.paste(layered, mask=layered.getchannel("A"))
    return ground


def _turn(picture: Image.Image) -> Image.Transpose | None:
    try:
        return TURNS.get(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # what the camera wrote cannot be read: the picture itself could
        return None


def _refused(why: str) -> bytes:
    return json.dumps({"refused": why}).encode() + b"\n"


if __name__ == "__main__":
    limited.serve(made_anew)
