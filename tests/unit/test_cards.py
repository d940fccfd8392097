from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from datetime import date
from importlib.metadata import distribution
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bot.cards import Card, Size, draw, emblem, layout, missing, pdf
from bot.cards.canvas import Canvas
from bot.cards.lettering import MISSING, Face, advance, cleaned, fitted, font, glyph, width, wrapped
from knowledge.pledge_number import numbered
from storage.signing import About, Signer

SIGNER = Signer(bytes(range(32)))
NUMBER = numbered(2026, 123)
DAY = date(2026, 3, 12)
NAME = "鲜达超市（城西店）"
POINTS = tuple(f"第{n}条：在用的秤按期检定，不用未检定、超期或者不合格的" for n in range(1, 11))
SHEETS = {Size.A4: layout.A4, Size.A6: layout.A6, Size.PHONE: layout.PHONE}
PIXELS = {Size.A4: (1654, 2339), Size.A6: (1240, 1748), Size.PHONE: (1080, 2160)}
FULL = {
    "points": tuple("条" * 40 for _ in range(10)), "district": "高新技术产业开发区" * 3, "sector": "集贸市场主办者、柜台出租者" * 2,
    "office": "某某省某某市高新技术产业开发区市场监督管理局" * 2, "hotline": "12315、0571-8765 4321 转 8001",
}  # fmt: skip
HARD = {
    "long": {"shop_name": "某" * 40, **FULL}, "wide": {"shop_name": "W" * 40, **FULL}, "words": {"shop_name": "Wonderful Weighing Market No.88 (West) Ltd", **FULL},
    "brackets": {"shop_name": "（" * 20 + "）" * 20, "points": ("，" * 40,) * 10}, "bare": {"shop_name": "", "points": (), "district": "", "sector": "", "office": "", "hotline": ""},
    "rare": {"shop_name": "𠮷野㛃家 Café No.88 囍\u202e店\u200b😀", "points": POINTS[:1]},
}  # fmt: skip


def card_of(**other: object) -> Card:
    link = SIGNER.make_link("https://jiliang.example.gov.cn", NUMBER, About(NAME, DAY))
    card = Card(
        NUMBER, NAME, "城西区", "商店、超市", DAY, date(2027, 3, 11), POINTS, "某市市场监督管理局", "12315", link
    )
    return replace(card, **other)  # type: ignore[arg-type] # the fields are named by the test


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def scanned(picture: Image.Image) -> str:
    return cv2.QRCodeDetector().detectAndDecode(np.asarray(picture.convert("L")))[0]


@pytest.mark.parametrize("size", Size)
def test_a_picture_is_small_enough_to_send_and_large_enough_to_print(size: Size) -> None:
    begun = time.process_time()
    data = draw(card_of(), size)
    assert time.process_time() - begun < 3
    assert data.startswith(b"\x89PNG")
    assert len(data) <= 1_000_000
    assert Image.open(io.BytesIO(data)).size == PIXELS[size]
    assert draw(card_of(), size) == data


@pytest.mark.parametrize("size", Size)
def test_the_code_is_read_by_another_reader_at_half_the_size(size: Size) -> None:
    card = card_of()
    picture = opened(draw(card, size))
    assert scanned(picture) == card.link
    assert scanned(picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BICUBIC)) == card.link


@pytest.mark.parametrize(
    "host",
    ["m.gov.cn", "jiliang.example.gov.cn", "chengxin-jiliang.scjg.example-city.gov.cn", "a" * 63 + ".example.gov.cn"],
)
def test_the_code_on_a6_is_three_centimetres_wide_without_its_quiet_zone(host: str) -> None:
    link = SIGNER.make_link(f"https://{host}", NUMBER, About(NAME, DAY))
    assert Canvas(105, 148, 300).code(20, 50, link, layout.A6.code) >= 30
    assert scanned(opened(draw(card_of(link=link), Size.A6))) == link


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("case", HARD)
def test_nothing_runs_over_the_border_or_into_the_code(size: Size, case: str) -> None:
    sheet, card = SHEETS[size], card_of(**HARD[case])
    canvas = layout.painted(card, sheet)
    plain = layout.painted(card_of(), sheet).image
    inside = [
        canvas.pixels(n)
        for n in (
            sheet.margin * 0.9,
            sheet.frame * 1.3,
            sheet.width - sheet.margin * 0.9,
            sheet.height - sheet.frame * 1.3,
        )
    ]
    changed = ImageChops.difference(canvas.image, plain).getbbox()
    assert changed is not None
    assert changed[0] >= inside[0]
    assert changed[1] >= inside[1]
    assert changed[2] <= inside[2]
    assert changed[3] <= inside[3]
    assert scanned(canvas.image) == card.link


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("case", HARD)
def test_the_points_end_above_the_code(size: Size, case: str) -> None:
    sheet = SHEETS[size]
    canvas = Canvas(sheet.width, sheet.height, sheet.dpi)
    code_begins = layout.foot(canvas, card_of(**HARD[case]), sheet)
    picture = layout.painted(card_of(**HARD[case]), sheet).image
    between = picture.crop(
        (0, canvas.pixels(code_begins), picture.width, canvas.pixels(code_begins + sheet.small * 0.8))
    )
    middle = between.crop((canvas.pixels(sheet.margin), 0, canvas.pixels(sheet.width - sheet.margin), between.height))
    assert min(low for low, _ in middle.getextrema()) > 200  # type: ignore[misc] # one pair for each of three colours


