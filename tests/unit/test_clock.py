from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.app import Service
from bot.server import create_app
from handlers.turn import Reception
from knowledge.workdays import Calendar
from scheduler.clock import Clock
from scheduler.jobs import Job, jobs, warn_without_notice
from storage.database import Database
from tests.support import local

AT = time(3, 30)


class Counted:
    """A job's work, counted; ``fails`` times it goes wrong first."""

    def __init__(self, fails: int = 0) -> None:
        self.ran: list[datetime] = []
        self.fails = fails

    def __call__(self, _database: Database, now: datetime) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no luck")
        self.ran.append(now)

    @property
    def job(self) -> Job:
        return Job("counted", AT, self)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-24T03:29", date(2026, 11, 23)),
        ("2026-11-24T03:30", date(2026, 11, 24)),
        ("2026-11-24T23:59", date(2026, 11, 24)),
        ("2026-11-25T00:00", date(2026, 11, 24)),
    ],
)
def test_the_last_slot_is_a_day_in_china(now: str, slot: date) -> None:
    assert Counted().job.last_slot(local(now)) == slot


def test_a_day_is_worked_once_however_many_clocks_tick(database: Database) -> None:
    work = Counted()
    clocks = [Clock(database, (work.job,)) for _ in range(4)]
    now = local("2026-11-24T03:30")
    threads = [threading.Thread(target=clock.tick, args=(work.job, now)) for clock in clocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert work.ran == [now]
    assert not clocks[0].tick(work.job, now + timedelta(hours=5))
    assert clocks[0].tick(work.job, now + timedelta(days=1))


def test_work_that_failed_is_taken_up_again(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    work = Counted(fails=1)
    clock = Clock(database, (work.job,))
    now = local("2026-11-24T03:30")
    with caplog.at_level(logging.ERROR):
        assert not clock.tick(work.job, now)
    assert "counted" in caplog.text
    assert clock.tick(work.job, now)
    assert len(work.ran) == 1


def test_what_was_due_while_nobody_was_there_runs_at_the_start(database: Database) -> None:
    work = Counted()
    clock = Clock(database, (work.job,))
    clock.start()
    clock.stop()
    assert len(work.ran) == 1
    assert abs(work.ran[0] - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_failed_is_taken_up_at_the_next_look(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    work = Counted(fails=2)
    clock = Clock(database, (work.job,))
    for minutes in (0, 10, 20, 30):
        clock.catch_up(local("2026-11-24T03:30") + timedelta(minutes=minutes))
    assert work.ran == [local("2026-11-24T03:50")]
    assert caplog.text.count("RuntimeError: no luck") == 2


def test_a_database_that_is_away_at_the_hour_is_asked_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    work = Counted()
    database = Database(f"sqlite:///{tmp_path / 'later.db'}")
    clock = Clock(database, (work.job,))
    assert not clock.tick(work.job, local("2026-11-24T03:30"))
    assert "could not be claimed" in caplog.text
    database.migrate()
    clock.catch_up(local("2026-11-24T03:40"))
    assert work.ran == [local("2026-11-24T03:40")]
    database.close()


def ticking() -> bool:
    return any("APScheduler" in thread.name for thread in threading.enumerate())


def test_the_server_starts_its_clock_and_stops_it(service: Service) -> None:
    async def once() -> None:
        app = create_app(service, clock=True)
        async with app.router.lifespan_context(app), asyncio.timeout(10):
            while not ticking():
                await asyncio.sleep(0.01)

    asyncio.run(once())
    assert not ticking()


def test_every_job_runs_on_an_empty_database(database: Database, reception: Reception) -> None:
    for job in jobs(reception.bench):
        job.run(database, local("2026-10-24T12:00"))


@pytest.mark.parametrize(
    ("now", "warned"),
    [("2026-10-31T09:00", False), ("2026-11-01T00:01", True), ("2026-12-31T09:00", True), ("2025-11-05T09:00", False)],
)
def test_a_missing_holiday_notice_is_said_daily_from_november(
    now: str,
    warned: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert warn_without_notice(Calendar.load(), local(now)) is warned
    assert ("放假安排还没有录入" in caplog.text) is warned
