"""The steps of a case (受理、不予受理、移送、立案、办结、重启 …): checked, written, audited, told. Both commands and chat call
them; what is worked as one goes together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handlers.cases import telling, terms
from handlers.pledge import standing
from handlers.talk import SHANGHAI, Bench
from knowledge.casebook import Ground, Outcome
from storage import case_links, cases
from storage.cases import Case, CaseKind, CaseState, Deed
from storage.database import Session

LEAST_REASON = 10
REOPEN = timedelta(days=15)
"""How long after the end a reporter may ask for it to be taken up again."""
NAMES = {
    CaseState.RECEIVED: "已收到",
    CaseState.ACCEPTED: "已受理",
    CaseState.FILED: "已立案",
    CaseState.CLOSED: "已办结",
    CaseState.REFUSED: "不予受理",
    CaseState.TRANSFERRED: "已移送",
    CaseState.WITHDRAWN: "已撤回",
}


class StepError(ValueError):
    """The step cannot be taken; the text says in Chinese why and what to do."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who takes a step, when: ``actor`` as the audit log has it (``staff:12``, ``reporter``, ``command``)."""

    bench: Bench
    session: Session
    actor: str
    now: datetime
    role: str = ""

    @property
    def today(self) -> date:
        return self.now.astimezone(SHANGHAI).date()

    def deed(self, action: str, text: str = "", *, public: bool = True, reason: str = "", **detail: object) -> Deed:
        return Deed(self.actor, action, text, public, self.role, reason, dict(detail))


def accept(desk: Desk, case: Case) -> None:
    """受理: a complaint is mediated from today on, a report is checked within the term that runs already."""
    for one in _together(desk, case, CaseState.ACCEPTED):
        cases.move(desk.session, one, CaseState.ACCEPTED, desk.deed("case.accepted"), desk.now)
        if one.kind == CaseKind.COMPLAINT:
            terms.meet(desk.session, one, "complaint-accept", desk.today)
            terms.start(desk.bench, desk.session, one, terms.MEDIATION, desk.today)
        telling.tell_one(desk.bench, desk.session, one, "已受理", desk.now, "accepted")


def refuse(desk: Desk, case: Case, ground: Ground) -> None:
    """不予受理 on a legal ground; the ways that are left are told with it."""
    for one in _together(desk, case, CaseState.REFUSED):
        one.ground = f"{ground.text}（{ground.law}）"
        deed = desk.deed("case.refused", one.ground, ground=ground.id)
        cases.move(desk.session, one, CaseState.REFUSED, deed, desk.now)
        _ended(desk, one, met=True)
        telling.tell_one(desk.bench, desk.session, one, "不予受理，有说明", desk.now, "refused")


def transfer(desk: Desk, case: Case, body: str) -> None:
    """移送 to another body; what goes there is built without the reporter."""
    if not body.strip():
        raise StepError("请写移送给哪个单位，例如“移送 0031 公安局”。")
    for one in _together(desk, case, CaseState.TRANSFERRED):
        one.ground = body.strip()[:300]
        cases.move(desk.session, one, CaseState.TRANSFERRED, desk.deed("case.transferred", one.ground), desk.now)
        _ended(desk, one, met=True)
        telling.tell_one(desk.bench, desk.session, one, "已移送有权处理的单位", desk.now, "transferred")


def file_case(desk: Desk, case: Case) -> None:
    """立案: the check of a report has found grounds for a penalty case."""
    if case.kind != CaseKind.REPORT:
        raise StepError("投诉走调解，不立案；发现违法线索请另建举报。")
    for one in _together(desk, case, CaseState.FILED):
        cases.move(desk.session, one, CaseState.FILED, desk.deed("case.filed-for-penalty"), desk.now)
        terms.meet(desk.session, one, terms.CHECK, desk.today)
        if one.identified:
            terms.start(desk.bench, desk.session, one, terms.NOTICE, desk.today)
        telling.tell_one(desk.bench, desk.session, one, "已立案", desk.now, "filed")


def close(desk: Desk, case: Case, outcome: Outcome, reason: str, document_no: str = "", *, proof: bool = False) -> None:
    """办结 with an outcome and a public reason of at least ten characters; where something was corrected or punished
    with a document's number or a photo of it (``proof``)."""
    if len(reason.strip()) < LEAST_REASON:
        raise StepError(f"公开理由至少写 {LEAST_REASON} 个字：举报人会看到。")
    if outcome.proof and not (document_no.strip() or proof):
        raise StepError("这个结果要有文书号或整改照片：在理由后面写“文书号 …”，或先发照片。")
    for one in _together(desk, case, CaseState.CLOSED):
        one.outcome, one.reason, one.document_no = outcome.id, reason.strip(), document_no.strip()[:64]
        one.confirmed = outcome.confirmed
        text, number = f"{outcome.label}：{one.reason}", one.document_no
        deed = desk.deed("case.closed", text, outcome=outcome.id, document_no=number, proof=proof)
        cases.move(desk.session, one, CaseState.CLOSED, deed, desk.now)
        _ended(desk, one, met=True)
        telling.tell_one(desk.bench, desk.session, one, "已办结，请看结果并评价", desk.now, "closed")
    shop_id = cases.shop_of(desk.session, case)
    if outcome.confirmed and shop_id is not None:
        standing.violation(desk.session, shop_id, case.id, outcome.id, desk.today, desk.now)


