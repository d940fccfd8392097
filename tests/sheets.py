"""Ledgers as they come from Excel, WPS, portals and pranksters, made with the libraries that make such files."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import xlsxwriter
import xlwt
from xlwt.CompoundDoc import XlsDoc

HEADER = ["器具名称", "规格型号", "出厂编号", "数量", "检定日期", "有效期至"]
SCALE = ["电子秤", "ACS-30", "0917", "1", "2026-05-20", "2027-05-19"]
LEDGER = [HEADER, SCALE, ["电子秤", "ACS-30", "0918", "1", "2026/5/20", "2027.5.19"]]

Rows = Sequence[Sequence[Any]]


def text(rows: Rows = LEDGER, delimiter: str = ",") -> str:
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter).writerows(rows)
    return made.getvalue()


def xlsx(rows: Rows = LEDGER, merged: Sequence[str] = (), hidden: Rows = ()) -> bytes:
    """Days as day cells, numbers as numbers; ``merged``: A1:F1; ``hidden``: a hidden sheet in front."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        if hidden:
            _fill(book.add_worksheet("旧"), hidden)
        sheet = book.add_worksheet("台账")
        _fill(sheet, rows)
        for area in merged:
            # Two cells would not do: an area's first cell is written again with it.
            first = re.match(r"([A-Z]+)(\d+)", area)
            value = rows[int(first[2]) - 1][ord(first[1]) - ord("A")] if first else ""
            sheet.merge_range(area, value)
        sheet.activate()
        if hidden:
            book.worksheets()[0].hide()
            sheet.set_first_sheet()
    return made.getvalue()


def _fill(sheet: Any, rows: Rows) -> None:
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write(number, column, value)


def xls(rows: Rows = LEDGER, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """``merged``: first and last row, first and last column."""
    return xls_book({"台账": rows}, merged)


def xls_book(sheets: dict[str, Rows], merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """By their names; the merged areas are in each."""
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        _fill_xls(book.add_sheet(name, cell_overwrite_ok=True), rows, merged)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _fill_xls(sheet: Any, rows: Rows, merged: Sequence[tuple[int, int, int, int]] = ()) -> None:
    style = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    starts = {(top, left) for top, _, left, _ in merged}
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None and (number, column) not in starts:
                sheet.write(number, column, value, style if isinstance(value, date) else xlwt.Style.default_style)
    for top, bottom, left, right in merged:
        sheet.write_merge(top, bottom, left, right, rows[top][left])


def html(rows: Rows = LEDGER, encoding: str = "gbk") -> bytes:
    """As portals export: a page called .xls."""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = f'<html><head><meta charset="{encoding}"><style>td {{ color: red }}</style></head>'
    return f"{head}<body><table border=1>{body}</table></body></html>".encode(encoding)


def formulas() -> bytes:
    """Real formulas with cached results, as Excel keeps them."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        _fill(sheet, LEDGER[:2])
        sheet.write_formula("C2", '=TEXT(917,"0000")', None, "0917")
        sheet.write_formula("F2", "=E2+364", None, 46526)
        sheet.write_formula("B2", '=HYPERLINK("http://evil.example","ACS-30")', None, "ACS-30")
    return made.getvalue()


INJECTED = ['=HYPERLINK("http://evil.example","点我")', "+cmd|' /C calc'!A0", "@SUM(1+1)", "-1+2"]


def injected() -> bytes:
    return text([HEADER, *([cell, cell, f"{cell}{n}", "1", "", ""] for n, cell in enumerate(INJECTED))]).encode()


def with_part(book: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one of its parts replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return made.getvalue()


def zip_bomb() -> bytes:
    """Nine megabytes of nothing in nine kilobytes."""
    return with_part(xlsx(), "xl/worksheets/sheet1.xml", b" " * 9_000_000)


def lying_bomb() -> bytes:
    """The same, said to be of 1,000 bytes."""
    return zip_bomb().replace((9_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))


def entity_bomb() -> bytes:
    """Names that stand for ten names each."""
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    part = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "秤">{names}]>'
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    return with_part(
        xlsx(),
        "xl/worksheets/sheet1.xml",
        f'{part}{sheet}<c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData></worksheet>'.encode(),
    )


def far_corner(rows: Rows = ()) -> bytes:
    """A value in the last cell there is."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        _fill(sheet, rows)
        sheet.write_string(1_048_575, 16_383, "远")
    return made.getvalue()


def far_row() -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        _fill(sheet, LEDGER)
        sheet.write_string(1_048_575, 0, "远")
    return made.getvalue()


def row_beyond_any() -> bytes:
    """A cell in row 2,000,000,000."""
    part = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    part += '<row r="2000000000"><c r="A2000000000"><v>1</v></c></row></sheetData></worksheet>'
    return with_part(xlsx(), "xl/worksheets/sheet1.xml", part.encode())


def lying_dimension() -> bytes:
    """The sheet says it has one cell."""
    with zipfile.ZipFile(io.BytesIO(xlsx())) as book:
        part = book.read("xl/worksheets/sheet1.xml")
    return with_part(
        xlsx(), "xl/worksheets/sheet1.xml", re.sub(rb'<dimension ref="[^"]+"', b'<dimension ref="A1"', part)
    )


def encrypted_xlsx() -> bytes:
    """How Excel packs a workbook with a password: an OLE file with the stream EncryptedPackage."""
    made = io.BytesIO()
    XlsDoc().save(made, b"\x17" * 8_000)
    name, new = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    return made.getvalue().replace(name.ljust(64, b"\0"), new.ljust(64, b"\0"))


def encrypted_xls() -> bytes:
    """A FILEPASS record right after the beginning, as in a protected Excel 97 workbook."""
    book = xlwt.Workbook()
    _fill_xls(book.add_sheet("台账"), LEDGER)
    stream = book.get_biff_data()
    first = 4 + int.from_bytes(stream[2:4], "little")
    filepass = b"\x2f\x00\x06\x00\x00\x00\x59\xb3\x0a\x9a"
    made = io.BytesIO()
    XlsDoc().save(made, stream[:first] + filepass + stream[first:])
    return made.getvalue()


def word_doc() -> bytes:
    made = io.BytesIO()
    XlsDoc().save(made, b"\0" * 8_000)
    name, new = "Workbook".encode("utf-16-le"), "WordDocument".encode("utf-16-le")
    return made.getvalue().replace(name.ljust(64, b"\0"), new.ljust(64, b"\0"))


def many(rows: int) -> list[list[str]]:
    """A ledger of so many scales."""
    return [HEADER, *(["电子秤", "ACS-30", f"A{n:05d}", "1", "2026-05-20", "2027-05-19"] for n in range(rows))]


FILES: dict[str, Callable[[], bytes]] = {
    "台账.xlsx": xlsx,
    "台账.xls": xls,
    "台账.csv": lambda: text().encode("gbk"),
    "平台导出.xls": html,
    "炸弹.xlsx": zip_bomb,
    "加密.xlsx": encrypted_xlsx,
    "空.csv": lambda: b"",
}
"""By the names under which conversations send them."""
