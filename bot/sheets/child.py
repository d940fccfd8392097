"""The child that opens a spreadsheet under limits: ``python -m bot.sheets.child``, see ``bot.limited``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bot.limited import serve
from bot.sheets.content import Content, content_of
from bot.sheets.wire import MAX_CHARACTERS, TOO_MUCH_TEXT, Grid, SheetError, pack_refusal, pack_sheet
from knowledge.sheet import Sheet

NOTHING = "这个表格里没有内容（隐藏的工作表不看）。请把台账放在可见的工作表里再发。"


def handle(request: bytes) -> bytes:
    try:
        return pack_sheet(read(request))
    except SheetError as error:
        return pack_refusal(str(error))


def read(data: bytes) -> Sheet:
    content = content_of(data)
    encoding, grids = _grids(content, data)
    grid = ledger_of([grid for grid in grids if any(grid.rows)])
    # Counted after merged cells were filled: what one of them says may now stand in thousands.
    if sum(len(cell) for row in grid.rows for cell in row if isinstance(cell, str)) > MAX_CHARACTERS:
        raise SheetError(TOO_MUCH_TEXT)
    return Sheet(grid.rows, content.value, encoding, grid.name, grid.truncated)


def _grids(content: Content, data: bytes) -> tuple[str, list[Grid]]:
    """The encoding of a text and its tables."""
    # Loaded only once the limits are on, and only what this file needs.
    if content is Content.XLSX:
        from bot.sheets.xlsx import read_xlsx  # noqa: PLC0415

        return "", read_xlsx(data)
    if content is Content.XLS:
        from bot.sheets.xls import read_xls  # noqa: PLC0415

        return "", read_xls(data)
    from bot.sheets.delimited import decode, read_csv  # noqa: PLC0415
    from bot.sheets.html import read_html  # noqa: PLC0415

    text, encoding = decode(data)
    return encoding, read_html(text) if content is Content.HTML else [read_csv(text)]


def ledger_of(grids: Sequence[Grid]) -> Grid:
    """The first with the column titles of a ledger, else the first that holds anything."""
    from knowledge.sheet_columns import Columns  # noqa: PLC0415

    if not grids:
        raise SheetError(NOTHING)
    columns = Columns.load()
    return next((grid for grid in grids if columns.find_header(grid.rows)), grids[0])


if __name__ == "__main__":
    # openpyxl would load these two, where they are installed, for cells and pictures that nobody reads here.
    sys.modules.update({"numpy": None, "PIL": None})  # type: ignore[dict-item]
    serve(handle)
