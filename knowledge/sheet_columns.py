"""Which column of a ledger says what: titles as people write them, found wherever the table begins."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from knowledge.files import DATA, DataError, load_yaml
from knowledge.records import InstrumentRecord
from knowledge.sheet import Cell

LIKE = 85
"""Of 100, rapidfuzz's ratio: one slip in seven characters."""
SEARCHED = 20
"""Rows above the titles: letterhead, the shop's name, instructions."""
MAX_TITLE = 20
ASIDE = "aside"
ENOUGH = 2
_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]|【.*?】")
_BREAK = re.compile(r"\s*\n\s*")
_NOISE = re.compile(r"[\s*:：、。_\-]+")

Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Header:
    """Rows ``first`` to ``last`` (1 is the first row) hold the titles; columns are counted from 0.

    ``mapping``: field of the record, or ``type``, to its column. ``titles``: every column's title as it was written.
    """

    first: int
    last: int
    mapping: dict[str, int]
    titles: dict[int, str]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    title: str
    width: float
    field: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """``ranks``: title as it is compared -> field, and how far up its field's list it stands (0 is the best)."""

    ranks: dict[str, tuple[str, int]]
    titles: dict[str, str]
    not_instruments: tuple[str, ...]
    template: tuple[TemplateColumn, ...]
    note: str

    @classmethod
    @lru_cache(maxsize=2)
    def load(cls, path: Path = DATA / "sheet_columns.yaml") -> Columns:
        data: dict[str, Any] = load_yaml(path)
        ranks: dict[str, tuple[str, int]] = {}
        for name, column in data["columns"].items():
            _known_field(path, name)
            for rank, title in enumerate(column["titles"]):
                if ranks.setdefault(title_key(str(title)), (name, rank))[0] != name:
                    raise DataError(f"{path.name}：{name} 的“{title}”也是 {ranks[title_key(str(title))][0]} 的写法。")
        template = tuple(TemplateColumn(**column) for column in data["template"]["columns"])
        for column in template:
            _known_field(path, column.field or ASIDE)
        titles = {name: column["title"] for name, column in data["columns"].items()}
        return cls(ranks, titles, tuple(data["not_instruments"]), template, data["template"]["note"])

    def find_header(self, rows: Sequence[Row]) -> Header | None:
        """The titles that name most fields; ``None`` when no row names the instrument or its number and one more."""
        found: list[Header] = []
        searched = min(SEARCHED, len(rows))
        for number in range(searched):
            found.append(self._header(number, number, [_texts(rows[number])]))
            if number + 1 < searched:
                found.append(self._header(number, number + 1, [_texts(rows[number]), _texts(rows[number + 1])]))
        best = max(found, key=lambda header: (len(header.mapping), header.first - header.last), default=None)
        return best if best and len(best.mapping) >= ENOUGH and {"name", "type", "serial"} & set(best.mapping) else None

    def field_of(self, title: str) -> tuple[str, float]:
        """The field a title means and how surely (0 to 100); empty: none."""
        key = title_key(title)
        if not key or len(key) > MAX_TITLE:
            return "", 0.0
        found = process.extractOne(key, self.ranks.keys(), scorer=fuzz.ratio, score_cutoff=LIKE)
        return _scored(self.ranks[found[0]], found[1]) if found else ("", 0.0)

    def _header(self, first: int, last: int, rows: list[dict[int, str]]) -> Header:
        titles: dict[int, str] = {}
        best: dict[str, tuple[float, int]] = {}
        unknown: list[int] = []
        for column in sorted({c for row in rows for c in row}):
            name, surety, titles[column] = self._best(list(_variants(rows, column)))
            if not name:
                unknown.append(column)
            elif name != ASIDE and surety > best.get(name, (0.0, 0))[0]:
                unknown += [best[name][1]] if name in best else []
                best[name] = surety, column
            elif name != ASIDE:
                unknown.append(column)
        mapping = {name: column for name, (_, column) in best.items()}
        return Header(first + 1, last + 1, mapping, titles, tuple(titles[c] for c in sorted(unknown)))

    def _best(self, variants: list[str]) -> tuple[str, float, str]:
        """The reading of a column's title that is best known; the plainest when none is."""
        name, surety, title = max(((*self.field_of(title), title) for title in variants), key=lambda read: read[1])
        return (name, surety, title) if name else ("", 0.0, variants[0])


def title_key(title: str) -> str:
    """A title as it is compared: half width, capitals, no blanks, marks, or remarks in brackets."""
    text = unicodedata.normalize("NFKC", title).upper()
    return _NOISE.sub("", _BRACKETS.sub("", text) or text)


def _scored(known: tuple[str, int], score: float) -> tuple[str, float]:
    """Between columns that mean the same, the one titled in the more usual way wins."""
    return known[0], score - known[1] / 100


def _texts(row: Row) -> dict[int, str]:
    """A title broken over lines is one word."""
    return {n: " ".join(_BREAK.sub("", cell).split()) for n, cell in enumerate(row) if isinstance(cell, str) and cell}


def _variants(rows: list[dict[int, str]], column: int) -> Iterator[str]:
    """检定日期 over 上次 and 下次: the lower title, with the upper in front, and behind."""
    below = rows[-1].get(column, "")
    upper = rows[0]
    above = upper.get(column) or upper.get(max((c for c in upper if c < column), default=-1), "")
    yield below or above
    if len(rows) > 1 and below and above and below != above:
        yield above + below
        yield below + above


def _known_field(path: Path, name: str) -> None:
    if name not in {f.name for f in fields(InstrumentRecord)} | {"type", ASIDE}:
        raise DataError(f"{path.name}：{name} 不是台账的字段。")
