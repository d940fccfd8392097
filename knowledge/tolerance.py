"""Dated limits: retail weighing (附表1, 附表2), net content (附表3), fuel dispensers, and the small checks built on them.

All amounts are Decimal grams (millilitres for liquids), prices are yuan per kilogram. Every figure comes from
``data/tolerances.yaml``. A shortage equal to its limit does not exceed it (the text says 不得超过).
Past the last band there is no figure, and none is made up: the answer is None.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

GRAMS_PER_KG = Decimal(1000)

_DATA = Path(__file__).parent / "data" / "tolerances.yaml"
_PERCENT = Decimal(100)


@dataclass(frozen=True)
class Limit:
    """The largest shortage allowed, in g (or mL), the band it was read from, its clause and the confidence of the figure."""

    limit_g: Decimal
    band: str
    clause: str
    confidence: str
    multiplier: int = 1


@dataclass(frozen=True)
class _Band:
    over_g: Decimal
    upto_g: Decimal
    limit_g: Decimal


@dataclass(frozen=True)
class Row:
    """One row of a retail table; prices in yuan/kg, ``over`` exclusive and ``upto`` inclusive."""

    id: str
    title: str
    kinds: frozenset[str]
    price_over: Decimal | None
    price_upto: Decimal | None
    by_price: bool
    bands: tuple[_Band, ...]
    clause: str
    confidence: str
    last_confidence: str
    effective_from: date
    effective_to: date | None


@dataclass(frozen=True)
class Compensation:
    """The figures of 消费者权益保护法 article 55, first paragraph."""

    multiple: Decimal
    floor_yuan: Decimal
    clause: str
    condition: str


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _optional(value: object) -> Decimal | None:
    return None if value is None else _decimal(value)


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def _in_force(on: date, start: date | None, end: date | None) -> bool:
    return (start is None or start <= on) and (end is None or on <= end)


@cache
def _raw() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    return data


def _band(raw: dict[str, Any]) -> _Band:
    scale = GRAMS_PER_KG if raw["mass_unit"] == "kg" else Decimal(1)
    return _Band(
        _decimal(raw["over"]) * scale, _decimal(raw["upto"]) * scale, _decimal(raw["max_negative_deviation_g"])
    )


def _row(raw: dict[str, Any], table: dict[str, Any]) -> Row:
    price: dict[str, Any] = raw.get("price_yuan_per_kg") or {}
    return Row(
        id=raw["id"],
        title=raw["class"],
        kinds=frozenset(raw.get("kinds", ())),
        price_over=_optional(price.get("over")),
        price_upto=_optional(price.get("upto")),
        by_price=bool(price),
        bands=tuple(_band(band) for band in raw["bands"]),
        clause=table["clause"],
        confidence=raw["confidence"],
        last_confidence=raw.get("confidence_last_upper_bound", raw["confidence"]),
        effective_from=date.fromisoformat(table["effective_from"]),
        effective_to=_day(table["effective_to"]),
    )


@cache
def _rows() -> tuple[Row, ...]:
    tables = (_raw()["retail_food_table1"], _raw()["retail_gold_silver_table2"])
    return tuple(_row(raw, table) for table in tables for raw in table["rows"])


def row_of_kind(kind: str, on: date) -> Row | None:
    """The table row whose kinds name ``kind`` (a key of goods.yaml) and that is in force on that day."""
    return next((r for r in _rows() if kind in r.kinds and _in_force(on, r.effective_from, r.effective_to)), None)


@cache
def tabled_kinds() -> frozenset[str]:
    """Every goods kind that some row names, whatever the date."""
    return frozenset(kind for row in _rows() for kind in row.kinds)


def row_of_price(yuan_per_kg: Decimal, on: date) -> Row | None:
    """The food row of a unit price: 6, 30 and 100 yuan/kg belong to the cheaper row. A price of 0 or less has none."""
    if yuan_per_kg <= 0:
        return None
    for row in _rows():
        above = row.price_over is None or yuan_per_kg > row.price_over
        below = row.price_upto is None or yuan_per_kg <= row.price_upto
        if row.by_price and above and below and _in_force(on, row.effective_from, row.effective_to):
            return row
    return None


def price_edges() -> tuple[Decimal, ...]:
    """The unit prices (yuan/kg) at which the row changes, ascending."""
    return tuple(row.price_upto for row in _rows() if row.price_upto is not None)


def excluded_kinds() -> frozenset[str]:
    """Kinds that the note of 附表1 takes out of the second row."""
    rows: list[dict[str, Any]] = _raw()["retail_food_table1"]["rows"]
    return frozenset(kind for row in rows for kind in row.get("excluded_kinds", ()))


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _band_name(band: _Band) -> str:
    if band.upto_g < GRAMS_PER_KG and band.upto_g % 500:
        return f"{_plain(band.over_g)}～{_plain(band.upto_g)} 克"
    return f"{_plain(band.over_g / GRAMS_PER_KG)}～{_plain(band.upto_g / GRAMS_PER_KG)} 公斤"


def limit_in_row(row: Row, paid_g: Decimal) -> Limit | None:
    """The limit of ``row`` for the paid weight in g; upper edges are inclusive; None at 0 g and past the last band."""
    for band in row.bands:
        if band.over_g < paid_g <= band.upto_g:
            confidence = row.last_confidence if band is row.bands[-1] else row.confidence
            return Limit(band.limit_g, _band_name(band), row.clause, confidence)
    return None


def limit(basis: str | Decimal, paid_g: Decimal, on: date) -> Limit | None:
    """The limit for a goods kind (str) or a unit price in yuan/kg (Decimal); None outside the table or its dates."""
    row = row_of_kind(basis, on) if isinstance(basis, str) else row_of_price(basis, on)
    return None if row is None else limit_in_row(row, paid_g)


def recheck_limit(first: Limit) -> Limit:
    """The line when the recheck used a scale of the same accuracy, such as a market's fair scale (row RM3: twice)."""
    raw: dict[str, Any] = next(row for row in _raw()["retail_recheck_methods"] if row["id"] == "RM3")
    factor = int(raw["limit_multiplier"])
    clause = f"{first.clause}；{raw['clause']}"
    return replace(
        first, limit_g=first.limit_g * factor, clause=clause, confidence=raw["confidence"], multiplier=factor
    )


