"""Tables of web pages: portals hand these out under the name of a spreadsheet."""

from __future__ import annotations

from html.parser import HTMLParser

from bot.sheets.cells import bounded, clean
from bot.sheets.wire import MAX_COLUMNS, MAX_ROWS, TOO_MANY_COLUMNS, TOO_MANY_ROWS, Grid, SheetError

MAX_SPAN = 200
MAX_TABLES = 3


def read_html(text: str) -> list[Grid]:
    """The first tables of the page, tables within tables counted for themselves."""
    parser = _Tables()
    parser.feed(text)
    parser.close()
    parser.end_row()
    return [bounded(table) for table in parser.tables[:MAX_TABLES]]


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str | None]]] = []
        self._row: list[str | None] | None = None
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._below: dict[int, tuple[int, str]] = {}
        """By column: how many more rows a cell from above reaches down, and what it says."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.end_row()
            self._below = {}
            self.tables.append([])
        elif tag == "tr":
            self.end_row()
            self._row = []
        elif tag in ("td", "th"):
            self._end_cell()
            self._row = [] if self._row is None else self._row
            given = dict(attrs)
            self._span = _span(given.get("colspan")), _span(given.get("rowspan"))
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self.end_row()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def end_row(self) -> None:
        self._end_cell()
        if self._row is None:
            return
        self._from_above()
        row, self._row = self._row, None
        if not self.tables:
            self.tables.append([])
        if len(self.tables[-1]) > MAX_ROWS:
            raise SheetError(TOO_MANY_ROWS)
        self.tables[-1].append(row)

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        text, self._cell = " ".join(clean("".join(self._cell)).split()), None
        self._from_above()
        across, down = self._span
        for _ in range(across):
            if down > 1:
                self._below[len(self._row)] = (down - 1, text)
            self._row.append(text)
        if len(self._row) > MAX_COLUMNS + MAX_SPAN:
            raise SheetError(TOO_MANY_COLUMNS)

    def _from_above(self) -> None:
        row = self._row
        while row is not None and (above := self._below.pop(len(row), None)):
            left, text = above
            if left > 1:
                self._below[len(row)] = (left - 1, text)
            row.append(text)


def _span(value: str | None) -> int:
    return min(int(value), MAX_SPAN) or 1 if value and value.isascii() and value.isdigit() else 1
