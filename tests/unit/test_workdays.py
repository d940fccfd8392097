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


# -- backwards, and between ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "count", "day"),
    [
        ("2026-12-31", 15, "2026-12-10"),
        ("2026-12-31", 0, "2026-12-31"),
        ("2026-12-31", 1, "2026-12-30"),
        ("2026-10-08", 1, "2026-09-30"),
        ("2026-10-11", 1, "2026-10-10"),
        ("2026-02-24", 1, "2026-02-14"),
        ("2026-02-24", 2, "2026-02-13"),
        ("2026-02-20", 1, "2026-02-14"),
        ("2026-03-02", 1, "2026-02-28"),
    ],
)
def test_golden_dates_backwards(end: str, count: int, day: str) -> None:
    found = CALENDAR.subtract_workdays(date.fromisoformat(end), count)
    assert (found.day, found.provisional) == (date.fromisoformat(day), False)


@pytest.mark.parametrize(
    ("end", "count", "day"),
    [("2027-01-05", 15, "2026-12-14"), ("2027-05-19", 0, "2027-05-19"), ("2026-01-05", 1, "2026-01-04")],
)
def test_counting_backwards_from_a_year_without_notice_is_provisional(end: str, count: int, day: str) -> None:
    found = CALENDAR.subtract_workdays(date.fromisoformat(end), count)
    assert found.day == date.fromisoformat(day)
    assert found.provisional == (end > "2026-12-31")


@pytest.mark.parametrize(
    ("day", "before", "after"),
    [
        ("2026-12-31", "2026-12-31", "2026-12-31"),
        ("2026-10-01", "2026-09-30", "2026-10-08"),
        ("2026-10-10", "2026-10-10", "2026-10-10"),
        ("2026-10-11", "2026-10-10", "2026-10-12"),
        ("2026-02-15", "2026-02-14", "2026-02-24"),
        ("2027-01-01", "2026-12-31", "2027-01-04"),
        ("2028-02-29", "2028-02-29", "2028-02-29"),
    ],
)
def test_the_working_day_before_and_after_a_day_off(day: str, before: str, after: str) -> None:
    found = date.fromisoformat(day)
    assert CALENDAR.workday_on_or_before(found) == date.fromisoformat(before)
    assert CALENDAR.workday_on_or_after(found) == date.fromisoformat(after)


@pytest.mark.parametrize(
    ("after", "until", "count"),
    [
        ("2026-12-01", "2026-12-10", 7),
        ("2026-12-10", "2026-12-31", 15),
        ("2026-12-31", "2026-12-31", 0),
        ("2026-12-31", "2026-12-01", 0),
        ("2026-09-30", "2026-10-08", 1),
        ("2026-02-14", "2026-02-24", 1),
        ("2025-12-31", "2026-12-31", 248),
    ],
)
def test_working_days_between(after: str, until: str, count: int) -> None:
    assert CALENDAR.workdays_between(date.fromisoformat(after), date.fromisoformat(until)) == count


@given(DAYS, st.integers(0, 60))
def test_backwards_undoes_forwards(start: date, count: int) -> None:
    workday = CALENDAR.workday_on_or_after(start)
    there = CALENDAR.add_workdays(workday, count)
    back = CALENDAR.subtract_workdays(there.day, count)
    assert back.day == workday
    assert back.provisional == there.provisional
    assert CALENDAR.workdays_between(workday, there.day) == count


@given(DAYS, st.integers(1, 60))
def test_backwards_counts_the_working_days_that_lie_before(end: date, count: int) -> None:
    day = CALENDAR.subtract_workdays(end, count).day
    assert CALENDAR.is_workday(day)
    assert CALENDAR.workdays_between(day - timedelta(days=1), end - timedelta(days=1)) == count


@given(DAYS)
def test_no_working_day_is_passed_over(day: date) -> None:
    before, after = CALENDAR.workday_on_or_before(day), CALENDAR.workday_on_or_after(day)
    assert before <= day <= after
    assert CALENDAR.is_workday(before)
    assert CALENDAR.is_workday(after)
    assert (before == day) == (after == day) == CALENDAR.is_workday(day)
    assert CALENDAR.workdays_between(before, after) == (0 if before == after else 1)
