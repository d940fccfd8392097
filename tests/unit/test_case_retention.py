"""What is kept of cases no longer than needed: ties, receipts, identities, secrets shown once, files that never came."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from nacl.public import PrivateKey
from PIL import Image
from sqlalchemy import func, select

from bot.app import Service
from bot.task_kinds import run_due
from handlers import sealing
from handlers.cases import files, steps
from handlers.cases.steps import Desk
from handlers.talk import Bench
from handlers.turn import Reception
from scheduler import retention
from storage import (
    audit,
    case_links,
    case_retention,
    cases,
    contacts,
    erasure,
    evidence,
    identities,
    media,
    outbox,
    staff,
    tasks,
)
from storage.case_links import CaseLink, Receipt
from storage.cases import Case, CaseFile
from storage.contacts import Contact
from storage.database import Database, Session
from storage.identities import IdentityKey, SealedIdentity
from storage.media import MediaFile
from storage.outbox import Envelope, OutboxRow
from storage.tasks import Task
from storage.vault import KEY_BYTES, Vault
from tests.cases import RECEIPT, filed, with_receipt
from tests.support import NOW

DAY = timedelta(days=1)
ENDED = date(2026, 11, 24)
NINETY = 90


class Kept(NamedTuple):
    receipts: int
    ties: int
    identities: int
    keys: int


class Archive:
    """A database with cases that have ended on ``ENDED``."""

    def __init__(self, database: Database, bench: Bench) -> None:
        self.database, self.bench = database, bench

    def case(self, *, ended: bool = True) -> int:
        with self.database.unit() as session:
            if not identities.can_seal(session):
                for name in ("甲", "乙"):
                    identities.appoint(session, name, bytes(PrivateKey.generate().public_key), NOW)
            case = filed(self.bench, session, NOW, who="wang", identified=True)
            digits = f"{case.id:016d}"
            with_receipt(self.bench, session, case, digits)
            identities.seal(session, case.id, {"name": "王芳"}, NOW)
            if ended:
                steps.accept(self.desk(session, NOW), case)
                outcome = self.bench.casebook.outcome("report", 3)
                steps.close(self.desk(session, NOW), case, outcome, "现场核查两次，均未发现短秤。")
            return case.id

    def desk(self, session: Session, now: datetime) -> Desk:
        return Desk(self.bench, session, "staff:1", now)

    def sweep(self, days: int) -> Kept:
        """What is left so many days after the end."""
        retention.sweep(self.database, NOW + days * DAY)
        with self.database.reading() as session:
            counted = (session.scalar(select(func.count()).select_from(t)) or 0 for t in _TABLES)
            return Kept(*counted)

    def look(self, case_id: int, days: int) -> bool:
        """Whether the receipt opens the case so many days after the end."""
        digest = case_links.digest_of(self.bench.vault, f"{case_id:016d}")
        with self.database.unit() as session:
            return case_links.by_receipt(session, digest, ENDED + days * DAY) is not None


_TABLES = (Receipt, CaseLink, SealedIdentity, IdentityKey)
ALL = Kept(receipts=1, ties=1, identities=1, keys=2)


@pytest.fixture
def archive(database: Database, reception: Reception) -> Iterator[Archive]:
    return Archive(database, reception.bench)


# -- ties, receipts, identities -----------------------------------------------------------------------------------


def test_ninety_days_after_the_end_receipt_tie_and_identity_are_gone(archive: Archive) -> None:
    case_id = archive.case()
    assert archive.sweep(NINETY) == ALL
    assert archive.sweep(NINETY + 1) == Kept(0, 0, 0, 0)
    assert not archive.look(case_id, NINETY + 1)
    with archive.database.reading() as session:
        case = session.get_one(Case, case_id)
        assert (case.identified, case.told) == (False, "少称2两")  # the case itself stays, with nobody in it
        shredded = [r for r in audit.of_object(session, f"case:{case_id}") if r["action"] == "identity.shredded"]
    assert [(r["actor"], r["detail"]) for r in shredded] == [("system", {})]


def test_an_open_case_keeps_everything_however_long_it_takes(archive: Archive) -> None:
    archive.case(ended=False)
    assert archive.sweep(5 * 365) == ALL


def test_each_look_renews_the_receipt_and_the_tie_but_not_the_identity(archive: Archive) -> None:
    case_id = archive.case()
    assert archive.look(case_id, NINETY)
    assert archive.sweep(NINETY + 1) == ALL._replace(identities=0, keys=0)
    assert archive.sweep(2 * NINETY) == ALL._replace(identities=0, keys=0)
    assert archive.sweep(2 * NINETY + 1) == Kept(0, 0, 0, 0)


def test_what_is_taken_up_again_is_kept_until_it_ends_anew(archive: Archive) -> None:
    case_id = archive.case()
    with archive.database.unit() as session:
        steps.reopen(archive.desk(session, NOW + 15 * DAY), session.get_one(Case, case_id), "查的不是那个摊位")
    assert archive.sweep(NINETY + 1) == ALL
    with archive.database.unit() as session:
        outcome = archive.bench.casebook.outcome("report", 3)
        desk = archive.desk(session, NOW + 100 * DAY)
        steps.close(desk, session.get_one(Case, case_id), outcome, "再次核查，未发现短秤。")
    assert archive.sweep(100 + NINETY) == ALL
    assert archive.sweep(100 + NINETY + 1) == Kept(0, 0, 0, 0)


def test_many_identities_are_destroyed_in_small_transactions(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        archive.case()
    assert archive.sweep(NINETY + 1) == Kept(0, 0, 0, 0)
    with archive.database.reading() as session:
        rows = [r for n in range(1, 6) for r in audit.of_object(session, f"case:{n}")]
    assert sum(r["action"] == "identity.shredded" for r in rows) == 5


def test_nothing_of_a_shredded_identity_is_left_in_the_file(
    tmp_path: Path, empty_file: Path, reception: Reception
) -> None:
    path = tmp_path / "shred.db"
    path.write_bytes(empty_file.read_bytes())
    archive = Archive(Database(f"sqlite:///{path}"), reception.bench)
    archive.case()
    with archive.database.reading() as session:
        sealed = session.scalars(select(SealedIdentity.sealed)).one()
        boxes = session.scalars(select(IdentityKey.box)).all()
    archive.sweep(NINETY + 1)
    with archive.database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    archive.database.close()
    data = b"".join(p.read_bytes() for p in tmp_path.glob("shred.db*"))
    assert not any(part in data for part in (sealed, *boxes))


# -- secrets that were shown once ---------------------------------------------------------------------------------


def test_a_secret_is_taken_out_a_day_after_it_was_shown_and_after_two_when_nobody_fetched_it(
    database: Database,
) -> None:
    with database.unit() as session:
        who = contacts.get_or_create(session, "web", "a", NOW)
        outbox.new(session, who, {"text": "4839"}, NOW, Envelope(outbox.ONCE, seen=True))
        outbox.new(session, who, {"text": "2011"}, NOW, Envelope(outbox.ONCE))  # never fetched
        outbox.new(session, who, {"text": "您好"}, NOW, Envelope(seen=True))

    def left(age: timedelta) -> list[str]:
        retention.sweep(database, NOW + age)
        with database.reading() as session:
            texts = [row.payload["text"] for row in session.scalars(select(OutboxRow))]
        return sorted(text for text in texts if text != sealing.ONCE)

    assert left(DAY) == ["2011", "4839", "您好"]
    assert left(DAY + timedelta(seconds=1)) == ["2011", "您好"]
    assert left(2 * DAY + timedelta(seconds=1)) == ["您好"]


# -- files --------------------------------------------------------------------------------------------------------


def _noted(archive: Archive, *, fetched: bool) -> CaseFile:
    """A file on a platform's server, in a case."""
    with archive.database.unit() as session:
        case = filed(archive.bench, session, NOW)
        who = contacts.get_or_create(session, "wechat", "oCanary", NOW)
        name = media.want(session, who, "MEDIA", "image", "", NOW)
        if fetched:
            (wanted,) = media.claim(session, "wechat", NOW, 1)
            media.kept(session, wanted, "f" * 64, "image/png")
        (row,) = files.keep(session, case, who.id, [(name, "image")], NOW)
        return row


