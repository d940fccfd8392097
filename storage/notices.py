"""Notices to merchants: which shop is meant, which stall it is, and which cases a shop was told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.cases import OPEN, Case, CaseEvent, Stall
from storage.shops import Shop

NOTIFIED = "merchant.notified"


class OtherShopError(ValueError):
    """The stall of the case is known to be another shop's."""


def shops_called(session: Session, name: str, limit: int = 9) -> list[Shop]:
    """Shops of that very name, else those in whose name it stands."""
    exact = list(session.scalars(select(Shop).where(Shop.name == name).order_by(Shop.id).limit(limit)))
    if exact or len(name) < 2:
        return exact
    within = select(Shop).where(Shop.name.contains(name, autoescape=True))
    return list(session.scalars(within.order_by(Shop.id).limit(limit)))


def set_shop(session: Session, case: Case, shop: Shop, now: datetime) -> Stall:
    """Staff say that the case is about this shop; ``OtherShopError`` when they said another one before."""
    stall = session.get(Stall, case.stall_id) if case.stall_id is not None else None
    if stall is None:
        stall = Stall(name=shop.name, shop_id=shop.id, created_at=now)
        session.add(stall)
        session.flush()
        case.stall_id = stall.id
    if stall.shop_id not in (None, shop.id):
        raise OtherShopError
    stall.shop_id = shop.id
    session.flush()
    return stall


def shop_told(session: Session, case_id: int) -> int | None:
    """The shop that was last told of a case; None: none was."""
    found = select(CaseEvent).where(CaseEvent.case_id == case_id, CaseEvent.action == NOTIFIED)
    event = session.scalars(found.order_by(CaseEvent.id.desc()).limit(1)).first()
    return event.detail.get("shop") if event is not None else None


def told_of(session: Session, shop_ids: Sequence[int], limit: int = 20) -> list[Case]:
    """The open cases that these shops were told of, the newest first."""
    found = select(Case).join(Stall, Stall.id == Case.stall_id).where(Stall.shop_id.in_(shop_ids), Case.state.in_(OPEN))
    rows = session.scalars(found.order_by(Case.id.desc()).limit(limit)).all()
    return [case for case in rows if shop_told(session, case.id) in shop_ids]
