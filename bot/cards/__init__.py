"""Pledge cards: what a shop hangs on its wall or sends to its customers, as a picture or a page to print."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, time
from enum import Enum

from PIL import Image

from bot.cards import layout, lettering
from bot.cards.words import Card, texts

__all__ = ["Card", "Size", "draw", "missing", "pdf"]

PRINT_DPI = 300
QUALITY = 88
SHADES = 64
"""Colours of a picture: a card has three and the steps between them."""


class Size(Enum):
    A4 = "a4"
    A6 = "a6"
    PHONE = "phone"


_SHEETS = {Size.A4: layout.A4, Size.A6: layout.A6, Size.PHONE: layout.PHONE}


def draw(card: Card, size: Size) -> bytes:
    """A PNG of at most 1 MB: A4 with 1654 x 2339 pixels (200 dpi), A6 with 1240 x 1748 (300 dpi), phone with 1080 x 2160.

    A character that no typeface has is drawn as 〓; ``missing`` names them beforehand.
    """
    sheet = _SHEETS[size]
    out = io.BytesIO()
    picture = layout.painted(card, sheet).image.quantize(SHADES, dither=Image.Dither.NONE)
    picture.save(out, "PNG", optimize=True, dpi=(sheet.dpi, sheet.dpi))
    return out.getvalue()


def pdf(card: Card) -> bytes:
    """One A4 page of at most 1.5 MB, 300 dpi; the same bytes each time."""
    out = io.BytesIO()
    made = datetime.combine(card.signed_on, time(), UTC).timetuple()
    page = layout.painted(card, replace(layout.A4, dpi=PRINT_DPI)).image
    named = {"title": f"{card.title} {card.number}", "creationDate": made, "modDate": made}
    page.save(out, "PDF", resolution=PRINT_DPI, quality=QUALITY, **named)
    return out.getvalue()


def missing(card: Card) -> tuple[str, ...]:
    """The characters of a card that are drawn as 〓, each once."""
    return lettering.missing(texts(card))
