"""The table of jobs: name, when, what. What is due is found in our own tables; the clock only knocks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handlers.talk import Bench
from knowledge.workdays import Calendar
from scheduler import deadlines, pledges, reminders, retention
from storage.database import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOTICE_EXPECTED = (11, 1)
"""The State Council's holiday notice for the next year usually comes out in the first days of November."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A daily job. ``run`` may be called late, never twice for one day."""

    name: str
    at: time
    run: Callable[[Database, datetime], object]
    allowed: Callable[[datetime], bool] = lambda _now: True
    """Whether this is a time for it; what is not done now is done when it is."""
    resumes: bool = False
    """``run`` finds by itself what is left to do: it takes no slot, so that a run that was killed is gone on with."""
    told: str = ""
    """How its result is said, with ``{}`` for the number."""

    def last_slot(self, now: datetime) -> date:
        """The day whose tick was due last."""
        local = now.astimezone(SHANGHAI)
        return local.date() if local.time() >= self.at else local.date() - timedelta(days=1)


def jobs(bench: Bench) -> tuple[Job, ...]:
    def may_tell(now: datetime) -> bool:
        return reminders.may_tell(bench, now)

    def may_tell_staff(now: datetime) -> bool:
        return deadlines.may_tell(bench, now)

    return (
        Job("retention", time(3, 30), retention.sweep),
        Job("holiday-notice", time(8, 30), lambda _database, now: warn_without_notice(bench.calendar, now)),
        Job(
            "reminders",
            reminders.TELL_FROM,
            lambda database, now: reminders.run(database, now, bench),
            may_tell,
            resumes=True,
            told="提醒了 {} 家店",
        ),
        Job(
            "unreached",
            time(9, 30),
            lambda database, now: reminders.list_unreached(database, now, bench),
            may_tell,
            told="{} 家店逾期没有动静",
        ),
        Job(
            "case-terms",
            deadlines.TELL_FROM,
            lambda database, now: deadlines.escalate(database, now, bench),
            may_tell_staff,
            resumes=True,
            told="提醒了 {} 个案件期限",
        ),
        Job(
            "case-digest",
            deadlines.TELL_FROM,
            lambda database, now: deadlines.digest(database, now, bench),
            may_tell_staff,
            told="给 {} 名工作人员发了今日清单",
        ),
        Job("pledges", pledges.CHECK_FROM, pledges.check, told="{} 份承诺暂停或恢复"),
        Job(
            "pledge-renewals",
            pledges.REMIND_FROM,
            lambda database, now: pledges.remind(database, now, bench),
            lambda now: pledges.may_remind(bench, now),
            told="提醒了 {} 份承诺续签",
        ),
        Job("reveals", time(0, 0), retention.close_reveals, resumes=True),
        Job("open-originals", time(3, 50), lambda database, now: retention.sweep_open(database, now, bench.files)),
        Job("sealed", time(3, 40), lambda database, now: retention.sweep_sealed(database, now, bench.files)),
    )


def warn_without_notice(calendar: Calendar, now: datetime) -> bool:
    """From November on, say daily that next year's holidays are still missing; whether it was said."""
    today = now.astimezone(SHANGHAI).date()
    if (today.month, today.day) < NOTICE_EXPECTED or today.year + 1 in calendar.noticed:
        return False
    log.warning("%d年放假安排还没有录入 knowledge/data/holidays.yaml，跨年的期限暂按周末估算", today.year + 1)
    return True