def _file(archive: Archive, row: CaseFile) -> tuple[str, str]:
    with archive.database.reading() as session:
        found = session.get_one(CaseFile, row.id)
        return found.state, found.reason


def test_a_file_that_never_came_is_refused_after_four_days_and_names_nobody(archive: Archive) -> None:
    row = _noted(archive, fetched=False)
    retention.sweep(archive.database, NOW + 4 * DAY)
    assert _file(archive, row) == ("waiting", "")
    retention.sweep(archive.database, NOW + 4 * DAY + timedelta(seconds=1))
    assert _file(archive, row) == ("refused", case_retention.NEVER_CAME)
    with archive.database.reading() as session:
        assert session.scalars(select(MediaFile)).all() == []
        assert session.get_one(CaseFile, row.id).source == f"refused:{row.id}"


def test_a_file_that_is_here_waits_for_the_worker(archive: Archive) -> None:
    row = _noted(archive, fetched=True)
    retention.sweep(archive.database, NOW + 5 * DAY)
    assert _file(archive, row) == ("waiting", "")


def picture() -> bytes:
    """With so much in it that it does not look the same made anew."""
    out = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(out, "PNG")
    return out.getvalue()


class Store:
    """A service with one case that has one sealed picture, and the open original that a crash left behind."""

    def __init__(self, service: Service) -> None:
        self.service, self.root = service, service.settings.evidence_dir
        self.picture = picture()
        with service.database.unit() as session:
            self.case_id = filed(service.reception.bench, session, NOW).id
        self.digest = self.seal(self.picture)
        evidence.keep(self.root, self.picture)

    def seal(self, data: bytes) -> str:
        kept = self.service.keep_file(data, "秤.png")
        with self.service.database.unit() as session:
            case, who = session.get_one(Case, self.case_id), contacts.get_or_create(session, "terminal", "wang", NOW)
            files.keep(session, case, who.id, [(kept.name, "image")], NOW)
        assert run_due(self.service, lambda: NOW) == 1
        return kept.name

    def sweep(self, days: float = 0.1) -> int:
        return retention.sweep_open(self.service.database, NOW + days * DAY, self.root)

    def is_open(self, digest: str) -> bool:
        return evidence.path_of(self.root, digest).exists()


