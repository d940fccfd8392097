"""查秤两招 (a phone as weight, a bill recomputed) and the 退一赔三 calculator.

Weights are Decimal grams, money Decimal yuan. The words are "秤可疑" and "算价可疑"; fraud is for officers to find.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from knowledge import tolerance
from knowledge.judging import json_number, plain
from knowledge.quantities import Kind, Token, read_sale, scan, tidy

_KG = Decimal(1000)
_CENT, _JIAO, _YUAN = Decimal("0.01"), Decimal("0.1"), Decimal(1)
_DOUBLE = (Decimal("1.9"), Decimal("2.1"))
_HALF = (Decimal("0.48"), Decimal("0.53"))
_SHIFTS = (Decimal(10), Decimal(100))
_SHIFT_MARGIN = Decimal("0.05")
_THREE = 3
_BARE_KG_UPTO = 100
_BARE_PHONE_KG_UPTO = 5


def _json(value: Decimal | None) -> int | float | None:
    return None if value is None else json_number(value)


@dataclass(frozen=True)
class PocketReading:
    """A scale's Max, its reading before and after the phone, and the phone's own weight; all in g, None is "not said"."""

    max_g: Decimal | None = None
    before_g: Decimal | None = None
    after_g: Decimal | None = None
    weight_g: Decimal | None = None


@dataclass(frozen=True)
class PocketResult:
    """verdict: suspicious, fine, use_fair_scale or incomplete; deviation and limit in g."""

    verdict: str
    deviation_g: Decimal | None
    limit_g: Decimal | None
    missing: tuple[str, ...]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; weights are JSON numbers in g."""
        return {
            "verdict": self.verdict,
            "deviation_g": _json(self.deviation_g),
            "limit_g": _json(self.limit_g),
            "missing": list(self.missing),
            "text": self.text,
        }


_AFTER = re.compile(
    r"(?:加上?|再放|放上?|加放|放了)(?:手机|砝码|电话)[后是,:\s]*$|(?:第二次|之后|后来|后)[是,:\s]*$|一共[是,:\s]*$"
)
_WEIGHT = re.compile(r"(?:手机|砝码|电话)(?:重量?|自重|标重)?[是约有,:\s]*$")
_BEFORE = re.compile(r"(?:放上?|先放?|第一次|原来|之前|先称|只有?|称)[^0-9]{0,6}$|(?:菜|货|东西|商品)[重是,:\s]*$")
_MAX_BEFORE = re.compile(r"(?:最大秤量|最大称量|量程|秤量|max)[是,:\s]*$")


def _bare_grams(value: Decimal, *, phone: bool) -> Decimal:
    """A number without unit: scales show kg, phones are quoted in g; only the size tells otherwise."""
    in_kg = value < (_BARE_PHONE_KG_UPTO if phone else _BARE_KG_UPTO)
    return value * _KG if in_kg else value


def _pocket_role(segment: str, token: Token) -> str | None:
    if token.kind is Kind.SCALE or _MAX_BEFORE.search(segment):
        return "max_g"
    for name, pattern in (("after_g", _AFTER), ("weight_g", _WEIGHT), ("before_g", _BEFORE)):
        if pattern.search(segment):
            return name
    return None


def _pocket_grams(role: str, token: Token) -> Decimal:
    if token.kind is not Kind.NUMBER:
        return token.value
    return token.value * _KG if role == "max_g" else _bare_grams(token.value, phone=role == "weight_g")


def read_pocket(text: str) -> PocketReading:
    """The facts of ``15公斤的秤 放菜1.200 加手机1.380 手机215``; three numbers without words are before, after, phone."""
    text = tidy(text)
    tokens = [token for token in scan(text) if token.kind in {Kind.MASS, Kind.NUMBER, Kind.SCALE}]
    found, loose, previous = dict[str, Decimal](), list[Token](), 0
    for token in tokens:
        role = _pocket_role(text[previous : token.start], token)
        previous = token.end
        if role is None:
            loose.append(token)
        elif role not in found:
            found[role] = _pocket_grams(role, token)
    roles = ("before_g", "after_g", "weight_g")
    if len(loose) == _THREE and not any(role in found for role in roles):
        found |= {role: _pocket_grams(role, token) for role, token in zip(roles, loose, strict=True)}
    return PocketReading(**found)


