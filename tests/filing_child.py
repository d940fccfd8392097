"""Files a tip turn by turn and has its evidence sealed. Run by ``tests/unit/test_filing_crash.py``.

Whoever died before it said all of it: the same messages come again under the same keys, as a platform sends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.app import Knowledge, Service
from bot.settings import Settings
from bot.task_kinds import run_due
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound
from storage import case_links, tasks
from tests import forked
from tests.support import NOW

STEP = timedelta(minutes=4)
"""Longer than a task's lease: it has run out when the next process comes."""
SAID = ("城西菜场A12少称2两", "", "完成", "1", "1")
"""The story, the evidence, no more of it, without a name, and news are wanted."""


def hash_quickly() -> None:
    """Receipts are hashed slowly on purpose; here a hundred processes make some, and what is tested is not the hash."""
    case_links._OPS, case_links._MEMORY = 1, 1024 * 1024  # noqa: SLF001 - see above


def messages(person: int, files: list[list[str]], now: datetime) -> Iterator[Inbound]:
    """All that one person says; ``files`` are names in the evidence store with their types."""
    sent = tuple(Attachment(AttachmentKind(kind), name, type_, 10, name[:8]) for name, kind, type_ in files)
    for number, text in enumerate(SAID):
        who = ContactRef("terminal", f"p{person}")
        yield Inbound(who, f"p{person}-{number}", now, text, attachments=() if text else sent)


def service_in(folder: str, url: str) -> Service:
    return Service(Settings(data_dir=Path(folder), database_url=url, _env_file=None), KNOWLEDGE)


def work(order: dict[str, Any]) -> None:
    tasks.MOST_TRIES = 1000  # here every process dies on purpose
    hash_quickly()
    service, now = service_in(order["folder"], order["database"]), NOW + order["round"] * STEP
    for inbound in messages(order["person"], order["files"], now):
        service.talk(inbound)
    run_due(service, lambda: now)
    service.close()


if __name__ == "__main__":
    KNOWLEDGE = Knowledge.load(Path("var/cache"))
    forked.serve(work)
