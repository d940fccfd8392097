"""Putting records into a shop's ledger: new rows, known ones brought up to date, and the same ones left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.ledger.planning import date_it, schedule, take_over
from handlers.talk import SHANGHAI, Bench
from knowledge.records import InstrumentRecord, serial_key
from storage import ledger, reminders
from storage.database import Session
from storage.ledger import ItemState, LedgerItem


@dataclass(frozen=True, slots=True)
class Kept:
    """How many pieces were new, brought up to date, or already there just so; and the rows themselves."""

    added: int = 0
    updated: int = 0
    same: int = 0
    items: tuple[LedgerItem, ...] = ()

    def __add__(self, other: Kept) -> Kept:
        return Kept(
            self.added + other.added, self.updated + other.updated, self.same + other.same, self.items + other.items
        )


def keep(
    bench: Bench,
    session: Session,
    shop_id: int,
    person_id: int | None,
    record: InstrumentRecord,
    serials: Sequence[str],
    now: datetime,
) -> Kept:
    """One row for each serial number, and one for the pieces that have none."""
    found = Kept()
    for serial in serials:
        found += keep_one(bench, session, shop_id, person_id, replace(record, serial=serial, count=1), now)
    left = record.count - len(serials)
    if left > 0:
        found += _new(bench, session, shop_id, person_id, replace(record, serial="", count=left), now)
    return found


def keep_one(
    bench: Bench, session: Session, shop_id: int, person_id: int | None, record: InstrumentRecord, now: datetime
) -> Kept:
    """The row with the record's serial number is brought up to date; without one there is a new row."""
    known = ledger.by_serial(session, shop_id, record.kind, serial_key(record.serial))
    return (
        update(bench, session, known, person_id, record, now)
        if known is not None
        else _new(bench, session, shop_id, person_id, record, now)
    )


def update(
    bench: Bench, session: Session, item: LedgerItem, person_id: int | None, record: InstrumentRecord, now: datetime
) -> Kept:
    """A retired instrument that is told of again is in use again; new dates end what was booked."""
    today = now.astimezone(SHANGHAI).date()
    due_before, retired = item.due_on, item.state == ItemState.RETIRED
    changed = take_over(bench, item, record, today)
    if retired or (item.state != ItemState.ACTIVE and item.due_on != due_before):
        changed = ledger.move(session, item, ItemState.ACTIVE, person_id, now) or changed
        schedule(bench, item, today)
    if not changed:
        return Kept(same=item.count, items=(item,))
    note_change(session, item, person_id, "updated", now)
    return Kept(updated=item.count, items=(item,))


def note_change(session: Session, item: LedgerItem, person_id: int | None, action: str, now: datetime) -> None:
    """Calendars learn of it, the journal keeps it, and there is nothing to call the shop about for now."""
    item.sequence, item.updated_at = item.sequence + 1, now
    ledger.note(session, item, person_id, action, ledger.dates_of(item), now)
    reminders.clear_unreached(session, item.shop_id)
    session.flush()


def _new(
    bench: Bench, session: Session, shop_id: int, person_id: int | None, record: InstrumentRecord, now: datetime
) -> Kept:
    item = ledger.add(session, new_item(bench, shop_id, record, now), person_id, now)
    return Kept(added=record.count, items=(item,))


def new_item(bench: Bench, shop_id: int, record: InstrumentRecord, now: datetime) -> LedgerItem:
    """A row as it is put into the ledger for the first time."""
    thing = bench.library.instruments[record.kind]
    item = LedgerItem(
        shop_id=shop_id,
        kind=record.kind,
        name=(record.name or thing.name)[:64],
        model=record.model[:64],
        serial=record.serial[:64],
        serial_key=serial_key(record.serial)[:64],
        count=record.count,
        maker=record.maker[:128],
        place=record.place[:128],
        certificate_no=record.certificate_no[:64],
        institution=record.institution[:128],
        state=ItemState.ACTIVE,
        sequence=0,
    )
    date_it(bench, item, record.verified_on, record.due_on, now.astimezone(SHANGHAI).date())
    return item
