"""A shop closed, and what becomes of shops when a person goes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from storage import cases, ledger, pledges, reminders, shops
from storage.ledger import LedgerEvent
from storage.shops import Invite, Member, Membership, Role, Shop


def close(session: Session, shop_id: int, now: datetime) -> None:
    """The shop with its ledger, all that was told of it, its members and invitations: gone.

    A shop that has pledged in public, or whose stall cases were about, leaves its name behind: whoever scans the card on
    its wall must learn that the pledge has ended, and a record is not wiped out by closing and opening again.
    """
    reminders.drop_shop(session, shop_id)
    ledger.drop_shop(session, shop_id)
    for table in (Member, Invite):
        session.execute(delete(table).where(table.shop_id == shop_id))
    if pledges.end_all(session, shop_id, now) or cases.has_stall(session, shop_id):
        shop = session.get_one(Shop, shop_id)
        shop.phone, shop.feed_hash, shop.address = b"", "", ""
    else:
        session.execute(delete(Shop).where(Shop.id == shop_id))


def person_leaves(session: Session, person_id: int, now: datetime, *, close_own: bool) -> None:
    """A person who is being forgotten leaves every shop.

    Where others are left, one of them is the owner from now on. A shop of theirs alone is closed when they asked for
    it (``close_own``); else its ledger stays, nobody's, until staff invite its owner again.
    """
    session.execute(update(LedgerEvent).where(LedgerEvent.person_id == person_id).values(person_id=None))
    for place in shops.of_person(session, person_id):
        _leaves(session, place, now, close_own=close_own)
    session.flush()


def person_becomes(session: Session, left: int, into: int) -> None:
    """Two persons turned out to be one."""
    shops.merge_person(session, left, into)
    session.execute(update(LedgerEvent).where(LedgerEvent.person_id == left).values(person_id=into))


def _leaves(session: Session, place: Membership, now: datetime, *, close_own: bool) -> None:
    others = [m for m in shops.members(session, place.shop.id) if m.id != place.member.id]
    if not others and close_own:
        close(session, place.shop.id, now)
        return
    if not others:
        place.shop.phone = b""
        place.shop.feed_hash = ""
    elif place.role is Role.OWNER:
        shops.hand_over(session, place.member, others[0])
    shops.leave(session, place.member)
