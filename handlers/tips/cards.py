"""One case on one screen for its reporter, and the list of several. No card repeats what was told: a receipt that fell into
other hands must not show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.cases import steps, terms
from handlers.cases.labels import category_label
from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk
from handlers.tips import view
from handlers.tips.rights import Mine
from knowledge import reward
from storage import cases
from storage.cases import Case, CaseEvent, CaseKind, CaseState

MOST_LISTED = 8
MOST_CHOICES = 5
WITHDRAW = "撤回投诉"
ANSWER = "回答办案人员"


def card(talk: Talk, mine: Mine) -> Reply:
    events = view.events_of(talk.session, mine.case)
    return Reply("\n".join(_lines(talk, mine, events)), _choices(talk, mine, events))


def listed(found: Sequence[Case], verb: str = "open") -> Reply:
    """Several cases, by number and state, to pick one from."""
    choices = [Choice(_label(case), f"tips:{verb}/{case.id}") for case in found[:MOST_LISTED]]
    more = f"（最近 {MOST_LISTED} 件；更早的发编号或回执码来查）" if len(found) > MOST_LISTED else ""
    return Reply(f"您有 {len(found)} 件，看哪一件？{more}", tuple(choices))


def _label(case: Case) -> str:
    return f"{case.number} {steps.NAMES[CaseState(case.state)]}"


# -- text ---------------------------------------------------------------------------------------------------------


def _lines(talk: Talk, mine: Mine, events: Sequence[CaseEvent]) -> Iterator[str]:
    case = mine.case
    office = view.office_of(talk.session, case)
    yield f"【{_heading(mine)}】现在：{view.state_of(case)}{f'（承办：{office}）' if office else ''}"
    yield view.timeline_text(view.timeline(events))
    yield from view.result_lines(talk.bench, case)
    if case.main_id is not None and case.state in cases.OPEN:
        yield "已和反映同一摊位的其他案件合并核查，进展一样会告诉您。"
    following = view.next_line(talk.bench, talk.session, case, talk.today)
    if following:
        yield following
    for asked in view.questions(events):
        yield f"办案人员问您（{view.day_of(asked.at):%m-%d}）：{asked.text}"
    offer = view.open_offer(events)
    if offer is not None and case.state in cases.OPEN:
        yield f"商家的方案：{offer.text or _amount(offer)}。您可以接受，也可以不接受，由您决定。"
    yield from _after_end(talk, case)


def _heading(mine: Mine) -> str:
    """Whoever comes with a receipt sees the number alone."""
    case = mine.case
    kind = view.KINDS[CaseKind(case.kind)]
    if mine.link is None:
        return f"{kind} {case.number}"
    return " ".join(filter(None, (case.market, category_label(case.category), kind, case.number)))


def _amount(offer: CaseEvent) -> str:
    amount = offer.detail.get("amount")
    return f"退赔 {amount} 元" if amount else "见商家答复"


def _after_end(talk: Talk, case: Case) -> Iterator[str]:
    if case.state == CaseState.CLOSED:
        outcome = talk.bench.casebook.outcome_named(case.outcome)
        if outcome is not None and outcome.reward:
            yield reward.claim_reminder(case.number)
    if steps.may_reopen(case, talk.today) and case.ended_on is not None:
        yield f"{case.ended_on + steps.REOPEN:%m-%d} 前可以要求重办。"


# -- choices ------------------------------------------------------------------------------------------------------


def _choices(talk: Talk, mine: Mine, events: Sequence[CaseEvent]) -> tuple[Choice, ...]:
    ended = mine.case.state not in cases.OPEN
    found = _ended_choices(talk, mine) if ended else _open_choices(talk, mine, events)
    return tuple([*found, *_news(mine)][:MOST_CHOICES]) or (Choice("看菜单", "menu:"),)


def _open_choices(talk: Talk, mine: Mine, events: Sequence[CaseEvent]) -> Iterator[Choice]:
    case, key = mine.case, mine.key
    if view.open_offer(events) is not None:
        yield Choice("接受商家方案", f"tips:accept/{key}")
        yield Choice("不接受", f"tips:decline/{key}")
    yield Choice("补充证据", f"tips:add/{key}")
    asked = bool(view.questions(events))
    yield Choice(ANSWER if asked else "给办案人留言", f"tips:word/{key}")
    if terms.next_term(talk.session, case) is not None:
        yield Choice("为什么是这个日期", f"tips:why/{key}")
    if case.kind == CaseKind.COMPLAINT and cases.may(case, CaseState.WITHDRAWN):
        yield Choice(WITHDRAW, f"tips:withdraw/{key}")


def _ended_choices(talk: Talk, mine: Mine) -> Iterator[Choice]:
    case = mine.case
    if case.state == CaseState.CLOSED:
        if case.satisfied is None:
            yield Choice("满意", f"tips:satisfied/{mine.key}")
        if steps.may_reopen(case, talk.today):
            yield Choice("不满意", f"tips:again/{mine.key}")
    if case.state == CaseState.REFUSED:
        yield Choice("明白了", f"tips:understood/{mine.key}")
        if steps.may_reopen(case, talk.today):
            yield Choice("不服，说理由", f"tips:again/{mine.key}")


def _news(mine: Mine) -> Iterator[Choice]:
    if mine.link is None:
        yield Choice("以后用这个账号直接查", f"tips:tie/{mine.key}")
    elif mine.case.state in cases.OPEN:
        wanted = bool(mine.link.address)
        yield Choice("不再通知我", f"tips:quiet/{mine.key}") if wanted else Choice("通知我", f"tips:news/{mine.key}")
