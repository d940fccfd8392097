"""A shop and its people: registering it, who belongs to it, handing it over, closing it."""

from __future__ import annotations

import re
from typing import Any

from handlers.conversation.forms import Field, Form, NotUnderstoodError
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.ledger.members import ROLES
from handlers.talk import Bench, Talk
from knowledge.checkup import own_trades
from knowledge.credit_code import CreditCodeError, looks_meant, read_credit_code, region
from storage import shops
from storage.shops import Membership, Shop

PHONE_ABOUT = "shop-phone:{}"
NEXT = (Choice("记一台器具", "ledger:add"), Choice("用表格导入", "ledger:import"), Choice("店铺信息", "ledger:shop"))
OTHER_TRADE = "other"
_NAME = re.compile(r"[0-9A-Za-z\u3400-\u9fff（）()·&'’\-. ]{2,40}")
_PHONE = re.compile(r"(?:1\d{10}|0\d{2,3}-?\d{7,8}|\d{7,8})")


# -- registering --------------------------------------------------------------------------------------------------


def _read_name(inbound: Inbound) -> str:
    name = " ".join(inbound.text.split())
    if not _NAME.fullmatch(name) or name.isdecimal():
        raise NotUnderstoodError("店名请写 2 到 40 个字，照营业执照或招牌写，如“鲜达超市”。")
    return name


def _read_code(inbound: Inbound) -> str:
    try:
        return read_credit_code(inbound.text)
    except CreditCodeError as error:
        if looks_meant(inbound.text):
            raise NotUnderstoodError(str(error)) from None
        raise NotUnderstoodError("这里要营业执照上 18 位的统一社会信用代码；没有执照或不想填，回“跳过”。") from None


def _read_place(inbound: Inbound) -> str:
    place = " ".join(inbound.text.split())
    if not 2 <= len(place) <= 60:
        raise NotUnderstoodError("请写区（县）和市场或街道，如“鹿城区城西菜场”。")
    return place


def _trades() -> tuple[tuple[str, str], ...]:
    return (*((trade.name, trade.id) for trade in own_trades().packs), ("别的行业", OTHER_TRADE))


def _read_trade(inbound: Inbound) -> str:
    trade = own_trades().spot(inbound.text)
    if trade is None:
        raise NotUnderstoodError(f"没认出是哪一行，请回 1 到 {len(_trades())} 的数字。")
    return trade.id


def _trade_unknown(answers: Any) -> bool:
    return own_trades().spot(answers.get("name") or "") is None


def _prefilled(text: str) -> dict[str, Any]:
    """``then`` is what to go on with once the shop is there; after a line break the name, when it was said already."""
    then, _, name = text.partition("\n")
    return {"then": then} | ({"name": name} if _NAME.fullmatch(name) and not name.isdecimal() else {})


REGISTER = Form(
    "shop",
    version=1,
    title="登记店铺",
    fields=(
        Field("then", ask=""),
        Field("name", ask="先登记店铺。店名叫什么？照营业执照或招牌写。", parse=_read_name, free_text=True),
        Field("code", ask="统一社会信用代码是多少？营业执照上 18 位", parse=_read_code, optional=True),
        Field(
            "place",
            ask="店在哪儿？写区（县）和市场或街道，如“鹿城区城西菜场”。",
            parse=_read_place,
            free_text=True,
            when=lambda answers: not answers.get("code"),
        ),
        Field("trade", ask="做哪一行？", parse=_read_trade, choices=lambda _: _trades(), when=_trade_unknown),
    ),
    prefill=_prefilled,
)


def register(talk: Talk, name: str = "", then: str = "") -> list[Reply]:
    """``then``: what to go on with; who says 绑定 while being asked for the name still means the same."""
    left = talk.state.draft
    if not then and left is not None and left.form == REGISTER.name and talk.state.draft_at == talk.now:
        then = left.answers.get("then") or ""
    return talk.open_form(REGISTER.name, f"{then}\n{name}")


def registered(talk: Talk, answers: dict[str, Any]) -> Membership | Reply:
    """The new shop, or why there is none."""
    code = answers.get("code") or ""
    known = shops.by_credit_code(talk.session, code)
    if known is not None:
        own = shops.membership(talk.session, talk.person_id, known.id)
        if own is None:
            return Reply(_taken(talk, known))
        shops.use(talk.session, own.member, talk.now)
        return Reply(f"您已经在{known.name}，身份是{ROLES[own.role]}，不用再登记。", NEXT)
    place = answers.get("place") or ""
    trade = own_trades().spot(answers["name"])
    shop = Shop(
        name=answers["name"],
        credit_code=code,
        region=region(code) if code else "",
        district=_district(talk.bench, code, place),
        sector=trade.id if trade else answers.get("trade") or OTHER_TRADE,
        address=place,
        created_at=talk.now,
    )
    return shops.found(talk.session, shop, talk.person_id, talk.now)


