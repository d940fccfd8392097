"""The pages of a PDF: the text that is in it, or a picture of the page where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2 as pdfium  # type: ignore[import-untyped] # shipped without type information

from bot.ocr.images import Pixels, from_pillow
from bot.ocr.lines import Line, UnreadableError

MAX_PAGES = 5
DPI = 200
MAX_PAGE_PIXELS = 6_000_000
POINTS = 72
"""Of a PDF, to the inch."""
ENOUGH = 40
"""Characters: less than this beside a picture is a stamp or a page number, not the text of a certificate."""

ENCRYPTED = "这个 PDF 有打开密码，读不了。请去掉密码再发，或截图、拍照发来。"
BROKEN = "这个 PDF 打不开，可能没传完或已损坏。请重新下载再发，或拍照发来。"


def read_pdf(data: bytes) -> Iterator[list[Line] | Pixels]:
    """Page by page, the first five: its lines, or its picture. ``UnreadableError``: a password, a broken file."""
    try:
        document = pdfium.PdfDocument(data)
        for number in range(min(len(document), MAX_PAGES)):
            yield _page(document[number], number)
    except pdfium.PdfiumError as error:
        raise UnreadableError(ENCRYPTED if "password" in str(error).lower() else BROKEN) from None


def _page(page: pdfium.PdfPage, number: int) -> list[Line] | Pixels:
    lines = _text_layer(page, number)
    return lines if sum(len(line.text) for line in lines) >= ENOUGH else _picture(page)


def _text_layer(page: pdfium.PdfPage, number: int) -> list[Line]:
    """The layer's own rectangles, with the origin moved to the upper left and points made pixels."""
    text, top, scale = page.get_textpage(), page.get_height(), DPI / POINTS
    lines = []
    for index in range(text.count_rects()):
        left, low, right, high = text.get_rect(index)
        said = text.get_text_bounded(left, low, right, high).strip()
        if said:
            box = (left * scale, (top - high) * scale, (right - left) * scale, (high - low) * scale)
            lines.append(Line(said, *box, score=1.0, page=number))
    return lines


def _picture(page: pdfium.PdfPage) -> Pixels:
    """At most six megapixels, however large the page says it is."""
    width, height = page.get_size()
    scale = min(DPI / POINTS, (MAX_PAGE_PIXELS / max(width * height, 1)) ** 0.5)
    return from_pillow(page.render(scale=scale).to_pil())
