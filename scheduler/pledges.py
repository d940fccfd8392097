"""Pledges by the clock: paused and taken up again as the ledger has it, and the reminders to renew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

from handlers import outreach
from handlers.conversation.messages import Choice, Reply
from handlers.pledge import standing
from handlers.pledge.standing import KIND, LIFE
from handlers.talk import SHANGHAI, Bench
from storage import pledges, shops
from storage.database import Database, Session
from storage.failpoints import reach
from storage.pledges import Pledge

CHECK_FROM = time(1, 0)
REMIND_FROM, REMIND_UNTIL = time(9, 0), time(21, 0)
AT_ONCE = 200
Work = Callable[[Session, Pledge], bool]


def check(database: Database, now: datetime) -> int:
    """Hold every live pledge against its shop's ledger; how many changed. Run again it finds nothing."""
    today = now.astimezone(SHANGHAI).date()
    return _each(database, today, lambda session, row: standing.check(session, row, today, now))


def may_remind(bench: Bench, now: datetime) -> bool:
    local = now.astimezone(SHANGHAI)
    return bench.calendar.is_workday(local.date()) and REMIND_FROM <= local.time() < REMIND_UNTIL


def remind(database: Database, now: datetime, bench: Bench) -> int:
    """Offer renewal 30 and 7 days before the end and on the last day (or the last working day before it), after an outage
    the latest only; how many."""
    today = now.astimezone(SHANGHAI).date()
    following = bench.calendar.next_workday(today)
    stages = sorted(bench.pledge_book.validity.reminders.stages)

    def deed(session: Session, row: Pledge) -> bool:
        left = (row.valid_until - today).days
        # Nothing is said on a day off: what ends before the next working day ends today, as far as telling goes.
        due = next((days for days in stages if (0 if following > row.valid_until else left) <= days), None)
        return _reminded(session, row, due, today, now)

    return _each(database, today, deed)


def _reminded(session: Session, row: Pledge, stage: int | None, today: date, now: datetime) -> bool:
    left = (row.valid_until - today).days
    if stage is None or (row.told_days is not None and row.told_days <= stage):
        return False
    row.told_days = stage
    when = "今天到期" if left == 0 else f"还有 {left} 天到期（{row.valid_until:%Y-%m-%d}）"
    text = f"诚信计量承诺 {row.number} {when}。内容没有变化的，回 1 一键续签；不续，到期后扫码显示“已到期”。"
    reply = Reply(text, (Choice("续签", f"pledge:renew/{row.id}"), Choice("我的承诺", "pledge:mine")))
    for contact_id in shops.to_remind(session, [row.shop_id]).get(row.shop_id, []):
        outreach.push(session, contact_id, reply, now, KIND, f"pledge-end:{row.id}:{stage}:{contact_id}", life=LIFE)
    return True


def _each(database: Database, today: date, deed: Work) -> int:
    done, after = 0, 0
    while True:
        with database.unit() as session:
            rows = pledges.to_check(session, today, after, AT_ONCE)
            done += sum(deed(session, row) for row in rows)
            reach("pledge.written")
        if not rows:
            return done
        after = rows[-1].id
