"""Whether two tips are about the same stall (屡犯关联), from what their tellers wrote.

Identity comes in the order licence, market with stall number, market with name, place with goods. What stands higher
decides; what stands lower only speaks for or against. A score is a suggestion to staff, never a finding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from knowledge.repeats import Priority, Thresholds, priority
from knowledge.shop_names import ShopName, compare, name_key, shop_name, trades_of
from knowledge.stall_words import (
    Spot,
    fold,
    is_administrative,
    market_core,
    market_in,
    pinyin,
    road_number,
    sound,
    spots,
    spots_in,
)

__all__ = ("SUGGEST", "Likeness", "Priority", "StallTraits", "Thresholds", "block_keys", "likeness", "name_key", "priority", "stall_key")  # fmt: skip

SUGGEST = 0.9
"""From this score on staff are asked whether it is the same stall."""
NEAR_M = 50
FAR_M = 2_000
"""Two markets of one name this far apart are two markets."""
_CELL_DEGREES = 0.001
_NAMES_AGREE = 0.9
_METRES_A_DEGREE = 111_195


@dataclass(frozen=True, slots=True)
class StallTraits:
    """What a tip says of the stall, each as it was told; empty where nothing was. ``place``: free words. ``lat`` and
    ``lon``: degrees, of all tips in the same datum (GCJ-02 and WGS 84 lie up to 700 m apart)."""

    licence: str = ""
    market: str = ""
    stall: str = ""
    name: str = ""
    place: str = ""
    goods: str = ""
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How sure it is that two tips mean one stall, 0 to 1, and why, in Chinese."""

    score: float
    reasons: tuple[str, ...]


class _Same(Enum):
    YES = "yes"
    PERHAPS = "perhaps"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Read:
    """Traits brought to comparable forms."""

    licence: str
    market: str
    spots: tuple[Spot, ...]
    name: ShopName
    trades: frozenset[str]
    goods: str
    road: str
    where: tuple[float, float] | None


def stall_key(traits: StallTraits) -> str:
    """The exact identity to look up by equality: the licence, else market and stall number; empty when there is neither."""
    read = _read(traits)
    if read.licence:
        return f"licence:{read.licence}"
    return f"stall:{read.market}|{'+'.join(map(str, read.spots))}" if read.market and read.spots else ""


def block_keys(traits: StallTraits) -> tuple[str, ...]:
    """Coarse keys: two tips that ``likeness`` would suggest share at least one."""
    read = _read(traits)
    keys = [f"licence:{read.licence}"] if read.licence else []
    if read.market:
        market = _initials(read.market)
        keys += [f"market:{market}|{spot.number[0]}" for spot in read.spots]
        keys += [f"market:{market}|{first}" for first in _first_sounds(read.name)]
    keys += [f"road:{read.road}"] if read.road else []
    keys += _cells(read.where) if read.where else []
    return tuple(dict.fromkeys(keys))


def likeness(a: StallTraits, b: StallTraits) -> Likeness:
    """Symmetric. 1.0: one licence, or every trait the same and enough to name a stall; 0: two different licences."""
    one, two = _read(a), _read(b)
    if one.licence and two.licence:
        same = one.licence == two.licence
        return Likeness(float(same), (f"统一社会信用代码{'相同' if same else '不同'}",))
    if one == two and _names_a_stall(one):
        return Likeness(1.0, ("各项信息一致",))
    names, why = compare(one.name, two.name)
    market = _market(one.market, two.market)
    if market is _Same.UNKNOWN:
        score, reasons = _by_place(one, two, names)
    elif market is _Same.NO:
        score, reasons = 0.3 if (names or 0) >= _NAMES_AGREE else 0.05, ["市场不同"]
    else:
        score, reasons = _in_market(one, two, names)
    return _unless_far(one, two, Likeness(score, tuple(reasons + why)))


# -- the levels ---------------------------------------------------------------------------------------------------


def _in_market(one: _Read, two: _Read, names: float | None) -> tuple[float, list[str]]:
    stall = _stall(one.spots, two.spots)
    if stall is _Same.YES:
        return _at_one_stall(names), ["同一市场同一摊位"]
    if stall is _Same.NO:
        return 0.6 if (names or 0) >= _NAMES_AGREE else 0.1, ["同一市场，摊位号不同"]
    if stall is _Same.PERHAPS:
        return _at_perhaps_one_stall(names), ["同一市场，摊位号相近（一方没写区号）"]
    return _by_name(one, two, names), ["同一市场，摊位号不全"]


def _at_one_stall(names: float | None) -> float:
    """A stall outlives its holder, so another name still leaves it to staff."""
    return 0.93 if names is None else SUGGEST + 0.08 * max(0.0, 2 * names - 1) ** 2


def _at_perhaps_one_stall(names: float | None) -> float:
    if names is None:
        return 0.75
    return 0.92 if names >= _NAMES_AGREE else 0.85 * names


def _by_name(one: _Read, two: _Read, names: float | None) -> float:
    if names is not None:
        return min(names, 0.97)
    near = _near(one, two) is _Same.YES
    return (0.75 if near else 0.5) if one.trades & two.trades else 0.2


