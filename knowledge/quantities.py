"""Weights, volumes, prices and roles read from one sentence of market Chinese.

Exact arithmetic only (Decimal): masses in grams, volumes in millilitres, money in yuan. 斤 500 g, 两 50 g, 钱 5 g.
One left-to-right scan over at most 200 characters. Nothing is guessed: vague amounts (三四斤, 两斤多, 2-3斤) and
contradictory ones are left out, so that the caller asks.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from knowledge.goods import find_goods

MAX_TEXT = 200

_MASS = {
    "公斤": 1000, "千克": 1000, "kg": 1000, "市斤": 500, "斤": 500, "市两": 50, "两": 50, "钱": 5, "克": 1, "g": 1,
}  # fmt: skip
_VOLUME = {"毫升": 1, "公升": 1000, "升": 1000, "ml": 1, "l": 1000}
_UNITS = tuple(sorted((*_MASS, *_VOLUME), key=len, reverse=True))
_JIN = frozenset({"斤", "市斤"})
_KILO = frozenset({"公斤", "千克", "kg"})
# A bare digit after these units counts the next smaller one: 二斤四 is 2 斤 4 两, 两公斤四 is 2.4 kg.
_NEXT_SMALLER = {"斤": 50, "市斤": 50, "公斤": 100, "千克": 100, "kg": 100, "两": 5, "市两": 5}
_TAILS = {
    **dict.fromkeys(_JIN, ("市两", "两", "钱", "克", "g")),
    **dict.fromkeys(_KILO, ("市两", "两", "克", "g")),
    **dict.fromkeys(("两", "市两"), ("钱", "克", "g")),
    **dict.fromkeys(("升", "公升", "l"), ("毫升", "ml")),
}
_CURRENCY = ("块钱", "元钱", "块", "元", "圆")
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0}
_TENS = {"十": 10, "百": 100, "千": 1000}
_LIANG_AS_TWO = 2
_HALF = Decimal("0.5")
_TENTH = Decimal("0.1")
_MAX_WHOLE, _MAX_FRACTION = 7, 6
_HUNDRED = 100
_NUMERIC = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_SPELLINGS = str.maketrans(
    "兩塊錢買稱實際顯說幾壹贰叁肆伍陆柒捌玖拾個減開頭", "两块钱买称实际显说几一二三四五六七八九十个减开头"
)
_THOUSANDS = re.compile(r"([0-9]),([0-9]{3})(?=\s?(?:克|g|元|块|毫升|ml))")
_SAYING = re.compile(r"[缺短][斤两][少短缺][两斤]|[八七九]两秤|半斤八两")
_AFTER_TAIL_DIGIT = re.compile(r"[\s,。.;；!?、)的少实称秤回复但才却结到量缺短差买付收给说算卖,:]|$")
_NO_HALF = re.compile(r"[价天小个块路]")
_VAGUE_AFTER = re.compile(r"^(?:多(?!少|收|付|算|给|要|出)|左右|不到|上下|出头)")
_ASKS_PRICE = re.compile(r"(?:多少钱?|几[块元毛]钱?|怎么卖)\s?$")
_SCALE_AFTER = re.compile(r"^的?(?:电子|计价|弹簧|台|磅|量程)?秤(?![上显])")
_SCALE_BEFORE = re.compile(r"(?:最大秤量|最大称量|秤量|量程|max|上限|油箱|容积)[^0-9]{0,4}$")
_COUNTERS = re.compile(r"^\s?[个只条根颗号折盒袋包瓶桶罐串把份年月日点时分楼%人位次斤两克公千毫升kgml:/\-]")


class Kind(StrEnum):
    """What a token of the scan is."""

    MASS = "mass"
    VOLUME = "volume"
    MONEY = "money"
    PRICE = "price"
    NUMBER = "number"
    SCALE = "scale"
    VAGUE = "vague"


@dataclass(frozen=True)
class Token:
    """A value with its place in the tidied text: g, mL, yuan, yuan per kg (or per L when ``unit`` says so), or bare."""

    kind: Kind
    value: Decimal
    start: int
    end: int
    unit: str = ""


@dataclass(frozen=True)
class Sale:
    """What a message says about one purchase; None is "not said". Liquids (``volume``) are mL in the ``_g`` fields."""

    goods: str | None = None
    paid_g: Decimal | None = None
    actual_g: Decimal | None = None
    shortage_g: Decimal | None = None
    unit_price_yuan_per_kg: Decimal | None = None
    total_yuan: Decimal | None = None
    home_scale: bool = False
    fair_scale: bool = False
    container: bool = False
    prepacked: bool = False
    fuel: bool = False
    volume: bool = False


@dataclass(frozen=True)
class _Number:
    value: Decimal | None
    end: int


def tidy(text: str) -> str:
    """At most 200 characters, half-width, lower case, common traditional spellings made simplified."""
    text = unicodedata.normalize("NFKC", text[:MAX_TEXT])[:MAX_TEXT].lower().translate(_SPELLINGS)
    text = _THOUSANDS.sub(r"\1\2", text)
    return _SAYING.sub(lambda match: "。" * len(match.group()), text)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _starts(text: str, at: int, words: tuple[str, ...]) -> str | None:
    return next((word for word in words if text.startswith(word, at)), None)


def _unit(text: str, at: int) -> tuple[str, int] | None:
    """The unit at ``at`` (spaces allowed before it) and where it ends."""
    at = _skip(text, at)
    unit = _starts(text, at, _UNITS)
    if unit is None:
        return None
    end = at + len(unit)
    following = text[end : end + 1]
    if unit.isascii() and following.isascii() and following.isalpha():
        return None
    if (unit == "克" and following == "拉") or (unit == "两" and _is_two(text, at)):
        return None
    return unit, end


def _is_two(text: str, at: int) -> bool:
    """两 before another unit is the number 2 (两斤), or one end of a vague 一两斤."""
    return text.startswith(("斤", "公斤", "千克", "块", "个", "毛"), at + 1)


def _arabic(text: str, at: int) -> _Number | None:
    match = _NUMERIC.match(text, at)
    if match is None:
        return None
    whole, _, fraction = match.group().partition(".")
    vague = at > 1 and text[at - 1] in "-~到至" and text[at - 2] in "0123456789"
    if "." in fraction or len(whole) > _MAX_WHOLE or len(fraction) > _MAX_FRACTION or vague:
        return _Number(None, match.end())
    return _Number(Decimal(match.group()), match.end())


@dataclass
class _ChineseReader:
    """Reads one Chinese numeral: 十二, 二十五, 一百五, 两百, 一百零五, 零点九."""

    text: str
    at: int
    total: int = 0
    digit: int | None = None
    last: int = 10000
    zero: bool = False

    def read(self) -> _Number | None:
        start = self.at
        while self.at < len(self.text) and self._take(self.text[self.at], first=self.at == start):
            self.at += 1
        if self.at == start:
            return None
        if self._vague():
            return _Number(None, self.at + 1)
        whole = Decimal(self.total + self._last_digit())
        return self._fraction(whole) or _Number(whole, self.at)

    def _take(self, char: str, *, first: bool) -> bool:
        if char == "两":
            return first and self._set_digit(_LIANG_AS_TWO)
        if char in "零〇" and not first:
            free = self.digit is None and not self.zero
            self.zero = self.zero or free
            return free
        if char in _DIGITS:
            return self._set_digit(_DIGITS[char])
        return char in _TENS and self._multiply(_TENS[char])

    def _set_digit(self, value: int) -> bool:
        if self.digit is not None:
            return False
        self.digit = value
        return True

    def _multiply(self, unit: int) -> bool:
        if unit >= self.last or (self.digit is None and unit != _TENS["十"]):
            return False
        self.total += (1 if self.digit is None else self.digit) * unit
        self.digit, self.last, self.zero = None, unit, False
        return True

    def _vague(self) -> bool:
        """三四斤: a second digit right after the first. 一 is not one: 十八一斤 is a price."""
        following = self.text[self.at : self.at + 1]
        if self.digit is None or not following:
            return False
        return following in "二三四五六七八九" or (following == "两" and _is_two(self.text, self.at))

    def _last_digit(self) -> int:
        digit = self.digit or 0
        hundreds = _HUNDRED <= self.last <= _TENS["千"] and not self.zero
        return digit * self.last // 10 if hundreds else digit

    def _fraction(self, whole: Decimal) -> _Number | None:
        end = self.at + 1
        while end < len(self.text) and self.text[end] in _DIGITS and end - self.at <= _MAX_FRACTION:
            end += 1
        if self.text[self.at : self.at + 1] != "点" or end == self.at + 1:
            return None
        # 三点五一斤 is heard as 3.5 a 斤, not as 3.51 斤.
        if self.text[end - 1] == "一" and end - self.at > len("点五") and _unit(self.text, end):
            end -= 1
        digits = "".join(str(_DIGITS[char]) for char in self.text[self.at + 1 : end])
        return _Number(Decimal(f"{whole}.{digits}"), end)


def _number(text: str, at: int) -> _Number | None:
    if text.startswith("半", at):
        followed = _unit(text, at + 1) is not None
        return _Number(_HALF, at + 1) if followed else None
    return _arabic(text, at) or _ChineseReader(text, at).read()


def _factor(unit: str) -> int:
    return _MASS.get(unit) or _VOLUME[unit]


def _bare_tail(text: str, at: int, unit: str) -> tuple[Decimal, int] | None:
    """二斤四, 2斤4: one digit and then a pause or a verb."""
    number = _number(text, at) if unit in _NEXT_SMALLER else None
    if number is None or number.value is None or not 1 <= number.value < _TENS["十"]:
        return None
    if number.end - at > 1 or not _AFTER_TAIL_DIGIT.match(text, number.end):
        return None
    return number.value * _NEXT_SMALLER[unit], number.end


def _smaller_tail(text: str, at: int, unit: str, *, spaced: bool) -> tuple[Decimal, int, str] | None:
    """1斤8两, 一斤零三两; a space may part the two only where the writer also parts number and unit (2 斤 3 两)."""
    start = _skip(text, at) if spaced else at
    if text.startswith(("零", "又"), start):
        start += 1
    number = _number(text, start)
    if number is None or number.value is None:
        return None
    found = _unit(text, number.end)
    if found is None or found[0] not in _TAILS.get(unit, ()):
        return None
    return number.value * _factor(found[0]), found[1], found[0]


def _with_tails(text: str, value: Decimal, end: int, unit: str, *, spaced: bool) -> tuple[Decimal, int]:
    if text.startswith("半", end) and not _NO_HALF.match(text, end + 1) and _unit(text, end + 1) is None:
        return value + _HALF * _factor(unit), end + 1
    tail = _smaller_tail(text, end, unit, spaced=spaced)
    if tail is not None:
        return _with_tails(text, value + tail[0], tail[1], tail[2], spaced=spaced)
    bare = _bare_tail(text, end, unit)
    return (value + bare[0], bare[1]) if bare else (value, end)


def _quantity(text: str, start: int, number: _Number) -> Token | None:
    """A mass or volume whose number has been read already."""
    found = _unit(text, number.end)
    if found is None:
        return None
    unit, end = found
    if number.value is None:
        return Token(Kind.VAGUE, Decimal(0), start, end, unit)
    spaced = _skip(text, number.end) > number.end
    value, end = _with_tails(text, number.value * _factor(unit), end, unit, spaced=spaced)
    kind = Kind.MASS if unit in _MASS else Kind.VOLUME
    if _VAGUE_AFTER.match(text[end : end + 3]) or _ASKS_PRICE.search(text[max(0, start - 6) : start]):
        kind = Kind.VAGUE
    elif _SCALE_AFTER.match(text[end : end + 6]) or _SCALE_BEFORE.search(text[max(0, start - 10) : start]):
        kind = Kind.SCALE
    return Token(kind, value, start, end, unit)


def _jiao_tail(text: str, at: int) -> tuple[Decimal, int]:
    """What follows 元 or 块: 3块8, 三块五毛, 块半; digits that begin a weight are left alone."""
    if text.startswith("半", at) and _unit(text, at + 1) is None:
        return _HALF, at + 1
    number = _number(text, at)
    if number is None or number.value is None or number.value != int(number.value):
        return Decimal(0), at
    end = number.end
    mao = _starts(text, end, ("毛钱", "毛", "角"))
    if mao is None and (_unit(text, end) or _COUNTERS.match(text[end : end + 2])):
        return Decimal(0), at
    size = end - at if text[at].isascii() else 1
    value = number.value * (Decimal("0.01") if size == len("85") and mao is None else _TENTH)
    if number.value >= _HUNDRED or (mao is not None and number.value >= _TENS["十"]):
        return Decimal(0), at
    return value, end + len(mao or "")


def _money(text: str, start: int, number: _Number) -> Token | None:
    if number.value is None or text.startswith("八角", start):
        return None
    at = _skip(text, number.end)
    mao = _starts(text, at, ("毛钱", "毛", "角"))
    if mao is not None and not text.startswith(("毛豆", "角瓜"), at):
        return Token(Kind.MONEY, number.value * _TENTH, start, at + len(mao))
    word = _starts(text, at, _CURRENCY)
    if word is None:
        return None
    end = at + len(word)
    if word in {"块", "元"}:
        tail, end = _jiao_tail(text, end)
        return Token(Kind.MONEY, number.value + tail, start, end)
    return Token(Kind.MONEY, number.value, start, end)


def _kuai_first(text: str, start: int) -> Token | None:
    """块八一斤, 块五: one yuan is left unsaid; 这块五花肉 is not money."""
    if not text.startswith("块", start) or text[max(0, start - 1) : start] in {"几", "多", "数", "这", "那"}:
        return None
    tail, end = _jiao_tail(text, start + 1)
    if not tail:
        return None
    per = _per_suffix(text, end, currency=False)
    if per is not None:
        return _price_token(1 + tail, start, per)
    return Token(Kind.MONEY, 1 + tail, start, end) if _AFTER_TAIL_DIGIT.match(text, end) else None


def _per(text: str, at: int, *, count_needed: bool) -> tuple[Decimal, int, str] | None:
    """``[count] unit`` of a price -> kilograms (litres), end, unit."""
    start = _skip(text, at)
    number = _number(text, start)
    if number is None or number.value is None:
        number = None if count_needed else _Number(Decimal(1), start)
    found = _unit(text, number.end) if number else None
    if number is None or found is None or not number.value:
        return None
    return number.value * _factor(found[0]) / 1000, found[1], found[0]


def _per_suffix(text: str, at: int, *, currency: bool) -> tuple[Decimal, int, str] | None:
    """/斤, 每500克, 一斤 (and 1斤 after a currency word) right after an amount of money."""
    at = _skip(text, at)
    if text.startswith(("/", "每"), at):
        skip = 2 if text.startswith("/每", at) else 1
        return _per(text, at + skip, count_needed=False)
    if text.startswith("一", at) or (currency and text.startswith("1", at)):
        return _one_unit(text, at)
    return None


def _one_unit(text: str, at: int) -> tuple[Decimal, int, str] | None:
    """Exactly one unit with nothing after it; 一斤八两 is a weight, not a price's unit."""
    number = _Number(Decimal(1), at + 1)
    token = _quantity(text, at, number)
    if token is None or token.kind is Kind.VAGUE or token.value != _factor(token.unit):
        return None
    return token.value / 1000, token.end, token.unit


