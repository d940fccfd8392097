"""Shops, who belongs to them in which role, and the one-use codes by which members are invited.

Every question about a shop goes through its members: what is not one's own is not found.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, name64, row_id
from storage.contacts import Contact, Person, hashed

INVITE_LIFE = timedelta(hours=24)
INVITE_LENGTH = 8
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without what is read for something else: 0 and O, 1, I and L."""
_CODED = text("credit_code <> ''")
_FED = text("feed_hash <> ''")


class Role(StrEnum):
    """What a member may do; each may do what the next one may, and more.

    The owner (店主) hands over and closes; a manager (店长) also invites; a clerk (店员) adds and changes instruments;
    a viewer (只看) looks.
    """

    OWNER = "owner"
    MANAGER = "manager"
    CLERK = "clerk"
    VIEWER = "viewer"

    def covers(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) <= order.index(other)


class Shop(Base):
    """A business and where it is. ``credit_code`` is its 统一社会信用代码, empty when it gave none; ``region`` the six
    digits of its registration's region, ``sector`` a trade's id. The phone is sealed."""

    __tablename__ = "shops"
    __table_args__ = (
        Index("uq_shops_credit_code", "credit_code", unique=True, sqlite_where=_CODED, postgresql_where=_CODED),
        Index("uq_shops_feed_hash", "feed_hash", unique=True, sqlite_where=_FED, postgresql_where=_FED),
    )

    id: Mapped[row_id]
    name: Mapped[name64]
    credit_code: Mapped[str] = mapped_column(String(18), default="")
    region: Mapped[str] = mapped_column(String(6), default="")
    district: Mapped[name64] = mapped_column(default="")
    sector: Mapped[name64] = mapped_column(default="")
    address: Mapped[str] = mapped_column(String(128), default="")
    phone: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    feed_hash: Mapped[name64] = mapped_column(default="")
    """Of the calendar feed's token; empty: no feed."""
    feed_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[instant]


class Member(Base):
    """One person in one shop. The shop used last is the one a person means when they name none."""

    __tablename__ = "shop_members"
    __table_args__ = (UniqueConstraint("shop_id", "person_id"), Index("ix_shop_members_person_id", "person_id"))

    id: Mapped[row_id]
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    role: Mapped[name64]
    notified: Mapped[bool]
    """Whether reminders go to this member."""
    joined_at: Mapped[instant]
    used_at: Mapped[instant]


class Invite(Base):
    """An invitation to a shop, by a code of which only the hash is kept."""

    __tablename__ = "shop_invites"

    code_hash: Mapped[name64] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id), index=True)
    role: Mapped[name64]
    expires_at: Mapped[instant] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Membership:
    """A shop with a person's place in it."""

    shop: Shop
    member: Member

    @property
    def role(self) -> Role:
        return Role(self.member.role)


# -- finding ------------------------------------------------------------------------------------------------------


def of_person(session: Session, person_id: int) -> list[Membership]:
    """A person's shops, the one used last first."""
    rows = session.execute(
        select(Shop, Member)
        .join(Member)
        .where(Member.person_id == person_id)
        .order_by(Member.used_at.desc(), Member.id.desc())
    )
    return [Membership(shop, member) for shop, member in rows]


def membership(session: Session, person_id: int, shop_id: int) -> Membership | None:
    """A person's place in a shop; None when there is no such shop or they do not belong to it."""
    row = session.execute(
        select(Shop, Member).join(Member).where(Member.person_id == person_id, Shop.id == shop_id)
    ).one_or_none()
    return Membership(*row) if row else None


def by_credit_code(session: Session, code: str) -> Shop | None:
    return session.scalar(select(Shop).where(Shop.credit_code == code)) if code else None


def by_feed(session: Session, token: str) -> Shop | None:
    return session.scalar(select(Shop).where(Shop.feed_hash == hashed(token))) if token else None


def members(session: Session, shop_id: int) -> list[Member]:
    """All members, the owner first, then by how long they have been there."""
    rows = list(session.scalars(select(Member).where(Member.shop_id == shop_id).order_by(Member.id)))
    return sorted(rows, key=lambda m: list(Role).index(Role(m.role)))


