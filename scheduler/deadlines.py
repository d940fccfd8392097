"""The terms of cases: marks told two days before, one day before, on the last day and after it; the morning's list.

What is due is found by an indexed day. That it was told and when it is told next are written with the message in one
transaction: each mark once, however many clocks run, and after an outage only the latest.
"""

from __future__ import annotations

from datetime import date, datetime, time

from handlers import outreach
from handlers.cases import telling, terms
from handlers.conversation.messages import Choice, Reply
from handlers.talk import SHANGHAI, Bench
from knowledge import deadlines
from storage import case_clocks, case_queue, cases, slots, staff
from storage.case_clocks import CaseClock
from storage.case_queue import Waiting
from storage.database import Database, Session, is_conflict
from storage.failpoints import reach
from storage.staff import StaffMember, StaffRole

TELL_FROM, TELL_UNTIL = time(8, 30), time(21, 0)
AT_ONCE = 20
"""Whoever is told is kept waiting until these are written."""
ATTEMPTS = 5
RECOUNT = "case-recount"
SLOT_LENGTH = 64
NAMED = 5
"""How many cases the morning's list names."""
SAYINGS = {"T-2": "还有 2 个工作日到期", "T-1": "明天（下一工作日）到期", "T0": "今天到期", terms.LATE: "已超期"}


def may_tell(bench: Bench, now: datetime) -> bool:
    local = now.astimezone(SHANGHAI)
    return bench.calendar.is_workday(local.date()) and TELL_FROM <= local.time() < TELL_UNTIL


def escalate(database: Database, now: datetime, bench: Bench) -> int:
    """Tell officers of the terms that are due; how many marks were told. Run again the same day it finds nothing."""
    today, told = now.astimezone(SHANGHAI).date(), 0
    recount(database, now, bench)
    while (some := _some(database, now, bench, today)) is not None:
        told += some
        reach("deadline.committed")
    return told


def _some(database: Database, now: datetime, bench: Bench, today: date) -> int | None:
    """Marks told in one transaction; None when no more are due. Two clocks, or a clock and somebody who talks, may want
    the same people's dialogues in another order: one of them is turned away, and begins again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with database.unit() as session:
                rows = case_clocks.due(session, today, AT_ONCE)
                told = sum(_escalated(session, bench, clock, today, now) for clock in rows)
                reach("deadline.written")
        except Exception as error:
            if attempt == ATTEMPTS or not is_conflict(error):
                raise
        else:
            return told if rows else None
    raise AssertionError("the last attempt returns or raises")


def _escalated(session: Session, bench: Bench, clock: CaseClock, today: date, now: datetime) -> bool:
    case, before = session.get_one(cases.Case, clock.case_id), clock.told
    mark = terms.told(bench, clock, today)
    if mark == before:  # days off were corrected since: its mark is not reached yet
        return False
    rule = terms.rule_of(bench, case, clock)
    what = f"{rule.event}，{SAYINGS[mark]}（{clock.due_on:%m-%d}）"
    key = f"term:{clock.id}:{clock.due_on}:{mark}"
    told = telling.tell_staff(bench, session, case, what, now, key)
    if mark in ("T0", terms.LATE):
        # The same key: a leader who was told in the officer's place is not told twice.
        told = telling.tell_leaders(bench, session, case, what, now, key) or told
    session.flush()
    return told


# -- when a holiday notice comes out ------------------------------------------------------------------------------


def recount(database: Database, now: datetime, bench: Bench) -> int:
    """Count anew the terms that rested on a year without a notice, once for each notice; how many those were."""
    slot = ",".join(map(str, sorted(bench.calendar.noticed)))[-SLOT_LENGTH:]
    with database.reading() as session:
        if slots.taken(session, RECOUNT, slot):
            return 0
    today, seen, after = now.astimezone(SHANGHAI).date(), 0, 0
    while True:
        with database.unit() as session:
            rows = case_clocks.provisional(session, after, AT_ONCE)
            for clock in rows:
                terms.find_due(bench, session, session.get_one(cases.Case, clock.case_id), clock, today)
            if not rows:
                slots.claim(session, RECOUNT, slot, now)
                return seen
            seen, after = seen + len(rows), rows[-1].id


# -- the morning's list -------------------------------------------------------------------------------------------


def digest(database: Database, now: datetime, bench: Bench) -> int:
    """Tell every member of staff in the morning what waits for them; how many were told. Who has nothing hears nothing."""
    with database.reading() as session:
        ids = [m.id for m in staff.everybody(session) if m.contact_id is not None and not m.away]
    return sum(_listed(database, bench, id_, now) for id_ in ids)


def _listed(database: Database, bench: Bench, staff_id: int, now: datetime) -> bool:
    today = now.astimezone(SHANGHAI).date()
    with database.unit() as session:
        member = session.get(StaffMember, staff_id)
        if member is None or member.contact_id is None:
            return False
        text = morning(session, bench, member, today)
        if not text:
            return False
        reply = Reply(text, (Choice("看今日待办", "officers:today"),))
        key = f"digest:{staff_id}:{today.isoformat()}"
        return outreach.push(session, member.contact_id, reply, now, telling.KIND, key, vault=bench.vault)


def morning(session: Session, bench: Bench, member: StaffMember, today: date) -> str:
    """Counts, and the numbers of what is most urgent; empty when nothing waits."""
    own = case_queue.waiting(session, member.id)
    new = case_queue.waiting(session) if member.role == StaffRole.LEADER else []
    if not own and not new:
        return ""
    late = [w for w in own if w.due_on is not None and w.due_on < today]
    today_due = [w for w in own if w.due_on == today]
    unread = [w for w in own if w.unread]
    counts = (("待分派", new), ("超期", late), ("今天到期", today_due), ("有新留言", unread))
    head = "、".join(f"{name} {len(rows)}" for name, rows in counts if rows)
    lines = [f"早上好，您有 {len(own)} 件在办" + (f"：{head}。" if head else "。")]
    return "\n".join([*lines, *(_line(bench, w, today) for w in own[:NAMED])])


def _line(bench: Bench, waiting: Waiting, today: date) -> str:
    if waiting.due_on is None:
        return f"{waiting.case.number}  没有在走的期限"
    left = deadlines.days_left(today, waiting.due_on, bench.calendar)
    said = f"超期 {-left} 个工作日" if left < 0 else "今天到期" if left == 0 else f"还有 {left} 个工作日"
    return f"{waiting.case.number}  {waiting.due_on:%m-%d}  {said}"
