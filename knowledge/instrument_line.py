"""One instrument in one line of chat: 电子秤 ACS-30 3台 编号0917 2026-05-20检, its parts in any order.

What is surely a part (a day, a number, a count) is taken out first; what is left is what the thing is called.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from knowledge.checkup import read_count
from knowledge.dates import DayError, FoundDay, find_days, read_day
from knowledge.library import Library
from knowledge.matcher import Matcher
from knowledge.records import InstrumentRecord

MOST_SERIALS = 200
MEASURE = "台把个只块支套条件根杆枪"
UNTIL_BEFORE = re.compile(r"(?:有效期?(?:限|至|到|截止)*|到期日?期?|下次检定日?期?|截止日?期?|期至|至|到)[\s:是为]*$")
VERIFIED_BEFORE = re.compile(r"(?:检定日?期?|上次检定?日?期?|送检日?期?|发证日?期?|检测日?期?|检的?|于|在)[\s:是为]*$")
UNTIL_AFTER = re.compile(r"^\s*(?:之?前有效|到期|止|失效)")
VERIFIED_AFTER = re.compile(r"^\s*(?:检定?[的过了]*|送检|检测|发证)")
DAY_LIKE = re.compile(r"(?<![\d-])(?:19|20)\d{2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?(?!\d)")
NUMBER = r"(?!\d{1,2}月)(?!(?:19|20)?\d\d[-/.年]\d{1,2}[-/.月]\d)[0-9A-Z][0-9A-Z\-/]*(?![0-9A-Z\-/])"
"""A number that is no day."""
SHORT_DAY = re.compile(r"(?<!\d)(\d{1,2})月(\d{1,2})[日号]")
SERIAL = re.compile(
    r"(?:出厂编?号|器具编?号|设备编?号|机身编?号|编号|序列号|机号|S/?N|NO\.?|#)[\s:是为]*"
    rf"({NUMBER}(?:(?:\s*[、,;和及]\s*|\s+(?=\d)){NUMBER}(?!\s*[{MEASURE}]))*)",
    re.IGNORECASE,
)
RANGE = re.compile(r"(\d{1,12})\s*[-~到至]\s*(\d{1,12})")
COUNT = re.compile(
    rf"(?:共|一共|总共)?\s*(\d{{1,4}}|[一二两三四五六七八九十百]{{1,4}})\s*[{MEASURE}](?:枪|秤|表)?(?![0-9])"
)
MODEL_SAID = re.compile(r"(?:规格)?型号(?:规格)?[\s:是为]*([0-9A-Z][0-9A-Z\-/.]{0,30})", re.IGNORECASE)
MODEL = re.compile(
    r"(?<![0-9A-Z.])(?=[0-9A-Z\-/.]*\d)([A-Z]{1,8}[0-9A-Z]*(?:[\-/.][0-9A-Z]+)*)(?![0-9A-Z])", re.IGNORECASE
)
CAPACITY = re.compile(
    r"[(]?\d+(?:\.\d+)?(?:\s*[-~]\s*\d+(?:\.\d+)?)?\s*(?:MPA|KPA|KG|G|T|吨|公斤|千克|克|斤|ML|L|升|MM|CM|M3/H|℃|V|A)[)]?(?![0-9A-Z])",
    re.IGNORECASE,
)
MAKER = re.compile(
    r"(?:制造商|制造单位|生产商|生产厂家?|厂家|品牌)[\s:是为]*([^\s,，;；。]{2,30})|([\u3400-\u9fff]{2,20}(?:公司|厂))"
)
PLACE = re.compile(r"(?:放在|用在|位于|安装在|装在|使用地点|地点|位置)[\s:是为]*([^\s,，;；。]{1,30})")
FILLER = re.compile(r"[\s,，;；。、:：()（）/|]+")
SMALL = re.compile(r"^(?:我的?|我们|店里的?|一个|有|是|的|新买的?|记一?下?|添加|加上)+|(?:的|了|过|检定?|到期)+$")
QUESTION = re.compile(
    r"[吗呢么?几要嘞嘛]|帮|提醒|通知|喊|对吧|还是|多久|怎么|怎样|多少|几[年月天]|要不要|用不用|能不能|可以|什么|哪|为何|为什么|投诉|举报|罚|坏了|不准|称得|缺斤|短|块钱|元|一斤|买"
)
SHAPE = re.compile(
    rf"(?:\d|[一二两三四五六七八九十])\s*[{MEASURE}]|编号|序列号|(?:19|20)?\d\d[-/.年]\d{{1,2}}[-/.月]\d{{1,2}}|\d{{8}}|(?:检定?|到期|有效)",
    re.IGNORECASE,
)
LONGEST = 120


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """What a line says. ``serials`` are all numbers named, ``candidates`` the kinds it may mean when it is not clear,
    ``problems`` sentences about what could not be read; ``counted``: how many, or a number, was said."""

    record: InstrumentRecord
    serials: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    counted: bool = False


class _Rest:
    """The line, of which parts are taken away one by one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.search(self.text)
        if found:
            self.cut(found.start(), found.end())
        return found

    def cut(self, start: int, end: int) -> None:
        self.text = f"{self.text[:start]} {self.text[end:]}"


