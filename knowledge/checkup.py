"""开店计量体检: from the trade and a few answers to a dated list of duties.

Trades, questions and duties are data (``data/trades.yaml``); nothing legal is written here. A duty says when it
applies (``{scales: ">0", tag: [expired, none]}``: all must hold) and between which dates; both decide for one day.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from datetime import date
from enum import StrEnum
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from knowledge.dates import add_months
from knowledge.files import DATA, load_yaml
from knowledge.library import Catalogue, Confidence, DataError, Instrument

FILE = "trades.yaml"
MAX_TAPS = 6
MAX_COUNT = 999
MISSING = ("型号规格", "出厂编号", "检定有效期")
"""What the ledger still needs of an instrument of which only kind and count are known."""
UNSURE = "待核实"

_STRICT = ConfigDict(extra="forbid")
_COMPARISON = re.compile(r"(>=|<=|>|<|=)\s*(\d+)")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NONE = "none"

Text = Annotated[str, Field(min_length=2)]
Condition = dict[str, str | tuple[str, ...]]
"""Question name -> a comparison for numbers (``>0``), else the value or values of which one must be chosen."""
Answers = Mapping[str, Any]
"""``{"trade": id, question name: number | value | list of values}``; other keys are ignored."""


class Level(StrEnum):
    MUST = "must"
    SHOULD = "should"
    NO_NEED = "no_need"


class Kind(StrEnum):
    """How a question is answered: a count, one option, or several."""

    NUMBER = "number"
    CHOICE = "choice"
    MULTI = "multi"


@dataclass(frozen=True, config=_STRICT)
class Months:
    """Due again within so many months."""

    months: Annotated[int, Field(ge=1, le=120)]


Due = Literal["now", "before_use", "yearly", "none"] | Months


@dataclass(frozen=True, config=_STRICT)
class Option:
    value: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    label: Annotated[str, Field(min_length=1, max_length=16)]


@dataclass(frozen=True, config=_STRICT)
class Question:
    """``spoken`` are the nouns whose number in a first message answers it already ("2台秤")."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    ask: Text
    kind: Kind
    choices: tuple[Option, ...] = ()
    when: Condition = Field(default_factory=dict)
    spoken: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Question:
        if (self.kind is Kind.NUMBER) != (not self.choices):
            raise ValueError("数字题不写 choices，选择题要写")
        if self.name == "trade":
            raise ValueError("trade 是行业本身的名字")
        return self

    def label(self, value: str) -> str:
        return next(option.label for option in self.choices if option.value == value)


