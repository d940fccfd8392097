from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from scheduler import retention
from storage import contacts, dialogues, outbox, slots
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.outbox import OutboxRow
from storage.slots import JobSlot
from tests.support import NOW


def _kept(database: Database) -> tuple[int, int, list[str]]:
    with database.reading() as session:
        messages = session.scalar(select(func.count(InboxMessage.id)))
        replies = session.scalar(select(func.count(OutboxRow.id)))
        return messages or 0, replies or 0, list(session.scalars(select(JobSlot.slot)))


def _fill(database: Database, count: int = 1) -> int:
    with database.unit() as session:
        who = contacts.get_or_create(session, "web", "a", NOW).id
        row = dialogues.lock(session, who, NOW)
        row.state, row.turns = {"query": "秤"}, count
        for n in range(count):
            dialogues.record_message(session, who, f"k{n}", {}, NOW)
            outbox.new(session, who, {}, NOW)
        session.flush()
        outbox.mark_sent(session, list(session.scalars(select(OutboxRow.id))), NOW)
        outbox.new(session, who, {}, NOW)
        slots.claim(session, "retention", "old", NOW)
    return who


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (timedelta(hours=25), (1, 2, ["old"])),
        (timedelta(hours=25, seconds=1), (0, 2, ["old"])),
        (timedelta(days=7), (0, 2, ["old"])),
        (timedelta(days=7, seconds=1), (0, 1, ["old"])),
        (timedelta(days=60, seconds=1), (0, 1, [])),
    ],
)
def test_each_thing_has_its_time(database: Database, age: timedelta, kept: tuple[int, int, list[str]]) -> None:
    _fill(database)
    retention.sweep(database, NOW + age)
    assert _kept(database) == kept


def test_an_idle_dialogue_is_emptied_and_its_person_stays(database: Database) -> None:
    who = _fill(database)
    retention.sweep(database, NOW + timedelta(days=7))
    with database.reading() as session:
        assert session.get_one(Dialogue, who).state == {"query": "秤"}
    retention.sweep(database, NOW + timedelta(days=7, seconds=1))
    with database.reading() as session:
        assert session.get_one(Dialogue, who).state == {}
        assert contacts.find(session, "web", "a") is not None


def test_many_rows_go_in_small_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    _fill(database, 10)
    retention.sweep(database, NOW + timedelta(days=8))
    assert _kept(database) == (0, 1, ["old"])
