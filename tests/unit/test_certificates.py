from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ocr.lines import Line
from knowledge.certificates import CertificateFields, read_certificate, read_written_days, to_record

DAY = date(2026, 5, 20)


def page(*rows: str | Sequence[str], left: float = 100, height: float = 40) -> list[Line]:
    """Rows from the top; the pieces of a row stand in columns 400 pixels apart."""
    lines = []
    for number, row in enumerate(rows):
        for column, text in enumerate([row] if isinstance(row, str) else row):
            width = 0.8 * height * len(text)
            lines.append(Line(text, left + 400 * column, 100 + 90 * number, width, height, 0.98, 0))
    return lines


CERTIFICATE = page(
    "青禾市计量检定测试所",
    "检定证书",
    "证书编号：力字第2026-00917号",
    ("送检单位", "禾苗生鲜便利店"),
    ("计量器具名称", "电子计价秤"),
    ("型号/规格", "ACS-30"),
    ("出厂编号", "0917"),
    ("制造单位", "江北衡器有限公司"),
    ("检定结论", "准予作Ⅲ级使用"),
    ("检定日期", "2026年05月20日"),
    ("有效期至", "2027年05月19日"),
    "计量检定机构授权证书号：（青）法计（2023）0107号",
)


def test_every_field_of_a_certificate_is_read() -> None:
    assert read_certificate(CERTIFICATE) == CertificateFields(
        certificate_no="力字第2026-00917号",
        instrument="电子计价秤",
        model="ACS-30",
        serial="0917",
        maker="江北衡器有限公司",
        verified_on=DAY,
        due_on=date(2027, 5, 19),
        conclusion="合格",
        institution="青禾市计量检定测试所",
        kind_of_document="检定证书",
    )


def test_the_record_carries_what_the_certificate_says_and_leaves_the_kind_to_be_looked_up() -> None:
    record = to_record(read_certificate(CERTIFICATE))
    assert (record.kind, record.name, record.serial, record.due_on) == ("", "电子计价秤", "0917", date(2027, 5, 19))


@pytest.mark.parametrize(
    ("rows", "field", "value"),
    [
        (["证 书 编 号 ： JDZ20260917-001"], "certificate_no", "JDZ20260917-001"),
        ([("证", "书", "编", "号", "QH-2026-000123")], "certificate_no", "QH-2026-000123"),
        (["证书编号Certificate No. JDZ20260917-001"], "certificate_no", "JDZ20260917-001"),
        ([("证书编号：QH-2026-000123", "第1页 共2页")], "certificate_no", "QH-2026-000123"),
        (["证书编号：QH-2026-000123 第 1 页 共 2 页"], "certificate_no", "QH-2026-000123"),
        (["证书编亏：QH-2026-000123"], "certificate_no", "QH-2026-000123"),
        (["力字第2026-00917号"], "certificate_no", "力字第2026-00917号"),
        ([("型号规格", "TCS-150", "出厂编号", "A132308")], "serial", "A132308"),
        ([("型号规格", "TCS-150", "出厂编号", "A132308")], "model", "TCS-150"),
        (["型号/规格：TCS-150 出厂编号：A132308"], "model", "TCS-150"),
        (["型号 / 规格TCS-150"], "model", "TCS-150"),
        ([("Serial No.", "21-7795")], "serial", "21-7795"),
        (["器具名称", "电子台秤"], "instrument", "电子台秤"),
        (["检定结论：不合格"], "conclusion", "不合格"),
        (["检定结论：示值误差0"], "conclusion", ""),
        (["检定机构：白鹭区计量检定所"], "institution", "白鹭区计量检定所"),
        (["南浔溪市标准计量检测中心", "检定依据 JJG 539"], "institution", "南浔溪市标准计量检测中心"),
    ],
)
def test_a_field_is_found_however_its_label_is_set(rows: list[str | Sequence[str]], field: str, value: str) -> None:
    assert getattr(read_certificate(page(*rows)), field) == value


def test_a_label_over_its_english_twin_finds_the_value_between_them() -> None:
    lines = [
        Line("检定日期", 80, 1085, 130, 40, 1, 0),
        Line("Date of Verification", 80, 1122, 195, 27, 1, 0),
        Line("2026 年 05 月 20 日", 412, 1097, 280, 39, 1, 0),
        Line("有效期至", 80, 1175, 130, 40, 1, 0),
        Line("Valid until", 80, 1211, 110, 29, 1, 0),
        Line("2027 年 05 月 19 日", 412, 1189, 280, 39, 1, 0),
    ]
    fields = read_certificate(lines)
    assert (fields.verified_on, fields.due_on) == (DAY, date(2027, 5, 19))


@pytest.mark.parametrize(
    "text",
    [
        "2026年05月20日",
        "2026 年 5 月 20 日",
        "2026.05.20",
        "2O26-O5-2O",
        "2026年O5月2O日",
        "二〇二六年五月二十日",
        "二零二六年五月二十日",
        "检定日期：２０２６／０５／２０",
    ],
)
def test_dates_are_read_through_the_usual_confusions(text: str) -> None:
    assert read_written_days(text) == [DAY]


