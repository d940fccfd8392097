"""Tells shops of their due dates until it is killed. Run by ``tests/unit/test_reminder_crash.py``.

Each line of standard input, a JSON object with ``database`` and ``point`` (a failpoint and its count), forks one
process that dies there; how it ended is said on standard output. A few instruments go into each transaction, so that
there are many of them to die in.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from handlers.talk import Bench, Office
from knowledge.library import Library
from knowledge.stages import Plans
from knowledge.workdays import Calendar
from scheduler import reminders
from storage import failpoints
from storage.database import Database
from storage.vault import KEY_BYTES, Vault
from tests.support import local

NO_MATCHER: Any = None
BENCH = Bench(Library.load(), NO_MATCHER, Calendar.load(), Plans.load(), Office(), Vault(bytes(KEY_BYTES)))
NOON = local("2026-12-01T12:00")


def work(order: dict[str, str]) -> None:
    failpoints.arm(order["point"])
    reminders.run(Database(order["database"]), NOON, BENCH)


def main() -> None:
    reminders.ITEMS_AT_ONCE = 6
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)


if __name__ == "__main__":
    main()
