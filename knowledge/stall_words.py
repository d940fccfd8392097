"""How people name a market, a stall number, a shop and a place, brought to forms that can be compared.

城西菜场, 城西农贸市场 and 城西市场 are one market; A12, A-12, A区12号 and 12号(A) one stall number; 老王水产 and 王记海鲜 a
Wang who sells seafood.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import zhconv
from pypinyin import lazy_pinyin

from knowledge.goods import find_goods

_NUMERALS = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0}
_NUMERAL = re.compile(r"[零〇○一二三四五六七八九十百]+")
_SINGLE = str.maketrans({char: str(n) for char, n in _NUMERALS.items()})
_BRACKETS = re.compile(r"[(\[【《<].*?[)\]】》>]|[(\[【《<].*$")
_NOISE = re.compile(r"[\s\-‐‑‒–—―−─_.·・,，、:：#\"'“”‘’「」*]+")

_MARKET_WORD = r"(?:标准化|便民|综合|大型)*(?:农副产品|农产品|农贸|集贸|生鲜|综合)*(?:大市场|市场|中心|菜市场|菜市|菜场|集市|菜市口)|农贸|菜市场|菜场|菜市"
_MARKET_END = re.compile(rf"(?:{_MARKET_WORD})$")
_MARKET_TRIM = re.compile(r"^[在到去]|(?:[东南西北正侧后]门口?|入口|门口|里面|里头|里边|附近|旁边?|内|里)$")
_MARKET_IN_PLACE = re.compile(r"[\u4e00-\u9fff0-9]{1,12}?(?:农贸市场|菜市场|集贸市场|菜场|市场|集市|菜市)")
_ADMINISTRATIVE = re.compile(r".*(?:省|市|区|县|镇|乡|街道)")

_FLOOR = re.compile(r"(负?[0-9]+|b[0-9])(?:楼|层|f)")
_SPOT_NOISE = re.compile(r"摊位|摊号|摊|铺位|商铺|铺|档口|档|柜台|柜|店|第|编号")
_SPOT_AREA = re.compile(r"区|号|幢|栋|座|厅|馆|排|行|通道|[()\[\]\s\-‐‑‒–—―−─_.·#]")
_SUB_LETTER = re.compile(r"^[0-9]+号?([a-z])$")
_SPOT_IN_TEXT = re.compile(
    r"(?<![a-z0-9])[a-z]{1,2}(?:区|-|\s)?[0-9]{1,4}(?:号|(?![a-z0-9]))|[0-9]{1,4}号(?:摊位?|铺位?|档口?|柜)"
)
_SPOT_AS_NAME = re.compile(r"(?:[a-z]|[东南西北])?区?-?[0-9]{1,4}号?(?:摊位?|铺位?|档口?|柜台?|店)")

_SELLER = re.compile(r"^卖(.{1,3})的")
_NAME_END = re.compile(
    r"(?:有限责任公司|有限公司|公司|个体工商户|个体户|经营部|经营店|商行|商店|商贸|贸易|门市部|门市|门店|小店|总店|分店|批发部|批发|零售|配送|"
    r"直销|专卖|专营|超市|食品|摊位|摊子|摊|铺子|铺|档口|档|店|行|号|部|市场|菜场|的)$"
)
_PERSON = re.compile(
    r"(?P<before>[老小阿大]?)(?P<surname>[\u4e00-\u9fff])(?P<after>记|家|氏|姐|哥|嫂|叔|伯|姨|婆|妈|爷|师傅|老板娘|老板|大姐|大哥|大妈|大爷|阿姨)?"
)
_ANYBODY = frozenset(("老板", "老板娘", "摊主", "店主", "师傅", "大姐", "大哥", "大妈", "大爷", "大叔", "阿姨"))
_TRADE_WORDS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (word, frozenset(trades.split()))
    for words, trades in (
        ("水产品 水产 海产 海鲜 河鲜 湖鲜 江鲜 活鲜 鲜鱼 活鱼 鱼虾 鱼蟹 鱼 虾 蟹 贝", "aquatic"),
        ("猪肉", "pork"),
        ("牛羊肉 牛羊 牛肉 羊肉", "beef"),
        ("鲜肉 冷鲜肉 肉类 肉品 肉食 肉", "pork beef"),
        ("活禽 家禽 禽类 鸡鸭 土鸡 鸡 鸭 鹅 禽", "poultry"),
        ("土鸡蛋 鸡蛋 禽蛋 蛋品 蛋", "egg"),
        ("果蔬 蔬果", "fruit vegetable"),
        ("蔬菜 时蔬 净菜 菜", "vegetable"),
        ("水果 鲜果 果品 果业", "fruit"),
        ("生鲜", "aquatic pork beef poultry vegetable fruit"),
        ("南北货 南北干货 干货 炒货 坚果 干果 调味品 调料 副食", "dry"),
        ("豆制品 豆腐", "bean"),
        ("粮油 大米 米面 粮食", "grain"),
        ("熟食 卤味 卤菜 卤肉 烤鸭 烧腊 凉菜", "cooked"),
        ("糕点 面包 蛋糕 点心", "pastry"),
        ("茶叶 茶业 茶庄", "tea"),
        ("中药材 药材 参茸", "herb"),
        ("废品回收 废品 再生资源", "scrap"),
        ("珠宝 首饰 黄金 金店", "gold"),
    )
    for word in words.split()
)
_BY_LENGTH = tuple(sorted(_TRADE_WORDS, key=lambda row: -len(row[0])))
_KIND_TRADES = {
    "fish": "aquatic", "live_fish": "aquatic", "seafood": "aquatic", "delicacy": "aquatic dry", "meat": "pork beef", "poultry": "poultry",
    "live_poultry": "poultry", "egg": "egg", "vegetable": "vegetable", "fruit": "fruit", "dried": "dry", "condiment": "dry", "grain": "grain",
    "pastry": "pastry", "gold": "gold", "silver": "gold",
}  # fmt: skip

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


@dataclass(frozen=True, slots=True)
class ShopName:
    """What a name says: what is left of it without trade and kind of shop, how that sounds, a person's surname in it with
    the form of address, and the trades it speaks of."""

    core: str
    sound: tuple[str, ...]
    surname: str
    address: str
    trades: frozenset[str]


def fold(text: str) -> str:
    """Half width, simplified, small letters."""
    return str(zhconv.convert(unicodedata.normalize("NFKC", text), "zh-hans")).lower().strip()


def sound(text: str) -> tuple[str, ...]:
    """One toneless syllable per Hanzi with zh/z, ch/c, sh/s, n/l, -ng/-n taken as one; other characters as they are."""
    return tuple(_fuzzy(_syllable(char)) for char in text)


def name_key(name: str) -> str:
    """Pinyin without tones of a name without 店, 摊, 号, 市场 and the like: 老王水產攤 -> ``lao wang shui chan``."""
    return " ".join(_syllable(char) for char in _bare_name(name))


def market_core(market: str) -> str:
    """What tells a market from others: 城西菜场 -> 城西. Empty when it is only 菜市场."""
    text = _NOISE.sub("", _BRACKETS.sub("", fold(market)))
    for _ in range(2):
        text = _MARKET_TRIM.sub("", text)
    return _arabic(_MARKET_END.sub("", text)).replace("第", "")


def market_in(place: str) -> str:
    """The market named in free words, or an empty text."""
    found = _MARKET_IN_PLACE.search(_NOISE.sub("", fold(place)))
    return market_core(found[0]) if found else ""


def is_administrative(words: str) -> bool:
    """Whether words before a market's name only say in which city or district it lies."""
    return _ADMINISTRATIVE.fullmatch(words) is not None


