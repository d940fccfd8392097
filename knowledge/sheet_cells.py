"""One cell of a ledger read as what its column says: a text, a day, a count, serial numbers."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from knowledge.dates import DayError, excel_day, read_day
from knowledge.sheet import Cell

MAX_NAME, MAX_PLACE = 60, 100
MAX_COUNT = 9_999
TOO_LONG = 1e15
"""A spreadsheet keeps fifteen digits of a number."""

_NOTHING = re.compile(r"[-–—－/／\\.。、*]*|无|无编号|没有|不详|未知|暂无|空|NA|N/A|NONE|NULL", re.IGNORECASE)
_TIME = re.compile(r"[T\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AP]M)?$", re.IGNORECASE)
_DAY_NUMBER = re.compile(r"\d{5}(?:\.\d+)?")
_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?E\+\d+", re.IGNORECASE)
_COUNT = re.compile(r"(\d{1,6})(?:\.0+)?\s*[台件只个支块把套具]?")
_SERIAL = re.compile(r"[\w\-./#()（）]+")
_BETWEEN_SERIALS = re.compile(r"[、，,;；\n]+")


class CellError(ValueError):
    """The text follows the column's title: 不是数字，请只写台数，如 3."""


def text_of(cell: Cell) -> str:
    """On one line; a number without the .0 that spreadsheets add; empty for a dash or 无."""
    if isinstance(cell, date):
        return cell.isoformat()
    text = number_text(cell) if isinstance(cell, float) else " ".join((cell or "").split())
    return "" if _NOTHING.fullmatch(unicodedata.normalize("NFKC", text)) else text


def number_text(number: float) -> str:
    """All digits, never 1.23E+11."""
    return f"{number:.0f}" if number.is_integer() else repr(number)


def name_of(cell: Cell) -> str:
    """A name or number; ``CellError`` when none is so long."""
    return _within(cell, MAX_NAME)


def place_of(cell: Cell) -> str:
    """A firm or a place."""
    return _within(cell, MAX_PLACE)


def _within(cell: Cell, most: int) -> str:
    text = text_of(cell)
    if len(text) > most:
        raise CellError(f"太长，请写在{most}字以内")
    return text


def day_of(cell: Cell) -> date | None:
    """The day written in any usual way or as a spreadsheet's day number; ``CellError`` names what is accepted."""
    try:
        return _day(cell)
    except DayError as error:
        raise CellError(str(error).rstrip("。")) from None


def _day(cell: Cell) -> date | None:
    if isinstance(cell, date):
        return read_day(cell.isoformat())
    text = _TIME.sub("", unicodedata.normalize("NFKC", text_of(cell)))
    if not text:
        return None
    if _DAY_NUMBER.fullmatch(text):
        return excel_day(float(text))
    return read_day(text[:30])


def count_of(cell: Cell) -> int:
    """1 where nothing is written."""
    text = unicodedata.normalize("NFKC", text_of(cell))
    if not text:
        return 1
    found = _COUNT.fullmatch(text)
    if not found or not 1 <= int(found[1]) <= MAX_COUNT:
        raise CellError(f"“{text[:20]}”不是台数，请只写数字，如 3")
    return int(found[1])


def serials_of(cell: Cell) -> tuple[str, ...]:
    """Usually one; several where plain ones are parted by 、 or a line end."""
    parts = [text_of(part) for part in _BETWEEN_SERIALS.split(cell)] if isinstance(cell, str) else []
    plain = all(_SERIAL.fullmatch(part) for part in parts if part)
    parts = parts if parts and plain else [text_of(cell)]
    found = (re.sub(r"^(\d+)\.0$", r"\1", name_of(part)) for part in parts)
    return tuple(serial for serial in found if serial)


def lost_digits(cell: Cell) -> bool:
    """Whether the spreadsheet has turned a long serial number into 1.23E+11 or zeros."""
    if isinstance(cell, float):
        return abs(cell) >= TOO_LONG
    return isinstance(cell, str) and bool(_SCIENTIFIC.fullmatch(cell.strip()))
