"""The inbox (each message once) and the dialogue row (where a conversation stands)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, json_object, row_id
from storage.contacts import Contact, Person


class InboxMessage(Base):
    """What came in, under the channel's own key. The unique key is what makes a second delivery harmless."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("contact_id", "key"), Index("ix_inbox_received_at", "received_at"))

    id: Mapped[row_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    key: Mapped[str] = mapped_column(String(128))
    received_at: Mapped[instant]
    body: Mapped[json_object]
    reply_ids: Mapped[list[int]] = mapped_column(JSON, default=list)


class Dialogue(Base):
    """Where one person's conversation stands. Locked before it is read, so that messages of one person queue up."""

    __tablename__ = "dialogues"

    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id), primary_key=True)
    state: Mapped[json_object]
    turns: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[instant] = mapped_column(index=True)


# Built once: what every message asks for is worth the trouble, for putting a statement together costs more than running it.
_FIND = select(InboxMessage).where(
    InboxMessage.contact_id == bindparam("contact"), InboxMessage.key == bindparam("key")
)
_LOCK = select(Dialogue).where(Dialogue.person_id == bindparam("person")).with_for_update()
_SINCE = (
    select(InboxMessage)
    .where(InboxMessage.contact_id == bindparam("contact"), InboxMessage.received_at >= bindparam("since"))
    .order_by(InboxMessage.id.desc())
    .limit(bindparam("most"))
)


def find_message(session: Session, contact_id: int, key: str) -> InboxMessage | None:
    return session.scalar(_FIND, {"contact": contact_id, "key": key})


def record_message(
    session: Session, contact_id: int, key: str, body: dict[str, Any], now: datetime, reply_ids: Sequence[int] = ()
) -> InboxMessage:
    row = InboxMessage(contact_id=contact_id, key=key, received_at=now, body=body, reply_ids=list(reply_ids))
    session.add(row)
    session.flush()
    return row


def lock(session: Session, person_id: int, now: datetime) -> Dialogue:
    """The person's dialogue, locked until commit (a row lock; on SQLite the whole write transaction)."""
    row = session.scalar(_LOCK, {"person": person_id})
    if row is None:
        row = Dialogue(person_id=person_id, state={}, turns=0, updated_at=now)
        session.add(row)
        session.flush()
    return row


def messages_since(session: Session, contact_id: int, since: datetime, limit: int) -> list[InboxMessage]:
    """The newest ``limit`` messages after ``since``, oldest first."""
    rows = session.scalars(_SINCE, {"contact": contact_id, "since": since, "most": limit}).all()
    return list(reversed(rows))


def forget_messages(session: Session, before: datetime, limit: int) -> int:
    """Delete what came in before an instant, a bounded number at a time; how many were deleted."""
    old = (
        select(InboxMessage.id).where(InboxMessage.received_at < before).order_by(InboxMessage.received_at).limit(limit)
    )
    ids = session.scalars(old).all()
    if ids:
        session.execute(delete(InboxMessage).where(InboxMessage.id.in_(ids)))
    return len(ids)


def clear_idle(session: Session, before: datetime, limit: int) -> int:
    """Empty dialogues nobody has touched since an instant; how many were emptied."""
    ids = session.scalars(
        select(Dialogue.person_id)
        .where(Dialogue.updated_at < before, Dialogue.turns > 0)
        .order_by(Dialogue.updated_at)
        .limit(limit)
    ).all()
    if ids:
        session.execute(update(Dialogue).where(Dialogue.person_id.in_(ids)).values(state={}, turns=0))
    return len(ids)
