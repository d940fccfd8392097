"""Files that are read, and files that are not: what the sender gets, or is told."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date

import pytest

from bot.files import MAX_FILE
from bot.sheets import content, delimited, reader, wire
from bot.sheets.child import NOTHING, read
from bot.sheets.reader import Sheet, SheetError, read_sheet
from knowledge.ledger_sheet import Table, read_table
from tests import sheets as files

TODAY = date(2026, 11, 22)
KINDS = {"电子秤": "electronic-price-scale", "加油机": "fuel-dispenser"}


def table(data: bytes) -> Table:
    return read_table(read(data).rows, KINDS.get, TODAY)


def serials(data: bytes) -> list[str]:
    found = table(data)
    assert not found.bad
    return [row.record.serial for row in found.rows]


def refused(data: bytes) -> str:
    with pytest.raises(SheetError) as error:
        read(data)
    return str(error.value)


WIDE = "，".join(files.HEADER) + "\n" + "，".join(files.SCALE)


@pytest.mark.parametrize(
    ("data", "format_", "encoding"),
    [
        (lambda: files.text().encode(), "csv", "UTF-8"),
        (lambda: files.text().encode("utf-8-sig"), "csv", "UTF-8"),
        (lambda: files.text().encode("gbk"), "csv", "GBK"),
        (lambda: files.text([*files.LEDGER, ["㐂𠮷秤", "", "0919", "", "", ""]]).encode("gb18030"), "csv", "GB18030"),
        (lambda: files.text(delimiter="\t").encode("utf-16"), "csv", "UTF-16"),
        (lambda: files.text().encode("utf-16-le"), "csv", "UTF-16"),
        (lambda: files.text().encode("utf-16-be"), "csv", "UTF-16"),
        (lambda: files.text(delimiter="\t").encode("gbk"), "csv", "GBK"),
        (lambda: files.text(delimiter=";").encode(), "csv", "UTF-8"),
        (lambda: b"sep=;\r\n" + files.text(delimiter=";").encode(), "csv", "UTF-8"),
        (lambda: WIDE.encode("gbk"), "csv", "GBK"),
        (files.xlsx, "xlsx", ""),
        (files.xls, "xls", ""),
        (files.html, "html", "GBK"),
        (lambda: files.html(encoding="utf-8"), "html", "UTF-8"),
        (files.formulas, "xlsx", ""),
        (files.lying_dimension, "xlsx", ""),
    ],
)
def test_the_format_and_encoding_are_found_by_the_content(
    data: Callable[[], bytes], format_: str, encoding: str
) -> None:
    sheet = read(data())
    assert (sheet.format, sheet.encoding) == (format_, encoding)
    found = read_table(sheet.rows, KINDS.get, TODAY)
    first = found.rows[0]
    assert (first.record.serial, first.record.model, first.record.due_on) == ("0917", "ACS-30", date(2027, 5, 19))
    assert first.problems == ()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (files.encrypted_xlsx, content.ENCRYPTED),
        (files.encrypted_xls, content.ENCRYPTED),
        (files.zip_bomb, content.BOMB),
        (files.lying_bomb, content.BROKEN),
        (files.word_doc, content.WORD),
        (lambda: files.xlsx()[:2_000], content.BROKEN),
        (lambda: files.xls()[:1_000], content.BROKEN),
        (lambda: files.with_part(files.xlsx(), "xl/worksheets/sheet1.xml", b"<worksheet><shee"), content.BROKEN),
        (lambda: files.with_part(files.xlsx(), "xl/workbook.xml", b""), content.BROKEN),
        (lambda: b"%PDF-1.7\n%", content.PDF),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(99), content.PICTURE),
        (lambda: b"MIME-Version: 1.0\nX-Document-Type: Workbook\n", content.OTHER_OFFICE),
        (
            lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            content.OTHER_OFFICE,
        ),
        (lambda: random.Random(1).randbytes(4_096), delimited.UNKNOWN_ENCODING),  # noqa: S311 - noise, no secret
        (lambda: bytes(range(1, 31)) * 9, content.NO_TABLE),
        (lambda: files.text(files.many(6_001)).encode(), wire.TOO_MANY_ROWS),
        (lambda: files.text([[f"列{n}" for n in range(200)], ["1"] * 200]).encode(), wire.TOO_MANY_COLUMNS),
        (lambda: files.xlsx([[f"列{n}" for n in range(200)]]), wire.TOO_MANY_COLUMNS),
        (lambda: files.xlsx([["长" * 1_000] * 50] * 101), wire.TOO_MUCH_TEXT),
        (lambda: files.html([["<td>"] * 300]), wire.TOO_MANY_COLUMNS),
        (lambda: files.xlsx([], hidden=files.LEDGER), NOTHING),
        (lambda: files.xlsx([["", "  "], [None]]), NOTHING),
        (lambda: b"<html><p>\xe7\x99\xbb\xe5\xbd\x95</p></html>", NOTHING),
        (files.far_corner, NOTHING),
        (files.row_beyond_any, NOTHING),
        (
            lambda: files.xlsx([["长" * 1_000, *[""] * 59], *[[""] * 59 + ["a"]] * 99], merged=["A1:AZ100"]),
            wire.TOO_MUCH_TEXT,
        ),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_what_to_do(data: Callable[[], bytes], told: str) -> None:
    assert refused(data()) == told
    assert "请" in told


def test_archives_and_other_office_files_are_told_apart() -> None:
    for name, told in (
        ("word/document.xml", content.WORD),
        ("台账.xlsx", content.ARCHIVE),
        ("mimetype", content.OTHER_OFFICE),
    ):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(name, "x")
        assert refused(made.getvalue()) == told


# -- in the child --------------------------------------------------------------------------------------------------


def test_a_workbook_comes_back_from_the_child_as_it_is() -> None:
    data = files.xlsx([files.HEADER, [*files.SCALE[:4], date(2026, 5, 20), 46526]])
    sheet = read_sheet(data, "台账.csv")
    assert sheet.rows[1] == ["电子秤", "ACS-30", "0917", "1", date(2026, 5, 20), 46526.0]
    assert (sheet.format, sheet.name, sheet.truncated) == ("xlsx", "台账", False)
    assert Sheet.from_json(sheet.to_json()) == sheet


def test_dangerous_files_harm_only_the_child() -> None:
    for data in (files.zip_bomb(), files.entity_bomb()):
        with pytest.raises(SheetError, match="请"):
            read_sheet(data, "台账.xlsx")
    far = read_sheet(files.far_corner(files.LEDGER), "台账.xlsx")
    assert len(far.rows) == len(files.LEDGER)


def test_a_child_that_runs_into_a_limit_is_told_as_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LIMITS", reader.Limits(memory=16, cpu=20, seconds=20))
    with pytest.raises(SheetError) as error:
        read_sheet(files.xlsx(), "台账.xlsx")
    assert str(error.value) == reader.TOO_MUCH


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b" \r\n\t"])
def test_an_empty_file_is_said_to_be_empty(data: bytes) -> None:
    with pytest.raises(SheetError) as error:
        read_sheet(data, "台账.xlsx")
    assert str(error.value) == reader.EMPTY


def test_a_file_over_ten_megabytes_is_not_opened() -> None:
    with pytest.raises(SheetError) as error:
        read_sheet(b"a" * (MAX_FILE + 1), "台账.csv")
    assert str(error.value) == reader.TOO_LARGE


# -- odd ones that are read ----------------------------------------------------------------------------------------


def test_six_thousand_rows_are_taken() -> None:
    assert len(table(files.text(files.many(5_999)).encode()).rows) == 5_999


def test_a_value_far_below_is_left_out_and_that_is_noted() -> None:
    sheet = read(files.far_row())
    assert (len(sheet.rows), sheet.truncated) == (3, True)


def test_a_hidden_sheet_in_front_is_not_looked_at() -> None:
    data = files.xlsx(files.LEDGER, hidden=[files.HEADER, ["电子秤", "", "旧号", "", "", ""]])
    assert serials(data) == ["0917", "0918"]


def test_the_first_sheet_with_column_titles_is_taken() -> None:
    sheet = read(files.xls_book({"封面": [["某某菜场"], ["二〇二六年"]], "台账": files.LEDGER}))
    assert (sheet.name, len(sheet.rows)) == ("台账", 3)


def test_merged_cells_say_the_same_in_each_row() -> None:
    rows = [["某某菜场强检台账", "", "", "", "", ""], files.HEADER, files.SCALE, ["", "ACS-30", "0918", "1", "", ""]]
    assert serials(files.xlsx(rows, merged=["A1:F1", "A3:A4"])) == ["0917", "0918"]
    assert serials(files.xls(rows, merged=[(0, 0, 0, 5), (2, 3, 0, 0)])) == ["0917", "0918"]
    page = files.html([files.HEADER, files.SCALE]).replace(b"<td>\xb5\xe7", b"<td rowspan='2'>\xb5\xe7", 1)
    page = page.replace(b"</table>", b"<tr><td>ACS-30<td>0918<td>1</table>")
    assert serials(page) == ["0917", "0918"]


def test_control_characters_and_marks_without_width_are_taken_out() -> None:
    rows = [files.HEADER, ["电\u200b子\x07秤", "\ufeffACS-30", "09\x0017", "1", "2026-05-20\u200e", ""]]
    assert serials(files.text(rows).encode()) == ["0917"]
    assert serials(files.xlsx([files.HEADER, ["电子秤", "ACS-30\r", "0917\x0b", "1", "", ""]])) == ["0917"]


def test_blank_rows_and_columns_around_the_table_do_not_matter() -> None:
    rows = [["", ""], *([""] * 2 + row + [""] * 9 for row in files.LEDGER), *[[""] * 20] * 50]
    found = table(files.text(rows).encode())
    assert ([row.line for row in found.rows], found.bad) == ([3, 4], ())


def test_a_lone_quotation_mark_swallows_no_rows() -> None:
    rows = [f"电子秤,ACS-30,A{n},1,," for n in range(40)]
    lines = [",".join(files.HEADER), '电子秤,"5 寸,A,1,,', *rows]
    assert len(serials("\n".join(lines).encode())) == 41


def test_a_line_end_within_a_cell_counts_as_one_row() -> None:
    data = files.text(
        [["器具\n名称", "出厂\n编号", "有效期\n至"], ["电子秤", "0917", "坏"], ["电子秤", "0918", ""]]
    ).encode()
    assert [row.line for row in table(data).rows] == [2, 3]
    assert table(data).rows[0].problems == ("第2行有效期至“坏”不是日期，请写成 2026-05-20",)


def test_formulas_give_their_last_result_and_text_that_looks_like_one_stays_text() -> None:
    assert serials(files.formulas()) == ["0917"]
    found = table(files.injected())
    assert [row.record.name for row in found.rows] == files.INJECTED
    assert all("认不出" in row.problems[0] for row in found.rows)


def test_zeros_in_front_stay_and_a_number_gets_no_point() -> None:
    rows = [files.HEADER, ["电子秤", "", "0917", 1, None, None], ["电子秤", "", 917.0, 1, None, None]]
    assert serials(files.xlsx(rows)) == ["0917", "917"]
    assert serials(files.xls(rows)) == ["0917", "917"]
    assert serials(files.xlsx([files.HEADER, ["电子秤", "", 123000000000, 1, None, None]])) == ["123000000000"]


def test_days_of_both_excels_are_days() -> None:
    rows = [files.HEADER, ["电子秤", "", "1", 1, date(2026, 5, 20), 46526]]
    for data in (files.xlsx(rows), files.xls(rows)):
        record = table(data).rows[0].record
        assert (record.verified_on, record.due_on) == (date(2026, 5, 20), date(2027, 5, 19))
