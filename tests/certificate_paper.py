"""Draws certificates and labels as bureaus issue them; every name, number and place is invented."""

from __future__ import annotations

import cmath
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from knowledge.dates import add_months

FONTS = Path("/usr/share/fonts/opentype/noto")
SANS, SERIF, BOLD = "NotoSansCJK-Regular.ttc", "NotoSerifCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"
CHINESE = 2
"""The simplified Chinese face within Noto's collections."""
A4 = (1240, 1754)
"""At 150 dpi."""

INSTITUTIONS = (
    "青禾市计量检定测试所", "云岭县质量技术检验检测中心", "临川湾市计量科学研究院", "白鹭区计量检定所", "松江口市计量质量检测研究院",
    "栖霞岭县计量测试所", "南浔溪市标准计量检测中心", "望海市法定计量检定所",
)  # fmt: skip
INSTRUMENTS = (
    ("电子计价秤", ("ACS-30", "ACS-15A", "TCS-6DX", "ACS-30JJ")), ("电子台秤", ("TCS-150", "TCS-300B", "XK3190-A12")),
    ("电子汽车衡", ("SCS-80", "SCS-100T", "ZCS-60")), ("电子天平", ("FA2204", "JA1003B", "BSM-220.4")),
    ("燃油加油机", ("CS46J2220G", "DJY-121A", "JDK50C112")), ("一般压力表", ("Y-100", "YB-150A", "Y-60Z")),
    ("无创自动测量血压计", ("HEM-7121", "YE660D", "BP3A90")), ("膜式燃气表", ("J2.5C", "G4", "G1.6S")),
    ("出租汽车计价器", ("TJ-2000A", "LK-668", "QH-3B")), ("电子吊秤", ("OCS-5", "OCS-10XZ", "OCS-3T")),
)  # fmt: skip
MAKERS = ("江北衡器有限公司", "天枰仪器（岭南）有限公司", "恒准电子衡器厂", "明度仪表有限公司", "百川测控设备有限公司")
OWNERS = ("禾苗生鲜便利店", "东门集贸市场管理处", "小桥流水海鲜行", "福满园超市", "橘子洲水果店")
CYCLE_MONTHS = (12, 12, 24, 6)


