"""Staff of the bureau who work cases in chat. An account becomes one of theirs by a link that is good once, for half an
hour; nothing that is said in a chat gives a role."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, name64, row_id
from storage.contacts import Contact, hashed

ENROLMENT_LIFE = timedelta(minutes=30)
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 12


class StaffRole(StrEnum):
    """``officer`` works the cases of an office; ``leader`` also assigns, merges and hears of what is late."""

    OFFICER = "officer"
    LEADER = "leader"


class StaffMember(Base):
    """One member of staff; ``contact_id`` is the account bound to them, if one is."""

    __tablename__ = "staff"

    id: Mapped[row_id]
    name: Mapped[name64]
    office: Mapped[name64] = mapped_column(default="")
    """The office (所) or section."""
    role: Mapped[name64] = mapped_column(default=StaffRole.OFFICER)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey(Contact.id), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    away: Mapped[bool] = mapped_column(default=False)
    """On leave: no new cases."""
    created_at: Mapped[instant]


class StaffEnrolment(Base):
    """A link that binds an account to a member of staff, of which only the hash is kept."""

    __tablename__ = "staff_enrolments"

    code_hash: Mapped[name64] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey(StaffMember.id), index=True)
    expires_at: Mapped[instant] = mapped_column(index=True)


def of_contact(session: Session, contact_id: int) -> StaffMember | None:
    """The member of staff this very account is bound to; another account of the same person is not staff."""
    return session.scalar(select(StaffMember).where(StaffMember.contact_id == contact_id, StaffMember.active))


def everybody(session: Session) -> list[StaffMember]:
    return list(session.scalars(select(StaffMember).where(StaffMember.active).order_by(StaffMember.id)))


def named(session: Session, name: str) -> list[StaffMember]:
    return [m for m in everybody(session) if m.name == name]


def leaders(session: Session) -> list[StaffMember]:
    return [m for m in everybody(session) if m.role == StaffRole.LEADER]


def add(session: Session, name: str, office: str, role: StaffRole, now: datetime) -> StaffMember:
    row = StaffMember(name=name, office=office, role=role, created_at=now)
    session.add(row)
    session.flush()
    return row


def enrol(session: Session, staff_id: int, now: datetime) -> str:
    """A fresh enrolment code; earlier ones for this member are void."""
    session.execute(
        delete(StaffEnrolment).where((StaffEnrolment.staff_id == staff_id) | (StaffEnrolment.expires_at <= now))
    )
    code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))
    session.add(StaffEnrolment(code_hash=hashed(code), staff_id=staff_id, expires_at=now + ENROLMENT_LIFE))
    session.flush()
    return code


def bind(session: Session, code: str, contact_id: int, now: datetime) -> StaffMember | None:
    """Use a code up: this account is the member's from now on, and no other. None: wrong, used or expired."""
    used = delete(StaffEnrolment).where(
        StaffEnrolment.code_hash == hashed(code.upper()), StaffEnrolment.expires_at > now
    )
    staff_id = session.scalar(used.returning(StaffEnrolment.staff_id))
    member = session.get(StaffMember, staff_id) if staff_id is not None else None
    if member is None or not member.active:
        return None
    release(session, contact_id)
    member.contact_id = contact_id
    session.flush()
    return member


def release(session: Session, contact_id: int) -> None:
    """The account is nobody's of staff any more."""
    for row in session.scalars(select(StaffMember).where(StaffMember.contact_id == contact_id)).all():
        row.contact_id = None
    session.flush()


def dismiss(session: Session, member: StaffMember) -> None:
    member.active, member.contact_id = False, None
    session.execute(delete(StaffEnrolment).where(StaffEnrolment.staff_id == member.id))
    session.flush()
