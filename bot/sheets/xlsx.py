"""Workbooks of Excel since 2007 (.xlsx): cached values only, nothing is computed and nothing fetched."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from bot.sheets.cells import bounded, spread, to_cell
from bot.sheets.content import BROKEN
from bot.sheets.wire import MAX_COLUMNS, MAX_SHEETS, Grid, SheetError
from knowledge.sheet import Cell

BEYOND = MAX_COLUMNS + 20
"""Columns looked at, so that a table that is too wide is noticed."""
MAX_MERGED = 20_000
_ESCAPED = re.compile(r"_x(00[01][0-9A-Fa-f])_")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_CHUNK, _OVERLAP = 1 << 20, 256

Area = tuple[int, int, int, int]


def read_xlsx(data: bytes) -> list[Grid]:
    """The visible sheets. Whatever a broken workbook makes the library raise is one and the same to the sender."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(data)
    except SheetError:
        raise
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, ParseError, EOFError):
        raise SheetError(BROKEN) from None
    except (zipfile.BadZipFile, NotImplementedError, ArithmeticError, LookupError):
        raise SheetError(BROKEN) from None


def _read(data: bytes) -> list[Grid]:
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        return [_grid(data, sheet) for sheet in book.worksheets[:MAX_SHEETS] if sheet.sheet_state == "visible"]
    finally:
        book.close()


def _grid(data: bytes, sheet: Any) -> Grid:
    # The declared size may lie in both directions.
    sheet.reset_dimensions()
    grid = bounded(sheet.iter_rows(max_col=BEYOND, values_only=True), sheet.title, _cell)
    spread(grid.rows, _merged(data, sheet._worksheet_path))  # noqa: SLF001 - the only way to a read-only sheet's file
    return grid


def _cell(value: Any) -> Cell:
    """Control characters, which XML cannot hold, are written as _x000D_; of other such texts openpyxl takes care."""
    if isinstance(value, str) and "_x" in value:
        return to_cell(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), value))
    return to_cell(value)


def _merged(data: bytes, path: str) -> Iterator[Area]:
    """openpyxl leaves merged areas aside when it reads without keeping: they stand after the cells."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(path.lstrip("/")) as part:
        for _, reference in zip(range(MAX_MERGED), _references(part), strict=False):
            left, top, right, bottom = range_boundaries(reference)
            yield top - 1, bottom - 1, left - 1, right - 1  # type: ignore[operator]  # no side of such a reference is open


def _references(part: IO[bytes]) -> Iterator[str]:
    kept = b""
    while chunk := part.read(_CHUNK):
        window = kept + chunk
        end = 0
        for found in _MERGED.finditer(window):
            end = found.end()
            yield found[1].decode()
        kept = window[max(end, len(window) - _OVERLAP) :]
