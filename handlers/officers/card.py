"""看 0031: one case on one screen. Whether an identity is sealed is said, never whose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from handlers.cases import terms
from handlers.cases.labels import category_label
from handlers.cases.steps import NAMES
from handlers.conversation.messages import Choice, Reply
from handlers.officers.access import Duty, barred
from handlers.officers.lines import KINDS, called, marks, short, standing, until, where
from handlers.officers.thread import files_line
from handlers.talk import Bench
from storage import case_clocks, case_likeness, cases
from storage.cases import Case, CaseKind, CaseState
from storage.database import Session
from storage.staff import StaffMember

HISTORY = timedelta(days=180)
SEALED = "已封存身份（需两名保管人开启）"
MOST_TOLD = 300
MOST_LIKE = 2
MALICIOUS = "case.malicious"
Visible = Callable[[Case], bool]


def show(duty: Duty, case: Case) -> list[Reply]:
    talk = duty.talk
    shown = text(talk.bench, talk.session, case, talk.today, lambda other: not barred(duty, other))
    return [Reply(shown, choices(duty, case))]


def text(bench: Bench, session: Session, case: Case, today: date, visible: Visible = lambda _other: True) -> str:
    """``visible``: which other cases may be named on the card."""
    return "\n".join(filter(None, (*_lines(bench, session, case, today), *_others(session, case, visible))))


def _lines(bench: Bench, session: Session, case: Case, today: date) -> Iterator[str]:
    kind, state = KINDS[CaseKind(case.kind)], NAMES[CaseState(case.state)]
    yield f"{case.number} {kind}，{state}{marks(standing(bench, session, case, today))}"
    yield f"{where(case)}：{case.matter or category_label(case.category)}"
    yield from _who(session, case)
    yield from _terms(bench, session, case, today)
    yield from _evidence(session, case)
    yield f"留名：{SEALED if case.identified else '没有留名'}"
    yield f"要求：{case.demand}" if case.demand else ""
    yield f"自述：{case.told[:MOST_TOLD]}{'……' if len(case.told) > MOST_TOLD else ''}" if case.told else ""
    yield from _ending(bench, case)
    yield history_line(session, case, today)


def _who(session: Session, case: Case) -> Iterator[str]:
    officer = session.get(StaffMember, case.officer_id) if case.officer_id is not None else None
    since = f"；发生：{case.happened}" if case.happened else ""
    yield f"承办：{called(officer) if officer else '还没派'}；收到：{case.received_on:%Y-%m-%d}{since}"


def _terms(bench: Bench, session: Session, case: Case, today: date) -> Iterator[str]:
    for clock in case_clocks.live(session, case.id):
        stands = standing(bench, session, case, today, clock)
        longer = "，已延长" if clock.extended else ""
        yield f"期限：{terms.rule_of(bench, case, clock).event}，{until(stands)}{longer}"


def _evidence(session: Session, case: Case) -> Iterator[str]:
    found = files_line(cases.files(session, case.id))
    yield f"证据等级：{case.evidence_level}/5{f'；{found}' if found else ''}"
    if case.verdict:
        yield f"判定：{str(case.verdict.get('text', '')).partition(chr(10))[0]}"


def _ending(bench: Bench, case: Case) -> Iterator[str]:
    outcome = bench.casebook.outcome_named(case.outcome) if case.outcome else None
    if outcome is not None:
        yield f"结果：{outcome.label}。{case.reason}{f'（{case.document_no}）' if case.document_no else ''}"
    elif case.ground:
        yield f"{NAMES[CaseState(case.state)]}：{case.ground}"


def history_line(session: Session, case: Case, today: date) -> str:
    """Of the stall, once staff have said which one it is (F6)."""
    if case.stall_id is None:
        return ""
    filed, confirmed = case_likeness.history(session, case.stall_id, today - HISTORY)
    return f"这个摊位近 {HISTORY.days} 天：反映 {filed} 次，查实 {confirmed} 次。"


def _others(session: Session, case: Case, visible: Visible) -> Iterator[str]:
    main = session.get(Case, case.main_id) if case.main_id is not None else None
    if main is not None:
        yield f"已并入主案 {main.number}，一起办。"
    joined = cases.merged_into(session, case.id)
    if joined:
        yield f"并案：{'、'.join(short(one) for one in joined)}，进展分别告诉各举报人。"
    suggested = [pair for pair in case_likeness.suggestions(session, case.id) if visible(pair[1])]
    for row, other in suggested[:MOST_LIKE]:
        reasons = "、".join(row.reasons)
        yield f"疑似同一摊位：{other.number} {where(other)}（相似 {row.score:.2f}：{reasons}；{NAMES[CaseState(other.state)]}）"
    marked = any(e.action == MALICIOUS for e in cases.events(session, case.id))
    yield "已认定恶意（两人批准）。" if marked else ""


# -- choices ------------------------------------------------------------------------------------------------------


def choices(duty: Duty, case: Case) -> tuple[Choice, ...]:
    """A likeness that waits for a decision comes first; then the next steps."""
    session = duty.talk.session
    found = [*_likeness(duty, case)] or [*_steps(case)]
    found.append(Choice("看经过", f"officers:thread/{case.id}"))
    if case_clocks.live(session, case.id):
        found.append(Choice("为什么是这个日期", f"officers:why/{case.id}"))
    if any(f.copy_sha256 for f in cases.files(session, case.id)):
        found.append(Choice("看照片", f"officers:photos/{case.id}"))
    return tuple(found)


def _likeness(duty: Duty, case: Case) -> Iterator[Choice]:
    session = duty.talk.session
    found = [other for _, other in case_likeness.suggestions(session, case.id) if not barred(duty, other)]
    for other in found[:1]:
        if case.main_id is None and other.kind == case.kind and other.state in cases.OPEN:
            main = session.get_one(Case, other.main_id) if other.main_id is not None else other
            yield Choice(f"合并到主案 {short(main)}", f"officers:merge/{case.id}/={other.id}")
        yield Choice("不是同一家", f"officers:apart/{case.id}/={other.id}")
        yield Choice("只关联不合并", f"officers:link/{case.id}/={other.id}")


def _steps(case: Case) -> Iterator[Choice]:
    if case.main_id is not None and case.state in cases.OPEN:
        yield Choice("拆开", f"officers:split/{case.id}")
        return
    if case.state == CaseState.RECEIVED:
        yield Choice("受理", f"officers:accept/{case.id}")
        yield Choice("不予受理", f"officers:refuse/{case.id}")
    if case.state == CaseState.ACCEPTED and case.kind == CaseKind.REPORT:
        yield Choice("立案", f"officers:file/{case.id}")
    if case.state in (CaseState.ACCEPTED, CaseState.FILED):
        yield Choice("办结", f"officers:close/{case.id}")
