"""The ledger (台账) of a shop's measuring instruments: rows, the moves they may make, and a journal of every change."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, and_, case, delete, func, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, json_object, name64, row_id
from storage.contacts import Person
from storage.shops import Shop

_NUMBERED = text("serial_key <> ''")
_PLANNED = text("remind_on IS NOT NULL")
_PROVISIONAL = text("provisional")
FREE = "none"
"""The basis of what needs no periodic verification."""
FAR = date(9999, 12, 31)
"""Sorts what has no due date behind everything that has one."""


class ItemState(StrEnum):
    """Where an instrument stands between two verifications.

    active → booked (已预约) → submitted (已送检) → active again with the new date; from each to retired (停用), and back
    when it is taken into use again.
    """

    ACTIVE = "active"
    BOOKED = "booked"
    SUBMITTED = "submitted"
    RETIRED = "retired"


MOVES: dict[ItemState, frozenset[ItemState]] = {
    ItemState.ACTIVE: frozenset((ItemState.BOOKED, ItemState.SUBMITTED, ItemState.RETIRED)),
    ItemState.BOOKED: frozenset((ItemState.ACTIVE, ItemState.SUBMITTED, ItemState.RETIRED)),
    ItemState.SUBMITTED: frozenset((ItemState.ACTIVE, ItemState.BOOKED, ItemState.RETIRED)),
    ItemState.RETIRED: frozenset((ItemState.ACTIVE,)),
}


class MoveError(ValueError):
    """The instrument cannot go from where it is to there."""


class LedgerItem(Base):
    """One instrument, or ``count`` alike ones without numbers. ``kind`` is the id in the instrument data, ``basis`` says
    where ``due_on`` (the last valid day) comes from. ``remind_on``: the next day on which something is to be told."""

    __tablename__ = "ledger_items"
    __table_args__ = (
        Index(
            "uq_ledger_items_serial",
            "shop_id",
            "kind",
            "serial_key",
            unique=True,
            sqlite_where=_NUMBERED,
            postgresql_where=_NUMBERED,
        ),
        Index("ix_ledger_items_shop_id_due_on", "shop_id", "due_on", "id"),
        Index("ix_ledger_items_remind_on", "remind_on", "shop_id", sqlite_where=_PLANNED, postgresql_where=_PLANNED),
        Index("ix_ledger_items_provisional", "id", sqlite_where=_PROVISIONAL, postgresql_where=_PROVISIONAL),
    )

    id: Mapped[row_id]
    uid: Mapped[name64] = mapped_column(default=lambda: secrets.token_hex(16))
    """Names it outside, in calendars; never changes."""
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id))
    kind: Mapped[name64]
    name: Mapped[name64]
    model: Mapped[name64] = mapped_column(default="")
    serial: Mapped[name64] = mapped_column(default="")
    serial_key: Mapped[name64] = mapped_column(default="")
    count: Mapped[int] = mapped_column(default=1)
    maker: Mapped[str] = mapped_column(String(128), default="")
    place: Mapped[str] = mapped_column(String(128), default="")
    verified_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[name64] = mapped_column(default="")
    mandatory: Mapped[bool] = mapped_column(default=True)
    """Whether it counts among those that must be verified (应检)."""
    certificate_no: Mapped[name64] = mapped_column(default="")
    institution: Mapped[str] = mapped_column(String(128), default="")
    state: Mapped[name64] = mapped_column(default=ItemState.ACTIVE)
    remind_on: Mapped[date | None] = mapped_column(Date)
    provisional: Mapped[bool] = mapped_column(default=False)
    """``remind_on`` rests on a year whose holiday notice is not out."""
    snoozed: Mapped[bool] = mapped_column(default=False)
    """``remind_on`` is the day the owner asked to be told again, whatever stage it is."""
    told_stage: Mapped[int | None]
    """The last stage told for this due date."""
    sequence: Mapped[int] = mapped_column(default=0)
    """Goes up with every change a calendar must learn of."""
    created_at: Mapped[instant]
    updated_at: Mapped[instant]


class LedgerEvent(Base):
    """Who changed what in the ledger; the row stays when the instrument is retired."""

    __tablename__ = "ledger_events"
    __table_args__ = (Index("ix_ledger_events_item_id", "item_id", "id"),)

    id: Mapped[row_id]
    item_id: Mapped[int] = mapped_column(ForeignKey(LedgerItem.id))
    person_id: Mapped[int | None] = mapped_column(ForeignKey(Person.id), index=True)
    action: Mapped[name64]
    detail: Mapped[json_object]
    at: Mapped[instant]


class Certificate(Base):
    """A certificate that was confirmed: what was read, and the sealed original by its SHA-256."""

    __tablename__ = "certificates"

    id: Mapped[row_id]
    item_id: Mapped[int] = mapped_column(ForeignKey(LedgerItem.id), index=True)
    sha256: Mapped[name64] = mapped_column(index=True)
    media_type: Mapped[name64]
    fields: Mapped[json_object]
    confirmed_at: Mapped[instant]


# -- changing -----------------------------------------------------------------------------------------------------


def add(session: Session, item: LedgerItem, person_id: int | None, now: datetime, action: str = "added") -> LedgerItem:
    """A new row; the unique key of shop, kind and serial number is the caller's to look up first."""
    item.created_at = item.updated_at = now
    session.add(item)
    session.flush()
    note(session, item, person_id, action, dates_of(item), now)
    return item


