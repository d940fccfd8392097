"""What is to be told to whom. Every reply is a row here; a channel's direct answer is only the fastest delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, delete, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import wakeup
from storage.base import Base, Instant, instant, json_object, name64, row_id
from storage.contacts import Contact


class SendState(StrEnum):
    """Where a message stands.

    todo → sending (leased by a worker) → sent | retry (later) | blocked (until the person does something) |
    unknown (perhaps delivered: a person decides) | dead (refused for good); todo, retry and blocked may expire.
    """

    TODO = "todo"
    SENDING = "sending"
    RETRY = "retry"
    SENT = "sent"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    DEAD = "dead"


OPEN = (SendState.TODO, SendState.RETRY)
UNDELIVERED = (SendState.TODO, SendState.RETRY, SendState.BLOCKED)


class Priority:
    """Lower goes first: what somebody waits for overtakes what many are told."""

    ANSWER = 0
    NOTICE = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of message is treated: its place in the queue, how long it is worth sending, and whether one whose
    outcome is unknown is sent once more (a doubled answer is harmless, a doubled legal notice is not)."""

    priority: int
    life: timedelta
    again: bool = True


ONCE = "once"
"""The kind of a reply with a secret in it, which is blanked after it was shown."""
KINDS: dict[str, Kind] = {
    "reply": Kind(Priority.ANSWER, timedelta(hours=48)),
    ONCE: Kind(Priority.ANSWER, timedelta(hours=48)),
    "media": Kind(Priority.ANSWER, timedelta(days=3)),
    "reminder": Kind(Priority.NOTICE, timedelta(days=10)),
    "ledger": Kind(Priority.ANSWER, timedelta(days=7)),
    "pledge": Kind(Priority.NOTICE, timedelta(days=10)),
    "case": Kind(Priority.NOTICE, timedelta(days=30)),
    "consult-answer": Kind(Priority.NOTICE, timedelta(days=30)),
}

_OPEN_SQL = text("state IN ('todo', 'retry')")
_WAITING_SQL = text("state IN ('todo', 'retry', 'blocked')")
_SENDING_SQL = text("state = 'sending'")
_NAMED_SQL = text("platform_id <> ''")


