"""A table as it stands in a file: cells by row and column, before anybody knows what they mean."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypeAlias

Cell: TypeAlias = str | float | date | None
"""Text, a number (a count, an Excel day number, a serial number that lost its zeros), a day, or nothing."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """``rows[n]`` is row ``n + 1`` as the spreadsheet shows it; blank rows are empty lists.

    ``format`` is xlsx, xls, csv or html; ``encoding`` (csv, html) UTF-8, UTF-16, GBK or GB18030. ``truncated``: after a
    gap of thousands of rows the file goes on, and that part was not taken.
    """

    rows: list[list[Cell]]
    format: str
    encoding: str = ""
    name: str = ""
    truncated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Days become lists of one ISO day, which no other cell is."""
        return asdict(self) | {"rows": [[_packed(cell) for cell in row] for row in self.rows]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Sheet:
        return cls(**data | {"rows": [[_unpacked(cell) for cell in row] for row in data["rows"]]})


def _packed(cell: Cell) -> Any:
    return [cell.isoformat()] if isinstance(cell, date) else cell


def _unpacked(cell: Any) -> Cell:
    return date.fromisoformat(cell[0]) if isinstance(cell, list) else cell
