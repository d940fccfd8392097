"""News of a case for those it concerns. What may stand on a lock screen names no shop and no matter."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation.messages import Choice, Reply
from handlers.outreach import push
from handlers.talk import Bench
from storage import case_links, cases, staff
from storage.cases import Case
from storage.database import Session
from storage.staff import StaffMember

KIND = "case"
RECUSED = "case.recused"
"""Whoever stood back (回避) from a case hears nothing more of it."""
NEWS = "您有 1 条办理进展。"


def tell_one(bench: Bench, session: Session, case: Case, what: str, now: datetime, key: str) -> int:
    """Tell everybody who wants news of a case that there are some; how many were told.

    ``what`` is a line such as “已受理” that gives nothing away; ``key`` names the occasion, which is told once, and once
    more after the case was taken up again.
    """
    reply = Reply(
        f"{NEWS}编号 {case.number}：{what}。",
        (Choice("看进展", f"tips:open/{case.id}"), Choice("不再通知我", f"tips:quiet/{case.id}")),
    )
    occasion = f"case:{case.id}:{key}:{case.reopened}"
    return sum(
        push(session, contact_id, reply, now, KIND, f"{occasion}:{contact_id}", vault=bench.vault)
        for contact_id in case_links.addresses(session, case.id, bench.vault)
    )


def tell_staff(bench: Bench, session: Session, case: Case, what: str, now: datetime, key: str) -> bool:
    """Tell the officer of a case, or the leaders while it has none or theirs is away."""
    officer = session.get(StaffMember, case.officer_id) if case.officer_id is not None else None
    there = officer is not None and officer.active and not officer.away
    if officer is None or not there:
        return tell_leaders(bench, session, case, what, now, key)
    return _tell_member(bench, session, officer, case, what, now, key)


def tell_leaders(bench: Bench, session: Session, case: Case, what: str, now: datetime, key: str) -> bool:
    away = {e.actor for e in cases.events(session, case.id) if e.action == RECUSED}
    there = [member for member in staff.leaders(session) if f"staff:{member.id}" not in away]
    told = [_tell_member(bench, session, member, case, what, now, key) for member in there]
    return any(told)


def _tell_member(
    bench: Bench, session: Session, member: StaffMember, case: Case, what: str, now: datetime, key: str
) -> bool:
    if member.contact_id is None:
        return False
    reply = Reply(f"{case.number}：{what}", (Choice("看案件", f"officers:show/{case.id}"),))
    occasion = f"staff:{case.id}:{key}:{member.id}"
    return push(session, member.contact_id, reply, now, KIND, occasion, vault=bench.vault)
