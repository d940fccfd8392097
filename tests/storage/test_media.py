from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from storage import contacts, media
from storage.contacts import Contact
from storage.database import Database
from storage.media import LEASE, LIFE, MediaFile, MediaState, Wanted
from tests.support import NOW

DIGEST = "ab" * 32
LATER = NOW + LEASE + timedelta(seconds=1)


@pytest.fixture
def who(database: Database) -> Contact:
    with database.unit() as session:
        return contacts.get_or_create(session, "wechat", "a", NOW)


def _want(database: Database, who: Contact, ref: str = "r1", at: datetime = NOW) -> str:
    with database.unit() as session:
        return media.want(session, who, ref, "image", "秤.jpg", at)


def _claim(database: Database, at: datetime = NOW, channel: str = "wechat") -> list[Wanted]:
    with database.unit() as session:
        return media.claim(session, channel, at, 10)


def _row(database: Database) -> MediaFile:
    with database.reading() as session:
        return session.get_one(MediaFile, 1)


def test_a_file_is_known_by_its_name_until_its_content_is_there(database: Database, who: Contact) -> None:
    name = _want(database, who)
    assert name == "media:1"
    (wanted,) = _claim(database)
    assert (wanted.ref, wanted.kind, wanted.label, wanted.tries) == ("r1", "image", "秤.jpg", 1)
    assert wanted.expires_at == NOW + LIFE
    names = [name, "cd" * 32, "media:7"]
    with database.unit() as session:
        assert media.resolve(session, names) == names
        assert media.kept(session, wanted, DIGEST, "image/jpeg")
        assert media.resolve(session, names) == [DIGEST, *names[1:]]
    assert _claim(database, LATER) == []


def test_a_file_is_claimed_by_one_and_for_its_own_channel(database: Database, who: Contact) -> None:
    _want(database, who)
    assert _claim(database, channel="telegram") == []
    assert len(_claim(database)) == 1
    assert _claim(database, NOW + LEASE) == []
    (again,) = _claim(database, LATER)
    assert again.tries == 2


def test_who_lost_the_lease_records_nothing(database: Database, who: Contact) -> None:
    _want(database, who)
    (slow,) = _claim(database)
    (quick,) = _claim(database, LATER)
    with database.unit() as session:
        assert not media.kept(session, slow, "ff" * 32, "image/png")
        assert not media.give_up(session, slow, "gone")
        media.put_off(session, slow, NOW + timedelta(days=1), "slow")
        assert media.kept(session, quick, DIGEST, "image/jpeg")
    row = _row(database)
    assert (row.state, row.sha256, row.media_type, row.reason) == (MediaState.KEPT, DIGEST, "image/jpeg", "")


def test_what_is_put_off_comes_back_when_it_is_due(database: Database, who: Contact) -> None:
    _want(database, who)
    with database.unit() as session:
        (wanted,) = media.claim(session, "wechat", NOW, 10)
        media.put_off(session, wanted, NOW + timedelta(seconds=9), "busy" * 100)
    assert len(_row(database).reason) == 200
    assert _claim(database, NOW + timedelta(seconds=8)) == []
    assert len(_claim(database, NOW + timedelta(seconds=9))) == 1


def test_a_file_is_given_up_once(database: Database, who: Contact) -> None:
    _want(database, who)
    (wanted,) = _claim(database)
    with database.unit() as session:
        assert media.give_up(session, wanted, "gone")
        assert not media.give_up(session, wanted, "gone")
        assert media.resolve(session, ["media:1"]) == ["media:1"]
    assert _claim(database, LATER) == []


def test_only_what_failed_is_forgotten(database: Database, who: Contact) -> None:
    for ref in ("kept", "failed", "todo"):
        _want(database, who, ref)
    with database.unit() as session:
        kept, failed = media.claim(session, "wechat", NOW, 2)
        media.kept(session, kept, DIGEST, "image/png")
        media.give_up(session, failed, "gone")
    with database.unit() as session:
        assert media.forget_failed(session, NOW, 10) == 0
        assert media.forget_failed(session, LATER, 10) == 1
        assert [session.get(MediaFile, n) is None for n in (1, 2, 3)] == [False, True, False]
