"""All jobs of the clock: those of the scheduler, and the one that writes the audit log's anchor into a file."""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from bot.backoffice import auditing
from handlers.talk import SHANGHAI
from scheduler.jobs import Job, jobs
from storage.database import Database

if TYPE_CHECKING:
    from bot.app import Service

log = logging.getLogger(__name__)
ANCHOR_AT = time(0, 20)


def all_jobs(service: Service) -> tuple[Job, ...]:
    def anchor(database: Database, now: datetime) -> None:
        yesterday = now.astimezone(SHANGHAI).date() - timedelta(days=1)
        for line in auditing.anchor(database, service.settings, yesterday, now):
            log.info(line)

    return (*jobs(service.reception.bench), Job("audit-anchor", ANCHOR_AT, anchor))