@dataclass(frozen=True, config=_STRICT)
class Tool:
    """An instrument of the trade. ``count`` is the number question that counts it, ``when`` the answers that show it."""

    entry: str
    why: Text
    count: str | None = None
    when: Condition = Field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class Duty:
    """One thing to do, or not to do; ``entry`` is the instrument it speaks of, ``law`` the article it rests on."""

    level: Level
    text: Text
    due: Due
    cost: Text
    law: Text
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    confidence: Confidence
    when: Condition = Field(default_factory=dict)
    entry: str | None = None
    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _careful(self) -> Duty:
        if self.confidence is Confidence.LOW and (self.level is Level.NO_NEED or UNSURE not in self.text):
            raise ValueError("没把握的事要写“待核实”，也不能写成不用办")
        if (self.level is Level.NO_NEED) != (self.due == "none"):
            raise ValueError("due: none 只用于不用办的事")
        return self

    def holds(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


@dataclass(frozen=True, config=_STRICT)
class Trade:
    """A trade pack. ``name`` is the option's label, ``shop`` how the report calls it, ``aliases`` how people say it."""

    id: Annotated[str, Field(pattern=r"^trade-[a-z]+$")]
    name: Annotated[str, Field(max_length=16)]
    shop: Text
    aliases: Annotated[tuple[Text, ...], Field(min_length=8)]
    summary: Text
    instruments: Annotated[tuple[Tool, ...], Field(min_length=1)]
    questions: Annotated[tuple[Question, ...], Field(min_length=2, max_length=4)]
    duties: Annotated[tuple[Duty, ...], Field(min_length=3)]

    def question(self, name: str) -> Question | None:
        return next((q for q in self.questions if q.name == name), None)


@plain_dataclass(frozen=True, slots=True)
class Finding:
    """A duty worded for one person and one day."""

    level: Level
    text: str
    due_text: str
    cost: str
    law: str


@plain_dataclass(frozen=True, slots=True)
class LedgerRow:
    """A line to start a ledger with: instrument id, how many, and which fields are still unknown."""

    entry: str
    count: int
    missing: tuple[str, ...]


@plain_dataclass(frozen=True)
class Trades:
    packs: tuple[Trade, ...]

    @cached_property
    def by_id(self) -> dict[str, Trade]:
        return {trade.id: trade for trade in self.packs}

    @cached_property
    def question_names(self) -> tuple[str, ...]:
        """All packs' questions, each once, in an order that keeps every pack's own; raises ``CycleError``."""
        after: dict[str, set[str]] = {}
        for trade in self.packs:
            names = [question.name for question in trade.questions]
            for position, name in enumerate(names):
                after.setdefault(name, set()).update(names[:position])
        return tuple(TopologicalSorter(after).static_order())

    @cached_property
    def _aliases(self) -> list[tuple[str, Trade]]:
        return [(tidy(alias), trade) for trade in self.packs for alias in (trade.name, trade.shop, *trade.aliases)]

    def spot(self, text: str) -> Trade | None:
        """The trade a sentence names: the longest name wins, then the first one said (开超市卖水果 is a 超市)."""
        said = tidy(text)
        found = [(-len(alias), said.index(alias), trade.id) for alias, trade in self._aliases if alias in said]
        return self.by_id[min(found)[2]] if found else None


# -- loading ----------------------------------------------------------------------------------------------------


def load_trades(path: Path | None = None) -> Trades:
    """Read and validate the packs; raises ``DataError`` naming file, entry and field."""
    path = path or DATA / FILE
    raw = load_yaml(path)
    rows = raw.get("trades") if isinstance(raw, dict) else None
    if not isinstance(rows, list):
        raise DataError(f"{path.name}：缺少 trades 列表。")
    trades = Trades(tuple(_trade(path.name, position, row) for position, row in enumerate(rows, 1)))
    for problem in _problems(trades):
        raise DataError(f"{path.name}：{problem}")
    return trades


@cache
def own_trades() -> Trades:
    """The product's own packs, read once."""
    return load_trades()


def spot_trade(text: str) -> Trade | None:
    """The trade that a sentence of people's own names, from the product's own packs."""
    return own_trades().spot(text)


def check_links(trades: Trades, instruments: Mapping[str, Instrument], sources: Collection[str]) -> None:
    """Every instrument and source named must exist, and no unsure instrument may be called free of duty."""
    for trade in trades.packs:
        for place, entry in _entries(trade):
            if entry not in instruments:
                raise DataError(f"{FILE}：{trade.id} 的 {place} 写了不存在的“{entry}”。")
        for place, duty in _places(trade):
            for code in duty.sources:
                if code not in sources:
                    raise DataError(f"{FILE}：{trade.id} 的 {place}.sources 写了不存在的“{code}”。")
            if duty.entry and not _worded_safely(duty, instruments[duty.entry]):
                raise DataError(f"{FILE}：{trade.id} 的 {place}.entry 是没把握的器具“{duty.entry}”，要写待核实。")


def _worded_safely(duty: Duty, thing: Instrument) -> bool:
    known = thing.catalogue is not Catalogue.UNSURE
    if duty.level is Level.NO_NEED:
        return thing.catalogue is Catalogue.UNLISTED and thing.confidence.catalogue is not Confidence.LOW
    return known or UNSURE in duty.text


def _places(trade: Trade) -> Iterator[tuple[str, Duty]]:
    return ((f"duties.{i}", duty) for i, duty in enumerate(trade.duties))


def _entries(trade: Trade) -> Iterator[tuple[str, str]]:
    yield from ((f"instruments.{i}.entry", tool.entry) for i, tool in enumerate(trade.instruments))
    yield from ((f"{place}.entry", duty.entry) for place, duty in _places(trade) if duty.entry)


def _trade(file: str, position: int, row: Any) -> Trade:
    name = row.get("id", f"第{position}条") if isinstance(row, dict) else f"第{position}条"
    try:
        return TypeAdapter(Trade).validate_python(row)
    except ValidationError as error:
        lines = (f"{file}：{name} 的 {'.'.join(map(str, e['loc']))} 不对：{e['msg']}" for e in error.errors())
        raise DataError("\n".join(lines)) from None


def _problems(trades: Trades) -> Iterator[str]:
    """What a single field cannot show: references between fields, and between packs."""
    seen: dict[str, Question] = {}
    if len(trades.by_id) < len(trades.packs):
        yield "有重复的 id。"
    try:
        _ = trades.question_names
    except CycleError:
        yield "同名的题在各行业里先后顺序不一致。"
    for trade in trades.packs:
        for place, condition in _conditions(trade):
            yield from (f"{trade.id} 的 {place} 不对：{why}" for why in _wrong(trade, condition))
        for place, duty in _places(trade):
            unknown = [name for name in _PLACEHOLDER.findall(duty.text) if trade.question(name) is None]
            yield from (f"{trade.id} 的 {place}.text 用了没有的题“{name}”。" for name in unknown)
        for i, tool in enumerate(trade.instruments):
            counted = trade.question(tool.count) if tool.count else None
            if tool.count and (counted is None or counted.kind is not Kind.NUMBER):
                yield f"{trade.id} 的 instruments.{i}.count 不是数字题“{tool.count}”。"
        for question in trade.questions:
            # Answers are kept by question name alone: one name must mean the same options in every pack.
            first = seen.setdefault(question.name, question)
            if (first.kind, first.choices) != (question.kind, question.choices):
                yield f"{trade.id} 的 questions.{question.name} 与别的行业同名不同选项。"


def _conditions(trade: Trade) -> Iterator[tuple[str, Condition]]:
    yield from ((f"questions.{q.name}.when", q.when) for q in trade.questions)
    yield from ((f"{place}.when", duty.when) for place, duty in _places(trade))
    yield from ((f"instruments.{i}.when", tool.when) for i, tool in enumerate(trade.instruments))


def _wrong(trade: Trade, condition: Condition) -> Iterator[str]:
    for name, wanted in condition.items():
        question = trade.question(name)
        if question is None:
            yield f"没有“{name}”这道题。"
        elif question.kind is Kind.NUMBER:
            if not isinstance(wanted, str) or _COMPARISON.fullmatch(wanted) is None:
                yield f"数字题“{name}”要写成“>0”这样。"
        else:
            values = {option.value for option in question.choices}
            yield from (f"“{name}”没有选项“{value}”。" for value in _values(wanted) if value not in values)


# -- from answers to duties ---------------------------------------------------------------------------------------


def duties(trade: Trade, answers: Answers, on: date) -> list[Finding]:
    """What the answers mean on a day: must first, then should, then what need not be done."""
    found = [
        _finding(trade, duty, answers, on) for duty in trade.duties if duty.holds(on) and applies(duty.when, answers)
    ]
    return sorted(found, key=lambda finding: list(Level).index(finding.level))


def applies(condition: Condition, answers: Answers) -> bool:
    """Whether all parts hold; a question not answered holds nothing."""
    return all(_holds(wanted, answers.get(name)) for name, wanted in condition.items())


def undecided(condition: Condition, answers: Answers) -> bool:
    return any(name not in answers for name in condition)


def questions_left(trade: Trade, answers: Answers) -> list[Question]:
    """The questions this person is or may yet be asked, the answered ones included."""
    return [q for q in trade.questions if undecided(q.when, answers) or applies(q.when, answers)]


def ledger_skeleton(trade: Trade, answers: Answers) -> list[LedgerRow]:
    """The instruments the answers speak of, to begin a ledger with; one of a kind where no number was asked."""
    rows = []
    for tool in trade.instruments:
        if not applies(tool.when, answers) or not (tool.count or tool.when):
            continue
        count = _count(answers, tool.count) if tool.count else 1
        if count:
            rows.append(LedgerRow(tool.entry, count, MISSING if tool.count else ("数量", *MISSING)))
    return rows


def _count(answers: Answers, name: str) -> int:
    said = answers.get(name)
    return said if isinstance(said, int) else 0


def _holds(wanted: str | tuple[str, ...], said: Any) -> bool:
    if isinstance(said, int) and isinstance(wanted, str):
        return _compares(wanted, said)
    given = set(said) if isinstance(said, list | tuple) else {said}
    if len(given) > 1:  # 都没有 picked together with something is a slip
        given.discard(_NONE)
    return not given.isdisjoint(_values(wanted))


def _compares(wanted: str, said: int) -> bool:
    found = _COMPARISON.fullmatch(wanted)
    if found is None:
        return False
    sign, limit = found[1], int(found[2])
    return (
        (said > limit and sign in (">", ">="))
        or (said < limit and sign in ("<", "<="))
        or (said == limit and "=" in sign)
    )


def _values(wanted: str | tuple[str, ...]) -> tuple[str, ...]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _finding(trade: Trade, duty: Duty, answers: Answers, on: date) -> Finding:
    text = _PLACEHOLDER.sub(lambda found: _spoken(trade, found[1], answers), duty.text)
    return Finding(duty.level, text, due_text(duty.due, on), duty.cost, duty.law)


def _spoken(trade: Trade, name: str, answers: Answers) -> str:
    question, said = trade.question(name), answers.get(name)
    if question is None or isinstance(said, int):
        return str(said)
    values = said if isinstance(said, list | tuple) else [said]
    return "、".join(question.label(cast("str", value)) for value in values if value and value != _NONE)


def due_text(due: Due, on: date) -> str:
    """The date of a duty in words, counted from the day of the check-up."""
    if isinstance(due, Months):
        return f"最晚{add_months(on, due.months)}前（以标签有效期为准）"
    if due == "yearly":
        return f"每年一次，最晚{add_months(on, 12)}前"
    if due == "before_use":
        return f"{on}起，办好才能用"
    return f"{on}起照做" if due == "now" else f"按{on}的规定"


# -- reading what people write ------------------------------------------------------------------------------------

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "仨": 3}
_UNITS = {"十": 10, "百": 100}
_NUMERAL = r"[0-9]+|[零〇一二两俩仨三四五六七八九十百]+"
_MEASURE = "[台个把杆支条部根把套座]"
_VAGUE = re.compile(
    r"几|多|左右|上下|大约|不止|[0-9一二两三四五六七八九十]\s*[-~～—至到]\s*[0-9一二两三四五六七八九十]"
)
_NO_ONE = re.compile(r"(?:现在|目前|还|暂时|我|都|一[台个把]都?)*(?:没有|没|无|不用)(?:秤|了|呢)?")
_KIND_WORDS = "(?:电子|计价|收银|条码|打码|快递|包裹|加油|充电|直流|交流|对外|公共|大|小|快|慢|的)*"
_NOT_INSIDE = r"(?<![0-9零〇一二两三四五六七八九十百几\-~～至到第])"


