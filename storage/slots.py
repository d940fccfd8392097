"""Which tick of which job has been taken: any number of clocks may run, each tick is worked once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, name64


class JobSlot(Base):
    __tablename__ = "job_slots"

    job: Mapped[name64] = mapped_column(primary_key=True)
    slot: Mapped[name64] = mapped_column(primary_key=True)
    taken_at: Mapped[instant] = mapped_column(index=True)


def claim(session: Session, job: str, slot: str, now: datetime) -> bool:
    """True for exactly one caller per (job, slot)."""
    try:
        with session.begin_nested():
            session.add(JobSlot(job=job, slot=slot, taken_at=now))
    except IntegrityError:
        return False
    return True


def taken(session: Session, job: str, slot: str) -> bool:
    return session.get(JobSlot, (job, slot)) is not None


def forget(session: Session, before: datetime) -> None:
    session.execute(delete(JobSlot).where(JobSlot.taken_at < before))


def release(session: Session, job: str, slot: str) -> None:
    """Give a slot back whose work failed, so that the next tick or start takes it up again."""
    session.execute(delete(JobSlot).where(JobSlot.job == job, JobSlot.slot == slot))
