"""The ledger as one service of the desk: its words, its forms, and which role each of its actions needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from handlers.conversation.messages import Attachment, AttachmentKind, Choice, Reply
from handlers.conversation.router import Service
from handlers.conversation.words import fold
from handlers.ledger import add, calendars, certificates, files, lists, members, reminding, sheets, shops
from handlers.ledger.files import current
from handlers.pledge import actions as pledge_actions
from handlers.talk import Talk
from knowledge.instrument_line import looks_like_line
from storage import reminders, tasks
from storage.shops import Membership, Role, use

Act = Callable[[Talk, Membership, str], list[Reply]]

ACTIONS: Mapping[str, tuple[Role, Act]] = {
    "list": (Role.VIEWER, lists.show),
    "page": (Role.VIEWER, lists.page),
    "find": (Role.VIEWER, lists.find),
    "retired": (Role.VIEWER, lists.retired),
    "item": (Role.VIEWER, lists.item),
    "original": (Role.VIEWER, lists.original),
    "upcoming": (Role.VIEWER, reminding.upcoming),
    "export": (Role.VIEWER, sheets.export),
    "reconcile": (Role.VIEWER, sheets.reconcile),
    "calendar": (Role.VIEWER, calendars.offer),
    "feed": (Role.VIEWER, calendars.feed),
    "ics": (Role.VIEWER, calendars.once),
    "reset-feed": (Role.MANAGER, calendars.reset),
    "shop": (Role.VIEWER, shops.show),
    "switch": (Role.VIEWER, shops.switch),
    "notify": (Role.VIEWER, shops.notify),
    "members": (Role.VIEWER, members.list_members),
    "leave": (Role.VIEWER, members.leave),
    "add": (Role.CLERK, add.start),
    "line": (Role.CLERK, add.line),
    "edit": (Role.CLERK, lists.edit),
    "booked": (Role.CLERK, lists.booked),
    "retire": (Role.CLERK, lists.retire),
    "revive": (Role.CLERK, lists.revive),
    "transfer": (Role.CLERK, lists.transfer),
    "import": (Role.CLERK, sheets.how),
    "sheet": (Role.CLERK, sheets.act),
    "photos": (Role.CLERK, files.waiting_photos),
    "cert": (Role.CLERK, certificates.act),
    "remind": (Role.CLERK, reminding.act),
    "phone": (Role.MANAGER, shops.ask_phone),
    "invite": (Role.MANAGER, members.invite),
    "hand": (Role.OWNER, members.hand_over),
    "dismiss": (Role.OWNER, members.dismiss),
    "close": (Role.OWNER, members.close),
}
"""Every action on a shop, with the least role that may do it."""

WORDS = {
    "list": ("我的台账", "台账", "器具台账", "/ledger"),
    "retired": ("停用的器具", "停用器具"),
    "upcoming": ("到期提醒", "快到期的", "/remind"),
    "export": ("导出", "导出台账", "导出表格"),
    "reconcile": ("对账", "对照平台", "和平台对照"),
    "calendar": ("存到日历", "日历"),
    "reset-feed": ("重置日历链接", "作废日历链接"),
    "shop": ("店铺信息", "我的店", "我的店铺"),
    "switch": ("换店", "切换店铺"),
    "members": ("成员", "店铺成员"),
    "leave": ("退出店铺", "离开店铺"),
    "add": ("记一台", "加器具", "添加器具", "建台账"),
    "import": ("导入", "导入台账", "导入表格"),
    "photos": ("存证书", "存检定证书", "拍证书"),
    "invite": ("邀请", "邀请店员", "邀请成员"),
    "hand": ("移交", "移交店铺", "移交店主"),
    "close": ("删除店铺",),
    "register": ("登记店铺", "注册店铺", "绑定店铺", "登记新店"),
}
GOES_ON = "pledge/"
"""In front of what the pledge goes on with once its shop is registered; whoever registers it is its owner."""
TOO_LOW = "这件事要{}来办，您在{}的身份是{}。"
_BIND = re.compile(r"(?:绑定|登记|注册)(?:店铺|门店|商户)?[\s:“\"]+([^\d\s].{1,39}?)[”\"]?")
_NO_SHOP = re.compile(r"[吗呢?？]|怎么|什么|多久|手续|手机|微信|公众号|账号|帐号|电话|流程|资料")
_JOIN = re.compile(r"(?:加入|/join)\s*([0-9a-z]{4})-?([0-9a-z]{4})")
_FIND = re.compile(r"(?:台账|查台账)(?:[\s:：]+(\S.{0,30})|([0-9A-Za-z\-]{2,30}))")


def claims(text: str) -> str | None:
    """绑定 鲜达超市, 加入 K7M2-9QXR, 台账 0917: commands with something behind them."""
    said = fold(text)
    joined = _JOIN.fullmatch(said)
    if joined:
        return f"join/{joined[1]}{joined[2]}"
    bound = _BIND.fullmatch(text.strip())
    if bound and not _NO_SHOP.search(bound[1]):
        return f"register/{bound[1]}"
    found = _FIND.fullmatch(text.strip())
    return f"find/{found[1] or found[2]}" if found and not _NO_SHOP.search(text) else None


def recognise(talk: Talk, text: str) -> str | None:
    """A line that describes an instrument, as one writes it into a ledger."""
    return f"line/{text}" if looks_like_line(text, talk.matcher) else None


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    if verb == "register":
        return shops.register(talk, rest)
    if verb == "join":
        return members.join(talk, rest)
    if verb == "skeleton":
        return _begin_with(talk, rest)
    place = _place(talk, verb, rest)
    if place is None:
        return shops.register(talk, then=action if verb in ("line", "import", "add") else "")
    least, work = ACTIONS[verb]
    if not place.role.covers(least):
        text = TOO_LOW.format(members.ROLES[least], place.shop.name, members.ROLES[place.role])
        return [Reply(text, (Choice("我的台账", "ledger:list"),))]
    return work(talk, place, rest)


def _place(talk: Talk, verb: str, rest: str) -> Membership | None:
    """The shop that is meant: the one named, the one that a reminder or a file is of, else the one used last."""
    number = next((part for part in rest.split("/") if part.isdecimal()), "")
    if not number:
        return current(talk)
    shop_id = SHOP_OF[verb](talk, int(number)) if verb in SHOP_OF else None
    place = shops.named(talk, shop_id) if shop_id is not None else None
    if place is not None and verb != "switch":
        use(talk.session, place.member, talk.now)  # what is said next is about the same shop
    return place or current(talk)


def _shop_of_task(talk: Talk, task_id: int) -> int | None:
    task = tasks.of_person(talk.session, talk.person_id, task_id)
    return task.request.get("shop") if task is not None else None


SHOP_OF: Mapping[str, Callable[[Talk, int], int | None]] = {
    "switch": lambda _talk, shop_id: shop_id,
    "remind": lambda talk, batch_id: reminders.shop_of(talk.session, batch_id),
    "sheet": _shop_of_task,
    "cert": _shop_of_task,
}


# -- forms --------------------------------------------------------------------------------------------------------


def submit(talk: Talk, form: str, answers: dict[str, Any]) -> list[Reply]:
    if form == shops.REGISTER.name:
        return _registered(talk, answers)
    place = current(talk)
    if place is None or not place.role.covers(Role.CLERK):
        return [Reply("您现在不能改这家店的台账了，请找店主。")]
    if form == shops.PHONE.name:
        return shops.keep_phone(talk, place, answers["phone"])
    if form == certificates.PHOTO.name:
        sent = [Attachment(AttachmentKind(f["kind"]), f["name"], f["type"], 0, f["label"]) for f in answers["files"]]
        return certificates.asked(talk, place, sent)
    filled = {
        add.ADD.name: add.filled,
        add.CONFIRM.name: add.confirmed,
        lists.EDIT.name: lists.changed,
        certificates.FIX.name: certificates.fixed,
    }
    return filled[form](talk, place, answers)


def _registered(talk: Talk, answers: dict[str, Any]) -> list[Reply]:
    """The shop is there; what the person came with goes on now."""
    place = shops.registered(talk, answers)
    if isinstance(place, Reply):
        return [place]
    then = answers.get("then") or ""
    greeting = shops.welcome(place)
    if not then:
        return [greeting]
    first = Reply(greeting.text.partition("\n")[0])
    if then.startswith(sheets.PENDING):
        return [first, *sheets.from_pending(talk, place, then)]
    if then.startswith("skeleton/"):
        return [first, *_begin_with(talk, then.removeprefix("skeleton/"))]
    if then.startswith(GOES_ON):
        _, work = pledge_actions.ACTIONS[then.removeprefix(GOES_ON)]
        return [first, *work(talk, place, "")]
    return [first, *act(talk, then)]


def _begin_with(talk: Talk, rest: str) -> list[Reply]:
    """What the check-up found, as a ledger to be completed."""
    place = current(talk)
    if place is None:
        return shops.register(talk, then=f"skeleton/{rest}")
    if not place.role.covers(Role.CLERK):
        return [Reply(TOO_LOW.format(members.ROLES[Role.CLERK], place.shop.name, members.ROLES[place.role]))]
    return add.skeleton(talk, place, rest)


SERVICE: Service[Talk] = Service(
    "ledger",
    act,
    forms=(
        shops.REGISTER,
        shops.PHONE,
        add.ADD,
        add.CONFIRM,
        lists.EDIT,
        certificates.PHOTO,
        certificates.FIX,
    ),
    submit=submit,
    recognise=recognise,
    commands={word: verb for verb, words in WORDS.items() for word in words},
    claims=claims,
    personal=True,
)