def test_how_many_points_there_are_is_said_when_not_all_are_shown() -> None:
    few, all_ten = card_of(points=POINTS[:5]), card_of()
    assert draw(few, Size.A6) != draw(all_ten, Size.A6)
    other_end = card_of(points=(*POINTS[:9], "别的"))
    assert draw(other_end, Size.A6) == draw(all_ten, Size.A6)
    assert draw(other_end, Size.A4) != draw(all_ten, Size.A4)


@pytest.mark.parametrize(
    "field", ["number", "shop_name", "district", "sector", "office", "hotline", "title", "opening"]
)
@pytest.mark.parametrize("size", Size)
def test_everything_the_card_holds_is_on_it(field: str, size: Size) -> None:
    assert draw(card_of(**{field: "另外"}), size) != draw(card_of(), size)


@pytest.mark.parametrize("field", ["signed_on", "valid_until"])
def test_both_days_are_on_it(field: str) -> None:
    assert draw(card_of(**{field: date(2026, 3, 13)}), Size.A6) != draw(card_of(), Size.A6)


def test_the_page_is_one_a4_page_small_enough_to_send() -> None:
    begun = time.process_time()
    data = pdf(card_of())
    assert time.process_time() - begun < 3
    assert data.startswith(b"%PDF-")
    assert len(data) <= 1_500_000
    assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") == 1
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    assert box is not None
    assert [float(n) for n in box.groups()] == pytest.approx([595.3, 841.9], abs=0.5)
    assert pdf(card_of()) == data


def test_the_page_holds_a_picture_whose_code_is_read() -> None:
    data = pdf(card_of(**HARD["long"]))
    jpeg = data[data.index(b"\xff\xd8\xff") : data.rindex(b"\xff\xd9") + 2]
    assert Image.open(io.BytesIO(jpeg)).size == (2480, 3508)
    assert scanned(opened(jpeg)) == card_of().link


@pytest.mark.parametrize("face", Face)
def test_the_type_comes_with_the_install(face: Face) -> None:
    installed = {Path(str(file.locate())).resolve() for file in distribution("pylopdf-fonts-zh-cn").files or ()}
    assert face.path.resolve() in installed
    assert Path(str(font(face, 20).path)).resolve() == face.path.resolve()


def test_a_character_that_no_face_has_is_told_and_drawn_as_the_printers_sign() -> None:
    card = card_of(**HARD["rare"])
    assert missing(card) == ("𠮷", "😀")
    assert missing(card_of()) == ()
    signs = replace(card, shop_name=card.shop_name.replace("𠮷", MISSING).replace("😀", MISSING))
    assert draw(signs, Size.A6) == draw(card, Size.A6)


@pytest.mark.parametrize("char", "㛃囍喆堃0aé€·（")
def test_what_a_face_has_is_drawn_as_it_is(char: str) -> None:
    assert glyph(Face.SERIF, char)[1] == glyph(Face.SANS, char)[1] == char


def test_digits_are_of_one_width_so_that_numbers_stand_in_columns() -> None:
    assert len({advance(Face.SANS, digit) for digit in "0123456789"}) == 1


def test_what_cannot_be_seen_is_left_out() -> None:
    assert cleaned(" 鲜\u202e达\u200b 超\n市\ufe0f\U000e0101\x00 ") == "鲜达 超 市"


@given(st.text("国字，。（）《》ABCxyz019 .-é", max_size=60), st.floats(3, 40))
@settings(max_examples=200)
def test_lines_hold_all_of_the_text_and_are_no_wider_than_the_room(text: str, ems: float) -> None:
    lines = wrapped(Face.SANS, text, ems)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(Face.SANS, line) <= ems for line in lines)


def test_no_line_begins_with_a_stop_or_ends_with_an_open_bracket() -> None:
    for ems in range(4, 20):
        lines = wrapped(Face.SANS, "在用的秤，按期检定（每年一次），不用《目录》外的秤。", ems)
        assert not [line for line in lines[1:] if line[0] in "，。）》"]
        assert not [line for line in lines[:-1] if line[-1] in "（《"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=60)
def test_any_name_fits_its_room(name: str) -> None:
    block = fitted(Face.SERIF, name, (80.0, 12.0), 6.0, 1.28)
    assert len(block.lines) <= 3
    assert len(block.lines) * 1.28 * block.size <= 12
    assert all(width(Face.SERIF, line) * block.size <= 80 for line in block.lines)
    assert "".join(block.lines).replace(" ", "") == cleaned(name).replace(" ", "")


def test_a_name_is_parted_into_lines_of_about_one_width() -> None:
    assert [len(line) for line in fitted(Face.SERIF, "某" * 40, (82.0, 12.5), 5.8, 1.28).lines] == [20, 20]
    assert fitted(Face.SERIF, NAME, (82.0, 12.5), 5.8, 1.28).lines == (NAME,)


@pytest.mark.parametrize("shape", [emblem.balance, emblem.seal])
def test_the_balance_is_level(shape) -> None:
    mask = shape(200)
    assert mask.size == (200, 200)
    mirrored = ImageChops.difference(mask, mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert sum(mirrored.histogram()[128:]) < 60
    assert 0.02 < sum(mask.histogram()[128:]) / 200**2 < 0.9
