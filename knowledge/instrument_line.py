"""One instrument in one line of chat: 电子秤 ACS-30 3台 编号0917 2026-05-20检, its parts in any order.

What is surely a part (a day, a number, a count) is taken out first; what is left is what the thing is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from knowledge.dates import LAST
from knowledge.library import Library
from knowledge.line_parts import MODEL, Parts, take_parts
from knowledge.matcher import Matcher, Named
from knowledge.records import InstrumentRecord

LONGEST = 2000
LONGEST_LINE = 120
LONGEST_NAME = 20
MOST_CANDIDATES = 3
MOST_LEFT = 8
"""Characters beside all that was recognised, above which a message is a story."""
DASHES = str.maketrans("–—−‐‑﹣", "------")
GAP = re.compile(r"[\s,;。、:()/|!]+|(?<=[\u3400-\u9fff])(?=\d)|(?<=\d)(?=[\u3400-\u9fff])")
ADDING = re.compile(
    r"^\s*(?:请|麻烦)?(?:帮我?|给我)?(?:记一?下|登记一?下?|新增|添加|录入|增加|加上|加(?=[\s:一二两三四五六七八九十\d]|电子|台秤))[\s,:]*"
)
SMALL = re.compile(
    r"^(?:我们?的?|店里的?|我家的?|本店的?|家里的?|这|有|是|的|新买的?|用的|都是|都|全部|数量|又|还)+"
    r"|(?:的|了|过|都是|都|全部|数量|检定|到期|(?:没有?|无)编号)+$"
)
OWNED = re.compile(r"^(.{1,10}?(?:台|柜|店|摊|区|口|库|楼|室|间|房|车间|档|铺|处|部|场|站))(?:上|里|用)?的(?=.)")
QUESTION = re.compile(
    r"[吗呢么?几要嘞嘛]|帮|提醒|通知|喊|对吧|还是|多久|怎么|怎样|多少|用不用|能不能|可以|什么|哪|为何|投诉|举报|罚"
    r"|坏|不准|称得|缺斤|短|块钱|\d元|一斤|(?<!新)买|预约|约[好了]|报废|停用|删|转[给让]|移交|改成|过期了|查|已经?送检"
)
WORD = re.compile(r"[^\s,;。:]{1,24}")
MOST_WORDS = 12
HANZI = re.compile("[\u3400-\u9fff]")
SHAPE = re.compile(r"\d|[一二两三四五六七八九十]\s*[台把个只块支套条件根杆部枪]")


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """What a line says. ``serials`` are all numbers named, ``candidates`` the kinds it may mean when it is not clear,
    ``problems`` sentences about what could not be read; ``counted``: how many, or a number, was said; ``pieces`` how
    many were said, 0 when only numbers were. ``nameless`` is the sentence about the instrument when none was found."""

    record: InstrumentRecord
    serials: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    counted: bool = False
    pieces: int = 0
    nameless: str = ""

    @property
    def other_problems(self) -> tuple[str, ...]:
        """Without the one about the name: a correction need not name the instrument again."""
        return tuple(problem for problem in self.problems if problem != self.nameless)


def read_line(text: str, matcher: Matcher, library: Library, today: date) -> ParsedLine:
    """Never fails: what could not be read is among the problems, the rest is kept."""
    alone, said = _alone(_plain(text[:LONGEST], matcher), matcher)
    parts = take_parts(said, today)
    called = _beside(alone, parts, matcher) if alone else _called(parts, matcher)
    kind, candidates = _kind(called.named, library)
    record = InstrumentRecord(
        kind=kind,
        name=called.name[:40],
        model=parts.model.upper()[:40],
        serial=parts.serials[0] if parts.serials else "",
        count=max(parts.count, len(parts.serials), 1),
        maker=parts.maker,
        place=parts.place,
        verified_on=parts.verified_on,
        due_on=parts.due_on,
        certificate_no=parts.certificate_no,
    )
    nameless = ""
    if not kind and not candidates:
        what = f"认不出“{called.name[:20]}”是什么器具" if called.name else "没看到是什么器具"
        nameless = f"{what}，请写器具的名字，如“电子秤”“压力表”“加油机”。"
    problems = (*parts.problems, *filter(None, (nameless,)), *called.problems, *_too_long(text))
    counted = bool(parts.serials or parts.count)
    return ParsedLine(record, parts.serials, candidates, problems, counted, parts.count, nameless)


def instrument_named(matcher: Matcher, library: Library, name: str) -> tuple[str, tuple[str, ...]]:
    """The instrument's id by what it is called, empty when that is not clear; then at most three it may be."""
    return _kind(matcher.named(name), library)