def _price_token(amount: Decimal, start: int, per: tuple[Decimal, int, str]) -> Token:
    return Token(Kind.PRICE, amount / per[0], start, per[1], per[2])


def _priced(text: str, start: int, per: tuple[Decimal, int, str], *, currency_needed: bool) -> Token | None:
    """The amount after ``每500克`` or ``一斤``."""
    match = re.compile(r"\s?(?:价格|价|是|卖|要|才|就|:|=|,)?\s?").match(text, per[1])
    at = match.end() if match else per[1]
    number = _number(text, at)
    if number is None or number.value is None:
        return None
    money = _money(text, at, number)
    if money is not None:
        return Token(Kind.PRICE, money.value / per[0], start, money.end, per[2])
    if currency_needed or _unit(text, number.end) or _COUNTERS.match(text[number.end : number.end + 2]):
        return None
    return Token(Kind.PRICE, number.value / per[0], start, number.end, per[2])


_BUYING = re.compile(r"(?:买|付|称|要|来|秤|得|有|才|少|短|缺|差|际|重|示|是|了)\S?$")


def _price_before(text: str, start: int) -> Token | None:
    """每斤28, 每500克 9.9; 一斤28 unless a verb makes 一斤 the weight bought."""
    if text.startswith("每", start):
        per = _per(text, start + 1, count_needed=False)
        return _priced(text, start, per, currency_needed=False) if per else None
    if not text.startswith(("一", "1"), start) or _BUYING.search(text[max(0, start - 3) : start]):
        return None
    per = _one_unit(text, start)
    return _priced(text, start, per, currency_needed=text[start] == "1") if per else None


