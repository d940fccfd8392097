"""Taking what tells who somebody is out of free text, before others read it: numbers, accounts, own names.

Written digits of every kind count (１３８, 一三八, ①③⑧), with whatever stands between them. Weights, prices, stalls, case
numbers and receipts (sixteen digits with their check) stay. GB 11643 for identity cards, Luhn for bank cards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise

from knowledge.check_digit import is_valid

HIDDEN = "〔已隐去〕"
MAX_DIGITS = 19
"""The longest bank card."""
Found = tuple[str, str]
Span = tuple[int, int, str]
_HANZI_DIGITS = dict(zip("〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0001234567891123456789", strict=True))
_JOIN = "\\s\\-—–－−_.．·•・,，、/|*~()（）+\u200b-\u200f\u2060\ufe0f\u20e3\ufeff"
_RUN = re.compile(rf"[0-9](?:[{_JOIN}]{{0,4}}[0-9])+")
_GROUP = re.compile(r"[0-9]+")
_MOBILE = re.compile(r"(?:0{0,2}86)?(1[3-9][0-9]{9})")
_LANDLINE = re.compile(r"0(?:10|2[0-9])[0-9]{8}|0[3-9][0-9]{2}[0-9]{7,8}")
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_ID_WEIGHTS = tuple(pow(2, n, 11) for n in range(17, 0, -1))
_SERIAL = re.compile(r"(?:编号|出厂号|器号|序列号|单号|票号|订单号?|回执码?|流水号?|证书号?|no|s/?n)[.是为:：# ]{0,3}$")
_CALLED = re.compile(r"(?:电话|座机|固话|联系方式|手机|号码|tel|phone)(?:号码?)?[是为:： ]{0,3}$")
_CARD = re.compile(r"(?:银行卡|卡号|账号|帐号|账户)号?[是为:： ]{0,3}$")
_MAIL = re.compile(
    r"[a-z0-9][a-z0-9_.+-]{0,63}\s?@\s?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,3}"
    r"|[a-z0-9][a-z0-9_.+-]{0,63}\s?(?:[(\[]at[)\]]|\sat\s|艾特)\s?[a-z0-9-]{1,63}(?:\s?(?:\.|点|\sdot\s)\s?[a-z]{2,6}){1,3}"
)
_ACCOUNT = re.compile(
    r"(?:(?<![a-z])(?:wx|vx|wechat|weixin|v信)|微信|薇信|威信|加v|加我v|(?<![a-z])v(?=[:：]))"
    r"(?:号|账号|帐号|id)?(?:同号|是|为|加我|叫|[:：\s])*([a-z][a-z0-9_-]{4,19}|[0-9]{5,11}(?![0-9.]*[元块]))"
    r"|(?<![a-z])qq(?:号码?|群)?(?:同号|是|为|加我|[:：\s])*([1-9][0-9]{4,11})|扣扣号?[是:：\s]*([1-9][0-9]{4,11})"
    r"|(?:抖音|快手|小红书|微博|b站|支付宝|淘宝)(?:号|账号|帐号|id)[是为叫:：\s]{0,3}([a-z0-9][a-z0-9_.-]{3,31})"
    r"|(?:(?<![a-z])(?:tg|telegram|whatsapp)|电报|纸飞机)(?:号|账号|帐号|id)?[是为叫:：@\s]{1,3}([a-z0-9_]{4,32})"
    r"|(?<![a-z0-9_.@])@([a-z][a-z0-9_]{4,31})"
)
_NUMBERS_OF_ONES_OWN = (
    ("passport", re.compile(r"护照(?:号码?)?[是为:：\s]{0,3}([a-z]{1,2}[0-9]{7,8})(?![0-9a-z])")),
    ("plate", re.compile(r"(?:我|本人)(?:家|的|家的)?(?:车牌号?码?|车号|车)[是为:：\s]{0,3}([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][·.\s]?[0-9a-z]{5,6})(?![0-9a-z])")),
    ("staff-number", re.compile(r"(?:我的|本人的?|(?<![员他她的傅家]))工号[是为:：\s]{0,3}([a-z]{0,3}-?[0-9]{2,10})(?![0-9a-z])")),
)  # fmt: skip
"""A plate or a number of staff is one's own only where it is said so: of a taxi or a cashier it is what the case is about."""
_PLACE_CHAR = "[一-鿿a-z0-9]"
_NUMERAL = "[0-9a-z一二三四五六七八九十百]{1,5}"
_DOOR = rf"{_NUMERAL}(?:号楼|号院|栋|幢|单元|室|弄|座|户|号(?![摊档铺店柜门线枪桩油台秤]))(?!旁边|边上|对面|附近|隔壁|后面|前面|门口)"
_HOME = re.compile(
    r"(?:家住|家在|我住|住在|住址|家庭地址|门牌号?|(?<![居衣宿入停抓挡拦盖粘卡扣堵护记叫])住)[是为:：\s]{0,3}"
    rf"((?:(?!菜场|菜市|市场|超市|商场|摊|店|档|买|称){_PLACE_CHAR}){{0,20}}?{_DOOR}(?:[\s-]?{_DOOR}){{0,4}}"
    r"(?:-?[0-9]{2,4}(?![0-9a-z.])(?!\s?(?:斤|两|元|块|克|公斤|升|号|点|月|日|年))){0,2})"
)
_TITLE = r"(?:先生|女士|小姐|阿姨|大姐|大爷|大妈|大叔|师傅|老师)"
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔"
    "白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
)
_COMPOUND = "欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|长孙|宇文|端木|南宫"
_PERSON = rf"(?:{_COMPOUND}|[{_SURNAMES}])[一-鿿]{{1,2}}"
_END = r"(?=[0-9a-z,，.。;；!！?？、:：()（）\s〔]|$|电话|手机|身份证|联系|住在|微信|是[我一])"
_NO_NAME = "老板|服务|管理|商家|摊主|店家|经理|师傅|昨天|今天|前天|上午|下午|本月|当天|当时|向您|向你|时候|路过|路人|常客|顾客|车主|房东|房客|单位|周[一二三四五六日末]|高中|方便|安全|平时|单独|单纯|马上|于[昨今前上下本当]|向[您你市本]|常[年去来在]|从|小区|小店|小贩|小二|小哥|老人|老乡|老顾客"
_GIVEN = "(?:(?![在这那的了去来买卖是有要想就才又很都也被给人店摊])[一-鿿])"
_FULL = rf"(?:{_COMPOUND}|[{_SURNAMES}]){_GIVEN}{{1,2}}"
_THEN = rf"(?:{_END}|(?=在|住|昨天|今天|前天|刚才|要|想|举报|投诉|反映|去|买|发现))"
_KIN = "(?:老公|老婆|丈夫|妻子|爱人|爸爸?|妈妈?|父亲|母亲|儿子|女儿|哥哥?|姐姐?|弟弟?|妹妹?|对象|朋友|同事|邻居)"
_IS = r"[是为叫:：\s]{0,2}"
_ROLE = "(?:姓名|举报人|投诉人|反映人|联系人|申请人|收货人|收件人|寄件人|付款人|户名)"
_NAMES = (
    re.compile(rf"(?:我叫|我的名字[叫是]|本人叫?|本人姓名|我是|举报人|投诉人|反映人|联系人)[是为叫:： ]{{0,2}}((?!{_NO_NAME})(?:{_COMPOUND}|[{_SURNAMES}]){_TITLE})"),
    re.compile(rf"(?:我叫|我的名字[叫是]|本人叫?)[:： ]?((?!{_NO_NAME}|于[昨今前上下本当]){_PERSON}){_END}"),
    re.compile(r"(?:姓名|名字|举报人|投诉人|反映人|联系人|申请人|收货人|收件人|寄件人|户名)(?:[:：]|是|为|叫)\s?((?!匿名|保密|不|没|什么|谁)[一-鿿·]{2,4}?)" + _END),
    re.compile(rf"(?:我名叫|我叫|我是|我的名字[叫是]|本人叫?|本人姓名){_IS}((?!{_NO_NAME}){_FULL}){_THEN}"),
    re.compile(rf"(?:我名叫|我叫)((?!{_NO_NAME})[阿小老]{_GIVEN}){_THEN}"),
    re.compile(rf"我{_KIN}(?:名字|的名字)?[叫是]((?!{_NO_NAME}){_FULL}){_THEN}"),
    re.compile(rf"{_ROLE}{_IS}((?!{_NO_NAME}){_FULL}){_THEN}"),
    re.compile(rf"我姓([{_SURNAMES}]|{_COMPOUND})"),
    re.compile(rf"我是((?!{_NO_NAME})[{_SURNAMES}][一-鿿]{{1,2}}{_TITLE})"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hidden:
    """The text to show, and what was taken out: (kind, value as it was written). Kinds: mobile, landline, id-card,
    bank-card, e-mail, account, passport, plate, staff-number, address, name."""

    text: str
    found: tuple[Found, ...]


def hide(text: str) -> Hidden:
    """``text`` with 〔已隐去〕 in place of what was found to tell who its writer is; never all there may be, so that
    nobody is to be told so. Hiding twice changes nothing more."""
    folded = _fold(text)
    spans = _apart(sorted([*_numbers(folded, text), *_words(_half(text))]))
    kept, found, at = list[str](), list[Found](), 0
    for start, end, kind in spans:
        kept += [text[at:start], HIDDEN]
        found.append((kind, text[start:end]))
        at = end
    return Hidden("".join((*kept, text[at:])), tuple(found))


def _fold(text: str) -> str:
    """Half width, lower case, every digit an ASCII one, also 一 and 〇; as long as the text."""
    return "".join(_HANZI_DIGITS.get(c) or _half_char(c) for c in text)


def _half(text: str) -> str:
    """The same, but 一 stays: it stands in names."""
    return "".join(map(_half_char, text))


def _half_char(char: str) -> str:
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    half = unicodedata.normalize("NFKC", char).lower()
    return half if len(half) == 1 else char


def _apart(spans: list[Span]) -> list[Span]:
    """Of spans that overlap, the one that begins first, grown to the end of the others."""
    apart: list[Span] = []
    for start, end, kind in spans:
        if apart and start < apart[-1][1]:
            first, last, name = apart[-1]
            apart[-1] = (first, max(last, end), name)
        else:
            apart.append((start, end, kind))
    return apart


# -- words ----------------------------------------------------------------------------------------------------------


def _words(folded: str) -> Iterator[Span]:
    yield from ((m.start(), m.end(), "e-mail") for m in _MAIL.finditer(folded))
    for match in _ACCOUNT.finditer(folded):
        group = match.lastindex or 0
        yield match.start(group), match.end(group), "account"
    yield from ((m.start(1), m.end(1), "address") for m in _HOME.finditer(folded))
    for kind, own in _NUMBERS_OF_ONES_OWN:
        yield from ((m.start(1), m.end(1), kind) for m in own.finditer(folded))
    for pattern in _NAMES:
        yield from ((m.start(1), m.end(1), "name") for m in pattern.finditer(folded))


# -- numbers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """Digits that stand together, written in one script."""

    digits: str
    start: int
    end: int


def _numbers(folded: str, text: str) -> Iterator[Span]:
    for run in _RUN.finditer(folded):
        groups = list(_groups(run, text))
        if not _is_receipt(groups) or folded[run.end() : run.end() + 1] == "x":
            yield from _in_run(folded, groups)


def _groups(run: re.Match[str], text: str) -> Iterator[_Group]:
    """A change between 一 and 1 parts two numbers as a space does: A12一… is no longer number."""
    for match in _GROUP.finditer(run[0]):
        start, at = run.start() + match.start(), run.start() + match.end()
        cuts = [n for n in range(start + 1, at) if _script(text[n]) != _script(text[n - 1])]
        edges = (start, *cuts, at)
        for a, b in pairwise(edges):
            yield _Group(run.string[a:b], a, b)


def _script(char: str) -> str:
    return "hanzi" if char in _HANZI_DIGITS else "digit"


def _is_receipt(groups: list[_Group]) -> bool:
    """``4839-2011-7745-0926-3`` as it is printed, or its seventeen digits with a right check."""
    digits = "".join(g.digits for g in groups)
    printed = [len(g.digits) for g in groups] == [4, 4, 4, 4, 1]
    return printed or (len(digits) == 17 and len(groups) == 1 and is_valid(digits))


def _in_run(folded: str, groups: list[_Group]) -> Iterator[Span]:
    at = 0
    while at < len(groups):
        found = _from(folded, groups[at:])
        if found is None:
            at += 1
            continue
        count, kind, end = found
        yield groups[at].start, end, kind
        at += count


def _from(folded: str, groups: list[_Group]) -> tuple[int, str, int] | None:
    """The longest private number that begins with the first group: how many groups, its kind, where it ends."""
    lengths = accumulate(len(g.digits) for g in groups)
    counts = [n for n, length in enumerate(lengths, 1) if length <= MAX_DIGITS]
    before = folded[max(0, groups[0].start - 8) : groups[0].start]
    for count in reversed(counts):
        part, end = groups[:count], groups[count - 1].end
        digits = "".join(g.digits for g in part)
        if _ends_in_x(folded, end) and _is_id(f"{digits}X"):
            return count, "id-card", end + 1
        kind = _kind(digits, before if count == len(groups) else "")
        if kind and _one_number(folded, part):
            return count, kind, end
    return None


def _ends_in_x(folded: str, at: int) -> bool:
    return folded.startswith("x", at) and not folded[at + 1 : at + 2].isalnum()


def _one_number(folded: str, groups: list[_Group]) -> bool:
    """13.5 28.5 100 20 are prices, though their digits would do; 138.1234.5678 is one number."""
    between = ["".join(folded[a.end : b.start].split()) for a, b in pairwise(groups)]
    pointed = [any(c in ".,，、" for c in sign) for sign in between]
    return all(pointed) or not any(pointed) or all(len(g.digits) > 2 for g in groups)


def _kind(digits: str, before: str) -> str:
    if _MOBILE.fullmatch(digits):
        return "mobile"
    if _is_id(digits):
        return "id-card"
    if _is_card(digits, before):
        return "bank-card"
    if _LANDLINE.fullmatch(digits) and not _SERIAL.search(before):
        return "landline"
    return "landline" if len(digits) in (7, 8) and _CALLED.search(before) else ""


def _is_id(digits: str) -> bool:
    """Eighteen with a birthday: a wrong check digit is a slip of the pen; fifteen with a birthday of the 1900s."""
    if len(digits) == 18:
        return int(digits[:2]) in _PROVINCES and (_birthday(digits[6:14]) or _id_check(digits))
    return len(digits) == 15 and digits.isdecimal() and int(digits[:2]) in _PROVINCES and _birthday(f"19{digits[6:12]}")


def _id_check(digits: str) -> bool:
    total = sum(int(d) * w for d, w in zip(digits[:17], _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == digits[17]


def _birthday(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return 1900 <= born.year <= 2099


def _is_card(digits: str, before: str) -> bool:
    if not (digits.isdecimal() and 15 <= len(digits) <= 19):
        return False
    if _CARD.search(before):
        return True
    return len(digits) >= 16 and digits[0] in "3456" and (digits.startswith("62") or _luhn(digits))


def _luhn(digits: str) -> bool:
    doubled = (int(d) * (1 + n % 2) for n, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
