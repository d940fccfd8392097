"""A table as a ledger: where its titles are, what each row says, what is wrong with it; and two ledgers compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from knowledge.checkup import read_count
from knowledge.dates import DayError, excel_day, read_day
from knowledge.records import InstrumentRecord, serial_key
from knowledge.sheet import Cell
from knowledge.sheet_columns import Columns, Header

NEEDED = ("serial", "verified_on", "due_on")
"""Columns of which it is said that they are missing."""
NO_HEADER = "没找到表头。表里要有一行列名，至少有“器具名称”和“出厂编号”（或日期）两列；可以先下载空表照着填。"
NO_DATES = frozenset(("-", "/", "无", "—", "--", "长期", "/无", "N/A", "不详"))
MOST_DAYS = 200_000
"""An Excel number of a day has at most so much; eight digits are a day written solid."""


@dataclass(frozen=True, slots=True)
class Row:
    """One instrument; ``line`` is its row as the spreadsheet shows it. With ``problems`` it cannot be taken as it is."""

    line: int
    record: InstrumentRecord
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """``header_line`` 0: no titles were found, and there are no rows. ``last_header``: the titles' last row."""

    rows: tuple[Row, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    header_line: int = 0
    last_header: int = 0


def read_table(rows: Sequence[Sequence[Cell]], lookup: Callable[[str], str | None], today: date) -> Table:
    """``lookup`` gives the kind of an instrument by its name, None when it is not known."""
    columns = Columns.load()
    header = columns.find_header(rows)
    if header is None:
        return Table()
    found = [
        _row(line, row, header, lookup, today)
        for line, row in enumerate(rows[header.last :], header.last + 1)
        if _is_instrument(row, header, columns)
    ]
    missing = tuple(columns.titles[name] for name in NEEDED if name not in header.mapping)
    return Table(tuple(_without_twins(found)), header.unknown, missing, header.first, header.last)


def _is_instrument(row: Sequence[Cell], header: Header, columns: Columns) -> bool:
    """Blank rows, sums and signatures are none, nor is a header that comes once more on the next page."""
    texts = [_text(cell) for cell in row if _text(cell)]
    said = [_text(_cell(row, column)) for column in header.mapping.values()]
    again = sum(text in header.titles.values() for text in texts) > 1
    first = texts[0].replace(" ", "") if texts else ""
    return any(said) and not again and not first.startswith(columns.not_instruments)


def _row(line: int, row: Sequence[Cell], header: Header, lookup: Callable[[str], str | None], today: date) -> Row:
    reading = _Reading(line, row, header.mapping, today)
    name = reading.text("name") or reading.text("type")
    kind = (lookup(name) if name else None) or (lookup(reading.text("type")) if reading.text("type") else None)
    if not name:
        reading.problem("没写器具名称。")
    elif not kind:
        reading.problem(f"认不出“{name[:20]}”是什么器具，请写通用的名称，如“电子计价秤”“压力表”。")
    record = InstrumentRecord(
        kind=kind or "",
        name=name,
        model=reading.text("model"),
        serial=reading.text("serial"),
        count=reading.count(),
        maker=reading.text("maker"),
        place=reading.text("place"),
        verified_on=reading.day("verified_on", "检定日期"),
        due_on=reading.day("due_on", "有效期至"),
        certificate_no=reading.text("certificate_no"),
        institution=reading.text("institution"),
        conclusion=reading.text("conclusion"),
    )
    reading.check(record)
    return Row(line, record, tuple(reading.problems))


class _Reading:
    """One row being read; what is wrong with it is collected, the rest is kept."""

    def __init__(self, line: int, row: Sequence[Cell], mapping: dict[str, int], today: date) -> None:
        self._line, self._row, self._mapping, self._today = line, row, mapping, today
        self.problems: list[str] = []

    def problem(self, sentence: str) -> None:
        self.problems.append(f"第{self._line}行{sentence}")

    def cell(self, name: str) -> Cell:
        return _cell(self._row, self._mapping[name]) if name in self._mapping else None

    def text(self, name: str) -> str:
        return _text(self.cell(name))[:128]

    def count(self) -> int:
        said = self.text("count")
        if not said:
            return 1
        number = read_count(said)
        if not number:
            self.problem(f"数量“{said[:10]}”不对，请写整数，如 1。")
        return number or 1

    def day(self, name: str, title: str) -> date | None:
        cell = self.cell(name)
        if cell is None or isinstance(cell, date):
            return cell
        try:
            return _day(cell)
        except DayError as error:
            self.problem(f"{title}{error}")
            return None

    def check(self, record: InstrumentRecord) -> None:
        if record.serial and record.count > 1:
            self.problem(f"出厂编号“{record.serial}”只有一个，数量却是 {record.count}，请一台一行。")
        if record.verified_on and record.verified_on > self._today:
            self.problem(f"检定日期 {record.verified_on} 还没到，请核对。")
        if record.verified_on and record.due_on and record.due_on <= record.verified_on:
            self.problem(f"有效期 {record.due_on} 不在检定日期之后，请核对。")


def _day(cell: str | float) -> date | None:
    if isinstance(cell, float):
        return excel_day(cell) if cell < MOST_DAYS else read_day(f"{cell:.0f}")
    said = cell.strip()
    if not said or said.upper() in NO_DATES:
        return None
    return excel_day(float(said)) if said.isdecimal() and len(said) == 5 else read_day(said)


def _cell(row: Sequence[Cell], column: int) -> Cell:
    return row[column] if column < len(row) else None


def _text(cell: Cell) -> str:
    """A number as it was meant: 917.0 is 917, 1.23E+11 all its digits."""
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell == int(cell) else f"{cell:g}"
    return str(cell) if isinstance(cell, date) else " ".join((cell or "").split())


def _without_twins(rows: Sequence[Row]) -> Iterator[Row]:
    """The same number of the same kind twice: nobody can say which row is right."""
    lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.record.serial:
            lines[row.record.kind, serial_key(row.record.serial)].append(row.line)
    for row in rows:
        twins = lines.get((row.record.kind, serial_key(row.record.serial)), []) if row.record.serial else []
        if len(twins) < 2:
            yield row
            continue
        where = "、".join(map(str, twins[:4])) + ("…" if len(twins) > 4 else "")
        yield replace(row, problems=(*row.problems, f"第{where}行出厂编号“{row.record.serial}”重复，请核对后留一行。"))


# -- comparing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Differences:
    """``theirs_only``: on the platform, not in our ledger (平台有、台账无); ``ours_only`` the other way; ``dates``: pairs
    of ours and theirs whose last valid days differ (有效期不一致)."""

    theirs_only: tuple[InstrumentRecord, ...]
    ours_only: tuple[InstrumentRecord, ...]
    dates: tuple[tuple[InstrumentRecord, InstrumentRecord], ...]

    def rows(self) -> list[tuple[str, InstrumentRecord, str, str]]:
        """What differs, the instrument, their last valid day and ours."""
        return [
            *(("平台有，台账没有", r, _said(r.due_on), "") for r in self.theirs_only),
            *(("台账有，平台没有", r, "", _said(r.due_on)) for r in self.ours_only),
            *(("有效期不一致", ours, _said(theirs.due_on), _said(ours.due_on)) for ours, theirs in self.dates),
        ]

    def lines(self, limit: int) -> list[str]:
        """In words, at most ``limit`` instruments; empty when there is no difference."""
        rows = self.rows()
        if not rows:
            return []
        counts = Counter(what for what, *_ in rows)
        head = "；".join(f"{what} {sum(r.count for w, r, *_ in rows if w == what)} 台" for what in counts) + "。"
        listed = [f"· {what}：{_called(r)}{_both(theirs, ours)}" for what, r, theirs, ours in rows[:limit]]
        return [head, *listed, *([f"· 还有 {len(rows) - limit} 处"] if len(rows) > limit else [])]


def compare(ours: Sequence[InstrumentRecord], theirs: Sequence[InstrumentRecord]) -> Differences:
    """By kind and number; those without a number by kind and model, as many as there are."""
    left = defaultdict(list)
    for record in ours:
        left[_key(record)].append(record)
    theirs_only: list[InstrumentRecord] = []
    dates: list[tuple[InstrumentRecord, InstrumentRecord]] = []
    for record in theirs:
        waiting = left[_key(record)]
        if not waiting:
            theirs_only.append(record)
            continue
        own = waiting.pop(0)
        if record.due_on and own.due_on != record.due_on:
            dates.append((own, record))
    ours_only = [record for records in left.values() for record in records]
    return Differences(tuple(theirs_only), tuple(ours_only), tuple(dates))


def _key(record: InstrumentRecord) -> tuple[Any, ...]:
    return (record.kind, serial_key(record.serial)) if record.serial else (record.kind, "", record.model, record.count)


def _called(record: InstrumentRecord) -> str:
    return " ".join(filter(None, (record.name, record.model, record.serial)))


def _both(theirs: str, ours: str) -> str:
    return f"（平台 {theirs}，您 {ours or '没填'}）" if theirs and ours else ""


def _said(day: date | None) -> str:
    return day.isoformat() if day else ""
