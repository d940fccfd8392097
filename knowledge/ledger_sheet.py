"""A shop's ledger as a table: cells in, instruments out, and for every row what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

from knowledge.ledger_differences import Differences, compare
from knowledge.records import InstrumentRecord, serial_key
from knowledge.sheet import Cell
from knowledge.sheet_cells import CellError, count_of, day_of, lost_digits, name_of, place_of, serials_of, text_of
from knowledge.sheet_columns import Columns, Header, title_key

__all__ = ["Differences", "Row", "Table", "compare", "read_table"]

Lookup = Callable[[str], str | None]
T = TypeVar("T")

NAMES = ("model", "certificate_no", "conclusion")
PLACES = ("maker", "place", "institution")
DAYS = ("verified_on", "due_on")
NO_SERIALS: tuple[str, ...] = ()
SHOWN_LINES = 6
NO_HEADER = "没找到表头。请留一行列名，如：器具名称、规格型号、出厂编号、检定日期、有效期至。"
NO_ROWS = "表头下面没有器具。请一台一行填好再发。"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; several share a ``line`` where its cell held several serial numbers."""

    line: int
    record: InstrumentRecord
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """``mapping``: field to the title of the column it was read from; ``missing_columns``: titles of what was not there.

    ``header_line`` (the last of ``header_lines``) is 0 when no titles were found: then there are no rows.
    """

    rows: tuple[Row, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    header_line: int = 0
    mapping: dict[str, str] = field(default_factory=dict)
    missing_columns: tuple[str, ...] = ()
    first_header_line: int = 0

    @property
    def good(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.problems)

    @property
    def bad(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.problems)

    @property
    def refusal(self) -> str:
        """Why nothing at all can be taken; empty otherwise."""
        if not self.header_line:
            return NO_HEADER
        return "" if self.rows else NO_ROWS


def read_table(rows: Sequence[Sequence[Cell]], lookup: Lookup, today: date) -> Table:
    """``rows[n]`` is row n + 1 of the file. ``lookup`` gives the id of a named instrument; asked once for each name."""
    columns = Columns.load()
    header = columns.find_header(rows)
    if header is None:
        return Table(missing_columns=_missing(columns, ()))
    reading = _Reading(header, columns, lru_cache(maxsize=None)(lookup), today)
    found = [row for line in range(header.last, len(rows)) for row in reading.rows_of(line + 1, rows[line])]
    return Table(
        rows=_with_duplicates(found, header),
        unknown_columns=header.unknown,
        header_line=header.last,
        mapping={name: header.titles[column] for name, column in header.mapping.items()},
        missing_columns=_missing(columns, header.mapping),
        first_header_line=header.first,
    )


def _missing(columns: Columns, mapped: Any) -> tuple[str, ...]:
    """Without a name nothing can be filed; without a number or a day little."""
    missing = [] if "name" in mapped or "type" in mapped else [columns.titles["name"]]
    missing += [] if "serial" in mapped else [columns.titles["serial"]]
    if not {"verified_on", "due_on"} & set(mapped):
        missing.append(f"{columns.titles['verified_on']}或{columns.titles['due_on']}")
    return tuple(missing)


class _Reading:
    """One table being read."""

    def __init__(self, header: Header, columns: Columns, lookup: Lookup, today: date) -> None:
        self._header = header
        self._not_instruments = columns.not_instruments
        self._lookup = lookup
        self._today = today
        self._repeat = {column: title_key(title) for column, title in header.titles.items()}

    def rows_of(self, line: int, cells: Sequence[Cell]) -> Iterator[Row]:
        if self._says_nothing(cells):
            return
        row = _RowReader(self._header, line, cells)
        record = self._record(row)
        serials = self._serials(row)
        if len(serials) > 1 and record.count in (1, len(serials)):
            for serial in serials:
                yield Row(line, replace(record, serial=serial, count=1), tuple(row.problems))
            return
        serial = "、".join(serials)
        if serial and record.count > 1:
            row.say("serial", f"只有一个，数量却是{record.count}台，请每台写一行")
        yield Row(line, replace(record, serial=serial), tuple(row.problems))

    def _says_nothing(self, cells: Sequence[Cell]) -> bool:
        """Blank, the titles again (as on every printed page), or a sum or signature."""
        written = [(column, text) for column, cell in enumerate(cells) if (text := text_of(cell))]
        named = [text for column, text in written if column in self._header.mapping.values()]
        again = sum(self._repeat.get(column) == title_key(text) for column, text in written)
        first = written[0][1] if written else ""
        return not named or again * 2 > len(written) or first.startswith(self._not_instruments)

    def _record(self, row: _RowReader) -> InstrumentRecord:
        kind, name = self._kind(row)
        read: dict[str, Any] = {column: row.read(column, day_of, None) for column in DAYS}
        read |= {column: row.read(column, name_of, "") for column in NAMES}
        read |= {column: row.read(column, place_of, "") for column in PLACES}
        record = InstrumentRecord(kind=kind, name=name, count=row.read("count", count_of, 1), **read)
        self._check_days(row, record)
        return record

    def _kind(self, row: _RowReader) -> tuple[str, str]:
        name, type_ = row.read("name", name_of, ""), row.read("type", name_of, "")
        if not name and not type_:
            row.say("name", "没有写，请写常用名称，如“电子秤”", "器具名称")
            return "", ""
        kind = next((found for said in (name, type_) if said and (found := self._lookup(said))), "")
        if not kind:
            row.problems.append(
                f"第{row.line}行认不出“{(name or type_)[:20]}”是什么器具，请写常用名称，如“电子秤”“加油机”"
            )
        return kind, name or type_

    def _serials(self, row: _RowReader) -> tuple[str, ...]:
        if lost_digits(row.cell("serial")):
            row.say("serial", f"“{text_of(row.cell('serial'))}”位数不全了，请把这一列设成“文本”后重新填写")
        return row.read("serial", serials_of, NO_SERIALS)

    def _check_days(self, row: _RowReader, record: InstrumentRecord) -> None:
        if record.verified_on and record.verified_on > self._today:
            row.say("verified_on", f"{record.verified_on}还没到，请核对")
        if record.verified_on and record.due_on and record.due_on <= record.verified_on:
            row.say("due_on", f"{record.due_on}不晚于检定日期{record.verified_on}，请核对")


class _RowReader:
    """One row's cells by field; what cannot be read becomes a problem and leaves its field empty."""

    def __init__(self, header: Header, line: int, cells: Sequence[Cell]) -> None:
        self._header = header
        self._cells = cells
        self.line = line
        self.problems: list[str] = []

    def cell(self, name: str) -> Cell:
        column = self._header.mapping.get(name)
        return self._cells[column] if column is not None and column < len(self._cells) else None

    def read(self, name: str, reader: Callable[[Cell], T], otherwise: T) -> T:
        try:
            return reader(self.cell(name))
        except CellError as error:
            self.say(name, str(error))
            return otherwise

    def say(self, name: str, sentence: str, title: str = "") -> None:
        column = self._header.mapping.get(name)
        self.problems.append(f"第{self.line}行{title if column is None else self._header.titles[column]}{sentence}")


def _with_duplicates(rows: Sequence[Row], header: Header) -> tuple[Row, ...]:
    """The same serial number twice for one kind is told in each of its rows."""
    bearers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.record.serial:
            bearers[_key(row.record)].append(row.line)
    title = header.titles[header.mapping["serial"]] if "serial" in header.mapping else ""
    return tuple(_told(row, bearers.get(_key(row.record), []), title) for row in rows)


def _told(row: Row, lines: list[int], title: str) -> Row:
    if len(lines) < 2:
        return row
    shown = "、".join(str(line) for line in lines[:SHOWN_LINES]) + (
        f"等{len(lines)}" if len(lines) > SHOWN_LINES else ""
    )
    return replace(row, problems=(*row.problems, f"第{shown}行{title}重复（{row.record.serial}）"))


def _key(record: InstrumentRecord) -> tuple[str, str]:
    return record.kind or record.name, serial_key(record.serial)