def _taken(talk: Talk, shop: Shop) -> str:
    """Nothing of the shop is shown: a credit code is printed on every licence and proves nothing."""
    if shops.count_members(talk.session, shop.id):
        return "这个统一社会信用代码已经有人登记了。您是店里的人，请店主回“邀请店员”，把码发给您，您回“加入 码”。"
    return f"这个统一社会信用代码登记过，现在没有人管。请打 {talk.office.hotline} 核实后，工作人员给您一个加入码。"


def _district(bench: Bench, code: str, place: str) -> str:
    """By the code's region, else the first of the bureau's districts that the place names."""
    named = bench.office.districts.get(region(code), "") if code else ""
    return named or next((name for name in bench.office.districts.values() if name in place), "")


def welcome(place: Membership) -> Reply:
    shop = place.shop
    facts = [
        f"代码 {shop.credit_code}" if shop.credit_code else "",
        shop.district or shop.address,
        trade_name(shop.sector),
    ]
    text = (
        f"登记好了：{shop.name}（{'，'.join(filter(None, facts))}），您是店主。\n"
        "记器具：发一行字，如“电子秤 ACS-30 编号0917 2026-05-20检”；也可以发证书照片、Excel 表。"
    )
    return Reply(text, NEXT)


def trade_name(sector: str) -> str:
    pack = own_trades().by_id.get(sector)
    return pack.name if pack else ""


# -- looking and changing -----------------------------------------------------------------------------------------


def show(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    shop = place.shop
    lines = [
        f"{shop.name}（您是{ROLES[place.role]}）",
        f"统一社会信用代码：{shop.credit_code or '没填'}",
        f"地点：{shop.address or shop.district or '没填'}",
        f"行业：{trade_name(shop.sector) or '没填'}",
        f"成员 {shops.count_members(talk.session, shop.id)} 人；联系电话{'已留' if shop.phone else '没留'}（只给工作人员催检用）",
        f"到期提醒：{'发给您' if place.member.notified else '不发给您'}",
    ]
    notice = Choice("不再提醒我", "ledger:notify/0") if place.member.notified else Choice("也提醒我", "ledger:notify/1")
    choices = [Choice("留电话", "ledger:phone"), Choice("成员", "ledger:members"), notice]
    if len(shops.of_person(talk.session, talk.person_id)) > 1:
        choices.append(Choice("换一家店", "ledger:switch"))
    return [Reply("\n".join(lines), (*choices, Choice("退出这家店", "ledger:leave")))]


def _read_phone(inbound: Inbound) -> str:
    said = re.sub(r"[\s－—-]+", "", inbound.text.translate(str.maketrans("０１２３４５６７８９", "0123456789")))
    if said == "删除":
        return ""
    if not _PHONE.fullmatch(said):
        raise NotUnderstoodError("电话请写 11 位手机号，或带区号的座机，如 0577-12345678。")
    return said


PHONE = Form(
    "shop-phone",
    version=1,
    title="联系电话",
    fields=(
        Field("shop", ask=""),
        Field("phone", ask="店里的电话？提醒送不到时工作人员打这个。不要留了回“删除”。", parse=_read_phone),
    ),
    prefill=lambda shop: {"shop": shop},
    keep=False,
)


def ask_phone(talk: Talk, place: Membership, _rest: str) -> list[Reply]:
    return talk.open_form(PHONE.name, str(place.shop.id))


def keep_phone(talk: Talk, place: Membership, phone: str) -> list[Reply]:
    about = PHONE_ABOUT.format(place.shop.id)
    place.shop.phone = talk.bench.vault.seal(phone.encode(), about) if phone else b""
    return [Reply("电话记下了，加密保存，只给工作人员催检用。" if phone else "电话已删除。")]


def phone_of(bench: Bench, shop: Shop) -> str:
    """The phone in clear, for staff; empty when none was left."""
    return bench.vault.open(shop.phone, PHONE_ABOUT.format(shop.id)).decode() if shop.phone else ""


def notify(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    place.member.notified = rest == "1"
    said = "好，到期前会在这里提醒您。" if place.member.notified else "好，不再提醒您。店里别的成员照旧。"
    others = any(m.notified for m in shops.members(talk.session, place.shop.id))
    return [Reply(said if others else f"{said}\n现在没有人收提醒了，请留意“我的台账”里的日期。")]


def named(talk: Talk, shop_id: int) -> Membership | None:
    return shops.membership(talk.session, talk.person_id, shop_id)


def switch(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    places = shops.of_person(talk.session, talk.person_id)
    if rest:
        shops.use(talk.session, place.member, talk.now)
        return [Reply(f"现在是 {place.shop.name}。", NEXT)]
    choices = tuple(Choice(p.shop.name, f"ledger:switch/{p.shop.id}") for p in places[:8])
    return [Reply(f"您在 {len(places)} 家店。换到哪一家？", (*choices, Choice("登记一家新店", "ledger:register")))]
