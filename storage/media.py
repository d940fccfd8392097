"""Files that still lie on a platform's server: what to fetch, and what became of it.

In a conversation such a file is called ``media:12`` until somebody looks at it; ``resolve`` then gives its content's
name in the evidence store.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64, row_id
from storage.cases import CaseFile
from storage.consults import Consult
from storage.contacts import Contact
from storage.tasks import Task

PREFIX = "media:"
LEASE = timedelta(seconds=60)
LIFE = timedelta(days=3)
"""WeChat deletes what users send after three days."""
_TODO_SQL = text("state = 'todo'")
_TODO: ColumnElement[str] = literal_column("'todo'")
"""Written out in the statement: a partial index is of no use where its state is a parameter."""


class MediaState(StrEnum):
    TODO = "todo"
    KEPT = "kept"
    FAILED = "failed"


class MediaFile(Base):
    """One file to fetch. ``ref`` is the platform's id of it, never an address."""

    __tablename__ = "media_files"
    __table_args__ = (
        Index("ix_media_files_due", "channel", "due_at", sqlite_where=_TODO_SQL, postgresql_where=_TODO_SQL),
    )

    id: Mapped[row_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), index=True)
    channel: Mapped[name64]
    ref: Mapped[str] = mapped_column(String(512))
    kind: Mapped[name64]
    label: Mapped[str] = mapped_column(String(128), default="")
    state: Mapped[name64] = mapped_column(default=MediaState.TODO)
    sha256: Mapped[name64] = mapped_column(default="")
    media_type: Mapped[name64] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(String(200), default="")
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[instant]
    expires_at: Mapped[instant]
    lease: Mapped[name64] = mapped_column(default="")
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[instant]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file claimed by a worker."""

    id: int
    lease: str
    contact_id: int
    channel: str
    ref: str
    kind: str
    label: str
    tries: int
    expires_at: datetime


def want(session: Session, contact: Contact, ref: str, kind: str, label: str, now: datetime) -> str:
    """Note a file to fetch; the name by which the conversation knows it until then."""
    row = MediaFile(
        contact_id=contact.id,
        channel=contact.channel,
        ref=ref,
        kind=kind,
        label=label[:128],
        due_at=now,
        expires_at=now + LIFE,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return f"{PREFIX}{row.id}"


def claim(session: Session, channel: str, now: datetime, limit: int) -> list[Wanted]:
    """Lease files that are due; a lease that ran out is simply taken over: fetching twice does no harm."""
    lease = secrets.token_hex(8)
    rows = session.scalars(
        select(MediaFile)
        .where(
            MediaFile.channel == channel,
            MediaFile.state == _TODO,
            MediaFile.due_at <= now,
            or_(MediaFile.lease_until.is_(None), MediaFile.lease_until < now),
        )
        .order_by(MediaFile.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.lease, row.lease_until, row.tries = lease, now + LEASE, row.tries + 1
    return [Wanted(r.id, lease, r.contact_id, r.channel, r.ref, r.kind, r.label, r.tries, r.expires_at) for r in rows]


def kept(session: Session, wanted: Wanted, sha256: str, media_type: str) -> bool:
    """Record where the content is; False when another worker holds the file by now."""
    row = _held(session, wanted)
    if row is None:
        return False
    row.state, row.sha256, row.media_type = MediaState.KEPT, sha256, media_type
    return True


def put_off(session: Session, wanted: Wanted, until: datetime, reason: str) -> None:
    row = _held(session, wanted)
    if row is not None:
        row.due_at, row.reason, row.lease, row.lease_until = until, reason[:200], "", None


def give_up(session: Session, wanted: Wanted, reason: str) -> bool:
    """The file cannot be had; whether this was not known yet."""
    row = _held(session, wanted)
    if row is None:
        return False
    row.state, row.reason = MediaState.FAILED, reason[:200]
    return True


def resolve(session: Session, files: Sequence[str]) -> list[str]:
    """The names of the contents: of a file not fetched (yet) the name it was given stays."""
    ids = [int(f.removeprefix(PREFIX)) for f in files if f.startswith(PREFIX)]
    rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(ids))).all() if ids else []
    found = {f"{PREFIX}{row.id}": row.sha256 for row in rows if row.sha256}
    return [found.get(f, f) for f in files]


def used_elsewhere(session: Session, file: str, sha256: str) -> bool:
    """Whether the content was also sent another time, or handed to staff: it is then not one certificate's alone.

    Or it is a working copy, which somebody sent as a file of their own.
    """
    twice = select(func.count()).select_from(MediaFile).where(MediaFile.sha256 == sha256)
    sent = session.scalar(twice) or 0
    if sent > (1 if file.startswith(PREFIX) else 0):
        return True
    if session.scalar(select(CaseFile.id).where(CaseFile.copy_sha256 == sha256).limit(1)) is not None:
        return True
    asked = select(Consult.id).where(or_(*(cast(Consult.files, Text).contains(f'"{name}"') for name in (file, sha256))))
    other = select(Task.id).where(cast(Task.request, Text).contains(f'"{file}"'), Task.kind != "seal-certificate")
    return session.scalar(asked.limit(1)) is not None or len(session.scalars(other.limit(2)).all()) > 1


def forget_one(session: Session, file: str) -> None:
    """Leave nothing of who sent a file that was fetched."""
    if file.startswith(PREFIX):
        session.execute(delete(MediaFile).where(MediaFile.id == int(file.removeprefix(PREFIX))))


def forget_failed(session: Session, before: datetime, limit: int) -> int:
    """Delete what could not be had; what was kept stays known for as long as something may refer to it."""
    ids = session.scalars(
        select(MediaFile.id)
        .where(MediaFile.state == MediaState.FAILED, MediaFile.created_at < before)
        .order_by(MediaFile.id)
        .limit(limit)
    ).all()
    if ids:
        session.execute(delete(MediaFile).where(MediaFile.id.in_(ids)))
    return len(ids)


def _held(session: Session, wanted: Wanted) -> MediaFile | None:
    return session.scalar(
        select(MediaFile)
        .where(MediaFile.id == wanted.id, MediaFile.lease == wanted.lease, MediaFile.state == MediaState.TODO)
        .with_for_update()
    )
