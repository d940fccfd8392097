"""Questions handed to people, what the bot could not answer, and what readers thought of its answers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, long_text, name64, row_id
from storage.contacts import Contact


class ConsultState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class Consult(Base):
    """A question for a person at the bureau, with its number and the time promised for the answer."""

    __tablename__ = "consults"
    __table_args__ = (UniqueConstraint("number"), Index("ix_consults_state_promised_at", "state", "promised_at"))

    id: Mapped[row_id]
    number: Mapped[name64]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), index=True)
    question: Mapped[long_text]
    files: Mapped[list[str]] = mapped_column(JSON, default=list)
    state: Mapped[name64] = mapped_column(default=ConsultState.OPEN)
    promised_at: Mapped[instant]
    created_at: Mapped[instant]


class Counter(Base):
    """The last number given out of a yearly or daily series; the row lock keeps the series without gaps or twins."""

    __tablename__ = "counters"

    name: Mapped[name64] = mapped_column(primary_key=True)
    value: Mapped[int]


class Miss(Base):
    """A question the bot had no answer for, kept for the weekly list."""

    __tablename__ = "misses"
    __table_args__ = (Index("ix_misses_at", "at"),)

    id: Mapped[row_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    query: Mapped[str] = mapped_column(String(256))
    decision: Mapped[name64]
    at: Mapped[instant]


class Feedback(Base):
    """👍 or 👎 on one answer."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("contact_id", "answer_id"),)

    id: Mapped[row_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    answer_id: Mapped[name64]
    entry: Mapped[name64]
    query: Mapped[str] = mapped_column(String(256))
    helpful: Mapped[bool]
    at: Mapped[instant]


def open_consult(
    session: Session, contact_id: int, question: str, today: date, now: datetime, promised_at: datetime
) -> Consult:
    """Record a question; its number is ``RG-YYMMDD-NNNN``, the day being the bureau's own."""
    number = f"RG-{today:%y%m%d}-{next_number(session, f'consult:{today:%Y%m%d}'):04d}"
    row = Consult(
        number=number,
        contact_id=contact_id,
        question=question,
        files=[],
        promised_at=promised_at,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def latest_open(session: Session, person_id: int) -> Consult | None:
    return session.scalar(
        select(Consult)
        .join(Contact)
        .where(Contact.person_id == person_id, Consult.state == ConsultState.OPEN)
        .order_by(Consult.id.desc())
        .limit(1)
    )


def open_consults(session: Session, limit: int = 200) -> list[Consult]:
    """What still waits for an answer, the earliest promise first."""
    return list(
        session.scalars(
            select(Consult)
            .where(Consult.state == ConsultState.OPEN)
            .order_by(Consult.promised_at, Consult.id)
            .limit(limit)
        )
    )


def by_number(session: Session, number: str) -> Consult | None:
    return session.scalar(select(Consult).where(Consult.number == number).with_for_update())


def find_consult(session: Session, person_id: int, number: str) -> Consult | None:
    """A person's own consult; it may have been asked on any of their channels."""
    own = select(Consult).join(Contact).where(Contact.person_id == person_id, Consult.number == number)
    return session.scalar(own)


def record_miss(session: Session, contact_id: int, query: str, decision: str, now: datetime) -> None:
    session.add(Miss(contact_id=contact_id, query=query[:256], decision=decision, at=now))


def record_feedback(
    session: Session, contact_id: int, answer_id: str, entry: str, query: str, now: datetime, *, helpful: bool
) -> None:
    """The last opinion on an answer counts; the same tap twice changes nothing."""
    row = session.scalar(select(Feedback).where(Feedback.contact_id == contact_id, Feedback.answer_id == answer_id))
    if row is None:
        row = Feedback(
            contact_id=contact_id, answer_id=answer_id, entry=entry, query=query[:256], helpful=helpful, at=now
        )
        session.add(row)
    row.helpful, row.at = helpful, now


def next_number(session: Session, name: str) -> int:
    """The next number of a series, from 1."""
    row = session.scalar(select(Counter).where(Counter.name == name).with_for_update())
    if row is None:
        row = Counter(name=name, value=0)
        session.add(row)
    row.value += 1
    session.flush()
    return row.value
