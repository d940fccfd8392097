"""From what is known of an instrument to its due date, and to the next day on which something is to be told of it."""

from __future__ import annotations

from datetime import date, timedelta

from handlers.talk import Bench
from knowledge.due_dates import Validity, validity
from knowledge.library import Instrument
from knowledge.records import InstrumentRecord, serial_key
from knowledge.stages import Plan, Progress, next_day
from storage.ledger import ItemState, LedgerItem

PROGRESS = {
    ItemState.ACTIVE: Progress.OPEN,
    ItemState.BOOKED: Progress.BOOKED,
    ItemState.SUBMITTED: Progress.SUBMITTED,
}
WAIT_AGAIN = timedelta(days=3)
"""What 三天后再提醒 waits."""


def thing_of(bench: Bench, item: LedgerItem | InstrumentRecord) -> Instrument | None:
    """The kind's facts; None when a kind was withdrawn from the data, or none was recognised."""
    return bench.library.instruments.get(item.kind)


def plan_of(bench: Bench, item: LedgerItem) -> Plan:
    thing = thing_of(bench, item)
    return bench.plans.of(thing) if thing else bench.plans.default


def validity_of(bench: Bench, record: InstrumentRecord) -> Validity:
    return validity(bench.library.instruments[record.kind], record.verified_on, record.due_on)


def take_over(bench: Bench, item: LedgerItem, record: InstrumentRecord, today: date) -> bool:
    """Bring a row up to what a record says, leaving alone what the record leaves open; whether anything changed."""
    before = _state_of(item)
    for name in ("name", "model", "maker", "place", "certificate_no", "institution"):
        setattr(item, name, getattr(record, name) or getattr(item, name) or "")
    if record.serial:
        item.serial, item.serial_key = record.serial, serial_key(record.serial)
    if record.verified_on or record.due_on or not item.basis:
        # A table with last days only takes nothing from what is known of the verification.
        known = item.verified_on if record.due_on == item.due_on else None
        date_it(bench, item, record.verified_on or known, record.due_on, today)
    return _state_of(item) != before


def date_it(bench: Bench, item: LedgerItem, verified_on: date | None, due_on: date | None, today: date) -> None:
    """New dates: the due date by the rule valid that day, and reminders from now on."""
    thing = bench.library.instruments[item.kind]
    found = validity(thing, verified_on, due_on)
    if found.day != item.due_on:
        item.told_stage = None
    item.verified_on, item.due_on, item.basis = verified_on, found.day, found.basis
    item.mandatory = thing.must_verify
    schedule(bench, item, today)
    if item.mandatory and found.day is not None and found.day < today and item.told_stage is None:
        item.remind_on = bench.calendar.next_workday(today)  # overdue from the start: told once, soon


def schedule(bench: Bench, item: LedgerItem, after: date) -> None:
    """Note the next day after ``after`` on which a stage is told; what passed before is not made up for."""
    progress = PROGRESS.get(ItemState(item.state))
    due = None
    if item.due_on is not None and progress is not None:
        due = next_day(plan_of(bench, item), item.due_on, after, bench.calendar, progress)
    item.remind_on, item.snoozed = due.day if due else None, False
    item.provisional = due.provisional if due else False


def put_off(bench: Bench, item: LedgerItem, today: date) -> date:
    """Told again three days from now, on a working day, and not later than on the due date if that is still to come."""
    again = bench.calendar.workday_on_or_after(today + WAIT_AGAIN)
    if item.due_on is not None and today < item.due_on < again:
        again = max(bench.calendar.workday_on_or_before(item.due_on), bench.calendar.next_workday(today))
    item.remind_on, item.snoozed, item.provisional = again, True, False
    return again


def _state_of(item: LedgerItem) -> tuple[object, ...]:
    names = ("name", "model", "maker", "place", "certificate_no", "institution", "serial", "verified_on", "due_on")
    return tuple(getattr(item, name) or "" for name in names)
