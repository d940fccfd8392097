"""From a photo's bytes to pixels fit for reading: within limits, upright as the camera says, bright enough."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from bot.ocr.lines import UnreadableError

Pixels = npt.NDArray[np.uint8]
"""Rows, columns, and the three colours blue, green, red."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP")
MAX_PIXELS = 40_000_000
MAX_SIDE = 4000
"""A 12-megapixel photo keeps every pixel: a label may be a small part of it."""
DARK = 40
"""The brightest hundredth of the picture below this, of 255: nothing can be stretched out of it."""
RED, MAX_RED = 25, 0.1
"""By how much red outshines the other colours in the ink of a seal; the share of a page that seals may cover."""

TOO_LARGE = "照片超过 4000 万像素，读不了。请用手机普通模式拍，或压缩后再发。"
HEIC = "这张照片是 HEIC 格式，读不了。请在手机上另存为 JPG 再发，或截图发来。"
BROKEN = "这个文件打不开，可能没传完或已损坏。请重新拍一张 JPG 或 PNG 照片发来。"
TOO_DARK = "照片太暗，看不清字。请开灯或到亮处再拍一张。"


def decode(data: bytes, media_type: str) -> Pixels:
    """``UnreadableError``: too many pixels, an unknown format, a broken file."""
    if media_type in {"image/heic", "image/heif"}:
        raise UnreadableError(HEIC)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow raises an error at twice this, and warns before
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _load(data)
    except Image.DecompressionBombError:
        raise UnreadableError(TOO_LARGE) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(BROKEN) from None


def _load(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise UnreadableError(TOO_LARGE)
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a larger JPEG is halved while it is decoded
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
        upright = ImageOps.exif_transpose(image)
        return from_pillow(upright)


def from_pillow(image: Image.Image) -> Pixels:
    """Transparent parts are white, as on the paper."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])


def brighten(pixels: Pixels) -> Pixels:
    """Stretch the used range of brightness to the whole of it, when a good part is unused."""
    low, high = np.percentile(pixels[::8, ::8].max(axis=2), (1, 99))
    if high < DARK:
        raise UnreadableError(TOO_DARK)
    if high - low > 150:
        return pixels
    ramp = np.clip((np.arange(256) - low) * 255 / max(high - low, 1), 0, 255).astype(np.uint8)
    stretched: Any = ramp[pixels]
    return np.ascontiguousarray(stretched)


def fade_seal(pixels: Pixels) -> Pixels:
    """Red ink made as light as its own red: what is printed in black stays under it.

    Not where much is red: that is a red label, and its text would go too.
    """
    red = pixels[:, :, 2]
    ink = red.astype(np.int16) - pixels[:, :, :2].max(axis=2) > RED
    if ink.mean() > MAX_RED:
        return pixels
    faded = pixels.copy()
    faded[ink] = red[ink][:, None]
    return faded
