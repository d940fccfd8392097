"""What is handed out: the platform's columns, the rows to mend, the differences; and nothing in it that runs."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sheets.child import read
from bot.sheets.writer import REASON, write_differences, write_errors, write_ledger
from knowledge.ledger_sheet import Differences, Table, compare, read_table
from knowledge.library import Library
from knowledge.records import InstrumentRecord
from knowledge.sheet import Sheet
from tests import sheets as files

TODAY = date(2026, 11, 22)
KINDS = {"电子秤": "electronic-price-scale", "加油机": "fuel-dispenser"}
SCALE = InstrumentRecord(
    kind="electronic-price-scale",
    name="电子秤",
    model="ACS-30",
    serial="0917",
    maker="永康市某衡器有限公司",
    place="A12 摊位",
    verified_on=date(2026, 5, 20),
    due_on=date(2027, 5, 19),
    certificate_no="（浙）质检字第0917号",
    institution="某市计量院",
    conclusion="合格",
)


def read_back(records: Sequence[InstrumentRecord]) -> list[InstrumentRecord]:
    found = read_table(read(write_ledger(records)).rows, KINDS.get, TODAY)
    assert found.bad == ()
    return [row.record for row in found.rows]


def nothing_runs(book: bytes) -> None:
    """No formula, no link, no number: only texts."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
        assert not any("externalLink" in name or "_rels/sheet" in name for name in parts.namelist())
    assert sheets
    for sheet in sheets:
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet.lower()
        assert all('t="s"' in cell for cell in re.findall(r"<c [^>]*>(?=<v>)", sheet))


# -- the ledger ----------------------------------------------------------------------------------------------------


def test_the_ledger_has_the_columns_of_the_platform_and_a_word_on_them() -> None:
    library = Library.load()
    types = {id_: thing.name for id_, thing in library.instruments.items()}
    book = write_ledger([SCALE], types)
    sheet = read(book)
    assert sheet.rows[0][:3] == ["器具名称", "项别", "种别"]
    assert sheet.rows[1][:4] == ["电子秤", None, "电子计价秤", "ACS-30"]
    assert "2027-05-19" in sheet.rows[1]
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert "不是官方模板" in parts.read("xl/sharedStrings.xml").decode()
        assert 'state="frozen"' in parts.read("xl/worksheets/sheet1.xml").decode()


word = st.text(st.characters(min_codepoint=33, max_codepoint=0x9FFF, exclude_categories=("C", "Z")), max_size=12)
days = st.none() | st.dates(date(2000, 1, 1), TODAY)
records = st.builds(
    InstrumentRecord,
    kind=st.just("electronic-price-scale"),
    name=st.just("电子秤"),
    model=st.from_regex(r"[A-Z]{2,4}-[0-9]{1,4}[a-z]?", fullmatch=True),
    count=st.just(1),
    maker=st.just("") | word.map("厂".__add__),
    place=st.just("") | word.map("摊".__add__),
    verified_on=days,
    certificate_no=st.just("") | word.map("字".__add__),
    institution=st.just("") | word.map("院".__add__),
    conclusion=st.sampled_from(["", "合格", "不合格"]),
)


@given(st.lists(records, max_size=6))
@settings(max_examples=40, deadline=None)
def test_what_was_exported_comes_back_the_same(found: list[InstrumentRecord]) -> None:
    numbered = [
        InstrumentRecord.from_json(
            r.to_json()
            | {
                "serial": f"0{n}",
                "due_on": (r.verified_on + timedelta(days=364)).isoformat() if r.verified_on else None,
            }
        )
        for n, r in enumerate(found)
    ]
    assert read_back(numbered) == numbered


def test_several_without_a_number_and_odd_texts_come_back_the_same() -> None:
    several = InstrumentRecord(kind="fuel-dispenser", name="加油机", model="_x0041_", count=6)
    formula = InstrumentRecord(kind="fuel-dispenser", name="加油机", serial="=1+1", place='=HYPERLINK("http://a","b")')
    assert read_back([SCALE, several, formula]) == [SCALE, several, formula]


def test_no_text_becomes_a_formula_a_link_or_a_number() -> None:
    odd = [
        *files.INJECTED,
        "http://evil.example",
        "mailto:a@b.cn",
        "0917",
        "1E5",
        "internal:Sheet1!A1",
        "\x00\x01\x1f坏\ufffe",
    ]
    records_ = [InstrumentRecord(name=text, model=text, serial=text, place=text) for text in odd]
    nothing_runs(write_ledger(records_))
    nothing_runs(write_differences(Differences(tuple(records_), tuple(records_), ((records_[0], records_[1]),))))
    assert read(write_ledger(records_)).rows[len(odd)][0] == "坏"


# -- the rows to mend ------------------------------------------------------------------------------------------------


def errors_of(rows: list[list[str]]) -> tuple[bytes, Sheet, Table]:
    sheet = read(files.text(rows).encode("gbk"))
    table = read_table(sheet.rows, KINDS.get, TODAY)
    book = write_errors(sheet, table)
    return book, read(book), table


def test_only_bad_rows_come_back_each_with_its_reasons() -> None:
    bad = ["火箭", "A", "0919", "很多", "2026.13.5", "=1+1"]
    book, mend, _ = errors_of([["某某菜场"], *files.LEDGER, bad])
    nothing_runs(book)
    assert mend.rows[0] == [*files.HEADER, REASON]
    assert len(mend.rows) == 2
    assert mend.rows[1][:6] == bad
    assert str(mend.rows[1][6]).split("；") == [
        "认不出“火箭”是什么器具，请写常用名称，如“电子秤”“加油机”",
        "检定日期“2026.13.5”不是日期，没有这一天，请写成 2026-05-20",
        "有效期至“=1+1”不是日期，请写成 2026-05-20",
        "数量“很多”不是台数，请只写数字，如 3",
    ]


