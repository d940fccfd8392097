"""The parts of a line about an instrument that are told by their shape: numbers, days, counts, models, makers, places.

Each part that was recognised is cut out of the text, so that no later pattern reads it again; what stays is the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from knowledge.checkup import read_count
from knowledge.dates import DayError, find_days, read_day

MOST_SERIALS = 200
SERIAL_SAID = re.compile(
    r"(?<![证书A-Z])(?:(?:出厂|器具|设备|机身|产品)?编号|出厂号|序列号|机号|(?:S/?N|NO)(?=[.:\s]*[A-Z\-]*\d)|#)[\s:.是为]*",
    re.IGNORECASE,
)
_DAY_AHEAD = r"(?!(?:19|20)?\d\d[-/.年]\d{1,2}[-/.月]\d|\d{1,2}月)"
_END = r"(?!\.?[0-9A-Z\-/])"
NUMBER = re.compile(
    rf"{_DAY_AHEAD}(?=[A-Z\-/]*\d)([A-Z0-9][0-9A-Z\-/]*)(?:\s*[-~到至]\s*([A-Z]*\d+))?{_END}(?![年月])号?",
    re.IGNORECASE,
)
"""A number that is no day, or the first and the last of a row of them."""
AND_NUMBER = re.compile(
    rf"(?:\s*[、,;和及与]\s*|\s+(?=\d{{2}}|[A-Z]+-?\d)(?!(?:19|20)\d{{6}}(?!\d)))(?!\d{{8}}\s*(?:检|到期|有效|止))"
    rf"{NUMBER.pattern}(?!\s*[台把个只块支套条件根杆部枪吨公千克升级])",
    re.IGNORECASE,
)
NUMBER_ALONE = re.compile(r"(?<![0-9A-Z\-./第])(?=[A-Z\-]*\d)([0-9A-Z\-]{3,20})号(?![店楼机码门])", re.IGNORECASE)
ROW = re.compile(r"([A-Z]*)(\d{1,12})-\1(\d{1,12})", re.IGNORECASE)
CERTIFICATE = re.compile(
    r"证书(?:编号|号码?)[\s:是为]*((?:[^\s,;。\d]{0,12}第)?[0-9A-Z][0-9A-Z\-()]{2,30}号?)", re.IGNORECASE
)
MODEL_SAID = re.compile(r"(?:规格)?型号(?:规格)?[\s:是为]*([0-9A-Z][0-9A-Z\-/.]{0,30})", re.IGNORECASE)
MODEL = re.compile(
    r"(?<![0-9A-Z.\-])(?=[A-Z\-/.]*\d)([A-Z]{1,8}[0-9A-Z]*(?:[\-/.][0-9A-Z]+)*)(?![0-9A-Z\-]|\s*级)", re.IGNORECASE
)
COUNT = re.compile(
    r"(?:数量|总共|一共|共)?[\s:]*(?<![0-9A-Z.第\-])(\d{1,6}|[一二两三四五六七八九十百]{1,4})\s*"
    r"[台把个只块支套条件根杆部枪](?!月)(?:枪(?=[\s,;。]|$))?",
    re.IGNORECASE,
)
TIMES = re.compile(r"(?<![0-9A-Z\-])[X×*]\s*(\d{1,4})(?![0-9A-Z.\-])", re.IGNORECASE)
_AMOUNT = r"-?\d+(?:\.\d+)?"
_UNIT = "MPA|KPA|KG|MG|G|T|吨|公斤|千克|克|斤|ML|L|升|MM|CM|M3/H|M|°C|KW|V|A"
CAPACITY = re.compile(
    rf"(?:最大|最小|MAX|MIN)?(?:秤量|称量|量程|测量范围|分度值|口径|[ED]\s*=)?[\s:=]*[(]?(?<![0-9A-Z.\-]){_AMOUNT}"
    rf"(?:\s*[-~到至]\s*{_AMOUNT})?[)]?\s*(?:{_UNIT})[)]?(?![0-9A-Z])",
    re.IGNORECASE,
)
GRADE = re.compile(
    r"(?:精度|准确度)?(?:等级)?[\s:]*(?:\d(?:\.\d+)?|[EFM]\d|I{1,3}V?|[一二三四ⅠⅡⅢⅣ])\s*级", re.IGNORECASE
)
MAKER = re.compile(
    r"(?:制造商|制造单位|生产商|生产厂家?|厂家|品牌)[\s:是为]*([^\s,;。]{2,30})|([\u3400-\u9fff]{2,20}(?:公司|厂))(?!家)"
)
PLACE = re.compile(
    r"(?:放在|用在|位于|安装在|装在|使用地点|地点|位置)[\s:是为]*([^\s,;。]{1,30}?)(?:的(?=\S)|(?=[\s,;。]|$))"
)

UNTIL_BEFORE = re.compile(r"(?:有效期?(?:限|至|到|截止)*|到期日?期?|下次检定日?期?|截止日?期?|期至|至|到)[\s:是为在]*$")
VERIFIED_BEFORE = re.compile(
    r"(?:(?:上次|首次)?检定?日?期?|送检日?期?|发证日?期?|检测日?期?|检的?)[\s:是为于在]*$|[于在]\s*$"
)
_OTHER_DAY = r"[\s:是为至到在于]*(?:\d{2,4}\s*[-/.年]\s*\d|(?:19|20)\d{6}|\d{1,2}月)"
UNTIL_AFTER = re.compile(rf"(?:|\s+(?!\S{{1,3}}{_OTHER_DAY}))(?:之?前有效|有效(?!期)|到期(?!日)|止|失效)")
VERIFIED_AFTER = re.compile(
    rf"(?:|\s+(?!\S{{1,3}}{_OTHER_DAY}))(?:检定(?![日证合])|检(?![定测日])|(?:送检|检测|发证)(?!日))[的过了]*"
)
"""A word close behind a day belongs to it; after a gap it may begin the next: 2026-05-20 到期 27.5.19."""
DAY = r"\d{1,2}\s*月\s*\d{1,2}\s*[日号]?"
YEAR_SAID = re.compile(rf"(前年|去年|今年|明年)的?(?={DAY})")
YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1}
RECENT = re.compile("今天|今日|昨天|前天")
RECENT_DAYS = {"今天": 0, "今日": 0, "昨天": 1, "前天": 2}
SHORT_DAY = re.compile(rf"(?<![\d年]){DAY}(?!\d)")
DOTTED_DAY = re.compile(r"(?<![\dA-Z.\-/])\d{1,2}[./]\d{1,2}(?![\d.\-/])", re.IGNORECASE)
NO_DAY = re.compile(
    r"(?<![\dA-Z.\-])(?:(?:19|20)\d{2}|\d{2})\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?(?!\d)"
    rf"|{DAY}|(?:19|20)\d{{6}}(?=\s*(?:检|到期|有效|止))",
    re.IGNORECASE,
)
NO_DAY_OF_MONTH = re.compile(
    r"(?:(?<!\d)(?:(?:19|20)?\d{2}|[今去前明])\s*年(?:\s*\d{1,2}\s*月份?)?|[上本]个?月)(?!\s*\d)(?:检定?|到期)?[的过了]*"
)


@dataclass(slots=True)
class Parts:
    """What was found. ``rest`` is the line without it; ``worded``: a day came with a word that says which it is."""

    rest: str
    serials: tuple[str, ...] = ()
    count: int = 0
    verified_on: date | None = None
    due_on: date | None = None
    worded: bool = False
    model: str = ""
    maker: str = ""
    place: str = ""
    certificate_no: str = ""
    problems: list[str] = field(default_factory=list)

    def take(self, pattern: re.Pattern[str]) -> str:
        """The first group that stands for something, its whole match cut out; empty when there is none."""
        found = pattern.search(self.rest)
        if found is None:
            return ""
        self.cut(found.start(), found.end())
        return next((group.strip() for group in found.groups() if group), found[0].strip())

    def cut(self, start: int, end: int) -> None:
        self.rest = f"{self.rest[:start]} {self.rest[end:]}"


def take_parts(text: str, today: date) -> Parts:
    """``text`` in half width and simplified characters."""
    parts = Parts(text)
    parts.certificate_no = parts.take(CERTIFICATE)
    parts.model = parts.take(MODEL_SAID)
    _take_serials(parts)
    _take_days(parts, today)
    _take_count(parts)
    parts.place, parts.maker = parts.take(PLACE), parts.take(MAKER)
    while parts.take(CAPACITY) or parts.take(GRADE):
        pass
    return parts


# -- serial numbers -----------------------------------------------------------------------------------------------


def _take_serials(parts: Parts) -> None:
    found: list[str] = []
    while (said := SERIAL_SAID.search(parts.rest)) and (first := NUMBER.match(parts.rest, said.end())):
        listed = [first, *_more(parts.rest, first)]
        found += [_written(number) for number in listed]
        parts.cut(said.start(), listed[-1].end())
    if not found and (alone := parts.take(NUMBER_ALONE)):
        found = [alone]
    serials = [serial for written in found for serial in _spread(written, parts)]
    parts.serials = tuple(dict.fromkeys(serials))[:MOST_SERIALS]
    if len(serials) > MOST_SERIALS:
        parts.problems.append(f"编号一次最多 {MOST_SERIALS} 个，只记了前 {MOST_SERIALS} 个，其余请另发一行。")


def _more(text: str, first: re.Match[str]) -> Iterator[re.Match[str]]:
    """The numbers listed after the first one, as long as they look like it: ACS-30 after 0917 is a model."""
    letters, last = _letters(first), first
    while (following := AND_NUMBER.match(text, last.end())) and _letters(following) == letters:
        yield following
        last = following


def _letters(number: re.Match[str]) -> str:
    return re.sub(r"[^A-Z]", "", number[1].upper())


def _written(number: re.Match[str]) -> str:
    return f"{number[1]}-{number[2]}" if number[2] else number[1].rstrip("-/")


def _spread(written: str, parts: Parts) -> list[str]:
    """0917-0919 and A1-A3 are three numbers, 0917/0918 are two, 2019-033 is one."""
    listed = written.split("/")
    if len(listed) > 1 and len({len(part) for part in listed}) == 1 and all(part.isdecimal() for part in listed):
        return listed
    row = ROW.fullmatch(written)
    if row is None or len(row[2]) != len(row[3]) or int(row[2]) >= int(row[3]) or _is_one(parts.rest):
        return [written]
    first, last = int(row[2]), int(row[3])
    if last - first >= MOST_SERIALS:
        parts.problems.append(f"“{written}”按一个编号记；连号一次最多 {MOST_SERIALS} 个，多的请分几行发。")
        return [written]
    return [f"{row[1]}{n:0{len(row[2])}d}" for n in range(first, last + 1)]


def _is_one(text: str) -> bool:
    """Whether one instrument was said: then 2019-2033 is its number and no row."""
    said = COUNT.search(text)
    return said is not None and read_count(said[1]) == 1


# -- how many -----------------------------------------------------------------------------------------------------


def _take_count(parts: Parts) -> None:
    """The first count is meant; what else is counted stays in the rest and is told as not understood."""
    said = COUNT.search(parts.rest) or TIMES.search(parts.rest)
    if said is None:
        return
    parts.cut(said.start(), said.end())
    parts.count = read_count(said[1]) or 0
    if not parts.count:
        parts.problems.append(f"“{said[0].strip()}”不是台数，请写 1 到 999，如“3台”。")
    elif 1 < len(parts.serials) != parts.count:
        parts.problems.append(f"写了 {parts.count} 台，编号有 {len(parts.serials)} 个，请核对。")


# -- days ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """A day in the line with the words around it; ``due``: None when no word says which day it is."""

    start: int
    end: int
    due: bool | None

    @classmethod
    def at(cls, text: str, start: int, end: int) -> _Said:
        before, after = text[:start], text[end:]
        ends, checked = UNTIL_AFTER.match(after), VERIFIED_AFTER.match(after)
        until, verified = UNTIL_BEFORE.search(before), VERIFIED_BEFORE.search(before)
        tail = ends or checked
        # What follows is nearer to the day: 检定 2026-05-20到期 is a slip, 2026-05-20检 2027-05-19到期 is not.
        head = (until if ends else verified if checked else until or verified) if tail else until or verified
        due = bool(ends) if tail else bool(until) if head else None
        return cls(head.start() if head else start, end + (tail.end() if tail else 0), due)


def _take_days(parts: Parts, today: date) -> None:
    parts.rest = YEAR_SAID.sub(lambda m: f"{today.year + YEARS[m[1]]}年", parts.rest)
    parts.rest = RECENT.sub(lambda m: (today - timedelta(days=RECENT_DAYS[m[0]])).isoformat(), parts.rest)
    unsaid: list[date] = []
    while found := _next_day(parts, today):
        day, said = found
        parts.worded = parts.worded or said.due is not None
        if said.due is None:
            unsaid.append(day)
        else:
            _keep(parts, day, due=said.due)
        parts.cut(said.start, said.end)
    _sort_out(parts, unsaid, today)
    parts.problems += _no_days(parts)


def _next_day(parts: Parts, today: date) -> tuple[date, _Said] | None:
    text = parts.rest
    for found in find_days(text):
        if not re.search(r"[A-Za-z]-?$", text[: found.start]):
            return found.day, _Said.at(text, found.start, found.end)
    for pattern in (SHORT_DAY, DOTTED_DAY):
        for short in pattern.finditer(text):
            said = _Said.at(text, short.start(), short.end())
            day = _without_year(short[0], today, due=bool(said.due), after=parts.verified_on)
            if day is not None and (pattern is SHORT_DAY or said.due is not None):
                return day, said
    return None


def _without_year(written: str, today: date, *, due: bool, after: date | None) -> date | None:
    """A verification is the last such day; the end of one the first after it, or else the nearest to today."""
    try:
        passed = read_day(written, today)
        return _end(passed, after, today) if due else passed
    except DayError:
        return None


def _end(passed: date, after: date | None, today: date) -> date:
    written = (f"{year}-{passed.month}-{passed.day}" for year in range(passed.year, passed.year + 9))
    days = [day for text in written for day in _day(text)]
    if after is not None:
        return next((day for day in days if day > after), passed)
    return min(days, key=lambda day: abs((day - today).days))


def _day(written: str) -> list[date]:
    """None or one: 29 February is not in every year."""
    try:
        return [read_day(written)]
    except DayError:
        return []


def _keep(parts: Parts, day: date, *, due: bool) -> None:
    """The first of each kind; a second one is told."""
    kept = parts.due_on if due else parts.verified_on
    if kept is not None and kept != day:
        what = "有效期" if due else "检定日期"
        told = f"{what}写了两个，记的是 {kept}，没记 {day}。"
        parts.problems += [told] if told not in parts.problems else []
    elif due:
        parts.due_on = day
    else:
        parts.verified_on = day


def _sort_out(parts: Parts, unsaid: list[date], today: date) -> None:
    """Days without a word: of two the earlier is the verification; one alone by whether it has come."""
    for day in sorted(unsaid):
        due = day > today or (parts.verified_on is not None and parts.verified_on < day and parts.due_on is None)
        _keep(parts, day, due=due)


def _no_days(parts: Parts) -> Iterator[str]:
    """What looks like a day and is none."""
    while written := parts.take(NO_DAY):
        try:
            read_day(written)
        except DayError as error:
            yield str(error)
    while written := parts.take(NO_DAY_OF_MONTH):
        yield f"“{written}”没写是哪一天，请写成 2026-05-20。"