def read_line(text: str, matcher: Matcher, library: Library, today: date) -> ParsedLine:
    """Never fails: what could not be read is among the problems, the rest is kept."""
    rest = _Rest(unicodedata.normalize("NFKC", text))
    serials, said_serials = _serials(rest)
    verified_on, due_on, problems = _days(rest, today)
    place, maker = _word(rest.take(PLACE)), _word(rest.take(MAKER))
    model = _word(rest.take(MODEL_SAID))
    count, said_count = _count(rest)
    while rest.take(CAPACITY):
        pass
    model = model or _word(rest.take(MODEL))
    name = _name(rest.text)
    kind, candidates = instrument_named(matcher, library, name) if name else ("", ())
    if not kind and not candidates:
        what = f"认不出“{name[:20]}”是什么器具" if name else "没看到是什么器具"
        problems.append(f"{what}，请写器具的名字，如“电子秤”“压力表”“加油机”。")
    record = InstrumentRecord(
        kind=kind,
        name=name if kind or candidates else name[:40],
        model=model.upper() if model.isascii() else model,
        serial=serials[0] if serials else "",
        count=max(count, len(serials), 1),
        maker=maker,
        place=place,
        verified_on=verified_on,
        due_on=due_on,
    )
    return ParsedLine(record, serials, candidates, tuple(problems), said_serials or said_count)


def instrument_named(matcher: Matcher, library: Library, name: str) -> tuple[str, tuple[str, ...]]:
    """The instrument's id by what it is called, empty when that is not clear; then at most three it may be."""
    named = [id_ for id_ in matcher.named(name) if id_ in library.instruments]
    return (named[0], ()) if len(named) == 1 else ("", tuple(named[:3]))


def looks_like_line(text: str, matcher: Matcher) -> bool:
    """Whether a message is a line for a ledger rather than a question or a story; cheap, and rather no than yes."""
    said = unicodedata.normalize("NFKC", text).strip()
    if not 4 <= len(said) <= LONGEST or QUESTION.search(said) or not SHAPE.search(said):
        return False
    rest = _Rest(said)
    serials, _ = _serials(rest)
    verified_on, due_on, _ = _days(rest, date.max)
    _, counted = _count(rest)
    worded = re.search(r"检|到期|有效", said) is not None
    if not (serials or (counted and len(said) <= 40) or ((verified_on or due_on) and worded)):
        return False
    while rest.take(CAPACITY) or rest.take(MODEL):
        pass
    name = _name(rest.text)
    return 1 < len(name) <= 20 and bool(matcher.named(name, guess=False))


# -- parts --------------------------------------------------------------------------------------------------------


def _days(rest: _Rest, today: date) -> tuple[date | None, date | None, list[str]]:
    verified_on: date | None = None
    due_on: date | None = None
    while found := next(iter(find_days(rest.text)), None) or _without_year(rest.text, today):
        before, after = rest.text[: found.start], rest.text[found.end :]
        until, verified = UNTIL_BEFORE.search(before), VERIFIED_BEFORE.search(before)
        ends, checked = UNTIL_AFTER.match(after), VERIFIED_AFTER.match(after)
        is_due = bool(until or ends) if until or ends or verified or checked else found.day > today
        label, tail = until or verified, ends or checked
        start = label.start() if label else found.start
        end = found.end + (tail.end() if tail else 0)
        if is_due:
            due_on = due_on or found.day
        else:
            verified_on = verified_on or found.day
        rest.cut(start, end)
    return verified_on, due_on, list(_no_days(rest))


def _without_year(text: str, today: date) -> FoundDay | None:
    """5月20日 is the last one that has passed."""
    found = SHORT_DAY.search(text)
    if found is None or today == date.max:
        return None
    try:
        return FoundDay(read_day(found[0], today), found.start(), found.end())
    except DayError:
        return None


def _no_days(rest: _Rest) -> Iterator[str]:
    """What looks like a day and is none."""
    while found := rest.take(DAY_LIKE):
        try:
            read_day(found[0])
        except DayError as error:
            yield str(error)


def _serials(rest: _Rest) -> tuple[tuple[str, ...], bool]:
    found = rest.take(SERIAL)
    if found is None:
        return (), False
    listed = [part for part in re.split(r"[\s、,;和及]+", found[1]) if part]
    serials = [serial for part in listed for serial in _spread(part)]
    return tuple(dict.fromkeys(serials)), True


def _spread(part: str) -> list[str]:
    """0917-0919 are three numbers; ACS-0917 is one."""
    found = RANGE.fullmatch(part)
    if found is None or len(found[1]) != len(found[2]):
        return [part.rstrip("-/")]
    first, last = int(found[1]), int(found[2])
    if not first < last < first + MOST_SERIALS:
        return [part]
    return [f"{n:0{len(found[1])}d}" for n in range(first, last + 1)]


def _count(rest: _Rest) -> tuple[int, bool]:
    found = rest.take(COUNT)
    number = read_count(found[1]) if found else None
    return (number, True) if number else (1, False)


def _word(found: re.Match[str] | None) -> str:
    return next((group.strip() for group in found.groups() if group), "") if found else ""


def _name(text: str) -> str:
    parts = [part for part in FILLER.split(text) if part]
    return SMALL.sub("", "".join(parts)).strip("-_.:")
