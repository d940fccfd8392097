"""Who belongs to a shop: inviting, joining, leaving, handing over, closing."""

from __future__ import annotations

from handlers.conversation.messages import Choice, Reply
from handlers.talk import SHANGHAI, Talk
from storage import closing, reminders, shops
from storage.contacts import of_person
from storage.shops import Member, Membership, Role

ROLES = {Role.OWNER: "店主", Role.MANAGER: "店长", Role.CLERK: "店员", Role.VIEWER: "只看"}
INVITED = {"店长": Role.MANAGER, "店员": Role.CLERK, "只看": Role.VIEWER}
LEFT = "已退出{}。要再回来，请店主重新邀请。"


def list_members(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    rows = shops.members(talk.session, place.shop.id)
    lines = [f"{place.shop.name}有 {len(rows)} 人：", *(f"· {_called(talk, m)}" for m in rows)]
    choices = [Choice(f"邀请{name}", f"ledger:invite/{role}") for name, role in INVITED.items()]
    if not place.role.covers(Role.MANAGER):
        choices = []
    if place.role is Role.OWNER and len(rows) > 1:
        choices.append(Choice("移交店主", "ledger:hand"))
        choices.append(Choice("请出成员", "ledger:dismiss"))
    return [Reply("\n".join(lines), tuple(choices))]


def _called(talk: Talk, member: Member) -> str:
    """No names are known: the role, the channel, since when."""
    since = member.joined_at.astimezone(SHANGHAI)
    accounts = of_person(talk.session, member.person_id)
    where = talk.office.called(accounts[0].channel) if accounts else "已离开"
    own = "，您" if member.person_id == talk.person_id else ""
    return f"{ROLES[Role(member.role)]}（{where}，{since.month}月{since.day}日加入{own}）"


def invite(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    role = Role(rest) if rest in list(Role) else INVITED.get(rest, Role.CLERK)
    if role is Role.OWNER or not place.role.covers(role):
        return [Reply("您不能邀请这个身份的人。")]
    code = shops.invite(talk.session, place.shop.id, role, talk.now)
    shown = f"{code[:4]}-{code[4:]}"
    text = f"邀请码 {shown}：24 小时内用一次，发给要加入的人，请对方在这里回“加入 {shown}”。\n加入后是{ROLES[role]}。"
    return [Reply(text)]


def join(talk: Talk, code: str) -> list[Reply]:
    place = shops.accept(talk.session, code, talk.person_id, talk.now)
    if place is None:
        return [Reply("这个邀请码不对、用过了或过期了（24 小时内用一次）。请店里再发一个。")]
    reminders.clear_unreached(talk.session, place.shop.id)  # there is somebody to write to now
    text = f"您已加入{place.shop.name}，身份是{ROLES[place.role]}。回“我的台账”看器具。"
    return [Reply(text, (Choice("我的台账", "ledger:list"), Choice("店铺信息", "ledger:shop")))]


def _others(talk: Talk, place: Membership) -> list[Member]:
    return [m for m in shops.members(talk.session, place.shop.id) if m.person_id != talk.person_id]


def hand_over(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    others = _others(talk, place)
    if not others:
        return [Reply("店里没有别人。请先回“邀请店员”，等对方加入了再移交。")]
    heir = next((m for m in others if str(m.id) == rest.removeprefix("sure/")), None)
    if heir is None:
        choices = tuple(Choice(_called(talk, m), f"ledger:hand/{m.id}") for m in others[:8])
        return [Reply("把店主移交给谁？您会变成店长。", choices)]
    if not rest.startswith("sure/"):
        sure = (Choice("确认移交", f"ledger:hand/sure/{heir.id}"), Choice("不移交", "ledger:shop"))
        return [Reply(f"移交给{_called(talk, heir)}后，店主是对方，您是店长。", sure)]
    shops.hand_over(talk.session, place.member, heir)
    return [Reply(f"移交好了。{place.shop.name}的店主现在是对方，您是店长。")]


def dismiss(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    others = _others(talk, place)
    one = next((m for m in others if str(m.id) == rest), None)
    if one is None:
        choices = tuple(Choice(_called(talk, m), f"ledger:dismiss/{m.id}") for m in others[:8])
        return [Reply("请出哪一位？对方马上看不到台账。", (*choices, Choice("不请了", "ledger:members")))]
    called = _called(talk, one)
    shops.leave(talk.session, one)
    return [Reply(f"已请出：{called}。日历链接也换了，要用的请再回“存到日历”。")]


def leave(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    name = place.shop.name
    if place.role is Role.OWNER:
        if _others(talk, place):
            text = f"您是{name}的店主，要先把店移交给别人才能退出。"
            return [Reply(text, (Choice("移交店主", "ledger:hand"), Choice("不退了", "ledger:shop")))]
        text = f"{name}只有您一个人。请先邀请别人来接，或者把店和台账一起删掉（找不回来）。"
        return [
            Reply(
                text,
                (
                    Choice("邀请店长", "ledger:invite/manager"),
                    Choice("删除店铺", "ledger:close"),
                    Choice("不退了", "ledger:shop"),
                ),
            )
        ]
    if rest != "sure":
        return [
            Reply(
                f"退出{name}后就看不到它的台账了。",
                (Choice("确认退出", "ledger:leave/sure"), Choice("不退了", "ledger:shop")),
            )
        ]
    shops.leave(talk.session, place.member)
    return [Reply(LEFT.format(name))]


def close(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    name = place.shop.name
    if _others(talk, place):
        return [Reply(f"{name}还有别的成员，请先移交店主，再退出。", (Choice("移交店主", "ledger:hand"),))]
    if rest != "sure":
        sure = (Choice("确认删除店铺", "ledger:close/sure"), Choice("不删", "ledger:shop"))
        return [Reply(f"删除{name}：台账、证书、提醒都没了，找不回来。", sure)]
    closing.close(talk.session, place.shop.id, talk.now)
    return [Reply(f"{name}和它的台账都删了。")]
