"""The child that reads a file under limits: ``python -m bot.ocr.child``, see ``bot.limited``."""

from __future__ import annotations

from bot.limited import serve
from bot.ocr.lines import Line, UnreadableError, pack_lines, pack_refusal, unpack_file

PDF = "application/pdf"


def handle(request: bytes) -> bytes:
    try:
        return pack_lines(read(*unpack_file(request)))
    except UnreadableError as error:
        return pack_refusal(str(error))


def read(data: bytes, media_type: str) -> list[Line]:
    """All lines of all pages, from the top of each."""
    # Loaded only once the limits are on.
    from bot.ocr.images import brighten, decode  # noqa: PLC0415
    from bot.ocr.pages import read_pdf  # noqa: PLC0415
    from bot.ocr.recogniser import Recogniser  # noqa: PLC0415

    recogniser: Recogniser | None = None
    lines: list[Line] = []
    for number, page in enumerate(read_pdf(data) if media_type == PDF else [decode(data, media_type)]):
        if isinstance(page, list):
            lines += page
        else:
            recogniser = recogniser or Recogniser()
            lines += recogniser.read(brighten(page), number)
    return lines


if __name__ == "__main__":
    serve(handle)
