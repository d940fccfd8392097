from __future__ import annotations

import threading
from datetime import timedelta

from sqlalchemy import select

from storage import slots
from storage.database import Database
from storage.slots import JobSlot
from tests.support import NOW


def test_a_slot_is_taken_once_among_eight_threads(database: Database) -> None:
    won: list[bool] = []
    gate = threading.Barrier(8)

    def grab() -> None:
        gate.wait()
        with database.unit() as session:
            won.append(slots.claim(session, "retention", "2026-11-24", NOW))

    threads = [threading.Thread(target=grab) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_jobs_and_days_do_not_meet(database: Database) -> None:
    with database.unit() as session:
        taken = [slots.claim(session, *slot, NOW) for slot in (("a", "1"), ("a", "2"), ("b", "1"), ("a", "1"))]
    assert taken == [True, True, True, False]


def test_a_slot_given_back_can_be_taken_again(database: Database) -> None:
    with database.unit() as session:
        assert slots.claim(session, "a", "1", NOW)
        slots.release(session, "a", "1")
        assert slots.claim(session, "a", "1", NOW)


def test_old_slots_are_forgotten(database: Database) -> None:
    with database.unit() as session:
        slots.claim(session, "a", "1", NOW)
        slots.claim(session, "a", "2", NOW + timedelta(days=1))
        slots.forget(session, NOW + timedelta(hours=1))
        assert [row.slot for row in session.scalars(select(JobSlot))] == ["2"]
