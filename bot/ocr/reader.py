"""The bot's side of reading: hands the file to a limited child process and takes back lines of text."""

from __future__ import annotations

from importlib.util import find_spec

from bot.limited import LimitedError, Limits, run
from bot.ocr.lines import Line, UnreadableError, pack_file, unpack_lines

EXTRA = ("rapidocr", "onnxruntime", "pypdfium2", "PIL")
LIMITS = Limits(memory=2048, cpu=90, seconds=120)
"""A 12-megapixel photo takes less than 1000 MB and 7 s, five scanned pages 21 s, a page full of small print 60 s."""
FEWEST = 6
"""Characters: less than this is dust on a blurred picture, not a certificate."""

TOO_MUCH = "这个文件读不下来：可能太大、太复杂，或已损坏。请只拍证书那一页，或截图再发。"
NOTHING = "没有读到文字。请把证书放平，光线亮一些，拍清楚整页再发。"


def available() -> bool:
    """Whether the extra is installed; nothing of it is loaded into this process."""
    return all(find_spec(name) is not None for name in EXTRA)


def read_lines(data: bytes, media_type: str) -> list[Line]:
    """Blocks for seconds, up to two minutes for a long scan. ``UnreadableError`` says what is wrong with the file."""
    try:
        answer = run("bot.ocr.child", pack_file(data, media_type), LIMITS)
    except LimitedError:
        raise UnreadableError(TOO_MUCH) from None
    lines = unpack_lines(answer)
    if sum(len(line.text) for line in lines) < FEWEST:
        raise UnreadableError(NOTHING)
    return lines
