"""``audit verify`` and ``audit anchor`` over a log, its anchors and a store of evidence, sound and tampered with."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from bot.__main__ import main
from bot.backoffice import anchors, auditing, stamping
from bot.backoffice.anchors import AnchorError
from bot.backoffice.auditing import KeptFile, Report, file_faults, row_faults
from bot.settings import Settings
from handlers.cases import files as case_files
from handlers.cases.files import Sealed
from storage import audit, cases, chain, evidence, vault
from storage.audit import AuditEntry, AuditHead, Entry
from storage.cases import Case, CaseFile, CaseKind, Deed
from storage.database import Database, Session
from storage.tasks import Claimed
from storage.vault import Vault
from tests.storage.test_audit import unguarded
from tests.support import NOW
from tests.unit.test_stamping import Authority, found_authority

DAY = date(2026, 11, 24)
DAYS = 3


@dataclass
class Place:
    """A bureau's data folder with its database."""

    database: Database
    settings: Settings

    @property
    def anchors(self) -> Path:
        return self.settings.anchors_dir

    @property
    def evidence(self) -> Path:
        return self.settings.evidence_dir

    @property
    def sealed(self) -> Vault:
        return Vault(vault.key_in(self.settings.keys_dir))

    def verify(self, certificates: bytes = b"", now: datetime | None = None) -> Report:
        with self.database.reading() as session:
            return self.verify_in(session, certificates, now)

    def verify_in(self, session: Session, certificates: bytes = b"", now: datetime | None = None) -> Report:
        return auditing.verify(session, self.evidence, self.anchors, self.sealed, certificates, now)

    def anchor(self, day: date, now: datetime) -> list[str]:
        return auditing.anchor(self.database, self.settings, day, now)


def file_case(place: Place, session: Session, number: int, now: datetime) -> None:
    """A case with a photo and a recording, moved a few times."""
    case = cases.open_case(session, Case(number="", kind=CaseKind.REPORT, filing_hash="0" * 64), now.date(), now)
    for row in cases.add_files(session, case, [(f"media:{number}1", "image"), (f"media:{number}2", "voice")], now):
        data, copy = f"{row.source} as it came".encode() * 30, f"{row.source} without its metadata".encode()
        kept = evidence.seal_in_case(place.evidence, data, case.id, place.sealed)
        copied = evidence.keep(place.evidence, copy) if row.kind == "image" else ""
        claimed = Claimed(0, case_files.SEAL, "", 0, {"case_file": row.id}, last=False)
        made = Sealed(kept.sha256, kept.sm3, kept.size, "image/jpeg", copied)
        case_files.sealed(session, None, claimed, made, now)
    cases.happen(session, case, Deed("staff:1", "case.noted", "看过现场", public=False, role="officer"), now)


def place_of(database: Database, folder: Path) -> Place:
    return Place(database, Settings(data_dir=folder, database_url=database.url, _env_file=None))


