"""当场判定: is this shortage over the limit?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.scale_check import HOW_TO_REPORT, HOW_TO_REWEIGH, SCALE, report_of, scale_result
from handlers.talk import Talk
from handlers.tips import fair_scale
from knowledge.goods import find_goods
from knowledge.judging import Judgement, Verdict, judge, plain
from knowledge.quantities import Sale, read_mass, read_sale, read_unit_price, read_volume
from knowledge.scale_checks import compensation, pocket_check, price_check, read_bill, read_pocket

KG = Decimal(1000)
TABLE_DAY = date(2026, 11, 22)
"""The tables by which the form decides what to ask next: a form sees only answers, not the clock. They must be revisited
when a table changes; the verdict that is given is always for the day of the conversation."""
QUESTION_WORDS = ("多少", "几克", "几两", "允许", "误差", "标准", "正常", "怎么", "吗", "？", "?")
PARTS = ("paid", "actual", "goods", "price", "kind", "story")
"""Answers first: the reader of quantities looks at 200 characters, and a story may be long."""


def told(answers: Answers) -> str:
    """All that was said, as one sentence the reader of quantities understands."""
    return "，".join(str(answers[part]) for part in PARTS if answers.get(part))


def missing(answers: Answers) -> tuple[str, ...]:
    return judge(read_sale(told(answers)), TABLE_DAY).missing


def _lacks(what: str) -> Any:
    return lambda answers: what in missing(answers)


def _read_goods(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if find_goods(text) is None and read_unit_price(text) is None:
        raise NotUnderstoodError("没认出品名。请写买的什么（如“排骨”），或写单价（如“28元一斤”）。")
    return text


def _read_price(inbound: Inbound) -> str:
    if read_unit_price(inbound.text) is None:
        raise NotUnderstoodError("没看懂单价。请这样写：28元一斤，或 56元一公斤。")
    return inbound.text.strip()


def _amount(text: str) -> bool:
    return read_mass(text) is not None or read_volume(text) is not None


def _read_paid(inbound: Inbound) -> str:
    if not _amount(inbound.text):
        raise NotUnderstoodError("没看懂重量。请带上单位，比如：2斤、1.5公斤、500克。")
    return f"付了{inbound.text.strip()}的钱"


def _read_actual(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if not _amount(text):
        raise NotUnderstoodError("没看懂重量。请带上单位，比如：1斤8两，或写“少了2两”。")
    return text if any(word in text for word in ("少", "差", "缺", "短")) else f"复称{text}"


def _read_kind(inbound: Inbound) -> str:
    if "油" in inbound.text or "升" in inbound.text:
        return "加油"
    return f"包装净含量{inbound.text.strip()}"


def received(answers: Answers) -> str:
    """What was understood, read back before the verdict so that a slip can be put right."""
    sale = read_sale(told(answers))
    parts = [sale.goods or "", _weight("付款", sale.paid_g, sale), _weight("您称得", sale.actual_g, sale)]
    short = sale.shortage_g if sale.shortage_g is not None else _difference(sale)
    if short is not None:
        parts.append(f"少 {plain(short)} {'毫升' if sale.volume else '克'}" if short > 0 else "没有少")
    if sale.unit_price_yuan_per_kg is not None:
        parts.append(f"单价 {plain(sale.unit_price_yuan_per_kg)} 元/公斤")
    exceeds = judge(sale, TABLE_DAY).verdict is Verdict.EXCEEDS
    ask = "按这些数已经超了，再问一句，您称的时候：" if exceeds else "您称的时候："
    return "收到：" + "，".join(p for p in parts if p) + f"。\n{ask}"


def _weight(word: str, grams: Decimal | None, sale: Sale) -> str:
    if grams is None:
        return ""
    return f"{word} {grams / KG:.3f} {'升' if sale.volume else '公斤'}"


def _difference(sale: Sale) -> Decimal | None:
    return None if sale.paid_g is None or sale.actual_g is None else sale.paid_g - sale.actual_g


def _asks_packing(answers: Answers) -> bool:
    """Bags and ice matter for goods weighed loose; a package or fuel has none."""
    sale = read_sale(told(answers))
    verdict = judge(sale, TABLE_DAY).verdict
    return verdict in (Verdict.EXCEEDS, Verdict.OFFICER) and not (sale.prepacked or sale.fuel or sale.container)


def _read_story(inbound: Inbound) -> str:
    if not _amount_in(inbound.text):
        raise NotUnderstoodError("没看到重量。请写上付钱的重量和您称的重量，都带单位。")
    return inbound.text.strip()


def _amount_in(text: str) -> bool:
    sale = read_sale(text)
    return sale.paid_g is not None or sale.actual_g is not None or sale.shortage_g is not None


JUDGE = Form(
    "judge",
    version=1,
    title="当场判定",
    fields=(
        Field(
            "story",
            ask="您买了什么、付了多少的钱、自己称是多少？一句话发我，比如：2斤排骨28一斤，称得1斤8两。",
            parse=_read_story,
        ),
        Field("paid", ask="按多少重量付的钱？比如：2斤。", parse=_read_paid, when=_lacks("paid")),
        Field("actual", ask="您复称是多少？比如：1斤8两，或“少了2两”。", parse=_read_actual, when=_lacks("actual")),
        Field(
            "goods",
            ask="买的是什么，或者单价多少？比如：排骨，或 28元一斤。",
            parse=_read_goods,
            when=_lacks("goods_or_price"),
        ),
        Field("price", ask="单价多少？比如：28元一斤。", parse=_read_price, when=_lacks("price")),
        Field(
            "kind",
            ask="是包装上标了净含量的，还是加的油？标了净含量请写数字，如 500克。",
            parse=_read_kind,
            when=_lacks("prepacked_or_fuel"),
        ),
        Field(
            "packing",
            ask=received,
            choices=(("去了袋子和冰", "net"), ("连袋一起称的", "gross"), ("不确定", "unsure")),
            fallback="unsure",
            when=_asks_packing,
        ),
    ),
    prefill=lambda text: {"story": text} if _amount_in(text) else {},
)


def recognise(_talk: Talk, text: str) -> str | None:
    """A purchase told with its shortage, or a check told with its numbers, is a case, not a question about limits."""
    if any(word in text for word in QUESTION_WORDS):
        return None
    sale = read_sale(text)
    if sale.paid_g is not None and (sale.actual_g is not None or sale.shortage_g is not None):
        return "told"
    if pocket_check(read_pocket(text)).verdict != "incomplete" or price_check(read_bill(text)).verdict != "incomplete":
        return "scale-told"
    return None


PACKING_ADVICE = {
    "gross": "您是连袋一起称的，去掉袋子实际更少，短缺只会更多；复称时请去袋。",
    "unsure": "复称时请去掉袋子、冰和水，再看一次读数。",
}


def submit(talk: Talk, form: str, answers: dict[str, Any]) -> list[Reply]:
    if form == SCALE.name:
        return [scale_result(talk, answers)]
    sale = read_sale(told(answers))
    judgement = judge(sale, talk.today)
    advice = [PACKING_ADVICE.get(answers.get("packing") or "", "")]
    if "鱼" in (sale.goods or "") and judgement.limits and "活" not in told(answers):
        advice.append("如果买的是活鱼，附表没有给数，不能按这个限值算。")
    text = "\n".join([judgement.text, *filter(None, advice)])
    return [Reply(text, _after(talk, judgement, answers))]


def _after(talk: Talk, judgement: Judgement, answers: Answers) -> tuple[Choice, ...]:
    sale = read_sale(told(answers))
    report = report_of(talk, told(answers), answers.get("packing") or "")
    if judgement.verdict is Verdict.EXCEEDS:
        total = _paid_yuan(sale)
        pay = Choice("能赔多少", f"judge:compensation/{total}" if total else "lookup:show/short-weight-compensation")
        return _second_look(talk, sale), report, pay
    if judgement.verdict in (Verdict.OFFICER, Verdict.NOT_APPLICABLE):
        return _second_look(talk, sale), report, Choice("只是问问", "lookup:thanks")
    return Choice("再判一笔", "judge:start"), Choice("测测秤准不准", "judge:scale"), Choice("回菜单", "menu:")


def _second_look(talk: Talk, sale: Sale) -> Choice:
    """What makes the evidence stronger: a fair scale helps with loose goods only."""
    if sale.fuel:
        return Choice("怎么当场核验", "lookup:show/fuel-station-duty")
    if sale.prepacked:
        return Choice("净含量怎么规定", "lookup:show/prepackaged-net-content")
    return HOW_TO_REWEIGH if talk.public_only else fair_scale.after_verdict(sale)


def _paid_yuan(sale: Sale) -> str:
    if sale.total_yuan is not None and sale.total_yuan > 0:
        return plain(sale.total_yuan)
    if sale.unit_price_yuan_per_kg is None or sale.paid_g is None:
        return ""
    total = sale.unit_price_yuan_per_kg * sale.paid_g / KG
    return plain(total) if total > 0 else ""


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    if verb == "compensation":
        return [
            Reply(
                compensation(Decimal(rest)).text,
                (HOW_TO_REPORT if talk.public_only else Choice("我要举报", "tips:start"), Choice("回菜单", "menu:")),
            )
        ]
    if verb in ("scale", "scale-told"):
        return talk.open_form(SCALE.name, talk.inbound.text if verb == "scale-told" else "")
    return talk.open_form(JUDGE.name, talk.inbound.text if verb == "told" else "")