def _token(text: str, start: int) -> Token | None:
    """The token that begins at ``start``; None when nothing does."""
    before = _price_before(text, start) or _kuai_first(text, start)
    if before is not None:
        return before
    number = _number(text, start)
    if number is None:
        return None
    money = _money(text, start, number)
    if number.value is not None:
        amount = money.value if money else number.value
        per = _per_suffix(text, money.end if money else number.end, currency=money is not None)
        if per is not None:
            return _price_token(amount, start, per)
    found = money or _quantity(text, start, number)
    if found is not None:
        return found
    return Token(Kind.VAGUE if number.value is None else Kind.NUMBER, number.value or Decimal(0), start, number.end)


def scan(text: str) -> list[Token]:
    """All amounts in ``text``, which should have gone through :func:`tidy`."""
    tokens, at = list[Token](), 0
    while at < len(text):
        token = _token(text, at)
        if token is not None:
            tokens.append(token)
        at = token.end if token else at + 1
    return tokens


def _only(text: str, kind: Kind) -> Token | None:
    found = [token for token in scan(tidy(text)) if token.kind is kind]
    return found[0] if len(found) == 1 else None


def _bare(text: str) -> Decimal | None:
    found = scan(tidy(text))
    return found[0].value if len(found) == 1 and found[0].kind is Kind.NUMBER else None