def lived_in(place: Place) -> Place:
    """Three days with two cases each, anchored every evening, and one case since."""
    for number in range(DAYS * 2 + 1):
        now = NOW + timedelta(days=number // 2)
        with place.database.unit() as session:
            file_case(place, session, number, now)
        if number % 2:
            place.anchor(DAY + timedelta(days=number // 2), now + timedelta(hours=9))
    return place


@pytest.fixture
def bare(tmp_path: Path, empty_file: Path) -> Iterator[Place]:
    shutil.copy(empty_file, tmp_path / "test.db")
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    yield place_of(database, tmp_path / "data")
    database.close()


@pytest.fixture
def place(bare: Place) -> Place:
    return lived_in(bare)


def count(place: Place) -> int:
    with place.database.reading() as session:
        return audit.head(session).seq


def bad(report: Report) -> str:
    assert not report.sound
    return "\n".join(report.lines)


# -- sound --------------------------------------------------------------------------------------------------------


def test_what_is_as_it_was_written_is_said_to_be(place: Place) -> None:
    report = place.verify()
    assert report.sound
    with place.database.reading() as session:
        head = audit.head(session)
    assert report.lines == (
        f"审计日志 {head.seq} 条，没有被动过。末条摘要 {head.hash}",
        "锚点 3 个，时间戳 0 个，证据 14 件，都看过了。",
    )


def test_an_empty_log_is_sound(bare: Place) -> None:
    report = bare.verify()
    assert report.sound
    assert "还没有锚点" in report.lines[-1]


def test_a_database_without_a_log_is_said(tmp_path: Path, bare_url: str) -> None:
    database = Database(bare_url)
    assert "migrate" in bad(place_of(database, tmp_path / "data").verify())
    with pytest.raises(AnchorError, match="migrate"):
        place_of(database, tmp_path / "data").anchor(DAY, NOW)
    database.close()


def test_it_is_the_same_on_both_databases(database: Database, tmp_path: Path) -> None:
    place = lived_in(place_of(database, tmp_path / "data"))
    assert place.verify().sound
    for start in (1, 9, 20):
        said = tampered(place, lambda session, start=start: written_anew(session, start, "改过"))
        assert f"审计日志第 {start} 条不对：和锚点记下的摘要不同" in said
    assert "第 6 条不对：缺了这一条" in tampered(
        place, lambda s: s.execute(text("DELETE FROM audit_entries WHERE seq = 6"))
    )
    assert place.verify().sound


def test_verifying_writes_nothing(place: Place, tmp_path: Path) -> None:
    def everything() -> dict[Path, float]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}

    before = everything()
    assert place.verify().sound
    assert everything() == before


def test_evidence_whose_time_was_over_may_be_gone(place: Place) -> None:
    with place.database.unit() as session:
        row = next(cases.kept_files(session))
        entry = Entry("system", "", auditing.DESTROYED, f"case:{row.case_id}", "保存期满", {"file": row.id})
        audit.append(session, entry, NOW + timedelta(days=4))
        evidence.case_path_of(place.evidence, row.case_id, row.sha256).unlink()
        session.delete(row)
    assert place.verify().sound


def test_an_entry_dated_long_before_its_neighbours_is_shown(place: Place) -> None:
    with place.database.unit() as session:
        audit.append(session, Entry("staff:1", "officer", "case.noted", "case:1"), NOW - timedelta(days=9))
    report = place.verify()
    assert report.sound
    assert any(line.startswith(f"注意：第 {count(place)} 条自记 2026-11-15") for line in report.lines)


# -- the log and its anchors --------------------------------------------------------------------------------------


def test_an_anchor_tells_of_the_entries_since_the_one_before(place: Place) -> None:
    first, second, third = map(anchors.load, anchors.files(place.anchors))
    with place.database.reading() as session:
        rows = list(audit.entries(session))
    assert (first.after, second.after, third.after) == (0, first.seq, second.seq)
    assert second.entries == tuple(row.hash for row in rows[first.seq : second.seq])
    told = json.loads((place.anchors / "2026-11-25.json").read_bytes())
    assert told["root"] == chain.merkle_root(second.entries)
    assert (told["count"], told["head"], told["seq"]) == (len(second.entries), rows[second.seq - 1].hash, second.seq)


def test_an_anchor_is_made_once(place: Place) -> None:
    path = place.anchors / "2026-11-26.json"
    before = path.read_bytes()
    with place.database.unit() as session:
        audit.append(session, Entry("system", "", "case.noted", "case:1"), NOW)
    place.anchor(date(2026, 11, 26), NOW + timedelta(days=5))
    assert path.read_bytes() == before
    assert len(list(place.anchors.iterdir())) == DAYS


def test_a_day_without_entries_has_an_anchor_too(place: Place) -> None:
    for day in (27, 28, 29):
        place.anchor(date(2026, 11, day), NOW + timedelta(days=day - 24))
    assert [len(anchors.load(path).entries) for path in anchors.files(place.anchors)][3:] == [4, 0, 0]
    assert place.verify().sound


def test_no_anchor_is_made_for_a_day_before_the_last_one(place: Place) -> None:
    with pytest.raises(AnchorError, match="时钟"):
        place.anchor(date(2026, 11, 20), NOW)


def tampered(place: Place, work: Callable[[Session], object]) -> str:
    """What the verifier says when this was done to the database; it is undone."""
    with place.database.reading() as session:
        unguarded(session)
        work(session)
        session.flush()
        return bad(place.verify_in(session))


def written_anew(session: Session, start: int, reason: str) -> None:
    """The log from one entry on with right hashes, and its head."""
    rows = session.query(AuditEntry).order_by(AuditEntry.seq).all()
    last = rows[start - 2].hash if start > 1 else chain.START
    for row in rows[start - 1 :]:
        record = json.loads(row.record)
        if row.seq == start:
            record["reason"] = reason
        body = chain.canonical(record)
        last, previous = chain.link(last, body), last
        row.record, row.prev_hash, row.hash = body.decode(), previous, last
    session.execute(update(AuditHead).values(hash=last))


def test_T23_a_log_written_anew_from_any_entry_is_found_through_the_anchors(place: Place) -> None:
    anchored = anchors.load(anchors.files(place.anchors)[-1]).seq
    for start in range(1, anchored + 1):
        said = tampered(place, lambda session, start=start: written_anew(session, start, "改过"))
        assert f"审计日志第 {start} 条不对：和锚点记下的摘要不同" in said


def test_T23_an_end_that_was_cut_off_is_found_through_the_anchors(place: Place) -> None:
    anchored = anchors.load(anchors.files(place.anchors)[-1]).seq

    def cut(session: Session, left: int) -> None:
        session.execute(text(f"DELETE FROM audit_entries WHERE seq > {left}"))  # noqa: S608
        rows = session.query(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1).all()
        session.execute(update(AuditHead).values(seq=left, hash=rows[0].hash if rows else chain.START))

    for left in range(0, anchored, 3):
        said = tampered(place, lambda session, left=left: cut(session, left))
        assert f"审计日志第 {left + 1} 条不对：锚点记下过这一条" in said


def test_T23_no_anchor_is_made_over_a_log_that_was_cut(place: Place) -> None:
    with place.database.unit() as session:
        unguarded(session)
        session.execute(text("DELETE FROM audit_entries WHERE seq > 20"))
    with pytest.raises(AnchorError, match="audit verify"):
        place.anchor(date(2026, 11, 27), NOW + timedelta(days=3))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.replace(b'"count":8', b'"count":9'), "被动过"),
        (lambda data: data.replace(b"2026-11-25", b"2026-11-26"), "被动过"),
        (lambda data: data[:-40], "被动过"),
        (lambda _data: b"[]", "被动过"),
        (lambda _data: b"\xff\xfe", "被动过"),
        (lambda data: data.replace(b"2026-11-25T11", b"2026-11-25T12"), "2026-11-26.json 和前一个接不上"),
        (lambda _data: None, "2026-11-26.json 和前一个接不上"),
    ],
)
def test_T23_an_anchor_that_was_touched_is_found(
    place: Place, change: Callable[[bytes], bytes | None], words: str
) -> None:
    path = place.anchors / "2026-11-25.json"
    before = path.read_bytes()
    path.unlink()
    after = change(before)
    assert after != before
    if after is not None:
        path.write_bytes(after)
    assert words in bad(place.verify())


