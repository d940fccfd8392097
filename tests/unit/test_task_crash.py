from __future__ import annotations

import io
import shutil
from collections import Counter
from pathlib import Path

from openpyxl import Workbook
from sqlalchemy import func, select

from bot.app import Knowledge
from handlers.ledger.sheets import CHUNK, IMPORT
from storage import contacts, tasks
from storage.ledger import LedgerItem
from storage.outbox import OutboxRow
from tests.forked import ENDED, KILLED, Forks
from tests.shops import shop
from tests.support import NOW, service_at

ROWS = 2 * CHUNK + 100
POINTS = ("task.claimed:1", "task.worked:1", "task.stepped:1", "task.stepped:2", "task.stepped:3", "task.finished:1")
ROUNDS = 3
TASKS = 2 * ROUNDS + 1
"""Two points of each round lie behind the last step: the task is done by then."""


def _table() -> bytes:
    book = Workbook()
    assert book.active is not None
    book.active.append(("器具名称", "规格型号", "出厂编号", "检定日期"))
    for n in range(ROWS):
        # Some without a number: they can only be told apart by how many there are.
        book.active.append(("电子计价秤", f"ACS-{n % 7}", "" if n % 10 == 0 else f"N{n}", "2026-05-20"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_R3_an_import_killed_at_every_point_is_whole_and_told_once(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge
) -> None:
    service = service_at(tmp_path / "data", empty_file, knowledge)
    file = service.keep_file(_table(), "台账.xlsx")
    with service.database.unit() as session:
        mine = shop(session, NOW)
        owner = contacts.get_or_create(session, "terminal", "wang", NOW)
        request = {"file": file.name, "name": "台账.xlsx", "shop": mine.id}
        for _ in range(TASKS):
            tasks.ask(session, IMPORT, owner.id, request, NOW)
    order = {"folder": str(tmp_path / "data")}
    with Forks("tests.task_child") as forks:
        points = POINTS * ROUNDS
        ends = [forks.run(point, hour=hour, **order) for hour, point in enumerate(points)]
        assert forks.run("", hour=len(points), **order) == ENDED
    assert set(ends) == {KILLED}
    with service.database.reading() as session:
        numbered = Counter(session.scalars(select(LedgerItem.serial_key).where(LedgerItem.serial_key != "")))
        assert set(numbered.values()) == {1}
        assert session.scalar(select(func.count(LedgerItem.id))) == ROWS
        said = session.scalars(select(OutboxRow.dedup_key).where(OutboxRow.dedup_key.like("task:%:done"))).all()
    assert len(said) == len(set(said)) == TASKS
    service.close()
    shutil.rmtree(tmp_path / "data")
