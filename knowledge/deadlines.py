"""The terms (期限) of complaints and reports: dated rows, the last day by them, and why it is that day.

Law: 市场监督管理投诉举报处理办法 (总局令第121号, in force since 2026-04-15), 消费者权益保护法 art. 46, 民法典 arts. 201 and
203 by analogy. A case keeps the row of the day it came in. The day of arrival is not counted and never moved on: an
arrival on a Saturday or at 23:59 counts as that day's, which is the safe side for the citizen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Dated
from knowledge.workdays import Calendar, Due

FILE = "deadlines.yaml"
WARN_AHEAD = 2
"""Working days before the last day from which somebody is told."""


class Unit(StrEnum):
    """What a term is counted in. Never converted: 60 days are not so many working days."""

    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    YEARS = "years"


UNITS = {Unit.WORKING_DAYS: "个工作日", Unit.CALENDAR_DAYS: "天（自然日）", Unit.YEARS: "年"}


class ClockRule(Dated):
    """One term. ``id`` may stand in several rows that hold at different times; ``own``: a promise of the bureau's, not
    law; ``extension``: further units with approval, 0 for none."""

    id: str
    kind: Literal["complaint", "report", "any"]
    event: str = Field(min_length=2)
    days: int = Field(gt=0)
    unit: Unit
    start: str = Field(min_length=2)
    """From when it runs, in Chinese: 收到投诉之日."""
    law: str = Field(min_length=2)
    confidence: Literal["high", "medium", "low"]
    sources: tuple[str, ...]
    extension: int = 0
    extension_needs: str = ""
    own: bool = False
    note: str = ""

    @property
    def length(self) -> str:
        return f"{self.days}{UNITS[self.unit]}"


@dataclass(frozen=True, slots=True)
class Pause:
    """Days that do not count, both ends included; ``last`` None while it still stands still."""

    first: date
    last: date | None
    reason: str

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """All terms."""

    rows: tuple[ClockRule, ...]

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Deadlines:
        """``DataError`` names the row that is wrong."""
        return _load(path)

    def rule(self, id_: str, received_on: date) -> ClockRule:
        """The row that held on the day the case came in; ``LookupError`` when there is none."""
        found = next((r for r in self.rows if r.id == id_ and r.holds(received_on)), None)
        if found is None:
            raise LookupError(f"{id_} on {received_on}")
        return found


@cache
def _load(path: Path) -> Deadlines:
    data: dict[str, Any] = load_yaml(path)
    try:
        return Deadlines(tuple(ClockRule.model_validate(row) for row in data["rows"]))
    except (ValidationError, KeyError) as error:
        raise DataError(f"{path.name}：{error}") from None


def due(
    rule: ClockRule,
    start: date,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    *,
    extended: bool = False,
    today: date | None = None,
) -> Due:
    """The last day. A pause that is still open counts as going on through ``today``."""
    closed = [_closed(pause, today) for pause in pauses]
    count = rule.days + (rule.extension if extended else 0)
    if rule.unit is Unit.WORKING_DAYS:
        return _working(start, count, calendar, closed)
    if rule.unit is Unit.YEARS:
        return _moved_on(_years_on(start, count), calendar)
    return _calendar_days(start, count, calendar, closed)


def days_left(today: date, due_on: date, calendar: Calendar) -> int:
    """Working days from today to the last day; negative when it has passed."""
    if due_on >= today:
        return calendar.workdays_between(today, due_on)
    return -calendar.workdays_between(due_on, today)


def marks(due_on: date, calendar: Calendar) -> list[tuple[str, date]]:
    """When somebody is to be told: two working days before, one before, and on the last day itself."""
    last = calendar.workday_on_or_before(due_on)
    ahead = [(f"T-{n}", calendar.subtract_workdays(last, n).day) for n in range(WARN_AHEAD, 0, -1)]
    return [*ahead, ("T0", last)]


def explain(
    rule: ClockRule,
    start: date,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    *,
    extended: bool = False,
    today: date | None = None,
) -> str:
    """为什么是这个日期: the rule, where counting begins, what was left out and what was counted in."""
    end = due(rule, start, calendar, pauses, extended=extended, today=today)
    closed = [_closed(pause, today) for pause in pauses]
    parts = [_rule_line(rule, extended=extended), f"从 {start:%Y-%m-%d} 起算，当天不算。"]
    if rule.unit is Unit.WORKING_DAYS:
        parts += _calendar_lines(start, end.day, calendar)
    elif not calendar.is_workday(start + timedelta(days=rule.days)):
        parts.append("最后一天遇休息日的，顺延到下一个工作日。")
    parts += [f"{_span(p.first, p.last)}暂停（{p.reason}），不计入。" for p in closed if p.last is not None]
    parts.append(f"所以最迟 {end.day:%Y-%m-%d}。")
    if end.provisional:
        parts.append("暂估（次年放假安排未发布），发布后重新核算。")
    return "".join(parts)


# -- counting -----------------------------------------------------------------------------------------------------


def _working(start: date, count: int, calendar: Calendar, pauses: Sequence[Pause]) -> Due:
    day = start
    while count:
        day = calendar.next_workday(day)
        count -= not _paused(day, pauses)
    return Due(day, _provisional(start, day, calendar))


def _calendar_days(start: date, count: int, calendar: Calendar, pauses: Sequence[Pause]) -> Due:
    day = start
    while count:
        day += timedelta(days=1)
        count -= not _paused(day, pauses)
    return _moved_on(day, calendar)


def _moved_on(day: date, calendar: Calendar) -> Due:
    """A last day that is a day off ends on the first working day after it (民法典 art. 203)."""
    moved = calendar.workday_on_or_after(day)
    return Due(moved, _provisional(day, moved, calendar))


def _years_on(start: date, years: int) -> date:
    """The same day years on; 29 February becomes the 28th."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, day=28)


