"""Spreadsheets that are handed out: every cell is text, so that nothing in it is ever a formula, a link or a number."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import xlsxwriter

from knowledge.ledger_differences import DUE_DIFFERS, OURS_ONLY, PLATFORM_ONLY, Differences
from knowledge.ledger_sheet import Row, Table
from knowledge.records import InstrumentRecord
from knowledge.sheet import Sheet
from knowledge.sheet_cells import text_of
from knowledge.sheet_columns import Columns, TemplateColumn

REASON = "错误原因"
ORIGINAL = 16.0
REASON_WIDTH = 60.0
MAX_TEXT = 32_000
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_HINTS = (
    "一台一行；没有出厂编号的同种器具可以写一行，数量写台数。",
    "日期写成 2026-05-20。出厂编号按铭牌写，前面的 0 不要丢（单元格格式用“文本”）。",
    "改好后把整个文件发给机器人即可，重复导入不会重复登记。",
)
_DIFFERENCES = (
    ("差异", 16.0),
    ("器具名称", 18.0),
    ("规格型号", 16.0),
    ("出厂编号", 18.0),
    ("数量", 8.0),
    ("使用地点", 22.0),
    ("台账有效期至", 14.0),
    ("平台有效期至", 14.0),
)


def write_ledger(records: Iterable[InstrumentRecord], types: Mapping[str, str] | None = None) -> bytes:
    """An .xlsx in the columns of the platform. ``types``: instrument id to its name in the knowledge base (种别)."""
    columns = Columns.load()
    titles = [(column.title, column.width) for column in columns.template]
    rows = ([_field(record, column, types or {}) for column in columns.template] for record in records)
    return _book("强检器具台账", titles, rows, (columns.note, *_HINTS))


def write_errors(sheet: Sheet, table: Table) -> bytes:
    """The sender's own rows that were not taken, as they were, each with what is wrong with it in the last column."""
    bad: dict[int, list[Row]] = {}
    for row in table.bad:
        bad.setdefault(row.line, []).append(row)
    heads = [sheet.rows[line - 1] for line in range(table.first_header_line, table.header_line + 1)]
    width = max((len(sheet.rows[line - 1]) for line in bad), default=0)
    width = max(width, *(len(head) for head in heads))
    texts = [[*_padded(head, width), REASON] for head in heads]
    texts += [[*_padded(sheet.rows[line - 1], width), _reasons(line, rows)] for line, rows in bad.items()]
    titles = [(text, ORIGINAL) for text in texts[0][:-1]] + [(REASON, REASON_WIDTH)]
    return _book("需要修改的行", titles, texts[1:])


def write_differences(differences: Differences) -> bytes:
    rows = [_difference(PLATFORM_ONLY, record, None, record.due_on) for record in differences.platform_only]
    rows += [_difference(OURS_ONLY, record, record.due_on, None) for record in differences.ours_only]
    rows += [_difference(DUE_DIFFERS, ours, ours.due_on, their.due_on) for ours, their in differences.due_differs]
    return _book("差异", _DIFFERENCES, rows)


def write_rows(name: str, titles: Sequence[tuple[str, float]], rows: Iterable[Sequence[str]]) -> bytes:
    """An .xlsx of any texts; ``titles`` with the width of their columns."""
    return _book(name, titles, rows)


def _field(record: InstrumentRecord, column: TemplateColumn, types: Mapping[str, str]) -> str:
    if column.field == "type":
        return types.get(record.kind, "")
    if column.field == "name":
        return record.name or types.get(record.kind, "")
    return _text(getattr(record, column.field)) if column.field else ""


def _difference(sort: str, record: InstrumentRecord, ours: date | None, theirs: date | None) -> list[str]:
    known = (record.name, record.model, record.serial, record.count, record.place, ours, theirs)
    return [sort, *map(_text, known)]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _padded(cells: Sequence[Any], width: int) -> list[str]:
    """Texts as they were sent; numbers without the .0 that they never had, days as 2026-05-20."""
    texts = [cell if isinstance(cell, str) else text_of(cell) for cell in cells]
    return texts + [""] * (width - len(texts))


def _reasons(line: int, rows: Sequence[Row]) -> str:
    """The row's number is left off: in this file it is another."""
    problems = dict.fromkeys(problem for row in rows for problem in row.problems)
    return "；".join(problem.removeprefix(f"第{line}行") for problem in problems)


def _book(
    name: str, titles: Sequence[tuple[str, float]], rows: Iterable[Sequence[str]], hints: Sequence[str] = ()
) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, _OPTIONS) as book:
        bold, text = book.add_format({"bold": True, "num_format": "@"}), book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, (title, width) in enumerate(titles):
            # Cells that people fill in later are text as well: 0917 stays 0917.
            sheet.set_column(column, column, width, text)
            _write(sheet, 0, column, title, bold)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                _write(sheet, number, column, value, text)
        if hints:
            _write_hints(book, hints)
    return made.getvalue()


def _write_hints(book: Any, hints: Sequence[str]) -> None:
    sheet = book.add_worksheet("填表说明")
    sheet.set_column(0, 0, 80.0)
    for number, hint in enumerate(hints):
        _write(sheet, number, 0, hint, None)


def _write(sheet: Any, row: int, column: int, value: str, style: Any) -> None:
    value = _UNWRITABLE.sub("", value)[:MAX_TEXT]
    if value:
        sheet.write_string(row, column, value, style)