_POCKET_QUESTIONS = {
    "max_g": "秤的最大秤量（看秤上的 Max，例如“15公斤的秤”）",
    "before_g": "放手机前秤上的读数（例如“放菜1.200”）",
    "after_g": "加上手机后的读数（例如“加手机1.380”）",
    "weight_g": "手机的重量（说明书或官网上有，例如“手机215”）",
}


def pocket_check(reading: PocketReading) -> PocketResult:
    """Deviation = after − before − phone, against the limit for the scale's Max; equal to the limit is fine."""
    values = {name: getattr(reading, name) for name in _POCKET_QUESTIONS}
    missing = tuple(name for name, value in values.items() if value is None)
    before, after, weight = reading.before_g, reading.after_g, reading.weight_g
    if before is None or after is None or weight is None or reading.max_g is None:
        asked = "；".join(_POCKET_QUESTIONS[name] for name in missing)
        return PocketResult("incomplete", None, None, missing, f"还差几个数，请告诉我：{asked}。")
    deviation = after - before - weight
    shown = f"加上手机，秤上多了 {plain(after - before)} 克，手机重 {plain(weight)} 克，差 {plain(deviation)} 克。"
    allowed = tolerance.pocket_limit(reading.max_g)
    if allowed is None:
        text = f"{shown}\n最大秤量 {plain(reading.max_g / _KG)} 公斤的秤不适合用手机来测，请用市场的公平秤复称。"
        return PocketResult("use_fair_scale", deviation, None, (), text)
    if abs(deviation) > allowed:
        advice = "请取下手机壳再测一次；还是这样，就到公平秤复称，也可以请市场管理人员或打12315请人来核。"
        text = f"【秤可疑】{shown}\n这种秤差 {plain(allowed)} 克以内算正常，已经超过。\n{advice}"
        return PocketResult("suspicious", deviation, allowed, (), text)
    text = f"【没看出问题】{shown}\n在 {plain(allowed)} 克以内。这只是粗测，不等于秤合格；不放心可以到公平秤复称。"
    return PocketResult("fine", deviation, allowed, (), text)


@dataclass(frozen=True)
class Bill:
    """A unit price (yuan per unit), a weight in the same unit, and the total asked (yuan); None is "not said"."""

    unit_price: Decimal | None = None
    weight: Decimal | None = None
    asked_yuan: Decimal | None = None


