"""Evidence files of a case: noted in the turn, sealed by slow work, after which nothing ties them to an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.conversation.messages import Reply
from handlers.outreach import push
from handlers.talk import Bench
from storage import cases, media, tasks
from storage.cases import Case, CaseFile, Deed
from storage.coarse import hour_of
from storage.database import Session
from storage.failpoints import reach
from storage.tasks import Claimed

SEAL = "seal-evidence"
MOST_AN_HOUR = 30
IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file as it was kept: digests of the original, its type, and the working copy's name and fingerprint if one
    could be made (pictures only)."""

    sha256: str
    sm3: str
    size: int
    media_type: str
    copy_sha256: str = ""
    dhash: str = ""


def room(session: Session, case: Case, now: datetime) -> int:
    """How many more files the case takes within this hour."""
    return max(0, MOST_AN_HOUR - cases.files_since(session, case.id, now - timedelta(hours=1)))


def keep(
    session: Session, case: Case, contact_id: int, sources: Sequence[tuple[str, str]], now: datetime
) -> list[CaseFile]:
    """Note files (name in the conversation, kind) for a case and have them sealed; those that are new."""
    rows = cases.add_files(session, case, sources[: room(session, case, now)], now)
    for row in rows:
        tasks.ask(session, SEAL, contact_id, {"file": row.source, "case_file": row.id, "case": case.id}, now)
    return rows


def sealed(session: Session, bench: Bench, claimed: Claimed, made: Sealed, now: datetime) -> None:  # noqa: ARG001 - a kind's signature
    """The file is kept: its digests stand in the case, and the rows that named its sender's account go."""
    row = session.get_one(CaseFile, claimed.request["case_file"])
    row.sha256, row.sm3, row.size, row.media_type = made.sha256, made.sm3, made.size, made.media_type
    row.copy_sha256, row.dhash, row.state, row.kept_at = made.copy_sha256, made.dhash, "kept", hour_of(now)
    case = session.get_one(Case, row.case_id)
    detail = {"file": row.id, "sha256": row.sha256, "sm3": row.sm3, "copy": row.copy_sha256}
    cases.happen(session, case, Deed("system", "evidence.sealed", public=False, detail=detail), now)
    media.forget_one(session, row.source)
    row.source = f"sealed:{row.id}"
    tasks.forget_one(session, claimed.id)
    reach("case.sealed")


def not_sealed(session: Session, bench: Bench, claimed: Claimed, sentence: str, now: datetime) -> None:
    """The file could not be kept; whoever sent it learns why."""
    row = session.get_one(CaseFile, claimed.request["case_file"])
    row.state, row.reason, row.source = "refused", sentence[:200], f"refused:{row.id}"
    reply = Reply(f"您发的证据有 1 个文件没存成：{sentence}")
    key = f"evidence:{row.id}"
    push(session, claimed.contact_id, reply, now, "case", key, vault=bench.vault)
    media.forget_one(session, claimed.request["file"])
    tasks.forget_one(session, claimed.id)
