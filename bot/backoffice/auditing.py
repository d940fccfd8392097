"""``audit verify`` and ``audit anchor``: whether the log and the evidence are as they were written.

Verifying reads only. What a case says of its files is held against the log, the files against both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.backoffice import anchors, stamping
from bot.backoffice.anchors import BEHIND, AnchorError
from bot.backoffice.stamping import StampError
from bot.settings import Settings
from storage import audit, cases, chain, evidence, vault
from storage.chain import Fault, Head, Linked
from storage.database import Database, Session
from storage.vault import SealedError, Vault

SEALED, DESTROYED = "evidence.sealed", "evidence.destroyed"
"""The log's words for a file that was kept, and for one that was destroyed when its time was over."""
LATE_STAMP = timedelta(days=1)
"""A stamp that could not be had at once may still be had on the same day."""
WAITED = timedelta(days=1)
"""A message that waited through an outage is noted under the time at which it came."""
NO_LOG = "数据库里还没有审计日志。请先运行 python -m bot migrate。"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of evidence as its case knows it; ``copy_sha256`` is empty when it has no working copy."""

    id: int
    case_id: int
    sha256: str
    sm3: str
    size: int
    copy_sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    sound: bool
    lines: tuple[str, ...]


@dataclass(slots=True)
class _Noted:
    """What is gathered on the way through the log. ``files``: what it says of evidence: case, SHA-256, SM3 and working
    copy by file. ``late``: entries dated before ones that stand in front of them."""

    files: dict[int, tuple[str, str, str, str]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    _latest: datetime | None = None

    def along(self, rows: Iterable[Linked]) -> Iterator[Linked]:
        for row in rows:
            yield row
            # Whoever takes the rows has found this one sound when they ask for the next.
            self._date(row)
            if b'"evidence.' in row.body:
                self._note(json.loads(row.body))

    def _note(self, record: Mapping[str, Any]) -> None:
        detail = record["detail"]
        if record["action"] == SEALED:
            self.files[detail["file"]] = (record["object"], detail["sha256"], detail["sm3"], detail["copy"])
        elif record["action"] == DESTROYED:
            self.files.pop(detail["file"], None)

    def _date(self, row: Linked) -> None:
        if row.at is None or self._latest is None or row.at >= self._latest - WAITED:
            self._latest = max(filter(None, (self._latest, row.at)), default=None)
        elif not self.late:
            self.late.append(
                f"注意：第 {row.seq} 条自记 {_minute(row.at)}，前面的已到 {_minute(self._latest)}。请查那时的时钟，或是否补处理过旧消息。"
            )


def verify(
    session: Session,
    root: Path,
    folder: Path,
    sealed: Vault | None,
    certificates: bytes = b"",
    now: datetime | None = None,
) -> Report:
    """The whole log against its chain and its anchors in ``folder``, and every file of evidence under ``root``.

    ``sealed`` is None when there is no key: originals then cannot be opened. ``certificates`` (PEM) are the time
    stamping authority's; without them stamps are counted, not verified.
    """
    if not audit.is_there(session):
        return Report(sound=False, lines=(NO_LOG,))
    noted = _Noted()
    said, log = _log(noted.along(audit.entries(session)), anchors.anchored(folder), audit.head(session))
    kept = [_kept(row) for row in cases.kept_files(session)]
    bad = [*log, *anchors.faults(folder), *stamp_faults(folder, certificates, now), *file_faults(root, kept, sealed)]
    if not log:  # a log that is not sound says nothing about files
        bad += row_faults(kept, noted.files)
    return Report(sound=not bad, lines=(*bad, said, *noted.late, *_counted(folder, len(kept), certificates)))


def _log(rows: Iterable[Linked], anchored: Iterable[tuple[int, str]], head: Head) -> tuple[str, list[str]]:
    found = chain.first_fault(rows, anchored, head)
    if isinstance(found, Fault):
        return f"审计日志应有 {head.seq} 条。", [f"审计日志第 {found.seq} 条不对：{found.what}。"]
    return f"审计日志 {found.seq} 条，没有被动过。末条摘要 {found.hash}", []


def _counted(folder: Path, kept: int, certificates: bytes) -> list[str]:
    made = anchors.files(folder)
    stamps = sum(path.with_suffix(stamping.ENDING).exists() for path in made)
    lines = [f"锚点 {len(made)} 个，时间戳 {stamps} 个，证据 {kept} 件，都看过了。"]
    if not made:
        lines.append("还没有锚点：从末尾截掉、从头重写都看不出来。请每天运行 audit anchor，并把锚点抄到别处。")
    if stamps and not certificates:
        lines.append("时间戳没有验：请在 HONESTSCALE_TSA_CERTIFICATE 填时间戳机构的证书。")
    return lines


# -- evidence -----------------------------------------------------------------------------------------------------


def row_faults(files: Iterable[KeptFile], noted: Mapping[int, tuple[str, str, str, str]]) -> Iterator[str]:
    """Where the cases' own table says something else than the log."""
    left = dict(noted)
    for kept in files:
        said = left.pop(kept.id, None)
        if said != (f"case:{kept.case_id}", kept.sha256, kept.sm3, kept.copy_sha256):
            yield f"证据 {kept.id}（案件 {kept.case_id}）：登记的摘要和审计日志里的不同。"
    for number, (case, *_) in left.items():
        yield f"证据 {number}（案件 {case.removeprefix('case:')}）：审计日志里有，案件里没有了。"