@dataclass(frozen=True, slots=True)
class Truth:
    """What stands on the paper; empty or None what this document does not say."""

    kind_of_document: str
    certificate_no: str
    instrument: str
    model: str
    serial: str
    verified_on: date | None
    due_on: date | None
    conclusion: str
    institution: str
    maker: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A text as it was drawn: upper left corner, size in pixels."""

    text: str
    x: float
    y: float
    size: int


@dataclass(slots=True)
class Sheet:
    """A drawing that remembers its texts, so that the same page can become a PDF with a text layer."""

    image: Image.Image
    face: str = SANS
    written: list[Written] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, size: int, face: str = "", fill: str = "black") -> float:
        """The right end of the text."""
        font = font_of(face or self.face, size)
        self.draw.text((x, y), text, font=font, fill=fill)
        self.written.append(Written(text, x, y, size))
        return x + font.getlength(text)

    def centred(self, y: float, text: str, size: int, face: str = "", fill: str = "black") -> None:
        width = font_of(face or self.face, size).getlength(text)
        self.text((self.image.width - width) / 2, y, text, size, face, fill)

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)


@cache
def font_of(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / face), size, index=CHINESE)


def made_up(dice: random.Random, kind: str) -> Truth:
    instrument, models = dice.choice(INSTRUMENTS)
    verified = date(2024, 1, 5) + timedelta(days=dice.randrange(900))
    cyclic = kind in {"检定证书", "合格标签"}
    due = add_months(verified, dice.choice(CYCLE_MONTHS)) - timedelta(days=1) if cyclic else None
    conclusion = {"检定证书": "合格", "合格标签": "合格", "检定结果通知书": "不合格"}.get(kind, "")
    return Truth(
        kind_of_document=kind,
        certificate_no=_certificate_no(dice, verified, instrument),
        instrument=instrument,
        model=dice.choice(models),
        serial=_serial(dice),
        verified_on=verified,
        due_on=due,
        conclusion=conclusion,
        institution=dice.choice(INSTITUTIONS),
        maker=dice.choice(MAKERS),
        owner=dice.choice(OWNERS),
    )


def _certificate_no(dice: random.Random, day: date, instrument: str) -> str:
    number = dice.randrange(1, 99999)
    form = dice.randrange(4)
    subject = "流" if "加油" in instrument or "燃气" in instrument else "力"
    return (
        f"{subject}字第{day:%Y}-{number:05d}号",
        f"JDZ{day:%Y%m%d}-{number % 1000:03d}",
        f"QH-{day:%Y}-{number:06d}",
        f"{day:%Y}{dice.randrange(10, 99)}{number:06d}",
    )[form]


def _serial(dice: random.Random) -> str:
    return dice.choice(
        (
            f"{dice.randrange(1, 9999):04d}",
            f"{dice.randrange(10**7, 10**8)}",
            f"A{dice.randrange(10**5, 10**6)}",
            f"21-{dice.randrange(1000, 9999)}",
        )
    )


def spell(day: date | None, style: int) -> str:
    """The forms in which dates are printed."""
    if day is None:
        return "/"
    if style == 5:
        return _chinese(day)
    return (
        f"{day:%Y} 年 {day:%m} 月 {day:%d} 日",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y-%m-%d}",
        f"{day:%Y.%m.%d}",
        f"{day:%Y年%m月%d日}",
    )[style]


def _chinese(day: date) -> str:
    figures = "〇一二三四五六七八九"

    def below_hundred(n: int) -> str:
        tens, ones = divmod(n, 10)
        return ("" if tens == 0 else "十" if tens == 1 else figures[tens] + "十") + (figures[ones] if ones else "")

    year = "".join(figures[int(c)] for c in str(day.year))
    return f"{year}年{below_hundred(day.month)}月{below_hundred(day.day)}日"


def certificate(truth: Truth, dice: random.Random) -> Sheet:
    """One of the three page layouts."""
    sheet = Sheet(Image.new("RGB", A4, "#fdfdf8"), dice.choice((SANS, SERIF)))
    layout: Callable[[Sheet, Truth, random.Random], None] = dice.choice((_underlined, _grid, _bilingual))
    _heading(sheet, truth, dice)
    layout(sheet, truth, dice)
    _foot(sheet, truth, dice)
    return sheet


def _heading(sheet: Sheet, truth: Truth, dice: random.Random) -> None:
    sheet.centred(110, truth.institution, 46, BOLD)
    spaced = dice.random() < 0.5
    title = " ".join(truth.kind_of_document) if spaced else truth.kind_of_document
    sheet.centred(200, title, 72, BOLD)
    english = {"检定证书": "VERIFICATION CERTIFICATE", "校准证书": "CALIBRATION CERTIFICATE"}
    sheet.centred(310, english.get(truth.kind_of_document, "VERIFICATION RESULT NOTICE"), 26)


def _rows(truth: Truth, dice: random.Random) -> list[tuple[str, str, str]]:
    """Chinese label, English label, value."""
    style = dice.choice((0, 0, 1, 2, 3, 4, 5))
    calibrated = truth.kind_of_document == "校准证书"
    verdict = (
        dice.choice(("合格", "准予作Ⅲ级使用", "符合Ⅲ级，合格")) if truth.conclusion == "合格" else truth.conclusion
    )
    rows = [
        (dice.choice(("送检单位", "委托单位")), "Applicant", truth.owner),
        (dice.choice(("计量器具名称", "器具名称")), "Name of Instrument", truth.instrument),
        (dice.choice(("型号/规格", "型号规格")), "Type/Specification", truth.model),
        ("出厂编号", "Serial No.", truth.serial),
        (dice.choice(("制造单位", "生产厂家")), "Manufacturer", truth.maker),
        ("检定依据", "Verification Regulation", "JJG 539-2016《数字指示秤检定规程》"),
        ("检定结论", "Conclusion", verdict),
        (("校准日期" if calibrated else "检定日期"), "Date of Verification", spell(truth.verified_on, style)),
        (dice.choice(("有效期至", "有 效 期 至")), "Valid until", spell(truth.due_on, style)),
    ]
    dropped = {"检定结论", "有效期至", "有 效 期 至"} if calibrated else set()
    if truth.kind_of_document == "检定结果通知书":
        dropped = {"有效期至", "有 效 期 至"}
        rows.append(("不合格项目", "Items failed", "示值误差超过最大允许误差"))
    return [row for row in rows if row[0] not in dropped]


def _underlined(sheet: Sheet, truth: Truth, dice: random.Random) -> None:
    spaced = dice.random() < 0.4
    sheet.text(640, 390, f"证书编号：{truth.certificate_no}", 28)
    for number, (label, _, value) in enumerate(_rows(truth, dice)):
        y = 500 + 92 * number
        sheet.text(150, y, " ".join(label) if spaced and len(label) == 4 else label, 32)
        sheet.draw.line((430, y + 48, 1080, y + 48), fill="black", width=2)
        sheet.text(460, y, value, 32)


def _grid(sheet: Sheet, truth: Truth, dice: random.Random) -> None:
    """A ruled table; short fields stand two to a row."""
    sheet.text(120, 390, f"证书编号：{truth.certificate_no}", 28)
    sheet.text(900, 390, "第 1 页 共 2 页", 24)
    rows = _rows(truth, dice)
    pairs = [rows[0:1], rows[1:2], rows[2:4], rows[4:5], rows[5:6], *([row] for row in rows[6:])]
    for number, pair in enumerate(pairs):
        top = 470 + 88 * number
        sheet.draw.rectangle((110, top, 1130, top + 88), outline="black", width=2)
        for column, (label, _, value) in enumerate(pair):
            left = 110 + 510 * column
            sheet.draw.line((left + 200, top, left + 200, top + 88), fill="black", width=2)
            sheet.text(left + 18, top + 24, label, 27)
            sheet.text(left + 216, top + 24, value, 27)


def _bilingual(sheet: Sheet, truth: Truth, dice: random.Random) -> None:
    rows = [("证书编号", "Certificate No.", truth.certificate_no), *_rows(truth, dice)]
    for number, (label, english, value) in enumerate(rows):
        y = 410 + 90 * number
        sheet.text(140, y, label, 30)
        sheet.text(140, y + 38, english, 20)
        sheet.text(470, y + 10, value, 31)


def _foot(sheet: Sheet, truth: Truth, dice: random.Random) -> None:
    for number, role in enumerate(("批准人", "核验员", "检定员")):
        x = 130 + 340 * number
        sheet.text(x, 1440, role, 26)
        _scrawl(sheet, x + 120, 1455, dice)
    stamp(sheet.image, (dice.randrange(640, 900), dice.randrange(1080, 1220)), 130, truth.institution)
    sheet.text(130, 1560, "计量检定机构授权证书号：（青）法计（2023）0107号", 22)
    sheet.text(130, 1600, "地址：青禾市桑田路 88 号    电话：0000-5550199", 22)
    sheet.text(130, 1640, "未经本机构书面许可，不得部分复制本证书。", 22)


def _scrawl(sheet: Sheet, x: float, y: float, dice: random.Random) -> None:
    points = [(x + 14 * n, y + dice.randrange(-18, 18)) for n in range(9)]
    sheet.draw.line(points, fill="#1b2a6b", width=3, joint="curve")


def stamp(image: Image.Image, centre: tuple[int, int], radius: int, name: str) -> None:
    """A red round seal, half transparent over what it covers."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw, (x, y) = ImageDraw.Draw(layer), centre
    red = (205, 30, 35, 150)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=red, width=7)
    draw.text((x, y), "★", font=font_of(BOLD, radius // 2), fill=red, anchor="mm")
    draw.text((x, y + radius * 0.5), "检定专用章", font=font_of(BOLD, radius // 6), fill=red, anchor="mm")
    for number, character in enumerate(name):
        _on_arc(layer, character, centre, radius * 0.78, -115 + 230 * number / max(len(name) - 1, 1), red)
    image.paste(layer, (0, 0), layer)


def _on_arc(
    layer: Image.Image,
    character: str,
    centre: tuple[int, int],
    radius: float,
    degrees: float,
    fill: tuple[int, int, int, int],
) -> None:
    size = int(radius / 4)
    tile = Image.new("RGBA", (size * 2, size * 2), (0, 0, 0, 0))
    ImageDraw.Draw(tile).text((size, size), character, font=font_of(BOLD, size), fill=fill, anchor="mm")
    tile = tile.rotate(-degrees)
    arm = Image.new("RGBA", layer.size, (0, 0, 0, 0))
    spun = cmath.rect(radius, math.radians(degrees - 90))
    arm.paste(tile, (int(centre[0] + spun.real - size), int(centre[1] + spun.imag - size)))
    layer.alpha_composite(arm)


def second_page(truth: Truth) -> Sheet:
    """The page of results, with numbers that are none of the fields."""
    sheet = Sheet(Image.new("RGB", A4, "white"))
    sheet.centred(120, "检 定 结 果", 52, BOLD)
    sheet.text(120, 230, f"证书编号：{truth.certificate_no}", 26)
    for number, (load, error) in enumerate((("0", "0"), ("500 g", "+1 g"), ("2 kg", "0 g"), ("15 kg", "-5 g"))):
        sheet.text(200, 330 + 60 * number, f"秤量 {load}", 26)
        sheet.text(620, 330 + 60 * number, f"示值误差 {error}", 26)
    sheet.text(120, 640, "环境温度：21.5 ℃    相对湿度：48 %RH", 26)
    sheet.centred(800, "以下空白", 26)
    return sheet


def label(truth: Truth, dice: random.Random) -> Sheet:
    """A small green sticker."""
    sheet = Sheet(Image.new("RGB", (760, 520), dice.choice(("#1f9d55", "#2fa84f", "#4caf50"))))
    sheet.draw.rounded_rectangle((10, 10, 750, 510), radius=24, outline="white", width=6)
    sheet.centred(30, dice.choice(("检定合格", "检 定 合 格", "强制检定合格证")), 62, BOLD, "white")
    sheet.draw.rectangle((30, 130, 730, 440), fill="#f6fff6")
    style = dice.choice((1, 2, 3, 4))
    rows = [
        ("证书编号", truth.certificate_no),
        ("器具名称", truth.instrument),
        ("出厂编号", truth.serial),
        (dice.choice(("检定日期", "检定时间")), spell(truth.verified_on, style)),
        (dice.choice(("有效期至", "有效期")), spell(truth.due_on, style)),
    ]
    for number, (name, value) in enumerate(rows):
        sheet.text(48, 138 + 59 * number, f"{name}：{value}", 38)
    sheet.centred(448, truth.institution, 34, BOLD, "white")
    return sheet


def on_a_scale(sticker: Image.Image, dice: random.Random, size: tuple[int, int] = (1600, 1200)) -> Image.Image:
    """The sticker on the housing of a scale: grey metal, a pan, a display."""
    photo = Image.new("RGB", size, "#b9bcc0")
    draw = ImageDraw.Draw(photo)
    width, height = size
    for y in range(0, height, 6):
        shade = 150 + (y * 60 // height) + dice.randrange(8)
        draw.rectangle((0, y, width, y + 6), fill=(shade, shade, shade + 4))
    draw.rounded_rectangle((0.05 * width, 0.05 * height, 0.95 * width, 0.22 * height), 40, fill="#d9dbde")
    draw.rectangle((0.1 * width, 0.28 * height, 0.42 * width, 0.42 * height), fill="#16301f")
    wide = int(width * dice.uniform(0.4, 0.55))
    small = sticker.resize((wide, wide * sticker.height // sticker.width), Image.Resampling.LANCZOS)
    photo.paste(small, (int(width * dice.uniform(0.15, 0.4)), int(height * 0.46)))
    return photo