def read_mass(text: str, bare_unit: str | None = None) -> Decimal | None:
    """The one mass in ``text`` in g; ``bare_unit`` (a key such as "kg") is what a number without unit counts in."""
    token = _only(text, Kind.MASS)
    if token is not None:
        return token.value
    number = _bare(text)
    return number * _MASS[bare_unit] if number is not None and bare_unit else None


def read_volume(text: str, bare_unit: str | None = None) -> Decimal | None:
    """The one volume in ``text`` in mL; ``bare_unit`` as in :func:`read_mass`."""
    token = _only(text, Kind.VOLUME)
    if token is not None:
        return token.value
    number = _bare(text)
    return number * _VOLUME[bare_unit] if number is not None and bare_unit else None


def read_money(text: str) -> Decimal | None:
    """The one sum of money in ``text`` in yuan; a bare number counts as yuan."""
    token = _only(text, Kind.MONEY)
    return token.value if token is not None else _bare(text)


def read_unit_price(text: str) -> Decimal | None:
    """The one unit price in ``text`` in yuan per kg; None without a unit of mass."""
    token = _only(text, Kind.PRICE)
    return token.value if token is not None and token.unit in _MASS else None


class _Role(StrEnum):
    PAID = "paid"
    BILLED = "billed"
    ACTUAL = "actual"
    FAIR = "fair"
    SHORTAGE = "shortage"


