"""公平秤复称: weighing again on the market's own scale, step by step, so that what comes out is good evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, handed
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.talk import Talk
from handlers.tips import opening, parts
from handlers.tips.parts import Part
from handlers.tips.sheet import SOME_DAY
from knowledge import evidence_level
from knowledge.evidence_level import FAIR_SCALE_STEPS, Artefact, Level
from knowledge.goods import find_goods
from knowledge.judging import Judgement, judge, plain
from knowledge.quantities import Sale, read_mass, read_sale, read_unit_price

KG = Decimal(1000)
MOST_KG = Decimal(50)
"""A bare number up to this is kilograms, as market scales show them; above it grams."""
MOST_PHOTOS = 6
MARKET, BUREAU, BOTH = "market", "bureau", "both"
AT_MARKET = (
    "找市场先行处理：带上商品、小票和复称照片，找市场管理办公室或服务台，要求核对、补足或退款。\n"
    "集贸市场主办者要设公平秤并处理这类纠纷（《集贸市场计量监督管理办法》）。谈不拢再回“举报”，证据都还在。"
)
_BARE = re.compile(r"\d{1,5}(?:\.\d{1,4})?")


def _read_photos(inbound: Inbound) -> list[Part]:
    found = parts.some_parts(inbound)
    if not parts.files(found):
        raise NotUnderstoodError("先发照片；没法拍就回“完成”接着填数字。")
    return found


def _read_reading(inbound: Inbound) -> str:
    """Grams, as a plain number."""
    said = inbound.text.strip()
    grams = read_mass(said)
    if grams is None and _BARE.fullmatch(said):
        grams = Decimal(said) * KG if Decimal(said) <= MOST_KG else Decimal(said)
    if grams is None or grams <= 0:
        raise NotUnderstoodError("没看懂读数。直接发公平秤上的数字，如 0.905，或写 1斤8两。")
    return plain(grams)


def _read_goods(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if find_goods(text) is None and read_unit_price(text) is None:
        raise NotUnderstoodError("没认出来。请写品名或单价，如：排骨，28元一斤。")
    return text


def _read_ticket(inbound: Inbound) -> list[Part]:
    found = parts.some_parts(inbound)
    if not parts.files(found):
        raise NotUnderstoodError("请发小票或付款截图；没有就回“跳过”。")
    return found


# -- what has come so far -----------------------------------------------------------------------------------------


def story(answers: Answers) -> str:
    """All numbers in one sentence that the reader of quantities understands."""
    said = [str(answers["goods"])] if answers.get("goods") else []
    paid = [f"付了{answers['paid']}克的钱"] if answers.get("paid") else []
    reading = [f"公平秤复称{answers['reading']}克"] if answers.get("reading") else []
    return "，".join([*paid, *reading, *said])


def artefacts(answers: Answers) -> frozenset[str]:
    """What the photos of the steps show, and the ticket."""
    photos = len(parts.files(answers.get("photos") or ()))
    shown = {Artefact.FAIR_SCALE_PHOTO, Artefact.FAIR_SCALE_NUMBER, Artefact.GOODS_UNTOUCHED} if photos else set()
    shown |= {Artefact.STALL_PHOTO} if photos > 1 else set()
    return frozenset(shown | ({Artefact.RECEIPT} if answers.get("ticket") else set()))


def level(answers: Answers) -> Level:
    return evidence_level.level(artefacts(answers))


def _judged(answers: Answers) -> Judgement:
    return judge(read_sale(story(answers)), SOME_DAY)


def _steps(_answers: Answers) -> str:
    """The receipt is asked for apart, once the weight is known."""
    steps = [step.text for step in FAIR_SCALE_STEPS if Artefact.RECEIPT not in step.artefacts]
    numbered = (f"第{n}步 {text}" for n, text in enumerate(steps, 1))
    return "\n".join(("公平秤复称：", *numbered, "照片发完回“完成”；要走开就回“我先走了”，填过的给您留着。"))


def _noted(given: Sequence[Part]) -> str:
    return f"已收 {parts.counted(given)}，发完回“完成”。"


def _ticket_ask(answers: Answers) -> str:
    now = level(answers)
    return f"证据强度 {now.number}/5。{now.next}\n有小票或付款截图就发一张"


def _result(answers: Answers) -> str:
    found = _judged(answers)
    return f"证据强度 {level(answers).number}/5。\n{found.text}\n接下来怎么办？"


FAIR_SCALE = Form(
    "fair-scale",
    version=1,
    title="公平秤复称",
    confidential=True,
    fields=(
        Field("photos", ask=_steps, parse=_read_photos, collect=True, most=MOST_PHOTOS, noted=_noted),
        Field("reading", ask="公平秤显示多少？直接发数字，如 0.905。", parse=_read_reading),
        Field("paid", ask="按多少重量付的钱？比如：2斤，或 1.000。", parse=_read_reading),
        Field("goods", ask="买的什么，单价多少？比如：排骨，28元一斤。", parse=_read_goods),
        Field("ticket", ask=_ticket_ask, parse=_read_ticket, optional=True),
        Field(
            "then",
            ask=_result,
            choices=(("找市场先行处理", MARKET), ("举报给市监局", BUREAU), ("两个都要", BOTH)),
        ),
    ),
    prefill=handed,
)


# -- the conversation ---------------------------------------------------------------------------------------------


def start(talk: Talk, given: str = "") -> list[Reply]:
    """``given``: answers of a verdict as JSON, or nothing."""
    return talk.open_form(FAIR_SCALE.name, given)


def after_verdict(sale: Sale) -> Choice:
    """The choice that carries over what was paid for; the weight is what is to be found out anew."""
    price = sale.unit_price_yuan_per_kg
    goods = "，".join(filter(None, (sale.goods, f"{plain(price)}元一公斤" if price is not None else "")))
    paid = plain(sale.paid_g) if sale.paid_g is not None else ""
    given = {name: said for name, said in (("paid", paid), ("goods", goods)) if said}
    return Choice("去公平秤复称", f"tips:fair/{json.dumps(given, ensure_ascii=False)}")


def leave(_talk: Talk, _rest: str = "") -> list[Reply]:
    """我先走了: the router has put the sheet away already."""
    return [Reply("好，填过的给您留 7 天，回“继续”接着做。商品和小票先别动。", (Choice("继续填", "say:继续"),))]


def submit(talk: Talk, answers: dict[str, Any]) -> list[Reply]:
    market = [Reply(AT_MARKET, () if answers["then"] == BOTH else (Choice("举报给市监局", "tips:start"),))]
    if answers["then"] == MARKET:
        talk.state.files = [name for name, _ in parts.files(_parts(answers))]
        return market
    given = {"story": [{"text": story(answers)}], "shown": sorted(artefacts(answers)), "sent": _parts(answers)}
    report = opening.begin(talk, given)
    return [*market, *report] if answers["then"] == BOTH else report


def _parts(answers: Answers) -> list[Part]:
    return [*(answers.get("photos") or ()), *(answers.get("ticket") or ())]
