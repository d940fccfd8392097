"""R3: killed at every step of filing, a tip is one case, whole, with its evidence sealed once and its receipt good."""

from __future__ import annotations

import io
import itertools
import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from bot.app import Knowledge, Service
from bot.backoffice import auditing
from bot.settings import Settings
from handlers.sealing import reply_of
from knowledge import receipt_code
from scheduler import retention
from storage import case_clocks, case_links, cases, contacts, evidence, staff
from storage.case_links import CaseLink, Receipt
from storage.cases import Case
from storage.contacts import Contact
from storage.database import Session
from storage.dialogues import InboxMessage
from storage.media import MediaFile
from storage.outbox import OutboxRow
from storage.staff import StaffRole
from storage.tasks import Task
from tests import filing_child
from tests.forked import ENDED, KILLED, Forks
from tests.support import NOW

POINTS = (
    *("turn.begun:1", "turn.routed:1", "turn.written:1", "turn.committed:1"),  # the story
    *("turn.begun:1", "turn.committed:2"),  # the evidence
    *("turn.written:1", "turn.committed:3"),  # no more of it
    *("turn.begun:1", "case.recorded:1", "turn.routed:1", "turn.written:1", "turn.committed:4"),  # without a name
    *("turn.written:1", "turn.committed:5"),  # news are wanted
    *("turn.committed:6", "task.claimed:1", "task.worked:1", "case.sealed:1", "task.stepped:1"),  # the first file
    *("task.worked:1", "case.sealed:1", "task.finished:1"),  # the second
)
"""Where one person's processes die, one after the other; what was committed is only gone over by the next one."""
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
LEADER = "leader"


def _evidence(service: Service, person: int) -> list[list[str]]:
    """A photo and a document of this person's own, as the channel has kept them."""
    out = io.BytesIO()
    Image.effect_noise((48, 48), 60 + person).convert("RGB").save(out, "PNG")
    kept = (service.keep_file(data, "x") for data in (out.getvalue(), PDF + b"%% %d" % person))
    return [[one.name, str(one.kind), one.media_type] for one in kept]


def _leader(session: Session) -> None:
    member = staff.add(session, "组长", "", StaffRole.LEADER, NOW)
    member.contact_id = contacts.get_or_create(session, "terminal", LEADER, NOW).id


@pytest.mark.parametrize(("kind", "people"), [("sqlite", 5), pytest.param("postgresql", 1, marks=pytest.mark.postgres)])
def test_R3_a_tip_killed_at_every_step_of_filing_is_one_whole_case(
    kind: str,
    people: int,
    tmp_path: Path,
    empty_file: Path,
    knowledge: Knowledge,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("_OPS", 1), ("_MEMORY", 1024 * 1024)):  # as the child hashes
        monkeypatch.setattr(case_links, name, value)
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(empty_file, folder / "honestscale.db")
    url = "" if kind == "sqlite" else request.getfixturevalue("new_postgres")()
    service = Service(Settings(data_dir=folder, database_url=url, _env_file=None), knowledge)
    with service.database.unit() as session:
        _leader(session)
    sent = [_evidence(service, person) for person in range(people)]
    rounds = itertools.count()
    with Forks("tests.filing_child") as forks:

        def run(person: int, point: str) -> str:
            order = {"folder": str(folder), "database": url, "person": person, "files": sent[person]}
            return forks.run(point, round=next(rounds), **order)

        for person in range(people):
            assert [(point, run(person, point)) for point in POINTS] == [(point, KILLED) for point in POINTS]
            assert run(person, "") == ENDED
    retention.sweep_open(service.database, NOW + next(rounds) * filing_child.STEP, service.settings.evidence_dir)
    _demand_whole(service, sent)
    _demand_receipts(service, sent)
    service.close()


def _demand_whole(service: Service, sent: list[list[list[str]]]) -> None:
    people, root = len(sent), service.settings.evidence_dir
    with service.database.reading() as session:
        found = session.scalars(select(Case).order_by(Case.id)).all()
        assert len({case.number for case in found}) == len(found) == people
        for case, files in zip(found, sent, strict=True):
            assert [clock.state for clock in case_clocks.live(session, case.id)] == ["running"]
            kept = cases.files(session, case.id)
            assert [(f.state, f.sha256) for f in kept] == [("kept", name) for name, _, _ in files]
            assert [f.action for f in cases.events(session, case.id)] == ["case.filed", *["evidence.sealed"] * 2]
        assert Counter(session.scalars(select(CaseLink.case_id))) == Counter(case.id for case in found)
        assert Counter(session.scalars(select(Receipt.case_id))) == Counter(case.id for case in found)
        assert all(case_links.addresses(session, case.id, service.vault) for case in found)
        told = select(func.count(OutboxRow.id)).join(Contact).where(Contact.external_id == LEADER)
        assert session.scalar(told) == people
        assert session.scalar(select(func.count(InboxMessage.id))) == people * len(filing_child.SAID)
        assert [session.scalars(select(table)).all() for table in (Task, MediaFile)] == [[], []]
        copies = {f.copy_sha256 for case in found for f in cases.files(session, case.id) if f.copy_sha256}
    left = {path.name for path in (root / "sha256").glob("*/*/*") if not path.name.startswith(evidence.UNFINISHED)}
    assert left == copies, "an open original was left behind, or a working copy is gone"
    with service.database.reading() as session:
        report = auditing.verify(session, root, service.settings.anchors_dir, service.vault)
    assert report.sound, report.lines


def _demand_receipts(service: Service, sent: list[list[list[str]]]) -> None:
    """The message that filed the tip, said once more, is answered as it was; the receipt in it opens the case."""
    for person, files in enumerate(sent):
        filing = list(filing_child.messages(person, files, NOW))[3]
        card, receipt, _ = (line.reply.text for line in service.talk(filing))
        read = receipt_code.read(receipt.partition("，")[0])
        assert read is not None
        digest = case_links.digest_of(service.vault, read.digits)
        with service.database.unit() as session:
            opened = case_links.by_receipt(session, digest, NOW.date())
            assert opened is not None
            assert opened.number in card


def test_what_is_said_again_after_all_of_it_changes_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_OPS", 1), ("_MEMORY", 1024 * 1024)):
        monkeypatch.setattr(case_links, name, value)
    said = list(filing_child.messages(0, _evidence(service, 0), NOW))
    first = [[line.id for line in service.talk(one)] for one in said]
    assert [[line.id for line in service.talk(one)] for one in said] == first
    with service.database.reading() as session:
        assert session.scalar(select(func.count(Case.id))) == 1
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id)).all()
        assert "已收到 ✔" in "".join(reply_of(service.vault, row).text for row in rows)
