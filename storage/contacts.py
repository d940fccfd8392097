"""People, the accounts by which the channels know them, and the anonymous sessions of the web chat."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64, row_id

HANDOVER_LIFE = timedelta(minutes=10)
HANDOVER_TRIES = 20
"""Wrong codes accepted per ten minutes over all sessions: a million codes cannot be searched through."""


class Person(Base):
    """Somebody the bot talks to, on one channel or on several that were bound together. Nothing else is known."""

    __tablename__ = "persons"

    id: Mapped[row_id]
    created_at: Mapped[instant]


class Contact(Base):
    """One account on one channel. ``address`` is where messages to it go, when that is not ``external_id`` itself."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_contacts_person_id", "person_id"),
        Index("ix_contacts_channel_address", "channel", "address"),
    )

    id: Mapped[row_id]
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    channel: Mapped[name64]
    external_id: Mapped[name64]
    address: Mapped[name64] = mapped_column(default="")
    unreachable: Mapped[name64] = mapped_column(default="")
    """Why nothing can be sent there (``blocked``, ``unfollowed`` …); empty while it can."""
    next_send_at: Mapped[datetime | None] = mapped_column(Instant)
    """Platforms limit how fast one chat may be written to; before this instant nothing more goes there."""
    created_at: Mapped[instant]


class WebSession(Base):
    """A browser's token, kept only as its hash."""

    __tablename__ = "web_sessions"

    token_hash: Mapped[name64] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), index=True)
    created_at: Mapped[instant]


class Handover(Base):
    """A six-digit code that opens the same dialogue on another device, once, within ten minutes."""

    __tablename__ = "handovers"

    code_hash: Mapped[name64] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    expires_at: Mapped[instant] = mapped_column(index=True)


class HandoverMiss(Base):
    """A wrong handover code, counted for a short while."""

    __tablename__ = "handover_misses"

    id: Mapped[row_id]
    at: Mapped[instant] = mapped_column(index=True)


def get_or_create(session: Session, channel: str, external_id: str, now: datetime) -> Contact:
    """The caller holds the write lock (SQLite) or meets the unique key (PostgreSQL) and tries again."""
    return find(session, channel, external_id) or _new(session, channel, external_id, now)


def find(session: Session, channel: str, external_id: str) -> Contact | None:
    return session.scalar(select(Contact).where(Contact.channel == channel, Contact.external_id == external_id))


def open_web_session(session: Session, now: datetime) -> str:
    contact = _new(session, "web", secrets.token_urlsafe(24), now)
    return _new_token(session, contact.id, now)


def web_contact(session: Session, token: str) -> Contact | None:
    return session.scalar(select(Contact).join(WebSession).where(WebSession.token_hash == _hash(token)))


def new_handover(session: Session, contact_id: int, now: datetime) -> str:
    session.execute(delete(Handover).where((Handover.contact_id == contact_id) | (Handover.expires_at <= now)))
    code = f"{secrets.randbelow(1_000_000):06d}"
    while session.get(Handover, _hash(code)) is not None:
        code = f"{secrets.randbelow(1_000_000):06d}"
    session.add(Handover(code_hash=_hash(code), contact_id=contact_id, expires_at=now + HANDOVER_LIFE))
    return code


def redeem_handover(session: Session, code: str, now: datetime) -> str | None:
    session.execute(delete(HandoverMiss).where(HandoverMiss.at <= now - HANDOVER_LIFE))
    if len(session.scalars(select(HandoverMiss.id)).all()) >= HANDOVER_TRIES:
        return None
    found = session.get(Handover, _hash(code.strip()))
    if found is None or found.expires_at <= now:
        session.add(HandoverMiss(at=now))
        return None
    session.delete(found)
    return _new_token(session, found.contact_id, now)


def _new(session: Session, channel: str, external_id: str, now: datetime) -> Contact:
    person = Person(created_at=now)
    session.add(person)
    session.flush()
    contact = Contact(person_id=person.id, channel=channel, external_id=external_id, created_at=now)
    session.add(contact)
    session.flush()
    return contact


def _new_token(session: Session, contact_id: int, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    session.add(WebSession(token_hash=_hash(token), contact_id=contact_id, created_at=now))
    return token


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
