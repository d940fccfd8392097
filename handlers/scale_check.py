"""查秤两招: is this scale suspicious (a phone as the weight), is this sum? And where a suspicion can be taken."""

from __future__ import annotations

from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError
from handlers.conversation.messages import Choice, Inbound, Reply
from handlers.talk import Talk
from handlers.tips import opening
from knowledge.scale_checks import pocket_check, price_check, read_bill, read_pocket

HOW_TO_REPORT = Choice("怎么举报", "lookup:show/complaint-report")
HOW_TO_REWEIGH = Choice("去公平秤复称", "lookup:show/fair-scale-setup")


def report_of(talk: Talk, said: str, packing: str = "") -> Choice:
    """What was said goes into the tip; where others read along there is only the way to be told."""
    return HOW_TO_REPORT if talk.public_only else opening.after_verdict(said, packing)


def _method(text: str) -> str | None:
    """Which of the two checks a message with numbers is: the phone as a weight, or the sum."""
    pocket, bill = pocket_check(read_pocket(text)), price_check(read_bill(text))
    if pocket.verdict != "incomplete" or "手机" in text or "砝码" in text:
        return "pocket"
    return "price" if bill.verdict != "incomplete" else None


def _prefill_scale(text: str) -> dict[str, Any]:
    method = _method(text)
    return {"method": method, method: text} if method else {}


def _read_method(inbound: Inbound) -> str:
    method = _method(inbound.text)
    if method is None:
        raise NotUnderstoodError("请回 1 或 2；也可以直接把数字发来。")
    return f"{method}:{inbound.text.strip()}"


def _read_pocket_numbers(inbound: Inbound) -> str:
    result = pocket_check(read_pocket(inbound.text))
    if result.verdict == "incomplete":
        raise NotUnderstoodError(result.text)
    return inbound.text.strip()


def _read_price_numbers(inbound: Inbound) -> str:
    result = price_check(read_bill(inbound.text))
    if result.verdict == "incomplete":
        raise NotUnderstoodError(result.text)
    return inbound.text.strip()


def _wants(method: str) -> Any:
    """The numbers are asked only when they did not come together with the method."""
    return lambda answers: answers.get("method") == method


POCKET_ASK = (
    "先查好手机的重量（关机、去壳，官网参数里有），然后：\n"
    "第1步 秤上放点东西，记下读数；第2步 把手机一起放上，再记读数。\n"
    "这样发给我：15公斤的秤 放菜1.200 加手机1.380 手机215"
)
PRICE_ASK = "发我三个数：单价 重量 收了多少。比如：18一公斤 0.74公斤 收14"

SCALE = Form(
    "scale",
    version=1,
    title="查秤两招",
    fields=(
        Field(
            "method",
            ask="查秤两招，选一个：",
            choices=(("用手机当砝码测秤", "pocket"), ("核对算钱对不对", "price")),
            parse=_read_method,
        ),
        Field("pocket", ask=POCKET_ASK, parse=_read_pocket_numbers, when=_wants("pocket")),
        Field("price", ask=PRICE_ASK, parse=_read_price_numbers, when=_wants("price")),
    ),
    prefill=_prefill_scale,
)


TOLD_OF_SCALE = {"pocket": "用手机当砝码测，秤不准", "price": "秤算价不对，多算钱"}


def scale_result(talk: Talk, answers: Answers) -> Reply:
    method, _, numbers = str(answers["method"]).partition(":")
    text = numbers or str(answers[method])
    result = pocket_check(read_pocket(text)) if method == "pocket" else price_check(read_bill(text))
    if result.verdict != "suspicious":
        return Reply(result.text, (Choice("再测一次", "judge:scale"), Choice("回菜单", "menu:")))
    return Reply(
        result.text,
        (
            HOW_TO_REWEIGH if talk.public_only else Choice("去公平秤复称", "tips:fair"),
            report_of(talk, f"{TOLD_OF_SCALE[method]}：{text}"),
            Choice("用另一招再测", "judge:scale"),
        ),
    )
