"""The terms that run in a case: one row a term, found by the next day on which somebody is to be told of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, name64, row_id
from storage.cases import Case

_TOLD_SQL = text("remind_on IS NOT NULL")
_PROVISIONAL_SQL = text("provisional")


class ClockState(StrEnum):
    """running ⇄ paused; either → met (in time or late, by ``ended_on``) or void (no longer asked for)."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    VOID = "void"


class CaseClock(Base):
    """One term of one case. ``rule`` is its id in the deadline data, ``due_on`` its last day."""

    __tablename__ = "case_clocks"
    __table_args__ = (
        Index("ix_case_clocks_case_id", "case_id", "id"),
        Index("ix_case_clocks_remind_on", "remind_on", "id", sqlite_where=_TOLD_SQL, postgresql_where=_TOLD_SQL),
        Index("ix_case_clocks_provisional", "id", sqlite_where=_PROVISIONAL_SQL, postgresql_where=_PROVISIONAL_SQL),
    )

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    rule: Mapped[name64]
    started_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    provisional: Mapped[bool] = mapped_column(default=False)
    extended: Mapped[bool] = mapped_column(default=False)
    state: Mapped[name64] = mapped_column(default=ClockState.RUNNING)
    ended_on: Mapped[date | None] = mapped_column(Date)
    remind_on: Mapped[date | None] = mapped_column(Date)
    """The next day on which its officer is told; None: nothing more is to be told."""
    told: Mapped[name64] = mapped_column(default="")
    """The last mark told: ``T-2``, ``T-1``, ``T0`` or ``late``."""


class CasePause(Base):
    """Days that do not count, with the reason's id in the casebook. ``last`` None: it still stands still."""

    __tablename__ = "case_pauses"

    id: Mapped[row_id]
    clock_id: Mapped[int] = mapped_column(ForeignKey(CaseClock.id), index=True)
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[name64]
    note: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(Instant)


LIVE = (ClockState.RUNNING, ClockState.PAUSED)


def of_case(session: Session, case_id: int) -> list[CaseClock]:
    return list(session.scalars(select(CaseClock).where(CaseClock.case_id == case_id).order_by(CaseClock.id)))


def live(session: Session, case_id: int, rule: str = "") -> list[CaseClock]:
    """The terms that still run or stand still, the one due first at the head."""
    rows = [c for c in of_case(session, case_id) if c.state in LIVE and rule in ("", c.rule)]
    return sorted(rows, key=lambda c: (c.due_on, c.id))


def pauses(session: Session, clock_id: int) -> list[CasePause]:
    return list(session.scalars(select(CasePause).where(CasePause.clock_id == clock_id).order_by(CasePause.id)))


def due(session: Session, today: date, limit: int) -> list[CaseClock]:
    """Terms of which somebody is to be told today, locked; what another worker holds is left to it."""
    found = select(CaseClock).where(CaseClock.remind_on.is_not(None), CaseClock.remind_on <= today)
    rows = found.order_by(CaseClock.remind_on, CaseClock.id).limit(limit).with_for_update(skip_locked=True)
    return list(session.scalars(rows))


def provisional(session: Session, after: int, limit: int) -> list[CaseClock]:
    """Terms whose last day rests on a year without a holiday notice."""
    found = select(CaseClock).where(CaseClock.provisional, CaseClock.id > after)
    return list(session.scalars(found.order_by(CaseClock.id).limit(limit).with_for_update(skip_locked=True)))
