"""Days as people write them, alone and within a text; Excel's numbers; months on."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knowledge.dates import FIRST, LAST, DayError, add_months, excel_day, find_days, read_day

MAY = date(2026, 5, 20)
TODAY = date(2026, 11, 25)
DAYS = st.dates(FIRST, LAST)
STYLES = (
    "{0.year}-{0.month:02}-{0.day:02}",
    "{0.year}-{0.month}-{0.day}",
    "{0.year}/{0.month}/{0.day}",
    "{0.year}.{0.month}.{0.day}",
    "{0.year}.{0.month:02}.{0.day:02}",
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}年{0.month:02}月{0.day:02}日",
    "{0.year} 年 {0.month} 月 {0.day} 日",
    "{0.year}{0.month:02}{0.day:02}",
    "{0.year}-{0.month:02}-{0.day:02} 00:00:00",
)
SHORT_YEARS = (
    "{0:%y}.{0.month}.{0.day}",
    "{0:%y}-{0:%m}-{0:%d}",
    "{0:%y}年{0.month}月{0.day}日",
    "{0:%y}/{0.month}/{0.day}",
)
FULL_WIDTH = str.maketrans("0123456789-/.", "０１２３４５６７８９－／．")


@pytest.mark.parametrize(
    "text",
    [
        "2026/5/20",
        "2026.5.20",
        "20260520",
        "2026年5月20日",
        "2026年05月20号",
        "2026-05-20",
        "2026-5-20",
        "26.5.20",
        "26-05-20",
        "2026、5、20",
        "２０２６．５．２０",
        "２０２６年５月２０日",
        " 2026 - 05 - 20 ",
        "二〇二六年5月20日",
        "2026-05-20 00:00:00",
        "2026-05-20T00:00:00.000",
    ],
)
def test_a_day_in_any_usual_writing(text: str) -> None:
    assert read_day(text) == MAY
    assert read_day(text, TODAY) == MAY


@given(DAYS, st.sampled_from(STYLES), st.booleans())
def test_every_style_reads_back(day: date, style: str, wide: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    text = style.format(day)
    assert read_day(text.translate(FULL_WIDTH) if wide and ":" not in text else text) == day


@given(st.dates(date(2000, 1, 1), LAST), st.sampled_from(SHORT_YEARS))
def test_a_year_of_two_digits_is_of_this_century(day: date, style: str) -> None:
    assert read_day(style.format(day)) == day


@given(
    DAYS,
    st.sampled_from(STYLES[:-1]),
    st.text("电子秤检有效期至，。:： ", max_size=8),
    st.text("检到期 ，止起", max_size=8),
)
def test_a_day_is_found_where_it_stands(day: date, style: str, before: str, after: str) -> None:
    written = style.format(day)
    (found,) = find_days(before + written + after)
    assert found.day == day
    assert (before + written + after)[found.start : found.end] == written


@given(st.lists(DAYS, max_size=4), st.sampled_from(STYLES[:-1]))
def test_several_days_are_found_in_their_order(days: list[date], style: str) -> None:
    assert [found.day for found in find_days("，".join(style.format(day) for day in days))] == days


@pytest.mark.parametrize(
    "text",
    [
        "2026.13.5",
        "2026-02-30",
        "2026-02-29",
        "2026-00-10",
        "2026-01-00",
        "2026-04-31",
        "20261301",
        "20260230",
        "1979-12-31",
        "2100-01-01",
        "1900-1-1",
        "",
        "明天",
        "2026",
        "2026-05",
        "0917",
        "202605201",
        "2026-05-20-1",
        "12026-05-20",
        "2026-05-20 2026-05-21",
        "检2026-05-20",
        "2026-05-20 12:30:00",
        "5月20日",
        "5.20",
    ],
)
def test_what_is_no_day_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(DayError, match="请写成 2026-05-20。") as refused:
        read_day(text)
    assert f"“{text[:20]}”" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [("2026.13.5", "没有这一天"), ("2026-02-30", "没有这一天"), ("2100-01-01", "年份"), ("1979-12-31", "年份")],
)
def test_a_refusal_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(DayError, match=why):
        read_day(text)


@pytest.mark.parametrize(
    "text", ["第2026-13-05号", "2026-02-30检", "编号1234567890", "1.6MPa", "ACS-30", "2100.1.1", "1979年1月1日"]
)
def test_what_only_looks_like_a_day_is_not_found(text: str) -> None:
    assert find_days(text) == []


@given(st.text("0123456789-/.年月日 ０１检", max_size=20))
def test_a_text_that_is_one_day_is_also_found_within_a_text(text: str) -> None:
    try:
        day = read_day(text)
    except DayError:
        return
    assert FIRST <= day <= LAST
    assert [found.day for found in find_days(f"电子秤，{text}，3台")] == [day]


@given(st.text(max_size=40))
def test_any_text_without_a_digit_is_refused(text: str) -> None:
    assume(not any(c.isnumeric() for c in unicodedata.normalize("NFKC", text)))
    with pytest.raises(DayError, match="请写成 2026-05-20。"):
        read_day(text, TODAY)
    assert find_days(text, TODAY) == []


@pytest.mark.parametrize(
    ("text", "today", "day"),
    [
        ("5月20日", TODAY, MAY),
        ("5.20", TODAY, MAY),
        ("5/20", TODAY, MAY),
        ("5-20", TODAY, MAY),
        ("11月25日", TODAY, TODAY),
        ("11月26日", TODAY, date(2025, 11, 26)),
        ("12月31日", date(2027, 1, 1), date(2026, 12, 31)),
        ("1月1日", date(2027, 1, 1), date(2027, 1, 1)),
        ("1月1日", date(2026, 12, 31), date(2026, 1, 1)),
        ("2月29日", date(2026, 5, 1), date(2024, 2, 29)),
        ("2月29日", date(2028, 2, 29), date(2028, 2, 29)),
        ("2月29日", date(2028, 2, 28), date(2024, 2, 29)),
    ],
)
def test_a_day_without_its_year_is_the_last_that_has_passed(text: str, today: date, day: date) -> None:
    assert read_day(text, today) == day
    assert [found.day for found in find_days(f"电子秤 {text}检", today)] == [day]


@pytest.mark.parametrize("text", ["2月30日", "13月1日", "0.5", "4/31"])
def test_no_such_day_in_any_year(text: str) -> None:
    with pytest.raises(DayError):
        read_day(text, TODAY)


@given(DAYS.filter(lambda day: day.year > FIRST.year + 8), st.integers(0, 365))
def test_a_day_without_its_year_is_at_most_today_and_less_than_a_year_back(today: date, back: int) -> None:
    day = today - timedelta(days=back)
    found = read_day(f"{day.month}月{day.day}日", today)
    assert found <= today
    assert (found.month, found.day) == (day.month, day.day)
    assert found >= day


# -- Excel --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serial", "day"),
    [
        (46162, MAY),
        (46162.0, MAY),
        (46162.999, MAY),
        (29221, FIRST),
        (73050, LAST),
        (73050.9, LAST),
        (45351, date(2024, 2, 29)),
        (45352, date(2024, 3, 1)),
    ],
)
def test_an_excel_number_is_a_day(serial: float, day: date) -> None:
    assert excel_day(serial) == day


@pytest.mark.parametrize("serial", [29220, 29220.99, 73051, 0, 1, -5, 917, 20260520, float("inf"), float("nan")])
def test_a_number_that_is_no_likely_day_is_refused(serial: float) -> None:
    with pytest.raises(DayError, match="不是日期，请写成 2026-05-20。"):
        excel_day(serial)


@given(DAYS)
def test_excel_numbers_read_back(day: date) -> None:
    assert excel_day((day - date(1899, 12, 30)).days) == day


# -- months -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (MAY, 12, date(2027, 5, 20)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
        (MAY, 0, MAY),
    ],
)
def test_months_on(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


@given(st.dates(date(1990, 1, 1), date(2080, 12, 31)), st.integers(0, 120))
def test_months_on_is_the_same_day_or_the_last_of_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)
