"""Tables going out. Every cell is text: nothing that somebody once typed is ever a formula or a link in Excel."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date

import xlsxwriter

from knowledge.ledger_sheet import Differences, Table
from knowledge.records import InstrumentRecord
from knowledge.sheet import Cell, Sheet
from knowledge.sheet_columns import Columns

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REASON = "错误原因"
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
"""What no XML can carry: it would stop the whole file."""
HELP = (
    "每行一台；没有出厂编号的同样器具可以一行写数量。",
    "日期写成 2026-05-20；“有效期至”以证书为准，不写就按检定周期推算。",
    "改好直接发回来就能导入：按“种别＋出厂编号”认，同一台只更新、不重复。",
)
Rows = Iterable[Sequence[str]]


def write_ledger(records: Sequence[InstrumentRecord], kinds: dict[str, str]) -> bytes:
    """The ledger in the columns of the e-CQS filing; ``kinds`` names each kind of instrument. None at all: an empty form."""
    columns = Columns.load().template
    titles, widths = [c.title for c in columns], [c.width for c in columns]
    rows = [[_value(record, c.field, kinds) for c in columns] for record in records]
    return _book(
        [
            ("台账", titles, widths, rows),
            ("填表说明", ["说明"], [90], [[line] for line in (*HELP, Columns.load().note)]),
        ]
    )


def write_errors(sheet: Sheet, table: Table) -> bytes:
    """The rows that could not be taken, as they were sent, each with what is wrong in the last column."""
    titles = [_shown(cell) for cell in sheet.rows[table.last_header - 1]]
    bad = [row for row in table.rows if row.problems]
    width = max([len(titles), *(len(sheet.rows[row.line - 1]) for row in bad)])
    rows = [
        [*_padded([_shown(cell) for cell in sheet.rows[row.line - 1]], width), "；".join(row.problems)] for row in bad
    ]
    return _book([("改错", [*_padded(titles, width), REASON], [16.0] * width + [60.0], rows)])


def write_differences(differences: Differences) -> bytes:
    titles = ["差异", "器具名称", "规格型号", "出厂编号", "数量", "平台有效期至", "台账有效期至"]
    rows = [
        [what, r.name, r.model, r.serial, str(r.count), theirs, ours] for what, r, theirs, ours in differences.rows()
    ]
    return _book([("差异", titles, [20, 18, 16, 18, 8, 14, 14], rows)])


def _value(record: InstrumentRecord, field: str, kinds: dict[str, str]) -> str:
    if field == "type":
        return kinds.get(record.kind, "")
    return _shown(getattr(record, field)) if field else ""


def _shown(cell: Cell | int) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell == int(cell) else f"{cell:g}"
    return "" if cell is None else str(cell)


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _book(sheets: Sequence[tuple[str, Sequence[str], Sequence[float], Rows]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, OPTIONS) as book:
        bold, text = book.add_format({"bold": True, "num_format": "@"}), book.add_format({"num_format": "@"})
        for name, titles, widths, rows in sheets:
            page = book.add_worksheet(name)
            page.freeze_panes(1, 0)
            for column, width in enumerate(widths):
                page.set_column(column, column, width, text)
            for number, row in enumerate([titles, *rows]):
                for column, cell in enumerate(row):
                    page.write_string(number, column, _CONTROL.sub("", cell), bold if number == 0 else text)
    return out.getvalue()
