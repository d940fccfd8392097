"""The audit log on both databases: only added to, one writer at a time, and every tampering found."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError

from storage import audit, chain
from storage.audit import AuditEntry, AuditHead, Entry
from storage.chain import Fault, Head
from storage.database import Database, Session
from tests.support import NOW

FORBIDDEN = [
    "UPDATE audit_entries SET record = record WHERE seq = 2",
    "UPDATE audit_entries SET hash = '00'",
    "DELETE FROM audit_entries WHERE seq = 3",
    "DELETE FROM audit_entries",
]


def entry(number: int) -> Entry:
    return Entry(f"staff:{number % 5}", "officer", "case.moved", f"case:{number % 3}", f"理由 {number}", {"n": number})


def filled(database: Database, count: int) -> None:
    with database.unit() as session:
        for number in range(1, count + 1):
            audit.append(session, entry(number), NOW + timedelta(minutes=number))


def told(database: Database) -> Fault | Head:
    with database.reading() as session:
        assert audit.is_there(session)
        return chain.first_fault(audit.entries(session), head=audit.head(session))


def unguarded(session: Session) -> None:
    """As somebody would who may do anything with the database."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        return
    for trigger in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session.execute(text(f"DROP TRIGGER {trigger}"))


# -- adding -------------------------------------------------------------------------------------------------------


def test_entries_are_numbered_from_one_and_chained(database: Database) -> None:
    with database.unit() as session:
        assert audit.head(session) == Head(0, chain.START)
        assert [audit.append(session, entry(n), NOW) for n in (1, 2, 3)] == [1, 2, 3]
        rows = list(audit.entries(session))
    assert [row.previous for row in rows] == [chain.START, rows[0].hash, rows[1].hash]
    assert told(database) == Head(3, rows[2].hash)


def test_what_was_noted_of_an_object_comes_back(database: Database) -> None:
    filled(database, 9)
    with database.reading() as session:
        found = audit.of_object(session, "case:1")
        assert [one["seq"] for one in found] == [1, 4, 7]
        assert found[0]["detail"] == {"n": 1}
        assert (found[0]["actor"], found[0]["role"], found[0]["reason"]) == ("staff:1", "officer", "理由 1")
        assert len(audit.of_object(session, "case:1", limit=2)) == 2


def test_a_transaction_that_fails_leaves_no_gap(database: Database) -> None:
    filled(database, 2)
    with database.reading() as session:  # ends without a commit
        assert audit.append(session, entry(3), NOW) == 3
    filled(database, 2)
    found = told(database)
    assert isinstance(found, Head)
    assert found.seq == 4


def test_many_writers_at_once_make_one_chain(database: Database) -> None:
    def work(number: int) -> None:
        for turn in range(10):
            with database.unit() as session:
                audit.append(session, entry(number * 100 + turn), datetime.now(UTC))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = told(database)
    assert isinstance(found, Head)
    assert found.seq == 60


def test_a_detail_that_has_no_one_spelling_is_refused(database: Database) -> None:
    with pytest.raises(TypeError), database.unit() as session:
        audit.append(session, Entry("system", "", "case.weighed", "case:1", detail={"kg": 0.1}), NOW)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_T23_the_database_itself_refuses_to_change_or_delete(database: Database, statement: str) -> None:
    filled(database, 4)
    before = told(database)
    with pytest.raises(DBAPIError, match="only added"), database.unit() as session:
        session.execute(text(statement))
    assert told(database) == before


def test_T23_nor_are_entries_emptied_or_replaced(database: Database) -> None:
    filled(database, 4)
    statement = (
        "INSERT OR REPLACE INTO audit_entries (seq, at, object, record, prev_hash, hash) "
        "SELECT 2, at, object, record, prev_hash, hash FROM audit_entries WHERE seq = 3"
        if database.is_sqlite
        else "TRUNCATE audit_entries"
    )
    before = told(database)
    with pytest.raises(DBAPIError, match="only added"), database.unit() as session:
        session.execute(text(statement))
    assert told(database) == before


# -- tampering by somebody who may do anything -----------------------------------------------------------------------

LENGTH = 30


