"""When an owner is reminded of a due date: stages before and after it, told on working days; and when to book at last.

A stage is a number of days before the due date (60, 30 … 0), negative after it (-7). On a day off it is told earlier
when it is a warning and later when it is a complaint, so that no holiday makes a warning late.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Fact, Instrument
from knowledge.workdays import Calendar, Due

FILE = "reminders.yaml"


class Progress(StrEnum):
    """How far the owner has come with the next verification; the further, the fewer stages are still told."""

    OPEN = "open"
    BOOKED = "booked"
    SUBMITTED = "submitted"


STILL_TOLD = {Progress.BOOKED: 1, Progress.SUBMITTED: 0}
"""The first stage that is still told."""


class Plan(Fact):
    """``stages`` from the earliest on; ``lead``: working days by which a booking must go before the due date."""

    stages: tuple[int, ...] = Field(min_length=1)
    lead: int = Field(ge=0, le=120)
    note: str

    @field_validator("stages")
    @classmethod
    def _in_order(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value), reverse=True):
            raise ValueError("stages 要从大到小、不重复")
        return value

    def told(self, progress: Progress) -> tuple[int, ...]:
        most = STILL_TOLD.get(progress)
        return self.stages if most is None else tuple(s for s in self.stages if s <= most)


class Override(Plan):
    kinds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plans:
    """The plan of every kind of instrument."""

    default: Plan
    overrides: tuple[Override, ...]

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Plans:
        """``DataError`` names the entry that is wrong."""
        data: dict[str, Any] = load_yaml(path)
        try:
            overrides = tuple(Override.model_validate(row) for row in data.get("overrides", []))
            return cls(Plan.model_validate(data["default"]), overrides)
        except (ValidationError, KeyError) as error:
            raise DataError(f"{path.name}：{error}") from None

    def of(self, thing: Instrument) -> Plan:
        fitting = (o for o in self.overrides if thing.id in o.kinds or thing.category in o.categories)
        return next(fitting, self.default)

    def check_links(self, things: Collection[Instrument]) -> None:
        """Every kind and category named must exist."""
        known = {t.id for t in things} | {t.category for t in things}
        for name in (n for o in self.overrides for n in (*o.kinds, *o.categories)):
            if name not in known:
                raise DataError(f"{FILE}：写了不存在的“{name}”。")


def stage_day(due_on: date, stage: int, calendar: Calendar) -> Due:
    """The working day on which a stage is told."""
    day = due_on - timedelta(days=stage)
    told = calendar.workday_on_or_before(day) if stage >= 0 else calendar.workday_on_or_after(day)
    return Due(told, any(year not in calendar.noticed for year in {day.year, told.year}))


def stage_to_tell(
    plan: Plan, due_on: date, today: date, calendar: Calendar, told: Collection[int], progress: Progress = Progress.OPEN
) -> int | None:
    """The furthest stage that has come and goes beyond all that was told; None when there is nothing new.

    After an outage only the latest missed stage is told; of several that fall on one day the furthest.
    """
    come = [s for s in plan.told(progress) if stage_day(due_on, s, calendar).day <= today]
    latest = min(come, default=None)
    return latest if latest is not None and all(latest < stage for stage in told) else None


def next_day(
    plan: Plan, due_on: date, after: date, calendar: Calendar, progress: Progress = Progress.OPEN
) -> Due | None:
    """The first day after ``after`` on which a stage is told; None when all have passed."""
    days = (stage_day(due_on, stage, calendar) for stage in plan.told(progress))
    return next((due for due in days if due.day > after), None)


def latest_booking_day(due_on: date, plan: Plan, calendar: Calendar) -> Due:
    """The last working day on which booking is early enough: the due date 2026-12-31 and 15 days give 2026-12-10."""
    return calendar.subtract_workdays(due_on, plan.lead)


def stage_days(plan: Plan, due_on: date, calendar: Calendar) -> Iterator[tuple[int, Due]]:
    """Every stage with its day."""
    return ((stage, stage_day(due_on, stage, calendar)) for stage in plan.stages)