@dataclass(frozen=True)
class PriceResult:
    """verdict: suspicious, fine or incomplete; flags: unit_mixed, decimal_shift, rounded_up."""

    verdict: str
    expected_yuan: Decimal | None
    over_yuan: Decimal | None
    flags: tuple[str, ...]
    missing: tuple[str, ...]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; money is JSON numbers in yuan."""
        return {
            "verdict": self.verdict,
            "expected_yuan": _json(self.expected_yuan),
            "over_yuan": _json(self.over_yuan),
            "flags": list(self.flags),
            "missing": list(self.missing),
            "text": self.text,
        }


def read_bill(text: str) -> Bill:
    """``18一公斤 0.74公斤 收14``; three bare numbers are price, weight and total in one unit."""
    sale = read_sale(text)
    numbers = [token for token in scan(tidy(text)) if token.kind in {Kind.NUMBER, Kind.MONEY}]
    if sale.unit_price_yuan_per_kg is not None:
        total = sale.total_yuan
        # With price and weight placed, one number left over can only be the total.
        if total is None and len(numbers) == 1:
            total = numbers[0].value
        return Bill(sale.unit_price_yuan_per_kg, None if sale.paid_g is None else sale.paid_g / _KG, total)
    bare = len(numbers) == _THREE and sale.paid_g is None
    if bare:
        return Bill(*(token.value for token in numbers))
    return Bill(None, None if sale.paid_g is None else sale.paid_g / _KG, sale.total_yuan)


_BILL_QUESTIONS = {
    "unit_price": "单价（例如“18一公斤”）",
    "weight": "重量（例如“0.74公斤”）",
    "asked_yuan": "收了多少钱（例如“收14”）",
}
_FLAG_TEXT = {
    "unit_mixed": "差了一倍左右，像是斤和公斤弄混了：请看清单价是按斤还是按公斤。",
    "decimal_shift": "像是单价缩位了（小数点错位）：请看秤上的单价显示对不对。",
    "rounded_up": "像是凑整往上进了：零头只能抹掉，不能往上加。",
}


def _within(value: Decimal, bounds: tuple[Decimal, Decimal]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _rounded_up(exact: Decimal, asked: Decimal, step: Decimal) -> bool:
    """Whether ``asked`` is the exact amount pushed up to the next whole ``step``."""
    return asked == exact.quantize(step, rounding=ROUND_CEILING) and asked > exact


def _price_flags(exact: Decimal, asked: Decimal) -> tuple[str, ...]:
    ratio = asked / exact
    shifts = [ratio / shift for shift in _SHIFTS] + [ratio * shift for shift in _SHIFTS]
    whole = _rounded_up(exact, asked, _YUAN)
    tests: dict[str, Callable[[], bool]] = {
        "unit_mixed": lambda: _within(ratio, _DOUBLE) or _within(ratio, _HALF),
        # 18 keyed as 0.18: the scale can only show 0.14, which is then read as 14 yuan.
        "decimal_shift": lambda: whole or any(abs(shift - 1) <= _SHIFT_MARGIN for shift in shifts),
        "rounded_up": lambda: whole or _rounded_up(exact, asked, _JIAO),
    }
    return tuple(name for name, test in tests.items() if test())


def price_check(bill: Bill) -> PriceResult:
    """Unit price × weight against the total asked, a cent either way; less asked is fine unless the units look mixed."""
    missing = tuple(name for name in _BILL_QUESTIONS if not (getattr(bill, name) or 0) > 0)
    price, weight, asked = bill.unit_price, bill.weight, bill.asked_yuan
    if missing or price is None or weight is None or asked is None:
        needed = "；".join(_BILL_QUESTIONS[name] for name in missing)
        return PriceResult("incomplete", None, None, (), missing, f"还差几个数，请告诉我：{needed}。")
    exact = price * weight
    expected = exact.quantize(_CENT, rounding=ROUND_HALF_UP)
    over = asked - expected
    flags = _price_flags(exact, asked) if abs(over) > tolerance.price_rounding() else ()
    suspicious = over > tolerance.price_rounding() or bool(flags)
    return PriceResult(
        "suspicious" if suspicious else "fine",
        expected,
        over,
        flags,
        (),
        _price_text(expected, over, flags, suspicious=suspicious),
    )


def _price_text(expected: Decimal, over: Decimal, flags: tuple[str, ...], *, suspicious: bool) -> str:
    word = "多收" if over > 0 else "少收"
    difference = f"{word} {plain(abs(over))} 元。" if over else "一分不差。"
    first = f"应收 {expected:.2f} 元，{difference}"
    if not suspicious:
        return f"【没看出问题】{first}"
    ending = f"可以请摊主按秤的实际示值结算。依据：{tolerance.price_clause()}。"
    return "\n".join([f"【算价可疑】{first}", *(_FLAG_TEXT[flag] for flag in flags), ending])


@dataclass(frozen=True)
class CompensationResult:
    """What article 55 would give on top of the refund, in yuan, with its condition."""

    paid_yuan: Decimal
    extra_yuan: Decimal
    clause: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; money is JSON numbers in yuan."""
        return {
            "paid_yuan": json_number(self.paid_yuan),
            "extra_yuan": json_number(self.extra_yuan),
            "clause": self.clause,
            "text": self.text,
        }


def compensation(paid_yuan: Decimal) -> CompensationResult:
    """退一赔三: three times what this purchase cost, at least 500 yuan. ValueError unless the price is above 0."""
    if not paid_yuan > 0:
        raise ValueError("the price paid must be above 0")
    rule = tolerance.compensation_rule()
    extra = max(paid_yuan * rule.multiple, rule.floor_yuan)
    lines = (
        f"如果认定摊主有欺诈行为，除了退款，还可以要求增加赔偿 {plain(extra)} 元。",
        f"算法：这次付的 {plain(paid_yuan)} 元 × {plain(rule.multiple)}，不足 {plain(rule.floor_yuan)} 元的按 {plain(rule.floor_yuan)} 元算。基数是这次购买的全部价款，不是少的那部分。",
        f"条件：{rule.condition}。",
        f"依据：{rule.clause}。是不是欺诈，由市场监管部门或法院认定。",
    )
    return CompensationResult(paid_yuan, extra, rule.clause, "\n".join(lines))