_ROLE_WORDS = (
    (_Role.SHORTAGE, re.compile(r"(?<![多不至])(?:少|短|缺|差|亏)(?!不多|点|说)")),
    (_Role.PAID, re.compile(r"买|要了|说是|说|标[着称注示明]?|净含量|[给帮]我[称秤]|下单|应[该有]|摊主|老板|卖家|商家|店[家主]|摊贩|加了|表显|油枪|加油机")),
    (_Role.BILLED, re.compile(r"付|算我|算成|算|(?<![平用里房家])[称秤]上|小票|标签|价签|结算|收|按|打单")),
    (_Role.ACTUAL, re.compile(r"回家|到家|家里|家用|回来|回去|复[称秤]|实际|实重|实得|实测|测得|只给|去[绳袋冰水皮]|实[称秤]|只有|才|重新|再[称秤]|自己|核[称秤]|其实|倒出来|量[了得出]|到手|拿到|收到")),
    (_Role.FAIR, re.compile(r"公平[称秤]|复核秤|校验秤")),
)  # fmt: skip
_WEAK_ACTUAL = re.compile(r"[称秤][得出]|一[称秤]|[称秤]重|[称秤]下来")
_ACTUAL_AFTER = re.compile(r"^(?:是|的)?(?:回家|到家|复|自己|重新)[^0-9]{0,3}[称秤](?:的|出来)")
_PAID_AFTER = re.compile(r"^\s?的?(?:钱|价)")
_REWEIGH = re.compile(
    r"称|实测|测得|复秤|公平秤|核秤|秤了|实际|实重|只有|才|回家|到家|回来|回去|我秤|量[了得出]|倒出来"
)
_NO_FAIR = re.compile(
    r"(?:没|未|不|找不到|哪|想|准备|打算|要不要|建议)[^,。\s]{0,4}公平[称秤]|公平[称秤][^,。\s]{0,3}(?:在哪|吗|呢|怎么)"
)
_TOTAL_BEFORE = re.compile(
    r"(?:[付收花给][了我你您款]{0,2}|一共|总共|共计?|合计|总价|金额|实付|付款|支付|微信付?|支付宝)[:\s是为]{0,2}(?:人民币|rmb|¥)?$"
)
_TOTAL_AFTER = re.compile(r"^的(?!一)")
_HOME = re.compile(r"家[里用]|回家|到家|自家|厨房秤|体重[秤计]|弹簧秤|手提秤|自己[称秤]|自己的秤")
_CONTAINER = re.compile(
    r"袋(?!装)|冰(?![糖激淇箱鲜棍红冻])|绳|皮筋|[带有滴沥控注灌加泡连]水(?!果|产|蜜)|水分|水很多|泡沫|托盘|纸箱"
)
_NO_CONTAINER = re.compile(r"去了?[掉]?(?:袋|皮|冰|水|绳)|[没不]带袋|没有?袋|除去?[袋冰水]|空袋|袋子?已?去|扣除")
_PREPACKED = re.compile(
    r"净含量|净重|[袋盒瓶罐桶听]装|预包装|定量包装|包装(?:上|[0-9])|[标写印][着称注示明]|[标写印]\s?[0-9]|一[袋盒包]\s?[0-9]|一[罐听桶瓶]|罐头|(?:斤|克|升|g|l)装|矿泉水|纯净水"
)
_FUEL = re.compile(
    r"加油|汽油|柴油|油枪|油箱|(?<![0-9])(?:92|95|98)(?:号|#)|加了?\s?[0-9.一二三四五六七八九十]+\s?(?:升|l)(?![a-z])"
)


