"""Works off slow tasks. Run by ``tests/unit/test_task_crash.py``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.app import Knowledge, Service
from bot.settings import Settings
from bot.task_kinds import run_due
from storage import tasks
from tests import forked
from tests.support import NOW

KNOWLEDGE = Knowledge.load(Path("var/cache"))


def work(order: dict[str, Any]) -> None:
    tasks.MOST_TRIES = 1000  # here every process dies on purpose
    settings = Settings(data_dir=Path(order["folder"]), database_url="", _env_file=None)
    service = Service(settings, KNOWLEDGE)
    now = NOW + timedelta(hours=order["hour"])  # the lease of the one that died has run out
    run_due(service, lambda: now)
    service.close()


if __name__ == "__main__":
    forked.serve(work)
