"""Accounts joined to one person, by a code or a link that one of them was given, and parted again.

A **giver** is the account that got the code; the **taker** uses it and comes over to the giver's person.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from storage import closing, contacts, dialogues, wakeup
from storage.consults import Consult
from storage.contacts import Contact, Handover, Person
from storage.dialogues import Dialogue, InboxMessage
from storage.erasure import ERASED
from storage.links import FileLink
from storage.media import MediaFile
from storage.outbox import UNDELIVERED, OutboxRow, SendState
from storage.tasks import Task

LINK_BYTES = 16
"""Of chance in a link: too many to be guessed, so wrong ones need not be counted."""
CODE_LENGTH = 6


class Refusal(StrEnum):
    """Why a code is of no use. A used one cannot be told from a wrong one: nothing is kept of it."""

    WRONG = "wrong"
    EXPIRED = "expired"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class Found:
    """A code that is good; ``key`` stands for it from here on, so that it need not be kept itself."""

    key: str
    giver: Contact


_HEARD = (
    select(Contact.person_id, InboxMessage)
    .outerjoin(InboxMessage, and_(InboxMessage.contact_id == Contact.id, InboxMessage.key == bindparam("key")))
    .where(Contact.id == bindparam("contact"), Contact.unreachable != ERASED)
)


def heard(session: Session, contact_id: int, key: str) -> tuple[int, InboxMessage | None] | None:
    """Whose the account is by now, and the message if it was heard before: one question for both.

    None: the account was erased.
    """
    found = session.execute(_HEARD, {"contact": contact_id, "key": key}).one_or_none()
    return (found[0], found[1]) if found is not None else None


# -- joining ------------------------------------------------------------------------------------------------------


def new_link(session: Session, contact_id: int, now: datetime) -> str:
    """A token for a link, of base64url characters, beside the newest code of the account; using either voids both."""
    token = secrets.token_urlsafe(LINK_BYTES)
    contacts.keep_secret(session, token, contact_id, now)
    return token


def has_code(session: Session, contact_id: int, now: datetime) -> bool:
    """Whether a code was given to this account that could still be used."""
    live = select(Handover.code_hash).where(Handover.contact_id == contact_id, Handover.expires_at > now)
    return session.scalar(live.limit(1)) is not None


def look(session: Session, secret: str, now: datetime) -> Found | Refusal:
    """Whose code or token this is; nothing is used up yet. Only codes can be guessed, and wrong ones are counted."""
    is_code = len(secret) == CODE_LENGTH
    if is_code and not contacts.guesses_left(session, now):
        return Refusal.TOO_MANY
    row = session.get(Handover, contacts.hashed(secret))
    if row is not None and row.expires_at > now:
        return Found(row.code_hash, session.get_one(Contact, row.contact_id))
    if is_code:
        contacts.record_wrong_guess(session, now)
    return Refusal.EXPIRED if row is not None else Refusal.WRONG


def look_again(session: Session, key: str, now: datetime) -> Contact | None:
    """The giver of a code that was looked at before, unless it was used or has run out since."""
    row = session.get(Handover, key)
    return session.get_one(Contact, row.contact_id) if row is not None and row.expires_at > now else None


def lock_also(session: Session, giver: Contact, held: int, now: datetime) -> Dialogue | None:
    """The giver's dialogue, locked beside that of person ``held``; None when somebody else is at it right now.

    Locks are waited for only in the order of persons: two accounts that join each other do not wait in a circle.
    """
    if giver.person_id > held or session.get_bind().dialect.name == "sqlite":
        row: Dialogue | None = dialogues.lock(session, giver.person_id, now)
    else:
        free = select(Dialogue).where(Dialogue.person_id == giver.person_id).with_for_update(skip_locked=True)
        row = session.scalar(free)
    still = session.scalar(select(Contact.person_id).where(Contact.id == giver.id))
    return row if row is not None and row.person_id == still else None


def come_over(session: Session, taker: Contact, person_id: int) -> None:
    """Make the account that person's; the person it leaves goes when nobody else is left there."""
    left, taker.person_id = taker.person_id, person_id
    session.execute(delete(Handover).where(Handover.contact_id == taker.id))
    session.flush()
    if session.scalar(select(func.count(Contact.id)).where(Contact.person_id == left)) == 0:
        closing.person_becomes(session, left, person_id)
        session.execute(delete(Dialogue).where(Dialogue.person_id == left))
        session.execute(delete(Person).where(Person.id == left))


# -- parting ------------------------------------------------------------------------------------------------------


def part(session: Session, stays: Contact, leaves: Contact, now: datetime) -> None:
    """The leaving account becomes somebody new with nothing to their name: all cases are the staying one's."""
    for table in (Consult, MediaFile, Task, FileLink):
        session.execute(update(table).where(table.contact_id == leaves.id).values(contact_id=stays.id))
    session.execute(delete(Handover).where(Handover.contact_id == leaves.id))
    _redirect(session, stays, leaves, now)
    contacts.set_apart(session, leaves, now)


def _redirect(session: Session, stays: Contact, leaves: Contact, now: datetime) -> None:
    """What staff answered and the leaving account was not shown yet goes where the cases are."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.contact_id == leaves.id, OutboxRow.kind != "reply", OutboxRow.state.in_(UNDELIVERED))
        .values(contact_id=stays.id, channel=stays.channel, state=SendState.TODO, due_at=now)
    )
    wakeup.notify(session)


# -- reaching -----------------------------------------------------------------------------------------------------


def reachable(session: Session, contact: Contact) -> Contact:
    """The account itself, or the person's latest other one when nothing can be sent to it."""
    if not contact.unreachable:
        return contact
    others = contacts.of_person(session, contact.person_id)
    return next((other for other in reversed(others) if not other.unreachable), contact)