def spots(stall: str) -> tuple[Spot, ...]:
    """The stall numbers in a text, several for 「A12、A13」; none when it holds no number."""
    text = _arabic(fold(stall))
    found = _FLOOR.search(text)
    floor = found[1].replace("b", "负") if found else ""
    parts = re.split(r"[、,，/&+和及]", _FLOOR.sub("", text))
    read = (_spot(part, floor) for part in parts)
    return tuple(sorted({spot for spot in read if spot}, key=str))


def spots_in(words: str) -> tuple[Spot, ...]:
    """The first stall number in free words (城西菜场A12卖鱼的, 三号摊); a house number in a street is none."""
    found = _SPOT_IN_TEXT.search(_arabic(fold(words)))
    return spots(found[0]) if found else ()


def shop_name(name: str, goods: str = "", market: str = "") -> ShopName:
    """Read a shop's name. ``goods`` say the trade when the name does not; ``market`` is the core of a market's name that
    may stand before it."""
    bare = _bare_name(name)
    for before in (f"{market}", *(f"{market}{end}" for end in ("农贸市场", "菜市场", "市场", "菜场"))):
        if market and bare.startswith(before) and len(bare) - len(before) > 1:
            bare = bare.removeprefix(before)
    bare = "" if _SPOT_AS_NAME.fullmatch(_arabic(fold(name))) else bare
    core, trades = _without_trade(bare)
    core = "" if core in _ANYBODY else core
    person = _PERSON.fullmatch(core)
    return ShopName(
        core,
        sound(core),
        person["surname"] if person else "",
        f"{person['before']}{person['after'] or ''}" if person else "",
        trades or trades_of(goods),
    )


