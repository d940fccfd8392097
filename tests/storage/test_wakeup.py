from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event

from storage import contacts, outbox, wakeup
from storage.database import Database
from storage.outbox import Envelope
from storage.wakeup import Listener
from tests.support import NOW


@pytest.mark.postgres
def test_another_process_is_woken_by_the_commit(postgres: Database) -> None:
    woken = threading.Event()
    listener = Listener(postgres, woken.set)
    assert woken.wait(5), "once at the connection"
    woken.clear()
    with postgres.unit() as session:
        contact = contacts.get_or_create(session, "wake", "a", NOW)
        outbox.new(session, contact, {}, NOW)
        outbox.new(session, contact, {}, NOW, Envelope(due_at=NOW + timedelta(hours=1)))
        session.flush()
        assert not woken.wait(0.2), "not before the commit"
    assert woken.wait(2)
    woken.clear()
    with postgres.unit() as session:
        contact = contacts.get_or_create(session, "wake", "a", NOW)
        outbox.new(session, contact, {}, NOW, Envelope(due_at=NOW + timedelta(hours=1)))
        outbox.new(session, contact, {}, NOW, Envelope(seen=True))
    assert not woken.wait(0.3), "nothing is to be sent now"
    listener.close()


@pytest.mark.postgres
def test_a_listener_comes_back_when_its_connection_is_cut(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.wakeup.PAUSE_SECONDS", 0.05)
    woken = threading.Event()
    listener = Listener(postgres, woken.set)
    assert woken.wait(5)
    woken.clear()
    with postgres.unit() as session:
        session.connection().exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
        )
    assert woken.wait(5), "what was said meanwhile may be missed, so it looks by itself"
    listener.close()


def test_it_is_said_once_in_a_transaction_and_again_when_that_was_taken_back(database: Database) -> None:
    said = []

    def hear(_connection, _cursor, statement, *_rest):
        if statement.startswith("NOTIFY"):
            said.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    with database.unit() as session:
        nested = session.begin_nested()
        wakeup.notify(session)
        nested.rollback()
        for _ in range(5):
            wakeup.notify(session)
    with database.unit() as session:
        wakeup.notify(session)
    event.remove(database.engine, "before_cursor_execute", hear)
    assert len(said) == (0 if database.is_sqlite else 3)
