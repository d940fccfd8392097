"""我的承诺: how it stands, why, and what to do; taking it back."""

from __future__ import annotations

from handlers.conversation.messages import Choice, Reply
from handlers.pledge.cards import page_of
from handlers.pledge.signing import CAPABILITY
from handlers.pledge.standing import REASONS, WITHDRAWN, held_by, shown
from handlers.talk import Talk
from storage import pledges
from storage.pledges import EXPIRING, OVERDUE, Deed, Pledge, PledgeState, Status
from storage.shops import Membership

NONE = "您店还没有签诚信计量承诺。签了会有编号、二维码和可以挂出来的卡，一年一签，不收费。"


def mine(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    row = pledges.latest(talk.session, place.shop.id) or pledges.latest(talk.session, place.shop.id, CAPABILITY)
    if row is None:
        return [Reply(NONE, (Choice("签承诺", "pledge:start"), Choice("回菜单", "menu:")))]
    seen = shown(talk.session, row, place.shop, talk.today)
    lines = [
        f"{place.shop.name} 的承诺 {row.number}：{seen.label}",
        f"{row.signed_on:%Y-%m-%d} 签，有效至 {row.valid_until:%Y-%m-%d}",
        f"{seen.share}；近12个月查实违法 {seen.confirmed} 件",
        *_why(row, seen.status),
        f"公示页：{page_of(talk.bench, row.number)}",
    ]
    return [Reply("\n".join(lines), _choices(talk, row, seen.status))]


def _why(row: Pledge, status: Status) -> list[str]:
    if status not in (Status.PAUSED, Status.REVOKED):
        return []
    reason = row.reason or REASONS[OVERDUE]
    how = "检定或停用后自动恢复" if status is Status.PAUSED and not held_by(row) else "由工作人员核实后恢复"
    return [f"原因：{reason}；{how}"]


def _choices(talk: Talk, row: Pledge, status: Status) -> tuple[Choice, ...]:
    if status is Status.ENDED:
        return (Choice("重新签", "pledge:start"), Choice("回菜单", "menu:"))
    if status is Status.EXPIRED:
        return (Choice("重新签", f"pledge:renew/{row.id}"), Choice("回菜单", "menu:"))
    if status in (Status.PAUSED, Status.REVOKED):
        return (Choice("申诉", f"pledge:appeal/{row.id}"), Choice("我的台账", "ledger:list"))
    soon = row.valid_until - talk.today <= EXPIRING
    first = (Choice("续签", f"pledge:renew/{row.id}"),) if soon else ()
    return (*first, Choice("要承诺卡", f"pledge:card/{row.id}"), Choice("退出承诺", f"pledge:end/{row.id}"))


def end(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """退出承诺: said twice, for the card on the wall is void with it."""
    id_, _, sure = rest.partition("/")
    row = pledges.get(talk.session, int(id_)) if id_.isdecimal() else None
    if row is None or row.shop_id != place.shop.id or row.state not in pledges.LIVE:
        return [Reply("没有在有效期内的承诺。", (Choice("我的承诺", "pledge:mine"),))]
    if sure != "sure":
        text = f"退出后 {row.number} 的码会显示“已结束”，请把卡取下来。确定退出吗？"
        return [Reply(text, (Choice("确定退出", f"pledge:end/{id_}/sure"), Choice("不退", "pledge:mine")))]
    # Who leaves while a violation is looked into does not come back as if nothing had been.
    deed = Deed("owner", "pledge.taken-back", "主动退出", held_by(row) or WITHDRAWN)
    pledges.move(talk.session, row, PledgeState.ENDED, deed, talk.now)
    return [Reply(f"{row.number} 已退出。请把卡取下来；想再签，回“承诺”。")]
