from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.app import Service
from handlers.consult import promise, say_time
from handlers.talk import Office
from knowledge.workdays import Calendar
from storage.consults import Consult, ConsultState
from tests.support import NOW, SHANGHAI, local, said

CALENDAR, OFFICE = Calendar.load(), Office()


@pytest.mark.parametrize(
    ("now", "until", "provisional"),
    [
        ("2026-11-24T08:59", "2026-11-24T10:00", False),
        ("2026-11-24T09:00", "2026-11-24T17:30", False),
        ("2026-11-24T10:00", "2026-11-24T17:30", False),
        ("2026-11-24T15:30", "2026-11-24T17:30", False),
        ("2026-11-24T15:31", "2026-11-25T10:00", False),
        ("2026-11-24T16:30", "2026-11-25T10:00", False),
        ("2026-11-24T23:00", "2026-11-25T10:00", False),
        ("2026-11-28T10:00", "2026-11-30T10:00", False),
        ("2026-09-30T17:00", "2026-10-08T10:00", False),
        ("2026-10-10T10:00", "2026-10-10T17:30", False),
        ("2026-12-31T10:00", "2026-12-31T17:30", False),
        ("2026-12-31T16:30", "2027-01-04T10:00", True),
        ("2027-03-01T10:00", "2027-03-01T17:30", True),
    ],
)
def test_by_when(now: str, until: str, provisional: bool) -> None:  # noqa: FBT001
    assert promise(CALENDAR, OFFICE, local(now)) == (local(until), provisional)


@given(st.integers(0, 700 * 24 * 60))
def test_a_promise_is_ahead_and_on_a_working_day_in_office_hours(minutes: int) -> None:
    now = local("2026-01-01T00:00") + timedelta(minutes=minutes)
    until, provisional = promise(CALENDAR, OFFICE, now)
    day = until.astimezone(SHANGHAI)
    assert until > now
    assert CALENDAR.is_workday(day.date())
    assert OFFICE.opens <= day.time() <= OFFICE.closes
    assert provisional is (day.year > 2026)
    assert until - now >= timedelta(hours=1)


def test_a_time_in_words() -> None:
    assert say_time(local("2026-11-24T17:30")) == "11月24日（周二）17:30"
    assert say_time(local("2027-01-04T10:00"), provisional=True).endswith("（暂估，次年放假安排未发布）")


def _only(service: Service) -> Consult:
    with service.database.reading() as session:
        return session.scalars(select(Consult)).one()


def test_the_last_question_goes_along(service: Service) -> None:
    service.talk(said("强检收费吗", "1"))
    service.talk(said("人工", "2"))
    service.talk(said("我是问压力表", "3"))
    service.talk(said("", "4", files=2))
    row = _only(service)
    assert row.question == "强检收费吗\n我是问压力表"
    assert len(row.files) == 2


def test_files_kept_for_later_reach_the_consult(service: Service) -> None:
    service.talk(said("", "1", files=2))
    service.talk(said("2", "2"))
    assert len(_only(service).files) == 2


def test_one_consult_a_day_then_a_new_one(service: Service) -> None:
    first = service.talk(said("人工", "1"))[0].reply.text
    again = service.talk(said("人工", "2", at=NOW + timedelta(hours=23)))[0].reply.text
    later = service.talk(said("人工", "3", at=NOW + timedelta(hours=24)))[0].reply.text
    assert "RG-261124-0001" in first
    assert "RG-261124-0001" in again
    assert "RG-261125-0001" in later


def test_a_consult_that_was_answered_is_not_reused(service: Service) -> None:
    service.talk(said("人工", "1"))
    with service.database.unit() as session:
        session.scalars(select(Consult)).one().state = ConsultState.ANSWERED
    assert "RG-261124-0002" in service.talk(said("人工", "2"))[0].reply.text
