"""Goods names in free text -> the kind that 附表1 and 附表2 of 零售商品称重计量监督管理办法 speak of.

Names and kinds are data (``data/goods.yaml``). Nothing is guessed: an unknown name, or two names of different kinds, is None.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

MAX_TEXT = 200

_DATA = Path(__file__).parent / "data" / "goods.yaml"
_LIVE = re.compile(r"(?:鲜活|活蹦乱跳|活)的?$")
_LIVE_AFTER = re.compile(r"^(?:还|都)?(?:是)?活的")
_SOAKED = re.compile(r"(?:水发|泡发|发好)的?$")
_LIVE_KINDS = {"fish": "live_fish", "poultry": "live_poultry"}
_CONTEXT = 6


@dataclass(frozen=True)
class Goods:
    """One recognised goods name, its kind (a key of goods.yaml) and the kind in Chinese."""

    name: str
    kind: str
    label: str


@dataclass(frozen=True)
class _Match:
    name: str
    kind: str
    start: int


@dataclass(frozen=True)
class _Book:
    kind_of: dict[str, str | None]
    labels: dict[str, str]
    longest: int


@cache
def _book() -> _Book:
    raw: dict[str, Any] = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    kind_of: dict[str, str | None] = {name: kind for kind, names in raw["names"].items() for name in names}
    kind_of.update(dict.fromkeys(raw["place_words"]))
    labels = {kind: str(row["label"]) for kind, row in raw["kinds"].items()}
    return _Book(kind_of, labels, max(map(len, kind_of)))


def _matches(text: str) -> list[_Match]:
    """Left to right, the longest name at each position; place words are passed over."""
    book, found, start = _book(), list[_Match](), 0
    while start < len(text):
        for size in range(min(book.longest, len(text) - start), 0, -1):
            name = text[start : start + size]
            if name in book.kind_of:
                kind = book.kind_of[name]
                if kind is not None:
                    found.append(_Match(name, kind, start))
                start += size
                break
        else:
            start += 1
    return found


def _with_state(text: str, match: _Match) -> _Match:
    """The match after the words round the name: 活 makes fish and poultry live, 水发 makes anything soaked."""
    before = text[max(0, match.start - _CONTEXT) : match.start]
    after = text[match.start + len(match.name) :][:_CONTEXT]
    if _SOAKED.search(before):
        return _Match(f"水发{match.name}", "soaked", match.start)
    if match.kind in _LIVE_KINDS and (_LIVE.search(before) or _LIVE_AFTER.search(after)):
        return _Match(f"活{match.name}", _LIVE_KINDS[match.kind], match.start)
    return match


def find_goods(text: str) -> Goods | None:
    """The goods named in ``text`` (cut to 200 characters); None when unknown or when the longest names differ in kind.

    The name says the state too (活草鱼, 水发木耳), so that reading it again gives the same kind.
    """
    text = text[:MAX_TEXT]
    found = [_with_state(text, match) for match in _matches(text)]
    if not found:
        return None
    special = [match for match in found if match.kind in {"live_fish", "live_poultry", "soaked"}]
    pool = special or found
    size = max(len(match.name) for match in pool)
    best = [match for match in pool if len(match.name) == size]
    if len({match.kind for match in best}) > 1:
        return None
    return Goods(best[0].name, best[0].kind, _book().labels[best[0].kind])
