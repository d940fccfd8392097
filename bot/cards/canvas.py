"""A sheet to draw on in millimetres, from its upper left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import segno
from PIL import Image, ImageChops, ImageDraw

from bot.cards.lettering import Block, Face, font, glyph, width

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
GREEN: Colour = (10, 122, 69)
SOFT_GREEN: Colour = (178, 214, 195)
PALE_GREEN: Colour = (244, 249, 246)
INK: Colour = (24, 42, 33)
GREY: Colour = (92, 110, 101)
WHITE: Colour = (255, 255, 255)
BASELINE = 0.88
"""Of the em, from its top: where Chinese type stands (OpenType, BASE table, ideographic em-box)."""
QUIET = 4
"""Modules of white round a code (GB/T 18284, ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Style:
    face: Face
    size: float
    colour: Colour = INK
    tracking: float = 0.0
    """Extra space between characters, in ems."""
    weight: float = 0.0
    """Extra thickness of strokes, in ems."""
    align: float = 0.0
    """0 the text begins at the given place, 0.5 it has its middle there, 1 it ends there."""


class Canvas:
    def __init__(self, width: float, height: float, dpi: float) -> None:
        self.width, self.height = width, height
        self._scale = dpi / 25.4
        self.image = Image.new("RGB", (self.pixels(width), self.pixels(height)), WHITE)
        self._draw = ImageDraw.Draw(self.image)

    def pixels(self, length: float) -> int:
        return round(length * self._scale)

    def line(self, x: float, top: float, text: str, style: Style) -> None:
        """One line of text whose em box has its top at ``top``."""
        between = style.tracking * style.size
        total = width(style.face, text) * style.size + between * max(len(text) - 1, 0)
        x -= total * style.align
        for char in text:
            self._char(x, top + BASELINE * style.size, char, style)
            x += width(style.face, char) * style.size + between

    def block(self, x: float, top: float, block: Block, style: Style, leading: float) -> float:
        """The lines of a block, one below the other; where the next thing may begin."""
        for number, line in enumerate(block.lines):
            self.line(x, top + ((leading - 1) / 2 + number * leading) * style.size, line, style)
        return top + len(block.lines) * leading * style.size

    def rule(self, x: float, y: float, length: float, thick: float, colour: Colour) -> None:
        self.bar(x, y - thick / 2, length, thick, colour)

    def bar(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        left, top = self.pixels(x), self.pixels(y)
        right, bottom = left + max(self.pixels(width), 1), top + max(self.pixels(height), 1)
        self._draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)

    def frame(self, box: Box, thick: float, radius: float, colour: Colour) -> None:
        """A border with round corners; ``box``: left, top, right, bottom."""
        left, top, right, bottom = (self.pixels(n) for n in box)
        thickness = max(self.pixels(thick), 1)
        edges = (left, top, right - 1, bottom - 1)
        self._draw.rounded_rectangle(edges, self.pixels(radius), outline=colour, width=thickness)

    def stencil(self, centre: tuple[float, float], mask: Image.Image, colour: Colour) -> None:
        """A shape in one colour; the mask has the pixels of the canvas."""
        x, y = (self.pixels(n) for n in centre)
        self.image.paste(colour, (x - mask.width // 2, y - mask.height // 2), mask)

    def watermark(self, centre: tuple[float, float], mask: Image.Image, colour: Colour) -> None:
        """A shape behind what is drawn already: whatever is darker stays as it is."""
        behind = Image.new("RGB", self.image.size, WHITE)
        x, y = (self.pixels(n) for n in centre)
        behind.paste(colour, (x - mask.width // 2, y - mask.height // 2), mask)
        self.image.paste(ImageChops.darker(self.image, behind))

    def code(self, x: float, y: float, text: str, side: float) -> float:
        """A QR code in the middle of a square of this side, with its quiet zone; the side of its modules, without it.

        Every module has the same whole number of pixels: codes that are stretched are hard to read from afar.
        """
        made = segno.make_qr(text, error="m")
        count = len(made.matrix)
        each = max(self.pixels(side) // (count + 2 * QUIET), 1)
        bits = bytes(0 if dark else 255 for row in made.matrix for dark in row)
        code = Image.frombytes("L", (count, count), bits).resize((count * each, count * each), Image.Resampling.NEAREST)
        corner = [self.pixels(at) + (self.pixels(side) - count * each) // 2 for at in (x, y)]
        self.image.paste(Image.merge("RGB", (code, code, code)), (corner[0], corner[1]))
        return count * each / self._scale

    def _char(self, x: float, baseline: float, char: str, style: Style) -> None:
        face, char = glyph(style.face, char)
        stroke = style.weight * style.size * self._scale
        place = (x * self._scale, baseline * self._scale)
        self._draw.text(
            place,
            char,
            fill=style.colour,
            font=font(face, max(math.floor(style.size * self._scale), 1)),
            anchor="ls",
            stroke_width=stroke,
        )