def flip(session: Session, dice: random.Random) -> int:
    seq, column = dice.randint(1, LENGTH), dice.choice(("record", "prev_hash", "hash", "object", "at"))
    if column == "at":
        session.execute(update(AuditEntry).where(AuditEntry.seq == seq).values(at=NOW - timedelta(days=3)))
        return seq
    value = session.scalar(text(f"SELECT {column} FROM audit_entries WHERE seq = {seq}"))  # noqa: S608
    place = dice.randrange(len(value))
    changed = value[:place] + ("x" if value[place] != "x" else "y") + value[place + 1 :]
    session.execute(text(f"UPDATE audit_entries SET {column} = :v WHERE seq = {seq}"), {"v": changed})  # noqa: S608
    return seq


def drop(session: Session, dice: random.Random) -> int:
    seq = dice.randint(1, LENGTH)
    session.execute(text(f"DELETE FROM audit_entries WHERE seq = {seq}"))  # noqa: S608
    return seq


def add(session: Session, dice: random.Random) -> int:
    """A row under a number that nobody has: before the first, or behind the last."""
    seq = dice.choice((-1, 0, LENGTH + 1))
    there = session.get_one(AuditEntry, LENGTH)
    record = chain.canonical({"seq": seq, "at": NOW.isoformat(), "object": "case:9"})
    session.execute(
        insert(AuditEntry).values(
            seq=seq,
            at=NOW,
            object="case:9",
            record=record.decode(),
            prev_hash=there.hash,
            hash=chain.link(there.hash, record),
        )
    )
    return 1 if seq < 1 else LENGTH + 1


def swap(session: Session, dice: random.Random) -> int:
    one, other = sorted(dice.sample(range(1, LENGTH + 1), 2))
    for old, new in ((one, 1000), (other, one), (1000, other)):
        session.execute(text(f"UPDATE audit_entries SET seq = {new} WHERE seq = {old}"))  # noqa: S608
    return one


def truncate(session: Session, dice: random.Random) -> int:
    left = dice.randrange(LENGTH)
    session.execute(text(f"DELETE FROM audit_entries WHERE seq > {left}"))  # noqa: S608
    return left + 1


def behead(session: Session, dice: random.Random) -> int:
    seq = dice.randrange(LENGTH)
    session.execute(update(AuditHead).values(seq=seq))
    return seq + 1


TAMPERINGS = (flip, drop, add, swap, truncate, behead)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.__name__)
def test_T23_tampering_with_the_tables_is_found_and_named(
    database: Database, tampering: Callable[[Session, random.Random], int]
) -> None:
    filled(database, LENGTH)
    dice = random.Random(f"tables {tampering.__name__}")  # noqa: S311 - chooses what to try
    for _ in range(25):
        with database.reading() as session:  # ends without a commit
            unguarded(session)
            first = tampering(session, dice)
            found = chain.first_fault(audit.entries(session), head=audit.head(session))
            assert isinstance(found, Fault)
            assert found.seq == first
    assert isinstance(told(database), Head)


def test_T23_bytes_that_are_no_text_are_one_altered_entry(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL keeps nothing in a text column that is no text")
    filled(database, 5)
    for column in ("record", "at", "hash", "prev_hash", "object"):
        with database.reading() as session:  # ends without a commit
            unguarded(session)
            session.execute(text(f"UPDATE audit_entries SET {column} = CAST(x'ff00fe' AS TEXT) WHERE seq = 3"))  # noqa: S608
            found = chain.first_fault(audit.entries(session), head=audit.head(session))
            assert isinstance(found, Fault)
            assert found.seq == 3


def test_a_long_log_is_read_in_pieces_and_quickly(database: Database) -> None:
    """100,000 entries in a few seconds; here a fifth of that, with room for a slow machine."""
    count, last, rows = 20_000, chain.START, []
    for seq in range(1, count + 1):
        at = (NOW + timedelta(seconds=seq)).isoformat(timespec="microseconds")
        record = {"seq": seq, "at": at, "actor": "staff:1", "role": "officer", "action": "case.moved", "reason": ""}
        body = chain.canonical(record | {"object": "case:1", "detail": {"from": "received", "to": "accepted"}})
        hash_ = chain.link(last, body)
        rows.append((seq, datetime.fromisoformat(at), "case:1", body.decode(), last, hash_))
        last = hash_
    names = ("seq", "at", "object", "record", "prev_hash", "hash")
    with database.unit() as session:
        session.execute(insert(AuditEntry), [dict(zip(names, row, strict=True)) for row in rows])
        session.execute(update(AuditHead).values(seq=count, hash=last))
    began = time.process_time()
    assert told(database) == Head(count, last)
    assert time.process_time() - began < float(os.environ.get("HONESTSCALE_TEST_PATIENCE", "3"))
