"""What was told of which instrument's due date, and what is to be told today. Due work is found by an indexed date.

A stage of a due date is told once: (instrument, due date, stage) is the key. A shop is told once a day.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, Select, UniqueConstraint, delete, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64, row_id
from storage.contacts import Contact
from storage.ledger import FAR, ItemState, LedgerItem
from storage.outbox import UNDELIVERED, OutboxRow, SendState
from storage.shops import Member, Shop

KIND = "reminder"
"""Of the outbox rows that carry reminders."""
_OPEN_SQL = text("called_at IS NULL")


class ReminderBatch(Base):
    """One message's worth: what a shop was told on a day. Replies to it move these instruments."""

    __tablename__ = "reminder_batches"
    __table_args__ = (UniqueConstraint("shop_id", "day"),)

    id: Mapped[row_id]
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id))
    day: Mapped[date] = mapped_column(Date)
    answered: Mapped[name64] = mapped_column(default="")
    """What the shop replied last; empty: nothing yet."""
    created_at: Mapped[instant]


class Reminder(Base):
    """One stage of one due date, told."""

    __tablename__ = "reminders"
    __table_args__ = (Index("ix_reminders_batch_id", "batch_id"),)

    item_id: Mapped[int] = mapped_column(ForeignKey(LedgerItem.id), primary_key=True)
    due_on: Mapped[date] = mapped_column(Date, primary_key=True)
    stage: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey(ReminderBatch.id))


class Reach(StrEnum):
    """Why a shop that is overdue has not been moved: not told yet, silent though told, waiting for the person to write first, refused
    (43101), blocked us, or nobody there to tell."""

    UNTOLD = "untold"
    SILENT = "silent"
    WAITING = "waiting"
    REFUSED = "refused"
    BLOCKED = "blocked"
    UNBOUND = "unbound"


class Unreached(Base):
    """A shop for staff to call (失联名单); gone from the list once it reacts."""

    __tablename__ = "unreached"
    __table_args__ = (Index("ix_unreached_open", "since", sqlite_where=_OPEN_SQL, postgresql_where=_OPEN_SQL),)

    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id), primary_key=True)
    reach: Mapped[name64]
    pieces: Mapped[int]
    since: Mapped[date] = mapped_column(Date)
    called_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class DueShop:
    """A shop that is to be told something today, locked, with the instruments it is about, the soonest due first."""

    shop: Shop
    items: list[LedgerItem]


# -- what is due --------------------------------------------------------------------------------------------------


def due(session: Session, today: date, limit: int, but: Collection[int] = ()) -> list[DueShop]:
    """Shops with something to be told by today and not told anything today yet; at most those of ``limit`` instruments,
    and none of ``but``.

    Shops that another clock is at are passed over (PostgreSQL; on SQLite there is one writer).
    """
    told = select(ReminderBatch.id).where(ReminderBatch.shop_id == LedgerItem.shop_id, ReminderBatch.day == today)
    first = (
        select(LedgerItem.shop_id)
        .where(LedgerItem.remind_on <= today, ~told.exists(), LedgerItem.shop_id.not_in(but))
        .order_by(LedgerItem.remind_on, LedgerItem.shop_id)
        .limit(limit)
    )
    ids = set(session.scalars(first))
    if not ids:
        return []
    shops = session.scalars(
        select(Shop).where(Shop.id.in_(ids)).order_by(Shop.id).with_for_update(skip_locked=True)
    ).all()
    # Locked now: another may have told them since we looked.
    held = {shop.id: DueShop(shop, []) for shop in shops}
    done = select(ReminderBatch.shop_id).where(ReminderBatch.shop_id.in_(held), ReminderBatch.day == today)
    for shop_id in session.scalars(done):
        del held[shop_id]
    rows = select(LedgerItem).where(LedgerItem.shop_id.in_(held), LedgerItem.remind_on <= today)
    for item in _locked(session, rows):
        held[item.shop_id].items.append(item)
    return [one for one in held.values() if one.items]


