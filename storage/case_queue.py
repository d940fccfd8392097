"""What waits for whom: cases of an officer with the term that ends first, and what their reporters wrote last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.case_clocks import LIVE, CaseClock
from storage.cases import OPEN, Case, CaseEvent

ANSWERED = "case.answered"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open case with the last day of its term that ends first (None: no term runs), and whether its reporter or the
    merchant had the last word."""

    case: Case
    due_on: date | None
    unread: bool


def waiting(session: Session, officer_id: int | None = None, *, everybody: bool = False) -> list[Waiting]:
    """Open cases of an officer (None: of nobody yet), what ends first at the head; ``everybody``: all of them."""
    first = (
        select(CaseClock.case_id, func.min(CaseClock.due_on).label("due_on"))
        .where(CaseClock.state.in_(LIVE))
        .group_by(CaseClock.case_id)
        .subquery()
    )
    found = select(Case, first.c.due_on).outerjoin(first, first.c.case_id == Case.id)
    found = found.where(Case.state.in_(OPEN), Case.main_id.is_(None))
    if not everybody:
        found = found.where(Case.officer_id.is_(None) if officer_id is None else Case.officer_id == officer_id)
    rows = session.execute(found.order_by(first.c.due_on.is_(None), first.c.due_on, Case.id)).all()
    unread = unread_of(session, [case.id for case, _ in rows])
    return [Waiting(case, due_on, case.id in unread) for case, due_on in rows]


def unread_of(session: Session, case_ids: Sequence[int]) -> set[int]:
    """Of these cases those in which the other side had the last word."""
    last = select(func.max(CaseEvent.id)).where(CaseEvent.case_id.in_(case_ids), CaseEvent.actor != "system")
    found = select(CaseEvent.case_id).where(
        CaseEvent.id.in_(last.group_by(CaseEvent.case_id)),
        CaseEvent.action.in_((ANSWERED, "merchant.answered", "merchant.offered", "case.reopened")),
    )
    return set(session.scalars(found))
