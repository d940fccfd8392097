"""What officers type: a word, a case by its last four digits or its whole number, and what goes with it.

``受理 0031`` becomes the action ``accept/#0031/``. Who says it is asked elsewhere; here is only the shape.
"""

from __future__ import annotations

import re

from handlers.conversation.words import fold
from knowledge.receipt_code import read_case_number

ALONE = {
    **dict.fromkeys(("今日", "今日案件", "我的案件"), "today"),
    **dict.fromkeys(("模板", "文书模板"), "template"),
    "请假": "away",
    "销假": "back",
}
"""Words that need no case."""
VERBS = {
    **dict.fromkeys(("看", "查看", "案件"), "show"),
    **dict.fromkeys(("经过", "看经过"), "thread"),
    **dict.fromkeys(("照片", "看照片"), "photos"),
    "受理": "accept",
    **dict.fromkeys(("不予受理", "不受理"), "refuse"),
    "移送": "transfer",
    **dict.fromkeys(("派给", "派", "指派", "转给"), "assign"),
    "接手": "take",
    **dict.fromkeys(("问", "提问"), "ask"),
    **dict.fromkeys(("记录", "现场记录"), "visit"),
    "备注": "note",
    "立案": "file",
    **dict.fromkeys(("办结", "结案"), "close"),
    "暂停": "pause",
    "恢复": "resume",
    "延长": "extend",
    "合并": "merge",
    **dict.fromkeys(("拆开", "拆分"), "split"),
    "重大": "urgent",
    "恶意": "malicious",
    "回避": "recuse",
    "模板": "template",
    "通知商家": "notify",
    **dict.fromkeys(("已送达", "送达"), "served"),
    **dict.fromkeys(("为什么", "为什么是这个日期"), "why"),
}
"""Words that go before a case."""
_NARROW = {0xFF10 + n: str(n) for n in range(10)} | {0xFF0D: "-", 0x3000: " "}
_REF = r"(?:ts)?\s*-?\s*\d{6}\s*-\s*\d{4}|ts\d{10}|\d{4}"
_CALLED = re.compile(
    rf"(?P<word>{'|'.join(sorted(VERBS, key=len, reverse=True))})\s*[:：#]?\s*(?P<ref>{_REF})(?!\d)\s*[,，:：、]?\s*(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)


def read(text: str) -> str | None:
    """The action that a message asks for; None when it is no word of ours."""
    alone = ALONE.get(fold(text))
    if alone is not None:
        return alone
    found = _CALLED.fullmatch(text.strip().translate(_NARROW))
    if found is None:
        return None
    return f"{VERBS[found['word']]}/{_ref(found['ref'])}/{found['rest'].strip()}"


def reads(text: str) -> tuple[str, str] | None:
    """A case and what follows it, without a word before: ``0012`` in “合并 0031 0012”."""
    found = re.match(rf"\s*(?P<ref>{_REF})(?!\d)\s*(?P<rest>.*)", text.translate(_NARROW), re.DOTALL | re.IGNORECASE)
    return (_ref(found["ref"]), found["rest"].strip()) if found else None


def _ref(said: str) -> str:
    return f"#{said}" if len(said) == 4 else read_case_number(said) or said


def number_and_rest(text: str) -> tuple[int | None, str]:
    """``2 电子秤送检`` → 2 and the words; without a number None and all of it."""
    found = re.match(r"\s*(\d{1,2})(?!\d)[\s.、,，:：]*(.*)", text.translate(_NARROW), re.DOTALL)
    return (int(found[1]), found[2].strip()) if found else (None, text.strip())
