"""T3 and T12: working copies hold nothing but pixels, and pictures made to harm end in a sentence."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from bot import pictures
from bot.files import MAX_FILE
from bot.limited import Limits
from bot.pictures import BadPictureError, Copy, distance, unpack, working_copy
from bot.pictures.child import LONGEST_SIDE, made_anew

CANARY = b"CANARY-30.2741N-120.1551E"
FORMATS = ("JPEG", "PNG", "WEBP")
GPS, MAKER_NOTE, USER_COMMENT = 0x8825, 0x927C, 0x9286


def drawn(size: tuple[int, int] = (240, 160), mode: str = "RGB") -> Image.Image:
    """Something with shapes: a dark bar on the left, a light disc in the upper right corner."""
    picture = Image.new("RGB", size, (120, 140, 160))
    pen, (width, height) = ImageDraw.Draw(picture), size
    pen.rectangle((0, 0, width // 5, height), fill=(20, 20, 60))
    pen.ellipse((width * 3 // 5, height // 12, width * 9 // 10, height // 2), fill=(250, 240, 200))
    return picture.convert(mode)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def copied(data: bytes) -> Copy:
    """By the child's own function, in this process: hundreds of processes would take minutes."""
    return unpack(made_anew(data))


def opened(copy: Copy) -> Image.Image:
    return Image.open(io.BytesIO(copy.data), formats=("JPEG",))


# -- metadata -----------------------------------------------------------------------------------------------------


def exif(canary: bytes, orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x013B] = orientation, canary.decode(), "老王"
    block.get_ifd(0x8769)[MAKER_NOTE] = canary
    block.get_ifd(0x8769)[USER_COMMENT] = b"ASCII\0\0\0" + canary
    block.get_ifd(GPS)[1], block.get_ifd(GPS)[2] = "N", (30.0, 16.0, 26.8)
    block.get_ifd(GPS)[0x1B] = canary
    return block.tobytes()


def xmp(canary: bytes) -> bytes:
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:li>' + canary + b"</rdf:li></x:xmpmeta>"


@cache
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def after(data: bytes, place: int, extra: bytes) -> bytes:
    return data[:place] + extra + data[place:]


def riff(data: bytes, kind: bytes, body: bytes) -> bytes:
    """A WebP file with one more chunk at its end."""
    longer = data + kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return longer[:4] + struct.pack("<I", len(longer) - 8) + longer[8:]


def with_jpeg_blocks(canary: bytes, orientation: int, *, comment: bool, iptc: bool) -> bytes:
    data = saved(drawn(), "JPEG", exif=exif(canary, orientation), icc_profile=srgb() + canary, xmp=xmp(canary))
    if comment:
        data = after(data, 2, jpeg_segment(0xFE, canary))
    if iptc:
        data = after(data, 2, jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 30) + canary))
    return data


def with_png_blocks(canary: bytes, orientation: int, *, comment: bool, iptc: bool) -> bytes:
    texts = PngInfo()
    texts.add_text("Comment", canary.decode(), zip=comment)
    texts.add_itxt("XML:com.adobe.xmp", xmp(canary).decode())
    if iptc:
        texts.add_text("Raw profile type iptc", canary.hex())
    data = saved(drawn(), "PNG", exif=exif(canary, orientation), icc_profile=srgb() + canary, pnginfo=texts)
    return after(data, 33, png_chunk(b"prVt", canary))


def with_webp_blocks(canary: bytes, orientation: int, *, comment: bool, iptc: bool) -> bytes:
    data = saved(drawn(), "WEBP", exif=exif(canary, orientation), icc_profile=srgb() + canary, xmp=xmp(canary))
    data = riff(data, b"NOTE", canary) if comment else data
    return riff(data, b"IPTC", canary) if iptc else data


WITH_BLOCKS: dict[str, Callable[..., bytes]] = {
    "JPEG": with_jpeg_blocks,
    "PNG": with_png_blocks,
    "WEBP": with_webp_blocks,
}


