"""What staff see in the chat: cases and consults that wait, the shops to call. Anybody else who says the word gets an
ordinary answer."""

from __future__ import annotations

import re

from handlers import lookup
from handlers.consult import deadlines, waiting_list
from handlers.conversation.messages import Choice, Reply
from handlers.conversation.words import fold
from handlers.ledger.shops import phone_of
from handlers.officers import queue
from handlers.officers.access import on_duty
from handlers.talk import Bench, Talk
from storage import consults, reminders
from storage.reminders import Reach, Unreached
from storage.shops import Shop

COMMANDS = {**dict.fromkeys(("待办", "今日待办", "/todo"), "todo"), **dict.fromkeys(("失联", "失联名单"), "unreached")}
MOST = 20
REACHES = {
    Reach.UNTOLD: "还没提醒过",
    Reach.SILENT: "提醒到了没回应",
    Reach.WAITING: "要对方先说话才能发",
    Reach.REFUSED: "拒收通知",
    Reach.BLOCKED: "拉黑或取消关注",
    Reach.UNBOUND: "没人绑定",
}
_CALLED = re.compile(r"已电话\s*(\d{1,9})")


def claims(text: str) -> str | None:
    """已电话 3: the shop with that number has been called."""
    found = _CALLED.fullmatch(fold(text))
    return f"called/{found[1]}" if found else None


def act(talk: Talk, action: str) -> list[Reply]:
    """An account that was enrolled has cases; one that only stands in the settings has the consults and the shops."""
    duty = on_duty(talk)
    if duty is None and not talk.staff:
        return lookup.answer(talk, talk.inbound.text)
    verb, _, rest = action.partition("/")
    if verb == "todo" and duty is not None:
        talk.confidential = True
        return queue.today(duty)
    if verb == "todo":
        rows = consults.open_consults(talk.session)
        return [Reply(deadlines(rows) if talk.public_only else waiting_list(rows))]
    if verb == "called":
        done = reminders.mark_called(talk.session, int(rest), talk.now)
        said = f"记下了，{rest} 号已打过电话。" if done else f"名单里没有 {rest} 号，或者已经打过了。"
        return [Reply(said, (Choice("失联名单", "staff:unreached"),))]
    return [_unreached(talk)]


def _unreached(talk: Talk) -> Reply:
    """Whom to call, each with the number by which it is ticked off. Where others may read along, numbers only."""
    rows = reminders.unreached(talk.session, MOST + 1)
    if not rows:
        return Reply("没有要打电话催检的店。")
    if talk.public_only:
        return Reply(f"要打电话催检的有 {len(rows)} 家。名单含联系电话，请用“python -m bot unreached”看。")
    more = f"\n只列出前 {MOST} 家。" if len(rows) > MOST else ""
    lines = [line_of(talk.bench, row, shop) for row, shop in rows[:MOST]]
    return Reply("\n".join(["逾期没动静、要打电话的店：", *lines]) + more + "\n打过了回“已电话 编号”。")


def line_of(bench: Bench, row: Unreached, shop: Shop) -> str:
    phone = phone_of(bench, shop) or "没留电话"
    return f"{shop.id}  {shop.name}  {phone}  逾期 {row.pieces} 台  {REACHES[Reach(row.reach)]}（{row.since:%m-%d}起）"
