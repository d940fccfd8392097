"""屡犯关联: what staff make of a suggestion (合并、只关联、不是同一家), and taking a merger back (拆开).

Nothing is merged but by a member of staff who may see both cases; each reporter keeps a thread and a receipt of their own.
"""

from __future__ import annotations

from handlers.cases import steps
from handlers.cases.steps import StepError
from handlers.conversation.messages import Choice, Reply
from handlers.officers import access, words
from handlers.officers.access import GONE, Duty
from handlers.officers.card import history_line
from handlers.officers.lines import GRAVE, is_grave, reporter, short
from storage import case_likeness, cases
from storage.case_likeness import Decision
from storage.cases import Case, CaseState

_BEHIND = (CaseState.RECEIVED, CaseState.ACCEPTED, CaseState.FILED)


def merge(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """合并 0031 0012: the first is worked with the second. Without the second the likeliest one is offered."""
    main = _other(duty, rest)
    if main is None:
        return [_which(duty, case)]
    main = _root(duty, main)
    _demand_mergeable(case, main)
    if main.officer_id is not None and main.officer_id in access.stood_back(duty.talk.session, case):
        raise StepError(f"{main.number} 的承办人已经回避 {case.number}，请先把主案派给别人再合并。")
    for one in (*cases.merged_into(duty.talk.session, case.id), case):
        _join(duty, one, main)
    together = len(cases.merged_into(duty.talk.session, main.id)) + 1
    text = f"{short(case)} 已并入 {main.number}，{together} 个案件一起办，{together} 个{reporter(main)}分别看到进展。"
    return [_card_choice(duty, main, text)]


def _join(duty: Duty, case: Case, main: Case) -> None:
    session, now = duty.talk.session, duty.talk.now
    case.main_id, case.officer_id = main.id, main.officer_id
    case_likeness.same_stall(session, case, main, now)
    _decide(duty, case, main, Decision.MERGED)
    deed = duty.desk.deed("case.merged", f"主案 {main.number}", public=False, main=main.id)
    cases.happen(session, case, deed, now)
    _catch_up(duty, case, main)
    main.urgent = main.urgent or case.urgent
    if is_grave(cases.events(session, case.id)) and not is_grave(cases.events(session, main.id)):
        cases.happen(session, main, duty.desk.deed(GRAVE, f"随 {case.number} 并入", public=False), now)


def _catch_up(duty: Duty, case: Case, main: Case) -> None:
    """Both stand at the same step from here on: else a later step of the one would leave the other behind."""
    for behind, ahead in ((case, main), (main, case)):
        while _BEHIND.index(CaseState(behind.state)) < _BEHIND.index(CaseState(ahead.state)):
            if behind.state == CaseState.RECEIVED:
                steps.accept(duty.desk, behind)
            else:
                steps.file_case(duty.desk, behind)


def link(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """The same stall, worked apart."""
    other = _demand_other(duty, rest)
    case_likeness.same_stall(duty.talk.session, case, other, duty.talk.now)
    _decide(duty, case, other, Decision.LINKED)
    deed = duty.desk.deed("case.linked", f"同一摊位：{other.number}", public=False, other=other.id)
    cases.happen(duty.talk.session, case, deed, duty.talk.now)
    return [_card_choice(duty, case, f"{short(case)} 和 {short(other)} 记为同一摊位，各办各的。")]


def apart(duty: Duty, case: Case, rest: str) -> list[Reply]:
    other = _demand_other(duty, rest)
    _decide(duty, case, other, Decision.DIFFERENT)
    deed = duty.desk.deed("case.told-apart", f"不是同一家：{other.number}", public=False, other=other.id)
    cases.happen(duty.talk.session, case, deed, duty.talk.now)
    return [_card_choice(duty, case, f"记下了，{short(case)} 和 {short(other)} 不是同一家，不再提示。")]


def split(duty: Duty, case: Case, _rest: str) -> list[Reply]:
    """拆开: each case, its thread, terms and reporter are on their own again. Said of the main case: all of them."""
    session = duty.talk.session
    parted = [case] if case.main_id is not None else cases.merged_into(session, case.id)
    if not parted:
        raise StepError(f"{case.number} 没有和别的案件并在一起。")
    for one in parted:
        main = session.get_one(Case, one.main_id)
        one.main_id = None
        one.stall_id = None if one.stall_id == main.stall_id else one.stall_id
        _decide(duty, one, main, Decision.DIFFERENT)
        deed = duty.desk.deed("case.split", f"原主案 {main.number}", public=False, main=main.id)
        cases.happen(session, one, deed, duty.talk.now)
    told = "、".join(short(one) for one in parted)
    return [_card_choice(duty, case, f"已拆开：{told} 各自办理，期限和经过都还在，{reporter(case)}各看各的。")]


# -- parts --------------------------------------------------------------------------------------------------------


def _other(duty: Duty, rest: str) -> Case | None:
    """The second case; None when none is named. One that is not this officer's to see is not there."""
    if not rest.strip():
        return None
    if rest.startswith("="):
        found = access.find(duty, rest[1:])
    else:
        read = words.reads(rest)
        found = access.find(duty, read[0]) if read is not None else []
    if len(found) != 1:
        raise StepError(GONE if not found else "有几个案件尾号相同，请写完整编号。")
    return found[0]


def _demand_other(duty: Duty, rest: str) -> Case:
    other = _other(duty, rest)
    if other is None:
        raise StepError("请写是和哪个案件，例如“合并 0031 0012”。")
    return other


def _which(duty: Duty, case: Case) -> Reply:
    found = case_likeness.suggestions(duty.talk.session, case.id)
    seen = [
        other for _, other in found if access.seen_by(duty.talk.session, duty.member, [other], duty.talk.bench.vault)
    ]
    options = tuple(
        Choice(f"并入 {other.number}", f"officers:merge/{case.id}/={other.id}")
        for other in seen[:3]
        if other.state in cases.OPEN
    )
    text = "并入哪个案件？" if options else "没有可并的建议。"
    return Reply(f"{text}也可以回“合并 {short(case)} 主案编号”。", options)


def _root(duty: Duty, main: Case) -> Case:
    return duty.talk.session.get_one(Case, main.main_id) if main.main_id is not None else main


def _demand_mergeable(case: Case, main: Case) -> None:
    if main.id in (case.id, case.main_id):
        raise StepError("这两个案件已经在一起了。")
    if case.kind != main.kind:
        raise StepError("投诉和举报各走各的程序，不能合并；可以选“只关联不合并”。")
    if case.state not in cases.OPEN or main.state not in cases.OPEN:
        raise StepError("已经结束的案件不能合并；可以选“只关联不合并”。")
    if case.main_id is not None:
        raise StepError(f"{case.number} 已经并在别的主案里，先回“拆开 {short(case)}”。")


def _decide(duty: Duty, case: Case, other: Case, decision: Decision) -> None:
    """The suggestion is settled, whichever of the two it was made for."""
    for row in (
        case_likeness.decided(duty.talk.session, case.id, other.id),
        case_likeness.decided(duty.talk.session, other.id, case.id),
    ):
        if row is not None:
            row.decision, row.staff_id, row.decided_at = decision, duty.member.id, duty.talk.now


def _card_choice(duty: Duty, case: Case, text: str) -> Reply:
    told = history_line(duty.talk.session, case, duty.talk.today)
    shown = Choice(f"看 {short(case)}", f"officers:show/{case.id}")
    return Reply("\n".join(filter(None, (text, told))), (shown,))