def _locked(session: Session, rows: Select[LedgerItem]) -> list[LedgerItem]:
    """The instruments, the soonest due first, as they are now and nobody else's to change until the transaction ends.

    Locked in the order of their ids, so that two who want the same ones never wait for each other.
    """
    found = rows.order_by(LedgerItem.id).with_for_update(of=LedgerItem).execution_options(populate_existing=True)
    return sorted(session.scalars(found), key=lambda item: (item.due_on or FAR, item.id))


def stages_told(session: Session, items: Sequence[LedgerItem]) -> dict[int, set[int]]:
    """By instrument, the stages already told of its present due date."""
    found: dict[int, set[int]] = {item.id: set() for item in items}
    rows = session.execute(
        select(Reminder.item_id, Reminder.stage)
        .join(LedgerItem, (LedgerItem.id == Reminder.item_id) & (LedgerItem.due_on == Reminder.due_on))
        .where(Reminder.item_id.in_(found))
    )
    for item_id, stage in rows:
        found[item_id].add(stage)
    return found


def new_batch(session: Session, shop_id: int, day: date, now: datetime) -> ReminderBatch:
    batch = ReminderBatch(shop_id=shop_id, day=day, answered="", created_at=now)
    session.add(batch)
    session.flush()
    return batch


def record(session: Session, batch: ReminderBatch, item: LedgerItem, stage: int) -> None:
    """The stage of the instrument's present due date is told in this batch."""
    assert item.due_on is not None
    session.add(Reminder(item_id=item.id, due_on=item.due_on, stage=stage, batch_id=batch.id))
    item.told_stage = stage


def join(session: Session, batch: ReminderBatch, item: LedgerItem) -> None:
    """Tell of it once more although no new stage has come: the stage told last is now this batch's."""
    told = (Reminder.item_id == item.id, Reminder.due_on == item.due_on, Reminder.stage == item.told_stage)
    session.execute(update(Reminder).where(*told).values(batch_id=batch.id))


def batch_items(session: Session, shop_id: int, batch_id: int) -> tuple[ReminderBatch, list[LedgerItem]] | None:
    """A batch of this shop with those of its instruments whose due date is still the one that was told."""
    batch = session.scalar(
        select(ReminderBatch).where(ReminderBatch.id == batch_id, ReminderBatch.shop_id == shop_id).with_for_update()
    )
    if batch is None:
        return None
    rows = (
        select(LedgerItem)
        .join(Reminder, (Reminder.item_id == LedgerItem.id) & (Reminder.due_on == LedgerItem.due_on))
        .where(
            Reminder.batch_id == batch_id,
            LedgerItem.shop_id == shop_id,  # it may be another shop's by now
            LedgerItem.state != ItemState.RETIRED,
        )
    )
    return batch, _locked(session, rows)


def shop_of(session: Session, batch_id: int) -> int | None:
    return session.scalar(select(ReminderBatch.shop_id).where(ReminderBatch.id == batch_id))


def latest_batch(session: Session, shop_id: int) -> ReminderBatch | None:
    return session.scalar(
        select(ReminderBatch).where(ReminderBatch.shop_id == shop_id).order_by(ReminderBatch.id.desc()).limit(1)
    )


def supersede(session: Session, contact_id: int, prefix: str) -> None:
    """Reminders of the shop that this account was not given yet say less than the one that follows now."""
    old = select(OutboxRow).where(
        OutboxRow.contact_id == contact_id, OutboxRow.kind == KIND, OutboxRow.state.in_(UNDELIVERED)
    )
    for row in session.scalars(old):
        if (row.dedup_key or "").startswith(prefix):
            row.state, row.error = SendState.EXPIRED, "superseded"


