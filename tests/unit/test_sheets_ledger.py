"""A table of cells becomes instruments: titles, days, counts, numbers, and what is told of each row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from knowledge.dates import EXCEL_ZERO
from knowledge.files import DataError
from knowledge.ledger_sheet import NO_HEADER, NO_ROWS, Table, read_table
from knowledge.sheet_columns import LIKE, Columns
from tests.sheets import HEADER, SCALE

TODAY = date(2026, 11, 22)
KINDS = {"电子秤": "electronic-price-scale", "加油机": "fuel-dispenser", "电子计价秤": "electronic-price-scale"}


def table(*rows: list[Any]) -> Table:
    return read_table(rows, KINDS.get, TODAY)


def one(**cells: Any) -> tuple[Any, tuple[str, ...]]:
    """The record and problems of a row with these cells by title."""
    given_ = {"器具名称": "电子秤", "出厂编号": "1"} | cells
    row = table(list(given_), list(given_.values())).rows[0]
    return row.record, row.problems


# -- titles --------------------------------------------------------------------------------------------------------


def test_titles_are_found_below_letterhead_and_name_their_fields() -> None:
    found = table(["某某菜场"], [], ["填报日期：2026年5月"], ["序号", *HEADER, "摊主"], ["1", *SCALE, "张三"])
    assert (found.header_line, found.unknown_columns, found.missing_columns) == (4, ("摊主",), ())
    assert found.mapping["due_on"] == "有效期至"
    assert found.rows[0].record.serial == "0917"


@pytest.mark.parametrize(
    ("title", "field"),
    [
        ("器具编号", "serial"),
        ("ＳＮ", "serial"),
        ("出厂 编号（必填）", "serial"),
        ("出厂\n编号", "serial"),
        ("计量器具出厂编号", "serial"),
        ("下次检定", "due_on"),
        ("到期日", "due_on"),
        ("*有效期至：", "due_on"),
        ("证书有效期至日", "due_on"),
        ("检定 日期", "verified_on"),
        ("生产厂家名", "maker"),
        ("数量（台）", "count"),
        ("联系人", "aside"),
        ("摊主", ""),
        ("备注", "aside"),
    ],
)
def test_a_title_is_known_however_it_is_written(title: str, field: str) -> None:
    assert Columns.load().field_of(title)[0] == field


def test_no_title_of_one_field_is_like_one_of_another() -> None:
    ranks = Columns.load().ranks
    alike = [(a, b) for a in ranks for b in ranks if ranks[a][0] != ranks[b][0] and fuzz.ratio(a, b) >= LIKE]
    assert alike == []


def test_two_rows_of_titles_are_read_together() -> None:
    upper = ["器具信息", "", "", "检定日期", "", "备注"]
    found = table(
        ["台账"], upper, ["名称", "型号", "编号", "上次", "下次", ""], ["电子秤", "", "1", "2026-05-20", "2027-05-19"]
    )
    record = found.rows[0].record
    assert (found.first_header_line, found.header_line) == (2, 3)
    assert (record.verified_on, record.due_on) == (date(2026, 5, 20), date(2027, 5, 19))


def test_titles_merged_over_two_rows_and_printed_again_are_no_instruments() -> None:
    found = table(
        HEADER, HEADER, SCALE, HEADER, [*SCALE[:2], "0918", *SCALE[3:]], ["合计", "", "", "2"], ["填表人：张三"]
    )
    assert [row.line for row in found.rows] == [3, 5]
    assert found.bad == ()


def test_of_two_columns_for_one_field_the_more_usual_title_wins() -> None:
    found = table(["管理编号", "器具名称", "出厂编号"], ["G-1", "电子秤", "0917"])
    assert (found.rows[0].record.serial, found.unknown_columns) == ("0917", ("管理编号",))


def test_a_table_without_titles_or_rows_says_so() -> None:
    assert table(["电子秤", "ACS-30"], ["0917"]).refusal == NO_HEADER
    assert table().refusal == NO_HEADER
    assert table(HEADER).refusal == NO_ROWS
    assert table(HEADER, SCALE).refusal == ""
    assert table(["器具名称", "型号"], ["电子秤", "A"]).missing_columns == ("出厂编号", "检定日期或有效期至")


def test_titles_beyond_twenty_rows_are_not_looked_for() -> None:
    assert table(*[["填写说明"]] * 20, HEADER, SCALE).refusal == NO_HEADER


def test_a_data_file_with_a_field_or_title_that_cannot_be_is_refused(tmp_path: Any) -> None:
    for columns in (
        "{nmae: {title: x, titles: [x]}}",
        "{name: {title: x, titles: [x]}, model: {title: x, titles: [x]}}",
    ):
        path = tmp_path / f"{len(columns)}.yaml"
        path.write_text(f"columns: {columns}\nnot_instruments: []\ntemplate: {{note: '', columns: []}}\n")
        with pytest.raises(DataError, match=r"\.yaml"):
            Columns.load(path)


# -- days ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2027-05-19",
        "2027/5/19",
        "2027.5.19",
        "20270519",
        "2027年5月19日",
        "27.5.19",
        "２０２７－０５－１９",
        "2027-05-19 00:00:00",
        "2027/5/19 8:30",
        "2027-05-19T00:00:00.000",
        "46526",
        46526.0,
        46526.75,
        20270519.0,
        date(2027, 5, 19),
    ],
)
def test_a_day_is_read_in_every_style(written: Any) -> None:
    record, problems = one(有效期至=written)
    assert (record.due_on, problems) == (date(2027, 5, 19), ())


@given(
    st.dates(date(1980, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["{:%Y-%m-%d}", "{:%Y/%m/%d}", "{:%Y%m%d}", "{:%Y年%m月%d日}"]),
)
@settings(max_examples=60)
def test_any_day_is_the_same_in_every_style_and_as_a_number(day: date, style: str) -> None:
    number = float((day - EXCEL_ZERO).days)
    assert (
        one(有效期至=style.format(day))[0].due_on
        == one(有效期至=number)[0].due_on
        == one(有效期至=day)[0].due_on
        == day
    )


@pytest.mark.parametrize("nothing", ["", "/", "-", "——", "无", None, "  "])
def test_a_dash_or_nothing_is_no_day_and_no_mistake(nothing: Any) -> None:
    record, problems = one(有效期至=nothing, 规格型号=nothing, 数量=nothing)
    assert (record.due_on, record.model, record.count, problems) == (None, "", 1, ())


@pytest.mark.parametrize(
    "written", ["2026.13.5", "2026-02-30", "明年", "2026", 2026.5, "1900-01-01", date(1970, 1, 1), "#VALUE!"]
)
def test_what_is_no_day_is_told_with_line_title_and_form(written: Any) -> None:
    record, problems = one(有效期至=written)
    assert record.due_on is None
    assert problems[0].startswith("第2行有效期至“")
    assert problems[0].endswith("请写成 2026-05-20")


def test_days_that_cannot_be_together_are_told() -> None:
    assert one(检定日期="2026-12-01")[1] == ("第2行检定日期2026-12-01还没到，请核对",)
    assert one(检定日期="2026-05-20", 有效期至="2025-05-19")[1] == (
        "第2行有效期至2025-05-19不晚于检定日期2026-05-20，请核对",
    )


# -- names, counts, numbers ------------------------------------------------------------------------------------------


def test_a_name_nobody_knows_is_told_and_the_rest_is_kept() -> None:
    record, problems = one(器具名称="火箭", 规格型号="长征")
    assert (record.kind, record.name, record.model) == ("", "火箭", "长征")
    assert problems == ("第2行认不出“火箭”是什么器具，请写常用名称，如“电子秤”“加油机”",)
    assert one(器具名称="")[1] == ("第2行器具名称没有写，请写常用名称，如“电子秤”",)


def test_the_type_helps_where_the_name_is_not_known() -> None:
    record, problems = one(器具名称="海鲜区3号", 种别="电子计价秤")
    assert (record.kind, record.name, problems) == ("electronic-price-scale", "海鲜区3号", ())


def test_each_name_is_looked_up_once() -> None:
    asked: list[str] = []
    read_table([["器具名称", "出厂编号"], *(["电子秤", str(n)] for n in range(50))], asked.append, TODAY)
    assert asked == ["电子秤"]


@pytest.mark.parametrize(("written", "count"), [("3", 3), (3.0, 3), ("3台", 3), ("３ 台", 3), ("3.0", 3), ("", 1)])
def test_a_count_may_have_its_unit(written: Any, count: int) -> None:
    record, problems = one(出厂编号="", 数量=written)
    assert (record.count, problems) == (count, ())


@pytest.mark.parametrize("written", ["0", "很多", "-1", 2.5, "99999"])
def test_what_is_no_count_is_told(written: Any) -> None:
    assert one(出厂编号="", 数量=written)[1] == (f"第2行数量“{written}”不是台数，请只写数字，如 3",)


def test_one_serial_number_for_several_instruments_is_told_and_several_become_several() -> None:
    assert one(数量="3")[1] == ("第2行出厂编号只有一个，数量却是3台，请每台写一行",)
    rows = table(["器具名称", "出厂编号", "数量"], ["电子秤", "0917、0918\n0919", 3.0]).rows
    assert [(row.line, row.record.serial, row.record.count, row.problems) for row in rows] == [
        (2, "0917", 1, ()),
        (2, "0918", 1, ()),
        (2, "0919", 1, ()),
    ]


@pytest.mark.parametrize("written", ["1.23E+11", 1.2345678901234568e17])
def test_a_serial_number_that_lost_digits_is_told(written: Any) -> None:
    assert "位数不全了，请把这一列设成“文本”" in one(出厂编号=written)[1][0]


def test_a_serial_number_twice_is_told_in_both_rows_with_both_lines() -> None:
    rows = table(
        HEADER, SCALE, [*SCALE[:2], "０９-17", *SCALE[3:]], ["加油机", "", "0917"], [*SCALE[:2], "1", *SCALE[3:]]
    ).rows
    assert [row.problems for row in rows] == [
        ("第2、3行出厂编号重复（0917）",),
        ("第2、3行出厂编号重复（０９-17）",),
        (),
        (),
    ]


def test_a_text_too_long_is_told_and_not_kept() -> None:
    record, problems = one(规格型号="A" * 61, 使用地点="路" * 100)
    assert (record.model, record.place, problems) == ("", "路" * 100, ("第2行规格型号太长，请写在60字以内",))


@given(
    st.lists(
        st.lists(
            st.one_of(st.none(), st.text(max_size=12), st.floats(), st.dates(), st.sampled_from(HEADER)), max_size=8
        ),
        max_size=8,
    )
)
@settings(max_examples=150)
def test_no_table_of_any_cells_breaks_the_reading(rows: list[list[Any]]) -> None:
    found = read_table([HEADER, *rows], KINDS.get, TODAY)
    assert all(1 < row.line <= len(rows) + 1 and row.record.count >= 1 for row in found.rows)
    assert all(problem.startswith("第") for row in found.bad for problem in row.problems)


def test_due_days_across_a_year_keep_their_order() -> None:
    days = [date(2026, 12, 31) + timedelta(days=n) for n in range(-1, 2)]
    rows = table(["器具名称", "出厂编号", "有效期至"], *(["电子秤", str(n), day] for n, day in enumerate(days))).rows
    assert [row.record.due_on for row in rows] == days
