"""People, the accounts by which the channels know them, and the anonymous sessions of the web chat."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, UniqueConstraint, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64, row_id

WEB = "web"
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
    """A secret that opens the same dialogue elsewhere, once, within ten minutes: six digits, or the token of a link.

    On another browser it opens the same account; said on another channel it joins two accounts to one person.
    """

    __tablename__ = "handovers"

    code_hash: Mapped[name64] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    expires_at: Mapped[instant] = mapped_column(index=True)


class HandoverMiss(Base):
    """A wrong handover code, counted for a short while."""

    __tablename__ = "handover_misses"

    id: Mapped[row_id]
    at: Mapped[instant] = mapped_column(index=True)


# Built once: every message asks for its account.
_FIND = select(Contact).where(Contact.channel == bindparam("channel"), Contact.external_id == bindparam("external"))


def get_or_create(session: Session, channel: str, external_id: str, now: datetime) -> Contact:
    """The caller holds the write lock (SQLite) or meets the unique key (PostgreSQL) and tries again."""
    return find(session, channel, external_id) or _new(session, channel, external_id, now)


def find(session: Session, channel: str, external_id: str) -> Contact | None:
    return session.scalar(_FIND, {"channel": channel, "external": external_id})


def of_person(session: Session, person_id: int) -> list[Contact]:
    """A person's accounts, the oldest first."""
    return list(session.scalars(select(Contact).where(Contact.person_id == person_id).order_by(Contact.id)))


def set_apart(session: Session, contact: Contact, now: datetime) -> None:
    """The account gets a person of its own."""
    person = Person(created_at=now)
    session.add(person)
    session.flush()
    contact.person_id = person.id
    session.flush()


def open_web_session(session: Session, now: datetime) -> str:
    contact = _new(session, WEB, secrets.token_urlsafe(24), now)
    return _new_token(session, contact.id, now)


def web_contact(session: Session, token: str) -> Contact | None:
    return session.scalar(select(Contact).join(WebSession).where(WebSession.token_hash == hashed(token)))


# -- codes and links ----------------------------------------------------------------------------------------------


def new_handover(session: Session, contact_id: int, now: datetime) -> str:
    """A fresh code; what was given out for this account before is void."""
    session.execute(delete(Handover).where((Handover.contact_id == contact_id) | (Handover.expires_at <= now)))
    code = f"{secrets.randbelow(1_000_000):06d}"
    while session.get(Handover, hashed(code)) is not None:
        code = f"{secrets.randbelow(1_000_000):06d}"
    keep_secret(session, code, contact_id, now)
    return code


def keep_secret(session: Session, secret: str, contact_id: int, now: datetime) -> None:
    """Note that whoever knows the secret was given it by this account; only its hash is kept."""
    session.add(Handover(code_hash=hashed(secret), contact_id=contact_id, expires_at=now + HANDOVER_LIFE))


def use_handover(session: Session, code_hash: str, now: datetime) -> int | None:
    """Use a code up: for which account it was. None when another has used it, or it has expired.

    One statement, so that of two who use it at once only one does.
    """
    used = delete(Handover).where(Handover.code_hash == code_hash, Handover.expires_at > now)
    contact_id = session.scalar(used.returning(Handover.contact_id))
    if contact_id is not None:
        session.execute(delete(Handover).where(Handover.contact_id == contact_id))
    return contact_id


def redeem_handover(session: Session, code: str, now: datetime) -> str | None:
    """A browser token for the code; the code is used up. One that another channel gave opens a web account beside it."""
    if not guesses_left(session, now):
        return None
    contact_id = use_handover(session, hashed(code.strip()), now)
    if contact_id is None:
        record_wrong_guess(session, now)
        return None
    giver = session.get_one(Contact, contact_id)
    if giver.channel == WEB:
        return _new_token(session, giver.id, now)
    beside = Contact(person_id=giver.person_id, channel=WEB, external_id=secrets.token_urlsafe(24), created_at=now)
    session.add(beside)
    session.flush()
    return _new_token(session, beside.id, now)


def guesses_left(session: Session, now: datetime) -> bool:
    """Whether codes may still be tried; wrong ones count for a while, over all accounts."""
    session.execute(delete(HandoverMiss).where(HandoverMiss.at <= now - HANDOVER_LIFE))
    return (session.scalar(select(func.count(HandoverMiss.id))) or 0) < HANDOVER_TRIES


def record_wrong_guess(session: Session, now: datetime) -> None:
    session.add(HandoverMiss(at=now))


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


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
    session.add(WebSession(token_hash=hashed(token), contact_id=contact_id, created_at=now))
    return token
