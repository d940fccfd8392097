"""Where something happened, out of a told story: market, stall, shop, or other words of place.

Names are found by their endings (…菜场, …超市) and read backwards to the last word that is no name (在, 去, 举报, 昨天);
stalls by their numbers. Weights and sums are struck out first, so that their digits never become a stall.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from knowledge.files import DATA, load_yaml
from knowledge.goods import find_goods
from knowledge.tip_text import blank, without_amounts

FILE = "tip_places.yaml"
LONGEST_NAME = 14
_NAME = r"[一-鿿A-Za-z0-9·()]"
_NUMERAL = r"(?:[0-9]{1,4}|[一二三四五六七八九十百]{1,4})"
_STALL_WORD = r"(?:摊位|摊|档口|档|铺位|柜台|柜|门面|商铺|店铺|窗口)"
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·. ]?[0-9A-Za-z]{5,6}(?![0-9A-Za-z])"
)
_NO_STALL = r"(?:DN|PN|QQ|TS|ID|NO|WX|VX|EV|AC|DC|CO|PM|AM|OK)"
_AFTER_CODE = r"(?![0-9A-Za-z.%])(?!\s*(?:型|公交|路|号线|线路|高速|出口|口|层|楼|栋|医院|学校|枪|号枪|油枪|桩|号桩))"
_POSITION = r"(?:(?:进门|进去|入口|[东南西北大正后]门|左手边?|右手边?|左边|右边|靠门|最里面)[一-鿿]{0,2}?){0,2}"
_SURNAMED = re.compile(r"(?:[老小阿大][一-鿿]|[一-鿿]{1,3}(?:记|氏|家|哥|姐|嫂|婶|叔|姨|妹|胖子))$")
_TITLED = re.compile(
    r"(?:卖[一-鿿]{1,3}的)?[老小阿](?!板|人|家|公|婆|妈|爸|师|区|店|摊|票|时|心|姨|头|太|贩|哥|伙|姐|妹|是|称|秤|数|斤|两|吃|菜|鱼|虾|肉|鸡|鸭|米|麦|白|葱|百|乡|城|街|北|南|东|西|路|镇|村|红|黄|青|龙|组|学|型|的|计|朋)[一-鿿](?=家|那|的|摊|，|$)家?"
)


@dataclass(frozen=True, slots=True)
class Places:
    """What a text says of where; ``spans`` is where in the folded text it says so."""

    market: str = ""
    stall: str = ""
    shop: str = ""
    place: str = ""
    spans: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    def __bool__(self) -> bool:
        return bool(self.market or self.stall or self.shop or self.place)


def find_places(folded: str) -> Places:
    """The first market, stall, shop and other place of a folded text; bare kinds of place (菜市场, 水果摊) count only
    beside something that tells which one."""
    return _Search(without_amounts(folded)).run()


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    start: int
    end: int
    plain: bool = False


class _Search:
    """Each thing found is struck out before the next is looked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int]] = []

    def run(self) -> Places:
        words = _words()
        plate = self._take(self._plate())
        branded = self._take(self._branded(words.branded_shop))
        place = self._take(self._place(words))
        market = self._take(self._named(words.market, words.plain_markets))
        stall = self._take(self._stall(words))
        if stall is None and market is not None:
            stall = self._take(self._number_after(market))
        shop = branded or self._take(self._shop(words))
        if stall and shop and shop.plain and shop.start == stall.end:
            # 第二家猪肉摊 is one way of pointing at a stall.
            stall, shop = _Found(stall.text + shop.text, stall.start, shop.end), None
        sure = any(f is not None and not f.plain for f in (plate, place, market, stall, shop))
        place, market, stall, shop = (f if f and (sure or not f.plain) else None for f in (place, market, stall, shop))
        return Places(
            market.text if market else "",
            re.sub(r"\s", "", stall.text).upper() if stall else "",
            shop.text if shop else "",
            "".join(f.text for f in (plate, place) if f),
            tuple(self._spans),
        )

    def _take(self, found: _Found | None) -> _Found | None:
        if found is not None:
            self._text = blank(self._text, found.start, found.end)
            self._spans.append((found.start, found.end))
        return found

    def _plate(self) -> _Found | None:
        match = _PLATE.search(self._text)
        return _Found(f"车牌{match[0]}", match.start(), match.end()) if match else None

    def _place(self, words: _Words) -> _Found | None:
        """人民路38号旁边, 幸福小区门口, 城西菜场对面; a road alone where it is no part of a market's name."""
        for match in words.address.finditer(self._text):
            start = _name_start(self._text, match.start())
            name = self._text[start : match.start()]
            if (
                name
                and name not in words.plain_roads
                and (match["detail"] or not words.leads_on.match(self._text, match.end()))
            ):
                return _Found(self._text[start : match.end()], start, match.end())
        for match in words.beside.finditer(self._text):
            start = _name_start(self._text, match.start())
            plain = start == match.start() and "小区" not in (match["kind"], match["gated"])
            return _Found(self._text[start : match.end()], start, match.end(), plain)
        return None

    def _named(self, kinds: re.Pattern[str], plain: frozenset[str]) -> _Found | None:
        first: _Found | None = None
        for match in kinds.finditer(self._text):
            start = _name_start(self._text, match.start())
            name = self._text[start : match.start()]
            found = _Found(self._text[start : match.end()], start, match.end(), not name or name in plain)
            if not found.plain:
                return found
            first = first or found
        return first

    def _stall(self, words: _Words) -> _Found | None:
        match = words.stall.search(self._text)
        if match is None:
            return None
        start = match.start() + (_lead(match["zone"]) if match["zone"] else 0)
        return _Found(
            self._text[start : match.end()], start, match.end(), match["ordinal"] is not None and not match["zone"]
        )

    def _number_after(self, market: _Found) -> _Found | None:
        """城西菜场12号少称2两: a bare number right after the market."""
        match = re.compile(r"\s*(?:的|里|内)?\s*([0-9]{1,4}号)(?![早上下中晚门楼厅馆口线出我买去在那])").match(
            self._text, market.end
        )
        return _Found(match[1], match.start(1), match.end(1)) if match else None

    def _shop(self, words: _Words) -> _Found | None:
        branded = self._branded(words.brand)
        if branded is not None:
            return branded
        named = self._named(words.shop, words.plain_shops)
        if named is not None and not named.plain:
            return named
        return self._traded(words) or self._titled() or named

    def _branded(self, brands: re.Pattern[str]) -> _Found | None:
        match = brands.search(self._text)
        return _Found(match[0], match.start(), match.end()) if match else None

    def _traded(self, words: _Words) -> _Found | None:
        """老王水产; 大洋海鲜 only after a word that leads to a name."""
        for match in words.trade.finditer(self._text):
            chunk_start = _chunk_start(self._text, match.start())
            chunk = self._text[chunk_start : match.start()]
            start = chunk_start + _lead(chunk)
            name = self._text[start : match.start()]
            led = chunk[: start - chunk_start].endswith(_LEADS_TO_NAME)
            if len(name) > 1 and (_SURNAMED.search(name) or led) and name not in words.plain_shops:
                return _Found(self._text[start : match.end()], start, match.end())
        return None

    def _titled(self) -> _Found | None:
        match = _TITLED.search(self._text)
        return _Found(match[0], match.start(), match.end(), plain=True) if match else None


