"""How people name a shop: the name itself, the person in it, the trade; and how alike two names are.

老王水产 and 王记海鲜 are each a Wang who sells seafood; 鲜达水产经营部 and 先达水产 sound the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from knowledge.goods import find_goods
from knowledge.stall_words import BRACKETS, NOISE, SINGLE_DIGITS, SPOT_IN_TEXT, arabic, fold, pinyin, sound

_SELLER = re.compile(r"^卖(.{1,3})的")
_NAME_END = re.compile(
    r"(?:有限责任公司|有限公司|公司|个体工商户|个体户|经营部|经营店|商行|商店|商贸|贸易|门市部|门市|门店|小店|总店|分店|批发部|批发|零售|配送|"
    r"直销|专卖|专营|超市|食品|摊位|摊子|摊|铺子|铺|档口|档|店|行|号|部|市场|菜场|的)$"
)
_PERSON = re.compile(
    r"(?P<before>[老小阿]?)(?P<surname>[\u4e00-\u9fff])(?P<after>记|家|氏|姐|哥|嫂|叔|伯|姨|婆|妈|爷|师傅|老板娘|老板|大姐|大哥|大妈|大爷|阿姨)?"
)
_ADMINISTRATIVE_BEFORE = re.compile(r"^(?:[\u4e00-\u9fff]{2,3}(?:省|(?<!超)市(?!场)|区|县|镇))+(?=.{2})")
_MARKET_WORDS = ("农贸市场", "菜市场", "市场", "菜场", "农贸")
_SPOT_AS_NAME = re.compile(r"(?:[a-z]|[东南西北])?区?-?[0-9]{1,4}号?(?:摊位?|铺位?|档口?|柜台?|店)")
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
        ("熟食 卤味 卤菜 卤肉 卤鹅 卤鸭 烤鸭 烧鸡 烧鹅 烧腊 凉菜", "cooked"),
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


@dataclass(frozen=True, slots=True)
class ShopName:
    """What a name says: what is left of it without trade and kind of shop, how that sounds, a person's surname in it with
    the form of address, and the trades it speaks of."""

    core: str
    sound: tuple[str, ...]
    surname: str
    address: str
    trades: frozenset[str]


def name_key(name: str) -> str:
    """Pinyin without tones of a name without 店, 摊, 号, 市场 and the like: 老王水產攤 -> ``lao wang shui chan``."""
    return " ".join(pinyin(_bare_name(name)))


def shop_name(name: str, goods: str = "", market: str = "") -> ShopName:
    """Read a shop's name. ``goods`` say the trade when the name does not; ``market`` is the core of a market's name that
    may stand before it."""
    bare = "" if _SPOT_AS_NAME.fullmatch(arabic(fold(name))) else _without_place(_bare_name(name), market)
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


def compare(one: ShopName, two: ShopName) -> tuple[float | None, list[str]]:
    """How alike two names are, 0 to 1, None when one side has none, and why."""
    if not one.core or not two.core:
        return None, []
    score, why = _cores(one, two)
    if one.trades and two.trades and not one.trades & two.trades:
        return min(score, 0.4), ["名称相近但经营品类不同" if score > 0.5 else "名称不同，可能换了摊主"]
    return score, [why]


def _cores(one: ShopName, two: ShopName) -> tuple[float, str]:
    if one.surname and two.surname:
        return _surnames(one, two)
    if one.core == two.core:
        return 0.97, "名称一致"
    if one.sound == two.sound:
        return 0.94, "名称相近（拼音）"
    short, long = sorted((one.core, two.core), key=len)
    if len(short) > 1 and short in long:
        return 0.85, "名称一方是另一方的简称"
    ratio = Levenshtein.normalized_similarity(one.sound, two.sound)
    return (0.8 * ratio, "名称部分相近") if ratio > 0.6 else (0.3 * ratio, "名称不同，可能换了摊主")


def _surnames(one: ShopName, two: ShopName) -> tuple[float, str]:
    """A surname is shared by many: with one trade 老王 is 老王, but only perhaps 王记."""
    trade = bool(one.trades & two.trades)
    if one.surname == two.surname:
        if one.address == two.address:
            return (0.92 if trade else 0.8), "名称一致"
        return (0.82 if trade else 0.7), "同姓氏同品类" if trade else "同姓氏"
    if sound(one.surname) == sound(two.surname):
        return 0.7, "姓氏同音"
    return 0.0, "名称不同，可能换了摊主"


def _bare_name(name: str) -> str:
    text = NOISE.sub("", BRACKETS.sub("", fold(name))).translate(SINGLE_DIGITS)
    text = _SELLER.sub("", SPOT_IN_TEXT.sub("", text))
    return _stripped(text, _NAME_END)


def _without_place(bare: str, market: str) -> str:
    """A name without the city, district or market it begins with."""
    bare = _ADMINISTRATIVE_BEFORE.sub("", bare)
    for before in (f"{market}{word}" for word in (*_MARKET_WORDS, "") if market):
        if bare.startswith(before) and len(bare) - len(before) > 1:
            return bare.removeprefix(before)
    return bare


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