def _by_place(one: _Read, two: _Read, names: float | None) -> tuple[float, list[str]]:
    near = _near(one, two)
    stall = _stall(one.spots, two.spots)
    reasons = {_Same.YES: ["地点相同（50 米内或同一门牌）"], _Same.NO: ["地点不同"]}.get(near, ["地点不全"])
    if near is not _Same.YES:
        return (0.6 if (names or 0) >= _NAMES_AGREE and near is _Same.UNKNOWN else 0.1), reasons
    if stall is _Same.NO:
        return 0.5, [*reasons, "摊位号不同"]
    if stall is _Same.YES:
        return _at_one_stall(names), [*reasons, "摊位号相同"]
    if names is not None:
        return (max(names, 0.92) if names >= 0.8 else 0.8 * names), reasons
    alike = bool(one.trades & two.trades) or bool(one.goods and one.goods == two.goods)
    return (SUGGEST, [*reasons, "商品同类"]) if alike else (0.6, reasons)


def _unless_far(one: _Read, two: _Read, found: Likeness) -> Likeness:
    metres = _metres(one, two)
    if metres is None or metres <= FAR_M:
        return found
    return Likeness(min(found.score, 0.6), (*found.reasons, f"定位相距约 {metres / 1000:.0f} 公里"))


# -- trait by trait -----------------------------------------------------------------------------------------------


def _market(one: str, two: str) -> _Same:
    if not one or not two:
        return _Same.UNKNOWN
    short, long = sorted((one, two), key=len)
    # Typed by sound, 成西 for 城西; 南山 and 兰山, which only some accents confuse, are two places.
    if pinyin(one) == pinyin(two):
        return _Same.YES
    inside = len(short) > 1 and long.endswith(short) and is_administrative(long.removesuffix(short))
    return _Same.YES if inside else _Same.NO


def _stall(one: tuple[Spot, ...], two: tuple[Spot, ...]) -> _Same:
    """The best of all pairs: who names two stalls, A12、A13, means the one as well as the other."""
    found = {_spot(a, b) for a in one for b in two}
    return next((same for same in (_Same.YES, _Same.PERHAPS, _Same.NO) if same in found), _Same.UNKNOWN)


def _spot(one: Spot, two: Spot) -> _Same:
    shared = min(len(one.number), len(two.number))
    if one.number[:shared] != two.number[:shared] or (one.floor and two.floor and one.floor != two.floor):
        return _Same.NO
    if one.area and two.area and one.area != two.area:
        # 水产区12号 may well be A12; A12 is never B12.
        return _Same.NO if one.area.isascii() == two.area.isascii() else _Same.PERHAPS
    if one.sub and two.sub and one.sub != two.sub:
        return _Same.NO
    alike = (one.area, one.number, one.sub) == (two.area, two.number, two.sub)
    return _Same.YES if alike and (one.area or one.floor == two.floor) else _Same.PERHAPS


def _near(one: _Read, two: _Read) -> _Same:
    if one.road and two.road:
        return _Same.YES if one.road == two.road else _Same.NO
    metres = _metres(one, two)
    if metres is None:
        return _Same.UNKNOWN
    return _Same.YES if metres <= NEAR_M else _Same.NO


def _metres(one: _Read, two: _Read) -> float | None:
    """Over a few kilometres the earth is flat enough."""
    if one.where is None or two.where is None:
        return None
    (lat_a, lon_a), (lat_b, lon_b) = one.where, two.where
    turn = abs(lon_a - lon_b)
    east = min(turn, 360 - turn) * math.cos(math.radians((lat_a + lat_b) / 2))
    return math.hypot(lat_a - lat_b, east) * _METRES_A_DEGREE


# -- reading ------------------------------------------------------------------------------------------------------


def _read(traits: StallTraits) -> _Read:
    market = market_core(traits.market) or market_in(traits.place)
    where = (traits.lat, traits.lon) if traits.lat is not None and traits.lon is not None else None
    return _Read(
        licence="".join(filter(str.isalnum, fold(traits.licence))).upper(),
        market=market,
        spots=spots(traits.stall) or spots_in(traits.name) or spots_in(traits.place),
        name=shop_name(traits.name, traits.goods, market),
        trades=trades_of(traits.goods) or shop_name(traits.name).trades,
        goods=fold(traits.goods),
        road=road_number(traits.place),
        where=where,
    )


def _names_a_stall(read: _Read) -> bool:
    """老吴 alone is nobody in particular."""
    named = bool(read.name.core) and (not read.name.surname or bool(read.trades))
    return bool(read.licence or ((read.market or read.road or read.where) and (read.spots or named)))


def _first_sounds(name: ShopName) -> list[str]:
    """老王 is found by lao and by wang: 王记 shares the one, 劳网 the other."""
    return [syllable for part in (name.core[:1], name.surname) for syllable in sound(part)]


def _initials(market: str) -> str:
    """Of the last two characters: a city or district before the name changes nothing."""
    return "".join(syllable[:1] for syllable in sound(market[-2:]))


def _cells(where: tuple[float, float]) -> list[str]:
    """Four cells of about 100 m round a point: two points within 50 m share at least one."""
    rows, columns = ([math.floor(degrees / _CELL_DEGREES - 0.5) + step for step in (0, 1)] for degrees in where)
    return [f"cell:{row},{column}" for row in rows for column in columns]
