"""A number of a pledge, typed or scanned: what it is worth today. For everybody, on every channel."""

from __future__ import annotations

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.router import Service
from handlers.pledge.standing import Shown, shown
from handlers.talk import Talk
from knowledge import pledge_number
from storage import pledges
from storage.pledges import Status

UNKNOWN = "查无此承诺，疑似伪造：本局没有签发过 {} 这个编号。请拍照反馈，我们去核实。"
MISTYPED = "这个编号输错了一位，请对照卡片再发一次，形如 CXJL-2026-000123-8。"
HOW = "请发承诺编号（形如 CXJL-2026-000123-8），或扫卡片上的码。"
MARKS = {Status.VALID: "✔ 真实有效", Status.EXPIRING: "✔ 真实有效（即将到期）"}


def recognise(_talk: Talk, text: str) -> str | None:
    read = pledge_number.read(text)
    if read is None:
        return None
    return "mistyped" if read.mistyped else f"number/{read.number}"


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    if verb == "number":
        return check(talk, rest)
    if verb == "text":
        return _text(talk, rest)
    return [Reply(MISTYPED if verb == "mistyped" else HOW)]


def check(talk: Talk, number: str) -> list[Reply]:
    found = pledges.by_number(talk.session, number)
    if found is None:
        return [Reply(UNKNOWN.format(number), (Choice("反馈假承诺", "tips:start"), Choice("回菜单", "menu:")))]
    return [Reply(in_words(shown(talk.session, *found, talk.today)), _after(number))]


def by_route(talk: Talk, code: str) -> list[Reply]:
    """A scanned card: the code holds the number."""
    read = pledge_number.read(code)
    if read is None or read.mistyped:
        return [Reply(MISTYPED if read else HOW)]
    return check(talk, read.number)


def in_words(seen: Shown) -> str:
    where = f"（{seen.district}）" if seen.district else ""
    head = MARKS.get(seen.status, f"✘ 现在是“{seen.label}”")
    return (
        f"{head}：{seen.shop}{where} {seen.signed_on:%Y-%m-%d} 承诺，有效至 {seen.valid_until:%Y-%m-%d}。\n"
        f"{seen.share}；近12个月查实违法 {seen.confirmed} 件。"
    )


def _after(number: str) -> tuple[Choice, ...]:
    return (
        Choice("用手机测测这家的秤", "judge:scale"),
        Choice("反映问题", f"tips:pledge/{number}"),
        Choice("看承诺内容", f"pledged:text/{number}"),
    )


def _text(talk: Talk, number: str) -> list[Reply]:
    found = pledges.by_number(talk.session, number)
    return [Reply(found[0].text, _after(number)[:2])] if found else [Reply(UNKNOWN.format(number))]


SERVICE: Service[Talk] = Service(
    "pledged",
    act,
    recognise=recognise,
    commands=dict.fromkeys(("扫码验真", "验真", "验承诺", "查承诺"), "how"),
)
