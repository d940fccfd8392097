"""Shops with instruments, as the ledger's tests begin with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from handlers.ledger.keeping import keep
from handlers.talk import Bench
from knowledge.records import InstrumentRecord
from storage import contacts, shops
from storage.database import Session
from storage.ledger import LedgerItem
from storage.shops import Shop

SCALE, GAUGE, METER, THERMOMETER = (
    "electronic-price-scale",
    "pressure-gauge-safety",
    "water-meter-small",
    "glass-thermometer",
)


def shop(session: Session, now: datetime, who: str = "wang", name: str = "鲜达超市", channel: str = "terminal") -> Shop:
    """A shop with its owner, who is reached as ``who`` on a channel."""
    owner = contacts.get_or_create(session, channel, who, now)
    return shops.found(session, Shop(name=name, created_at=now), owner.person_id, now).shop


def add(
    bench: Bench,
    session: Session,
    shop_id: int,
    due_on: date | None,
    now: datetime,
    serials: Sequence[str] = (),
    kind: str = SCALE,
    verified_on: date | None = None,
) -> list[LedgerItem]:
    """Instruments of a kind in a shop's ledger."""
    thing = bench.library.instruments[kind]
    record = InstrumentRecord(
        kind=kind, name=thing.name, count=max(1, len(serials)), verified_on=verified_on, due_on=due_on
    )
    return list(keep(bench, session, shop_id, None, record, serials, now).items)
