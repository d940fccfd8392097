"""Lettering: the two typefaces that come with the install, which characters they have, and how lines are broken.

Every character is measured and placed by itself, so that a card looks the same on every machine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont
from pylopdf_fonts_zh_cn import sans_path, serif_path

MISSING = "〓"
"""Printers' sign for a character that is not in the case (缺字符号)."""
_UNIT = 1000
_PROBE = 40
_NO_CHARACTER = "\U0010ffff"
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_WORDS = re.compile(r"[A-Za-z0-9\u00c0-\u024f][A-Za-z0-9\u00c0-\u024f.%/&'-]*|.", re.DOTALL)
# GB/T 15834-2011, 5.1: what may not stand at the head of a line, and what not at its end.
_NOT_FIRST = frozenset("，。、；：？！）》」』】〉”’%·,.;:?!)")
_NOT_LAST = frozenset("（《「『【〈“‘(")


class Face(Enum):
    SERIF = "serif"
    SANS = "sans"

    @property
    def path(self) -> Path:
        return serif_path() if self is Face.SERIF else sans_path()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one text and the size, in the unit of the width it was fitted to, at which they fit."""

    lines: tuple[str, ...]
    size: float


@lru_cache(maxsize=64)
def font(face: Face, pixels: int) -> ImageFont.FreeTypeFont:
    # Not the shaping layout: it follows direction marks in names and is not in every build of Pillow.
    return ImageFont.truetype(str(face.path), pixels, layout_engine=ImageFont.Layout.BASIC)


def cleaned(text: str) -> str:
    """Without what cannot be seen: control and direction characters, marks for variants; white space as one blank."""
    text = " ".join(_VARIANTS.sub("", unicodedata.normalize("NFC", text)).split())
    return "".join(char for char in text if unicodedata.category(char) not in _UNSEEN)


def missing(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters that neither typeface has, each once, in the order they come."""
    chars = dict.fromkeys(char for text in texts for char in cleaned(text))
    return tuple(char for char in chars if not any(_has(face, char) for face in Face))


def glyph(face: Face, char: str) -> tuple[Face, str]:
    """How a character is drawn: in this face, else in the other one, else as ``MISSING``."""
    for able in (face, *Face):
        if _has(able, char):
            return able, char
    return face, MISSING


@lru_cache(maxsize=4096)
def advance(face: Face, char: str) -> float:
    """Width of a character in ems."""
    face, char = glyph(face, char)
    return font(face, _UNIT).getlength(char) / _UNIT


def width(face: Face, text: str) -> float:
    """Width of a line in ems."""
    return sum(advance(face, char) for char in text)


def wrapped(face: Face, text: str, ems: float) -> tuple[str, ...]:
    """Lines no wider than ``ems`` where one character is not wider already. Words and figures are kept whole."""
    lines = [""]
    for piece in _pieces(face, text, ems):
        if lines[-1] and width(face, lines[-1] + piece.rstrip()) > ems:
            stays, carried = _parted(lines[-1], piece)
            if width(face, carried + piece.rstrip()) > ems:
                stays, carried = lines[-1], ""
            lines[-1:] = [stays, carried]
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return tuple(line.rstrip() for line in lines)


def fitted(face: Face, text: str, room: tuple[float, float], largest: float, leading: float) -> Block:
    """The largest lettering of a text within a room (width, height), in as few lines as do not make it small."""
    text = cleaned(text)
    for count, least in ((1, 0.8), (2, 0.62), (3, 0.0)):
        size = largest
        while size > largest * least:
            lines = wrapped(face, text, room[0] / size)
            if len(lines) <= count and _fits(face, lines, size, room, leading):
                return Block(_balanced(face, text, room[0] / size, len(lines)), size)
            size *= 0.97
            if size < largest / 100:
                break
    return Block((), largest)


def _fits(face: Face, lines: tuple[str, ...], size: float, room: tuple[float, float], leading: float) -> bool:
    widest = max(width(face, line) for line in lines)
    return widest * size <= room[0] and len(lines) * leading * size <= room[1]


def _balanced(face: Face, text: str, ems: float, count: int) -> tuple[str, ...]:
    """As many lines as are needed anyway, but of about the same width."""
    lines = wrapped(face, text, ems)
    narrower = ems
    while narrower > ems / (count + 1):
        narrower -= 0.5
        tried = wrapped(face, text, narrower)
        if len(tried) > count or max(width(face, line) for line in tried) > narrower:
            break
        lines = tried
    return lines


def _pieces(face: Face, text: str, ems: float) -> list[str]:
    """Words, and single characters of those that are wider than a line."""
    words = _WORDS.findall(text)
    return [piece for word in words for piece in (word if width(face, word) > ems else [word])]


def _parted(line: str, piece: str) -> tuple[str, str]:
    """What stays on a full line, and what goes to the next with the piece that is too much."""
    whole = line + piece
    for at in range(len(line), 0, -1):
        if whole[at - 1] not in _NOT_LAST and whole[at] not in _NOT_FIRST:
            return line[:at], line[at:]
    return line, ""


@lru_cache(maxsize=4096)
def _has(face: Face, char: str) -> bool:
    if char.isspace():
        return True
    drawn, nothing = (font(face, _PROBE).getmask(one) for one in (char, _NO_CHARACTER))
    return (drawn.size, bytes(drawn)) != (nothing.size, bytes(nothing))
