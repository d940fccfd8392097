from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from storage import contacts, windows
from storage.database import Database, Session
from tests.support import NOW

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def who(database: Database) -> int:
    with database.unit() as session:
        return contacts.get_or_create(session, "wechat", "a", NOW).id


def _do(database: Database, work: Callable[[Session], object]) -> object:
    with database.unit() as session:
        return work(session)


def _takes(database: Database, who: int, at: timedelta, tries: int) -> int:
    """How many messages may still be sent at an instant, up to ``tries``; they are sent."""
    return sum(bool(_do(database, lambda session: windows.take(session, who, NOW + at))) for _ in range(tries))


def test_nobody_who_never_wrote_is_written_to(database: Database, who: int) -> None:
    assert _takes(database, who, SECOND, 1) == 0


def test_a_message_grants_five_for_two_days(database: Database, who: int) -> None:
    _do(database, lambda session: windows.note_message(session, who, NOW))
    assert _takes(database, who, SECOND, 3) == 3
    assert _takes(database, who, 2 * DAY - SECOND, 9) == 2
    _do(database, lambda session: windows.note_message(session, who, NOW + DAY))
    assert _takes(database, who, 3 * DAY, 9) == 0
    assert _takes(database, who, 3 * DAY - SECOND, 9) == 5


def test_a_tap_grants_three_for_a_minute(database: Database, who: int) -> None:
    _do(database, lambda session: windows.note_tap(session, who, NOW))
    assert _takes(database, who, 59 * SECOND, 9) == 3
    _do(database, lambda session: windows.note_tap(session, who, NOW + DAY))
    assert _takes(database, who, DAY + 60 * SECOND, 9) == 0


def test_the_same_message_again_opens_nothing(database: Database, who: int) -> None:
    _do(database, lambda session: windows.note_message(session, who, NOW))
    assert _takes(database, who, SECOND, 9) == 5
    for earlier in (NOW, NOW - SECOND):
        _do(database, lambda session, at=earlier: windows.note_message(session, who, at))
        _do(database, lambda session, at=earlier: windows.note_tap(session, who, at - DAY))
    assert _takes(database, who, 2 * SECOND, 9) == 0


def test_a_send_counts_in_every_open_window(database: Database, who: int) -> None:
    _do(database, lambda session: windows.note_message(session, who, NOW))
    _do(database, lambda session: windows.note_tap(session, who, NOW))
    assert _takes(database, who, SECOND, 4) == 4
    assert _takes(database, who, 2 * SECOND, 9) == 1
    _do(database, lambda session: windows.note_tap(session, who, NOW + DAY))
    assert _takes(database, who, DAY, 9) == 3


def test_what_was_not_taken_is_given_back(database: Database, who: int) -> None:
    _do(database, lambda session: windows.note_message(session, who, NOW))
    assert _takes(database, who, SECOND, 9) == 5
    _do(database, lambda session: windows.give_back(session, who))
    assert _takes(database, who, SECOND, 9) == 1
    _do(database, lambda session: windows.note_message(session, who, NOW + DAY))
    for _ in range(3):
        _do(database, lambda session: windows.give_back(session, who))
    assert _takes(database, who, DAY, 9) == 5


def test_the_platforms_no_holds_until_the_user_does_something(database: Database, who: int) -> None:
    _do(database, lambda session: windows.note_message(session, who, NOW))
    _do(database, lambda session: windows.exhaust(session, who))
    assert _takes(database, who, SECOND, 1) == 0
    _do(database, lambda session: windows.note_message(session, who, NOW + SECOND))
    assert _takes(database, who, 2 * SECOND, 1) == 1


def _spends(database: Database, who: int, template: str = "t") -> bool:
    return bool(_do(database, lambda session: windows.spend(session, who, template)))


def test_each_leave_is_used_once_and_for_its_own_notice(database: Database, who: int) -> None:
    assert not _spends(database, who)
    for _ in range(2):
        _do(database, lambda session: windows.consent(session, who, "t", NOW, standing=False))
    assert not _spends(database, who, "other")
    assert [_spends(database, who) for _ in range(3)] == [True, True, False]


def test_a_standing_leave_lasts_until_it_is_withdrawn(database: Database, who: int) -> None:
    _do(database, lambda session: windows.consent(session, who, "t", NOW, standing=True))
    _do(database, lambda session: windows.consent(session, who, "t", NOW, standing=False))
    assert all(_spends(database, who) for _ in range(5))
    _do(database, lambda session: windows.withdraw(session, who, "t", NOW))
    assert not _spends(database, who)
