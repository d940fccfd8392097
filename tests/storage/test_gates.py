from __future__ import annotations

from datetime import timedelta

from storage import gates
from storage.database import Database
from storage.gates import PROBE, Rate
from tests.support import NOW

RATE = Rate(per_second=25, burst=10)
SECOND = timedelta(seconds=1)


def _take_all(database: Database, at: timedelta) -> int:
    with database.unit() as session:
        room = gates.room(session, "x", RATE, NOW + at)
        if room.count:
            gates.take(session, "x", RATE, NOW + at, room.count)
        return room.count


def _close(database: Database, at: timedelta, until: timedelta, reason: str = "429") -> None:
    with database.unit() as session:
        gates.close(session, "x", RATE, NOW + at, NOW + until, reason)


def _opens(database: Database, at: timedelta) -> timedelta:
    with database.reading() as session:
        return gates.opens_at(session, "x", RATE, NOW + at) - NOW


def test_no_second_sees_more_than_the_rate_and_one_burst(database: Database) -> None:
    step = timedelta(milliseconds=20)
    taken = [_take_all(database, n * step) for n in range(200)]
    seconds = [sum(taken[n : n + 50]) for n in range(150)]
    assert taken[0] == 10
    assert max(seconds) <= 35
    assert min(seconds) >= 24


def test_after_a_pause_there_is_one_burst(database: Database) -> None:
    _take_all(database, timedelta(0))
    assert _take_all(database, timedelta(hours=1)) == 10


def test_a_clock_that_goes_back_gives_nothing(database: Database) -> None:
    _take_all(database, timedelta(hours=1))
    assert _take_all(database, timedelta(0)) == 0
    assert _take_all(database, timedelta(hours=1) + 0.2 * SECOND) == 5


def test_it_says_when_it_is_worth_asking_again(database: Database) -> None:
    assert _opens(database, SECOND) == SECOND
    _take_all(database, timedelta(0))
    assert _opens(database, timedelta(0)) == timedelta(milliseconds=40)
    assert _opens(database, SECOND) == SECOND
    _close(database, timedelta(0), 30 * SECOND)
    assert _opens(database, SECOND) == 30 * SECOND


def test_a_closed_gate_lets_one_probe_through_and_opens_behind_it(database: Database) -> None:
    _close(database, timedelta(0), 3 * SECOND)
    assert _take_all(database, 2.9 * SECOND) == 0
    with database.unit() as session:
        room = gates.room(session, "x", RATE, NOW + 3 * SECOND)
        assert (room.count, room.probe) == (1, True)
        gates.take(session, "x", RATE, NOW + 3 * SECOND, 1)
    assert _take_all(database, 4 * SECOND) == 0
    with database.unit() as session:
        gates.probed(session, "x", RATE, NOW + 4 * SECOND)
    assert _take_all(database, 4 * SECOND) == 0
    assert _take_all(database, 4.2 * SECOND) == 5


def test_a_probe_that_fails_closes_the_gate_however_short(database: Database) -> None:
    _close(database, timedelta(0), SECOND)
    assert _take_all(database, SECOND) == 1
    _close(database, SECOND, 2 * SECOND)
    assert _take_all(database, 2 * SECOND) == 1


def test_a_probe_that_is_lost_is_followed_by_another(database: Database) -> None:
    _close(database, timedelta(0), SECOND)
    assert _take_all(database, SECOND) == 1
    assert _take_all(database, SECOND + PROBE - timedelta(milliseconds=1)) == 0
    assert _take_all(database, SECOND + PROBE) == 1


def test_the_longer_closing_holds(database: Database) -> None:
    _close(database, timedelta(0), 30 * SECOND, "long")
    _close(database, timedelta(0), 3 * SECOND, "short")
    with database.reading() as session:
        assert gates.closed_until(session, "x") == NOW + 30 * SECOND
        assert gates.closed_until(session, "other") is None


def test_a_late_success_does_not_open_what_was_closed_since(database: Database) -> None:
    _close(database, timedelta(0), SECOND)
    _take_all(database, SECOND)
    _close(database, SECOND, 60 * SECOND)
    with database.unit() as session:
        gates.probed(session, "x", RATE, NOW + 2 * SECOND)
    assert _take_all(database, 59 * SECOND) == 0
