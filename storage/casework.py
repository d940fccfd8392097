"""What the back office asks of cases beyond one case: all of a span of days, those of somebody who leaves."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.cases import OPEN, Case


def received_between(session: Session, since: date | None, until: date) -> list[Case]:
    """Cases that came in on these days, both included, in order."""
    found = select(Case).where(Case.received_on <= until)
    if since is not None:
        found = found.where(Case.received_on >= since)
    return list(session.scalars(found.order_by(Case.id)))


def hand_back(session: Session, staff_id: int) -> int:
    """Open cases of a member of staff are nobody's again; how many they were."""
    rows = session.scalars(select(Case).where(Case.officer_id == staff_id, Case.state.in_(OPEN))).all()
    for case in rows:
        case.officer_id = None
    session.flush()
    return len(rows)
