"""The sheet for a tip: a story first, of which only what is missing is asked; at the end how it is to be filed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from handlers.conversation.forms import Answers, Field, Form, NotUnderstoodError, Options, handed
from handlers.conversation.messages import Inbound
from handlers.conversation.words import is_done, is_skip
from handlers.tips import parts
from handlers.tips.parts import Part
from handlers.tips.sheet import Sheet, is_placeless, is_silent, lacks_what, lacks_where, sheet
from knowledge.casebook import Casebook
from knowledge.tip_scope import out_of_scope
from knowledge.tip_text import is_unknown
from knowledge.tips import Extra, said_extra

ANONYMOUS, NAMED, COMPLAINT, ELSEWHERE = "anonymous", "named", "complaint", "elsewhere"
MOST_PARTS = 12
"""Nine photos, with a place and a word or two."""
MOST_CHECKLIST = 3
STORY = "哪家店（摊位），什么事？一句话就行，如：城西菜场A12少称2两。也可以先发照片。"
AT = "{}，是什么事？一句话就行，如：买2斤排骨只有1斤8两。也可以先发照片。"
WHERE = "在哪家店、哪个摊位？写市场和摊位号，或店名；也可以发位置。"
WHAT = "是什么问题？比如：2斤排骨只有1斤8两、秤上没有合格标志。"
NO_WHERE = "没有地点就没法去查。想不起店名也不要紧：发个位置，或拍一张店面、摊位、小票的照片；哪条路、什么旁边也行。"
NO_WHAT = "要知道是什么问题才能查，写一句就行。"
NAME = "请写真实姓名。只封存，承办人要用时得两名保管人一起打开。"
CALLED = "怎么称呼您？"
PHONE = "电话多少？和姓名一起封存。"
NOT_OURS = "这件事不归计量管：{}"
_SKIPPING = re.compile(r"，?(?:不记得|不知道|看不清)回“跳过”。")
"""The form itself says how to skip."""
_HAS_WORDS = re.compile(r"[0-9A-Za-z\u3400-\u9fff]{2}")
_PHONE = re.compile(r"1\d{10}|0\d{2,3}-?\d{7,8}|\d{7,8}")


# -- reading ------------------------------------------------------------------------------------------------------


def _read_story(inbound: Inbound) -> list[Part]:
    found = parts.some_parts(inbound)
    said = "".join(parts.texts(found))
    if _says_nothing(inbound) or not (parts.files(found) or parts.point(found) or _HAS_WORDS.search(said)):
        raise NotUnderstoodError("请用一句话说在哪儿、什么事，或者先发一张照片。")
    elsewhere = out_of_scope(said) if said else None
    if elsewhere is not None:
        raise NotUnderstoodError(NOT_OURS.format(elsewhere.advice))
    return found


def _read_some(inbound: Inbound) -> list[Part]:
    found = parts.some_parts(inbound)
    said = "".join(parts.texts(found))
    if not (parts.files(found) or parts.point(found) or _HAS_WORDS.search(said)):
        raise NotUnderstoodError("没看懂，请写两个字以上，或发一张拍得到的照片。")
    return found


def _read_where(inbound: Inbound) -> list[Part]:
    if _says_nothing(inbound):
        raise NotUnderstoodError(NO_WHERE)
    return _read_some(inbound)


def _read_what(inbound: Inbound) -> list[Part]:
    if _says_nothing(inbound):
        raise NotUnderstoodError(NO_WHAT)
    return _read_some(inbound)


def _says_nothing(inbound: Inbound) -> bool:
    """完成, 没有, 不知道, and nothing sent with it."""
    text, carries = inbound.text, bool(inbound.attachments) or inbound.place is not None
    return not carries and (is_done(text) or is_skip(text) or is_unknown(text))


def _read_kind(inbound: Inbound) -> str:
    if inbound.attachments:
        raise NotUnderstoodError("这张还没放进去：交完以后回“补充”再发一次。先选怎么报：")
    if is_done(inbound.text):
        raise NotUnderstoodError("材料都收好了，请回数字选怎么报：")
    raise NotUnderstoodError("请回数字选怎么报；说错了回“返回”改。")


def _read_name(inbound: Inbound) -> str:
    name = " ".join(inbound.text.split())
    if not 1 <= len(name) <= 30 or not _HAS_WORDS.search(name + name):
        raise NotUnderstoodError("请写姓名或称呼，30 个字以内。")
    return name


def _read_phone(inbound: Inbound) -> str:
    digits = re.sub(r"[\s-]", "", inbound.text)
    if not _PHONE.fullmatch(digits):
        raise NotUnderstoodError("电话请写 11 位手机号，或带区号的座机。")
    return digits


# -- asking -------------------------------------------------------------------------------------------------------


def _story_ask(answers: Answers) -> str:
    """After a code was scanned it is known where."""
    return AT.format(sheet(answers).where) if answers.get("where") else STORY


def _first_ask(answers: Answers) -> str:
    got = parts.counted([*(answers.get("sent") or ()), *answers["story"]])
    return f"收到 {got}。请再写一句在哪儿、什么事；还有照片接着发，都发完回“完成”。"


def _more_ask(answers: Answers) -> str:
    now = sheet(answers)
    got = answers.get("sent")
    lines = [f"收到：{'，'.join(filter(None, (now.where, now.matter)))}。"]
    lines += [verdict_line(now)] if now.judgement else []
    lines += [now.category.advice] if now.category.advice else []
    lines += [f"先前的 {parts.counted(got)}也放进来了。"] if got else []
    lines += ["还有证据就发来，比如：", *(f"· {line}" for line in now.category.evidence[:MOST_CHECKLIST])]
    return "\n".join([*lines, f"照片、视频、语音、位置、文字都行；发完，或者没有，回“{DONE}”。"])


DONE = "完成"


def _noted(given: Sequence[Part]) -> str:
    if not given:
        return f"请发照片、视频、语音、位置，或写一句话；没有了回“{DONE}”。"
    return f"已收 {parts.counted(given)}，发完回“{DONE}”。"


def summary(answers: Answers) -> str:
    """What was understood, to be checked before it is filed: at most seven lines."""
    now = sheet(answers)
    return "\n".join(_summary_lines(now, sealing=answers.get("sealing") is not False))


def _summary_lines(now: Sheet, *, sealing: bool) -> Iterator[str]:
    yield "请核对："
    yield f"地点：{now.where}"
    yield f"事情：{now.matter}"
    if now.told.day is not None:
        yield f"时间：{now.told.day:%Y-%m-%d}{now.told.hour}"
    if now.judgement is not None:
        yield verdict_line(now)
    yield f"证据强度 {now.level.number}/5（{parts.counted(now.given)}）。{now.stronger}"
    yield "怎么报？（投诉要真实姓名、电话，和举报是两张单）" if sealing else "怎么报？"


def verdict_line(now: Sheet) -> str:
    assert now.judgement is not None
    return now.judgement.text.partition("\n")[0].strip("【】")


def _ways(answers: Answers) -> Options:
    if answers.get("sealing") is False:
        return (("举报，不留名", ANONYMOUS), ("我要退钱、赔偿", ELSEWHERE))
    return (("举报，不留名", ANONYMOUS), ("举报，留联系方式", NAMED), ("投诉，要退钱赔偿", COMPLAINT))


def _extra(number: int, answers: Answers) -> Extra | None:
    """A question of the category that the story has not answered already."""
    now = sheet(answers)
    extras = now.category.extra
    if len(extras) <= number or said_extra(now.told, extras[number]):
        return None
    return extras[number]


def _extra_ask(number: int) -> Any:
    def ask(answers: Answers) -> str:
        found = _extra(number, answers)
        return _SKIPPING.sub("", found.ask) if found is not None else ""

    return ask


def _has_extra(number: int) -> Callable[[Answers], bool]:
    return lambda answers: _extra(number, answers) is not None


def _placed(applies: Callable[[Answers], bool]) -> Callable[[Answers], bool]:
    """Asked only of a tip that can be found."""
    return lambda answers: not is_placeless(answers) and applies(answers)


def _demands(_answers: Answers) -> Options:
    return tuple((row.label.partition("（")[0], row.id) for row in Casebook.load().demands)


def _has_kind(*kinds: str) -> Any:
    return lambda answers: answers.get("kind") in kinds


def _read_extra(inbound: Inbound) -> str:
    text = inbound.text.strip()
    if not text:
        raise NotUnderstoodError("请打字写；不知道就回“跳过”。")
    return "" if is_done(text) or is_unknown(text) else text[:100]


def _prefill(text: str) -> dict[str, Any]:
    """Hidden answers have to be there from the beginning; ``sealing`` None: not known yet."""
    return {"day": "", "sealing": None, "sent": [], "packing": "", "shown": []} | handed(text)


TIPOFF = Form(
    "tipoff",
    version=1,
    title="举报",
    confidential=True,
    prefill=_prefill,
    fields=(
        Field("day", ask=""),
        Field("sealing", ask=""),
        Field("sent", ask=""),
        Field("packing", ask=""),
        Field("shown", ask=""),
        Field("story", ask=_story_ask, parse=_read_story, free_text=True, place=True),
        Field(
            "first",
            ask=_first_ask,
            parse=parts.some_parts,
            collect=True,
            most=MOST_PARTS,
            noted=_noted,
            place=True,
            when=is_silent,
        ),
        Field("where", ask=WHERE, parse=_read_where, free_text=True, place=True, when=lacks_where, fallback=[]),
        Field("what", ask=WHAT, parse=_read_what, free_text=True, when=_placed(lacks_what)),
        Field("extra1", ask=_extra_ask(0), parse=_read_extra, optional=True, when=_placed(_has_extra(0))),
        Field("extra2", ask=_extra_ask(1), parse=_read_extra, optional=True, when=_placed(_has_extra(1))),
        Field(
            "more",
            ask=_more_ask,
            parse=parts.some_parts,
            collect=True,
            most=MOST_PARTS,
            noted=_noted,
            place=True,
            when=_placed(lambda answers: not is_silent(answers)),
        ),
        Field("kind", ask=summary, choices=_ways, parse=_read_kind, when=_placed(lambda _answers: True)),
        Field("name", ask=NAME, parse=_read_name, when=_has_kind(COMPLAINT)),
        Field("called", ask=CALLED, parse=_read_name, optional=True, when=_has_kind(NAMED)),
        Field("phone", ask=PHONE, parse=_read_phone, when=_has_kind(COMPLAINT, NAMED)),
        Field("demand", ask="您想要商家怎么做？", choices=_demands, when=_has_kind(COMPLAINT)),
    ),
)
