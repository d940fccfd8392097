"""What is kept of cases no longer than needed: ties, receipts, identities, files that never came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage import audit, case_links, identities, media
from storage.audit import Entry
from storage.cases import OPEN, Case, CaseFile
from storage.tasks import Task, TaskState

IDENTITY_LIFE = timedelta(days=90)
"""From the end of a case (SECURITY: identity vault entry, no hold)."""
FETCHING = timedelta(days=4)
"""Platforms keep files for three days: what is not here by then never comes."""
SEALING = "seal-evidence"
"""The kind of task that seals a file: its row names an account and a case beside each other."""
NEVER_CAME = "平台上已经过期，没有取到"


def sweep(session: Session, today: date, now: datetime, limit: int) -> int:
    """Delete what is past its time; how many identities were destroyed."""
    case_links.forget_lapsed(session, today)
    identities.forget_reveals(session, now)
    _give_up(session, now, limit)
    _forget_done(session)
    return _shred(session, today, now, limit)


def sealed_lately(session: Session, since: datetime) -> Iterator[str]:
    """Originals sealed since an instant, of which a crash may have left the open file behind."""
    found = select(CaseFile.sha256).where(CaseFile.state == "kept", CaseFile.kept_at >= since)
    yield from session.scalars(found)


def _give_up(session: Session, now: datetime, limit: int) -> None:
    """What its platform did not give out in time. A file that is here waits for the worker, however long."""
    never = select(CaseFile).where(
        CaseFile.state == "waiting", CaseFile.received_at < now - FETCHING, CaseFile.source.startswith(media.PREFIX)
    )
    for row in session.scalars(never.order_by(CaseFile.id).limit(limit)).all():
        if media.resolve(session, [row.source]) == [row.source]:
            media.forget_one(session, row.source)
            row.state, row.reason, row.source = "refused", NEVER_CAME, f"refused:{row.id}"


def _forget_done(session: Session) -> None:
    """A sealing that is over leaves no row; one that found no file was only marked."""
    session.execute(delete(Task).where(Task.kind == SEALING, Task.state != TaskState.TODO))


def _shred(session: Session, today: date, now: datetime, limit: int) -> int:
    """Identities of cases that ended long ago: their keys go, and with them every copy in any backup."""
    ended = select(Case).where(
        Case.identified, Case.state.not_in(OPEN), Case.ended_on.is_not(None), Case.ended_on < today - IDENTITY_LIFE
    )
    rows = session.scalars(ended.limit(limit)).all()
    for case in rows:
        identities.shred(session, case.id)
        case.identified = False
        audit.append(session, Entry("system", "", "identity.shredded", f"case:{case.id}"), now)
    session.flush()
    return len(rows)