@settings(max_examples=170)
@pytest.mark.parametrize("kind", FORMATS)
@given(
    st.text("abcdefgh0123456789", min_size=8, max_size=30),
    st.integers(0, 9),
    st.sets(st.sampled_from(("comment", "iptc"))),
    st.binary(max_size=40),
)
def test_T3_no_metadata_of_500_blocks_comes_along(
    kind: str, word: str, orientation: int, more: set[str], tail: bytes
) -> None:
    canary = b"CANARY" + word.encode()
    data = WITH_BLOCKS[kind](canary, orientation, comment="comment" in more, iptc="iptc" in more) + canary + tail
    assert canary in data
    copy = copied(data)
    for trace in (
        canary,
        canary.hex().encode(),
        b"Exif",
        b"http",
        b"Photoshop",
        b"ICC_PROFILE",
        b"adobe",
        "老王".encode(),
    ):
        assert trace not in copy.data
    with opened(copy) as picture:
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not picture.getexif()
        turned = orientation in range(5, 9)
        assert picture.size == ((160, 240) if turned else (240, 160)) == (copy.width, copy.height)


@pytest.mark.parametrize("kind", FORMATS)
def test_T3_nor_through_the_child_itself(kind: str) -> None:
    data = WITH_BLOCKS[kind](CANARY, 6, comment=True, iptc=True)
    copy = working_copy(data)
    assert CANARY not in copy.data
    assert copy == copied(data)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_the_phone_was_held_the_copy_is_upright(orientation: int) -> None:
    """The dark bar is on the left again."""
    stored = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    picture = drawn() if stored is None else drawn().transpose(Image.Transpose(stored))
    block = Image.Exif()
    block[0x0112] = orientation
    copy = copied(saved(picture, "JPEG", exif=block.tobytes(), quality=95))
    with opened(copy) as upright:
        assert upright.size == (240, 160)
        assert sum(upright.getpixel((10, 80))) < 150 < sum(upright.getpixel((230, 150)))
        assert sum(upright.getpixel((180, 40))) > 600
    assert distance(copy.dhash, copied(saved(drawn(), "JPEG", quality=95)).dhash) <= 2


