"""Days as people write them: 2026/5/20, 2026.5.20, 20260520, 2026年5月20日, 26.5.20, and Excel's numbers."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FIRST, LAST = date(1980, 1, 1), date(2099, 12, 31)
"""No instrument in use was verified before, and no certificate reaches further."""
EXCEL_ZERO = date(1899, 12, 30)
"""Day 0 of Excel's 1900 system, whose made-up 29 February 1900 only shifts days before it."""

_NUMERALS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_SIGN = r"\s*[-/.．、年]\s*"
_LATER_SIGN = r"\s*[-/.．、月]\s*"
_FULL = rf"(?<!\d)(\d{{4}}|\d{{2}}){_SIGN}(\d{{1,2}}){_LATER_SIGN}(\d{{1,2}})(?:\s*[日号])?(?!\d)"
_SOLID = r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)"
_SHORT = r"(?<!\d)(\d{1,2})\s*(?:月|[./-])\s*(\d{1,2})(?:\s*[日号])?(?![\d.])"
_DATED = re.compile(f"{_FULL}|{_SOLID}")
_DATED_OR_SHORT = re.compile(f"{_FULL}|{_SOLID}|{_SHORT}")
_MIDNIGHT = re.compile(r"[\sT]+0{1,2}:00(?::00(?:\.0+)?)?$")


class DayError(ValueError):
    """It is no day; the text says so in Chinese, and how to write one."""


@dataclass(frozen=True, slots=True)
class FoundDay:
    """A day within a text, and where it stands there."""

    day: date
    start: int
    end: int


def read_day(text: str, today: date | None = None) -> date:
    """The one day that the whole text is; ``DayError`` otherwise.

    With ``today``, a day without its year (5月20日, 5.20) is the last one that has passed.
    """
    said = _MIDNIGHT.sub("", _tidy(text).strip())
    found = (_DATED if today is None else _DATED_OR_SHORT).fullmatch(said)
    if found is None:
        raise DayError(f"“{text.strip()[:20]}”不是日期，请写成 2026-05-20。")
    day = _day(found, today)
    if day is None:
        raise DayError(f"“{text.strip()[:20]}”不是日期，没有这一天，请写成 2026-05-20。")
    if not FIRST <= day <= LAST:
        raise DayError(f"“{text.strip()[:20]}”的年份不对，请写成 2026-05-20。")
    return day


def find_days(text: str, today: date | None = None) -> list[FoundDay]:
    """Every day written anywhere in a text, in order; what only looks like one is left out."""
    return list(_found(_tidy(text), today))


def excel_day(serial: float) -> date:
    """The day of an Excel number; a time of day is left off. ``DayError`` when it is no likely date."""
    low, high = (FIRST - EXCEL_ZERO).days, (LAST - EXCEL_ZERO).days
    if not low <= serial < high + 1:
        raise DayError(f"“{serial:g}”不是日期，请写成 2026-05-20。")
    return EXCEL_ZERO + timedelta(days=int(serial))


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last day of a shorter month."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _tidy(text: str) -> str:
    """Half width, Arabic numerals; as long as the text, so that places in it stay right."""
    half = "".join(n if len(n := unicodedata.normalize("NFKC", c)) == 1 else c for c in text)
    return re.sub(r"[〇零○一二三四五六七八九]{4}(?=\s*年)", lambda m: m[0].translate(_NUMERALS), half)


def _found(text: str, today: date | None) -> Iterator[FoundDay]:
    for found in (_DATED if today is None else _DATED_OR_SHORT).finditer(text):
        day = _day(found, today)
        if day is not None and FIRST <= day <= LAST:
            yield FoundDay(day, found.start(), found.end())


def _day(found: re.Match[str], today: date | None) -> date | None:
    groups = [g for g in found.groups() if g is not None]
    if len(groups) == 2:
        return _last_passed(int(groups[0]), int(groups[1]), today) if today else None
    year, month, day = (int(g) for g in groups)
    return _possible(year + 2000 if year < 100 else year, month, day)


def _last_passed(month: int, day: int, today: date) -> date | None:
    """29 February may be up to eight years back."""
    years = range(today.year, today.year - 9, -1)
    days = (_possible(year, month, day) for year in years)
    return next((d for d in days if d is not None and d <= today), None)


def _possible(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
