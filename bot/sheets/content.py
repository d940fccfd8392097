"""What a file is by its content; what it is not, in a sentence that says what to do."""

from __future__ import annotations

import io
import zipfile
from enum import Enum

from bot.sheets.wire import SAVE_AS, SheetError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BIFF = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")
"""How an .xls of the first Excel versions begins, without the envelope of the later ones."""
MAX_UNPACKED = 120 * 1024 * 1024
MAX_RATIO = 100
MAX_ENTRIES = 2_000
SMALL = 4 * 1024 * 1024
"""An entry below this may be packed at any ratio: a long table of equal rows is."""

ENCRYPTED = f"这个文件有打开密码。请去掉密码（文件 → 信息 → 保护工作簿），{SAVE_AS}"
BROKEN = f"这个文件已损坏或没有传完整。{SAVE_AS}"
WORD = "这是 Word 文档，不是表格。请把里面的表复制到 Excel，保存为 .xlsx 再发。"
OTHER_OFFICE = f"这种表格格式读不了。{SAVE_AS}"
BOMB = f"这个文件解压后过大，没有打开。只留台账那一张表，{SAVE_AS}"
PICTURE = "这是图片，不是表格。证书照片请直接当图片发；台账请发 .xlsx、.xls 或 .csv 文件。"
PDF = "这是 PDF，不是表格。检定证书请直接发来识别；台账请发 .xlsx、.xls 或 .csv 文件。"
ARCHIVE = "这是压缩包。请解压后只发里面的表格文件。"
NO_TABLE = "这个文件不是表格。请发 .xlsx、.xls 或 .csv 文件。"

_OTHERS = (
    (b"%PDF", PDF),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"GIF8", PICTURE),
    (b"{\\rtf", WORD),
    (b"Rar!", ARCHIVE),
    (b"7z\xbc\xaf", ARCHIVE),
    (b"\x7fELF", NO_TABLE),
    (b"MZ\x90", NO_TABLE),
)


class Content(Enum):
    XLSX = "xlsx"
    XLS = "xls"
    CSV = "csv"
    HTML = "html"


def content_of(data: bytes) -> Content:
    """``SheetError`` for whatever is no table."""
    if data.startswith(b"PK"):
        return _zipped(data)
    if data.startswith(OLE):
        return _ole(data)
    if data.startswith(BIFF):
        return Content.XLS
    refusal = next((sentence for start, sentence in _OTHERS if data.startswith(start)), "")
    if refusal:
        raise SheetError(refusal)
    return _text(data)


def _ole(data: bytes) -> Content:
    """By the names of the streams in the envelope, which stand in it as UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise SheetError(ENCRYPTED)
    if "WordDocument".encode("utf-16-le") in data:
        raise SheetError(WORD)
    if any(name.encode("utf-16-le") + b"\0\0" in data for name in ("Workbook", "Book", "WORKBOOK", "BOOK")):
        return Content.XLS
    raise SheetError(BROKEN)


def _zipped(data: bytes) -> Content:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError):
        raise SheetError(BROKEN) from None
    _bounded(entries)
    names = {entry.filename.lower() for entry in entries}
    if "[content_types].xml" in names and any(name.startswith("xl/") and name.endswith(".xml") for name in names):
        return Content.XLSX
    if any(name.startswith("word/") for name in names):
        raise SheetError(WORD)
    office = "mimetype" in names or "[content_types].xml" in names
    raise SheetError(OTHER_OFFICE if office else ARCHIVE)


def _bounded(entries: list[zipfile.ZipInfo]) -> None:
    """Judged by what the entries declare; one that lies fails its length check while it is unpacked."""
    total = sum(entry.file_size for entry in entries)
    steep = any(e.file_size > SMALL and e.file_size > MAX_RATIO * max(e.compress_size, 1) for e in entries)
    if total > MAX_UNPACKED or len(entries) > MAX_ENTRIES or steep:
        raise SheetError(BOMB)
    if any(entry.flag_bits & 1 for entry in entries):
        raise SheetError(ENCRYPTED)


def _text(data: bytes) -> Content:
    head = data[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\0", b"").lower()
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head or head.startswith(b"mime-version"):
        raise SheetError(OTHER_OFFICE)
    if head.startswith(b"<"):
        return Content.HTML
    return Content.CSV
