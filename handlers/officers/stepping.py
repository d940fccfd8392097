"""The steps an officer takes with one message: 受理、不予受理、移送、立案、问、记录、暂停 … Each is checked and audited in
``handlers.cases.steps``; what it does not allow is answered with the reason."""

from __future__ import annotations

from handlers.cases import reasons, steps
from handlers.cases.steps import StepError
from handlers.conversation.messages import Choice, Reply
from handlers.officers.access import Duty
from handlers.officers.lines import reporter, short, standing, until
from handlers.officers.slips import slip_text
from handlers.officers.words import number_and_rest
from knowledge.casebook import Body, PauseReason
from storage import cases
from storage.cases import Case, CaseKind, CaseState

LABEL = 18
"""Characters of an option that is a sentence of law; the whole of it stands under 更多."""

_LEADS_TO = {
    "accept": CaseState.ACCEPTED,
    "refuse": CaseState.REFUSED,
    "transfer": CaseState.TRANSFERRED,
    "file": CaseState.FILED,
    "close": CaseState.CLOSED,
}


def demand_turn(case: Case, verb: str) -> None:
    """``StepError`` with the word that comes next, when it is not yet the turn of this one."""
    to = _LEADS_TO.get(verb)
    if to is None or (to is CaseState.FILED and case.kind == CaseKind.COMPLAINT):
        return
    try:
        steps.demand_move(case, to)
    except StepError as why:
        raise StepError(f"{why}{_next_word(case)}") from None


def _next_word(case: Case) -> str:
    if case.state == CaseState.RECEIVED:
        return f"先回“受理 {short(case)}”。"
    if case.state == CaseState.ACCEPTED and case.kind == CaseKind.REPORT:
        return f"接下来回“立案 {short(case)}”或“办结 {short(case)}”。"
    return f"接下来回“办结 {short(case)}”。" if case.state in cases.OPEN else f"结果回“看 {short(case)}”。"


def why(duty: Duty, case: Case) -> list[Reply]:
    """为什么 0031: how the last day of each term was counted."""
    talk = duty.talk
    text = reasons.explained(talk.bench, talk.session, case, talk.today)
    shown = Choice(f"看 {short(case)}", f"officers:show/{case.id}")
    return [Reply(f"{case.number} {text or '现在没有在走的期限。'}", (shown,))]