@dataclass(frozen=True)
class _Roles:
    paid: Decimal | None
    actual: Decimal | None
    shortage: Decimal | None
    fair: bool


def _role(segment: str, after: str) -> _Role | None:
    """The role word nearest to the amount wins; weak ones count only when no other is there."""
    found = [(match.end(), role) for role, pattern in _ROLE_WORDS for match in pattern.finditer(segment)]
    if found:
        return max(found, key=lambda pair: pair[0])[1]
    if _WEAK_ACTUAL.search(segment) or _ACTUAL_AFTER.match(after):
        return _Role.ACTUAL
    return _Role.BILLED if _PAID_AFTER.match(after) else None


def _blank(text: str, tokens: list[Token]) -> str:
    """The text with every amount blanked, so that digits and units are never role words."""
    chars = list(text)
    for token in tokens:
        chars[token.start : token.end] = " " * (token.end - token.start)
    return "".join(chars)


def _agreed(values: list[Decimal]) -> Decimal | None:
    return values[0] if len(set(values)) == 1 else None


def _fill(known: dict[_Role, list[Decimal]], loose: list[Decimal], *, reweigh: bool) -> None:
    """Amounts without role words: paid first, then actual if the text speaks of weighing again."""
    rest = list(loose)
    if rest and not known[_Role.PAID] and not known[_Role.BILLED]:
        known[_Role.PAID].append(rest.pop(0))
    measured = known[_Role.ACTUAL] or known[_Role.FAIR] or known[_Role.SHORTAGE]
    if rest and reweigh and not measured:
        known[_Role.ACTUAL].append(rest.pop(0))


