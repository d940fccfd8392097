"""Telling shops of due dates: found by an indexed day, told once a day, each stage of a due date once.

What a shop is told, that it was told and when it is told next are written in one transaction: a crash loses and
doubles nothing. Any number of clocks may run; a shop that one is at is passed over by the others.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
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
from storage.reminders import KIND, DueShop, Reach

log = logging.getLogger(__name__)

TELL_FROM, TELL_UNTIL = time(9, 0), time(21, 0)
"""Within these hours; what an outage kept from being told at the first of them is told later the same day."""
ITEMS_AT_ONCE = 200
REPLAN, SLOT_LENGTH = "replan", 64
REPLANNED_AT_ONCE = 500
SHOPS_LISTED_AT_ONCE = 200
CALL_AFTER_DAYS = 7
"""An instrument so long overdue, of which nothing was heard, is a case for a call."""


class RemindError(RuntimeError):
    """Some shops could not be told; the log says why."""


def may_tell(bench: Bench, now: datetime) -> bool:
    """On working days, outside the quiet hours."""
    local = now.astimezone(SHANGHAI)
    return bench.calendar.is_workday(local.date()) and TELL_FROM <= local.time() < TELL_UNTIL


def run(database: Database, now: datetime, bench: Bench) -> int:
    """Tell every shop what is due today; how many shops were told. Run again the same day it finds nothing.

    A shop that cannot be told holds up no other; ``RemindError`` in the end says how many those were.
    """
    today = now.astimezone(SHANGHAI).date()
    replan(database, now, bench)
    told, failed = 0, set[int]()
    while True:
        with database.unit() as session:
            found = reminders.due(session, today, ITEMS_AT_ONCE, failed)
            told += sum(_told(session, bench, due, now, failed) for due in found)
            reach("remind.written")
        reach("remind.committed")
        if not found:
            break
    if failed:
        raise RemindError(f"{len(failed)} shops could not be told, {told} were")
    return told


def _told(session: Session, bench: Bench, due: DueShop, now: datetime, failed: set[int]) -> bool:
    shop_id = due.shop.id
    try:
        with session.begin_nested():
            return tell(session, bench, due, now)
    except Exception:
        log.exception("shop %d could not be reminded", shop_id)
        failed.add(shop_id)
        return False


def tell(session: Session, bench: Bench, due: DueShop, now: datetime) -> bool:
    """One shop: its batch, the stages that are told with it, its next days, and the message to each member; whether
    there was anything to tell."""
    today = now.astimezone(SHANGHAI).date()
    stages = reminders.stages_told(session, due.items)
    new = {item.id: _stage(bench, item, today, stages[item.id]) for item in due.items}
    told = [item for item in due.items if new[item.id] is not None or item.snoozed]
    if told:
        _record(session, bench, DueShop(due.shop, told), new, now)
    for item in due.items:
        schedule(bench, item, today)
    session.flush()
    reach("remind.queued")
    return bool(told)


def _stage(bench: Bench, item: LedgerItem, today: date, told: Collection[int]) -> int | None:
    progress = PROGRESS.get(ItemState(item.state))
    if item.due_on is None or progress is None:
        return None
    return stage_to_tell(plan_of(bench, item), item.due_on, today, bench.calendar, told, progress)


def _record(session: Session, bench: Bench, due: DueShop, new: dict[int, int | None], now: datetime) -> None:
    today = now.astimezone(SHANGHAI).date()
    batch = reminders.new_batch(session, due.shop.id, today, now)
    for item in due.items:
        stage = new[item.id]
        if stage is None:
            reminders.join(session, batch, item)
        else:
            reminders.record(session, batch, item, stage)
    session.flush()
    reach("remind.recorded")
    _send(session, bench, due, batch.id, today, now)


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
    """Recompute days that rested on a year without a notice, once for each notice; how many instruments that were.

    What an outage left untold stays due: it is told today, and its next day computed then.
    """
    slot = ",".join(map(str, sorted(bench.calendar.noticed)))[-SLOT_LENGTH:]
    with database.reading() as session:
        if slots.taken(session, REPLAN, slot):
            return 0
    yesterday = now.astimezone(SHANGHAI).date() - timedelta(days=1)
    seen, after = 0, 0
    while True:
        with database.unit() as session:
            rows = reminders.provisional(session, after, REPLANNED_AT_ONCE)
            for item in rows:
                if item.remind_on is not None and item.remind_on > yesterday:
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
    return min(found, key=order.index, default=Reach.UNTOLD)


def _reach(state: str, error: str) -> Reach:
    if state in (SendState.SENT, SendState.UNKNOWN, SendState.SENDING):
        return Reach.SILENT
    if "43101" in error:
        return Reach.REFUSED
    return Reach.BLOCKED if state == SendState.DEAD or "block" in error or "unfollow" in error else Reach.WAITING
