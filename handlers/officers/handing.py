"""Whose case it is: 派给、接手、回避; what makes it everybody's concern: 重大、恶意; and leave: 请假、销假."""

from __future__ import annotations

from handlers.cases import steps, telling
from handlers.cases.steps import StepError
from handlers.cases.telling import RECUSED
from handlers.conversation.messages import Choice, Reply
from handlers.officers.access import Duty, stood_back, together
from handlers.officers.lines import GRAVE, called, is_grave, short, standing
from handlers.officers.queue import tell_assigned
from handlers.officers.stepping import done
from storage import audit, cases, staff
from storage.audit import Entry
from storage.cases import Case
from storage.staff import StaffMember

MOST_OFFERED = 8


def assign(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """派给 0031 李四; the leader's. ``rest`` may also be the row of who is meant, from a list."""
    named = _meant(duty, rest)
    able = [
        m for m in staff.everybody(duty.talk.session) if not m.away and m.id not in stood_back(duty.talk.session, case)
    ]
    if len(named) != 1:
        options = tuple(
            Choice(called(m)[:20], f"officers:assign/{case.id}/={m.id}") for m in (named or able)[:MOST_OFFERED]
        )
        return [Reply(f"{case.number} 派给谁？" if options else "现在没有可派的人。", options)]
    (member,) = named
    if member not in able:
        why = "在休假" if member.away else "已经回避这个案件"
        raise StepError(f"{member.name}{why}，请派给别人。")
    _give(duty, case, member, f"{duty.member.name}指派")
    told = "已通知本人" if member.contact_id is not None else "本人还没绑定账号，请当面告诉"
    return done(
        duty, case, f"{case.number} 已派给{called(member)}，{told if member.id != duty.member.id else '就是您'}。"
    )


def _meant(duty: Duty, rest: str) -> list[StaffMember]:
    said = rest.strip().removeprefix("给").strip()
    if said.startswith("=") and said[1:].isdecimal():
        return [m for m in staff.everybody(duty.talk.session) if m.id == int(said[1:])]
    return staff.named(duty.talk.session, said)


def _give(duty: Duty, case: Case, member: StaffMember, why: str) -> None:
    talk = duty.talk
    steps.assign(duty.desk, case, member.id, member.name, why)
    tell_assigned(duty, member, [(standing(talk.bench, talk.session, case, talk.today), why)])


def take(duty: Duty, case: Case, _rest: str) -> list[Reply]:
    if case.officer_id == duty.member.id:
        return done(duty, case, f"{case.number} 已经是您在办。")
    steps.assign(duty.desk, case, duty.member.id, duty.member.name, "自己接手")
    return done(duty, case, f"{case.number} 由您承办了。")


def take_up(duty: Duty, case: Case) -> None:
    """Whoever works a case of nobody's has it from then on; leaders work without taking."""
    if case.officer_id is None and not duty.leads and case.state in cases.OPEN:
        steps.assign(duty.desk, case, duty.member.id, duty.member.name, "先办的人承办")


def recuse(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """回避: one word is enough; the case goes back to the leader and never to this officer again."""
    if case.state not in cases.OPEN:
        raise StepError(f"{case.number} 已经结束，不用回避了。")
    deed = duty.desk.deed(RECUSED, rest.strip(), public=False, officer=duty.member.id)
    session = duty.talk.session
    had = case.officer_id == duty.member.id
    for one in together(session, case):
        one.officer_id = None if one.officer_id == duty.member.id else one.officer_id
        cases.happen(session, one, deed, duty.talk.now)
    _tell_leaders(duty, case, f"{duty.member.name}申请回避，请另派", f"recused:{duty.member.id}")
    given_back = "已退回组长另派，" if had or case.officer_id is None else ""
    return [Reply(f"{case.number} {given_back}您的回避已记录。", (Choice("今日", "officers:today"),))]


def urgent(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """重大: put first, and the leaders hear of it (行刑衔接: what may be a crime goes to the police in time)."""
    if is_grave(cases.events(duty.talk.session, case.id)):
        return done(duty, case, f"{case.number} 已经是重大案件。")
    case.urgent = True
    deed = duty.desk.deed(GRAVE, rest.strip(), public=False)
    event = cases.happen(duty.talk.session, case, deed, duty.talk.now)
    _tell_leaders(duty, case, "列为重大案件，请关注行刑衔接", f"urgent:{event.id}")
    said = f"{case.number} 已列为重大，组长已知道。涉嫌犯罪的回“移送 {short(case)} 公安”。"
    return done(duty, case, said)


def malicious(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """A first word only: nothing changes for the reporter until a second person has approved it."""
    deed = duty.desk.deed("case.malicious-asked", rest.strip(), public=False)
    cases.happen(duty.talk.session, case, deed, duty.talk.now)
    text = (
        f"{case.number} 提请认定恶意，已记录，现在还没有任何影响。\n"
        f"要另一人批准，由管理员在后台执行：python -m bot cases malicious {case.number} --by {duty.member.name} --approved-by 批准人"
    )
    return [Reply(text, (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))]


def _tell_leaders(duty: Duty, case: Case, what: str, key: str) -> None:
    """The only leader there is need not hear of what they did themselves."""
    talk = duty.talk
    if any(leader.id != duty.member.id for leader in staff.leaders(talk.session)):
        telling.tell_leaders(talk.bench, talk.session, case, what, talk.now, key)


# -- leave --------------------------------------------------------------------------------------------------------


def away(duty: Duty) -> list[Reply]:
    return [_leave(duty, away=True)]


def back(duty: Duty) -> list[Reply]:
    return [_leave(duty, away=False)]


def _leave(duty: Duty, *, away: bool) -> Reply:
    member, talk = duty.member, duty.talk
    if member.away is not away:
        member.away = away
        action = "staff.away" if away else "staff.back"
        audit.append(talk.session, Entry(f"staff:{member.id}", member.role, action, f"staff:{member.id}"), talk.now)
    if not away:
        return Reply("销假了，新案件会再派给您。", (Choice("今日", "officers:today"),))
    own = len(cases.open_cases(talk.session, member.id))
    rest = f"您手上还有 {own} 件在办，期限照走，请和组长商量。" if own else ""
    return Reply(f"记下了，休假期间不派新案件给您。{rest}回来时回“销假”。")
