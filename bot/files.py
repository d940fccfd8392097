"""Which files are taken, and how one is recognised: by its first bytes, never by what it claims to be."""

from __future__ import annotations

import puremagic

MAX_FILE = 10 * 1024 * 1024
IMAGE_TYPES = frozenset(("image/jpeg", "image/png", "image/webp", "image/gif", "image/heic", "image/heif"))
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS, CSV = "application/vnd.ms-excel", "text/csv"
FILE_TYPES = frozenset(("application/pdf", XLSX, XLS, CSV))
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_SHEETS = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book", "EncryptedPackage"))
_TABLE_NAMES = (".csv", ".xls", ".xlsx", ".tsv", ".txt")
VOICE_TYPES = frozenset(("audio/amr", "audio/mpeg", "audio/ogg", "audio/mp4", "audio/wav"))
VIDEO_TYPES = frozenset(("video/mp4", "video/quicktime"))
_FILM_BRANDS = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"MSNV",
    b"3gp4",
    b"3gp5",
    b"3gp6",
)
_VOICES = (
    (b"#!AMR", "audio/amr"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)


def media_type_of(data: bytes, name: str) -> str:
    """The type by the file's first bytes; the name decides only between formats that share them. Empty: unknown."""
    sheet = sheet_type_of(data, name)
    if sheet:
        return sheet
    try:
        found: str = puremagic.from_string(data, mime=True, filename=name)
    except (puremagic.PureError, ValueError):
        return ""
    # What only its name says to be a PDF is none.
    return "" if found == "application/pdf" and b"%PDF" not in data[:1024] else found


def sheet_type_of(data: bytes, name: str) -> str:
    """The type of a spreadsheet by the names of its parts; of text only where the file is called a table. Empty: none.

    Protected workbooks and web pages called .xls pass: the reader says what is wrong with them, or reads them.
    """
    if data.startswith(ZIP):
        return XLSX if b"xl/workbook" in data else ""
    if data.startswith(OLE):
        return XLS if any(stream in data for stream in _OLE_SHEETS) else ""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = (wide or b"\0" not in data[:4096]) and not data.startswith((b"%PDF", b"\xff\xd8\xff"))
    return CSV if text and name.lower().endswith(_TABLE_NAMES) else ""


def voice_type_of(data: bytes) -> str:
    """The type of a recording as the platforms make them; empty: none of them."""
    if data[4:12] in (b"ftypM4A ", b"ftypisom", b"ftypmp42"):
        return "audio/mp4"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    return next((kind for start, kind in _VOICES if data.startswith(start)), "")


def video_type_of(data: bytes) -> str:
    """The type of a film as phones and platforms make them; empty: none of them."""
    if data[4:8] != b"ftyp":
        return ""
    return "video/quicktime" if data[8:12] == b"qt  " else "video/mp4" if data[8:12] in _FILM_BRANDS else ""
