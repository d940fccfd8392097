"""A set of certificates and labels with known contents, the same for the same seed: photos, scans and PDF files."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from tests import certificate_noise as noise
from tests.certificate_paper import A4, Sheet, Truth, Written, certificate, label, made_up, on_a_scale, second_page

KINDS = ("检定证书", "检定证书", "合格标签", "检定结果通知书", "检定证书", "合格标签", "校准证书")
PER_NOISE = 5
POINTS = 72 / 150
"""PDF points to a pixel of the drawing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file as somebody might send it. ``readable`` is False where a person could not read it either."""

    name: str
    data: bytes
    media_type: str
    truth: Truth
    readable: bool = True


def samples(seed: int) -> Iterator[Sample]:
    """77 of them: 60 readable photos, 8 readable PDF files, 9 photos that nobody could read."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    for number, (name, noises) in enumerate(noise.READABLE.items()):
        for turn in range(PER_NOISE):
            kind = KINDS[(number * PER_NOISE + turn) % len(KINDS)]
            yield photo(kind, name, noises, dice)
    for turn in range(4):
        yield scan_pdf(KINDS[turn], dice)
        yield text_pdf(KINDS[turn], dice)
    for name, noises in noise.UNREADABLE.items():
        for kind in ("检定证书", "合格标签", "检定结果通知书"):
            yield replace(photo(kind, name, noises, dice), readable=False)


def photo(kind: str, name: str, noises: Sequence[noise.Noise], dice: random.Random) -> Sample:
    truth, image = paper(kind, dice)
    return Sample(f"{kind}, {name}", jpeg(noise.apply(image, tuple(noises), dice)), "image/jpeg", truth)


def paper(kind: str, dice: random.Random) -> tuple[Truth, Image.Image]:
    truth = made_up(dice, kind)
    if kind != "合格标签":
        return truth, certificate(truth, dice).image
    # Neither the model nor the maker is on a label.
    return replace(truth, model="", maker=""), on_a_scale(label(truth, dice).image, dice)


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def pages_of(kind: str, dice: random.Random) -> tuple[Truth, list[Sheet]]:
    kind = "检定证书" if kind == "合格标签" else kind
    truth = made_up(dice, kind)
    return truth, [certificate(truth, dice), second_page(truth)]


def scan_pdf(kind: str, dice: random.Random) -> Sample:
    """Two pages of pictures only, as from an office copier."""
    truth, sheets = pages_of(kind, dice)
    first, *others = (noise.grainy(sheet.image, 6, dice) for sheet in sheets)
    buffer = io.BytesIO()
    first.save(buffer, "PDF", save_all=True, append_images=others, resolution=150)
    return Sample(f"{kind}, scanned PDF", buffer.getvalue(), "application/pdf", truth)


def text_pdf(kind: str, dice: random.Random) -> Sample:
    """Two pages with their text, as an electronic certificate."""
    truth, sheets = pages_of(kind, dice)
    return Sample(f"{kind}, PDF with text", write_pdf([s.written for s in sheets]), "application/pdf", truth)


def write_pdf(pages: Sequence[Sequence[Written]]) -> bytes:
    """Text set in a font that every reader of Chinese PDF files has, so none needs to be in the file."""
    font = (
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[<</Type/Font"
        b"/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>"
        b"/DW 1000/W[1 95 500]/FontDescriptor 4 0 R>>]>>"
    )
    descriptor = (
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>"
    )
    kids = b" ".join(b"%d 0 R" % (5 + 2 * n) for n in range(len(pages)))
    box = f"{A4[0] * POINTS:.0f} {A4[1] * POINTS:.0f}".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)),
        font,
        descriptor,
    ]
    for number, page in enumerate(pages):
        content = b"\n".join(_show(written) for written in page)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %s]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % (box, 6 + 2 * number)
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
    return _file(objects)


def _show(written: Written) -> bytes:
    x, y = written.x * POINTS, (A4[1] - written.y - written.size) * POINTS
    coded = written.text.encode("utf-16-be").hex()
    return f"BT /F1 {written.size * POINTS:.1f} Tf {x:.1f} {y:.1f} Td <{coded}> Tj ET".encode()


def _file(objects: Sequence[bytes]) -> bytes:
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        count, table, count, len(data),
    )  # fmt: skip
