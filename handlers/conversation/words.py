"""Words that mean the same everywhere in a conversation, and how people write a number of a list."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Global(StrEnum):
    """What an exact global word asks for, in whatever state the dialogue is (SPEC: chat conventions)."""

    CANCEL = "cancel"
    MENU = "menu"
    HUMAN = "human"
    RESUME = "resume"
    HELP = "help"
    RESTART = "restart"
    REPEAT = "repeat"
    MORE = "more"


_GLOBAL_WORDS: dict[str, Global] = {
    **dict.fromkeys(("退出", "取消", "不用了", "算了", "q", "quit", "exit", "0", "/cancel"), Global.CANCEL),
    **dict.fromkeys(("菜单", "主页", "主菜单", "首页", "menu", "?", "/start", "/menu", "开始"), Global.MENU),
    **dict.fromkeys(
        (
            *("人工", "客服", "转人工", "人工客服", "人工服务", "人工咨询", "转人工客服", "找人工", "要人工"),
            *("human", "/human"),
        ),
        Global.HUMAN,
    ),
    **dict.fromkeys(("继续", "接着来", "继续填"), Global.RESUME),
    **dict.fromkeys(("帮助", "help", "/help", "怎么用", "使用说明"), Global.HELP),
    **dict.fromkeys(("重来", "重新开始", "从头来"), Global.RESTART),
    **dict.fromkeys(("再说一遍", "再看一遍", "重复一遍", "没看清"), Global.REPEAT),
    **dict.fromkeys(("更多", "还有呢", "详细", "more"), Global.MORE),
}

_LEAVING = ("算了", "不弄了", "不填了", "不搞了")
LEAVING_LENGTH = 10
"""算了不投诉了 is a wish to leave; a longer sentence that begins so may be a story."""
_BACK = frozenset(("返回", "上一步", "回上一步", "back"))
_SKIP = frozenset(("跳过", "没有", "无", "略过", "不填", "skip"))
_DONE = frozenset(("完成", "好了", "发完了", "发完", "完了", "就这些", "就这么多", "没有了", "没了", "done"))
_NUMERALS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_CIRCLED = {chr(0x2460 + n): n + 1 for n in range(20)}
_PLAIN_NUMBER = re.compile(
    r"^(?:选|第|回|我选|要)?\s*(\d{1,2}|[一二三四五六七八九])\s*(?:个|项|号|条|种)?\s*[.、。,，)）]?$"
)
_SEVERAL = re.compile(r"^\d(?:[\s、,，.和]+\d)+$")
_TAIL = "。.!！~～"


def fold(text: str) -> str:
    """Full width to half, lower case, no outer blanks or closing marks: the form in which words are compared."""
    folded = unicodedata.normalize("NFKC", text).strip().lower()
    return folded.rstrip(_TAIL) or folded


def global_word(text: str) -> Global | None:
    said = fold(text)
    if said.startswith(_LEAVING) and len(said) <= LEAVING_LENGTH:
        return Global.CANCEL
    return _GLOBAL_WORDS.get(said)


def is_back(text: str) -> bool:
    return fold(text) in _BACK


def is_skip(text: str) -> bool:
    return fold(text) in _SKIP


def is_done(text: str) -> bool:
    return fold(text) in _DONE


def read_digits(text: str, options: int, *, multi: bool = False) -> list[int]:
    """Numbers picked from a list of ``options``: ``1``, ``１``, ``①``, ``一``, ``1、``, ``选1``, ``第一个``.

    With ``multi`` also ``1 3``, ``1、3`` and, for lists up to nine, ``13``. Empty when the text is no pick or any
    number is out of range.
    """
    raw = text.strip()
    if raw in _CIRCLED:
        return _in_range([_CIRCLED[raw]], options)
    said = fold(raw)
    if multi and (_SEVERAL.match(said) or (options <= 9 and re.fullmatch(r"\d{2,9}", said) and int(said) > options)):
        return _in_range([int(d) for d in re.findall(r"\d", said)], options)
    found = _PLAIN_NUMBER.match(said)
    if not found:
        return []
    number = found.group(1)
    return _in_range([_NUMERALS[number] if number in _NUMERALS else int(number)], options)


def is_bare_number(text: str) -> bool:
    """Whether the whole message is a list number, e.g. ``3`` or ``第二个``: then it answers a list or nothing."""
    return text.strip() in _CIRCLED or bool(_PLAIN_NUMBER.match(fold(text)))


def _in_range(numbers: list[int], options: int) -> list[int]:
    return list(dict.fromkeys(numbers)) if all(1 <= n <= options for n in numbers) else []
