"""通知商家 0031 鲜达超市: a neutral notice to those in charge of a shop (D15).

Of a complaint only once it is accepted; of a report only once somebody has been there: told before, the shop would be
warned, and whoever reported it looked for.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from handlers.cases import telling, terms
from handlers.cases.notices import notice
from handlers.cases.steps import StepError
from handlers.conversation.messages import Choice, Reply
from handlers.merchants import choices
from handlers.officers.access import Duty
from handlers.officers.lines import day_words, short
from handlers.officers.stepping import done
from handlers.outreach import push
from handlers.talk import SHANGHAI
from knowledge.credit_code import CreditCodeError, read_credit_code
from storage import case_clocks, cases, notices, shops
from storage.case_clocks import CaseClock
from storage.cases import Case, CaseKind, CaseState
from storage.contacts import of_person
from storage.notices import NOTIFIED, OtherShopError
from storage.shops import Role, Shop

VISITED, PRINTED, SERVED = "case.visited", "merchant.printed", "merchant.served"
_SERVED_ON = re.compile(r"(?:(\d{4})[-./年])?(\d{1,2})[-./月](\d{1,2})[日号]?")
_DAYS_AGO = {"今天": 0, "今日": 0, "昨天": 1, "前天": 2}
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
    to = _in_charge(duty, shop)
    if not to:
        return [_to_print(duty, case, shop.name)]
    clock = _term(duty, case)
    deed = duty.desk.deed(NOTIFIED, "已请商家说明情况", shop=shop.id)
    event = cases.happen(duty.talk.session, case, deed, duty.talk.now)
    for contact_id in to:
        _push(duty, case, clock, contact_id, event.id)
    telling.tell_one(
        duty.talk.bench, duty.talk.session, case, "已请商家说明情况", duty.talk.now, f"notified:{event.id}"
    )
    said = f"已通知{shop.name}的负责人（{len(to)} 人），最迟 {day_words(clock.due_on, duty.talk.today)} 说明。通知里没有举报人、照片、金额和钟点。"
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
    """No one of the shop is here: the same words on paper; no term runs before the paper was served."""
    session = duty.talk.session
    clock = next(iter(case_clocks.live(session, case.id, terms.ANSWER)), None)
    cases.happen(session, case, duty.desk.deed(PRINTED, name.strip()[:40], public=False), duty.talk.now)
    head = f"台账里没有“{name.strip()[:40]}”的负责人，请打印下面的通知送达。"
    example = f"已送达 {short(case)} {duty.talk.today:%m-%d}"
    then = f"送达后回“{example}”（写送达那天），商家的说明期限从那天起算。\n" if clock is None else "\n"
    text = f"{head}{then}{notice(duty.talk.bench, case, clock)}"
    return Reply(text, (Choice(f"看 {short(case)}", f"officers:show/{case.id}"),))


# -- served on paper ----------------------------------------------------------------------------------------------


def served(duty: Duty, case: Case, rest: str) -> list[Reply]:
    """已送达 0031 11-26: the paper was handed over on that day; the merchant's term begins with it."""
    _demand_time(duty, case)
    talk = duty.talk
    running = next(iter(case_clocks.live(talk.session, case.id, terms.ANSWER)), None)
    if running is not None:
        last = day_words(running.due_on, talk.today)
        raise StepError(f"{case.number} 的商家说明期限已经在走，最迟 {last}。要看怎么算的回“为什么 {short(case)}”。")
    day = _served_on(duty, case, rest)
    clock = terms.start(talk.bench, talk.session, case, terms.ANSWER, day)
    deed = duty.desk.deed(SERVED, f"{day:%Y-%m-%d} 送达", public=False, day=f"{day:%Y-%m-%d}")
    event = cases.happen(talk.session, case, deed, talk.now)
    telling.tell_one(talk.bench, talk.session, case, "已请商家说明情况", talk.now, f"served:{event.id}")
    last = day_words(clock.due_on, talk.today)
    return done(duty, case, f"{case.number} 的通知 {day_words(day, talk.today)} 送达，商家最迟 {last} 说明。")


def _served_on(duty: Duty, case: Case, rest: str) -> date:
    """Not in the future, and not before anybody could have been served. Without a year: the last such day."""
    today, first, said = duty.talk.today, _first_day(duty, case), rest.strip(" ，。,.")
    day = _day_said(said, today)
    if day is not None and day > today and said[:4] != str(day.year) and day.replace(year=today.year - 1) >= first:
        day = day.replace(year=today.year - 1)
    if day is None:
        raise StepError(f"请写哪天送达的，例如“已送达 {short(case)} {today:%m-%d}”或“已送达 {short(case)} 昨天”。")
    if day > today:
        raise StepError(f"{day:%Y-%m-%d} 还没到。送达以后再回“已送达 {short(case)} 日期”。")
    if day < first:
        what = "受理" if case.kind == CaseKind.COMPLAINT else "现场检查"
        raise StepError(f"{day:%Y-%m-%d} 早于{what}（{first:%Y-%m-%d}），请核对送达的日期再发。")
    return day


def _day_said(said: str, today: date) -> date | None:
    if said in _DAYS_AGO:
        return today - timedelta(days=_DAYS_AGO[said])
    found = _SERVED_ON.fullmatch(said)
    try:
        return date(int(found[1] or today.year), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _first_day(duty: Duty, case: Case) -> date:
    """The day on which the merchant could be told at the earliest."""
    began = ("case.accepted", "case.reopened") if case.kind == CaseKind.COMPLAINT else (VISITED,)
    days = [e.at.astimezone(SHANGHAI).date() for e in cases.events(duty.talk.session, case.id) if e.action in began]
    return (days[-1] if case.kind == CaseKind.COMPLAINT else days[0]) if days else case.received_on