def trades_of(goods: str) -> frozenset[str]:
    """The trades that sell these goods; empty when unknown."""
    folded = fold(goods)
    kind = find_goods(folded)
    if kind and kind.kind in _KIND_TRADES:
        return frozenset(_KIND_TRADES[kind.kind].split())
    return _without_trade(folded)[1]


def road_number(place: str) -> str:
    """Road and house number in free words: 江州市建设路15号 -> ``建设路15``; empty when there is none."""
    found = _ROAD.search(re.sub(r"\s", "", _arabic(fold(place))))
    return _ROAD_BEFORE.sub("", found[1]) + found[2] if found else ""


def _spot(part: str, floor: str) -> Spot | None:
    text = _SPOT_NOISE.sub("", part).strip()
    numbers = tuple(int(digits) for digits in re.findall(r"[0-9]+", text))
    if not numbers:
        return None
    found = _SUB_LETTER.match(text)
    rest = _SPOT_AREA.sub("", re.sub(r"[0-9]+", "", text))
    return Spot(floor, "" if found else rest, numbers, found[1] if found else "")


def _bare_name(name: str) -> str:
    text = _SPOT_IN_TEXT.sub("", _NOISE.sub("", _BRACKETS.sub("", fold(name))))
    text = _SELLER.sub("", text).translate(_SINGLE)
    return _stripped(text, _NAME_END)


def _stripped(text: str, end: re.Pattern[str]) -> str:
    while (shorter := end.sub("", text)) != text:
        text = shorter
    return text


def _without_trade(text: str) -> tuple[str, frozenset[str]]:
    """A name without the trade words at its end or before it, and the trades they mean."""
    found: list[frozenset[str]] = []
    while cut := _trade_at_end(text):
        found.append(cut[1])
        text = _stripped(text[: -len(cut[0])], _NAME_END)
    before = next((row for row in _BY_LENGTH if len(row[0]) > 1 and text.startswith(row[0])), None)
    if before and not found:
        found.append(before[1])
        text = text.removeprefix(before[0])
    return text, _union(found)


def _trade_at_end(text: str) -> tuple[str, frozenset[str]] | None:
    return next((row for row in _BY_LENGTH if text.endswith(row[0])), None)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


def _arabic(text: str) -> str:
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


@lru_cache(maxsize=4096)
def _syllable(char: str) -> str:
    return str(lazy_pinyin(char)[0])


def _fuzzy(syllable: str) -> str:
    syllable = re.sub(r"^([zcs])h", r"\1", syllable)
    syllable = re.sub(r"^n(?=[aeiouv])", "l", syllable)
    return re.sub(r"(?<=[aei])ng$", "n", syllable)
