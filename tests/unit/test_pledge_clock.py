"""The daily check and the reminders to renew: each once, however many clocks there are and however long they stood."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from handlers.turn import Reception
from scheduler import pledges as job
from scheduler.jobs import jobs
from storage.database import Database, Session
from storage.pledges import PledgeEvent, PledgeState
from tests.pledging import LAST, Counter, counter, day
from tests.support import NOW, local
from tests.web.pledged import Traits, pledged

NINE = local("2027-10-25T09:00")
"""The first working day within thirty days of the end: the 24th is a Sunday."""


@pytest.fixture
def here(database: Database, reception: Reception) -> Counter:
    return counter(database, reception)


def at(when: date, hour: int = 9) -> datetime:
    return local(f"{when:%Y-%m-%d}T{hour:02}:00")


def remind(here: Counter, now: datetime) -> int:
    return job.remind(here.database, now, here.bench) if job.may_remind(here.bench, now) else 0


def texts(here: Counter, who: str = "owner") -> list[str]:
    return [reply.text.split("。")[0].split(" ", 2)[-1] for reply in here.told(who)]


# -- the daily check ----------------------------------------------------------------------------------------------


def test_each_change_is_recorded_and_told_once(here: Counter) -> None:
    here.prepare(10)
    here.sign()
    assert [job.check(here.database, day(days)) for days in (0, 39, 40, 41, 41, 42)] == [0, 0, 0, 1, 0, 0]
    assert here.latest().state == PledgeState.PAUSED
    here.due(LAST)
    assert [job.check(here.database, day(days)) for days in (42, 42, 43)] == [1, 0, 0]
    assert here.latest().state == PledgeState.ACTIVE
    assert len(here.told("owner")) == len(here.told("manager")) == 2


def test_two_clocks_at_once_change_once(here: Counter) -> None:
    here.prepare(1)
    here.sign()
    with ThreadPoolExecutor(2) as pool:
        changed = list(pool.map(lambda minute: job.check(here.database, day(32) + timedelta(minutes=minute)), (0, 1)))
    assert sum(changed) == 1
    assert len(here.told("owner")) == 1
    with here.database.reading() as session:
        paused = select(func.count()).where(PledgeEvent.action == "pledge.paused")
        assert session.scalar(paused) == 1


def test_more_pledges_than_are_taken_at_a_time(here: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "AT_ONCE", 3)

    def many(session: Session) -> None:
        for number in range(8):
            late = number % 2 == 0
            pledged(here.bench, session, NOW, Traits(f"店{number}号", due_days=(1 if late else 200,), who=f"w{number}"))

    here.do(many)
    assert job.check(here.database, day(32)) == 4
    assert [row.state for row in here.all()] == [PledgeState.PAUSED, PledgeState.ACTIVE] * 4


def test_what_has_run_out_is_left_alone(here: Counter) -> None:
    here.prepare(300)
    here.sign()
    assert job.check(here.database, day(400)) == 0
    assert here.told("owner") == []


def test_nobody_is_checked_by_a_withdrawn_or_revoked_pledge(here: Counter) -> None:
    here.prepare(1)
    here.sign()
    here.act("owner", "pledge:end/1/sure")
    assert job.check(here.database, day(40)) == 0


# -- renewal ------------------------------------------------------------------------------------------------------


def test_renewal_is_offered_thirty_and_seven_days_before_and_on_the_last_day(here: Counter) -> None:
    here.prepare(2000)
    row = here.sign()
    assert row.valid_until == LAST == date(2027, 11, 23)
    told = {}
    for days in range(45, -3, -1):
        when = LAST - timedelta(days=days)
        if remind(here, at(when)):
            told[when] = texts(here)[-1]
        assert remind(here, at(when, 10)) == 0
    assert told == {
        date(2027, 10, 25): "还有 29 天到期（2027-11-23）",  # the 30th day before is a Sunday
        date(2027, 11, 16): "还有 7 天到期（2027-11-23）",
        date(2027, 11, 23): "今天到期",
    }
    assert len(here.told("manager")) == 3
    assert here.told("clerk") == []


@pytest.mark.parametrize(
    ("back", "told"),
    [(20, ["还有 20 天到期（2027-11-23）"]), (5, ["还有 5 天到期（2027-11-23）"]), (0, ["今天到期"]), (-1, [])],
)
def test_after_an_outage_only_the_latest_is_told(here: Counter, back: int, told: list[str]) -> None:
    here.prepare(2000)
    here.sign()
    when = LAST - timedelta(days=back)
    job.remind(here.database, at(when), here.bench)
    job.remind(here.database, at(when, 15), here.bench)
    assert texts(here) == told


@pytest.mark.parametrize(
    ("signed", "last_call", "said"),
    [
        ("2026-11-30T10:00", "2027-11-29", "今天到期"),  # a Monday
        ("2026-11-29T10:00", "2027-11-26", "还有 2 天到期（2027-11-28）"),  # ends on a Sunday: said on the Friday
    ],
)
def test_an_end_on_a_day_off_is_told_on_the_working_day_before(
    here: Counter, signed: str, last_call: str, said: str
) -> None:
    here.prepare(2000)
    row = here.sign(at=local(signed))
    for days in range(40, -2, -1):
        remind(here, at(row.valid_until - timedelta(days=days)))
    assert texts(here)[-1] == said
    assert len(texts(here)) == 3
    with here.database.reading() as session:
        assert session.get_one(type(row), row.id).told_days == 0
    assert here.told("owner")[-1].text.startswith(f"诚信计量承诺 {row.number}")
    assert date.fromisoformat(last_call) <= row.valid_until


def test_one_digit_on_the_reminder_renews_and_ends_the_reminding(here: Counter) -> None:
    here.prepare(3000)
    first = here.sign(at=day(76))  # under the text of 2027, which holds on
    last = first.valid_until
    now = at(here.bench.calendar.workday_on_or_after(last - timedelta(days=20)))
    assert remind(here, now) == 1
    (reply,) = here.say("owner", "1", now)
    assert reply.text.startswith("续签好了 ✔ 鲜达超市\n")
    assert here.latest().valid_until == date(last.year + 1, last.month, last.day)
    for days in range(10, -1, -1):
        assert remind(here, at(last - timedelta(days=days))) == 0


def test_a_digit_on_an_old_reminder_does_not_renew_twice(here: Counter) -> None:
    here.prepare(3000)
    here.sign(at=day(76))
    when = at(here.latest().valid_until - timedelta(days=1))
    job.remind(here.database, when, here.bench)
    here.say("owner", "1", when)
    assert "已经签过" in here.text("manager", "1", when + timedelta(minutes=1))
    assert len(here.all()) == 2


def test_two_clocks_at_once_remind_once(here: Counter) -> None:
    here.prepare(2000)
    here.sign()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda hour: job.remind(here.database, at(date(2027, 10, 25), hour), here.bench), (9, 10)))
    assert len(here.told("owner")) == 1


@pytest.mark.parametrize(
    ("when", "may"),
    [
        ("2027-10-25T08:59", False),
        ("2027-10-25T09:00", True),
        ("2027-10-25T20:59", True),
        ("2027-10-25T21:00", False),
        ("2027-10-24T12:00", False),
    ],
)
def test_nobody_is_reminded_at_night_or_on_a_day_off(here: Counter, when: str, may: bool) -> None:  # noqa: FBT001 - a column of the table
    assert job.may_remind(here.bench, local(when)) is may


def test_both_are_in_the_table_of_jobs(here: Counter) -> None:
    here.prepare(1, 2000)
    here.sign()
    table = {found.name: found for found in jobs(here.bench)}
    assert table["pledges"].run(here.database, day(32)) == 1
    renewals = table["pledge-renewals"]
    assert renewals.allowed(NINE)
    assert renewals.run(here.database, NINE) == 1