def to_remind(session: Session, shop_ids: Sequence[int]) -> dict[int, list[int]]:
    """By shop, the account through which each member who wants reminders is written to: their latest reachable one."""
    rows = session.execute(
        select(Member.shop_id, Member.person_id, Contact.id, Contact.unreachable)
        .join(Contact, Contact.person_id == Member.person_id)
        .where(Member.shop_id.in_(shop_ids), Member.notified)
        .order_by(Member.shop_id, Member.id, Contact.id)
    )
    best: dict[tuple[int, int], tuple[bool, int]] = {}
    for shop_id, person_id, contact_id, unreachable in rows:
        best[shop_id, person_id] = max(best.get((shop_id, person_id), (False, 0)), (not unreachable, contact_id))
    found: dict[int, list[int]] = {}
    for (shop_id, _), (_, contact_id) in best.items():
        found.setdefault(shop_id, []).append(contact_id)
    return found


# -- founding, joining, leaving -----------------------------------------------------------------------------------


def found(session: Session, shop: Shop, person_id: int, now: datetime) -> Membership:
    """A new shop with its owner."""
    session.add(shop)
    session.flush()
    return _join(session, shop, person_id, Role.OWNER, now)


def use(session: Session, member: Member, now: datetime) -> None:
    """From here on this is the shop the person means."""
    member.used_at = now
    session.flush()


def invite(session: Session, shop_id: int, role: Role, now: datetime) -> str:
    """A code for one new member, good for ``INVITE_LIFE``."""
    session.execute(delete(Invite).where(Invite.expires_at <= now))
    code = "".join(secrets.choice(_LETTERS) for _ in range(INVITE_LENGTH))
    session.add(Invite(code_hash=hashed(code), shop_id=shop_id, role=role, expires_at=now + INVITE_LIFE))
    session.flush()
    return code


def accept(session: Session, code: str, person_id: int, now: datetime) -> Membership | None:
    """Join by a code, which is used up by it; None when it is wrong, used or expired.

    Who belongs to the shop already keeps the higher of both roles.
    """
    used = delete(Invite).where(Invite.code_hash == hashed(code.upper()), Invite.expires_at > now)
    row = session.execute(used.returning(Invite.shop_id, Invite.role)).one_or_none()
    if row is None:
        return None
    shop_id, role = row[0], Role(row[1])
    there = membership(session, person_id, shop_id)
    if there is None:
        return _join(session, session.get_one(Shop, shop_id), person_id, role, now)
    if not there.role.covers(role):
        there.member.role = role
    use(session, there.member, now)
    return there


def leave(session: Session, member: Member) -> None:
    """Take a member out; the calendar's link is void with it. That an owner hands over first is the caller's care."""
    shop = session.get_one(Shop, member.shop_id)
    shop.feed_hash, shop.feed_version = "", shop.feed_version + 1
    session.delete(member)
    session.flush()


def hand_over(session: Session, owner: Member, heir: Member) -> None:
    """Make another member the owner; the old one stays as manager."""
    owner.role, heir.role, heir.notified = Role.MANAGER, Role.OWNER, True
    session.flush()


def merge_person(session: Session, left: int, into: int) -> None:
    """Two persons turned out to be one: the places of the first are the second's now, the higher role holds."""
    there = {m.shop_id: m for m in session.scalars(select(Member).where(Member.person_id == into))}
    for row in session.scalars(select(Member).where(Member.person_id == left)).all():
        other = there.get(row.shop_id)
        if other is None:
            row.person_id = into
            continue
        if Role(row.role).covers(Role(other.role)):
            other.role = row.role
        session.delete(row)
    session.flush()


def count_members(session: Session, shop_id: int) -> int:
    return session.scalar(select(func.count(Member.id)).where(Member.shop_id == shop_id)) or 0


def _join(session: Session, shop: Shop, person_id: int, role: Role, now: datetime) -> Membership:
    wants = role.covers(Role.MANAGER)
    member = Member(shop_id=shop.id, person_id=person_id, role=role, notified=wants, joined_at=now, used_at=now)
    session.add(member)
    session.flush()
    return Membership(shop, member)
