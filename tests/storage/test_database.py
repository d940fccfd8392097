from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from storage import contacts, dialogues
from storage.base import Instant
from storage.contacts import Contact
from storage.database import Database, is_conflict
from storage.dialogues import InboxMessage
from tests.support import NOW, SHANGHAI


def test_a_unit_is_all_or_nothing(database: Database) -> None:
    def half() -> None:
        with database.unit() as session:
            contacts.get_or_create(session, "web", "a", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    with database.reading() as session:
        assert contacts.find(session, "web", "a") is None


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.unit() as session:
        contacts.get_or_create(session, "web", "a", NOW)
    with database.unit() as writer:
        contacts.get_or_create(writer, "web", "b", NOW)
        with database.reading() as reader:
            assert contacts.find(reader, "web", "a") is not None
            assert contacts.find(reader, "web", "b") is None


def test_sqlite_is_set_up_to_survive(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'x.db'}")
    with database.reading() as session:
        found = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")}
        assert found == {"journal_mode": "wal", "synchronous": 2}
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_a_message_is_of_a_known_person(database: Database) -> None:
    with pytest.raises(IntegrityError), database.unit() as session:
        dialogues.record_message(session, 999, "k", {}, NOW)


def test_one_key_of_one_person_is_one_message(database: Database) -> None:
    with database.unit() as session:
        one, two = (contacts.get_or_create(session, "web", name, NOW).id for name in "ab")
        dialogues.record_message(session, one, "k", {}, NOW)
        dialogues.record_message(session, two, "k", {}, NOW)
    with pytest.raises(IntegrityError), database.unit() as session:
        dialogues.record_message(session, one, "k", {}, NOW)
    with database.reading() as session:
        assert len(session.scalars(select(InboxMessage.id)).all()) == 2


def test_what_may_be_tried_again() -> None:
    assert is_conflict(IntegrityError("", {}, Exception()))
    assert is_conflict(OperationalError("", {}, Exception()))
    assert not is_conflict(ValueError())


def test_a_naive_instant_is_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="zone"), database.unit() as session:
        session.execute(insert(Contact).values(channel="web", external_id="a", created_at=naive))


@pytest.mark.parametrize("zone", [UTC, SHANGHAI, timezone(timedelta(hours=-11))])
def test_an_instant_comes_back_the_same(database: Database, zone: timezone) -> None:
    at = NOW.astimezone(zone)
    with database.unit() as session:
        made = contacts.get_or_create(session, "web", "a", at).id
    with database.reading() as session:
        read = session.get_one(Contact, made).created_at
    assert read == at
    assert read.utcoffset() == timedelta(0)


EARLY, LATE = NOW.replace(tzinfo=None, year=2000), NOW.replace(tzinfo=None, year=2999)


@given(st.datetimes(EARLY, LATE, timezones=st.sampled_from([UTC, SHANGHAI])))
def test_every_instant_survives_both_kinds(at: datetime) -> None:
    column = Instant()
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        stored = column.process_bind_param(at, dialect)
        assert column.process_result_value(stored, dialect) == at
    assert column.process_bind_param(None, sqlite.dialect()) is None
    assert column.process_result_value(None, sqlite.dialect()) is None


def test_the_dialogue_row_makes_messages_of_one_person_queue_up(database: Database) -> None:
    with database.unit() as session:
        who = contacts.get_or_create(session, "web", "a", NOW).id
        dialogues.lock(session, who, NOW)

    def add() -> None:
        for _ in range(5):
            with database.unit() as session:
                row = dialogues.lock(session, who, NOW)
                row.turns, row.state = row.turns + 1, {"n": row.state.get("n", 0) + 1}

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        row = session.scalars(select(dialogues.Dialogue)).one()
        assert (row.turns, row.state) == (20, {"n": 20})


def test_messages_since_are_the_newest_oldest_first(database: Database) -> None:
    with database.unit() as session:
        who = contacts.get_or_create(session, "web", "a", NOW).id
        for n in range(5):
            dialogues.record_message(session, who, f"k{n}", {}, NOW + timedelta(minutes=n))
    with database.reading() as session:
        found = dialogues.messages_since(session, who, NOW + timedelta(minutes=1), 3)
        assert [m.key for m in found] == ["k2", "k3", "k4"]
