"""The terms (期限) of a case: started, paused, extended, met; each change finds the last day anew."""

from __future__ import annotations

from datetime import date, datetime

from handlers.talk import Bench
from knowledge import deadlines
from knowledge.deadlines import ClockRule, Pause
from knowledge.workdays import Due
from storage import case_clocks
from storage.case_clocks import CaseClock, CasePause, ClockState
from storage.cases import Case, CaseKind
from storage.database import Session

FIRST = {CaseKind.COMPLAINT: "complaint-accept", CaseKind.REPORT: "report-check"}
"""The term that begins when a case comes in."""
MEDIATION, CHECK, NOTICE, ANSWER = "mediation", "report-check", "report-notice", "merchant-answer"
LATE = "late"
_ORDER = ("", "T-2", "T-1", "T0", LATE)


def start(bench: Bench, session: Session, case: Case, rule_id: str, since: date) -> CaseClock:
    """A term begins; the day it begins on is not counted."""
    clock = CaseClock(case_id=case.id, rule=rule_id, started_on=since, due_on=since)
    session.add(clock)
    session.flush()
    find_due(bench, session, case, clock, since)
    return clock


def rule_of(bench: Bench, case: Case, clock: CaseClock) -> ClockRule:
    return bench.deadlines.rule(clock.rule, case.received_on)


def find_due(bench: Bench, session: Session, case: Case, clock: CaseClock, today: date) -> None:
    """Compute the last day and the next day to tell of it."""
    due = computed(bench, session, case, clock, today)
    moved = due.day != clock.due_on
    clock.due_on, clock.provisional = due.day, due.provisional
    if moved:
        clock.told = _still_told(bench, clock, today)
    clock.remind_on = _next_mark(bench, clock) if clock.state == ClockState.RUNNING else None
    session.flush()


def computed(bench: Bench, session: Session, case: Case, clock: CaseClock, today: date) -> Due:
    rule, pauses = rule_of(bench, case, clock), _pauses(bench, session, clock)
    return deadlines.due(rule, clock.started_on, bench.calendar, pauses, extended=clock.extended, today=today)


def explain(bench: Bench, session: Session, case: Case, clock: CaseClock, today: date) -> str:
    """为什么是这个日期."""
    rule, pauses = rule_of(bench, case, clock), _pauses(bench, session, clock)
    text = deadlines.explain(rule, clock.started_on, bench.calendar, pauses, extended=clock.extended, today=today)
    if case.statutory or rule.own:
        return text
    return f"{text}\n本机器人不是法定接收渠道，这个期限是本局参照上述规定作出的承诺。"


def meet(session: Session, case: Case, rule_id: str, today: date) -> None:
    """What the term asked for has been done."""
    for clock in case_clocks.live(session, case.id, rule_id):
        _end(clock, ClockState.MET, today)
    session.flush()


def void(session: Session, case: Case, today: date, rule_id: str = "") -> None:
    """The terms are no longer asked for; all that are live, or those of one rule."""
    for clock in case_clocks.live(session, case.id, rule_id):
        _end(clock, ClockState.VOID, today)
    session.flush()


def pause(
    bench: Bench, session: Session, case: Case, reason: str, note: str, now: datetime, today: date
) -> list[CaseClock]:
    """Stop the running terms that may stand still for this reason from today on; those that were stopped."""
    stops = next((row.stops for row in bench.casebook.pause_reasons if row.id == reason), ())
    stopped = [c for c in case_clocks.live(session, case.id) if c.state == ClockState.RUNNING and c.rule in stops]
    for clock in stopped:
        session.add(CasePause(clock_id=clock.id, first=today, reason=reason, note=note[:200], at=now))
        clock.state = ClockState.PAUSED
        session.flush()
        find_due(bench, session, case, clock, today)
    return stopped


def resume(bench: Bench, session: Session, case: Case, today: date) -> list[CaseClock]:
    """Go on counting with the day after today; those that stood still."""
    waiting = [c for c in case_clocks.live(session, case.id) if c.state == ClockState.PAUSED]
    for clock in waiting:
        for row in case_clocks.pauses(session, clock.id):
            row.last = row.last or today
        clock.state = ClockState.RUNNING
        session.flush()
        find_due(bench, session, case, clock, today)
    return waiting


def extend(bench: Bench, session: Session, case: Case, today: date) -> CaseClock | None:
    """Lengthen the term that may be, once; None when there is none."""
    for clock in case_clocks.live(session, case.id):
        if rule_of(bench, case, clock).extension and not clock.extended:
            clock.extended, clock.told = True, ""
            find_due(bench, session, case, clock, today)
            return clock
    return None


def next_term(session: Session, case: Case) -> CaseClock | None:
    """The term that ends first."""
    return next(iter(case_clocks.live(session, case.id)), None)


def told(bench: Bench, clock: CaseClock, today: date) -> str:
    """Note that its mark of today is told, the next one waits; which mark it was."""
    reached = [mark for mark, day in marks(bench, clock) if day <= today]
    clock.told = reached[-1] if reached else clock.told
    clock.remind_on = _next_mark(bench, clock)
    return clock.told


def marks(bench: Bench, clock: CaseClock) -> list[tuple[str, date]]:
    """T-2, T-1, T0 and the first working day after, with their dates."""
    found = deadlines.marks(clock.due_on, bench.calendar)
    return [*found, (LATE, bench.calendar.next_workday(clock.due_on))]


def _next_mark(bench: Bench, clock: CaseClock) -> date | None:
    last = _ORDER.index(clock.told)
    return next((day for mark, day in marks(bench, clock) if _ORDER.index(mark) > last), None)


def _still_told(bench: Bench, clock: CaseClock, today: date) -> str:
    """Of a last day that has moved, the marks that do not lie behind are told anew."""
    behind = [mark for mark, day in marks(bench, clock) if day < today]
    return min(clock.told, behind[-1] if behind else "", key=_ORDER.index)


def _pauses(bench: Bench, session: Session, clock: CaseClock) -> list[Pause]:
    rows = case_clocks.pauses(session, clock.id)
    return [Pause(row.first, row.last, bench.casebook.pause_label(row.reason)) for row in rows]


def _end(clock: CaseClock, state: ClockState, today: date) -> None:
    clock.state, clock.ended_on, clock.remind_on, clock.provisional = state, today, None, False