def looks_like_line(text: str, matcher: Matcher) -> bool:
    """Whether a message is a line for a ledger rather than a question or a story; cheap, and rather no than yes."""
    if not 4 <= len(text.strip()) <= LONGEST_LINE:
        return False
    alone, said = _alone(_plain(text, matcher), matcher)
    if QUESTION.search(said) or not SHAPE.search(said):
        return False
    parts = take_parts(said, LAST)
    dated = parts.worded or any("不是日期" in problem for problem in parts.problems)
    if not (parts.serials or parts.count or dated) or "送检" in parts.rest:
        return False
    called = _beside(alone, parts, matcher) if alone else _called(parts, matcher, guess=False)
    bare = len(called.name) == 1 and not (parts.serials or dated)
    return bool(called.named.alias) and not bare and len(called.name) <= LONGEST_NAME and called.left <= MOST_LEFT


# -- the name -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Called:
    """What the thing is called and may be; what was said beside it: so many characters, and sentences about them."""

    name: str
    named: Named
    left: int = 0
    problems: tuple[str, ...] = ()


def _alone(said: str, matcher: Matcher) -> tuple[_Called | None, str]:
    """A word of the line that is a known name from end to end, and the line without it: 300公斤秤 is no capacity."""
    said = ADDING.sub("", said)
    for word in list(WORD.finditer(said))[:MOST_WORDS]:
        named = matcher.named(word[0], guess=False)
        if named.whole:
            return _Called(word[0], named), f"{said[: word.start()]} {said[word.end() :]}"
    return None, said


def _beside(alone: _Called, parts: Parts, matcher: Matcher) -> _Called:
    parts.model = parts.model or parts.take(MODEL)
    left = _pieces(parts.rest)
    return replace(alone, left=sum(map(len, left)), problems=tuple(_not_understood(left, matcher)))


def _called(parts: Parts, matcher: Matcher, *, guess: bool = True) -> _Called:
    """Takes the model too, unless the name needs it: there is no model PM2.5 of a PM2.5检测仪."""
    with_model = _pieces(parts.rest)
    model = None if parts.model else MODEL.search(parts.rest)
    if model and model[1].lower() not in matcher.named("".join(with_model), guess=False).alias:
        parts.model = parts.take(MODEL)
    pieces = _pieces(parts.rest)
    whole = matcher.named("".join(pieces), guess=guess)
    if not whole.ids:
        written = with_model if model and HANZI.match(model.string, model.end()) else pieces
        return _inside(parts, matcher) or _Called("".join(written), whole)
    name, named = _first_name(pieces, whole, matcher)
    left = [piece for piece in pieces if piece not in name]
    problems = tuple(_not_understood(left, matcher))
    owned = OWNED.match(name)
    if owned and matcher.named(name[owned.end() :], guess=False) == named:
        parts.place, name = parts.place or owned[1], name[owned.end() :]
    return _Called(name, named, sum(map(len, left)), problems)


def _first_name(pieces: list[str], whole: Named, matcher: Matcher) -> tuple[str, Named]:
    """Of several names the first, unless only all pieces together make one: 电子 台秤."""
    each = [(piece, matcher.named(piece)) for piece in pieces]
    if all(named != whole for _, named in each):
        return "".join(pieces), whole
    return next((piece, named) for piece, named in each if named == whole or (named.sure and named.alias))


def _inside(parts: Parts, matcher: Matcher) -> _Called | None:
    """A name written into the maker or the place without a blank: 电子秤上海大华衡器厂."""
    for part in ("maker", "place"):
        written: str = getattr(parts, part)
        named = matcher.named(written, guess=False)
        if named.alias and named.alias in written:
            setattr(parts, part, written.replace(named.alias, "", 1))
            return _Called(named.alias, named)
    return None


def _not_understood(pieces: list[str], matcher: Matcher) -> list[str]:
    others = [piece for piece in pieces if matcher.named(piece, guess=False).alias]
    if others:
        return [f"一行写一种器具，“{'、'.join(others)[:30]}”请另发一行。"]
    unread = [piece for piece in pieces if len(piece) > 1 or piece.isdecimal()]
    how = "编号请写“编号0917”，日期请写 2026-05-20"
    return [f"“{' '.join(unread)[:30]}”没看懂，没有记；{how}。"] if unread else []


def _pieces(text: str) -> list[str]:
    pieces = (SMALL.sub("", piece).strip("-_.~=*#") for piece in GAP.split(text) if piece)
    return [piece for piece in pieces if piece]


def _kind(named: Named, library: Library) -> tuple[str, tuple[str, ...]]:
    ids = tuple(id_ for id_ in named.ids if id_ in library.instruments)
    return (ids[0], ()) if named.sure and len(ids) == 1 else ("", ids[:MOST_CANDIDATES])


def _plain(text: str, matcher: Matcher) -> str:
    """Half width, simplified characters, one kind of dash."""
    return matcher.reader.normaliser.plain(text).translate(DASHES)


def _too_long(text: str) -> list[str]:
    return [f"太长了，只看了前 {LONGEST} 个字，一行请只写一种器具。"] if len(text) > LONGEST else []
