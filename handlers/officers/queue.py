"""今日: what waits to be given out, what is one's own, the most pressing first; and giving it all out at once."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.cases import steps
from handlers.consult import deadlines as consult_deadlines
from handlers.consult import waiting_list
from handlers.conversation.messages import Choice, Reply
from handlers.officers import access
from handlers.officers.access import Duty
from handlers.officers.lines import SOON, Standing, called, line, public_line, short, standing
from handlers.officers.planning import Hand, Proposal, Waiting, propose, weight
from handlers.outreach import push
from storage import cases, consults, staff
from storage.cases import Case
from storage.staff import StaffMember, StaffRole

WEEKDAYS = "一二三四五六日"
MOST_LISTED = 12
MOST_OFFERED = 3
KIND = "case"


def today(duty: Duty) -> list[Reply]:
    """The day's list; after the cases the questions that people asked staff."""
    talk = duty.talk
    waiting, own = _waiting(duty), _own(duty)
    if talk.public_only:
        return [Reply(_numbers(duty, waiting, own))]
    parts = [_heading(duty, waiting, own)]
    parts += _section("待派" if duty.leads else "待接手", waiting)
    parts += _section("您的案件", own)
    parts += _late_elsewhere(duty)
    rows = consults.open_consults(talk.session)
    parts += [waiting_list(rows)] if rows else []
    return [Reply("\n".join(parts), _choices(duty, waiting, own))]


def _waiting(duty: Duty) -> list[Standing]:
    return _stand(duty, _seen(duty, cases.unassigned(duty.talk.session)))


def _own(duty: Duty) -> list[Standing]:
    return _stand(duty, _seen(duty, cases.open_cases(duty.talk.session, duty.member.id)))


def _seen(duty: Duty, found: Sequence[Case]) -> list[Case]:
    """What one filed oneself or stood back from is left out without a word."""
    return access.seen_by(duty.talk.session, duty.member, found, duty.talk.bench.vault)


def _stand(duty: Duty, found: Sequence[Case]) -> list[Standing]:
    talk = duty.talk
    return sorted((standing(talk.bench, talk.session, case, talk.today) for case in found), key=lambda s: s.order)


def _heading(duty: Duty, waiting: Sequence[Standing], own: Sequence[Standing]) -> str:
    day = duty.talk.today
    everything = [*waiting, *own]
    counts = (
        ("待派" if duty.leads else "待接手", len(waiting)),
        ("您在办", len(own)),
        ("超期", sum(s.late for s in everything)),
        ("今天到期", sum(s.left == 0 and not s.late for s in everything)),
        (f"{SOON}个工作日内", sum(0 < (s.left or 0) <= SOON for s in everything)),
        ("有新留言", sum(s.spoken for s in everything)),
    )
    told = "，".join(f"{word} {number} 件" for word, number in counts if number)
    return f"{day:%m-%d} 周{WEEKDAYS[day.weekday()]}：{told or '没有等您办的案件'}。"


def _section(name: str, found: Sequence[Standing]) -> list[str]:
    if not found:
        return []
    more = [f"……还有 {len(found) - MOST_LISTED} 件"] if len(found) > MOST_LISTED else []
    return [f"{name}：", *(line(one) for one in found[:MOST_LISTED]), *more]


def _late_elsewhere(duty: Duty) -> list[str]:
    """What is late with others is the leader's business, too."""
    if not duty.leads:
        return []
    talk, names = duty.talk, {m.id: m.name for m in staff.everybody(duty.talk.session)}
    found = _stand(duty, [c for c in cases.open_cases(talk.session) if c.officer_id not in (None, duty.member.id)])
    late = [s for s in found if s.late and not access.barred(duty, s.case)]
    told = "、".join(f"{short(s.case)}（{names.get(s.case.officer_id or 0, '已离岗')}，{s.words}）" for s in late)
    return [f"别人超期的 {len(late)} 件：{told}"] if late else []


def _choices(duty: Duty, waiting: Sequence[Standing], own: Sequence[Standing]) -> tuple[Choice, ...]:
    if duty.leads and waiting:
        return (Choice("按建议派单", "officers:dispatch"), Choice("先看建议和理由", "officers:plan"))
    shown = sorted([*own, *waiting], key=lambda s: s.order)[:MOST_OFFERED]
    return tuple(Choice(f"看 {short(s.case)}", f"officers:show/{s.case.id}") for s in shown)


