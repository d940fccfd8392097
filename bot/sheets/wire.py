"""What the reading of spreadsheets agrees on: limits, refusals, and the bytes between the child and the bot."""

from __future__ import annotations

import json
from dataclasses import dataclass

from knowledge.sheet import Cell, Sheet

MAX_ROWS = 6_000
MAX_COLUMNS = 60
LAST_LINE = 10_000
"""Rows further down are not taken, so that one stray cell at the bottom does not make a million rows."""
MAX_SHEETS = 20
MAX_TEXT = 1_000
"""Characters of one cell; no field of a ledger is near it."""

MAX_CHARACTERS = 5_000_000
"""Of all cells together: six times a full ledger. One text said in every cell costs a file next to nothing."""

TOO_MANY_ROWS = f"这张表超过{MAX_ROWS:,}行，一次收不下。请拆成几个文件，每个不超过{MAX_ROWS:,}行，分次发来。"
TOO_MANY_COLUMNS = f"这张表超过{MAX_COLUMNS}列，收不下。请只留下台账用到的列再发。"
TOO_MUCH_TEXT = "这张表里的文字太多，收不下。请只留下台账用到的列再发。"
SAVE_AS = "请用 Excel 或 WPS 打开后另存为 .xlsx，再发一次。"


class SheetError(ValueError):
    """The file is no table that can be read; the text says in Chinese what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet of a workbook, or the one table of another file."""

    rows: list[list[Cell]]
    name: str = ""
    truncated: bool = False


def pack_sheet(sheet: Sheet) -> bytes:
    return json.dumps({"sheet": sheet.to_json()}, ensure_ascii=False).encode()


def pack_refusal(sentence: str) -> bytes:
    return json.dumps({"refusal": sentence}, ensure_ascii=False).encode()


def unpack_sheet(answer: bytes) -> Sheet:
    """``SheetError`` when the child refused the file."""
    data = json.loads(answer)
    if "refusal" in data:
        raise SheetError(data["refusal"])
    return Sheet.from_json(data["sheet"])