def done(duty: Duty, case: Case, said: str) -> list[Reply]:
    """What was done, and by when the next thing must be."""
    talk = duty.talk
    following = until(standing(talk.bench, talk.session, case, talk.today))
    next_term = f"\n下一个期限：{following}。" if following and case.state in cases.OPEN else ""
    return [Reply(f"{said}{next_term}", (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]


def _told(duty: Duty, case: Case) -> str:
    """Whom it is told to: every reporter on their own, as far as they want news."""
    together = len(cases.merged_into(duty.talk.session, case.id))
    who = reporter(case)
    return f"{together + 1} 个案件的{who}分别看到进展" if together else f"{who}会看到进展"


def accept(duty: Duty, case: Case, _rest: str) -> list[Reply]:
    steps.accept(duty.desk, case)
    return done(duty, case, f"{case.number} 已受理，{_told(duty, case)}。")


def refuse(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """Only on a legal ground that held when the case came in; without its number there is the list of them."""
    book = duty.talk.bench.casebook
    steps.demand_move(case, CaseState.REFUSED)
    number, _ = number_and_rest(rest)
    grounds = book.grounds(case.kind, case.received_on)
    ground = next((row for row in grounds if row.number == number), None)
    if ground is None:
        whole = "\n".join(f"{row.number} {row.text}（{row.law}）" for row in grounds)
        options = tuple(Choice(_label(row.text), f"officers:refuse/{case.id}/{row.number}") for row in grounds)
        return [
            Reply(
                f"{case.number} 不予受理要有法定依据，选了就告知{reporter(case)}。是哪一条？",
                options,
                more=f"依据全文：\n{whole}",
            )
        ]
    steps.refuse(duty.desk, case, ground)
    notice = book.template("refused").fill(number=case.number, ground=case.ground, remedies=book.remedies(case.kind))
    return done(duty, case, f"{case.number} 已不予受理，{_told(duty, case)}。告知内容：\n{notice}")


def _label(text: str) -> str:
    return text if len(text) <= LABEL + 2 else f"{text[:LABEL]}……"


def transfer(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """What goes to the other body is given back to copy; it is built without the reporter."""
    book = duty.talk.bench.casebook
    steps.demand_move(case, CaseState.TRANSFERRED)
    if not rest.strip():
        options = tuple(
            Choice(body.label, f"officers:transfer/{case.id}/{body.label}")
            for body in book.bodies
            if body.kind in (case.kind, "any")
        )
        return [Reply(f"{case.number} 移送给哪个单位？不在里面的回“移送 {short(case)} 单位名”。", options)]
    name = _name(book.body(rest), rest.strip())
    slip = slip_text(duty.talk.bench, case, rest)
    steps.transfer(duty.desk, case, name)
    said = done(duty, case, f"{case.number} 已移送{name}，{_told(duty, case)}。上面是移送单，请复制后走公文。")
    return [Reply(f"移送单（致{name}）\n{slip}"), *said]


def _name(body: Body | None, said: str) -> str:
    """A number or a short word stands for the body's whole name; a name that was written out is kept."""
    return body.label if body is not None and said in (str(body.number), *body.words) else said


def file_case(duty: Duty, case: Case, _rest: str) -> list[Reply]:
    steps.file_case(duty.desk, case)
    return done(duty, case, f"{case.number} 已立案，{_told(duty, case)}。")


def ask(duty: Duty, case: Case, rest: str) -> list[Reply]:
    steps.ask(duty.desk, case, rest)
    return done(duty, case, f"问题已经给 {case.number} 的{reporter(case)}，对方不用说自己是谁就能答。")


def visit(duty: Duty, case: Case, rest: str) -> list[Reply]:
    steps.visit(duty.desk, case, rest)
    return done(duty, case, f"{case.number} 的现场情况记下了，只进案卷；{reporter(case)}只看到“现场检查”。")


def note(duty: Duty, case: Case, rest: str) -> list[Reply]:
    if not rest.strip():
        raise StepError(f"请写备注内容，例如“备注 {short(case)} 等检定结果”。")
    steps.note(duty.desk, case, rest)
    return done(duty, case, f"{case.number} 的备注记下了，只有工作人员看得到。")


def pause(duty: Duty, case: Case, rest: str) -> list[Reply]:
    number, words = number_and_rest(rest)
    reasons = [row for row in duty.talk.bench.casebook.pause_reasons if row.kind in (case.kind, "any")]
    reason = next((row for row in reasons if row.number == number), None)
    if reason is None:
        return [_which_pause(case, reasons)]
    steps.pause(duty.desk, case, reason.id, words)
    return done(
        duty,
        case,
        f"{case.number} 的期限从今天起暂停（{reason.label}），依据：{reason.law}。恢复时回“恢复 {short(case)}”。",
    )


def _which_pause(case: Case, reasons: list[PauseReason]) -> Reply:
    options = tuple(Choice(row.label, f"officers:pause/{case.id}/{row.number}") for row in reasons)
    return Reply(f"{case.number} 为什么暂停？只有这些时间不算在期限里。", options)


def resume(duty: Duty, case: Case, _rest: str) -> list[Reply]:
    steps.resume(duty.desk, case)
    return done(duty, case, f"{case.number} 的期限恢复，从下一天接着算。")


def extend(_duty: Duty, case: Case, _rest: str) -> list[Reply]:
    """Nothing is done here: an approval is not given in a chat."""
    text = (
        f"延长要负责人批准，对话里办不了。批准后由管理员在后台执行：\n"
        f"python -m bot cases extend {case.number} --approved-by 批准人"
    )
    return [Reply(text, (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]
