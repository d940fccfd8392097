"""Cells as every format gives them, made into ours, and rows kept within the limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from bot.sheets.wire import (
    LAST_LINE,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TEXT,
    TOO_MANY_COLUMNS,
    TOO_MANY_ROWS,
    Grid,
    SheetError,
)
from knowledge.sheet import Cell

SHEET_ROWS = 1_048_576
"""Of Excel; a file that names a row beyond it lies."""
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
"""Control characters but tab and line feed, marks without width, halves of characters."""


def to_cell(value: Any) -> Cell:
    """A value of openpyxl, xlrd, csv or HTML. A time of day is left off a day."""
    if value is None or isinstance(value, str):
        return clean(value or "") or None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else clean(str(value))


def clean(text: str) -> str:
    return _UNSEEN.sub("", text).strip()[:MAX_TEXT]


def bounded(rows: Iterable[Sequence[Any]], name: str = "", convert: Callable[[Any], Cell] = to_cell) -> Grid:
    """The rows with what they hold; ``SheetError`` when that is too much. Blank ones at the end are left off."""
    kept: list[list[Cell]] = []
    filled, truncated = 0, False
    for number, row in enumerate(islice(rows, SHEET_ROWS)):
        # One cell in the last row of a sheet makes a million blank rows above it: these are passed over quickly.
        cells = [] if row.count(None) == len(row) else trimmed([convert(value) for value in row])
        filled += bool(cells)
        if len(cells) > MAX_COLUMNS:
            raise SheetError(TOO_MANY_COLUMNS)
        if filled > MAX_ROWS:
            raise SheetError(TOO_MANY_ROWS)
        if number < LAST_LINE:
            kept.append(cells)
        truncated |= bool(cells) and number >= LAST_LINE
    while kept and not kept[-1]:
        kept.pop()
    return Grid(kept, name, truncated)


def trimmed(cells: list[Cell]) -> list[Cell]:
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def spread(rows: list[list[Cell]], areas: Iterable[tuple[int, int, int, int]]) -> None:
    """Every cell of a merged area says what its first says. Areas: first and last row, first and last column, from 0."""
    for top, bottom, left, right in areas:
        if top >= len(rows) or left >= len(rows[top]) or right >= MAX_COLUMNS:
            continue
        for row in rows[top : bottom + 1]:
            row.extend([None] * (right + 1 - len(row)))
            row[left : right + 1] = [rows[top][left]] * (right + 1 - left)