def file_faults(root: Path, files: Iterable[KeptFile], sealed: Vault | None) -> Iterator[str]:
    """Files that are gone, cannot be opened, or are not what their digests say."""
    for kept in files:
        what = _original_fault(root, kept, sealed) or _copy_fault(root, kept)
        if what:
            yield f"证据 {kept.id}（案件 {kept.case_id}）：{what}。"


def _original_fault(root: Path, kept: KeptFile, sealed: Vault | None) -> str:
    if sealed is None:
        return "没有密钥文件，原件打不开"
    try:
        data = evidence.unseal_in_case(root, kept.case_id, kept.sha256, sealed)
    except OSError:
        return "原件不见了"
    except SealedError:
        return "原件打不开：被动过、换过，或者密钥不对"
    found = evidence.digests_of(data)
    same = (found.sha256, found.sm3, found.size) == (kept.sha256, kept.sm3, kept.size)
    return "" if same else "原件和登记的摘要不符"


def _copy_fault(root: Path, kept: KeptFile) -> str:
    if not kept.copy_sha256:
        return ""
    try:
        data = evidence.path_of(root, kept.copy_sha256).read_bytes()
    except OSError:
        return "工作副本不见了"
    return "" if hashlib.sha256(data).hexdigest() == kept.copy_sha256 else "工作副本被换过"


# -- time stamps --------------------------------------------------------------------------------------------------


def stamp_faults(folder: Path, certificates: bytes, now: datetime | None = None) -> Iterator[str]:
    """Stamps that do not fit their anchor, and clocks that they contradict."""
    before: datetime | None = None
    for path in anchors.files(folder) if certificates else []:
        if not path.with_suffix(stamping.ENDING).exists():
            continue
        try:
            at = stamping.stamped_at(path, certificates)
            made_at = anchors.load(path).made_at
        except StampError as error:
            yield str(error)
        except ValueError:
            continue  # said of the anchor itself
        else:
            if before is not None and at < before:
                yield f"锚点 {path.name} 的时间戳比前一个还早：先后颠倒了。"
            if not made_at - BEHIND <= at <= made_at + LATE_STAMP:
                yield f"锚点 {path.name} 自记 {_minute(made_at)}，时间戳是 {_minute(at)}：做锚点时本机时钟不对。"
            before = at
    if before is not None and now is not None and before > now + BEHIND:
        yield f"本机时钟比最近的时间戳（{_minute(before)}）还慢：时钟被拨回了。"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _kept(row: cases.CaseFile) -> KeptFile:
    return KeptFile(row.id, row.case_id, row.sha256, row.sm3, row.size, row.copy_sha256)


# -- commands -----------------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """``action`` verify or anchor; the exit code is 1 when something is not as it should be."""
    database = Database(settings.database)
    try:
        return {"verify": _verify, "anchor": _anchor}[arguments.action](database, arguments, settings)
    except AnchorError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()


def _verify(database: Database, arguments: argparse.Namespace, settings: Settings) -> int:
    certificates = settings.tsa_certificate.read_bytes() if settings.tsa_certificate is not None else b""
    with database.reading() as session:
        report = verify(
            session,
            settings.evidence_dir,
            arguments.anchors or settings.anchors_dir,
            _vault(settings),
            certificates,
            datetime.now(UTC),
        )
    print("\n".join(report.lines))
    return 0 if report.sound else 1


def _anchor(database: Database, arguments: argparse.Namespace, settings: Settings) -> int:
    print("\n".join(anchor(database, settings, arguments.on, datetime.now(UTC))))
    return 0


def anchor(database: Database, settings: Settings, day: date, now: datetime) -> list[str]:
    """Make the day's anchor and have it stamped, if an authority is set; what to tell the operator."""
    with database.reading() as session:
        if not audit.is_there(session):
            raise AnchorError(NO_LOG)
        path = anchors.make(session, settings.anchors_dir, day, now)
    made = anchors.load(path)
    lines = [f"锚点：{path}（到第 {made.seq} 条）", f"请抄到别处：{hashlib.sha256(path.read_bytes()).hexdigest()}"]
    is_last = path == anchors.files(settings.anchors_dir)[-1]
    if (
        settings.tsa_url
        and is_last
        and not path.with_suffix(stamping.ENDING).exists()
        and now - made.made_at < LATE_STAMP
    ):
        try:
            lines.append(f"时间戳：{stamping.stamp(path, settings.tsa_url)}")
        except StampError as error:
            lines.append(str(error))
    return lines


def _vault(settings: Settings) -> Vault | None:
    """Opened only: a verifier that makes a key would be writing."""
    there = (settings.keys_dir / "vault.key").exists()
    return Vault(vault.key_in(settings.keys_dir)) if there else None
