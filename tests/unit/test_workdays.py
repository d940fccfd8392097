from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.workdays import Calendar

CALENDAR = Calendar.load()
DAYS_2026 = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-09-28", 7, "2026-10-13"),
        ("2026-09-28", 15, "2026-10-23"),
        ("2026-02-10", 7, "2026-02-26"),
        ("2026-11-20", 7, "2026-12-01"),
        ("2026-11-20", 15, "2026-12-11"),
        ("2026-11-23", 7, "2026-12-02"),
        ("2026-11-23", 15, "2026-12-14"),
        ("2026-12-18", 7, "2026-12-29"),
        ("2026-12-22", 7, "2026-12-31"),
        ("2026-09-30", 1, "2026-10-08"),
    ],
)
def test_golden_dates(start: str, count: int, due: str) -> None:
    found = CALENDAR.add_workdays(date.fromisoformat(start), count)
    assert (found.day, found.provisional) == (date.fromisoformat(due), False)


@pytest.mark.parametrize(
    ("start", "count"),
    [("2026-11-20", 30), ("2026-11-23", 30), ("2026-12-18", 15), ("2026-12-22", 15), ("2026-12-28", 7)],
)
def test_what_needs_next_year_is_provisional(start: str, count: int) -> None:
    found = CALENDAR.add_workdays(date.fromisoformat(start), count)
    assert found.provisional
    assert found.day.year == 2027


def test_every_day_of_2026_agrees_with_the_package() -> None:
    assert [d for d in DAYS_2026 if CALENDAR.is_workday(d) != chinese_calendar.is_workday(d)] == []
    assert sum(map(CALENDAR.is_workday, DAYS_2026)) == 248


def test_named_days() -> None:
    assert CALENDAR.is_workday(date(2026, 10, 10))
    assert CALENDAR.is_workday(date(2026, 9, 20))
    assert not CALENDAR.is_workday(date(2026, 10, 7))
    assert not CALENDAR.is_workday(date(2026, 2, 16))
    assert not CALENDAR.is_workday(date(2027, 1, 1))


def test_a_last_day_off_moves_on() -> None:
    assert CALENDAR.add_days(date(2026, 8, 2), 60).day == date(2026, 10, 8)
    assert CALENDAR.add_days(date(2026, 11, 1), 60).day == date(2026, 12, 31)
    assert CALENDAR.add_days(date(2026, 11, 2), 60) == CALENDAR.add_days(date(2026, 11, 3), 59)
    assert CALENDAR.add_days(date(2026, 11, 2), 60).provisional


@given(DAYS, st.integers(0, 60), st.integers(0, 60))
def test_counting_on_is_counting_at_once(start: date, first: int, then: int) -> None:
    half = CALENDAR.add_workdays(start, first).day
    assert CALENDAR.add_workdays(half, then).day == CALENDAR.add_workdays(start, first + then).day


@given(DAYS, DAYS, st.integers(1, 60))
def test_later_in_is_never_earlier_out(one: date, other: date, count: int) -> None:
    early, late = sorted((one, other))
    assert CALENDAR.add_workdays(early, count).day <= CALENDAR.add_workdays(late, count).day
    assert CALENDAR.add_workdays(early, count).day > early
    assert CALENDAR.add_workdays(early, count).day < CALENDAR.add_workdays(early, count + 1).day


@given(DAYS, st.integers(1, 40))
def test_a_due_day_is_a_working_day_and_the_count_is_right(start: date, count: int) -> None:
    due = CALENDAR.add_workdays(start, count).day
    passed = [start + timedelta(days=n) for n in range(1, (due - start).days + 1)]
    assert sum(map(CALENDAR.is_workday, passed)) == count
    assert CALENDAR.is_workday(due)
