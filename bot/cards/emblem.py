"""The scale of the card: a level balance, drawn from lines, so that it is sharp at every size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

FINER = 4
"""It is drawn larger and made smaller, for smooth edges."""
_SIDE = 64.0
Point = tuple[float, float]

_STROKE = 2.6
_LINES: Sequence[Sequence[Point]] = (
    ((32, 15), (32, 47)),
    ((13, 21), (51, 21)),
    ((24, 48.5), (40, 48.5)),
    ((13, 21), (7.5, 35), (18.5, 35), (13, 21)),
    ((51, 21), (45.5, 35), (56.5, 35), (51, 21)),
)
_PANS: Sequence[tuple[float, float, float, float]] = ((6.4, 29.2, 19.6, 41.2), (44.4, 29.2, 57.6, 41.2))
_KNOB = (32.0, 14.0, 3.0)


@lru_cache(maxsize=8)
def balance(pixels: int) -> Image.Image:
    """A mask of a square: the bare balance."""
    return _smooth(_balance(pixels * FINER), pixels)


@lru_cache(maxsize=8)
def seal(pixels: int) -> Image.Image:
    """A mask of a square: the balance left free in a round seal with a fine ring."""
    side = pixels * FINER
    unit = side / _SIDE
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    for inset, fill in ((0.0, 255), (1.1, 0), (2.3, 255)):
        draw.ellipse((inset * unit, inset * unit, side - 1 - inset * unit, side - 1 - inset * unit), fill=fill)
    small = round(side * 0.86)
    mask.paste(0, ((side - small) // 2, (side - small) // 2), _balance(small))
    return _smooth(mask, pixels)


@lru_cache(maxsize=8)
def lozenge(pixels: int) -> Image.Image:
    """A mask of a square: a lozenge for the middle of a rule."""
    side = pixels * FINER
    mask = Image.new("L", (side, side), 0)
    half = side / 2
    ImageDraw.Draw(mask).polygon(((half, 0), (side, half), (half, side), (0, half)), fill=255)
    return _smooth(mask, pixels)


def _balance(side: int) -> Image.Image:
    unit = side / _SIDE
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    for line in _LINES:
        _polyline(draw, [(x * unit, y * unit) for x, y in line], _STROKE * unit)
    for box in _PANS:
        draw.chord(tuple(n * unit for n in box), 0, 180, fill=255)
    _dot(draw, (_KNOB[0] * unit, _KNOB[1] * unit), _KNOB[2] * unit)
    return mask


def _polyline(draw: ImageDraw.ImageDraw, points: Sequence[Point], thick: float) -> None:
    draw.line(points, fill=255, width=round(thick), joint="curve")
    for point in points:
        _dot(draw, point, thick / 2)


def _dot(draw: ImageDraw.ImageDraw, centre: Point, radius: float) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _smooth(mask: Image.Image, pixels: int) -> Image.Image:
    return mask.resize((pixels, pixels), Image.Resampling.BOX)