def tidy(text: str) -> str:
    """Half width, lower case, no blanks: the form in which names are compared."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).lower())


BARE_COUNT = 5


def read_count(text: str) -> int | None:
    """How many: ``2``, ``２台``, ``两台秤``, ``十二``, ``没有``. None when it is vague, several numbers or none."""
    said = tidy(text).rstrip("。.!！,，吧呢哦的")
    if _NO_ONE.fullmatch(said):
        return 0
    found = re.findall(_NUMERAL, said)
    if len(found) != 1 or _VAGUE.search(said):
        return None
    if len(said) > BARE_COUNT and not re.search(rf"{found[0]}[台把个杆支条部枪只]", said):
        return None  # 自己拧一下得行不: a remark, not a count
    # A minus or a decimal point beside the number makes it something else than a count.
    return None if re.search(r"[-.%]", said) else _number(found[0])


def count_in(question: Question, text: str) -> int | None:
    """The number a first message already gives for a count ("我开海鲜摊，有两台秤"); None when it does not."""
    said = tidy(text)
    for noun in question.spoken:
        before = re.search(rf"{_NOT_INSIDE}({_NUMERAL}){_MEASURE}{_KIND_WORDS}{noun}", said)
        after = re.search(rf"{noun}[有是共:]{{0,2}}({_NUMERAL}){_MEASURE}", said)
        found = before or after
        if found:
            return _number(found[1])
    return None


def _number(numeral: str) -> int | None:
    value = int(numeral[:6]) if numeral.isdecimal() else _chinese(numeral)
    return value if value is not None and value <= MAX_COUNT else None


def _chinese(numeral: str) -> int | None:
    """十二, 三十, 一百零五; None for what is no number (两三)."""
    total, digit = 0, None
    for char in numeral:
        if char in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[char]
            digit = None
        elif digit:
            return None
        else:
            digit = _DIGITS[char]
    return total + (digit or 0)
