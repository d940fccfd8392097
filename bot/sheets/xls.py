"""Workbooks of Excel 97-2003 and earlier (.xls)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError
from xlrd.xldate import XLDateError, xldate_as_datetime

from bot.sheets.cells import bounded, spread
from bot.sheets.content import BROKEN, ENCRYPTED
from bot.sheets.wire import MAX_SHEETS, Grid, SheetError


def read_xls(data: bytes) -> list[Grid]:
    """The visible sheets."""
    try:
        # Merged areas are part of the formatting; the library talks about odd files as it goes.
        with Path(os.devnull).open("w") as nowhere:
            book = xlrd.open_workbook(file_contents=data, formatting_info=True, ragged_rows=True, logfile=nowhere)
        return [_grid(book, sheet) for sheet in book.sheets()[:MAX_SHEETS] if not sheet.visibility]
    except XLRDError as error:
        raise SheetError(ENCRYPTED if "encrypted" in str(error) else BROKEN) from None
    except (CompDocError, struct.error, LookupError, ValueError, TypeError, AttributeError, AssertionError):
        raise SheetError(BROKEN) from None


def _grid(book: Any, sheet: Any) -> Grid:
    grid = bounded(_rows(book, sheet), sheet.name)
    spread(grid.rows, ((top, bottom - 1, left, right - 1) for top, bottom, left, right in sheet.merged_cells))
    return grid


def _rows(book: Any, sheet: Any) -> Iterator[list[Any]]:
    for number in range(sheet.nrows):
        yield [_value(book, cell) for cell in sheet.row(number)]


def _value(book: Any, cell: Any) -> Any:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xldate_as_datetime(cell.value, book.datemode)
        except (XLDateError, OverflowError, ValueError):
            return cell.value
    return cell.value
