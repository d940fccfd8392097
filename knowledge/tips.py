"""Reading a tip-off as people tell it: 城西菜场A12少称2两 -> market, stall, shortage, category.

What a story says fills the form, and only the rest is asked. Nothing is guessed; the words always stay, and officers
read those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from knowledge import tip_scope
from knowledge.quantities import MAX_TEXT, Sale, read_sale
from knowledge.tip_categories import Category, Extra, TipBook, categories
from knowledge.tip_places import Places, find_places
from knowledge.tip_text import BLANK, fold, without_amounts
from knowledge.tip_times import find_time

__all__ = ["Category", "Extra", "Told", "categories", "looks_like_tip", "merge", "read_tip", "read_where", "said_extra"]

MAX_PLACE = 60
JIN, LIANG = Decimal(500), Decimal(50)
_OUTDONE = frozenset({"", "short-weight"})
"""Categories that give way to the trade of a shop."""
_CLAUSE = re.compile(r"[^，。！？；,!?;\n]+")
_FIGURE = re.compile(r"[0-9一二两三四五六七八九十半][^，。]{0,3}(?:斤|两|克|升|元|块|g|l)", re.IGNORECASE)
_LETTER = re.compile(r"[一-鿿A-Za-z]")
_SOMEBODY = re.compile(
    r"(?:有一?|碰到一?|遇到一?|遇见一?|发现一?|[这那])[个家][^，。？?]{0,4}?(?:摊|店|超市|菜场|市场|档口|商[家贩]|小贩|老板|加油站)"
)
_WISH = re.compile(r"(?:我|想|要)(?:要|想)?(?:举报|投诉|检举)")
_FUEL_GOODS = re.compile(r"(?:0|92|95|98)\s?(?:号|#)?\s?(?:汽油|柴油)|汽油|柴油|天然气")
_LOOSE_GOODS = re.compile(
    rf"(?:[买要]了?|(?<![少复短多])称了){BLANK}{{2,}}的?(?![只少回到称才却缺短实重结付一共钱价货]|东西|时候)([一-鿿]{{1,4}}?)"
    r"(?=[，。,. ]|只|少|回|到|称|才|却|缺|短|实|$)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told. ``category`` is an id of tip_categories.yaml; "" and None are "not said"; ``words`` is the text as
    it was."""

    category: str = ""
    market: str = ""
    stall: str = ""
    shop: str = ""
    place: str = ""
    goods: str = ""
    sale: Sale = field(default_factory=Sale)
    day: date | None = None
    hour: str = ""
    words: str = ""

    @property
    def where(self) -> str:
        """A readable place, "" when nothing was said of it."""
        parts = [p for p in (self.place, self.market, self.shop, self.stall) if p]
        return "".join(p for n, p in enumerate(parts) if not any(p in q for q in parts[:n]))

    @property
    def what(self) -> str:
        """A readable matter, 称重少2两（排骨）; "" when nothing was said of it."""
        short = self.shortage
        amount = f"少{_amount(short, volume=self.sale.volume)}" if short is not None and short > 0 else ""
        if not self.category and not amount:
            return ""
        category = TipBook.load().category(self.category or "short-weight")
        parts = (
            (category.measured, amount) if category.measured and amount else (category.matter, amount and f"，{amount}")
        )
        said = "".join(parts)
        return f"{said}（{self.goods}）" if self.goods else said

    @property
    def shortage(self) -> Decimal | None:
        """What is missing, in g or mL: as told, or paid less weighed again."""
        sale = self.sale
        if sale.shortage_g is not None:
            return sale.shortage_g
        return None if sale.paid_g is None or sale.actual_g is None else sale.paid_g - sale.actual_g


def read_tip(text: str, today: date) -> Told:
    """Everything a story says; never raises. ``today`` is the day it was told on."""
    folded = fold(text)
    places = find_places(folded)
    rest = _without(folded, places)
    sale = read_sale(_for_sale(rest))
    day, hour = find_time(rest, today)
    return Told(
        _category(rest, sale, places),
        places.market,
        places.stall,
        places.shop,
        places.place,
        _goods(rest, sale),
        sale,
        day,
        hour,
        text,
    )


def read_where(text: str) -> Told:
    """The answer to 在哪家店、哪个摊位？ Any words will do as a place; ``where`` is "" when there is no letter in them."""
    folded = fold(text)
    places = find_places(folded)
    told = Told(market=places.market, stall=places.stall, shop=places.shop, place=places.place, words=text)
    left = re.sub(r"[^一-鿿A-Za-z0-9]", "", _without(folded, places))
    if (told.where and len(re.sub("^(?:我?在|就是|是|的|那里|那边)", "", left)) <= 1) or not _LETTER.search(folded):
        return told
    whole = re.sub(r"^\s*(?:我?就?是?在|位于|地址[是:：]?|是)\s*", "", text.strip())[:MAX_PLACE].strip()
    return replace(told, place=whole)


