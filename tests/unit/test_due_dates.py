"""Until when a verification holds: the day before the corresponding day, by the rule of the day it was made."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.dates import add_months
from knowledge.due_dates import Basis, Validity, doubts, last_day, validity
from knowledge.library import Catalogue, Confidence, Instrument, Library, Period, Verification

THINGS = Library.load().instruments
SCALE = THINGS["electronic-price-scale"]
TODAY = date(2026, 11, 25)
MAY, NEXT_MAY = date(2026, 5, 20), date(2027, 5, 19)
STARTS = st.dates(date(1990, 1, 1), date(2080, 12, 31))


def having(**changes: object) -> Instrument:
    return SCALE.model_copy(update=changes)


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        (MAY, 12, NEXT_MAY),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 28)),
        (date(2023, 3, 1), 12, date(2024, 2, 29)),
        (date(2025, 2, 28), 12, date(2026, 2, 27)),
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 8, 29), 6, date(2027, 2, 28)),
        (date(2026, 8, 28), 6, date(2027, 2, 27)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
        (date(2026, 12, 31), 12, date(2027, 12, 30)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 3, 30), 1, date(2026, 4, 29)),
        (date(2026, 1, 31), 6, date(2026, 7, 30)),
    ],
)
def test_the_last_day_of_a_period(start: date, months: int, last: date) -> None:
    assert last_day(start, months) == last


@given(STARTS, st.integers(1, 120))
def test_a_period_never_reaches_the_corresponding_day(start: date, months: int) -> None:
    last, corresponding = last_day(start, months), add_months(start, months)
    assert start < last + timedelta(days=1)
    assert last < corresponding or (last == corresponding and last.day < start.day)
    assert corresponding - last <= timedelta(days=1)


@given(STARTS, STARTS, st.integers(1, 120))
def test_a_later_start_never_ends_earlier(one: date, other: date, months: int) -> None:
    early, late = sorted((one, other))
    assert last_day(early, months) <= last_day(late, months)
    assert last_day(early, months) < last_day(early, months + 1)


@pytest.mark.parametrize(
    ("verification", "verified_on", "due_on", "wanted"),
    [
        (Verification.CYCLIC, MAY, None, (NEXT_MAY, Basis.PERIOD, 12)),
        (Verification.CYCLIC, MAY, date(2026, 11, 19), (date(2026, 11, 19), Basis.CERTIFICATE, 12)),
        (Verification.CYCLIC, None, NEXT_MAY, (NEXT_MAY, Basis.CERTIFICATE, 12)),
        (Verification.CYCLIC, None, None, (None, Basis.UNKNOWN, 12)),
        (Verification.FIRST_THEN_ROTATION, MAY, None, (NEXT_MAY, Basis.REPLACEMENT, 12)),
        (Verification.FIRST_THEN_ROTATION, None, None, (None, Basis.UNKNOWN, 12)),
        (Verification.FIRST_THEN_SCRAP, MAY, None, (None, Basis.NONE, None)),
        (Verification.FIRST_THEN_SCRAP, None, None, (None, Basis.NONE, None)),
        (Verification.FIRST_THEN_SCRAP, MAY, NEXT_MAY, (NEXT_MAY, Basis.CERTIFICATE, 12)),
        (Verification.NONE, MAY, None, (None, Basis.NONE, None)),
    ],
)
def test_what_falls_due_by_the_way_of_verification(
    verification: Verification,
    verified_on: date | None,
    due_on: date | None,
    wanted: tuple[date | None, Basis, int | None],
) -> None:
    found = validity(having(verification=verification), verified_on, due_on)
    assert (found.day, found.basis, found.months) == wanted


def test_a_kind_without_a_known_period_asks_for_the_certificate() -> None:
    thing = having(period_months=None)
    assert validity(thing, MAY, None) == Validity(None, Basis.UNKNOWN, None, validity(SCALE, MAY, None).sure)
    assert validity(thing, MAY, NEXT_MAY) == Validity(NEXT_MAY, Basis.CERTIFICATE, None, sure=True)


@pytest.mark.parametrize(
    ("verified_on", "due_on"),
    [
        (date(2025, 12, 31), date(2026, 12, 30)),
        (date(2026, 1, 1), date(2026, 6, 30)),
        (date(2026, 6, 30), date(2026, 12, 29)),
        (date(2026, 7, 1), date(2028, 6, 30)),
        (date(2030, 1, 1), date(2031, 12, 31)),
    ],
)
def test_the_period_is_that_of_the_day_of_verification(verified_on: date, due_on: date) -> None:
    periods = [
        Period(since=date(2026, 1, 1), until=date(2026, 6, 30), months=6),
        Period(since=date(2026, 7, 1), months=24),
    ]
    assert validity(having(periods=periods), verified_on, None).day == due_on


def test_an_unsure_kind_gives_a_day_that_is_marked() -> None:
    unlisted = having(catalogue=Catalogue.UNSURE)
    weak = having(confidence=SCALE.confidence.model_copy(update={"period": Confidence.LOW}))
    for thing in (unlisted, weak):
        assert validity(thing, MAY, None) == Validity(NEXT_MAY, Basis.PERIOD, 12, sure=False)
        assert validity(thing, MAY, NEXT_MAY).sure
    assert validity(SCALE, MAY, None).sure


def test_every_kind_in_the_library_has_an_answer() -> None:
    for thing in THINGS.values():
        found = validity(thing, MAY, None)
        assert (found.day is None) == (found.basis in (Basis.NONE, Basis.UNKNOWN))
        if found.day is not None:
            assert found.months is not None
            assert found.day == last_day(MAY, found.months)
        assert validity(thing, MAY, NEXT_MAY).day == NEXT_MAY


# -- doubts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verified_on", "due_on", "told"),
    [
        (MAY, NEXT_MAY, []),
        (TODAY, None, []),
        (None, None, []),
        (None, date(2020, 1, 1), []),
        (date(2026, 11, 26), None, ["检定日期 2026-11-26 还没到"]),
        (MAY, MAY, ["有效期 2026-05-20 不在检定日期 2026-05-20 之后"]),
        (MAY, date(2026, 5, 21), []),
        (MAY, date(2026, 5, 19), ["不在检定日期"]),
        (MAY, date(2028, 5, 19), []),
        (MAY, date(2028, 5, 20), ["有效期 2028-05-20 太长了：电子计价秤一般 12 个月检一次"]),
        (date(2026, 11, 26), date(2026, 11, 20), ["还没到", "不在检定日期"]),
    ],
)
def test_days_that_cannot_be_right_are_told(verified_on: date | None, due_on: date | None, told: list[str]) -> None:
    found = doubts(SCALE, verified_on, due_on, TODAY)
    assert len(found) == len(told)
    for sentence, part in zip(found, told, strict=True):
        assert part in sentence
        assert sentence.endswith("请核对。")


def test_a_thing_without_kind_or_period_has_no_doubt_of_length() -> None:
    assert doubts(None, MAY, date(2090, 1, 1), TODAY) == []
    assert doubts(having(period_months=None), MAY, date(2090, 1, 1), TODAY) == []


@given(st.dates(date(1990, 1, 1), TODAY))
def test_what_is_computed_raises_no_doubt(verified_on: date) -> None:
    due = validity(SCALE, verified_on, None).day
    assert due is not None
    assert doubts(SCALE, verified_on, due, TODAY) == []
