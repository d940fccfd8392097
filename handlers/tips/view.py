"""A case as its reporter may see it: where it stands, what happened on which day, what comes next and by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from handlers.cases import reasons, terms
from handlers.cases.steps import NAMES
from handlers.talk import SHANGHAI, Bench
from knowledge.deadlines import Unit
from storage import case_clocks, cases
from storage.case_clocks import CaseClock, ClockState
from storage.cases import Case, CaseEvent, CaseKind, CaseState
from storage.database import Session
from storage.staff import StaffMember

KINDS = {CaseKind.COMPLAINT: "投诉", CaseKind.REPORT: "举报"}
_NOW = {
    (CaseKind.REPORT, CaseState.RECEIVED): "已收到，等待核查",
    (CaseKind.REPORT, CaseState.ACCEPTED): "核查中",
    (CaseKind.REPORT, CaseState.FILED): "已立案，调查中",
    (CaseKind.COMPLAINT, CaseState.RECEIVED): "已收到，等待受理决定",
    (CaseKind.COMPLAINT, CaseState.ACCEPTED): "已受理，调解中",
}
_DONE = {
    "case.filed": "收到",
    "case.accepted": "已受理",
    "case.refused": "不予受理",
    "case.transferred": "已移送",
    "case.filed-for-penalty": "已立案",
    "case.closed": "已办结",
    "case.withdrawn": "已撤回",
    "case.reopened": "退回重办",
    "case.checked-on-the-spot": "现场检查",
    "case.paused": "期限暂停",
    "case.resumed": "期限恢复",
    "case.extended": "期限延长",
    "case.asked": "办案人员提问",
    "case.added": "您补充了证据",
    "case.answered": "您留了言",
    "merchant.answered": "商家已答复",
    "merchant.offered": "商家提出方案",
    "case.offer-accepted": "您接受方案",
    "case.offer-declined": "您没接受方案",
}
ASKED, ANSWERED, OFFERED = "case.asked", ("case.answered", "case.added"), "merchant.offered"
DECIDED = ("case.offer-accepted", "case.offer-declined")
MOST_DAYS = 7


class Line(NamedTuple):
    """One thing that happened, by its day: hours could tell the other side who was there."""

    day: date
    text: str


def state_of(case: Case) -> str:
    state = CaseState(case.state)
    return _NOW.get((CaseKind(case.kind), state), NAMES[state])


def timeline(events: Sequence[CaseEvent]) -> list[Line]:
    """What its reporter may know, oldest first; the same thing on the same day once."""
    lines = (Line(day_of(e.at), _DONE[e.action]) for e in events if e.public and e.action in _DONE)
    return list(dict.fromkeys(lines))


def timeline_text(lines: Sequence[Line]) -> str:
    """09-28 收到 → 09-29 已受理; of a long one the beginning and the latest."""
    shown = [*lines[:1], *lines[-MOST_DAYS + 1 :]] if len(lines) > MOST_DAYS else list(lines)
    return " → ".join(f"{line.day:%m-%d} {line.text}" for line in shown)


def questions(events: Sequence[CaseEvent]) -> list[CaseEvent]:
    """What the officer asked and nobody has answered yet."""
    last = max((e.id for e in events if e.action in ANSWERED and e.actor == "reporter"), default=0)
    return [e for e in events if e.action == ASKED and e.public and e.id > last]


def open_offer(events: Sequence[CaseEvent]) -> CaseEvent | None:
    """The merchant's last offer, unless it was decided on."""
    last = next((e for e in reversed(events) if e.action in (OFFERED, *DECIDED)), None)
    return last if last is not None and last.action == OFFERED else None


def office_of(session: Session, case: Case) -> str:
    officer = session.get(StaffMember, case.officer_id) if case.officer_id is not None else None
    return officer.office if officer is not None else ""


def next_line(bench: Bench, session: Session, case: Case, today: date) -> str:
    """What comes next and by when, with what has passed of the term; a line for each term, that of the law first. Empty
    when no term runs."""
    heads = ("下一步：", "同时：")
    found = reasons.in_order(bench, session, case)
    return "\n".join(heads[n > 0] + _term(bench, session, case, clock, today) for n, clock in enumerate(found))


def _term(bench: Bench, session: Session, case: Case, clock: CaseClock, today: date) -> str:
    rule = terms.rule_of(bench, case, clock)
    if clock.state == ClockState.PAUSED:
        return f"{rule.event}。期限暂停中（{_reason(bench, session, clock)}），恢复后接着算。"
    promise = "" if case.statutory and not rule.own else "，本局承诺"
    late = "，已超期，可以打 12315 催办" if clock.due_on < today else ""
    guess = "，暂估" if clock.provisional else ""
    count = f"第 {rule.days} 个工作日" if rule.unit is Unit.WORKING_DAYS else f"第 {rule.days} 天"
    if clock.extended:
        count = "已延长"
    passed = _passed(bench, rule.unit, clock, today)
    return f"{rule.event}，最迟 {clock.due_on:%Y-%m-%d}（{count}，已过 {passed}{promise}{guess}）{late}。"


def _passed(bench: Bench, unit: Unit, clock: CaseClock, today: date) -> str:
    if unit is Unit.WORKING_DAYS:
        return f"{bench.calendar.workdays_between(clock.started_on, max(today, clock.started_on))} 个"
    return f"{(today - clock.started_on).days} 天"


def _reason(bench: Bench, session: Session, clock: CaseClock) -> str:
    rows = case_clocks.pauses(session, clock.id)
    return bench.casebook.pause_label(rows[-1].reason) if rows else "等结果"


def result_lines(bench: Bench, case: Case) -> list[str]:
    """How it ended, with the ways that are left."""
    if case.state == CaseState.CLOSED:
        outcome = bench.casebook.outcome_named(case.outcome)
        number = f"（文书号 {case.document_no}）" if case.document_no else ""
        return [f"结果：{outcome.label if outcome else case.outcome}{number}。{case.reason}"]
    if case.state == CaseState.REFUSED:
        return [f"依据：{case.ground}", bench.casebook.remedies(case.kind)]
    if case.state == CaseState.TRANSFERRED:
        return [f"已移送：{case.ground}，由对方依法处理并答复。"]
    return []


def where_of(case: Case) -> str:
    """The place in words; what a longer part says already is not said twice."""
    told = (case.place, case.market, case.shop, case.stall_no)
    return "".join(part for n, part in enumerate(told) if part and not any(part in before for before in told[:n]))


def events_of(session: Session, case: Case) -> list[CaseEvent]:
    return cases.events(session, case.id, public=True)


def day_of(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()
