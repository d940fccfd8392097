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

from knowledge.casebook import Casebook
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Dated
from knowledge.workdays import Calendar, Due

FILE = "deadlines.yaml"
FRIDAY = 4
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
    confidence: Confidence
    sources: tuple[str, ...] = Field(min_length=1)
    extension: int = Field(default=0, ge=0)
    extension_needs: str = ""
    """Whose leave an extension takes, in Chinese: 负责人批准."""
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
        rows = tuple(ClockRule.model_validate(row) for row in data["rows"])
    except (ValidationError, KeyError) as error:
        raise DataError(f"{path.name}：{error}") from None
    _demand_one_at_a_time(rows, path)
    return Deadlines(rows)


def _demand_one_at_a_time(rows: Sequence[ClockRule], path: Path) -> None:
    """Two rows of one id on one day would leave it to their order which term runs."""
    for n, row in enumerate(rows):
        if any(row.id == other.id and _meet(row, other) for other in rows[:n]):
            raise DataError(f"{path.name}：{row.id}：有两行在同一天有效，请改 since、until。")


def _meet(one: Dated, other: Dated) -> bool:
    """Whether there is a day on which both hold."""
    first = max(one.since or date.min, other.since or date.min)
    return first <= min(one.until or date.max, other.until or date.max)


def due(
    rule: ClockRule,
    start: date,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    *,
    extended: bool = False,
    today: date | None = None,
) -> Due:
    """The last day. A pause that is still open counts as going on through ``today``; the days of a pause do not count,
    nor does a term end in one."""
    closed = [_closed(pause, today) for pause in pauses]
    last = _counted(rule, start, calendar, closed, extended=extended)
    if rule.unit is Unit.WORKING_DAYS:
        return Due(last, _provisional(start, last, calendar))
    return _moved_on(last, calendar, closed)


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
    parts = [_rule_line(rule, extended=extended), f"从 {start:%Y-%m-%d} 起算，当天不算。"]
    if rule.unit is Unit.WORKING_DAYS:
        parts.append(_holiday_line(start, end.day, calendar))
    else:
        closed = [_closed(pause, today) for pause in pauses]
        parts.append(_moved_line(_counted(rule, start, calendar, closed, extended=extended), end.day))
    parts += [_pause_line(pause, start.year) for pause in pauses]
    parts.append(f"所以最迟 {end.day:%Y-%m-%d}。")
    if end.provisional:
        parts.append(f"这一天是暂估（{_missing(start, end.day, calendar)}放假安排未发布），发布后重新核算。")
    return "".join(parts)


# -- counting -----------------------------------------------------------------------------------------------------


def _counted(rule: ClockRule, start: date, calendar: Calendar, pauses: Sequence[Pause], *, extended: bool) -> date:
    """The day on which the count is full, be it a day off or not."""
    count = rule.days + (rule.extension if extended else 0)
    if rule.unit is Unit.YEARS:
        return _years_on(start, count)
    day = start
    while count:
        day = calendar.next_workday(day) if rule.unit is Unit.WORKING_DAYS else day + timedelta(days=1)
        count -= not _paused(day, pauses)
    return day


def _moved_on(day: date, calendar: Calendar, pauses: Sequence[Pause]) -> Due:
    """A last day that is a day off ends on the first working day after it (民法典 art. 203)."""
    moved = day
    while _paused(moved, pauses) or not calendar.is_workday(moved):
        moved += timedelta(days=1)
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
    return bool(_unnoticed(first, last, calendar))


def _unnoticed(first: date, last: date, calendar: Calendar) -> list[int]:
    return [year for year in range(first.year, last.year + 1) if year not in calendar.noticed]


# -- words --------------------------------------------------------------------------------------------------------


def _rule_line(rule: ClockRule, *, extended: bool) -> str:
    basis = "本局承诺" if rule.own else f"依据：{rule.law}"
    unsure = "（待核实，以正式文本为准）" if rule.confidence is Confidence.LOW else ""
    longer = f"，经{rule.extension_needs}延长{rule.extension}{UNITS[rule.unit]}" if extended else ""
    return f"{basis}{unsure}：{rule.event}，自{rule.start}起{rule.length}{longer}。"


def _holiday_line(start: date, end: date, calendar: Calendar) -> str:
    """Days that were off, weekend days that were worked, and other weekends, on the way."""
    days = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    off = _runs([d for d in days if d in calendar.off])
    made_up = [d for d in days if d in calendar.makeup]
    weekend = any(d.weekday() > FRIDAY and d not in calendar.off and d not in calendar.makeup for d in days)
    parts = [
        "、".join(_span(a, b, start.year) for a, b in off) + "放假不算" if off else "",
        "、".join(f"{_day(d, start.year)}（周{'一二三四五六日'[d.weekday()]}）" for d in made_up) + "补班算"
        if made_up
        else "",
        ("其他周末不算" if off or made_up else "周末不算") if weekend else "",
    ]
    told = [part for part in parts if part]
    return f"{'；'.join(told)}。" if told else ""


def _moved_line(counted: date, end: date) -> str:
    if counted == end:
        return ""
    return f"数满的那天 {counted:%Y-%m-%d} 不是工作日，顺延到下一个工作日。"


def _pause_line(pause: Pause, year: int) -> str:
    reason = Casebook.load().pause_label(pause.reason)
    if pause.last is None:
        return f"{_day(pause.first, year)}起暂停（{reason}），恢复前都不计入。"
    return f"{_span(pause.first, pause.last, year)}暂停（{reason}），不计入。"


def _missing(first: date, last: date, calendar: Calendar) -> str:
    """The years without a notice as they are said: 次年 of a count that runs over into the next."""
    years = _unnoticed(first, last, calendar)
    return "次年" if years == [first.year + 1] else f"{'、'.join(map(str, years))}年"


def _runs(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days that follow one another as spans."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _span(first: date, last: date, year: int) -> str:
    return _day(first, year) if last == first else f"{_day(first, year)}至{_day(last, year)}"


def _day(day: date, year: int) -> str:
    """Month and day; with its year when that is another one than the count began in."""
    return f"{day:%m-%d}" if day.year == year else f"{day:%Y-%m-%d}"