def dates_of(item: LedgerItem) -> dict[str, Any]:
    """What the journal keeps of a row."""
    return {"verified_on": str(item.verified_on or ""), "due_on": str(item.due_on or "")}


def move(session: Session, item: LedgerItem, to: ItemState, person_id: int | None, now: datetime) -> bool:
    """Go to another state; whether it did not stand there already. ``MoveError`` when there is no such move."""
    here = ItemState(item.state)
    if here is to:
        return False
    if to not in MOVES[here]:
        raise MoveError(f"{here} -> {to}")
    item.state, item.updated_at = to, now
    note(session, item, person_id, to, {"from": here}, now)
    return True


def note(
    session: Session, item: LedgerItem, person_id: int | None, action: str, detail: dict[str, Any], now: datetime
) -> None:
    session.add(LedgerEvent(item_id=item.id, person_id=person_id, action=action, detail=detail, at=now))


def drop_shop(session: Session, shop_id: int) -> None:
    """Everything in a shop's ledger, gone."""
    own = select(LedgerItem.id).where(LedgerItem.shop_id == shop_id)
    for table in (LedgerEvent, Certificate):
        session.execute(delete(table).where(table.item_id.in_(own)))
    session.execute(delete(LedgerItem).where(LedgerItem.shop_id == shop_id))


# -- looking up ---------------------------------------------------------------------------------------------------


def item(session: Session, shop_id: int, item_id: int) -> LedgerItem | None:
    """One instrument of a shop, locked; another shop's is not found."""
    return session.scalar(
        select(LedgerItem).where(LedgerItem.id == item_id, LedgerItem.shop_id == shop_id).with_for_update()
    )


def items(session: Session, shop_id: int, ids: Sequence[int]) -> list[LedgerItem]:
    found = select(LedgerItem).where(LedgerItem.shop_id == shop_id, LedgerItem.id.in_(ids))
    return list(session.scalars(found.order_by(LedgerItem.due_on, LedgerItem.id).with_for_update()))


def by_serial(session: Session, shop_id: int, kind: str, serial_key: str) -> LedgerItem | None:
    if not serial_key:
        return None
    return session.scalar(
        select(LedgerItem).where(
            LedgerItem.shop_id == shop_id, LedgerItem.kind == kind, LedgerItem.serial_key == serial_key
        )
    )


def everything(session: Session, shop_id: int, *, retired: bool = False) -> list[LedgerItem]:
    """The whole ledger in the order of the list, for files and comparisons; a shop holds thousands at most."""
    found = select(LedgerItem).where(LedgerItem.shop_id == shop_id)
    if not retired:
        found = found.where(LedgerItem.state != ItemState.RETIRED)
    return list(session.scalars(found.order_by(_due_or_far(), LedgerItem.id)))


def page(
    session: Session, shop_id: int, limit: int, after: tuple[date, int] | None = None, *, retired: bool = False
) -> list[LedgerItem]:
    """The next rows of the list: soonest due first, what has no date last. ``after``: date and id of the last row shown."""
    wanted = LedgerItem.state == ItemState.RETIRED if retired else LedgerItem.state != ItemState.RETIRED
    found = select(LedgerItem).where(LedgerItem.shop_id == shop_id, wanted)
    if after is not None:
        due, id_ = after
        found = found.where(or_(_due_or_far() > due, and_(_due_or_far() == due, LedgerItem.id > id_)))
    return list(session.scalars(found.order_by(_due_or_far(), LedgerItem.id).limit(limit)))


def position(row: LedgerItem) -> tuple[date, int]:
    """Where a row stands in the list, for asking for the page after it."""
    return row.due_on or FAR, row.id


