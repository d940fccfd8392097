"""Reads the text of a photographed or scanned certificate; needs the ``ocr`` extra, see ``available``."""

from bot.ocr.lines import Line, UnreadableError
from bot.ocr.reader import available, read_lines

__all__ = ["Line", "UnreadableError", "available", "read_lines"]