# -- evidence -----------------------------------------------------------------------------------------------------


def kept(place: Place) -> list[KeptFile]:
    with place.database.reading() as session:
        return [
            KeptFile(row.id, row.case_id, row.sha256, row.sm3, row.size, row.copy_sha256)
            for row in cases.kept_files(session)
        ]


def flip(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= dice.randrange(1, 256)
    path.write_bytes(data)


def cut_short(path: Path, dice: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: dice.randrange(path.stat().st_size)])


def test_T23_evidence_that_was_replaced_swapped_or_altered_is_always_found(place: Place) -> None:
    """Files by hand and with the vault's own key, in 1,500 random trials; each names the file and is undone."""
    dice, files, sealed = random.Random("evidence"), kept(place), place.sealed  # noqa: S311 - chooses what to try
    assert list(file_faults(place.evidence, files, sealed)) == []
    for _ in range(1_500):
        one, other = dice.sample(files, 2)
        layer = dice.choice(("original", "copy")) if one.copy_sha256 else "original"
        path = path_of(place, one, layer)
        before = path.read_bytes()
        dice.choice(
            (
                lambda path=path: flip(path, dice),
                lambda path=path: cut_short(path, dice),
                lambda path=path: path.unlink(),
                lambda path=path, other=other: path.write_bytes(path_of(place, other, "original").read_bytes()),
                lambda path=path, one=one: path.write_bytes(
                    sealed.seal(b"another photo", f"case:{one.case_id}|{one.sha256}|original")
                ),
            )
        )()
        (fault,) = file_faults(place.evidence, (one, other), sealed)
        assert fault.startswith(f"证据 {one.id}（案件 {one.case_id}）：{'工作副本' if layer == 'copy' else '原件'}")
        path.write_bytes(before)
    assert place.verify().sound