def withdraw(desk: Desk, case: Case) -> None:
    """The complainant takes the complaint back; a report cannot be: the bureau checks a clue it has."""
    if case.kind != CaseKind.COMPLAINT:
        raise StepError("举报线索已经登记，本局仍会核查，撤不回来；不想再收到通知可以回“不再通知”。")
    demand_move(case, CaseState.WITHDRAWN)
    cases.move(desk.session, case, CaseState.WITHDRAWN, desk.deed("case.withdrawn"), desk.now)
    _ended(desk, case, met=False)
    _pass_on(desk, case)
    telling.tell_staff(desk.bench, desk.session, case, "投诉人已撤回投诉", desk.now, "withdrawn")


def reopen(desk: Desk, case: Case, reason: str) -> None:
    """Not satisfied: within 15 days of the end it goes back to whoever worked it, and its term begins anew."""
    if not may_reopen(case, desk.today):
        raise StepError("办结超过 15 天，不能再退回。仍有新情况，请重新举报。")
    to = CaseState.ACCEPTED if case.state == CaseState.CLOSED else CaseState.RECEIVED
    shop_id = cases.shop_of(desk.session, case)
    if case.confirmed and shop_id is not None:
        standing.taken_up_again(desk.session, shop_id, case.id, desk.today, desk.now)
    cases.move(desk.session, case, to, desk.deed("case.reopened", reason), desk.now)
    case.reopened, case.ended_on, case.outcome, case.reason = case.reopened + 1, None, "", ""
    case.ground = case.document_no = ""
    # The main case may have ended, or this one was it: each is somebody's own again.
    for one in (case, *cases.merged_into(desk.session, case.id)):
        one.main_id = None
        # The finding was one for all of them: while it is looked into again it counts for none.
        one.confirmed = False
    case_links.receipt_ends(desk.session, case.id, None)
    kind = CaseKind(case.kind)
    again = terms.MEDIATION if kind is CaseKind.COMPLAINT and to is CaseState.ACCEPTED else terms.FIRST[kind]
    terms.start(desk.bench, desk.session, case, again, desk.today)
    telling.tell_staff(
        desk.bench, desk.session, case, "举报人不满意，已退回重办", desk.now, f"reopened:{case.reopened}"
    )


def may_reopen(case: Case, today: date) -> bool:
    ended = case.state in (CaseState.CLOSED, CaseState.REFUSED)
    return ended and case.ended_on is not None and today <= case.ended_on + REOPEN


def ask(desk: Desk, case: Case, question: str) -> None:
    """办案人员提问: through the bot, so that nobody has to say who they are."""
    _demand_open(case)
    if not question.strip():
        raise StepError("请写要问什么，例如“问 0031 当时付的是现金还是扫码？”。")
    event = cases.happen(desk.session, case, desk.deed("case.asked", question.strip()), desk.now)
    telling.tell_one(desk.bench, desk.session, case, "办案人员有话问您", desk.now, f"asked:{event.id}")


def answer(desk: Desk, case: Case, text: str) -> None:
    """The reporter's answer, or a word of their own."""
    event = cases.happen(desk.session, case, desk.deed("case.answered", text.strip()), desk.now)
    telling.tell_staff(desk.bench, desk.session, case, "举报人有新留言", desk.now, f"answered:{event.id}")


def rate(desk: Desk, case: Case, *, satisfied: bool) -> None:
    """Whether its reporter is satisfied with how it ended; the last word counts."""
    case.satisfied = 5 if satisfied else 1
    cases.happen(desk.session, case, desk.deed("case.rated", public=False, satisfied=satisfied), desk.now)


def visit(desk: Desk, case: Case, note: str) -> None:
    """A visit on the spot: what was found is for the file, that there was one is for the reporter."""
    _demand_open(case)
    if not note.strip():
        raise StepError("请写检查情况，例如“记录 0031 现场复称，超差 40 克”。")
    cases.happen(desk.session, case, desk.deed("case.visited", note.strip(), public=False), desk.now)
    event = cases.happen(desk.session, case, desk.deed("case.checked-on-the-spot"), desk.now)
    for one in _as_one(desk, case):
        telling.tell_one(desk.bench, desk.session, one, "已做现场检查", desk.now, f"visited:{event.id}")


