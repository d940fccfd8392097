"""通知商家 0031 鲜达超市: a neutral notice to those in charge of a shop (D15).

Of a complaint only once it is accepted; of a report only once somebody has been there: told before, the shop would be
warned, and whoever reported it looked for.
"""

from __future__ import annotations

from datetime import timedelta

from handlers.cases import telling, terms
from handlers.cases.notices import notice
from handlers.cases.steps import StepError
from handlers.conversation.messages import Choice, Reply
from handlers.merchants import choices
from handlers.officers.access import Duty
from handlers.officers.lines import short
from handlers.officers.stepping import done
from handlers.outreach import push
from knowledge.credit_code import CreditCodeError, read_credit_code
from storage import case_clocks, cases, notices, shops
from storage.case_clocks import CaseClock
from storage.cases import Case, CaseKind, CaseState
from storage.contacts import of_person
from storage.notices import NOTIFIED, OtherShopError
from storage.shops import Role, Shop

VISITED = "case.visited"
LIFE = timedelta(days=14)
"""How long a bare number answers the notice: five working days round the longest holiday."""
MOST_OFFERED = 8


def notify(duty: Duty, case: Case, rest: str) -> list[Reply]:
    _demand_time(duty, case)
    found = _shops(duty, rest)
    if not found:
        return [_to_print(duty, case, rest)]
    if len(found) > 1:
        options = tuple(
            Choice(f"{shop.name} {shop.credit_code[-6:]}".strip()[:20], f"officers:notify/{case.id}/={shop.id}")
            for shop in found[:MOST_OFFERED]
        )
        return [Reply("有几家店叫这个名字，是哪一家？", options)]
    (shop,) = found
    _demand_shop(duty, case, shop)
    return _send(duty, case, shop)


def _demand_time(duty: Duty, case: Case) -> None:
    session = duty.talk.session
    if case.kind == CaseKind.COMPLAINT and case.state != CaseState.ACCEPTED:
        raise StepError(f"{case.number} 受理以后才能通知商家。先回“受理 {short(case)}”。")
    if case.state not in cases.OPEN:
        raise StepError(f"{case.number} 已经结束，不用再通知商家。")
    visited = any(e.action == VISITED for e in cases.events(session, case.id))
    if case.kind == CaseKind.REPORT and not visited:
        text = f"{case.number} 是举报，现场检查以前通知会打草惊蛇，也可能害到举报人。检查后回“记录 {short(case)} 情况”，再通知。"
        raise StepError(text)


def _shops(duty: Duty, rest: str) -> list[Shop]:
    """The shops meant: by row from a list, by credit code, by name."""
    session, said = duty.talk.session, rest.strip()
    if not said:
        raise StepError("请写店名或统一社会信用代码，例如“通知商家 0031 鲜达超市”。")
    if said.startswith("=") and said[1:].isdecimal():
        shop = session.get(Shop, int(said[1:]))
        return [shop] if shop is not None else []
    try:
        shop = shops.by_credit_code(session, read_credit_code(said))
    except CreditCodeError:
        return notices.shops_called(session, said)
    return [shop] if shop is not None else []


def _demand_shop(duty: Duty, case: Case, shop: Shop) -> None:
    try:
        notices.set_shop(duty.talk.session, case, shop, duty.talk.now)
    except OtherShopError:
        raise StepError("这个摊位已经确认是另一家店，请核对店名；认错了请先“拆开”再通知。") from None


def _send(duty: Duty, case: Case, shop: Shop) -> list[Reply]:
    clock = _term(duty, case)
    to = _in_charge(duty, shop)
    if not to:
        return [_to_print(duty, case, shop.name)]
    deed = duty.desk.deed(NOTIFIED, "已请商家说明情况", shop=shop.id)
    event = cases.happen(duty.talk.session, case, deed, duty.talk.now)
    for contact_id in to:
        _push(duty, case, clock, contact_id, event.id)
    telling.tell_one(
        duty.talk.bench, duty.talk.session, case, "已请商家说明情况", duty.talk.now, f"notified:{event.id}"
    )
    said = f"已通知{shop.name}的负责人（{len(to)} 人），最迟 {clock.due_on:%m-%d} 说明。通知里没有举报人、照片、金额和钟点。"
    return done(duty, case, said)


def _term(duty: Duty, case: Case) -> CaseClock:
    """The merchant's five working days; asked once more while they run, they do not begin anew."""
    talk = duty.talk
    running = case_clocks.live(talk.session, case.id, terms.ANSWER)
    return running[0] if running else terms.start(talk.bench, talk.session, case, terms.ANSWER, talk.today)


def _in_charge(duty: Duty, shop: Shop) -> list[int]:
    """The account of each owner and manager through which they can be reached."""
    session = duty.talk.session
    found = []
    for member in shops.members(session, shop.id):
        accounts = of_person(session, member.person_id) if Role(member.role).covers(Role.MANAGER) else []
        best = sorted(accounts, key=lambda account: (bool(account.unreachable), account.id))[:1]
        found += [account.id for account in best]
    return found


def _push(duty: Duty, case: Case, clock: CaseClock, contact_id: int, event_id: int) -> None:
    talk = duty.talk
    reply = Reply(notice(talk.bench, case, clock), choices(case))
    key = f"notice:{case.id}:{event_id}:{contact_id}"
    push(talk.session, contact_id, reply, talk.now, "case", key, life=LIFE, vault=talk.bench.vault)


def _to_print(duty: Duty, case: Case, name: str) -> Reply:
    """No one of the shop is here: the same words on paper; the term runs from when it is handed over."""
    clock = _term(duty, case)
    text = notice(duty.talk.bench, case, clock)
    head = f"台账里没有“{name.strip()[:40]}”的负责人，请打印下面的通知送达（期限从今天起算）："
    return Reply(f"{head}\n{text}", (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))
