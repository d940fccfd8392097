"""Tells shops of their due dates; a few instruments go into each transaction, so that there are many to die in.

Run by ``tests/unit/test_reminder_crash.py``.
"""

from __future__ import annotations

from typing import Any

from handlers.talk import Bench, Office
from knowledge.library import Library
from knowledge.stages import Plans
from knowledge.workdays import Calendar
from scheduler import reminders
from storage.database import Database
from storage.vault import KEY_BYTES, Vault
from tests import forked
from tests.support import local

NO_MATCHER: Any = None
BENCH = Bench(Library.load(), NO_MATCHER, Calendar.load(), Plans.load(), Office(), Vault(bytes(KEY_BYTES)))
NOON = local("2026-12-01T12:00")


def work(order: dict[str, Any]) -> None:
    reminders.run(Database(order["database"]), NOON, BENCH)


if __name__ == "__main__":
    reminders.ITEMS_AT_ONCE = 6
    forked.serve(work)
