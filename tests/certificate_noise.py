"""What happens to a paper between the counter and the chat: how it is held, lit, focused and compressed."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

Noise = Callable[[Image.Image, random.Random], Image.Image]
DESK = (139, 119, 101)


def clean(image: Image.Image, _dice: random.Random) -> Image.Image:
    return image


def on_side(image: Image.Image, dice: random.Random) -> Image.Image:
    return image.transpose(dice.choice((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)))


def upside_down(image: Image.Image, _dice: random.Random) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_180)


def skewed(image: Image.Image, dice: random.Random) -> Image.Image:
    """Up to eight degrees either way, on a desk."""
    degrees = dice.choice((-1, 1)) * dice.uniform(3, 8)
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=DESK)


def perspective(image: Image.Image, dice: random.Random) -> Image.Image:
    """Photographed from aside: each corner moved by up to seven hundredths of the page."""
    width, height = image.size
    pushed = [
        (
            x + dice.uniform(0, 0.07) * width * (1 if x == 0 else -1),
            y + dice.uniform(0, 0.05) * height * (1 if y == 0 else -1),
        )
        for x, y in ((0, 0), (width, 0), (width, height), (0, height))
    ]
    flat = np.array(((0, 0), (width, 0), (width, height), (0, height)), dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(flat, np.array(pushed, dtype=np.float32))
    return Image.fromarray(cv2.warpPerspective(np.asarray(image), matrix, (width, height), borderValue=DESK))


def dim(image: Image.Image, dice: random.Random) -> Image.Image:
    """A back room in the evening, with the grain of a high sensitivity."""
    return grainy(ImageEnhance.Brightness(image).enhance(dice.uniform(0.22, 0.35)), 4, dice)


def shadow(image: Image.Image, dice: random.Random) -> Image.Image:
    """The photographer's own shadow: from full light to a third across the page."""
    width, height = image.size
    across = np.linspace(1.0, 0.33, width)[None, :] * np.linspace(1.0, dice.uniform(0.7, 1.0), height)[:, None]
    return _from(np.asarray(image) * across[:, :, None])


def blurred(image: Image.Image, dice: random.Random) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(dice.uniform(1.0, 1.7)))


def compressed(image: Image.Image, _dice: random.Random) -> Image.Image:
    """As messengers send on: quality 40."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(buffer).convert("RGB")


def grainy(image: Image.Image, sigma: float, dice: random.Random) -> Image.Image:
    grain = np.random.default_rng(dice.randrange(2**32)).normal(0, sigma, (image.height, image.width, 3))
    return _from(np.asarray(image) + grain)


def twelve_megapixels(image: Image.Image, dice: random.Random) -> Image.Image:
    """The whole sensor of a telephone, the paper on a desk within it."""
    frame = Image.new("RGB", (3000, 4000) if image.height > image.width else (4000, 3000), DESK)
    share = dice.uniform(0.75, 0.95)
    scale = min(frame.width * share / image.width, frame.height * share / image.height)
    paper = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    frame.paste(paper, ((frame.width - paper.width) // 2, (frame.height - paper.height) // 2))
    return frame


def pitch_dark(image: Image.Image, dice: random.Random) -> Image.Image:
    return grainy(ImageEnhance.Brightness(image).enhance(0.03), 3, dice)


def out_of_focus(image: Image.Image, _dice: random.Random) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(14))


def thumbnail(image: Image.Image, _dice: random.Random) -> Image.Image:
    """Saved from a preview: letters four pixels high."""
    return image.resize((image.width // 7, image.height // 7), Image.Resampling.BILINEAR)


READABLE: dict[str, tuple[Noise, ...]] = {
    "clean": (clean,),
    "on its side": (on_side,),
    "upside down": (upside_down,),
    "skewed": (skewed,),
    "perspective": (perspective, compressed),
    "dim": (dim,),
    "shadow": (shadow,),
    "blurred": (blurred,),
    "quality 40": (compressed,),
    "12 megapixels": (twelve_megapixels,),
    "skewed, shadow, quality 40": (skewed, shadow, compressed),
    "on its side, dim": (on_side, dim),
}
UNREADABLE: dict[str, tuple[Noise, ...]] = {
    "pitch dark": (pitch_dark,),
    "out of focus": (out_of_focus,),
    "thumbnail": (thumbnail,),
}


def apply(image: Image.Image, noises: tuple[Noise, ...], dice: random.Random) -> Image.Image:
    for noise in noises:
        image = noise(image, dice)
    return image


def _from(values: npt.NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