_LEADS_TO_NAME = ("在", "举报", "投诉", "反映", "去", "到", "叫")


def _chunk_start(text: str, end: int) -> int:
    """Where the run of name characters before ``end`` begins."""
    start = end
    while start > 0 and end - start < LONGEST_NAME and re.match(_NAME, text[start - 1]):
        start -= 1
    return start


def _name_start(text: str, end: int) -> int:
    start = _chunk_start(text, end)
    start += _lead(text[start:end])
    goods = find_goods(text[start:end])
    # 排骨城西菜场: goods told just before a name are no part of it; 水果批发市场 keeps its own.
    if goods is not None and text.startswith(goods.name, start) and end - start - len(goods.name) > 1:
        start += len(goods.name)
    return start


def _lead(chunk: str) -> int:
    """How much of a chunk comes before the name in it."""
    return max((m.end() for m in _words().lead.finditer(chunk)), default=0)


@dataclass(frozen=True, slots=True)
class _Words:
    market: re.Pattern[str]
    shop: re.Pattern[str]
    trade: re.Pattern[str]
    brand: re.Pattern[str]
    branded_shop: re.Pattern[str]
    stall: re.Pattern[str]
    address: re.Pattern[str]
    beside: re.Pattern[str]
    leads_on: re.Pattern[str]
    lead: re.Pattern[str]
    plain_markets: frozenset[str]
    plain_shops: frozenset[str]
    plain_roads: frozenset[str]


