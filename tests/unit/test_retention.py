from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scheduler import retention
from storage import contacts, dialogues, evidence, ledger, media, outbox, platform, slots
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.ledger import Certificate, LedgerItem
from storage.media import MediaFile
from storage.outbox import Envelope, OutboxRow, SendState
from storage.platform import AlbumPart, Lease, Parked, PlatformToken
from storage.slots import JobSlot
from storage.vault import KEY_BYTES, Vault
from tests.shops import shop
from tests.support import NOW


def _kept(database: Database) -> tuple[int, int, list[str]]:
    with database.reading() as session:
        messages = session.scalar(select(func.count(InboxMessage.id)))
        replies = session.scalar(select(func.count(OutboxRow.id)))
        return messages or 0, replies or 0, list(session.scalars(select(JobSlot.slot)))


def _fill(database: Database, count: int = 1) -> int:
    with database.unit() as session:
        who = contacts.get_or_create(session, "web", "a", NOW)
        row = dialogues.lock(session, who.person_id, NOW)
        row.state, row.turns = {"query": "秤"}, count
        for n in range(count):
            dialogues.record_message(session, who.id, f"k{n}", {}, NOW)
            outbox.new(session, who, {}, NOW)
        session.flush()
        outbox.mark_sent(session, list(session.scalars(select(OutboxRow.id))), NOW)
        outbox.new(session, who, {}, NOW)
        slots.claim(session, "retention", "old", NOW)
    return who.person_id


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (timedelta(hours=25), (1, 2, ["old"])),
        (timedelta(hours=25, seconds=1), (0, 2, ["old"])),
        (timedelta(days=7), (0, 2, ["old"])),
        (timedelta(days=7, seconds=1), (0, 0, ["old"])),
        (timedelta(days=60, seconds=1), (0, 0, [])),
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
    assert _kept(database) == (0, 0, ["old"])


def test_what_nobody_fetched_expires_and_what_is_worth_longer_waits(database: Database) -> None:
    with database.unit() as session:
        who = contacts.get_or_create(session, "web", "a", NOW)
        outbox.new(session, who, {}, NOW)
        outbox.new(session, who, {}, NOW, Envelope("consult-answer"))
    retention.sweep(database, NOW + timedelta(days=3))
    with database.reading() as session:
        found = dict(session.execute(select(OutboxRow.kind, OutboxRow.state)).all())
    assert found == {"reply": SendState.EXPIRED, "consult-answer": SendState.TODO}


def test_a_message_of_unknown_outcome_waits_for_a_person(database: Database) -> None:
    with database.unit() as session:
        row = outbox.new(session, contacts.get_or_create(session, "web", "a", NOW), {}, NOW)
        row.state = SendState.UNKNOWN
    retention.sweep(database, NOW + timedelta(days=100))
    assert _kept(database)[1] == 1


@pytest.mark.parametrize(
    ("table", "life"),
    [
        (Parked, timedelta(days=7)),
        (AlbumPart, timedelta(days=1)),
        (Lease, timedelta(days=7)),
        (PlatformToken, timedelta(days=7)),
        (MediaFile, timedelta(days=90)),
    ],
)
def test_what_the_platforms_left_goes_too(database: Database, table: type[Parked], life: timedelta) -> None:
    with database.unit() as session:
        who = contacts.get_or_create(session, "wechat", "a", NOW)
        platform.park(session, "wechat", "k", "unreadable", "<xml/>", NOW)
        platform.add_part(session, "telegram", "album", "k", {}, NOW)
        platform.hold(session, "poll", "me", NOW, timedelta(0))
        platform.ask_for_token(session, "wechat", NOW, timedelta(0))
        platform.keep_token(session, "wechat", "sealed", NOW)
        for ref in ("lost", "kept"):
            media.want(session, who, ref, "image", "", NOW)
        lost, kept = media.claim(session, "wechat", NOW, 2)
        media.give_up(session, lost, "gone")
        media.kept(session, kept, "f" * 64, "image/png")

    def count() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    before = count()
    retention.sweep(database, NOW + life)
    assert count() == before
    retention.sweep(database, NOW + life + timedelta(seconds=1))
    assert count() == before - 1


def test_sealed_originals_go_with_the_last_certificate(database: Database, tmp_path: Path) -> None:
    vault = Vault(bytes(KEY_BYTES))
    kept, orphan, young = (evidence.seal(tmp_path, data, vault) for data in (b"a", b"b", b"c"))
    for digest in (kept, orphan):
        os.utime(evidence.sealed_path_of(tmp_path, digest), (0, 0))
    with database.unit() as session:
        item = LedgerItem(shop_id=shop(session, NOW).id, kind="k", name="n")
        ledger.add(session, item, None, NOW)
        session.add(Certificate(item_id=item.id, sha256=kept, media_type="", fields={}, confirmed_at=NOW))
    assert retention.sweep_sealed(database, datetime.now(UTC), tmp_path) == 1
    assert sorted(digest for digest, _ in evidence.sealed(tmp_path)) == sorted((kept, young))
    assert retention.sweep_sealed(database, datetime.now(UTC), None) == 0