def path_of(place: Place, file: KeptFile, layer: str) -> Path:
    if layer == "copy":
        return evidence.path_of(place.evidence, file.copy_sha256)
    return evidence.case_path_of(place.evidence, file.case_id, file.sha256)


def test_T23_evidence_exchanged_together_with_its_row_is_found_through_the_log(place: Place) -> None:
    def exchange(session: Session) -> None:
        row = session.get_one(CaseFile, 3)
        found = evidence.seal_in_case(place.evidence, b"another photo", row.case_id, place.sealed)
        row.sha256, row.sm3, row.size = found.sha256, found.sm3, found.size

    assert "证据 3（案件 2）：登记的摘要和审计日志里的不同。" in tampered(place, exchange)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM case_files WHERE id = 3", "证据 3（案件 2）：审计日志里有，案件里没有了。"),
        ("UPDATE case_files SET state = 'refused' WHERE id = 4", "证据 4（案件 2）：审计日志里有，案件里没有了。"),
        ("UPDATE case_files SET copy_sha256 = '' WHERE id = 3", "证据 3（案件 2）：登记的摘要和审计日志里的不同。"),
        ("UPDATE case_files SET case_id = 1 WHERE id = 3", "证据 3（案件 1）：登记的摘要和审计日志里的不同。"),
    ],
)
def test_T23_rows_of_evidence_are_held_against_the_log(place: Place, statement: str, words: str) -> None:
    assert words in tampered(place, lambda session: session.execute(text(statement)))


def test_a_file_that_the_log_does_not_know_is_found() -> None:
    assert list(row_faults([KeptFile(1, 2, "a", "b", 3, "")], {})) == [
        "证据 1（案件 2）：登记的摘要和审计日志里的不同。"
    ]


def test_without_the_key_originals_are_not_said_to_be_sound(place: Place) -> None:
    (place.settings.keys_dir / "vault.key").unlink()
    with place.database.reading() as session:
        report = auditing.verify(session, place.evidence, place.anchors, None)
    assert "没有密钥文件" in bad(report)


# -- time stamps --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    if shutil.which("openssl") is None:
        pytest.skip("没有 openssl 命令行，造不出本地的时间戳机构")
    authority = Authority(found_authority(tmp_path_factory.mktemp("tsa") / "one"))
    yield authority
    authority.close()


@pytest.fixture
def stamped(bare: Place, authority: Authority) -> Place:
    """Three anchors made and stamped within this minute."""
    certificate = bare.settings.data_dir / "root.pem"
    certificate.parent.mkdir(exist_ok=True)
    certificate.write_bytes(authority.root)
    settings = bare.settings.model_copy(update={"tsa_url": authority.url, "tsa_certificate": certificate})
    place = Place(bare.database, settings)
    for number in range(3):
        with place.database.unit() as session:
            file_case(place, session, number, datetime.now(UTC))
        said = place.anchor(DAY + timedelta(days=number), datetime.now(UTC))
        assert said[-1].startswith("时间戳：")
    return place


