"""Telling shops of due dates: found by an indexed day, told once a day, each stage of a due date once.

What a shop is told, that it was told and when it is told next are written in one transaction: a crash loses and
doubles nothing. Any number of clocks may run; a shop that one is at is passed over by the others.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from handlers import outreach
from handlers.ledger.planning import PROGRESS, plan_of, schedule
from handlers.ledger.reminding import LIFE, message
from handlers.talk import SHANGHAI, Bench
from knowledge.stages import stage_to_tell
from storage import reminders, shops, slots
from storage.database import Database, Session
from storage.failpoints import reach
from storage.ledger import ItemState, LedgerItem
from storage.outbox import SendState
from storage.reminders import KIND, DueShop, Reach, ReminderBatch

log = logging.getLogger(__name__)

QUIET_FROM, QUIET_UNTIL = time(21, 0), time(8, 0)
ITEMS_AT_ONCE = 200
REPLAN = "replan"
REPLANNED_AT_ONCE = 500
SHOPS_LISTED_AT_ONCE = 200
CALL_AFTER_DAYS = 7
"""An instrument so long overdue, of which nothing was heard, is a case for a call."""


def may_tell(bench: Bench, now: datetime) -> bool:
    """On working days, outside the quiet hours."""
    local = now.astimezone(SHANGHAI)
    return bench.calendar.is_workday(local.date()) and QUIET_UNTIL <= local.time() < QUIET_FROM


def run(database: Database, now: datetime, bench: Bench) -> int:
    """Tell every shop what is due today; how many shops were told. Run again the same day it finds nothing."""
    today = now.astimezone(SHANGHAI).date()
    replan(database, now, bench)
    told = 0
    while True:
        with database.unit() as session:
            found = reminders.due(session, today, ITEMS_AT_ONCE)
            for due in found:
                tell(session, bench, due, today, now)
            reach("remind.written")
        reach("remind.committed")
        told += len(found)
        if not found:
            return told


def tell(session: Session, bench: Bench, due: DueShop, today: date, now: datetime) -> None:
    """One shop: its batch, the stages that are told with it, its next days, and the message to each member."""
    batch = reminders.new_batch(session, due.shop.id, today, now)
    stages = reminders.stages_told(session, due.items)
    told = [item for item in due.items if _take_down(session, bench, batch, item, stages[item.id], today)]
    session.flush()
    reach("remind.recorded")
    if told:
        _send(session, bench, DueShop(due.shop, told), batch.id, today, now)
    reach("remind.queued")


def _take_down(
    session: Session, bench: Bench, batch: ReminderBatch, item: LedgerItem, stages: set[int], today: date
) -> bool:
    """Record what is told of an instrument, and when it is told of next; whether there is anything to tell."""
    assert item.due_on is not None
    progress = PROGRESS[ItemState(item.state)]
    stage = stage_to_tell(plan_of(bench, item), item.due_on, today, bench.calendar, stages, progress)
    again = item.snoozed
    if stage is not None:
        reminders.record(session, batch, item, stage)
    elif again:
        reminders.join(session, batch, item)
    schedule(bench, item, today)
    return stage is not None or again


def _send(session: Session, bench: Bench, due: DueShop, batch_id: int, today: date, now: datetime) -> None:
    contacts = shops.to_remind(session, [due.shop.id]).get(due.shop.id, [])
    if not contacts:
        reminders.note_unreached(session, due.shop.id, Reach.UNBOUND, _pieces(due.items), today)
        return
    prefix = reminders.dedup_prefix(due.shop.id)
    reply = message(bench, due.shop, due.items, batch_id, today)
    for contact_id in contacts:
        reminders.supersede(session, contact_id, prefix)
        outreach.push(session, contact_id, reply, now, KIND, f"{prefix}{today.isoformat()}:{contact_id}", life=LIFE)


def _pieces(items: Sequence[LedgerItem]) -> int:
    return sum(item.count for item in items)


# -- when a holiday notice comes out ------------------------------------------------------------------------------


def replan(database: Database, now: datetime, bench: Bench) -> int:
    """Recompute days that rested on a year without a notice, once for each notice; how many instruments that were."""
    slot = ",".join(map(str, sorted(bench.calendar.noticed)))
    with database.reading() as session:
        if slots.taken(session, REPLAN, slot):
            return 0
    yesterday = now.astimezone(SHANGHAI).date() - timedelta(days=1)
    seen, after = 0, 0
    while True:
        with database.unit() as session:
            rows = reminders.provisional(session, after, REPLANNED_AT_ONCE)
            for item in rows:
                schedule(bench, item, yesterday)
            if not rows:
                slots.claim(session, REPLAN, slot, now)
                return seen
            seen, after = seen + len(rows), rows[-1].id


# -- who is to be called ------------------------------------------------------------------------------------------


def list_unreached(database: Database, now: datetime, bench: Bench) -> int:  # noqa: ARG001 - jobs have one shape
    """Bring the list of shops that are to be called up to date; how many stand there for something overdue."""
    today = now.astimezone(SHANGHAI).date()
    before, after, listed = today - timedelta(days=CALL_AFTER_DAYS - 1), 0, 0
    while True:
        with database.unit() as session:
            ids = reminders.overdue_shops(session, before, after, SHOPS_LISTED_AT_ONCE)
            for shop_id in ids:
                pieces = reminders.overdue_pieces(session, shop_id, today)
                reminders.note_unreached(session, shop_id, reach_of(session, shop_id), pieces, today)
            if not ids:
                return listed
            listed, after = listed + len(ids), ids[-1]


def reach_of(session: Session, shop_id: int) -> Reach:
    """How the last reminder fared: the best that any member's account shows."""
    if not shops.to_remind(session, [shop_id]):
        return Reach.UNBOUND
    found = [_reach(row.state, row.error) for row in reminders.last_sent(session, shop_id)]
    order = (Reach.SILENT, Reach.WAITING, Reach.REFUSED, Reach.BLOCKED)
    return min(found, key=order.index, default=Reach.WAITING)


def _reach(state: str, error: str) -> Reach:
    if state in (SendState.SENT, SendState.UNKNOWN, SendState.SENDING):
        return Reach.SILENT
    if "43101" in error:
        return Reach.REFUSED
    return Reach.BLOCKED if state == SendState.DEAD or "block" in error or "unfollow" in error else Reach.WAITING