def provisional(session: Session, after_id: int, limit: int) -> list[LedgerItem]:
    """Instruments whose next day rests on a year without a holiday notice, in the order of their ids, locked."""
    found = select(LedgerItem).where(LedgerItem.provisional, LedgerItem.id > after_id)
    return list(session.scalars(found.order_by(LedgerItem.id).limit(limit).with_for_update()))


# -- who could not be reached -------------------------------------------------------------------------------------


def overdue_pieces(session: Session, shop_id: int, today: date) -> int:
    """How many pieces of a shop are past their date with nothing arranged."""
    found = select(func.sum(LedgerItem.count)).where(
        LedgerItem.shop_id == shop_id,
        LedgerItem.due_on < today,
        LedgerItem.state == ItemState.ACTIVE,
        LedgerItem.mandatory,
    )
    return session.scalar(found) or 0


def overdue_shops(session: Session, before: date, after_shop: int, limit: int) -> list[int]:
    """Shops with an instrument in use that fell due before a day and for which nothing was arranged, by id."""
    found = (
        select(LedgerItem.shop_id)
        .where(
            LedgerItem.shop_id > after_shop,
            LedgerItem.due_on < before,
            LedgerItem.state == ItemState.ACTIVE,
            LedgerItem.mandatory,
        )
        .group_by(LedgerItem.shop_id)
        .order_by(LedgerItem.shop_id)
        .limit(limit)
    )
    return list(session.scalars(found))


def last_sent(session: Session, shop_id: int) -> list[OutboxRow]:
    """The newest reminder to each member who is written to."""
    batch = latest_batch(session, shop_id)
    if batch is None:
        return []
    accounts = session.scalars(
        select(Contact.id).join(Member, Member.person_id == Contact.person_id).where(Member.shop_id == shop_id)
    )
    keys = [f"{dedup_prefix(shop_id)}{batch.day.isoformat()}:{contact_id}" for contact_id in accounts]
    return list(session.scalars(select(OutboxRow).where(OutboxRow.dedup_key.in_(keys))))


def dedup_prefix(shop_id: int) -> str:
    """How the keys of all reminders to a shop begin; the day and the account follow."""
    return f"remind:{shop_id}:"


def note_unreached(session: Session, shop_id: int, reach: Reach, pieces: int, today: date) -> None:
    """Put a shop on the list, or bring its row up to date; one that was called stays called for its reason."""
    row = session.get(Unreached, shop_id)
    if row is None:
        session.add(Unreached(shop_id=shop_id, reach=reach, pieces=pieces, since=today))
        return
    row.reach, row.pieces = reach, pieces


def unreached(session: Session, limit: int) -> list[tuple[Unreached, Shop]]:
    """Who is still to be called, the longest waiting first."""
    found = select(Unreached, Shop).join(Shop).where(Unreached.called_at.is_(None))
    rows = session.execute(found.order_by(Unreached.since, Unreached.shop_id).limit(limit))
    return [(row, shop) for row, shop in rows]


def mark_called(session: Session, shop_id: int, now: datetime) -> bool:
    done = update(Unreached).where(Unreached.shop_id == shop_id, Unreached.called_at.is_(None)).values(called_at=now)
    return session.execute(done.returning(Unreached.shop_id)).first() is not None


def clear_unreached(session: Session, shop_id: int) -> None:
    """The shop reacted: there is nothing to call about."""
    session.execute(delete(Unreached).where(Unreached.shop_id == shop_id))


def drop_shop(session: Session, shop_id: int) -> None:
    """All that was told to a shop; its instruments go after it."""
    own = select(ReminderBatch.id).where(ReminderBatch.shop_id == shop_id)
    items = select(LedgerItem.id).where(LedgerItem.shop_id == shop_id)
    session.execute(delete(Reminder).where(or_(Reminder.batch_id.in_(own), Reminder.item_id.in_(items))))
    session.execute(delete(ReminderBatch).where(ReminderBatch.shop_id == shop_id))
    clear_unreached(session, shop_id)