def test_a_mended_row_is_taken_when_the_file_is_sent_again() -> None:
    _, mend, _ = errors_of([*files.LEDGER, ["电子秤", "", "0919", "1", "明天", ""]])
    mend.rows[1][4] = "2026-05-20"
    again = read_table(mend.rows, KINDS.get, TODAY)
    assert (again.bad, again.unknown_columns) == ((), ())
    assert again.rows[0].record.verified_on == date(2026, 5, 20)


def test_cells_come_back_as_the_texts_they_were() -> None:
    sheet = read(
        files.xlsx([["器具名称", "出厂编号", "检定日期"], ["火箭", 917, date(2026, 5, 20)], ["火箭", "0918", 46162]])
    )
    mend = read(write_errors(sheet, read_table(sheet.rows, KINDS.get, TODAY)))
    assert [row[:3] for row in mend.rows[1:]] == [["火箭", "917", "2026-05-20"], ["火箭", "0918", "46162"]]


def test_two_rows_of_titles_go_with_the_rows_to_mend() -> None:
    rows = [["器具", "", "检定日期", ""], ["名称", "编号", "上次", "下次"], ["电子秤", "1", "坏", "2027-05-19"]]
    _, mend, table = errors_of(rows)
    again = read_table(mend.rows, KINDS.get, TODAY)
    assert (table.bad[0].line, again.bad[0].line) == (3, 3)
    assert again.mapping == table.mapping


# -- differences -----------------------------------------------------------------------------------------------------


def record(
    serial: str = "", due: date | None = None, count: int = 1, kind: str = "electronic-price-scale"
) -> InstrumentRecord:
    return InstrumentRecord(kind=kind, name="电子秤", model="ACS-30", serial=serial, due_on=due, count=count)


MAY, JUNE, JULY = date(2027, 5, 19), date(2027, 6, 19), date(2027, 7, 19)


def test_both_sides_and_days_are_compared_by_kind_and_number() -> None:
    ours = [record("0917", MAY), record("NO.0918", MAY), record("1", MAY)]
    platform = [record("０９１７", MAY), record("0918", JUNE), record("2", MAY)]
    found = compare(ours, platform)
    assert (found.ours_only, found.platform_only, found.same) == ((ours[2],), (platform[2],), 1)
    assert found.due_differs == ((ours[1], platform[1]),)


def test_a_number_of_another_kind_is_another_instrument_unless_the_kind_is_not_known() -> None:
    pump = record("0917", MAY, kind="fuel-dispenser")
    assert len(compare([record("0917", MAY)], [pump]).platform_only) == 1
    assert not compare([record("0917", MAY)], [record("0917", MAY, kind="")])


def test_without_numbers_kind_model_and_days_are_counted() -> None:
    found = compare([record(count=3, due=MAY), record(due=JUNE)], [record(due=MAY), record(count=2, due=JULY)])
    assert [(o.due_on, p.due_on, o.count) for o, p in found.due_differs] == [(MAY, JULY, 2)]
    assert ([(r.due_on, r.count) for r in found.ours_only], found.platform_only, found.same) == ([(JUNE, 1)], (), 1)


units = st.lists(
    st.builds(record, st.sampled_from(["", "1", "2", "3"]), st.sampled_from([None, MAY, JUNE]), st.just(1)), max_size=8
)


@given(units, units)
@settings(max_examples=100)
def test_nothing_is_lost_and_the_other_way_round_is_the_mirror(
    ours: list[InstrumentRecord], platform: list[InstrumentRecord]
) -> None:
    found, mirror = compare(ours, platform), compare(platform, ours)
    differing = sum(o.count for o, _ in found.due_differs)
    assert sum(r.count for r in found.ours_only) + differing + found.same == len(ours)
    assert sum(r.count for r in found.platform_only) + differing + found.same == len(platform)
    assert (mirror.same, sum(o.count for o, _ in mirror.due_differs)) == (found.same, differing)


def test_a_ledger_agrees_with_itself() -> None:
    found = compare([SCALE, record(count=4)], [SCALE, record(count=4)])
    assert not found
    assert found.lines() == ["平台和台账一致，共5台。"]


def test_the_report_begins_with_the_counts_and_ends_with_how_many_more() -> None:
    found = compare(
        [record("0917", MAY), record("1")], [record("0917", JUNE), *(record(f"P{n}", MAY) for n in range(4))]
    )
    assert found.lines(2) == [
        "对出不同：平台有/台账无 4台，台账有/平台无 1台，有效期不一致 1台；一致0台。",
        "平台有/台账无：",
        "· 电子秤 ACS-30 编号P0 有效期至2027-05-19",
        "· 电子秤 ACS-30 编号P1 有效期至2027-05-19",
        "……另有2条",
        "台账有/平台无：",
        "· 电子秤 ACS-30 编号1 有效期至没写",
        "有效期不一致：",
        "· 电子秤 ACS-30 编号0917 台账2027-05-19，平台2027-06-19",
    ]


def test_the_differences_are_a_table_of_their_own() -> None:
    rows = read(write_differences(compare([record("1", MAY)], [record("1", JUNE), record(count=2, due=MAY)]))).rows
    assert rows[1][:5] == ["平台有/台账无", "电子秤", "ACS-30", None, "2"]
    assert rows[2][-2:] == ["2027-05-19", "2027-06-19"]
