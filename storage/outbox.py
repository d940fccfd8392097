"""What is to be told to whom. Every reply is a row here; a channel's direct answer is only the fastest delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, json_object, name64, row_id
from storage.contacts import Contact


class SendState(StrEnum):
    TODO = "todo"
    SENT = "sent"


class OutboxRow(Base):
    """One message to one person. ``dedup_key`` makes a push that is asked for twice go out once."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedup_key"),
        Index("ix_outbox_contact_id_state", "contact_id", "state"),
        Index("ix_outbox_created_at", "created_at"),
    )

    id: Mapped[row_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    kind: Mapped[name64]
    payload: Mapped[json_object]
    nonce: Mapped[str] = mapped_column(String(16), default="")
    state: Mapped[name64] = mapped_column(default=SendState.TODO)
    dedup_key: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[instant]
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


def new(session: Session, contact_id: int, payload: dict[str, Any], now: datetime, **details: str) -> OutboxRow:
    """Queue one message; it has its id after the next flush. ``details``: ``kind`` (default "reply"), ``nonce``."""
    row = OutboxRow(
        contact_id=contact_id,
        kind=details.get("kind", "reply"),
        payload=payload,
        nonce=details.get("nonce", ""),
        state=SendState.TODO,
        created_at=now,
    )
    session.add(row)
    return row


def push(
    session: Session,
    contact_id: int,
    payload: dict[str, Any],
    now: datetime,
    kind: str,
    dedup_key: str,
    nonce: str = "",
) -> bool:
    """Queue what nobody just asked for. The same ``dedup_key`` is queued once; whether it was now."""
    if session.scalar(select(OutboxRow.id).where(OutboxRow.dedup_key == dedup_key)) is not None:
        return False
    new(session, contact_id, payload, now, kind=kind, nonce=nonce).dedup_key = dedup_key
    session.flush()
    return True


def by_ids(session: Session, ids: Sequence[int]) -> list[OutboxRow]:
    return list(session.scalars(select(OutboxRow).where(OutboxRow.id.in_(ids)).order_by(OutboxRow.id)))


def waiting(session: Session, contact_id: int) -> list[OutboxRow]:
    """What this person has not been shown yet, oldest first."""
    return list(
        session.scalars(
            select(OutboxRow)
            .where(OutboxRow.contact_id == contact_id, OutboxRow.state == SendState.TODO)
            .order_by(OutboxRow.id)
        )
    )


def since(session: Session, contact_id: int, after: datetime, limit: int, after_id: int = 0) -> list[OutboxRow]:
    """The newest ``limit`` rows after an instant and a row, oldest first."""
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.contact_id == contact_id, OutboxRow.created_at >= after, OutboxRow.id > after_id)
        .order_by(OutboxRow.id.desc())
        .limit(limit)
    ).all()
    return list(reversed(rows))


def mark_sent(session: Session, ids: Sequence[int], now: datetime) -> None:
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state == SendState.TODO)
        .values(state=SendState.SENT, sent_at=now)
    )


def forget_sent(session: Session, before: datetime, limit: int) -> int:
    ids = session.scalars(
        select(OutboxRow.id)
        .where(OutboxRow.created_at < before, OutboxRow.state == SendState.SENT)
        .order_by(OutboxRow.created_at)
        .limit(limit)
    ).all()
    if ids:
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))
    return len(ids)
