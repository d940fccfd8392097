"""``python -m bot tick``: everything that is due, once, for those who let cron keep the hours."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from bot.app import Knowledge, Service
from bot.hours import all_jobs
from bot.settings import Settings, TelegramMode
from bot.task_kinds import run_due
from bot.times import utc_now
from scheduler.clock import Clock, Outcome
from storage import sending

EXPIRED_AT_ONCE = 1000


class TickError(ValueError):
    """It may not be done so; the text says in Chinese why."""


def tick(settings: Settings, at: datetime | None, knowledge: Knowledge | None = None) -> tuple[list[str], bool]:
    """What was done, a line each, and whether all of it went well. ``at``: as if it were then, for development."""
    if at is not None and _serves_people(settings):
        raise TickError("--at 只能在本机开发用：设了对外网址、微信或 Telegram 就是对外服务，不能拨钟。")
    now = at or utc_now()
    with closing(Service(settings, knowledge)) as service:
        lines, sound = [], True
        clock = Clock(service.database, ())
        for job in all_jobs(service):
            done = clock.ticked(job, now)
            lines.append(f"{job.name}：{done}")
            sound = sound and done.outcome is not Outcome.FAILED
        lines.append(f"文件：处理 {run_due(service, lambda: now)} 份")
        with service.database.unit() as session:
            lines.append(f"过期消息：{sending.expire(session, now, EXPIRED_AT_ONCE)} 条")
        return lines, sound


def _serves_people(settings: Settings) -> bool:
    return bool(settings.public_url or settings.wechat_app_id) or settings.telegram_mode is not TelegramMode.OFF