def _rounded(value: Decimal, nominal: Decimal, steps: list[dict[str, Any]]) -> Decimal:
    for row in steps:
        if _decimal(row["over"]) < nominal <= _decimal(row["upto"]):
            step = _decimal(row["step"])
            return (value / step).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * step
    return value


def net_content_limit(nominal: Decimal, on: date) -> Limit | None:
    """T of one package with a nominal content in g or mL: 附表3, rounded to 0.1 up to 1 kg (L) and to 1 above; None past 50 kg."""
    prepack = _raw()["prepack"]
    table = prepack["mass_volume"]
    version = next(
        (v for v in prepack["versions"] if _in_force(on, _day(v["effective_from"]), _day(v["effective_to"]))), None
    )
    row = next((r for r in table["rows"] if _decimal(r["qn_from"]) < nominal <= _decimal(r["qn_to"])), None)
    if version is None or row is None:
        return None
    figure = _decimal(row["T"])
    allowed = figure if row["T_kind"] == "absolute" else nominal * figure / _PERCENT
    name = f"净含量 {row['qn_from']}～{row['qn_to']} 克（毫升）"
    return Limit(
        _rounded(allowed, nominal, table["rounding_steps"]), name, version["clause"], str(version["confidence"])
    )


def fuel_limit(shown_ml: Decimal) -> Limit | None:
    """The allowed error of a fuel dispenser for the shown amount in mL (JJG 443); None for no amount."""
    if shown_ml <= 0:
        return None
    raw: dict[str, Any] = next(row for row in _raw()["instruments"] if row["id"] == "MP1")
    percent = _decimal(raw["mpe_percent"])
    return Limit(shown_ml * percent / _PERCENT, f"±{raw['mpe_percent']}%", raw["clause"], raw["confidence"])


def reviewed_on() -> str:
    """The day (ISO) the figures were last checked against their sources."""
    return str(_raw()["meta"]["as_of"])


def out_of_table_clause() -> str:
    """The clause for goods or weights without a figure in the tables."""
    return str(_raw()["retail_out_of_table"]["clause"])


def home_scale_error(reading_g: Decimal) -> Decimal:
    """How far an unverified kitchen scale may be off at this reading, in g: the larger of a fixed figure and a share."""
    raw = _raw()["home_scale"]
    return max(_decimal(raw["error_g"]), abs(reading_g) * _decimal(raw["error_percent"]) / _PERCENT)


def pocket_limit(max_g: Decimal) -> Decimal | None:
    """The pocket-weight check's limit in g for a scale of that Max (g); None for scales it does not suit."""
    if max_g <= 0:
        return None
    for row in _raw()["pocket_check"]["limits"]:
        if max_g <= _decimal(row["max_upto_kg"]) * GRAMS_PER_KG:
            return _decimal(row["limit_g"])
    return None


def price_rounding() -> Decimal:
    """How much (yuan) a total may be off by rounding alone."""
    return _decimal(_raw()["price_check"]["rounding_yuan"])


def price_clause() -> str:
    """The clause that ties the bill to what the scale shows."""
    return str(_raw()["price_check"]["clause"])


def compensation_rule() -> Compensation:
    """退一赔三 as data."""
    raw = _raw()["compensation"]
    return Compensation(_decimal(raw["multiple"]), _decimal(raw["floor_yuan"]), raw["clause"], raw["condition"])