@cache
def _words() -> _Words:
    data = load_yaml(DATA / FILE)
    shops, nearby = _any(data["shops"]), _any(data["nearby"])
    kinds = _any((*data["markets"], *data["landmarks"], *data["shops"]))
    return _Words(
        market=re.compile(rf"(?:{_any(data['markets'])})(?![监管价督局部舞化])(?!经济|准入|主体|监督|行情)"),
        shop=re.compile(rf"(?:{shops})(?![里家主员长贩点面位货设])(?!老板|门口)"),
        trade=re.compile(
            rf"(?:{_any(data['trades'])})(?!区|类|市场|店|铺|摊|行|部)(?=的|卖|，|,|。|\s|$|[A-Za-z0-9少缺短称秤买多不用里家有])"
        ),
        brand=re.compile(_any(data["brands"])),
        branded_shop=re.compile(
            rf"(?:{_any(data['brands'])})(?![的买加充卖])[一-鿿A-Za-z0-9()]{{0,8}}?(?:{shops}|门店|分店)"
            rf"|(?:{_any(data['brands'])})(?:(?!{nearby})[^\W_去到在的买加充卖少缺了]){{1,6}}?(?<![车铁交])站(?![点台长内里])"
        ),
        stall=re.compile("|".join(_stalls(_any(data["zones"]))), re.IGNORECASE),
        address=re.compile(
            r"(?:大道|大街|中路|南路|北路|东路|西路|路|街|巷|胡同)(?![市上过边灯费人程线政道])"
            rf"(?P<detail>(?:(?:与|和)[一-鿿]{{1,6}}(?:路|街))?(?:[0-9]{{1,5}}(?:号|弄|段)?(?:[0-9]{{1,4}}(?:号|栋|幢)?)?)?(?:{nearby})?)"
        ),
        beside=re.compile(
            rf"(?P<kind>{kinds})的?(?:{nearby})|(?P<gated>{_any(data['landmarks'])})的?[东南西北大正后侧]门(?:口|外|旁边|对面)?"
        ),
        leads_on=re.compile(rf"{_NAME}{{0,6}}?(?:{kinds})"),
        lead=re.compile(
            f"^(?:{_any(data['leads_at_start'])})|{_any(data['leads'])}|(?:上|下|这)?(?:周|星期|礼拜)[一二三四五六日天](?!福|生)|[0-9]{{1,2}}[日点号月]"
        ),
        plain_markets=frozenset(data["plain_market_names"]),
        plain_shops=frozenset(data["plain_shop_names"]),
        plain_roads=frozenset(data["plain_road_names"]),
    )


def _stalls(zones: str) -> Iterator[str]:
    """Every way of naming a stall, the most telling first."""
    zone = rf"(?P<zone>{_POSITION}(?:(?:(?:{zones})|[A-Za-z]?[0-9]{{1,3}}|[A-Za-z]|{_NUMERAL})(?:区|厅|馆|栋|幢|楼|层|通道|排)\s?){{0,2}})"
    code = rf"(?<![A-Za-z0-9.=])(?<!编号)(?<!型号)(?!{_NO_STALL})[A-Za-z]{{1,2}}\s?[-—–]?\s?[0-9]{{1,4}}(?:-[0-9]{{1,3}})?(?:号{_STALL_WORD}?|{_STALL_WORD})?{_AFTER_CODE}"
    row = rf"{_NUMERAL}[排通区]道?第?{_NUMERAL}(?:号|个|家)?{_STALL_WORD}?(?![0-9])"
    numbered = rf"(?:第{_NUMERAL}(?:号|个|家)?{_STALL_WORD}|{_NUMERAL}\s?号\s?{_STALL_WORD}|[0-9]{{1,4}}{_STALL_WORD}|{_STALL_WORD}号?[:： ]?[A-Za-z]?[0-9]{{1,4}}号?|(?P<ordinal>第{_NUMERAL}家))"
    yield f"{zone}(?:{numbered}|{row}|{code}|(?<=[区厅馆栋楼层排])第?{_NUMERAL}号)(?![0-9])"


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))
