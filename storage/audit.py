"""The audit log: who did what to which case, when and why. Rows are only ever added, each chained to the one before.

Nothing personal stands here: ids, actions, reasons of office. So a duty to delete and the chain never meet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import chain
from storage.base import Base, instant, name64

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


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be noted. ``actor``: ``staff:12``, ``reporter``, ``system``, ``custodian:3``, ``command``."""

    actor: str
    role: str
    action: str
    object: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    seq: int
    hash: str


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
    hash_ = chain.link(last.hash, record)
    text = chain.canonical(record).decode()
    session.add(AuditEntry(seq=seq, at=at, object=entry.object, record=text, prev_hash=last.hash, hash=hash_))
    last.seq, last.hash = seq, hash_
    session.flush()
    return seq


def head(session: Session) -> Head:
    row = session.get_one(AuditHead, 1)
    return Head(row.seq, row.hash)


def entries(session: Session, after: int = 0) -> Iterator[chain.Linked]:
    """The whole log behind a number, in pieces, as it stands in the database."""
    while True:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(CHUNK)
        ).all()
        for row in rows:
            yield _linked(row)
            after = row.seq
        session.expunge_all()
        if len(rows) < CHUNK:
            return


def of_object(session: Session, object_: str, limit: int = 200) -> list[dict[str, Any]]:
    """What was noted of one object, oldest first."""
    found = select(AuditEntry.record).where(AuditEntry.object == object_).order_by(AuditEntry.seq).limit(limit)
    return [json.loads(text) for text in session.scalars(found)]


def of_span(session: Session, since: datetime, until: datetime) -> list[tuple[int, str]]:
    """Number and hash of every entry of a span of time, in order."""
    found = select(AuditEntry.seq, AuditEntry.hash).where(AuditEntry.at >= since, AuditEntry.at < until)
    return [(seq, hash_) for seq, hash_ in session.execute(found.order_by(AuditEntry.seq))]


def _linked(row: AuditEntry) -> chain.Linked:
    """The columns beside the record are held against it: altering them alone is found as well."""
    try:
        record = json.loads(row.record)
        same = record["object"] == row.object and datetime.fromisoformat(record["at"]) == row.at
        same = same and record["seq"] == row.seq and chain.canonical(record).decode() == row.record
    except (ValueError, KeyError, TypeError):
        record, same = {"unreadable": row.record}, True
    return chain.Linked(row.seq, record if same else {"altered": row.record}, row.prev_hash, row.hash)
