"""The card of a pledge: links by which it is drawn when they are opened, and what is printed on it."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.conversation.messages import Choice, Reply
from handlers.pledge.standing import shown
from handlers.talk import Bench, Talk
from knowledge.pledges import TemplateId
from storage import links, pledges
from storage.database import Session
from storage.pledges import Pledge
from storage.shops import Membership, Shop
from storage.signing import About

CARD = "pledge-card"
SIZES = {
    "a4": "A4 海报（打印贴墙）",
    "phone": "手机图（发朋友圈）",
    "a6": "A6 台卡（放柜台）",
    "pdf": "PDF（打印店用）",
}


@dataclass(frozen=True, slots=True)
class Printed:
    """What a card says; the drawing room knows how."""

    pledge: Pledge
    shop: Shop
    sector: str
    points: tuple[str, ...]
    link: str


def offer_card(talk: Talk, row: Pledge, first: str) -> Reply:
    text = (
        f"{first}\n编号 {row.number}，有效至 {row.valid_until:%Y-%m-%d}。\n"
        f"公示页：{page_of(talk.bench, row.number)}\n要哪种卡？挂出来，顾客扫码就能看实时状态。"
    )
    return Reply(text, tuple(Choice(label, f"pledge:card/{row.id}/{size}") for size, label in SIZES.items()))


def card(talk: Talk, place: Membership, rest: str) -> list[Reply]:
    """A link to the card in the size wanted, for a day; it is drawn when it is opened. Without a size they are offered."""
    id_, _, size = rest.partition("/")
    row = pledges.get(talk.session, int(id_)) if id_.isdecimal() else None
    if row is None or row.shop_id != place.shop.id or size not in (*SIZES, ""):
        return [Reply("没有找到这份承诺。回“我的承诺”看现在的。", (Choice("我的承诺", "pledge:mine"),))]
    if not size:
        return [offer_card(talk, row, f"{row.shop_name} 的承诺卡：")]
    about = {"shop": place.shop.id, "pledge": row.id, "size": size}
    token = links.new(talk.session, CARD, talk.contact_id, about, talk.now)
    text = (
        f"{SIZES[size]}（24 小时内有效）：{talk.office.pages_url}/files/{token}\n承诺暂停或到期后，卡上的码会如实显示。"
    )
    return [Reply(text, (Choice("我的承诺", "pledge:mine"), Choice("回菜单", "menu:")))]


def printed(bench: Bench, session: Session, row: Pledge, shop: Shop) -> Printed:
    """What is printed: the points as they were signed."""
    kind: TemplateId = "capability" if row.template == "capability" else "honest"
    # By the sector of the text that was signed: the shop may be in another trade by now.
    sector = row.text_version.partition("/")[0].removeprefix(f"{kind}-")
    text = bench.pledge_book.text_for(kind, sector, row.signed_on)
    about = About(row.shop_name, row.signed_on)
    link = bench.signer.make_link(bench.office.pages_url, row.number, about)
    seen = shown(session, row, shop, row.signed_on)
    points = tuple(point.text for point in text.points)
    return Printed(row, shop, text.sector_title or seen.sector, points, link)


def page_of(bench: Bench, number: str) -> str:
    return f"{bench.office.pages_url}/v/{number}"
