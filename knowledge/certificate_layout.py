"""Which value belongs to which label on a page: on the same line, in the next boxes to the right, or just below."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from knowledge.certificate_labels import FIELDS, LABELS


class TextLine(Protocol):
    """A piece of text with the upper left corner of its box and its size, in pixels of an upright page."""

    @property
    def text(self) -> str: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def page(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A label within a text."""

    field: str
    start: int
    end: int


_CJK = "㐀-鿿"
_OFF_LINE = 0.7
"""Of the taller box's height: middles farther apart are not on one line."""
_BELOW = 2.2
"""Heights of the label within which a value may begin below it."""
_WIDE = 1.2
"""Heights: a wider gap is a gap between columns, not between words."""
_TRIM = " \t:：.。,，;；=_-—~|/、"


_NAMED = sorted(((label, field) for field, labels in LABELS.items() for label in labels), key=lambda p: -len(p[0]))
"""Longest first, so that 检定证书编号 is not taken for 编号."""


def plain(text: str) -> str:
    """Half width, without blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def _spaced(label: str) -> str:
    """The label as a pattern, with blanks anywhere; the solidus may be read as a stroke or be missing."""
    return r"\s*".join("[/／|、lI]?" if c == "/" else re.escape(c) for c in label if c != " ")


def _pattern() -> re.Pattern[str]:
    """A letter before or after an English label undoes it."""
    parts = []
    for number, (label, _) in enumerate(_NAMED):
        body = _spaced(label)
        parts.append(f"(?P<l{number}>" + (body if not label.isascii() else rf"(?<![A-Za-z]){body}(?![A-Za-z])") + ")")
    return re.compile("|".join(parts), re.IGNORECASE)


_LABEL = _pattern()
_CHINESE = [(label, field) for label, field in _NAMED if not label.isascii() and len(label) >= 4 and "/" not in label]


def find_labels(text: str) -> list[Found]:
    """Where labels stand: at the beginning, after a gap, or before a colon; elsewhere the words are just words."""
    found: list[Found] = []
    for match in _LABEL.finditer(text):
        if _stands_free(text, found[-1].end if found else 0, match):
            found.append(Found(_NAMED[int((match.lastgroup or "l0")[1:])][1], match.start(), match.end()))
    return found or _misread(text)


def _stands_free(text: str, last_end: int, match: re.Match[str]) -> bool:
    """``last_end``: where the label before it ended; an English label may follow its Chinese one directly."""
    before, after = text[last_end : match.start()], text[match.end() :]
    return bool(re.match(r"\s*[:：]", after) or not before.strip(_TRIM) or re.search(r"[\s/（(|]$", before))


def _misread(text: str) -> list[Found]:
    """A label of four or more characters, one of which was misread."""
    head = re.sub(r"\s+", "", text)
    for label, field in _CHINESE:
        piece = head[: len(label)]
        if len(piece) == len(label) and sum(a != b for a, b in zip(piece, label, strict=True)) == 1:
            return [Found(field, 0, _raw_end(text, len(label)))]
    return []


def _raw_end(text: str, count: int) -> int:
    """The index after so many characters that are not blank."""
    seen = 0
    for index, character in enumerate(text):
        seen += not character.isspace()
        if seen == count:
            return index + 1
    return len(text)


class Layout:
    """The lines of a document in reading order."""

    def __init__(self, lines: Sequence[TextLine]) -> None:
        self.lines = sorted((line for line in lines if line.text.strip()), key=lambda i: (i.page, i.y, i.x))

    def values(self) -> dict[str, list[str]]:
        """By field, what stands beside or below its labels, likeliest first."""
        beside: dict[str, list[str]] = {field: [] for field in FIELDS}
        below: dict[str, list[str]] = {field: [] for field in FIELDS}
        for line in self.lines:
            for found, value in self._labelled(line):
                if not found.field:
                    continue
                if value:
                    beside[found.field].append(value)
                else:
                    below[found.field] += self._under(line)
        return {field: beside[field] + below[field] for field in FIELDS}

    def _labelled(self, line: TextLine) -> Iterator[tuple[Found, str]]:
        """The labels that begin in this line's box, each with the text up to the next label of its row."""
        row = self._row(line)
        own = len(unicodedata.normalize("NFKC", line.text))
        labels = find_labels(row)
        for found, following in zip(labels, [*labels, None][1:], strict=True):
            if found.start < own:
                end = following.start if following else len(row)
                yield found, row[found.end : end].strip(_TRIM)

    def _row(self, line: TextLine) -> str:
        """The text of this box and of those to its right on one line; columns are two blanks apart."""
        text, at = unicodedata.normalize("NFKC", line.text), line
        while (following := self._right_of(at)) is not None:
            gap = following.x - at.x - at.width
            text += ("  " if gap > _WIDE * line.height else " ") + unicodedata.normalize("NFKC", following.text)
            at = following
        return text

    def _right_of(self, line: TextLine) -> TextLine | None:
        right = line.x + line.width
        near = (
            other
            for other in self.lines
            if other is not line
            and other.page == line.page
            and other.x > right - 0.5 * line.height
            and other.x > line.x
            and abs(_middle(other) - _middle(line)) < _OFF_LINE * max(min(line.height, other.height), 1)
        )
        return min(near, key=lambda other: other.x, default=None)

    def _under(self, line: TextLine) -> Iterator[str]:
        bottom = line.y + line.height
        near = [
            other
            for other in self.lines
            if other.page == line.page
            and -0.3 * line.height <= other.y - bottom < _BELOW * line.height
            and other.x < line.x + line.width
            and other.x + other.width > line.x
        ]
        for other in near:
            text = unicodedata.normalize("NFKC", other.text)
            if not find_labels(text):
                yield text.strip(_TRIM)


def _middle(line: TextLine) -> float:
    return line.y + line.height / 2
