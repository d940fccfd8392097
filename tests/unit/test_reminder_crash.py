from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from handlers.turn import Reception
from storage.database import Database
from storage.ledger import LedgerItem
from storage.outbox import OutboxRow
from storage.reminders import Reminder, ReminderBatch
from tests.forked import ENDED, KILLED, Forks
from tests.shops import add, shop
from tests.support import NOW

SHOPS, KILLS = 260, 100
POINTS = ("remind.recorded", "remind.queued", "remind.written", "remind.committed")
DUE = date(2026, 12, 31)


def _fill(database: Database, reception: Reception, count: int) -> None:
    with database.unit() as session:
        for n in range(count):
            mine = shop(session, NOW, f"p{n}", f"店{n}店")
            add(reception.bench, session, mine.id, DUE, NOW, (f"{n}a", f"{n}b"))


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_R3_killed_over_and_over_every_shop_is_told_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, reception: Reception
) -> None:
    url = f"sqlite:///{tmp_path / 'crash.db'}" if kind == "sqlite" else request.getfixturevalue("new_postgres")()
    database = Database(url)
    database.migrate()
    _fill(database, reception, SHOPS)
    dice = random.Random(11)  # noqa: S311 - where to die, no secret
    with Forks("tests.remind_child") as forks:
        points = [f"{POINTS[n % len(POINTS)]}:{dice.randint(1, 3)}" for n in range(KILLS)]
        ends = [forks.run(point, database=url) for point in points]
        assert forks.run("", database=url) == ENDED
    assert ends == [KILLED] * KILLS
    with database.reading() as session:
        told = Counter(session.scalars(select(Reminder.item_id)))
        items = session.scalars(select(LedgerItem.id)).all()
        said = Counter(session.scalars(select(OutboxRow.contact_id).where(OutboxRow.kind == "reminder")))
        batches = Counter(session.scalars(select(ReminderBatch.shop_id)))
    assert told == dict.fromkeys(items, 1)
    assert len(said) == len(batches) == SHOPS
    assert set(said.values()) == set(batches.values()) == {1}
    database.close()


@pytest.mark.postgres
def test_R9_two_processes_at_once_tell_every_shop_once(new_postgres: Callable[[], str], reception: Reception) -> None:
    url = new_postgres()
    database = Database(url)
    database.migrate()
    _fill(database, reception, SHOPS)
    with Forks("tests.remind_child") as one, Forks("tests.remind_child") as other, ThreadPoolExecutor(2) as both:
        ends = list(both.map(lambda forks: forks.run("", database=url), (one, other)))
    assert ends == [ENDED, ENDED]
    with database.reading() as session:
        told = Counter(session.scalars(select(Reminder.item_id)))
        said = Counter(session.scalars(select(OutboxRow.contact_id).where(OutboxRow.kind == "reminder")))
    assert (len(told), set(told.values())) == (2 * SHOPS, {1})
    assert (len(said), set(said.values())) == (SHOPS, {1})
    database.close()