def test_T23_stamps_are_verified_against_the_authority(stamped: Place, authority: Authority) -> None:
    assert stamped.verify(authority.root, datetime.now(UTC)).sound
    assert "时间戳没有验" in "\n".join(stamped.verify().lines)
    (stamped.anchors / "2026-11-25.tsr").write_bytes((stamped.anchors / "2026-11-24.tsr").read_bytes())
    assert "时间戳 2026-11-25.tsr 对不上" in bad(stamped.verify(authority.root))


def test_T23_a_clock_that_was_set_back_is_contradicted_by_the_stamps(stamped: Place, authority: Authority) -> None:
    now = datetime.now(UTC)
    assert "时钟被拨回了" in bad(stamped.verify(authority.root, now - timedelta(hours=2)))
    for wrong in (now - timedelta(days=3), now + timedelta(days=3)):
        folder = stamped.anchors.with_name(f"anchors {wrong:%d}")
        with stamped.database.reading() as session:
            stamping.stamp(anchors.make(session, folder, DAY, wrong), authority.url)
        assert list(anchors.faults(folder)) == []
        (fault,) = auditing.stamp_faults(folder, authority.root)
        assert "本机时钟不对" in fault


def test_T23_stamps_in_the_wrong_order_are_found(stamped: Place, authority: Authority) -> None:
    """An anchor put in afterwards for an earlier day."""
    time.sleep(1.1)  # stamps tell whole seconds
    stamping.stamp(stamped.anchors / "2026-11-24.json", authority.url)
    assert "锚点 2026-11-25.json 的时间戳比前一个还早" in bad(stamped.verify(authority.root))


def test_T23_anchors_that_go_back_in_time_are_found(bare: Place) -> None:
    bare.anchor(DAY, NOW)
    bare.anchor(DAY + timedelta(days=1), NOW - timedelta(days=30))
    assert "时钟被拨回过" in bad(bare.verify())


def test_an_anchor_stands_though_the_authority_does_not_answer(bare: Place) -> None:
    settings = bare.settings.model_copy(update={"tsa_url": "http://127.0.0.1:9/tsa"})
    said = auditing.anchor(bare.database, settings, DAY, NOW)
    assert said[-1].startswith("时间戳没盖上")
    assert bare.verify().sound


def test_a_stamp_that_is_missing_is_had_the_same_day_only(bare: Place, authority: Authority) -> None:
    now = datetime.now(UTC)
    with bare.database.reading() as session:
        anchors.make(session, bare.anchors, DAY, now)
    settings = bare.settings.model_copy(update={"tsa_url": authority.url})
    assert len(auditing.anchor(bare.database, settings, DAY, now + timedelta(days=2))) == 2
    assert auditing.anchor(bare.database, settings, DAY, now)[-1].startswith("时间戳：")


# -- commands -----------------------------------------------------------------------------------------------------


def test_the_commands_say_and_end_as_they_should(
    bare: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number in range(3):
        with bare.database.unit() as session:
            file_case(bare, session, number, datetime.now(UTC))
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(bare.settings.data_dir))
    monkeypatch.setenv("HONESTSCALE_DATABASE_URL", bare.database.url)
    assert main(["audit", "anchor", "--on", "2026-12-31"]) == 0
    assert "2026-12-31.json（到第 " in capsys.readouterr().out
    assert main(["audit", "anchor", "--on", "2026-12-01"]) == 1
    assert "不能再补" in capsys.readouterr().err
    assert main(["audit", "verify"]) == 0
    assert "没有被动过" in capsys.readouterr().out
    elsewhere = shutil.copytree(bare.anchors, tmp_path / "elsewhere")

    with bare.database.unit() as session:
        unguarded(session)
        written_anew(session, 5, "改过")
    shutil.rmtree(bare.anchors)
    assert main(["audit", "verify"]) == 0  # whoever could write the folder as well has covered it all here
    capsys.readouterr()
    assert main(["audit", "verify", "--anchors", str(elsewhere)]) == 1
    assert "审计日志第 5 条不对" in capsys.readouterr().out
