"""How people name a market, a stall number and a place, brought to forms that can be compared.

城西菜场, 城西农贸市场 and 城西市场 are one market; A12, A-12, A区12号 and 12号(A) one stall number.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from pypinyin import lazy_pinyin

from knowledge.normalise import simplified_table

MAX_TEXT = 200
_NUMERALS = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0}
_NUMERAL = re.compile(r"[零〇○一二三四五六七八九十百]+")
SINGLE_DIGITS = str.maketrans({char: str(n) for char, n in _NUMERALS.items()})
BRACKETS = re.compile(r"[(\[【《<].*?[)\]】》>]|[(\[【《<].*$")
NOISE = re.compile(r"[\s\-‐‑‒–—―−─_.·・,，、:：#\"'“”‘’「」*]+")

_MARKET_WORD = r"(?:标准化|便民|综合|大型){0,2}(?:农副产品|农产品|农贸|集贸|生鲜|综合){0,2}(?:大市场|市场|中心|菜市场|菜市|菜场|集市|菜市口)|农贸|菜市场|菜场|菜市"
_MARKET_END = re.compile(rf"(?:{_MARKET_WORD})$")
_MARKET_TRIM = re.compile(r"^[在到去]|(?:[东南西北正侧后]门口?|入口|门口|里面|里头|里边|附近|旁边?|内|里)$")
_MARKET_IN_PLACE = re.compile(r"[\u4e00-\u9fff0-9]{1,12}?(?:农贸市场|菜市场|集贸市场|菜场|市场|集市|菜市)")
_ADMINISTRATIVE = re.compile(r".*(?:省|市|区|县|镇|乡|街道)")

_FLOOR = re.compile(r"(负?[0-9]+|b[0-9])(?:楼|层|f)")
_SPOT_NOISE = re.compile(r"摊位|摊号|摊|铺位|商铺|铺|档口|档|柜台|柜|店|第|编号")
_SPOT_AREA = re.compile(r"区|号|幢|栋|座|厅|馆|排|行|通道|[()\[\]\s\-‐‑‒–—―−─_.·#]")
_SUB_LETTER = re.compile(r"^[0-9]+号?([a-z])$")
SPOT_IN_TEXT = re.compile(
    r"(?<![a-z0-9])[a-z]{1,2}(?:区|-|\s)?[0-9]{1,4}(?:号|(?![a-z0-9]))|[0-9]{1,4}号(?:摊位?|铺位?|档口?|柜)"
)

_ROAD = re.compile(r"([\u4e00-\u9fff]{2,12}(?:大道|胡同|路|街|巷|弄|道))([0-9]{1,5}(?:-[0-9]+)?)(?:号|弄)")
_ROAD_BEFORE = re.compile(r"^.*(?:[省市区县镇乡]|街道)(?=[\u4e00-\u9fff]{2})|^[在到去]")


@dataclass(frozen=True, slots=True)
class Spot:
    """One stall number: ``a``, (12,), "" for A12; "", (12,), "a" for 12A; "水产", (3, 5), "" for 水产区3排5号."""

    floor: str
    area: str
    number: tuple[int, ...]
    sub: str

    def __str__(self) -> str:
        return f"{self.floor and self.floor + '楼'}{self.area}{'-'.join(map(str, self.number))}{self.sub}"


def fold(text: str) -> str:
    """Half width, simplified, small letters; no more than ``MAX_TEXT`` characters."""
    return unicodedata.normalize("NFKC", text)[:MAX_TEXT].translate(_simplified()).lower().strip()


def pinyin(text: str) -> tuple[str, ...]:
    """One toneless syllable per Hanzi; other characters as they are."""
    return tuple(map(_syllable, text))


def sound(text: str) -> tuple[str, ...]:
    """``pinyin`` with zh/z, ch/c, sh/s, n/l, -ng/-n taken as one."""
    return tuple(map(_fuzzy, pinyin(text)))


def market_core(market: str) -> str:
    """What tells a market from others: 城西菜场 -> 城西. Empty when it is only 菜市场."""
    text = NOISE.sub("", BRACKETS.sub("", fold(market)))
    for _ in range(2):
        text = _MARKET_TRIM.sub("", text)
    return arabic(_MARKET_END.sub("", text)).replace("第", "")


def market_in(place: str) -> str:
    """The market named in free words, or an empty text."""
    found = _MARKET_IN_PLACE.search(NOISE.sub("", fold(place)))
    return market_core(found[0]) if found else ""


def is_administrative(words: str) -> bool:
    """Whether words before a market's name only say in which city or district it lies."""
    return _ADMINISTRATIVE.fullmatch(words) is not None


def spots(stall: str) -> tuple[Spot, ...]:
    """The stall numbers in a text, several for 「A12、A13」; none when it holds no number."""
    text = arabic(fold(stall))
    found = _FLOOR.search(text)
    floor = found[1].replace("b", "负") if found else ""
    parts = re.split(r"[、,，/&+和及]", _FLOOR.sub("", text))
    read = (_spot(part, floor) for part in parts)
    return tuple(sorted({spot for spot in read if spot}, key=str))


def spots_in(words: str) -> tuple[Spot, ...]:
    """The first stall number in free words (城西菜场A12卖鱼的, 三号摊); a house number in a street is none."""
    found = SPOT_IN_TEXT.search(arabic(fold(words)))
    return spots(found[0]) if found else ()


def road_number(place: str) -> str:
    """Road and house number in free words: 江州市建设路15号 -> ``建设路15``; empty when there is none."""
    found = _ROAD.search(re.sub(r"\s", "", arabic(fold(place))))
    return _ROAD_BEFORE.sub("", found[1]) + found[2] if found else ""


def _spot(part: str, floor: str) -> Spot | None:
    text = _SPOT_NOISE.sub("", part).strip()
    # Longer ones are telephone numbers and the like.
    numbers = tuple(int(digits) for digits in re.findall(r"(?<![0-9])[0-9]{1,6}(?![0-9])", text))
    if not numbers:
        return None
    found = _SUB_LETTER.match(text)
    rest = _SPOT_AREA.sub("", re.sub(r"[0-9]+", "", text))
    return Spot(floor, "" if found else rest, numbers, found[1] if found else "")


def arabic(text: str) -> str:
    """Chinese numerals as digits: 十二号 -> 12号, 三〇五 -> 305."""
    return _NUMERAL.sub(lambda found: _numeral(found[0]), text)


def _numeral(text: str) -> str:
    if not set(text) & {"十", "百"}:
        return "".join(str(_NUMERALS[char]) for char in text)
    total = digit = 0
    for char in text:
        if char in "十百":
            total += (digit or 1) * (10 if char == "十" else 100)
            digit = 0
        else:
            digit = _NUMERALS[char]
    return str(total + digit)


@cache
def _simplified() -> dict[int, str]:
    return simplified_table()


@lru_cache(maxsize=4096)
def _syllable(char: str) -> str:
    return str(lazy_pinyin(char)[0])


def _fuzzy(syllable: str) -> str:
    syllable = re.sub(r"^([zcs])h", r"\1", syllable)
    syllable = re.sub(r"^n(?=[aeiouv])", "l", syllable)
    return re.sub(r"(?<=[aei])ng$", "n", syllable)