def search(session: Session, shop_id: int, words: str, serial_key: str, limit: int) -> list[LedgerItem]:
    """Rows whose number, name, model or place holds what was said."""
    like = [
        column.contains(words, autoescape=True)
        for column in (LedgerItem.name, LedgerItem.model, LedgerItem.place, LedgerItem.certificate_no)
    ]
    if serial_key:
        like.append(LedgerItem.serial_key.contains(serial_key, autoescape=True))
    found = select(LedgerItem).where(LedgerItem.shop_id == shop_id, or_(*like))
    return list(session.scalars(found.order_by(_due_or_far(), LedgerItem.id).limit(limit)))


@dataclass(frozen=True, slots=True)
class Summary:
    """Instruments of one shop, counted by pieces. ``must`` are those that must be verified (应检), ``valid`` those of
    them within their validity, ``overdue`` past it, ``undated`` without a date; ``soon`` falls due within the days asked
    for. ``free`` need no periodic verification; ``retired`` are out of use."""

    total: int
    must: int
    valid: int
    overdue: int
    undated: int
    soon: int
    free: int
    retired: int

    @property
    def coverage(self) -> float | None:
        """受检率: in validity ÷ must be verified, 0..1; None where nothing must."""
        return self.valid / self.must if self.must else None


def summary(session: Session, shop_id: int, today: date, soon: date) -> Summary:
    used = LedgerItem.state != ItemState.RETIRED
    free = or_(LedgerItem.mandatory.is_(False), LedgerItem.basis == FREE)
    must = and_(used, ~free)

    def pieces(*conditions: Any) -> Any:
        return func.coalesce(func.sum(case((and_(*conditions), LedgerItem.count), else_=0)), 0)

    row = session.execute(
        select(
            pieces(used),
            pieces(must),
            pieces(must, LedgerItem.due_on >= today),
            pieces(used, LedgerItem.due_on < today),
            pieces(must, LedgerItem.due_on.is_(None)),
            pieces(used, LedgerItem.due_on >= today, LedgerItem.due_on <= soon),
            pieces(used, free),
            pieces(LedgerItem.state == ItemState.RETIRED),
        ).where(LedgerItem.shop_id == shop_id)
    ).one()
    return Summary(*(int(value) for value in row))


def by_state(session: Session, shop_id: int, states: Sequence[ItemState]) -> list[LedgerItem]:
    found = select(LedgerItem).where(LedgerItem.shop_id == shop_id, LedgerItem.state.in_(states))
    return list(session.scalars(found.order_by(_due_or_far(), LedgerItem.id)))


def is_certificate(session: Session, sha256: str) -> bool:
    """Whether any shop still has a certificate of this content."""
    return session.scalar(select(Certificate.id).where(Certificate.sha256 == sha256).limit(1)) is not None


def certificates(session: Session, item_id: int) -> list[Certificate]:
    """The newest first."""
    found = select(Certificate).where(Certificate.item_id == item_id)
    return list(session.scalars(found.order_by(Certificate.id.desc())))


def next_due(session: Session, shop_id: int, today: date) -> LedgerItem | None:
    """What falls due next among what is in use."""
    found = select(LedgerItem).where(
        LedgerItem.shop_id == shop_id, LedgerItem.state != ItemState.RETIRED, LedgerItem.due_on >= today
    )
    return session.scalar(found.order_by(LedgerItem.due_on, LedgerItem.id).limit(1))


def lock_shop(session: Session, shop_id: int) -> bool:
    """Hold the shop, so that two who fill its ledger at once do it one after the other; whether it is still there."""
    return session.scalar(select(Shop.id).where(Shop.id == shop_id).with_for_update()) is not None


def last_change(session: Session, shop_id: int) -> datetime | None:
    """When anything in the ledger was changed last."""
    return session.scalar(select(func.max(LedgerItem.updated_at)).where(LedgerItem.shop_id == shop_id))


def dates_ever(session: Session, shop_id: int) -> set[tuple[str, date]]:
    """Every kind and due date that the ledger has held, by its journal."""
    rows = session.execute(
        select(LedgerItem.kind, LedgerEvent.detail)
        .join(LedgerItem, LedgerItem.id == LedgerEvent.item_id)
        .where(LedgerItem.shop_id == shop_id)
    )
    return {(kind, date.fromisoformat(detail["due_on"])) for kind, detail in rows if detail.get("due_on")}


def _due_or_far() -> Any:
    return func.coalesce(LedgerItem.due_on, FAR)