def test_metadata_that_is_broken_is_no_reason_to_refuse_a_photo() -> None:
    copy = copied(saved(drawn(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + CANARY))
    assert (copy.width, copy.height) == (240, 160)
    assert CANARY not in copy.data


# -- what is shown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixels_looks_as_it_did(mode: str) -> None:
    picture = (
        drawn().convert("L").convert("I").point(lambda v: v * 256).convert("I;16")
        if mode == "I;16"
        else drawn(mode=mode)
    )
    copy = copied(saved(picture, "PNG"))
    with opened(copy) as shown, drawn().convert("L") as grey:
        assert (shown.mode, shown.size) == ("RGB", (240, 160))
        for place in ((10, 80), (180, 40)):
            assert abs(shown.convert("L").getpixel(place) - grey.getpixel(place)) < 60


def test_what_lies_under_a_transparent_part_is_not_shown() -> None:
    picture = Image.new("RGBA", (60, 60), (10, 20, 30, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 30, 60))
    with opened(copied(saved(picture, "PNG"))) as shown:
        assert min(shown.getpixel((45, 30))) > 245
        assert shown.getpixel((15, 30))[0] > 180


def test_of_a_moving_picture_the_first_frame_is_taken() -> None:
    data = saved(drawn(), "GIF", save_all=True, append_images=[Image.new("RGB", (240, 160), "red")], comment=CANARY)
    copy = copied(data)
    assert CANARY not in copy.data
    assert distance(copy.dhash, copied(saved(drawn(), "PNG")).dhash) <= 2


@pytest.mark.parametrize(
    ("size", "expected"),
    [((2048, 100), (2048, 100)), ((2049, 1000), (2048, 1000)), ((5000, 2500), (2048, 1024)), ((1, 9000), (1, 2048))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_longest_side_is_within_2048(kind: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    copy = copied(saved(Image.new("RGB", size, (9, 99, 200)), kind))
    assert max(copy.width, copy.height) == LONGEST_SIDE
    assert abs(copy.width - expected[0]) <= 1
    assert abs(copy.height - expected[1]) <= 1
    with opened(copy) as picture:
        assert all(abs(a - b) < 8 for a, b in zip(picture.getpixel((0, copy.height - 1)), (9, 99, 200), strict=True))


# -- fingerprints -------------------------------------------------------------------------------------------------


def test_the_same_photo_is_known_again_and_another_is_not() -> None:
    first = copied(saved(drawn((1600, 1066)), "JPEG", quality=95)).dhash
    again = copied(saved(drawn((1600, 1066)).resize((640, 426)), "JPEG", quality=40)).dhash
    mirrored = copied(saved(drawn((1600, 1066)).transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG")).dhash
    assert len(first) == 16
    assert distance(first, again) <= 5 < distance(first, mirrored)


def test_a_blank_picture_is_like_no_other() -> None:
    blank = copied(saved(Image.new("RGB", (300, 200), "black"), "JPEG"))
    assert blank.dhash == ""
    assert distance(blank.dhash, blank.dhash) == 64


# -- pictures made to harm ----------------------------------------------------------------------------------------


def png_claiming(width: int, height: int) -> bytes:
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")


def refused(data: bytes) -> str:
    with pytest.raises(BadPictureError) as error:
        working_copy(data)
    sentence = str(error.value)
    assert sentence.startswith("这")
    assert "请" in sentence
    return sentence


@pytest.mark.parametrize(
    "data",
    [
        png_claiming(7000, 7000),
        png_claiming(60_000, 60_000),
        png_claiming(2**31 - 1, 2**31 - 1),
        b"GIF89a"
        + struct.pack("<HH", 65535, 65535)
        + b"\0\0\0,\0\0\0\0"
        + struct.pack("<HH", 65535, 65535)
        + b"\0\x02",
        saved(Image.new("RGB", (4000, 4000)), "WEBP"),
        saved(Image.new("RGB", (5200, 5200)), "JPEG", progressive=True),
    ],
    ids=["49 MP", "3600 MP", "4e18 pixels", "GIF", "WebP 16 MP", "progressive 27 MP"],
)
def test_N32_a_bomb_is_an_error_not_a_warning(data: bytes) -> None:
    assert refused(data) in (pictures.TOO_MANY_PIXELS, pictures.BROKEN)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16"])
def test_T12_the_largest_pictures_are_copied_in_256_megabytes(mode: str) -> None:
    """The child's limit is on its address space, of which the memory it really takes is a part."""
    assert pictures.LIMITS.memory == 256
    data = saved(Image.new(mode, (6320, 6320)), "PNG")
    copy = working_copy(data + bytes(MAX_FILE - len(data)))
    assert (copy.width, copy.height) == (2048, 2048)


def test_T12_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LIMITS", Limits(memory=100, cpu=20, seconds=40))
    assert refused(saved(Image.new("RGB", (6320, 6320)), "PNG")) in (pictures.TOO_MANY_PIXELS, pictures.BROKEN)


def test_a_file_over_ten_megabytes_is_refused_unread() -> None:
    assert "10 MB" in refused(saved(drawn(), "JPEG") + bytes(MAX_FILE))


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heix"])
def test_a_heic_photo_is_told_what_to_do(brand: bytes) -> None:
    assert "另存为 JPG" in refused(b"\0\0\0\x18ftyp" + brand + bytes(100))


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"%PDF-1.7", b"<svg onload=alert(1)>", b"BM" + bytes(200), b"PK\3\4"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refused(data) == pictures.WRONG_KIND


@pytest.mark.parametrize("kind", [*FORMATS, "GIF"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_picture_that_did_not_arrive_whole_is_refused(kind: str, share: float) -> None:
    data = saved(Image.effect_noise((300, 200), 90).convert("RGB"), kind)
    with pytest.raises(BadPictureError):
        copied(data[: int(len(data) * share)])


@settings(max_examples=200)
@given(st.sampled_from([*FORMATS, "GIF"]), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12))
def test_bytes_that_were_changed_end_in_a_copy_or_a_sentence(kind: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(saved(drawn((64, 48)), kind))
    for place, value in changes:
        data[int(place * len(data))] = value
    answer = made_anew(bytes(data))
    said = json.loads(answer.partition(b"\n")[0])
    assert said.keys() == {"refused"} or said.keys() == {"width", "height", "dhash"}
    if "refused" not in said:
        with opened(unpack(answer)) as picture:
            picture.load()


@pytest.mark.parametrize("kind", [*FORMATS, "GIF"])
@pytest.mark.parametrize("other", [b"PK\3\4" + CANARY, b"<script>alert(1)</script>" + CANARY, b"MZ\x90\0" + CANARY])
def test_N33_of_a_file_that_is_two_things_only_the_picture_is_left(kind: str, other: bytes) -> None:
    copy = copied(saved(drawn(), kind) + other)
    assert CANARY not in copy.data
    assert b"script" not in copy.data
    assert copy.data.endswith(b"\xff\xd9")
