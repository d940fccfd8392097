"""The bot's side of reading a spreadsheet: the file is opened only in a limited child process."""

from __future__ import annotations

from bot.files import MAX_FILE
from bot.limited import LimitedError, Limits, run
from bot.sheets.wire import SAVE_AS, SheetError, unpack_sheet
from knowledge.sheet import Cell, Sheet

__all__ = ["Cell", "Sheet", "SheetError", "read_sheet"]

LIMITS = Limits(memory=512, cpu=20, seconds=40)

EMPTY = "这个文件是空的。请检查后再发一次。"
TOO_LARGE = f"这个文件超过{MAX_FILE // 1024 // 1024} MB，收不下。请只留台账那一张表，或拆成几个文件再发。"
TOO_MUCH = f"这个表格读不下来：可能太大、太复杂，或已损坏。只留台账那一张表，{SAVE_AS}"


def read_sheet(data: bytes, name: str) -> Sheet:  # noqa: ARG001 - a name is a claim: the content decides
    """The first visible sheet that looks like a ledger. Blocks for a second or so; ``SheetError`` says what is wrong."""
    if not data.strip(b"\0 \t\r\n"):
        raise SheetError(EMPTY)
    if len(data) > MAX_FILE:
        raise SheetError(TOO_LARGE)
    try:
        return unpack_sheet(run("bot.sheets.child", data, LIMITS))
    except LimitedError:
        raise SheetError(TOO_MUCH) from None