def _roles(text: str, tokens: list[Token], amounts: list[Token]) -> _Roles:
    blank, previous = _blank(text, tokens), 0
    known: dict[_Role, list[Decimal]] = {role: [] for role in _Role}
    loose, fair = list[Decimal](), False
    wanted = {token.start for token in amounts}
    for token in tokens:
        if token.kind is Kind.VAGUE:
            previous = token.end
        if token.start not in wanted:
            continue
        segment = blank[previous : token.start]
        role = _role(segment, blank[token.end :])
        fair = fair or (role is _Role.SHORTAGE and bool(re.search("公平[称秤]", segment)))
        if role is None:
            loose.append(token.value)
        else:
            known[role].append(token.value)
        previous = token.end
    _fill(known, loose, reweigh=bool(_REWEIGH.search(blank)))
    fair = fair or bool(known[_Role.FAIR]) or bool(re.search("公平[称秤]", blank))
    return _Roles(
        paid=_agreed(known[_Role.BILLED] or known[_Role.PAID]),
        actual=_agreed(known[_Role.FAIR] or known[_Role.ACTUAL]),
        shortage=_agreed(known[_Role.SHORTAGE]),
        fair=fair and not _NO_FAIR.search(blank),
    )


def _is_total(text: str, tokens: list[Token], index: int) -> bool:
    token = tokens[index]
    previous = tokens[index - 1] if index else None
    left = text[previous.end if previous else 0 : token.start]
    if _TOTAL_BEFORE.search(left):
        return token.kind is Kind.MONEY or not _COUNTERS.match(text[token.end : token.end + 2])
    if token.kind is not Kind.MONEY:
        return False
    after_weight = previous is not None and previous.kind in {Kind.MASS, Kind.VOLUME} and not left
    return after_weight or _TOTAL_AFTER.match(text[token.end :]) is not None


def _total(text: str, tokens: list[Token]) -> Decimal | None:
    sums = (Kind.MONEY, Kind.NUMBER)
    found = [t.value for i, t in enumerate(tokens) if t.kind in sums and _is_total(text, tokens, i)]
    return _agreed(found)


def _amounts(tokens: list[Token], *, fuel: bool) -> list[Token]:
    """Masses or volumes, never both: volumes for fuel, else whichever comes first."""
    both = [token for token in tokens if token.kind in {Kind.MASS, Kind.VOLUME}]
    wanted = Kind.VOLUME if fuel else (both[0].kind if both else Kind.MASS)
    return [token for token in both if token.kind is wanted]


def _flag(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.search(text) is not None


_says_home, _says_prepacked, _says_fuel = _flag(_HOME), _flag(_PREPACKED), _flag(_FUEL)


def read_sale(text: str) -> Sale:
    """Everything ``text`` (cut to 200 characters) says about one purchase; never raises, never guesses."""
    text = tidy(text)
    tokens = scan(text)
    fuel = _says_fuel(text)
    amounts = _amounts(tokens, fuel=fuel)
    roles = _roles(text, tokens, amounts)
    goods = find_goods(text)
    prices = [token.value for token in tokens if token.kind is Kind.PRICE and token.unit in _MASS]
    return Sale(
        goods=None if goods is None or fuel else goods.name,
        paid_g=roles.paid,
        actual_g=roles.actual,
        shortage_g=roles.shortage,
        unit_price_yuan_per_kg=_agreed(prices),
        total_yuan=_total(text, tokens),
        home_scale=_says_home(text) and not roles.fair,
        fair_scale=roles.fair,
        container=_CONTAINER.search(text) is not None and _NO_CONTAINER.search(text) is None,
        prepacked=_says_prepacked(text) and not fuel,
        fuel=fuel,
        volume=bool(amounts) and amounts[0].kind is Kind.VOLUME,
    )
