"""Cases that may be about the same stall: coarse keys to find candidates by, suggestions, and what staff made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Float, ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, name64, row_id
from storage.cases import Case, Stall
from storage.staff import StaffMember


class Decision(StrEnum):
    """What staff said: ``merged`` (worked as one), ``linked`` (the same stall, worked apart), ``different``."""

    OPEN = "open"
    MERGED = "merged"
    LINKED = "linked"
    DIFFERENT = "different"


class CaseKey(Base):
    """One coarse key of where a case happened."""

    __tablename__ = "case_keys"
    __table_args__ = (UniqueConstraint("case_id", "key"), Index("ix_case_keys_key", "key"))

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    key: Mapped[str] = mapped_column(String(128))


class CaseLikeness(Base):
    """A suggestion that a case is about the same stall as an earlier one, and the decision on it."""

    __tablename__ = "case_likenesses"
    __table_args__ = (UniqueConstraint("case_id", "other_id"), Index("ix_case_likenesses_other_id", "other_id"))

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    other_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    score: Mapped[float] = mapped_column(Float)
    reasons: Mapped[list[str]] = mapped_column(JSON)
    decision: Mapped[name64] = mapped_column(default=Decision.OPEN)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey(StaffMember.id))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)


def keep_keys(session: Session, case_id: int, keys: Sequence[str]) -> None:
    session.add_all(CaseKey(case_id=case_id, key=key[:128]) for key in dict.fromkeys(keys))
    session.flush()


def candidates(session: Session, case_id: int, keys: Sequence[str], limit: int = 50) -> list[Case]:
    """Earlier cases that share a key: those that share most first, then the newest."""
    shared = (
        select(CaseKey.case_id, func.count().label("common"))
        .where(CaseKey.key.in_([k[:128] for k in keys]), CaseKey.case_id != case_id)
        .group_by(CaseKey.case_id)
        .subquery()
    )
    found = select(Case).join(shared, shared.c.case_id == Case.id)
    return list(session.scalars(found.order_by(shared.c.common.desc(), Case.id.desc()).limit(limit)))


def suggest(session: Session, case_id: int, other_id: int, score: float, reasons: Sequence[str]) -> None:
    session.add(CaseLikeness(case_id=case_id, other_id=other_id, score=score, reasons=list(reasons)))
    session.flush()


def suggestions(session: Session, case_id: int) -> list[tuple[CaseLikeness, Case]]:
    """What still waits for a decision, the likest first."""
    found = select(CaseLikeness, Case).join(Case, Case.id == CaseLikeness.other_id)
    rows = session.execute(
        found.where(CaseLikeness.case_id == case_id, CaseLikeness.decision == Decision.OPEN).order_by(
            CaseLikeness.score.desc(), CaseLikeness.id
        )
    )
    return [(row[0], row[1]) for row in rows]


def decided(session: Session, case_id: int, other_id: int) -> CaseLikeness | None:
    return session.scalar(
        select(CaseLikeness).where(CaseLikeness.case_id == case_id, CaseLikeness.other_id == other_id).with_for_update()
    )


def same_stall(session: Session, case: Case, other: Case, now: datetime) -> Stall:
    """Both cases are about one stall from now on; two stalls become one."""
    stall = _stall_of(session, other) or _stall_of(session, case)
    if stall is None:
        name = " ".join(part for part in (other.market, other.stall_no, other.shop) if part) or other.place
        stall = Stall(name=name[:128], created_at=now)
        session.add(stall)
        session.flush()
    if case.stall_id is not None and case.stall_id != stall.id:
        for row in session.scalars(select(Case).where(Case.stall_id == case.stall_id)).all():
            row.stall_id = stall.id
    case.stall_id = other.stall_id = stall.id
    session.flush()
    return stall


def history(session: Session, stall_id: int, since: date) -> tuple[int, int]:
    """Of one stall since a day: how many cases came in, how many confirmed a violation."""
    row = session.execute(
        select(func.count(), func.count().filter(Case.confirmed)).where(
            Case.stall_id == stall_id, Case.received_on >= since
        )
    ).one()
    return int(row[0]), int(row[1])


def confirmed_at_shop(session: Session, shop_id: int, since: date) -> int:
    """Violations confirmed since a day in cases whose stall is known to be this shop."""
    found = select(func.count(Case.id)).join(Stall, Stall.id == Case.stall_id)
    return (
        session.scalar(
            found.where(Stall.shop_id == shop_id, Case.confirmed, Case.ended_on >= since, Case.main_id.is_(None))
        )
        or 0
    )


def _stall_of(session: Session, case: Case) -> Stall | None:
    return session.get(Stall, case.stall_id) if case.stall_id is not None else None
