"""APScheduler as a bare clock. Every tick claims its slot in the database, so that any number of clocks may run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from scheduler.jobs import SHANGHAI, Job
from storage import slots
from storage.database import Database

log = logging.getLogger(__name__)

CATCH_UP_MINUTES = 10


class Outcome(StrEnum):
    """What became of a job's tick; the values are for people."""

    RAN = "做了"
    DONE_BEFORE = "这一次已经做过"
    NOT_NOW = "现在不是时候（休息日或夜里）"
    FAILED = "没做成，见日志"


@dataclass(frozen=True, slots=True)
class Ticked:
    """A job's tick: what became of it, and in words for people what it did."""

    outcome: Outcome
    told: str = ""

    def __str__(self) -> str:
        return f"{self.outcome}，{self.told}" if self.told else str(self.outcome)


class Clock:
    """Runs jobs at their hour; what was missed or failed is taken up at the start and every ten minutes."""

    def __init__(self, database: Database, jobs: tuple[Job, ...]) -> None:
        self._database = database
        self._jobs = jobs
        # Jobs live in memory only: a job store is a pickle that others could write.
        self._scheduler = BackgroundScheduler(timezone=SHANGHAI)
        for job in jobs:
            trigger = CronTrigger(hour=job.at.hour, minute=job.at.minute, timezone=SHANGHAI)
            self._scheduler.add_job(self.tick, trigger, args=(job,), misfire_grace_time=None, coalesce=True)
        trigger = CronTrigger(minute=f"*/{CATCH_UP_MINUTES}", second=30, timezone=SHANGHAI)
        self._scheduler.add_job(self.catch_up, trigger, misfire_grace_time=None, coalesce=True)

    def start(self) -> None:
        self.catch_up()
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)

    def catch_up(self, now: datetime | None = None) -> None:
        """Run each job whose last slot nobody has taken."""
        for job in self._jobs:
            self.tick(job, now)

    def tick(self, job: Job, now: datetime | None = None) -> bool:
        """Run the job for its last slot unless somebody has; whether it ran here. A failure is logged, not raised."""
        return self.ticked(job, now).outcome is Outcome.RAN

    def ticked(self, job: Job, now: datetime | None = None) -> Ticked:
        now = now or datetime.now(UTC)
        if not job.allowed(now):
            return Ticked(Outcome.NOT_NOW)
        if job.resumes:
            return self._run(job, now)
        slot = job.last_slot(now).isoformat()
        try:
            with self._database.unit() as session:
                mine = slots.claim(session, job.name, slot, now)
        except Exception:
            log.exception("job %s could not be claimed", job.name)
            return Ticked(Outcome.FAILED)
        if not mine:
            return Ticked(Outcome.DONE_BEFORE)
        done = self._run(job, now)
        if done.outcome is Outcome.FAILED:
            with self._database.unit() as session:
                slots.release(session, job.name, slot)
        return done

    def _run(self, job: Job, now: datetime) -> Ticked:
        try:
            result = job.run(self._database, now)
        except Exception:
            log.exception("job %s failed", job.name)
            return Ticked(Outcome.FAILED)
        return Ticked(Outcome.RAN, job.told.format(result))
