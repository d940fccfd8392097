"""Reading by the real recogniser in its limited child: a few runs only, each takes seconds of work."""

from __future__ import annotations

import io
import random
import socket
import struct
import zlib

import pytest
from PIL import Image

from bot.ocr import Line, UnreadableError, available, child, read_lines
from bot.ocr.images import brighten, decode, fade_seal, from_pillow
from bot.ocr.lines import pack_file, pack_lines, unpack_lines
from bot.ocr.recogniser import MODELS, Recogniser
from knowledge.certificates import CertificateFields, read_certificate
from tests import certificate_noise as noise
from tests.certificate_paper import Truth
from tests.certificates import Sample, jpeg, paper, photo, scan_pdf, text_pdf


@pytest.fixture
def dice() -> random.Random:
    return random.Random(7)  # noqa: S311 - samples, not secrets


def shown(sample: Sample) -> tuple[CertificateFields, Truth]:
    return read_certificate(read_lines(sample.data, sample.media_type)), sample.truth


def assert_same(fields: CertificateFields, truth: Truth) -> None:
    for name in ("kind_of_document", "certificate_no", "serial", "verified_on", "due_on", "conclusion"):
        assert getattr(fields, name) == getattr(truth, name), name


def test_the_extra_is_here_for_the_tests() -> None:
    assert available()


def test_a_certificate_on_its_side_in_a_dim_room_is_read(dice: random.Random) -> None:
    assert_same(*shown(photo("检定证书", "", (noise.on_side, noise.dim), dice)))


def test_a_skewed_label_on_a_scale_is_read(dice: random.Random) -> None:
    assert_same(*shown(photo("合格标签", "", (noise.skewed,), dice)))


def test_twelve_megapixels_upside_down_are_read(dice: random.Random) -> None:
    assert_same(*shown(photo("检定结果通知书", "", (noise.twelve_megapixels, noise.upside_down), dice)))


def test_an_electronic_certificate_gives_its_own_text(dice: random.Random) -> None:
    sample = text_pdf("检定证书", dice)
    lines = read_lines(sample.data, sample.media_type)
    assert {line.page for line in lines} == {0, 1}
    assert {line.score for line in lines} == {1.0}
    assert_same(read_certificate(lines), sample.truth)


def test_a_scan_of_two_pages_is_read(dice: random.Random) -> None:
    assert_same(*shown(scan_pdf("检定证书", dice)))


def test_reading_needs_no_network(dice: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models lie in the recogniser's package; any socket would be an error here."""

    def no_socket(*_: object, **__: object) -> socket.socket:
        raise AssertionError("a socket was opened")

    before = sorted(path.name for path in MODELS.iterdir())
    monkeypatch.setattr(socket, "socket", no_socket)
    _, image = paper("合格标签", dice)
    lines = Recogniser().read(from_pillow(image), 0)
    assert "合格" in "".join(line.text for line in lines)
    assert sorted(path.name for path in MODELS.iterdir()) == before


def png_of(width: int, height: int) -> bytes:
    """All black and a few kilobytes small, however large it says it is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = b"\0" * (width // 8 + 2)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "media_type", "word"),
    [
        (png_of(30_000, 30_000), "image/png", "4000 万像素"),
        (png_of(9_000, 5_000), "image/png", "4000 万像素"),
        (b"\xff\xd8\xff\xe0 not a photo", "image/jpeg", "打不开"),
        (b"%PDF-1.4 not a document", "application/pdf", "打不开"),
        (b"....ftypheic", "image/heic", "HEIC"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, media_type: str, word: str) -> None:
    answer = child.handle(pack_file(data, media_type))
    with pytest.raises(UnreadableError, match=word):
        unpack_lines(answer)


def test_a_bomb_does_not_reach_the_bot() -> None:
    with pytest.raises(UnreadableError, match="4000 万像素"):
        read_lines(png_of(30_000, 30_000), "image/png")


def test_a_truncated_photo_is_refused(dice: random.Random) -> None:
    _, image = paper("合格标签", dice)
    with pytest.raises(UnreadableError, match="打不开"):
        decode(jpeg(image)[:5_000], "image/jpeg")


def test_too_dark_a_photo_says_so() -> None:
    with pytest.raises(UnreadableError, match="太暗"):
        brighten(from_pillow(Image.new("RGB", (200, 200), (9, 9, 9))))


def test_the_camera_says_which_side_is_up() -> None:
    image, buffer = Image.new("RGB", (300, 200), "white"), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(buffer, "JPEG", exif=exif)
    assert decode(buffer.getvalue(), "image/jpeg").shape == (300, 200, 3)


def test_a_large_photo_is_made_smaller_while_it_is_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (6_000, 4_500), "white").save(buffer, "JPEG")
    assert max(decode(buffer.getvalue(), "image/jpeg").shape) <= 4_000


def test_transparent_paper_is_white() -> None:
    assert from_pillow(Image.new("RGBA", (4, 4), (0, 0, 0, 0))).min() == 255


def test_a_seal_fades_and_a_red_label_stays() -> None:
    page = Image.new("RGB", (100, 100), "white")
    page.paste((205, 30, 35), (0, 0, 20, 20))
    assert fade_seal(from_pillow(page))[5, 5].tolist() == [205, 205, 205]
    red = from_pillow(Image.new("RGB", (100, 100), (205, 30, 35)))
    assert (fade_seal(red) == red).all()


def test_lines_come_back_as_they_were_sent() -> None:
    lines = [Line("检定证书", 1.5, 2, 3, 4, 0.99, 0)]
    assert unpack_lines(pack_lines(lines)) == lines
