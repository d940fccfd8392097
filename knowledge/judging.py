"""当场判定: is the shortage of one purchase over what the law allows?

Five answers: exceeds, within, officer (kind and price band disagree), not_applicable, incomplete. The verdict is about the
numbers given; how good the scale was is advice. Weights are Decimal grams (millilitres for liquids), prices yuan per kg.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from knowledge import tolerance
from knowledge.goods import Goods, find_goods
from knowledge.quantities import Sale
from knowledge.tolerance import Limit

ENDING = "以上只是参考，最终以执法人员用标准器核称为准。"

_KG = Decimal(1000)
# Past this power of ten the default context can no longer round to four decimals.
_ROUNDABLE = 20
_EDGE_MARGIN = Decimal("0.02")
_UNIT_MIX = (Decimal("0.48"), Decimal("0.53"))
_METALS = frozenset({"gold", "silver"})


class Verdict(StrEnum):
    """The five answers."""

    EXCEEDS = "exceeds"
    WITHIN = "within"
    OFFICER = "officer"
    NOT_APPLICABLE = "not_applicable"
    INCOMPLETE = "incomplete"


_QUESTIONS = {
    "goods_or_price": "买的是什么，或者单价多少（例如“28元一斤”）",
    "price": "单价多少（例如“28元一斤”）",
    "paid": "按多少重量付的钱（例如“2斤”）",
    "actual": "您复称是多少，或者少了多少（例如“1斤8两”）",
    "prepacked_or_fuel": "是标了净含量的包装商品，还是在加油站加的油",
}
_FUEL_QUESTIONS = {"paid": "加油机显示加了多少升", "actual": "用标准量器实测是多少升，或者少了多少"}
_PACK_QUESTIONS = {"paid": "包装上标的净含量是多少（例如“500克”）"}
_BASIS_NAMES = {"kind": "按品种", "price": "按价格档", "net-content": "按净含量", "fuel": "按加油机允许误差"}
_EXCESS = {"net-content": "超过允许短缺量", "fuel": "超过允许误差"}
_WITHIN = {"net-content": "未超过允许短缺量", "fuel": "未超过允许误差"}


@dataclass(frozen=True)
class LimitUsed:
    """One limit the verdict rests on; basis is kind, price, net-content or fuel."""

    basis: str
    limit_g: Decimal
    clause: str
    confidence: str
    band: str
    multiplier: int = 1


@dataclass(frozen=True)
class Judgement:
    """The verdict with its figures, clauses, what is still needed, advice and the whole answer in Chinese."""

    verdict: Verdict
    shortage_g: Decimal | None
    limits: tuple[LimitUsed, ...]
    clauses: tuple[str, ...]
    missing: tuple[str, ...]
    advice: tuple[str, ...]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain values for the command line; weights are JSON numbers in g (mL)."""
        return {
            "verdict": self.verdict.value,
            "shortage_g": None if self.shortage_g is None else json_number(self.shortage_g),
            "limits": [
                {
                    "basis": used.basis,
                    "limit_g": json_number(used.limit_g),
                    "clause": used.clause,
                    "band": used.band,
                    "confidence": used.confidence,
                }
                for used in self.limits
            ],
            "clauses": list(self.clauses),
            "missing": list(self.missing),
            "advice": list(self.advice),
            "text": self.text,
        }


def json_number(value: Decimal) -> int | float:
    """A whole Decimal as int, any other as float."""
    return int(value) if value == value.to_integral_value() else float(value)


def plain(value: Decimal) -> str:
    """Digits without exponent and trailing zeros, at most four decimals."""
    if value.adjusted() > _ROUNDABLE:
        return f"{value:f}"
    return f"{round(value, 4).normalize():f}"


@dataclass(frozen=True)
class _Case:
    """One purchase with everything derivable worked out."""

    sale: Sale
    goods: Goods | None
    paid: Decimal | None
    shortage: Decimal | None
    price: Decimal | None
    price_derived: bool = False

    @property
    def retail(self) -> bool:
        return not (self.sale.fuel or self.sale.prepacked)

    def amount(self, value: Decimal) -> str:
        """An amount in plain words: 克 and 公斤, or 毫升 and 升."""
        small, large = ("毫升", "升") if self.sale.volume else ("克", "公斤")
        return f"{plain(value)} {small}" if abs(value) < _KG else f"{plain(value / _KG)} {large}"