@settings(max_examples=60)
@given(st.dates(date(2000, 1, 1), date(2069, 12, 31)))
def test_dates_in_chinese_numerals_are_read_on_every_day(day: date) -> None:
    figures = "〇一二三四五六七八九"

    def spoken(n: int) -> str:
        tens, ones = divmod(n, 10)
        return ("" if not tens else ("" if tens == 1 else figures[tens]) + "十") + (figures[ones] if ones else "")

    year = "".join(figures[int(c)] for c in str(day.year))
    assert read_written_days(f"{year}年{spoken(day.month)}月{spoken(day.day)}日") == [day]


def test_the_next_verification_is_not_taken_for_this_one() -> None:
    fields = read_certificate(page("下次检定日期：2027-05-19", "检定日期：2026-05-20"))
    assert (fields.verified_on, fields.due_on) == (DAY, date(2027, 5, 19))


def test_the_day_of_issue_stands_in_for_a_missing_day_of_verification() -> None:
    assert read_certificate(page("签发日期：2026-05-20")).verified_on == DAY
    assert read_certificate(page("签发日期：2026-05-22", "检定日期：2026-05-20")).verified_on == DAY


def test_a_span_of_validity_gives_its_end() -> None:
    fields = read_certificate(page("检定日期：2026-05-20", "2026年05月20日至2027年05月19日"))
    assert fields.due_on == date(2027, 5, 19)


def test_a_label_passed_unless_it_says_otherwise() -> None:
    fields = read_certificate(page("检定合格", "检定时间：2026.05.20", "有效期：2027.05.19"))
    assert (fields.kind_of_document, fields.conclusion, fields.doubts) == ("合格标签", "合格", ())


def test_a_calibration_certificate_is_told_apart() -> None:
    fields = read_certificate(page("校准证书", ("校准日期", "2026-05-20")))
    assert (fields.kind_of_document, fields.conclusion) == ("校准证书", "")
    assert fields.doubts == ("这是校准证书，不能代替检定证书：强制检定的器具要凭检定证书使用。",)


def test_a_notice_of_results_means_failed() -> None:
    fields = read_certificate(page("检定结果通知书", "检定日期：2026-05-20"))
    assert (fields.kind_of_document, fields.conclusion) == ("检定结果通知书", "不合格")
    assert "不合格" in fields.doubts[0]


def test_a_due_date_before_the_verification_is_doubted() -> None:
    fields = read_certificate(page("检定日期：2026-05-20", "有效期至：2025-05-19"))
    assert "早于检定日期" in fields.doubts[-1]


@pytest.mark.parametrize("due", ["2027-05-19", "2027-05-20", "2026-11-19", "2028-05-19"])
def test_whole_months_of_validity_raise_no_doubt(due: str) -> None:
    assert read_certificate(page("检定证书", "检定日期：2026-05-20", f"有效期至：{due}")).doubts == ()


@pytest.mark.parametrize("verified", ["2026-05-21", "2026-05-26", "2026-05-10"])
def test_a_misread_day_shows_in_the_months_that_are_not_whole(verified: str) -> None:
    fields = read_certificate(page("检定证书", f"检定日期：{verified}", "有效期至：2027-05-19"))
    assert "不是整月" in fields.doubts[0]


@pytest.mark.parametrize(("verified", "due"), [("2025-08-31", "2026-02-28"), ("2028-02-29", "2029-02-28")])
def test_the_end_of_a_short_month_is_a_whole_month(verified: str, due: str) -> None:
    assert read_certificate(page(f"检定日期：{verified}", f"有效期至：{due}")).doubts == ()


def test_a_validity_by_the_month_is_asked_for_by_the_day() -> None:
    fields = read_certificate(page("检定日期：2026-05-20", "有效期至：2027年5月"))
    assert fields.due_on is None
    assert "只写到 2027 年 5 月" in fields.doubts[0]


def test_nothing_readable_leaves_everything_empty_and_asks_for_the_dates() -> None:
    fields = read_certificate(page("欢迎光临", "本店概不赊账"))
    assert fields == replace(CertificateFields(), doubts=fields.doubts)
    assert [doubt[:6] for doubt in fields.doubts] == ["没读到检定日", "没读到有效期"]


@settings(max_examples=40)
@given(st.lists(st.text(max_size=20), max_size=8))
def test_no_text_makes_the_reading_fail(texts: list[str]) -> None:
    assert read_certificate(page(*texts)).doubts


@settings(max_examples=40)
@given(st.integers(-24, 24), st.integers(0, 3000))
def test_a_page_that_still_slopes_by_three_degrees_reads_the_same(rise: int, days: int) -> None:
    day = date(2020, 1, 1) + timedelta(days=days)
    lines = page(("检定日期", day.isoformat()), ("有效期至", "2031-01-01"))
    sloped = [replace(line, y=line.y + rise * line.x / 400) for line in lines]
    assert read_certificate(sloped).verified_on == day