@pytest.fixture
def store(service: Service) -> Store:
    return Store(service)


def test_an_open_original_that_a_crash_left_behind_is_swept(store: Store) -> None:
    assert store.is_open(store.digest)
    assert store.sweep() == 1
    assert not store.is_open(store.digest)
    assert store.sweep() == 0
    vault = store.service.vault
    assert evidence.unseal_in_case(store.root, store.case_id, store.digest, vault) == store.picture


def test_the_sweep_looks_only_a_few_days_back(store: Store) -> None:
    assert store.sweep(3.1) == 0
    assert store.is_open(store.digest)


def test_an_original_that_another_task_or_another_sender_needs_stays(store: Store) -> None:
    with store.service.database.unit() as session:
        who = contacts.get_or_create(session, "terminal", "li", NOW)
        task = tasks.ask(session, files.SEAL, who.id, {"file": store.digest, "case_file": 9, "case": 9}, NOW)
    assert store.sweep() == 0
    with store.service.database.unit() as session:
        tasks.forget_one(session, task)
        name = media.want(session, who, "M", "image", "", NOW)
        (wanted,) = media.claim(session, "terminal", NOW, 1)
        media.kept(session, wanted, store.digest, "image/png")
    assert store.sweep() == 0
    with store.service.database.unit() as session:
        media.forget_one(session, name)
    assert store.sweep() == 1


def test_a_working_copy_that_was_sent_as_evidence_stays_a_working_copy(store: Store) -> None:
    """An officer may send the copy of one case as proof in another."""
    with store.service.database.reading() as session:
        (row,) = cases.files(session, store.case_id)
    copied = evidence.path_of(store.root, row.copy_sha256).read_bytes()
    with store.service.database.unit() as session:
        store.case_id = filed(store.service.reception.bench, session, NOW).id
    assert store.seal(copied) == row.copy_sha256
    with store.service.database.reading() as session:
        (again,) = cases.files(session, store.case_id)
    assert again.copy_sha256 != again.sha256
    assert store.sweep() == 1  # the first case's open original
    assert store.is_open(row.copy_sha256)


def test_sealed_evidence_of_cases_is_no_certificate_without_a_ledger(store: Store) -> None:
    for path in (store.root / "cases").rglob("*"):
        os.utime(path, (0, 0))
    assert retention.sweep_sealed(store.service.database, NOW, store.root) == 0
    assert evidence.unseal_in_case(store.root, store.case_id, store.digest, store.service.vault) == store.picture


def test_where_no_files_are_kept_nothing_is_swept(store: Store) -> None:
    assert retention.sweep_open(store.service.database, NOW, None) == 0


def test_once_a_file_is_sealed_no_row_says_who_sent_it(store: Store) -> None:
    with store.service.database.reading() as session:
        assert session.scalars(select(Task)).all() == []
        assert session.scalars(select(MediaFile)).all() == []
        (row,) = cases.files(session, store.case_id)
    assert (row.source, row.state) == (f"sealed:{row.id}", "kept")


# -- an account that goes -----------------------------------------------------------------------------------------


def test_the_tie_of_an_account_names_it_to_nobody_without_the_key(archive: Archive) -> None:
    case_id = archive.case(ended=False)
    with archive.database.reading() as session:
        (link,) = session.scalars(select(CaseLink)).all()
        wang = contacts.find(session, "terminal", "wang")
        assert wang is not None
        assert case_links.addresses(session, case_id, archive.bench.vault) == [wang.id]
        assert case_links.addresses(session, case_id, Vault(bytes(KEY_BYTES))) == []
        row = json.dumps([link.tag, link.address.hex(), str(link.linked_on)])
    assert RECEIPT not in row
    assert "wang" not in row
    assert link.tag != case_links.tag_of(Vault(bytes(KEY_BYTES)), Contact(channel="terminal", external_id="wang"))


def test_an_officer_whose_account_goes_is_staff_without_an_account(database: Database) -> None:
    with database.unit() as session:
        member = staff.add(session, "张三", "城西所", staff.StaffRole.OFFICER, NOW)
        member.contact_id = contacts.get_or_create(session, "wechat", "oZhang", NOW).id
        erasure.erase(session, member.contact_id, NOW)
        assert contacts.find(session, "wechat", "oZhang") is None
        session.refresh(member)
        assert (member.active, member.contact_id) == (True, None)
