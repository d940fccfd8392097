"""When something happened, out of a told story: 昨天上午, 11月20日, 上周六下午3点, 前天."""

from __future__ import annotations

import re
from datetime import date, timedelta

from knowledge.dates import find_days
from knowledge.tip_text import without_amounts

_AGO = (
    (re.compile("大前[天日]"), 3),
    (re.compile("前[天日晚](?!后)"), 2),
    (re.compile("昨[天日晚早儿]|昨个"), 1),
    (re.compile("今[天日早晚儿]|刚才|刚刚|刚买|刚从|上午刚|中午刚"), 0),
)
_NUMERALS = {c: n for n, c in enumerate("零一二三四五六七八九十")} | {"两": 2, "几": 0}
_DAYS_AGO = re.compile(r"([0-9]{1,3}|[一二两三四五六七八九十])(?:天|日)(?:以?前|之前)")
_WEEKDAY = re.compile(r"(上上?个?)?(?:周|星期|礼拜)([一二三四五六日天])(?![福生])")
_DAY_OF_MONTH = re.compile(
    r"(?:(上个?月|本月|这个月)\s*([0-9]{1,2})[号日]?|(?<![0-9月排区第.-])([0-9]{1,2})[号日](?=[早上下中晚]))"
)
_PART = "凌晨|清早|清晨|早晨|早上|今早|上午|中午|午后|下午|傍晚|晚上|夜里|昨晚|今晚"
_CLOCK = r"(?:[0-9]{1,2}|[一二两三四五六七八九十]{1,3})(?:点(?:半|多|左右|[0-9]{1,2}分?)?|时(?:[0-9]{1,2}分?)?|[:：][0-9]{2})"
_HOUR = re.compile(
    rf"(?:{_PART})\s?(?:{_CLOCK})?|(?<![0-9:])(?:[01]?[0-9]|2[0-3])[:：][0-5][0-9](?![0-9:])|(?<![0-9.])[0-9]{{1,2}}点(?:半|多|左右|[0-5][0-9]分?)?(?![0-9一二三四五六七八九])"
)
_WRITTEN = re.compile(r"[月年]|[0-9]{4}")


def find_time(folded: str, today: date) -> tuple[date | None, str]:
    """The day, never one to come, and the hour as said; None and "" where nothing is said."""
    text = without_amounts(folded)
    hour = _HOUR.search(text)
    return _day(text, today), hour[0].strip() if hour else ""


def _day(text: str, today: date) -> date | None:
    """A written day, else one counted back from today."""
    written = next((f.day for f in find_days(text, today) if _WRITTEN.search(text[f.start : f.end])), None)
    if written is not None:
        return written if written <= today else None
    ago = next((n for pattern, n in _AGO if pattern.search(text)), None)
    if ago is not None:
        return today - timedelta(days=ago)
    return _days_ago(text, today) or _weekday(text, today) or _day_of_month(text, today)


def _days_ago(text: str, today: date) -> date | None:
    found = _DAYS_AGO.search(text)
    if found is None:
        return None
    days = int(found[1]) if found[1].isdecimal() else _NUMERALS[found[1]]
    return today - timedelta(days=days)


def _weekday(text: str, today: date) -> date | None:
    """周六: the last one that has come; 上周六: that of the week before."""
    found = _WEEKDAY.search(text)
    if found is None:
        return None
    number = "一二三四五六日".index(found[2].replace("天", "日"))
    if found[1]:
        monday = today - timedelta(days=today.weekday() + 7 * found[1].count("上"))
        return monday + timedelta(days=number)
    return today - timedelta(days=(today.weekday() - number) % 7)


def _day_of_month(text: str, today: date) -> date | None:
    """20号上午: this month's, or last month's when that has not come yet."""
    found = _DAY_OF_MONTH.search(text)
    if found is None:
        return None
    first = today.replace(day=1)
    number = int(found[2] or found[3])
    before = (first - timedelta(days=1)).replace(day=1)
    months = (before,) if (found[1] or "").startswith("上") else (first, before)
    days = (_within(month, number) for month in months)
    return next((d for d in days if d is not None and d <= today), None)


def _within(first: date, number: int) -> date | None:
    day = first + timedelta(days=number - 1)
    return day if number and day.month == first.month else None
