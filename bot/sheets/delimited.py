"""Tables as text: what they are encoded in, what parts their columns."""

from __future__ import annotations

import csv
import io
from collections import Counter

from bot.sheets.cells import bounded
from bot.sheets.content import BROKEN, NO_TABLE
from bot.sheets.wire import SAVE_AS, Grid, SheetError

DELIMITERS = (",", "\t", ";", "，", "|", "；")
"""In doubt the earlier."""
SAMPLE = 50
MAX_LINES_IN_CELL = 10
ENCODINGS = (("utf-8-sig", "UTF-8"), ("gbk", "GBK"), ("gb18030", "GB18030"))
UNKNOWN_ENCODING = f"这个文件的文字编码认不出来（能读 UTF-8、GBK、GB18030）。{SAVE_AS}"


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding."""
    wide = _wide(data)
    if wide:
        return _checked(data.decode(wide, "replace").lstrip("\ufeff")), "UTF-16"
    for codec, name in ENCODINGS:
        try:
            return _checked(data.decode(codec)), name
        except UnicodeDecodeError:
            continue
    raise SheetError(UNKNOWN_ENCODING)


def _wide(data: bytes) -> str:
    """UTF-16 by its mark, or by every other byte of its commas and digits being zero."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:4096]
    low, high = head[1::2].count(0), head[::2].count(0)
    if max(low, high) * 5 < len(head):
        return ""
    return "utf-16-le" if low > high else "utf-16-be"


def _checked(text: str) -> str:
    """Binary that happens to decode is no table."""
    odd = sum(1 for c in text[:4096] if c < " " and c not in "\t\r\n")
    if odd * 20 > len(text[:4096]):
        raise SheetError(NO_TABLE)
    return text.replace("\0", "")


def read_csv(text: str) -> Grid:
    lines = text.splitlines()
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == len("sep=,"):
        return bounded([[], *_parsed(text.split("\n", 1)[-1], lines[0][-1])])
    return bounded(_parsed(text, _delimiter(lines[:SAMPLE])))


def _parsed(text: str, delimiter: str) -> list[list[str]]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        rows = []
    # A quotation mark that is only a mark (5" 压力表) swallows the lines after it.
    if rows and all(cell.count("\n") < MAX_LINES_IN_CELL for row in rows for cell in row):
        return rows
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    except csv.Error:
        raise SheetError(BROKEN) from None


def _delimiter(lines: list[str]) -> str:
    """The one that parts most lines into one and the same number of columns."""
    return max(DELIMITERS, key=lambda delimiter: (_regular(lines, delimiter), -DELIMITERS.index(delimiter)))


def _regular(lines: list[str], delimiter: str) -> int:
    widths = Counter(width for line in lines if (width := line.count(delimiter)))
    return max((width * times for width, times in widths.items()), default=0)