def note(desk: Desk, case: Case, text: str) -> None:
    """A note for the file only."""
    cases.happen(desk.session, case, desk.deed("case.noted", text.strip(), public=False), desk.now)


def assign(desk: Desk, case: Case, officer_id: int, name: str, why: str = "") -> None:
    _demand_open(case)
    for one in (case, *cases.merged_into(desk.session, case.id)):
        one.officer_id = officer_id
    deed = desk.deed("case.assigned", f"承办人：{name}", public=False, reason=why, officer=officer_id)
    cases.happen(desk.session, case, deed, desk.now)


def pause(desk: Desk, case: Case, reason: str, note_: str) -> None:
    """检定、鉴定 and the like do not count into the terms."""
    _demand_open(case)
    paused = [
        one
        for one in _as_one(desk, case)
        if terms.pause(desk.bench, desk.session, one, reason, note_, desk.now, desk.today)
    ]
    if not paused:
        raise StepError("这个案件现在没有可以因此暂停的期限。受理决定、商家说明的期限不能停。")
    for one in paused:
        cases.happen(desk.session, one, desk.deed("case.paused", note_, reason=reason), desk.now)


def resume(desk: Desk, case: Case) -> None:
    resumed = [one for one in _as_one(desk, case) if terms.resume(desk.bench, desk.session, one, desk.today)]
    if not resumed:
        raise StepError("这个案件的期限没有暂停。")
    for one in resumed:
        cases.happen(desk.session, one, desk.deed("case.resumed"), desk.now)


def extend(desk: Desk, case: Case, approved_by: str) -> None:
    """延长: only with the approval of somebody in charge, who is named; not in chat."""
    if not [one for one in _as_one(desk, case) if _extended(desk, one, approved_by)]:
        raise StepError("这个案件没有可以延长的期限，或者已经延长过一次。")


def _extended(desk: Desk, case: Case, approved_by: str) -> bool:
    clock = terms.extend(desk.bench, desk.session, case, desk.today)
    if clock is None:
        return False
    deed = desk.deed("case.extended", f"期限延长至 {clock.due_on:%Y-%m-%d}", reason=f"approved by {approved_by}")
    cases.happen(desk.session, case, deed, desk.now)
    telling.tell_one(desk.bench, desk.session, case, "核查期限已依法延长", desk.now, f"extended:{clock.id}")
    return True


def _as_one(desk: Desk, case: Case) -> list[Case]:
    """The case, and what is open and worked with it."""
    return [case, *(one for one in cases.merged_into(desk.session, case.id) if one.state in cases.OPEN)]


def _together(desk: Desk, case: Case, to: CaseState) -> Iterator[Case]:
    """The case and what is worked with it; what cannot follow it to an end is worked on its own from then on."""
    demand_move(case, to)
    yield case
    for one in cases.merged_into(desk.session, case.id):
        if one.state in cases.OPEN and cases.may(one, to):
            yield one
        elif to not in cases.OPEN and one.state in cases.OPEN:
            one.main_id = None


def demand_move(case: Case, to: CaseState) -> None:
    """``StepError`` when the case cannot go there from where it is. What has ended is only taken up again (``reopen``)."""
    if case.state not in cases.OPEN or not cases.may(case, to):
        raise StepError(f"{case.number} 现在是“{NAMES[CaseState(case.state)]}”，不能改成“{NAMES[to]}”。")


def _demand_open(case: Case) -> None:
    if case.state not in cases.OPEN:
        raise StepError(f"{case.number} 已经是“{NAMES[CaseState(case.state)]}”，不能再办了。")


def _pass_on(desk: Desk, case: Case) -> None:
    """One reporter's leaving does not end what the others told of: the next case becomes the main one."""
    case.main_id = None
    left = [one for one in cases.merged_into(desk.session, case.id) if one.state in cases.OPEN]
    for one in left:
        one.main_id = left[0].id if one is not left[0] else None


def _ended(desk: Desk, case: Case, *, met: bool) -> None:
    case.ended_on = desk.today
    first = "complaint-accept" if case.kind == CaseKind.COMPLAINT else terms.CHECK
    if met:
        terms.meet(desk.session, case, first, desk.today)
        terms.meet(desk.session, case, terms.MEDIATION, desk.today)
        terms.meet(desk.session, case, terms.NOTICE, desk.today)
    terms.void(desk.session, case, desk.today)
    case_links.receipt_ends(desk.session, case.id, desk.today)