class OutboxRow(Base):
    """One message to one account. ``dedup_key`` makes a push that is asked for twice go out once."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedup_key"),
        Index("ix_outbox_contact_id_state", "contact_id", "state"),
        Index("ix_outbox_created_at", "created_at"),
        Index(
            "ix_outbox_claim",
            "channel",
            "priority",
            "due_at",
            "id",
            sqlite_where=_OPEN_SQL,
            postgresql_where=_OPEN_SQL,
        ),
        Index("ix_outbox_leased", "lease_until", sqlite_where=_SENDING_SQL, postgresql_where=_SENDING_SQL),
        Index("ix_outbox_expires", "expires_at", sqlite_where=_WAITING_SQL, postgresql_where=_WAITING_SQL),
        Index("ix_outbox_platform_id", "channel", "platform_id", sqlite_where=_NAMED_SQL, postgresql_where=_NAMED_SQL),
        # A number is never given twice: readers ask for what came after the last one they saw.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[row_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    channel: Mapped[name64]
    kind: Mapped[name64]
    priority: Mapped[int] = mapped_column(default=Priority.ANSWER)
    payload: Mapped[json_object]
    nonce: Mapped[str] = mapped_column(String(16), default="")
    replaces: Mapped[name64] = mapped_column(default="")
    """The platform's id of an earlier message this one takes the place of; empty: a new message."""
    state: Mapped[name64] = mapped_column(default=SendState.TODO)
    due_at: Mapped[instant]
    expires_at: Mapped[instant]
    attempts: Mapped[int] = mapped_column(default=0)
    unknowns: Mapped[int] = mapped_column(default=0)
    lease: Mapped[name64] = mapped_column(default="")
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    platform_id: Mapped[name64] = mapped_column(default="")
    error: Mapped[str] = mapped_column(String(200), default="")
    dedup_key: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[instant]
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message is apart from its words. ``due_at`` None means at once; ``seen``: the person's channel fetches
    the row itself, which is the delivery."""

    kind: str = "reply"
    nonce: str = ""
    replaces: str = ""
    dedup_key: str | None = None
    due_at: datetime | None = None
    seen: bool = False


def new(
    session: Session, contact: Contact, payload: dict[str, Any], now: datetime, envelope: Envelope | None = None
) -> OutboxRow:
    """Queue one message; it has its id after the next flush. To an account that cannot be reached it waits, blocked."""
    envelope = envelope or Envelope()
    kind = KINDS[envelope.kind]
    state = SendState.BLOCKED if contact.unreachable else SendState.TODO
    row = OutboxRow(
        contact_id=contact.id,
        channel=contact.channel,
        kind=envelope.kind,
        priority=kind.priority,
        payload=payload,
        nonce=envelope.nonce,
        replaces=envelope.replaces,
        state=SendState.SENT if envelope.seen else state,
        sent_at=now if envelope.seen else None,
        due_at=envelope.due_at or now,
        expires_at=now + kind.life,
        dedup_key=envelope.dedup_key,
        created_at=now,
    )
    session.add(row)
    if row.state == SendState.TODO and row.due_at <= now:
        wakeup.notify(session)
    return row


def push(session: Session, contact: Contact, payload: dict[str, Any], now: datetime, envelope: Envelope) -> bool:
    """Queue what nobody just asked for. The same ``dedup_key`` is queued once; whether it was now."""
    known = select(OutboxRow.id).where(OutboxRow.dedup_key == envelope.dedup_key)
    if session.scalar(known) is not None:
        return False
    new(session, contact, payload, now, envelope)
    session.flush()
    return True


def by_ids(session: Session, ids: Sequence[int]) -> list[OutboxRow]:
    if not ids:
        return []
    return list(session.scalars(select(OutboxRow).where(OutboxRow.id.in_(ids)).order_by(OutboxRow.id)))


def waiting(session: Session, contact_id: int) -> list[OutboxRow]:
    """What this person has not been shown yet, oldest first."""
    found = select(OutboxRow).where(OutboxRow.contact_id == contact_id, OutboxRow.state.in_(UNDELIVERED))
    return list(session.scalars(found.order_by(OutboxRow.id)))


def missed(session: Session, contact_id: int, now: datetime) -> list[OutboxRow]:
    """What should have reached this person by now, did not, and is still worth showing; oldest first.

    An answer that is only just on its way is not among it.
    """
    found = select(OutboxRow).where(
        OutboxRow.contact_id == contact_id,
        OutboxRow.state.in_(UNDELIVERED),
        or_(OutboxRow.due_at <= now, OutboxRow.state == SendState.BLOCKED),
        OutboxRow.expires_at > now,
    )
    return list(session.scalars(found.order_by(OutboxRow.id)))


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
    """The person has seen these; a send that is under way keeps its own account of it."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state.in_(UNDELIVERED))
        .values(state=SendState.SENT, sent_at=now)
    )


def hurry(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Nobody will collect these any more: send them now."""
    session.execute(
        update(OutboxRow).where(OutboxRow.id.in_(ids), OutboxRow.state == SendState.TODO).values(due_at=now)
    )
    wakeup.notify(session)


def unblock(session: Session, contact_id: int, now: datetime) -> None:
    """The person wrote again: what could not be sent to them may be."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.contact_id == contact_id, OutboxRow.state == SendState.BLOCKED)
        .values(state=SendState.TODO, due_at=now)
    )


def blank_once(session: Session, payload: dict[str, Any], before: datetime, limit: int) -> int:
    """Put ``payload`` in the place of what was to be shown once and was, or was given up, before an instant.

    A bounded number at a time; how many.
    """
    over = (SendState.SENT, SendState.EXPIRED, SendState.DEAD, SendState.UNKNOWN)
    ids = session.scalars(
        select(OutboxRow.id)
        .where(
            OutboxRow.kind == ONCE,
            OutboxRow.state.in_(over),
            func.coalesce(OutboxRow.sent_at, OutboxRow.created_at) < before,
        )
        .order_by(OutboxRow.id)
        .limit(limit)
    ).all()
    if ids:
        session.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(payload=payload, kind="reply"))
    return len(ids)


def forget_sent(session: Session, before: datetime, limit: int) -> int:
    """Delete what is over and done with, a bounded number at a time; how many were deleted."""
    done = (SendState.SENT, SendState.EXPIRED, SendState.DEAD)
    ids = session.scalars(
        select(OutboxRow.id)
        .where(OutboxRow.created_at < before, OutboxRow.state.in_(done))
        .order_by(OutboxRow.created_at)
        .limit(limit)
    ).all()
    if ids:
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))
    return len(ids)