def _numbers(duty: Duty, waiting: Sequence[Standing], own: Sequence[Standing]) -> str:
    rows = [public_line(s) for s in (*waiting, *own)]
    listed = "\n".join([f"等您办的 {len(rows)} 件（这里只列编号和日期）：", *rows]) if rows else "没有等您办的案件。"
    open_consults = consults.open_consults(duty.talk.session)
    return f"{listed}\n{consult_deadlines(open_consults)}" if open_consults else listed


# -- giving out ---------------------------------------------------------------------------------------------------


def plan(duty: Duty) -> list[Reply]:
    """The proposal with its reasons; nothing is done yet."""
    rows, proposals = _proposed(duty)
    if not proposals:
        return [Reply("没有待派的案件。回“今日”看全部。")]
    told = [_told(duty, rows[p.case_id], p) for p in proposals]
    text = "\n".join(["建议这样派：", *told, "改单件回“派给 编号 姓名”。"])
    return [Reply(text, (Choice("按建议派单", "officers:dispatch"), Choice("先不派", "officers:today")))]


def dispatch(duty: Duty) -> list[Reply]:
    """Give out everything as proposed; each officer gets one message for all that is theirs."""
    rows, proposals = _proposed(duty)
    if not proposals:
        return [Reply("没有待派的案件。回“今日”看全部。")]
    names = {m.id: m for m in staff.everybody(duty.talk.session)}
    given: dict[int, list[Proposal]] = {}
    for one in proposals:
        if one.officer_id is not None:
            steps.assign(duty.desk, rows[one.case_id].case, one.officer_id, names[one.officer_id].name, one.why)
            given.setdefault(one.officer_id, []).append(one)
    for officer_id, theirs in given.items():
        tell_assigned(duty, names[officer_id], [(rows[p.case_id], p.why) for p in theirs])
    done = sum(map(len, given.values()))
    told = [_told(duty, rows[p.case_id], p) for p in proposals]
    return [Reply("\n".join([f"已派 {done} 件，已通知本人：", *told, "要改回“派给 编号 姓名”。"]))]


def tell_assigned(duty: Duty, member: StaffMember, theirs: Sequence[tuple[Standing, str]]) -> None:
    """One message however many cases; nothing to oneself."""
    talk = duty.talk
    if member.contact_id is None or member.id == duty.member.id:
        return
    shown = [_assigned_line(duty, member, stands, why) for stands, why in theirs[:MOST_LISTED]]
    choices = [Choice(f"看 {short(s.case)}", f"officers:show/{s.case.id}") for s, _ in theirs[:MOST_OFFERED]]
    reply = Reply("\n".join([f"派给您 {len(theirs)} 件：", *shown, "回“今日”看全部。"]), tuple(choices))
    key = f"assigned:{member.id}:{theirs[0][0].case.id}:{talk.now.timestamp():.6f}"
    push(talk.session, member.contact_id, reply, talk.now, KIND, key, vault=talk.bench.vault)


def _assigned_line(duty: Duty, member: StaffMember, stands: Standing, why: str) -> str:
    """Whoever gives out a case must not learn that its officer filed it: only the officer is asked to give it back."""
    if access.filed(duty.talk.session, member, stands.case, duty.talk.bench.vault):
        return f"{short(stands.case)} {access.STAND_BACK}回“回避 {short(stands.case)}”退回组长。"
    return f"{line(stands)}；为何：{why}"


def _proposed(duty: Duty) -> tuple[dict[int, Standing], list[Proposal]]:
    found = _waiting(duty)
    team = staff.everybody(duty.talk.session)
    officers = [m for m in team if m.role == StaffRole.OFFICER] or team
    loads = _loads(duty)
    hands = [Hand(m.id, m.name, loads.get(m.id, 0), m.away) for m in officers]
    waiting = [
        Waiting(
            s.case.id,
            s.left,
            s.case.urgent,
            frozenset(m.id for m in officers if access.is_local(m.office, s.case)),
            access.stood_back(duty.talk.session, s.case),
        )
        for s in found
    ]
    return {s.case.id: s for s in found}, propose(waiting, hands)


def _loads(duty: Duty) -> dict[int, int]:
    found: dict[int, int] = {}
    for stands in _stand(duty, cases.open_cases(duty.talk.session)):
        if stands.case.officer_id is not None:
            found[stands.case.officer_id] = found.get(stands.case.officer_id, 0) + weight(stands.left)
    return found


def _told(duty: Duty, stands: Standing, proposal: Proposal) -> str:
    member = duty.talk.session.get(StaffMember, proposal.officer_id) if proposal.officer_id is not None else None
    rank = f"【{stands.rank}】" if stands.rank else ""
    return f"{short(stands.case)} → {called(member) if member else '未派'}：{proposal.why}{rank}"