@dataclass(frozen=True)
class _Finding:
    """What the rules decide, before it is worded."""

    verdict: Verdict
    limits: tuple[LimitUsed, ...] = ()
    clauses: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


def _positive(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value > 0 else None


def _case(sale: Sale) -> _Case:
    paid = _positive(sale.paid_g)
    shortage = sale.shortage_g
    if paid is not None and sale.actual_g is not None:
        shortage = paid - sale.actual_g
    elif paid is None and sale.actual_g is not None and shortage is not None:
        paid = _positive(sale.actual_g + shortage)
    goods = find_goods(sale.goods) if sale.goods else None
    case = _Case(sale, goods, paid, shortage, _positive(sale.unit_price_yuan_per_kg))
    return _with_derived_price(case)


def _with_derived_price(case: _Case) -> _Case:
    """Total ÷ weight stands in for a price that was not said; near a band's edge only beside a kind that is known."""
    total = _positive(case.sale.total_yuan)
    if case.price is not None or total is None or case.paid is None or case.sale.volume or not case.retail:
        return case
    price = total / (case.paid / _KG)
    tabled = case.goods is not None and case.goods.kind in tolerance.tabled_kinds()
    if _near_edge(price) and not tabled:
        return case
    return replace(case, price=price, price_derived=True)


def _near_edge(price: Decimal) -> bool:
    return any(abs(price - edge) <= edge * _EDGE_MARGIN for edge in tolerance.price_edges())


def _missing_amounts(case: _Case) -> tuple[str, ...]:
    names = ["paid"] if case.paid is None else []
    if case.shortage is None and case.sale.actual_g is None:
        names.append("actual")
    return tuple(names)


def _missing_goods(case: _Case) -> tuple[str, ...]:
    """What is needed to place the purchase in a table."""
    if not case.retail:
        return ()
    if case.sale.volume:
        return ("prepacked_or_fuel",)
    if case.price is not None or (case.goods is not None and case.goods.kind in tolerance.tabled_kinds()):
        return ()
    return ("goods_or_price",) if case.goods is None else ("price",)


def _outside(case: _Case) -> _Finding | None:
    """Goods that the tables leave out by name or by nature."""
    if case.goods is None or not case.retail:
        return None
    clause = (tolerance.out_of_table_clause(),)
    if case.goods.kind in tolerance.excluded_kinds():
        why = f"附表1第二档注明活禽、活鱼、水发物除外，{case.goods.name}没有对应的数值。"
    elif case.goods.kind == "non_food":
        why = f"附表只管食品和金银饰品，{case.goods.name}不在里面。"
    else:
        return None
    return _Finding(Verdict.NOT_APPLICABLE, clauses=clause, why=(why, _OUT_OF_TABLE))


_OUT_OF_TABLE = "这种情况看少的量有没有超过所用秤的极限误差，请打12315，由执法人员到场认定；商品请保持原样。"


def _bases(case: _Case, on: date) -> list[tuple[str, Limit | None]]:
    """Each basis that is known, with its limit, or None where the table has no figure for this weight or day."""
    paid = case.paid or Decimal(0)
    if case.sale.fuel:
        return [("fuel", tolerance.fuel_limit(paid))]
    if case.sale.prepacked:
        return [("net-content", tolerance.net_content_limit(paid, on))]
    kind = case.goods.kind if case.goods else None
    bases = list[tuple[str, Limit | None]]()
    if kind is not None and kind in tolerance.tabled_kinds():
        bases.append(("kind", tolerance.limit(kind, paid, on)))
    # The price bands are worded for food; a ring has its own table.
    if case.price is not None and kind not in _METALS:
        # A total is rounded: near an edge the price may lie in either band, and both must agree.
        unsure = case.price_derived and _near_edge(case.price)
        factors = (1 - _EDGE_MARGIN, 1 + _EDGE_MARGIN) if unsure else (Decimal(1),)
        bases += [("price", tolerance.limit(case.price * factor, paid, on)) for factor in factors]
    if case.sale.fair_scale:
        return [(name, found and tolerance.recheck_limit(found)) for name, found in bases]
    return bases


def _used(basis: str, found: Limit) -> LimitUsed:
    return LimitUsed(basis, found.limit_g, found.clause, found.confidence, found.band, found.multiplier)


def _compare(case: _Case, shortage: Decimal, on: date) -> _Finding:
    bases = _bases(case, on)
    limits = tuple(_used(name, found) for name, found in bases if found is not None)
    clauses = tuple(dict.fromkeys(used.clause for used in limits))
    if not limits:
        amount = case.amount(case.paid or Decimal(0))
        why = f"{amount}不在附表列出的范围内，附表没有对应的数值，不能往外推算。"
        return _Finding(Verdict.NOT_APPLICABLE, clauses=(tolerance.out_of_table_clause(),), why=(why, _OUT_OF_TABLE))
    if len(limits) < len(bases):
        why = "品种和价格对应两档，其中一档对这个重量没有数值，法规没写谁优先，要由执法人员认定。"
        return _Finding(Verdict.OFFICER, limits, clauses, why=(why,))
    answers = {shortage > used.limit_g for used in limits}
    if len(answers) > 1:
        why = "按品种和按价格档得出的结论不一样，法规没写谁优先，要由执法人员认定。"
        return _Finding(Verdict.OFFICER, limits, clauses, why=(why,))
    return _Finding(Verdict.EXCEEDS if answers.pop() else Verdict.WITHIN, limits, clauses)


def _find(case: _Case, on: date) -> _Finding:
    """The rules in order: nothing short, left out by the table, not enough said, then the figures."""
    shortage, amounts = case.shortage, _missing_amounts(case)
    if shortage is not None and shortage <= 0:
        return _Finding(Verdict.WITHIN, why=("您复称的重量不比付款的少。",))
    outside = _outside(case)
    if outside is not None:
        return outside
    missing = (*_missing_goods(case), *amounts)
    if missing or shortage is None or case.paid is None:
        return _Finding(Verdict.INCOMPLETE, missing=missing)
    if shortage > case.paid:
        why = "少的量比付款的重量还多，可能有一个数写错了，请再核对一下。"
        return _Finding(Verdict.INCOMPLETE, missing=("paid", "actual"), why=(why,))
    return _compare(case, shortage, on)


def _scale_advice(case: _Case, finding: _Finding) -> list[str]:
    """Home-scale uncertainty, and what a recheck on an equal scale means."""
    shortage, paid = case.shortage, case.paid
    if shortage is None or paid is None or case.sale.fuel or (case.goods and case.goods.kind in _METALS):
        return []
    if case.sale.fair_scale:
        return _fair_scale_advice(case, finding, shortage)
    error = tolerance.home_scale_error(paid if case.sale.actual_g is None else case.sale.actual_g)
    if any(abs(shortage - used.limit_g) < error for used in finding.limits):
        size = case.amount(error)
        return [f"差值离允许值很近，家用秤自己就可能差 {size}，建议先去公平秤复称，再决定要不要投诉。"]
    return []


def _fair_scale_advice(case: _Case, finding: _Finding, shortage: Decimal) -> list[str]:
    doubled = [used for used in finding.limits if used.multiplier > 1]
    if not doubled:
        return []
    advice = ["公平秤和摊位秤准确度相当时，复称的判定线放宽到附表数值的2倍，这里已经按2倍算。"]
    stricter = [used.limit_g / used.multiplier for used in doubled]
    if any(once < shortage <= used.limit_g for once, used in zip(stricter, doubled, strict=True)):
        figure = case.amount(min(stricter))
        advice.append(f"换成准确度更高的秤核称，判定线是 {figure}，可以请执法人员用更准的秤再核一次。")
    return advice


def _data_advice(case: _Case) -> list[str]:
    """Doubts about the numbers themselves."""
    sale, advice = case.sale, list[str]()
    if sale.shortage_g is not None and case.shortage is not None and sale.shortage_g != case.shortage:
        said, counted = case.amount(sale.shortage_g), case.amount(case.shortage)
        advice.append(f"您说少 {said}，按两次重量算是 {counted}，这里按两次重量算。")
    if case.paid and case.shortage and _UNIT_MIX[0] <= case.shortage / case.paid <= _UNIT_MIX[1] and case.retail:
        advice.append("差了一半左右，请看看是不是把斤和公斤弄混了。")
    if case.price_derived:
        advice.append("单价是用总价除以重量折算的，如果总价里还有别的东西，请把单价告诉我。")
    if sale.container:
        advice.append("您提到了袋子、冰、绳子或水，请去掉这些再称一次，按净重比较才准。")
    return advice


def _goods_advice(case: _Case) -> list[str]:
    advice = list[str]()
    if case.goods is not None and case.goods.kind in _METALS and not case.sale.fair_scale:
        advice.append("金银饰品差的是百分之几克，家用秤称不准，请到金店或检定机构用天平核称。")
    if case.sale.fuel:
        advice.append("油箱标称容积和油表都不准，不能当证据；请让加油站用标准量器当场测，或打12315请人来检测。")
    if case.sale.prepacked:
        advice.append("净含量不含包装；同一批商品的平均含量也不得低于标注。")
    return advice


def _advice(case: _Case, finding: _Finding) -> tuple[str, ...]:
    advice = _data_advice(case)
    if case.shortage is None or case.shortage <= 0 or finding.verdict is Verdict.INCOMPLETE:
        return tuple(advice)
    advice += _scale_advice(case, finding) + _goods_advice(case)
    if finding.verdict is not Verdict.WITHIN:
        advice.append("请留好小票或付款截图，商品保持原样，记下摊位号，方便核查。")
    return tuple(advice)


def _headline(finding: _Finding) -> str:
    basis = finding.limits[0].basis if finding.limits else ""
    words = {
        Verdict.EXCEEDS: f"初步判定：{_EXCESS.get(basis, '超过允许负偏差')}",
        Verdict.WITHIN: f"初步判定：{_WITHIN.get(basis, '未超过允许负偏差')}",
        Verdict.OFFICER: "初步判定：需要执法人员认定",
        Verdict.NOT_APPLICABLE: "初步判定：附表不适用",
        Verdict.INCOMPLETE: "还缺一点信息，暂时不能判定",
    }
    return f"【{words[finding.verdict]}】"


def _recap(case: _Case) -> str:
    """What was understood, so that a misreading is seen at once."""
    sale, parts = case.sale, list[str]()
    if case.goods is not None:
        parts.append(case.goods.name)
    if case.paid is not None:
        word = "加油机显示" if sale.fuel else "标注" if sale.prepacked else "付款"
        parts.append(f"{word} {case.amount(case.paid)}")
    if sale.actual_g is not None:
        parts.append(
            f"您称得 {case.amount(sale.actual_g)}" if not sale.volume else f"实际 {case.amount(sale.actual_g)}"
        )
    if case.shortage is not None and case.shortage > 0:
        parts.append(f"少 {case.amount(case.shortage)}")
    if case.price is not None:
        parts.append(f"单价 {plain(case.price)} 元/公斤")
    return f"收到：{'，'.join(parts)}。" if parts else ""


def _limits_line(case: _Case, finding: _Finding) -> str:
    if not finding.limits:
        return ""
    allowed = "，".join(f"{_BASIS_NAMES[used.basis]} {case.amount(used.limit_g)}" for used in finding.limits)
    short = case.amount(case.shortage or Decimal(0))
    equal = any(used.limit_g == case.shortage for used in finding.limits)
    return f"允许少：{allowed}；您少 {short}。{'正好等于允许值不算超。' if equal else ''}"


def _text(case: _Case, finding: _Finding, advice: tuple[str, ...]) -> str:
    lines = [_headline(finding), _recap(case), *finding.why, _limits_line(case, finding)]
    if finding.missing:
        special = _FUEL_QUESTIONS if case.sale.fuel else _PACK_QUESTIONS if case.sale.prepacked else {}
        questions = _QUESTIONS | special
        lines.append(f"请告诉我：{'；'.join(questions[name] for name in finding.missing)}。")
    if finding.clauses:
        lines.append(f"依据：{'；'.join(finding.clauses)}（{tolerance.reviewed_on()}核对）。")
    lines += [f"· {sentence}" for sentence in advice]
    return "\n".join(line for line in (*lines, ENDING) if line)


def judge(sale: Sale, on: date) -> Judgement:
    """The verdict on one purchase under the tables in force on ``on``; never raises for any combination of facts."""
    case = _case(sale)
    finding = _find(case, on)
    advice = _advice(case, finding)
    return Judgement(
        verdict=finding.verdict,
        shortage_g=None if case.shortage is None else max(case.shortage, Decimal(0)),
        limits=finding.limits,
        clauses=finding.clauses,
        missing=finding.missing,
        advice=advice,
        text=_text(case, finding, advice),
    )
