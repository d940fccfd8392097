from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.turns import turns_for
from storage import platform
from storage.database import Database
from storage.platform import Parked
from tests.support import NOW

SECOND = timedelta(seconds=1)
HALF = timedelta(seconds=30)


def test_one_replica_in_a_while_fetches_a_new_token(database: Database) -> None:
    def asks(at: datetime) -> bool:
        with database.unit() as session:
            return platform.ask_for_token(session, "wechat", at, HALF)

    assert [asks(NOW), asks(NOW + HALF - SECOND), asks(NOW + HALF), asks(NOW + HALF)] == [True, False, True, False]


def test_replicas_side_by_side_agree_on_who_fetches(database: Database) -> None:
    replicas = [turns_for(database, 1) for _ in range(1 if database.is_sqlite else 4)]
    with ThreadPoolExecutor(8) as pool:
        asked = list(
            pool.map(
                lambda n: (
                    replicas[n % len(replicas)]
                    .submit(lambda session: platform.ask_for_token(session, "wechat", NOW, HALF))
                    .result()
                ),
                range(16),
            )
        )
    for replica in replicas:
        replica.close()
    assert sum(asked) == 1


def test_a_token_is_there_for_all(database: Database) -> None:
    with database.unit() as session:
        assert platform.token(session, "wechat") is None
        platform.ask_for_token(session, "wechat", NOW, HALF)
        platform.keep_token(session, "wechat", "s" * 700, NOW + HALF)
    with database.reading() as session:
        found = platform.token(session, "wechat")
        assert found is not None
        assert (found.sealed, found.expires_at) == ("s" * 700, NOW + HALF)


def test_a_lease_has_one_holder(database: Database) -> None:
    def holds(who: str, at: datetime) -> bool:
        with database.unit() as session:
            return platform.hold(session, "poll", who, at, HALF)

    assert holds("a", NOW)
    assert not holds("b", NOW + SECOND)
    assert holds("a", NOW + 20 * SECOND)
    assert not holds("b", NOW + 49 * SECOND)
    assert holds("b", NOW + 50 * SECOND)
    assert not holds("a", NOW + 51 * SECOND)
    with database.unit() as session:
        platform.let_go(session, "poll", "a")
    assert not holds("a", NOW + 51 * SECOND)
    with database.unit() as session:
        platform.let_go(session, "poll", "b")
    assert holds("a", NOW + 51 * SECOND)


def test_a_message_is_parked_once_and_within_limits(database: Database) -> None:
    with database.unit() as session:
        assert platform.park(session, "wechat", "k" * 500, "r" * 500, "b" * 100_000, NOW)
        assert not platform.park(session, "wechat", "k" * 500, "again", "", NOW)
        assert platform.park(session, "telegram", "k" * 500, "", "", NOW)
    with database.reading() as session:
        assert platform.parked_count(session) == 2
        row = session.scalars(select(Parked).where(Parked.channel == "wechat")).one()
        assert (len(row.key), len(row.reason), len(row.body)) == (128, 200, 65536)
    with database.unit() as session:
        platform.forget_parked(session, NOW)
        assert platform.parked_count(session) == 2
        platform.forget_parked(session, NOW + SECOND)
        assert platform.parked_count(session) == 0


def test_an_album_is_taken_whole_in_order_and_once(database: Database) -> None:
    with database.unit() as session:
        for n in range(3):
            assert platform.add_part(session, "telegram", "one", f"k{n}", {"n": n}, NOW + n * SECOND)
        assert not platform.add_part(session, "telegram", "one", "k1", {"n": 9}, NOW)
        assert platform.add_part(session, "telegram", "two", "k9", {"n": 5}, NOW)
    with database.unit() as session:
        assert platform.complete_albums(session, "telegram", NOW + SECOND) == ["two"]
        assert sorted(platform.complete_albums(session, "telegram", NOW + 2 * SECOND)) == ["one", "two"]
        assert platform.complete_albums(session, "wechat", NOW + 2 * SECOND) == []
        assert [part["n"] for part in platform.take_album(session, "telegram", "one")] == [0, 1, 2]
    with database.unit() as session:
        assert platform.take_album(session, "telegram", "one") == []
        assert platform.complete_albums(session, "telegram", NOW + 2 * SECOND) == ["two"]
