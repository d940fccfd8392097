"""The audit log: who did what to which case, when and why. Rows are only ever added, each chained to the one before.

Nothing personal stands here: ids, actions, digests, reasons of office. So a duty to delete and the chain never meet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text, cast, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import chain
from storage.base import Base, instant, name64
from storage.chain import Head, Linked

CHUNK = 2_000


class AuditEntry(Base):
    """One entry. ``record`` is the canonical JSON that was hashed; the columns beside it are for finding it."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_object", "object", "seq"), Index("ix_audit_entries_at", "at"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[instant]
    object: Mapped[name64]
    record: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[name64]
    hash: Mapped[name64]


class AuditHead(Base):
    """Where the chain ends: one row, whose lock lets one writer add at a time."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


_READ = (AuditEntry.at, AuditEntry.object, AuditEntry.record, AuditEntry.prev_hash, AuditEntry.hash)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be noted. ``actor``: ``staff:12``, ``reporter``, ``system``, ``custodian:3``, ``command``."""

    actor: str
    role: str
    action: str
    object: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def append(session: Session, entry: Entry, now: datetime) -> int:
    """Add an entry; its number, counted from 1 without gaps."""
    last = session.get_one(AuditHead, 1, with_for_update=True, populate_existing=True)
    seq, at = last.seq + 1, now.astimezone(UTC)
    record = {
        "seq": seq,
        "at": at.isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "role": entry.role,
        "action": entry.action,
        "object": entry.object,
        "reason": entry.reason,
        "detail": dict(entry.detail),
    }
    body = chain.canonical(record)
    hash_ = chain.link(last.hash, body)
    row = AuditEntry(seq=seq, at=at, object=entry.object, record=body.decode(), prev_hash=last.hash, hash=hash_)
    session.add(row)
    last.seq, last.hash = seq, hash_
    session.flush()
    return seq


def head(session: Session) -> Head:
    row = session.get_one(AuditHead, 1, populate_existing=True)
    return Head(row.seq, row.hash)


def of_object(session: Session, object_: str, limit: int = 200) -> list[dict[str, Any]]:
    """What was noted of one object, oldest first."""
    found = select(AuditEntry.record).where(AuditEntry.object == object_).order_by(AuditEntry.seq).limit(limit)
    return [json.loads(text) for text in session.scalars(found)]


# -- verifying ----------------------------------------------------------------------------------------------------


def is_there(session: Session) -> bool:
    """Whether the database has an audit log at all.

    Asked first of all in a session, it also makes everything that is read after it be of one moment, though others go
    on writing.
    """
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return inspect(session.connection()).has_table(AuditEntry.__tablename__)


def entries(session: Session, after: int | None = None) -> Iterator[Linked]:
    """The log behind a number (None: from the very first row, whatever its number), as it stands in the database."""
    while True:
        rows = _chunk(session, after)
        yield from rows
        if len(rows) < CHUNK:
            return
        after = rows[-1].seq


def hashes_after(session: Session, seq: int) -> list[tuple[int, str]]:
    """Number and hash of every entry behind a number."""
    found = select(AuditEntry.seq, AuditEntry.hash).where(AuditEntry.seq > seq).order_by(AuditEntry.seq)
    return [(number, hash_) for number, hash_ in session.execute(found)]


def _chunk(session: Session, after: int | None) -> list[Linked]:
    # On SQLite as bytes: a text that was made unreadable is then one altered row, not an error of the whole reading.
    raw = session.get_bind().dialect.name == "sqlite"
    columns = [cast(c, LargeBinary) if raw else c for c in _READ]
    found = select(AuditEntry.seq, *columns).order_by(AuditEntry.seq).limit(CHUNK)
    if after is not None:
        found = found.where(AuditEntry.seq > after)
    return [_linked(*row) for row in session.execute(found)]


def _linked(seq: Any, *columns: Any) -> Linked:
    """The columns beside the record are held against it: altering them alone is found as well."""
    at, object_, record, previous, hash_ = map(_plain, columns)
    number, moment = seq if isinstance(seq, int) else 0, _moment(at)
    try:
        told = json.loads(record)
        same = (told["seq"], told["object"], _moment(told["at"])) == (seq, object_, moment)
    except (ValueError, KeyError, TypeError, RecursionError):
        same = False
    return Linked(number, moment, record.encode() if same else b"altered", previous, hash_)


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _moment(value: Any) -> datetime | None:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