def looks_like_tip(text: str) -> bool:
    """Whether a person tells of a violation at a place that can be found, rather than asks about the rules."""
    book, folded = TipBook.load(), fold(text)
    struck = book.denials.sub(lambda m: BLANK * len(m[0]), folded)
    reports = bool(book.reports.search(struck))
    wrong = bool(book.wrongs.search(struck))
    if not (reports or wrong or _FIGURE.search(struck)) or book.rule_questions.search(struck):
        return False
    places = find_places(folded)
    if tip_scope.out_of_scope(text) is not None or not (places or _says_somewhere(struck, wrong=wrong)):
        return False
    owner = bool(book.owners.search(struck))
    return _tells(book, _without(struck, places), places, reports=reports, owner=owner)


def said_extra(told: Told, extra: Extra) -> str:
    """What the story already says of a category's further question, "" when nothing."""
    return extra.said(fold(told.words))


def merge(first: Told, second: Told) -> Told:
    """What was told first with what was told later; where both speak, the later holds. Both keep their words."""
    values: dict[str, Any] = {
        f.name: getattr(second, f.name) or getattr(first, f.name)
        for f in fields(Told)
        if f.name not in ("sale", "words", "category")
    }
    later = second.category
    category = first.category if not later or (later == "short-weight" and first.category) else later
    return Told(
        **values, category=category, sale=_merged(first.sale, second.sale), words=_joined(first.words, second.words)
    )


def _tells(book: TipBook, rest: str, places: Places, *, reports: bool, owner: bool) -> bool:
    sale = read_sale(_for_sale(rest))
    short = _is_short(sale)
    category = _category(rest, sale, places)
    if owner and not (reports or short):
        return False
    if book.how_questions.search(rest) and not (short or (reports and book.wrongs.search(rest))):
        return False
    if category == "home-meter":
        return reports
    return reports or short or bool(book.wrongs.search(rest) and category)


def _says_somewhere(struck: str, *, wrong: bool) -> bool:
    """A wrong that is told without saying where: 有个摊子缺斤短两, 缺斤短两，我要举报. Where is asked next."""
    if not wrong or TipBook.load().how_questions.search(struck):
        return False
    return bool(_SOMEBODY.search(struck) or _WISH.search(struck))


def _is_short(sale: Sale) -> bool:
    if sale.shortage_g is not None:
        return sale.shortage_g > 0
    return sale.paid_g is not None and sale.actual_g is not None and sale.actual_g < sale.paid_g


def _category(rest: str, sale: Sale, places: Places) -> str:
    """By words, by the trade of the shop, by weights alone."""
    book = TipBook.load()
    found = book.spot(book.denials.sub(BLANK, rest))
    if found in _OUTDONE and places.shop:
        found = book.spot(places.shop) or found
    if not _is_short(sale) or found not in ("", "units"):
        return found
    return "fuel" if sale.fuel else "prepacked" if sale.prepacked else "short-weight"


def _without(folded: str, places: Places) -> str:
    """The story without its places: a shop's name is no goods, a stall's number no weight. What trade a station is in
    stays said."""
    for start, end in places.spans:
        kept = next((w for w in ("加油", "充电") if w in folded[start:end] and folded[start:end] == places.shop), "")
        struck = BLANK * (end - start - len(kept)) + kept
        folded = folded[:start] + struck + folded[end:]
    return folded


def _for_sale(rest: str) -> str:
    """At most what the reader of quantities looks at: of a long story the clauses with figures."""
    if len(rest) <= MAX_TEXT:
        return rest
    clauses = [m[0] for m in _CLAUSE.finditer(rest) if _FIGURE.search(m[0])]
    return "，".join(clauses)[:MAX_TEXT] or rest[:MAX_TEXT]


def _goods(rest: str, sale: Sale) -> str:
    if sale.fuel:
        found = _FUEL_GOODS.search(rest)
        return found[0] if found else ""
    found = None if sale.goods else _LOOSE_GOODS.search(without_amounts(rest))
    return found[1] if found else sale.goods or ""


def _amount(grams: Decimal, *, volume: bool) -> str:
    """1斤2两 where it comes out even, else grams; litres or millilitres."""
    if volume:
        return f"{_plain(grams / 1000)}升" if grams >= 100 else f"{_plain(grams)}毫升"
    if grams % LIANG:
        return f"{_plain(grams)}克"
    jin, rest = divmod(grams, JIN)
    return (f"{_plain(jin)}斤" if jin else "") + (f"{_plain(rest / LIANG)}两" if rest else "")


def _plain(number: Decimal) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def _merged(first: Sale, second: Sale) -> Sale:
    """Field by field; weights told later in full put aside a shortage told before."""
    base = replace(first, shortage_g=None) if second.paid_g is not None and second.actual_g is not None else first
    values = {f.name: getattr(second, f.name) for f in fields(Sale)}
    known = {name: value for name, value in values.items() if value is not None and value is not False}
    return replace(base, **known)


def _joined(first: str, second: str) -> str:
    if not second or second in first:
        return first
    return f"{first}\n{second}" if first else second
