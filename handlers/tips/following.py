"""Finding a case again (查): by the account, by the receipt, by its number; whether news of it are wanted."""

from __future__ import annotations

from collections.abc import Callable

from handlers.cases import reasons
from handlers.consult import say_time
from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk
from handlers.tips import cards, view
from handlers.tips.rights import MISSING, Mine, by_receipt, mine, own_tag, tags
from knowledge import receipt_code
from storage import case_links, cases, consults
from storage.case_links import CaseLink
from storage.cases import Case, CaseKind

NO_CASE = "这个账号还没有举报或投诉。有回执码就直接发给我（17 位数字，在哪儿都能查）。"
MISTYPED = "这个回执码输错了（17 位，可能错了一位、少了一位或写反了），请对照截图再发一次。这次没有算进查询次数。"
UNKNOWN = "没有查到这个回执码的案件：可能输错了，或者办结满 90 天已经失效。用当时的账号回“我的举报”也能查。"
ENOUGH = "今天输错的回执码太多，凭码查询先停到明天，以防有人乱猜。用当时的账号回“我的举报”照样能查；急事请打 {}。"
NEWS_ON = "好，{} 有进展会在这里通知您，消息里不写店名。不想要了回“不再通知”。"
NEWS_OFF = "好，不再通知。要看进展随时回“查”，或发回执码。"
PUT_AN_END = 40
"""A number in a longer text than this is part of a story."""
Pick = Callable[[Case], bool]


def claims(text: str) -> str | None:
    """A receipt in a message that is nothing else."""
    return "receipt" if receipt_code.looks_like(text) else None


def digits(text: str) -> str | None:
    """Nothing but about as many digits as a receipt has. In a form they may be the answer, so they claim nothing there."""
    return "receipt" if receipt_code.is_only_digits(text) else None


def names(text: str) -> str | None:
    """The number of a case in a message that is little else."""
    number = receipt_code.read_case_number(text) if len(text) <= PUT_AN_END else None
    return f"number/{number}" if number else None


# -- finding ------------------------------------------------------------------------------------------------------


def own(talk: Talk, pick: Pick = lambda _case: True) -> list[Case]:
    return [case for case in case_links.cases_of(talk.session, tags(talk)) if pick(case)]


def show_own(talk: Talk, _rest: str = "") -> list[Reply]:
    """查: the case itself when there is one, else the list."""
    found = own(talk)
    if not found:
        return [_nothing(talk)]
    if len(found) > 1:
        return [cards.listed(found)]
    return show(talk, str(found[0].id))


def show(talk: Talk, key: str) -> list[Reply]:
    opened = mine(talk, key)
    return [cards.card(talk, opened)] if opened is not None else [MISSING]


def for_one(talk: Talk, verb: str, pick: Pick, none: str, work: Callable[[str], list[Reply]]) -> list[Reply]:
    """A word without a number, such as 补充: it means the one case it can mean, or it is asked which."""
    found = own(talk, pick)
    if not found:
        return [Reply(none, (Choice("我的举报", "tips:mine"), Choice("我要举报", "tips:start")))]
    return work(str(found[0].id)) if len(found) == 1 else [cards.listed(found, verb)]


def by_number(talk: Talk, number: str) -> list[Reply]:
    """A case number is no secret: it opens a person's own case only."""
    found = own(talk, lambda case: case.number == number)
    return show(talk, str(found[0].id)) if found else [MISSING]


def receipt(talk: Talk, _rest: str = "") -> list[Reply]:
    """A receipt that was typed; one with a typing error costs no guess."""
    typed = receipt_code.read(talk.inbound.text)
    if typed is None or typed.mistyped:
        return [Reply(MISTYPED)]
    if not case_links.guesses_left(talk.session, talk.today):
        return [Reply(ENOUGH.format(talk.office.hotline))]
    digest = talk.inbound.prepared or case_links.digest_of(talk.bench.vault, typed.digits)
    case = case_links.by_receipt(talk.session, digest, talk.today)
    return [cards.card(talk, by_receipt(talk, case))] if case is not None else [Reply(UNKNOWN)]


def _nothing(talk: Talk) -> Reply:
    """What the person asked staff has a number and a time as well."""
    row = consults.latest_open(talk.session, talk.person_id)
    asked = f"您的咨询 {row.number}，{say_time(row.promised_at)}前答复。\n" if row is not None else ""
    return Reply(asked + NO_CASE, (Choice("我要举报", "tips:start"), Choice("看菜单", "menu:")))


def prompt(talk: Talk, number: str) -> list[Reply]:
    """A code that was scanned names a case, but does not open it."""
    talk.confidential = True
    found = own(talk, lambda case: case.number == number)
    if found:
        return show(talk, str(found[0].id))
    return [Reply("查进度：请把 17 位回执码发给我；用当时的账号，回“查”就行。", (Choice("我的举报", "tips:mine"),))]


# -- why this date ------------------------------------------------------------------------------------------------


def why(talk: Talk, opened: Mine) -> list[Reply]:
    text = reasons.explained(talk.bench, talk.session, opened.case, talk.today)
    return [Reply(text or "这个案件现在没有在走的期限。", (_back(opened),))]


def copy_text(talk: Talk, opened: Mine) -> list[Reply]:
    """What 12315 would ask, ready to be copied; only for the account that told it."""
    case = opened.case
    if opened.link is None:
        return [MISSING]
    where = view.where_of(case)
    kind = "投诉" if case.kind == CaseKind.COMPLAINT else "举报"
    lines = (
        f"【{kind}】地点：{where}",
        f"事情：{case.matter}",
        f"时间：{case.happened or '见经过'}",
        f"经过：{case.told}",
    )
    note = f"复制上面的文字，打 {talk.office.hotline} 或在全国12315平台、小程序里提交。"
    return [Reply("\n".join((*lines, note)), (_back(opened),))]


# -- news ---------------------------------------------------------------------------------------------------------


def news(talk: Talk, opened: Mine) -> list[Reply]:
    case_links.want_news(_own_link(talk, opened), talk.bench.vault, talk.contact_id)
    return [Reply(NEWS_ON.format(opened.case.number), (_back(opened),))]


def quiet(talk: Talk, opened: Mine) -> list[Reply]:
    _silence(talk, opened.case)
    return [Reply(NEWS_OFF)]


def quiet_all(talk: Talk, _rest: str = "") -> list[Reply]:
    for case in own(talk):
        _silence(talk, case)
    return [Reply(NEWS_OFF)]


def tie(talk: Talk, opened: Mine) -> list[Reply]:
    """From now on this account finds the case without the receipt; whether it is told of news is asked apart."""
    _own_link(talk, opened)
    id_ = opened.case.id
    text = "好，以后用这个账号回“查”就能看。数据库里只留一个打不开的标记，不留账号。\n有进展要不要在这里通知您？"
    return [
        Reply(text, (Choice("要（消息不写店名）", f"tips:news/{id_}"), Choice("不要，我自己来查", f"tips:quiet/{id_}")))
    ]


def _own_link(talk: Talk, opened: Mine) -> CaseLink:
    return case_links.link(talk.session, opened.case.id, own_tag(talk), talk.today)


def _silence(talk: Talk, case: Case) -> None:
    """Whichever of the person's accounts is told: none is from now on."""
    for tag in tags(talk):
        link = case_links.own_case(talk.session, [tag], case.id)
        if link is not None:
            case_links.no_news(link[1])


def _back(opened: Mine) -> Choice:
    return Choice("看进展", f"tips:open/{opened.key}")


def is_open(case: Case) -> bool:
    return case.state in cases.OPEN