def _paused(day: date, pauses: Sequence[Pause]) -> bool:
    return any(pause.covers(day) for pause in pauses)


def _closed(pause: Pause, today: date | None) -> Pause:
    """An open pause ends today for the sake of counting; without a day it is taken to end where it began."""
    if pause.last is not None:
        return pause
    return Pause(pause.first, max(pause.first, today or pause.first), pause.reason)


def _provisional(first: date, last: date, calendar: Calendar) -> bool:
    return any(year not in calendar.noticed for year in range(first.year, last.year + 1))


# -- words --------------------------------------------------------------------------------------------------------


def _rule_line(rule: ClockRule, *, extended: bool) -> str:
    basis = "本局承诺" if rule.own else f"依据：{rule.law}"
    unsure = "（待核实，以正式文本为准）" if rule.confidence == "low" else ""
    longer = f"，经批准延长 {rule.extension}{UNITS[rule.unit]}" if extended else ""
    return f"{basis}{unsure}：{rule.event}，{rule.length}{longer}。"


def _calendar_lines(start: date, end: date, calendar: Calendar) -> list[str]:
    """Weekdays that were off, and weekend days that were worked, on the way."""
    days = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    off = _runs([d for d in days if d in calendar.off])
    made_up = [d for d in days if d in calendar.makeup]
    lines = [f"{'、'.join(_span(a, b) for a, b in off)}放假不算。"] if off else []
    if made_up:
        lines.append("、".join(f"{d:%m-%d}（周{'一二三四五六日'[d.weekday()]}）" for d in made_up) + "补班算。")
    lines.append("周末不算。" if any(d.weekday() > FRIDAY for d in days) else "")
    return lines


FRIDAY = 4


def _runs(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days that follow one another as spans."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _span(first: date, last: date | None) -> str:
    return f"{first:%m-%d}" if last is None or last == first else f"{first:%m-%d}至{last:%m-%d}"
