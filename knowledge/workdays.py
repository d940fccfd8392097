"""Working days of mainland China: named days off, named make-up days, else Monday to Friday.

Law: 全国年节及纪念日放假办法 (2024-11-10) and the State Council's yearly notice. A year whose notice is not out is
computed from weekends and the statutory days alone, and every date that depends on it is marked provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from knowledge.files import DATA, load_yaml


@dataclass(frozen=True, slots=True)
class Due:
    """A date reached by counting. ``provisional``: it rests on a year without a holiday notice."""

    day: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """``noticed`` years have a notice; ``off`` and ``makeup`` are the days it names."""

    noticed: frozenset[int]
    off: frozenset[date]
    makeup: frozenset[date]

    @classmethod
    def load(cls, path: Path = DATA / "holidays.yaml") -> Calendar:
        data: dict[str, Any] = load_yaml(path)
        off: set[date] = set()
        makeup: set[date] = set()
        for year in data["years"]:
            makeup.update(year["makeup_days"])
            for holiday in year["holidays"]:
                off.update(_days(holiday["first"], holiday["last"]))
        for day in data["statutory_without_notice"]:
            off.add(day)
        return cls(frozenset(y["year"] for y in data["years"]), frozenset(off), frozenset(makeup))

    def is_workday(self, day: date) -> bool:
        return day in self.makeup or (day.weekday() < 5 and day not in self.off)

    def add_workdays(self, start: date, count: int) -> Due:
        """The ``count``-th working day after ``start``; the day of arrival is not counted (民法典 art. 201)."""
        day = start
        for _ in range(count):
            day = self.next_workday(day)
        return Due(day, self._provisional(start, day))

    def add_days(self, start: date, count: int) -> Due:
        """``count`` calendar days on; a last day that is a day off moves to the next working day (民法典 art. 203)."""
        day = start + timedelta(days=count)
        while not self.is_workday(day):
            day += timedelta(days=1)
        return Due(day, self._provisional(day, day))

    def next_workday(self, after: date) -> date:
        day = after + timedelta(days=1)
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day

    def subtract_workdays(self, end: date, count: int) -> Due:
        """The ``count``-th working day before ``end``, which is not counted itself: 15 before 2026-12-31 is 12-10."""
        day = end
        for _ in range(count):
            day = self.workday_on_or_before(day - timedelta(days=1))
        return Due(day, self._provisional(day, end))

    def workday_on_or_before(self, day: date) -> date:
        while not self.is_workday(day):
            day -= timedelta(days=1)
        return day

    def workday_on_or_after(self, day: date) -> date:
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day

    def workdays_between(self, after: date, until: date) -> int:
        """Working days after the first day, the last one included: from 2026-12-01 to 12-10 there are 7."""
        return sum(self.is_workday(after + timedelta(days=n)) for n in range(1, (until - after).days + 1))

    def _provisional(self, first: date, last: date) -> bool:
        return any(year not in self.noticed for year in range(first.year, last.year + 1))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
