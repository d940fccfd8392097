"""Which files are taken, and how one is recognised: by its first bytes, never by what it claims to be."""

from __future__ import annotations

import puremagic

MAX_FILE = 10 * 1024 * 1024
IMAGE_TYPES = frozenset(("image/jpeg", "image/png", "image/webp", "image/gif", "image/heic", "image/heif"))
FILE_TYPES = frozenset(
    (
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel",
        "text/csv",
    )
)
VOICE_TYPES = frozenset(("audio/amr", "audio/mpeg", "audio/ogg", "audio/mp4", "audio/wav"))
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
    try:
        found: str = puremagic.from_string(data, mime=True, filename=name)
    except (puremagic.PureError, ValueError):
        found = ""
    if not found and name.lower().endswith(".csv") and b"\x00" not in data[:4096]:
        return "text/csv"
    return found


def voice_type_of(data: bytes) -> str:
    """The type of a recording as the platforms make them; empty: none of them."""
    if data[4:12] in (b"ftypM4A ", b"ftypisom", b"ftypmp42"):
        return "audio/mp4"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    return next((kind for start, kind in _VOICES if data.startswith(start)), "")
