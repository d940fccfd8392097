"""The child that opens strangers' pictures: pixels in, a new JPEG out. See ``bot/limited.py``."""

from __future__ import annotations

import io
import json

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from bot import limited

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 2048
QUALITY = 88
WHITE = (255, 255, 255)


def made_anew(data: bytes) -> bytes:
    """A line of JSON, then the JPEG. What is wrong is named in one word."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return _refused("pixels")
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            pixels = _flat(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        return _refused("pixels")
    except UnidentifiedImageError:
        return _refused("kind")
    except (OSError, ValueError, SyntaxError, EOFError):
        return _refused("broken")
    # From the bytes of the pixels alone: no colour profile, no comment, no text block can come along.
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.frombytes("RGB", pixels.size, pixels.tobytes())
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY)
    head = {"width": clean.width, "height": clean.height, "dhash": difference_hash(clean)}
    return json.dumps(head).encode() + b"\n" + out.getvalue()


def difference_hash(picture: Image.Image) -> str:
    """64 bits: whether each of 8 x 8 cells is brighter than its right neighbour."""
    small = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (small[row * 9 + column] > small[row * 9 + column + 1])
    return f"{bits:016x}"


def _flat(picture: Image.Image) -> Image.Image:
    """RGB on white: a transparent part must not hide what is under it."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGB", layered.size, WHITE)
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    return picture.convert("RGB")


def _refused(why: str) -> bytes:
    return json.dumps({"refused": why}).encode() + b"\n"


if __name__ == "__main__":
    limited.serve(made_anew)
