"""What may be sent to a WeChat user now: the customer-message windows, and the notices they agreed to.

The platform grants 5 messages within 48 hours after a user's message, and 3 within one minute after a tap on a menu,
a scan or a follow. How overlapping grants combine is not published, so a send is counted in every open one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64
from storage.contacts import Contact

MESSAGE_WINDOW, MESSAGE_COUNT = timedelta(hours=48), 5
TAP_WINDOW, TAP_COUNT = timedelta(minutes=1), 3


class CustomerWindow(Base):
    __tablename__ = "customer_windows"

    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), primary_key=True)
    message_at: Mapped[datetime | None] = mapped_column(Instant)
    message_used: Mapped[int] = mapped_column(default=0)
    tap_at: Mapped[datetime | None] = mapped_column(Instant)
    tap_used: Mapped[int] = mapped_column(default=0)


class Consent(Base):
    """A user's leave to be sent one notice template: a number of times, or for good (``standing``)."""

    __tablename__ = "consents"

    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), primary_key=True)
    template_id: Mapped[name64] = mapped_column(primary_key=True)
    left: Mapped[int] = mapped_column(default=0)
    standing: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[instant]


def note_message(session: Session, contact_id: int, at: datetime) -> None:
    """The user wrote; the same message delivered again opens nothing."""
    row = _window(session, contact_id)
    if row.message_at is None or row.message_at < at:
        row.message_at, row.message_used = at, 0


def note_tap(session: Session, contact_id: int, at: datetime) -> None:
    """The user tapped a menu or an offered line, scanned a code, or followed."""
    row = _window(session, contact_id)
    if row.tap_at is None or row.tap_at < at:
        row.tap_at, row.tap_used = at, 0


def take(session: Session, contact_id: int, now: datetime) -> bool:
    """Use one customer message if a window allows it; whether it does."""
    row = _window(session, contact_id)
    message = row.message_at is not None and now - row.message_at < MESSAGE_WINDOW
    tap = row.tap_at is not None and now - row.tap_at < TAP_WINDOW
    allowed = (message and row.message_used < MESSAGE_COUNT) or (tap and row.tap_used < TAP_COUNT)
    if allowed:
        row.message_used += message
        row.tap_used += tap
    return allowed


def give_back(session: Session, contact_id: int) -> None:
    """The platform did not take the message after all."""
    row = _window(session, contact_id)
    row.message_used, row.tap_used = max(row.message_used - 1, 0), max(row.tap_used - 1, 0)


def exhaust(session: Session, contact_id: int) -> None:
    """The platform says that nothing more may be sent until the user does something."""
    row = _window(session, contact_id)
    row.message_used, row.tap_used = MESSAGE_COUNT, TAP_COUNT


def consent(session: Session, contact_id: int, template_id: str, now: datetime, *, standing: bool) -> None:
    """The user agreed: to one notice more, or to all of this kind."""
    row = _consent(session, contact_id, template_id, now)
    row.standing = row.standing or standing
    row.left += not standing
    row.changed_at = now


def withdraw(session: Session, contact_id: int, template_id: str, now: datetime) -> None:
    """The user refused, switched it off, or the platform says that no leave is left."""
    row = _consent(session, contact_id, template_id, now)
    row.left, row.standing, row.changed_at = 0, False, now


def spend(session: Session, contact_id: int, template_id: str) -> bool:
    """Use one leave; whether there was one."""
    row = session.scalar(
        select(Consent).where(Consent.contact_id == contact_id, Consent.template_id == template_id).with_for_update()
    )
    if row is None or not (row.standing or row.left):
        return False
    row.left = row.left if row.standing else row.left - 1
    return True


def _window(session: Session, contact_id: int) -> CustomerWindow:
    row = session.scalar(select(CustomerWindow).where(CustomerWindow.contact_id == contact_id).with_for_update())
    if row is None:
        row = CustomerWindow(contact_id=contact_id, message_used=0, tap_used=0)
        session.add(row)
        session.flush()
    return row


def _consent(session: Session, contact_id: int, template_id: str, now: datetime) -> Consent:
    row = session.get(Consent, (contact_id, template_id), with_for_update=True)
    if row is None:
        row = Consent(contact_id=contact_id, template_id=template_id, left=0, standing=False, changed_at=now)
        session.add(row)
        session.flush()
    return row
