"""Stages of a reminder: told on working days, after an outage only the latest, never one that was told."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Library
from knowledge.stages import (
    FILE,
    Plan,
    Plans,
    Progress,
    latest_booking_day,
    next_day,
    stage_day,
    stage_days,
    stage_to_tell,
)
from knowledge.workdays import Calendar, Due

CALENDAR = Calendar.load()
PLANS = Plans.load()
PLAN = PLANS.default
DUE = date(2026, 6, 17)
"""A Wednesday, two days before a holiday of three."""
DUES = st.dates(date(2026, 3, 5), date(2026, 12, 20))
"""All their stages are in 2026 but for the earliest and the last."""
STAGES = st.sampled_from(PLAN.stages)
PROGRESSES = st.sampled_from(Progress)


def day_of(due_on: str, stage: int) -> Due:
    return stage_day(date.fromisoformat(due_on), stage, CALENDAR)


# -- the day of a stage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due_on", "stage", "told"),
    [
        ("2026-06-17", 0, "2026-06-17"),
        ("2026-06-17", 1, "2026-06-16"),
        ("2026-06-17", 7, "2026-06-10"),
        ("2026-06-17", -7, "2026-06-24"),
        ("2026-06-21", 0, "2026-06-18"),  # 端午节
        ("2026-06-21", 1, "2026-06-18"),
        ("2026-06-13", -7, "2026-06-22"),
        ("2026-10-10", 0, "2026-10-10"),  # a Saturday that is worked
        ("2026-10-08", 1, "2026-09-30"),  # 国庆节
        ("2026-10-08", 7, "2026-09-30"),
        ("2026-09-27", -7, "2026-10-08"),
    ],
)
def test_warnings_are_told_before_a_day_off_and_complaints_after_it(due_on: str, stage: int, told: str) -> None:
    assert day_of(due_on, stage) == Due(date.fromisoformat(told), provisional=False)


@given(DUES, STAGES)
@settings(max_examples=150)
def test_every_stage_is_told_on_the_nearest_working_day_of_its_side(due_on: date, stage: int) -> None:
    told, wanted = stage_day(due_on, stage, CALENDAR).day, due_on - timedelta(days=stage)
    assert CALENDAR.is_workday(told)
    assert told <= wanted if stage >= 0 else told >= wanted
    between = [min(told, wanted) + timedelta(days=n) for n in range(1, abs((told - wanted).days))]
    assert not any(map(CALENDAR.is_workday, between))


@given(DUES)
@settings(max_examples=60)
def test_stages_come_one_after_another(due_on: date) -> None:
    days = [due.day for _, due in stage_days(PLAN, due_on, CALENDAR)]
    assert all(earlier <= later for earlier, later in pairwise(days))


@given(DUES, STAGES)
@settings(max_examples=60)
def test_a_later_due_date_is_never_told_earlier(due_on: date, stage: int) -> None:
    assert stage_day(due_on, stage, CALENDAR).day <= stage_day(due_on + timedelta(days=1), stage, CALENDAR).day


def test_over_spring_festival_several_stages_fall_on_one_day() -> None:
    due_on = date(2026, 2, 22)
    days = {stage: due.day for stage, due in stage_days(PLAN, due_on, CALENDAR)}
    assert {days[stage] for stage in (7, 1, 0)} == {date(2026, 2, 14)}
    assert days[-7] == date(2026, 3, 2)
    assert stage_to_tell(PLAN, due_on, date(2026, 2, 13), CALENDAR, {60, 30, 15}) is None
    assert stage_to_tell(PLAN, due_on, date(2026, 2, 14), CALENDAR, {60, 30, 15}) == 0
    assert stage_to_tell(PLAN, due_on, date(2026, 2, 28), CALENDAR, {60, 30, 15, 0}) is None


def test_what_rests_on_a_year_without_notice_is_provisional() -> None:
    assert day_of("2027-01-05", 15) == Due(date(2026, 12, 21), provisional=False)
    assert day_of("2027-01-05", 7) == Due(date(2026, 12, 29), provisional=False)
    assert day_of("2027-01-05", 1) == Due(date(2027, 1, 4), provisional=True)
    assert day_of("2027-01-05", 0) == Due(date(2027, 1, 5), provisional=True)
    assert day_of("2027-01-02", 1) == Due(date(2026, 12, 31), provisional=True)
    assert day_of("2026-12-31", -7) == Due(date(2027, 1, 7), provisional=True)


def test_a_notice_that_arrives_moves_the_day_and_settles_it() -> None:
    noticed = Calendar(CALENDAR.noticed | {2027}, CALENDAR.off | {date(2027, 1, 4)}, CALENDAR.makeup)
    assert stage_day(date(2027, 1, 5), 1, noticed) == Due(date(2026, 12, 31), provisional=False)


def test_29_february() -> None:
    assert day_of("2028-02-29", 0) == Due(date(2028, 2, 29), provisional=True)
    assert day_of("2028-03-01", 1) == Due(date(2028, 2, 29), provisional=True)
    assert day_of("2028-02-29", -7) == Due(date(2028, 3, 7), provisional=True)


# -- which stage to tell ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "told", "stage"),
    [
        ("2026-04-16", (), None),
        ("2026-04-17", (), 60),
        ("2026-04-17", (60,), None),
        ("2026-05-17", (60,), None),
        ("2026-05-18", (60,), 30),
        ("2026-06-10", (60, 30, 15), 7),
        ("2026-06-16", (), 1),
        ("2026-06-17", (60, 30, 15, 7, 1), 0),
        ("2026-06-18", (60,), 0),
        ("2026-06-23", (60, 0), None),
        ("2026-06-24", (60, 0), -7),
        ("2026-12-24", (), -7),
        ("2026-12-24", (-7,), None),
    ],
)
def test_only_the_latest_missed_stage_is_told(today: str, told: tuple[int, ...], stage: int | None) -> None:
    assert stage_to_tell(PLAN, DUE, date.fromisoformat(today), CALENDAR, told) == stage


@given(DUES, st.integers(-80, 30), st.sets(STAGES), PROGRESSES)
@settings(max_examples=200)
def test_what_was_told_or_lies_behind_it_is_never_told(
    due_on: date, days: int, told: set[int], progress: Progress
) -> None:
    today = due_on + timedelta(days=days)
    stage = stage_to_tell(PLAN, due_on, today, CALENDAR, told, progress)
    if stage is not None:
        assert stage in PLAN.told(progress)
        assert stage_day(due_on, stage, CALENDAR).day <= today
        assert all(stage < other for other in told)
        assert stage_to_tell(PLAN, due_on, today, CALENDAR, told | {stage}, progress) is None


@given(DUES, st.sets(st.integers(-75, 30)), PROGRESSES)
@settings(max_examples=60)
def test_with_any_outage_no_stage_is_told_twice_and_the_last_is_told(
    due_on: date, outages: set[int], progress: Progress
) -> None:
    told: list[int] = []
    for days in [*sorted({*range(-75, 31)} - outages), 31]:
        stage = stage_to_tell(PLAN, due_on, due_on + timedelta(days=days), CALENDAR, told, progress)
        told += [] if stage is None else [stage]
    assert told == sorted(set(told), reverse=True)
    assert told[-1] == -7


@given(DUES)
@settings(max_examples=40)
def test_looking_only_on_the_next_days_misses_nothing(due_on: date) -> None:
    every_day: list[int] = []
    for days in range(-75, 20):
        stage = stage_to_tell(PLAN, due_on, due_on + timedelta(days=days), CALENDAR, every_day)
        every_day += [] if stage is None else [stage]
    by_next: list[int] = []
    due = next_day(PLAN, due_on, due_on - timedelta(days=76), CALENDAR)
    while due is not None:
        stage = stage_to_tell(PLAN, due_on, due.day, CALENDAR, by_next)
        by_next += [] if stage is None else [stage]
        due = next_day(PLAN, due_on, due.day, CALENDAR)
    assert by_next == every_day


def test_the_next_day_is_strictly_after() -> None:
    assert next_day(PLAN, DUE, date(2026, 6, 9), CALENDAR) == Due(date(2026, 6, 10), provisional=False)
    assert next_day(PLAN, DUE, date(2026, 6, 10), CALENDAR) == Due(date(2026, 6, 16), provisional=False)
    assert next_day(PLAN, DUE, date(2026, 6, 23), CALENDAR) == Due(date(2026, 6, 24), provisional=False)
    assert next_day(PLAN, DUE, date(2026, 6, 24), CALENDAR) is None


def test_who_has_booked_or_sent_it_in_hears_less() -> None:
    assert PLAN.told(Progress.OPEN) == (60, 30, 15, 7, 1, 0, -7)
    assert PLAN.told(Progress.BOOKED) == (1, 0, -7)
    assert PLAN.told(Progress.SUBMITTED) == (0, -7)
    assert stage_to_tell(PLAN, DUE, date(2026, 6, 10), CALENDAR, {60}, Progress.BOOKED) is None
    assert stage_to_tell(PLAN, DUE, date(2026, 6, 16), CALENDAR, {60}, Progress.BOOKED) == 1
    assert stage_to_tell(PLAN, DUE, date(2026, 6, 16), CALENDAR, {60}, Progress.SUBMITTED) is None
    found = next_day(PLAN, DUE, date(2026, 4, 17), CALENDAR, Progress.SUBMITTED)
    assert found == Due(DUE, provisional=False)


# -- booking ------------------------------------------------------------------------------------------------------


def test_the_latest_booking_day_is_fifteen_working_days_before() -> None:
    assert latest_booking_day(date(2026, 12, 31), PLAN, CALENDAR) == Due(date(2026, 12, 10), provisional=False)
    assert latest_booking_day(date(2026, 10, 9), PLAN, CALENDAR) == Due(date(2026, 9, 11), provisional=False)
    assert latest_booking_day(date(2027, 1, 5), PLAN, CALENDAR).provisional


@given(DUES)
@settings(max_examples=40)
def test_between_booking_and_due_date_lie_the_working_days_of_the_plan(due_on: date) -> None:
    booked = latest_booking_day(due_on, PLAN, CALENDAR).day
    assert CALENDAR.is_workday(booked)
    assert CALENDAR.workdays_between(booked, due_on - timedelta(days=1)) == PLAN.lead - 1


# -- the data -----------------------------------------------------------------------------------------------------


def test_kinds_and_categories_named_exist() -> None:
    library = Library.load()
    PLANS.check_links(library.instruments.values())  # type: ignore[arg-type] - a view is a collection
    assert PLANS.of(library.instruments["electronic-price-scale"]) is PLAN
    truck = PLANS.of(library.instruments["electronic-truck-scale"])
    assert (truck.stages[0], truck.lead) == (90, 20)


def test_every_plan_warns_before_its_booking_day_and_ends_after_the_due_date() -> None:
    for plan in (PLANS.default, *PLANS.overrides):
        assert stage_day(DUE, plan.stages[0], CALENDAR).day < latest_booking_day(DUE, plan, CALENDAR).day
        assert 0 in plan.stages
        assert plan.stages[-1] < 0
        assert plan.note


def test_a_category_has_its_plan_too() -> None:
    thing = Library.load().instruments["electronic-price-scale"]
    override = {"categories": [thing.category], "stages": [10], "lead": 5, "note": "试"}
    plans = Plans(PLAN, (type(PLANS.overrides[0]).model_validate(override),))
    assert plans.of(thing).lead == 5
    assert plans.of(thing.model_copy(update={"category": "别的"})) is PLAN


def reminders(path: Path, **default: object) -> Path:
    data = load_yaml(DATA / FILE)
    data["default"] |= default
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stages", [7, 15]),
        ("stages", [7, 7]),
        ("stages", []),
        ("lead", -1),
        ("lead", "soon"),
        ("note", None),
        ("led", 15),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(DataError) as error:
        Plans.load(reminders(tmp_path / FILE, **{field: value}))
    assert FILE in str(error.value)
    assert field in str(error.value)


def test_a_kind_that_does_not_exist_is_named() -> None:
    override = PLANS.overrides[0].model_copy(update={"kinds": ("moon-scale",)})
    with pytest.raises(DataError, match=r"reminders\.yaml.*moon-scale"):
        Plans(PLAN, (override,)).check_links(list(Library.load().instruments.values()))


def test_a_plan_of_its_own_needs_no_more_than_its_fields() -> None:
    assert Plan(stages=(3, 0), lead=0, note="试").told(Progress.BOOKED) == (0,)
