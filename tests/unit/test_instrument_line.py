"""One instrument in one line: its parts in any order and writing; what is no line; what cannot be read is told."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import Knowledge
from knowledge.instrument_line import LONGEST, ParsedLine, instrument_named, looks_like_line, read_line
from knowledge.library import Library
from knowledge.line_parts import MOST_SERIALS
from knowledge.matcher import Matcher
from knowledge.records import InstrumentRecord
from tests.talks import FLOWS

TODAY = date(2026, 11, 25)
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MAY, NEXT_MAY = date(2026, 5, 20), date(2027, 5, 19)
SCALE = "electronic-price-scale"


@pytest.fixture(scope="module")
def matcher(knowledge: Knowledge) -> Matcher:
    return knowledge.matcher


@pytest.fixture(scope="module")
def library(knowledge: Knowledge) -> Library:
    return knowledge.library


def read(text: str, matcher: Matcher, today: date = TODAY) -> ParsedLine:
    return read_line(text, matcher, matcher.library, today)


def said(found: ParsedLine) -> dict[str, object]:
    """What a line gave, without what it left out."""
    record = found.record.to_json() | {"serials": found.serials, "candidates": found.candidates}
    return {
        name: value for name, value in record.items() if name != "serial" and value and (name, value) != ("count", 1)
    }


LINES: list[tuple[str, dict[str, object]]] = [
    (
        "电子秤 ACS-30 3台 编号0917 2026-05-20检",
        {"model": "ACS-30", "count": 3, "serials": ("0917",), "verified_on": "2026-05-20"},
    ),
    (
        "2026-05-20检 编号0917 3台 ACS-30 电子秤",
        {"model": "ACS-30", "count": 3, "serials": ("0917",), "verified_on": "2026-05-20"},
    ),
    (
        "电子秤　ＡＣＳ－３０　３台　编号０９１７　２０２６－０５－２０检",
        {"model": "ACS-30", "count": 3, "serials": ("0917",), "verified_on": "2026-05-20"},
    ),
    (
        "电子秤，型号ACS-30，出厂编号0917，数量3台，检定日期2026-05-20",
        {"model": "ACS-30", "count": 3, "serials": ("0917",), "verified_on": "2026-05-20"},
    ),
    ("电子秤3台2026年5月20日检", {"count": 3, "verified_on": "2026-05-20"}),
    ("電子秤 3臺 編號0917", {"count": 3, "serials": ("0917",)}),
    ("电子秤 有效期至2027-05-19", {"due_on": "2027-05-19"}),
    ("电子秤 2台 到期 27.5.19", {"count": 2, "due_on": "2027-05-19"}),
    ("电子秤 2台 2027.5.19到期", {"count": 2, "due_on": "2027-05-19"}),
    ("电子秤 2026-05-20 到期 27.5.19", {"verified_on": "2026-05-20", "due_on": "2027-05-19"}),
    ("电子秤 26.5.20检 27.5.19到期", {"verified_on": "2026-05-20", "due_on": "2027-05-19"}),
    ("电子秤2026-05-20检2027-05-19到期", {"verified_on": "2026-05-20", "due_on": "2027-05-19"}),
    ("电子秤 检定日期：2026/5/20 有效期至：2027/5/19", {"verified_on": "2026-05-20", "due_on": "2027-05-19"}),
    ("电子秤 有效期2027-05-19 检定日期2026-05-20", {"verified_on": "2026-05-20", "due_on": "2027-05-19"}),
    ("电子秤 编号0917、0918、0919", {"count": 3, "serials": ("0917", "0918", "0919")}),
    ("电子秤 编号0917/0918/0919", {"count": 3, "serials": ("0917", "0918", "0919")}),
    ("电子秤 编号0917 0918和0919", {"count": 3, "serials": ("0917", "0918", "0919")}),
    ("电子秤 编号0917-0919", {"count": 3, "serials": ("0917", "0918", "0919")}),
    ("电子秤 编号 0917 ～ 0919", {"count": 3, "serials": ("0917", "0918", "0919")}),
    ("电子秤 编号A08到A10", {"count": 3, "serials": ("A08", "A09", "A10")}),
    ("电子秤 编号0917-919", {"serials": ("0917-919",)}),
    ("电子秤 编号2019-033", {"serials": ("2019-033",)}),
    ("电子秤 编号2019-2033 1台", {"serials": ("2019-2033",)}),
    ("电子秤 编号0917 ACS-30", {"serials": ("0917",), "model": "ACS-30"}),
    ("电子秤 编号0917 30台", {"serials": ("0917",), "count": 30}),
    ("电子秤 编号0917 5.20检", {"serials": ("0917",), "verified_on": "2026-05-20"}),
    ("电子秤 编号0917，20260520检", {"serials": ("0917",), "verified_on": "2026-05-20"}),
    ("电子秤 编号20260520", {"serials": ("20260520",)}),
    ("电子秤 No.0917", {"serials": ("0917",)}),
    ("电子秤 #0917", {"serials": ("0917",)}),
    ("电子秤 S/N: A1B2C3", {"serials": ("A1B2C3",)}),
    ("电子秤 0917号", {"serials": ("0917",)}),
    ("两台电子秤", {"count": 2}),
    ("电子秤十二台", {"count": 12}),
    ("电子秤x3", {"count": 3}),
    ("登记电子秤一台，编号 0917", {"serials": ("0917",)}),
    ("帮我记一下 电子秤 3台", {"count": 3}),
    (
        "我有3台电子秤，编号0917、0918、0919，都是2026年5月20日检的",
        {"count": 3, "serials": ("0917", "0918", "0919"), "verified_on": "2026-05-20"},
    ),
    ("电子秤 放在收银台 3台", {"place": "收银台", "count": 3}),
    ("放在收银台的电子秤 3台", {"place": "收银台", "count": 3}),
    ("电子秤 3台 上海大华衡器厂", {"maker": "上海大华衡器厂", "count": 3}),
    ("电子秤上海大华衡器厂编号0917", {"maker": "上海大华衡器厂", "serials": ("0917",)}),
    ("电子秤 厂家大华 ACS-30A 最大30kg/5g 三级", {"maker": "大华", "model": "ACS-30A"}),
    ("电子秤 证书编号 温衡字第2026-0123号", {"certificate_no": "温衡字第2026-0123号"}),
]
OTHER_THINGS: list[tuple[str, dict[str, object]]] = [
    ("加油机 2把枪", {"kind": "fuel-dispenser", "count": 2}),
    (
        "加油机 JJQ-50 编号A1023 2026.9.1检",
        {"kind": "fuel-dispenser", "model": "JJQ-50", "serials": ("A1023",), "verified_on": "2026-09-01"},
    ),
    ("血压计", {"kind": "mercury-sphygmomanometer"}),
    ("台秤 TCS-150 1台", {"kind": "electronic-bench-scale", "model": "TCS-150"}),
    ("300公斤秤 2台", {"kind": "electronic-bench-scale", "count": 2}),
    ("PM2.5检测仪 编号A1", {"kind": "dust-sampler", "serials": ("A1",)}),
    (
        "地磅 SCS-100 100t 编号2019-033 检定日期：2026年3月1日 有效期至：2027年2月28日",
        {
            "kind": "electronic-truck-scale",
            "model": "SCS-100",
            "serials": ("2019-033",),
            "verified_on": "2026-03-01",
            "due_on": "2027-02-28",
        },
    ),
    ("天平 FA2004 0.1mg 编号1125", {"kind": "electronic-balance", "model": "FA2004", "serials": ("1125",)}),
    ("砝码 20kg 10个 F2级", {"kind": "weights", "count": 10}),
    ("燃气表 G2.5 3只", {"kind": "gas-meter-domestic", "model": "G2.5", "count": 3}),
]
UNCLEAR = [
    ("压力表 0-1.6MPa", ("pressure-gauge-safety", "ordinary-pressure-gauge", "sterilizer-gauge")),
    ("压力表 Y-100 (0~1.6)MPa 1.6级", ("pressure-gauge-safety", "ordinary-pressure-gauge", "sterilizer-gauge")),
    ("磅秤 1台", ("electronic-bench-scale", "mechanical-bench-scale", "electronic-truck-scale")),
    ("充电桩 编号CZ001-CZ010", ("ev-charger-ac", "ev-charger-dc")),
    ("温度计 -20~100℃ 2支", ("electronic-thermometer", "thermo-hygrometer", "food-core-thermometer")),
]


@pytest.mark.parametrize(("line", "wanted"), LINES)
def test_a_line_about_a_scale_is_read(line: str, wanted: dict[str, object], matcher: Matcher) -> None:
    found = read(line, matcher)
    assert said(found) == {"kind": SCALE, "name": "电子秤"} | wanted
    assert found.problems == ()
    assert found.record.serial == (found.serials[0] if found.serials else "")
    assert found.counted == ("count" in wanted or "serials" in wanted or "一台" in line or "1台" in line)


@pytest.mark.parametrize(("line", "wanted"), OTHER_THINGS)
def test_a_line_about_another_thing_is_read(line: str, wanted: dict[str, object], matcher: Matcher) -> None:
    found = read(line, matcher)
    assert {name: value for name, value in said(found).items() if name != "name"} == wanted
    assert (found.candidates, found.problems) == ((), ())


@pytest.mark.parametrize(("line", "candidates"), UNCLEAR)
def test_a_name_of_several_things_gives_candidates_and_no_kind(
    line: str, candidates: tuple[str, ...], matcher: Matcher
) -> None:
    found = read(line, matcher)
    assert (found.record.kind, found.candidates, found.problems) == ("", candidates, ())
    assert found.record.name == line.split(" ", maxsplit=1)[0]


def test_every_name_in_the_library_stands_as_a_line(matcher: Matcher, library: Library) -> None:
    """Capacities, letters and digits within a name (300公斤秤, G2.5) stay part of it."""
    lost = []
    for thing in library.instruments.values():
        for name in (thing.name, *thing.aliases):
            found = read(f"{name} 2台 编号0917 2026-05-20检", matcher)
            if (
                found.problems
                or (found.record.count, found.serials, found.record.verified_on) != (2, ("0917",), MAY)
                or (thing.id != found.record.kind and not found.candidates)
            ):
                lost.append(name)
    assert lost == []


def test_every_name_that_means_one_thing_is_that_thing(matcher: Matcher, library: Library) -> None:
    assert instrument_named(matcher, library, "电子秤") == (SCALE, ())
    for thing in library.instruments.values():
        assert instrument_named(matcher, library, thing.name) == (thing.id, ())


@pytest.mark.parametrize("name", ["量子仪", "打印机", "空调", "桌子", "电脑", "XX", "3台", "", "。", "的" * 5000])
def test_what_is_no_instrument_is_not_taken_for_one(name: str, matcher: Matcher, library: Library) -> None:
    assert instrument_named(matcher, library, name) == ("", ())


def test_thousands_of_names_are_looked_up_in_a_moment(matcher: Matcher, library: Library) -> None:
    began = time.perf_counter()
    for n in range(500):
        instrument_named(matcher, library, f"{n}号不锈钢电子秤")
    assert time.perf_counter() - began < 500 * 0.005


# -- days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said_day", "today", "verified_on", "due_on"),
    [
        ("2026-11-25", TODAY, TODAY, None),
        ("2026-11-26", TODAY, None, date(2026, 11, 26)),
        ("2026-11-26", date(2026, 11, 26), date(2026, 11, 26), None),
        ("2026-05-20 2027-05-19", TODAY, MAY, NEXT_MAY),
        ("2027-05-19 2026-05-20", TODAY, MAY, NEXT_MAY),
        ("2024-05-20 2025-05-19", TODAY, date(2024, 5, 20), date(2025, 5, 19)),
        ("2026-05-20至2027-05-19", TODAY, MAY, NEXT_MAY),
        ("5月20日检", TODAY, MAY, None),
        ("12月31日检", TODAY, date(2025, 12, 31), None),
        ("12月31日检", date(2026, 12, 31), date(2026, 12, 31), None),
        ("1月1日检", date(2026, 12, 31), date(2026, 1, 1), None),
        ("5.20检", TODAY, MAY, None),
        ("去年5月20日检的", TODAY, date(2025, 5, 20), None),
        ("昨天检的", date(2027, 1, 1), date(2026, 12, 31), None),
        ("2月29日检", TODAY, date(2024, 2, 29), None),
        ("2024-02-29检", TODAY, date(2024, 2, 29), None),
        ("到期5月19日", TODAY, None, NEXT_MAY),
        ("11月20日到期", TODAY, None, date(2026, 11, 20)),
        ("2026-05-20检 5月19日到期", TODAY, MAY, NEXT_MAY),
        ("2月29日到期", TODAY, None, date(2028, 2, 29)),
        ("下次检定2027-05-19", TODAY, None, NEXT_MAY),
        ("上次检定2026-05-20", TODAY, MAY, None),
        ("2028-05-20检", TODAY, date(2028, 5, 20), None),
    ],
)
def test_a_day_is_the_verification_or_the_end_of_it(
    said_day: str, today: date, verified_on: date | None, due_on: date | None, matcher: Matcher
) -> None:
    found = read(f"电子秤 {said_day}", matcher, today)
    assert (found.record.verified_on, found.record.due_on) == (verified_on, due_on)
    assert (found.record.name, found.problems) == ("电子秤", ())


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("电子秤 3台 2026-13-45检", "2026-13-45"),
        ("电子秤 3台 2026.13.5 检", "2026.13.5"),
        ("电子秤 3台 2026-02-30检", "2026-02-30"),
        ("电子秤 3台 2025-02-29检", "2025-02-29"),
        ("电子秤 3台 20261345检", "20261345"),
        ("电子秤 3台 2月30日检", "2月30日"),
        ("电子秤 3台 2026年5月检", "2026年5月检"),
        ("电子秤 3台 去年检的", "去年检的"),
    ],
)
def test_an_impossible_day_is_told_and_the_rest_is_kept(line: str, named: str, matcher: Matcher) -> None:
    found = read(line, matcher)
    assert len(found.problems) == 1
    assert f"“{named}”" in found.problems[0]
    assert "2026-05-20" in found.problems[0]
    assert said(found) == {"kind": SCALE, "name": "电子秤", "count": 3}


@pytest.mark.parametrize(
    ("line", "told", "kept"),
    [
        ("电子秤 2026-05-20检 2025-05-20检", "没记 2025-05-20", {"verified_on": "2026-05-20"}),
        ("电子秤 编号A1、A2 3台", "编号有 2 个", {"count": 3, "serials": ("A1", "A2")}),
        ("电子秤 0台 编号A1", "“0台”不是台数", {"serials": ("A1",)}),
        ("电子秤 0917 2026-05-20检", "“0917”没看懂", {"verified_on": "2026-05-20"}),
        ("电子秤3台 血压计2台", "“血压计”请另发一行", {"count": 3}),
    ],
)
def test_what_does_not_fit_is_told_and_the_rest_is_kept(
    line: str, told: str, kept: dict[str, object], matcher: Matcher
) -> None:
    found = read(line, matcher)
    assert [told in problem for problem in found.problems] == [True]
    assert said(found) == {"kind": SCALE, "name": "电子秤"} | kept


@pytest.mark.parametrize(
    ("line", "name"),
    [("量子仪 2台 编号1", "量子仪"), ("打印机 2台 编号1", "打印机"), ("CO2检测仪 2台 编号1", "CO2检测仪")],
)
def test_a_thing_that_is_not_known_is_told_by_its_name(line: str, name: str, matcher: Matcher) -> None:
    found = read(line, matcher)
    assert (found.record.kind, found.record.name, found.candidates) == ("", name, ())
    assert found.problems == (f"认不出“{name}”是什么器具，请写器具的名字，如“电子秤”“压力表”“加油机”。",)
    assert (found.record.count, found.serials) == (2, ("1",))


def test_a_correction_without_a_name_is_read(matcher: Matcher) -> None:
    found = read("编号0918 有效期至2027-12-20", matcher)
    assert (found.serials, found.record.due_on, found.record.name) == (("0918",), date(2027, 12, 20), "")
    assert found.problems[0].startswith("没看到是什么器具")


# -- numbers ------------------------------------------------------------------------------------------------------


def test_a_row_of_two_hundred_is_spread_and_a_longer_one_is_not(matcher: Matcher) -> None:
    most = read("电子秤 编号0001-0200", matcher)
    assert (len(most.serials), most.serials[-1], most.record.count, most.problems) == (200, "0200", 200, ())
    more = read("电子秤 编号0001-0201", matcher)
    assert more.serials == ("0001-0201",)
    assert [f"最多 {MOST_SERIALS} 个" in problem for problem in more.problems] == [True]


def test_no_more_than_two_hundred_numbers_are_listed(matcher: Matcher) -> None:
    found = read(f"电子秤 编号{'、'.join(str(n) for n in range(1000, 1000 + MOST_SERIALS + 1))}", matcher)
    assert len(found.serials) == MOST_SERIALS
    assert [f"只记了前 {MOST_SERIALS} 个" in problem for problem in found.problems] == [True]


# -- properties ---------------------------------------------------------------------------------------------------

DAYS = st.dates(date(2015, 1, 1), TODAY)
STYLES = ("{0:%Y-%m-%d}检", "{0:%Y年%m月%d日}检", "检定日期{0:%Y.%m.%d}", "{0:%Y%m%d}检", "{0:%y.%m.%d}检")


@given(
    st.permutations(range(5)),
    st.integers(2, 99),
    st.text("0123456789", min_size=3, max_size=10),
    DAYS,
    st.sampled_from(STYLES),
    st.sampled_from([" ", "，", ",", "  ", "；", "\u3000"]),
)
@settings(max_examples=60)
def test_the_order_of_the_parts_does_not_matter(
    matcher: Matcher, order: list[int], count: int, serial: str, day: date, style: str, gap: str
) -> None:
    parts = ["电子秤", "ACS-30", f"{count}台", f"编号{serial}", style.format(day)]
    found = read(gap.join(parts[n] for n in order), matcher)
    assert said(found) == {
        "kind": SCALE,
        "name": "电子秤",
        "model": "ACS-30",
        "count": count,
        "serials": (serial,),
        "verified_on": day.isoformat(),
    }
    assert found.problems == ()


@given(DAYS, st.integers(1, 1500))
@settings(max_examples=40)
def test_both_days_are_kept_in_either_order(matcher: Matcher, day: date, span: int) -> None:
    due = day + timedelta(days=span)
    for line in (f"电子秤 {day}检 有效期至{due}", f"电子秤 有效期至{due} {day}检", f"电子秤 {due}到期 {day}检"):
        found = read(line, matcher)
        assert (found.record.verified_on, found.record.due_on, found.problems) == (day, due, ())


PIECES = (
    "电子秤 压力表 编号 0917 -0919 、 ， 3 台 两把 检 到期 有效期至 2026-05-20 2月29日 20260520 型号 ACS-30 30kg 证书编号 "
    "放在 的 厂 去年 年 月 # / 1.6 级 今天 No. 0台"
)
ANYTHING = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(PIECES.split()),
        max_size=12,
    ).map("".join),
)


@given(ANYTHING, st.dates(date(1980, 1, 1), date(2099, 12, 31)))
@settings(max_examples=150)
def test_nothing_written_is_too_odd_to_be_read(matcher: Matcher, text: str, today: date) -> None:
    found = read(text, matcher, today)
    assert found.record.count >= 1
    assert len(found.candidates) <= 3
    assert not (found.record.kind and found.candidates)
    assert found.record.kind or found.candidates or found.problems
    assert InstrumentRecord.from_json(found.record.to_json()) == found.record
    if looks_like_line(text, matcher):
        assert found.record.kind or found.candidates


@pytest.mark.parametrize("piece", ["2026-05-20 ", "的", "都是", "1", "电子秤", "A-", "(1-2", "编号", "最大", "5.20 "])
def test_a_very_long_line_takes_no_long_time(piece: str, matcher: Matcher) -> None:
    text = piece * (3 * LONGEST // len(piece))
    began = time.perf_counter()
    found = read(text, matcher)
    assert time.perf_counter() - began < 2
    assert any(f"前 {LONGEST} 个字" in problem for problem in found.problems)
    assert not looks_like_line(text, matcher)


# -- telling a line from a question -------------------------------------------------------------------------------

WORD_OF_A_LINE = ("编号", "台", "检", "到期", "有效", "No.", "#", "S/N", "x3", "把枪", "0917号")
SHAPED = [
    line for line, _ in (*LINES, *OTHER_THINGS) if any(word in line.replace("证书编号", "") for word in WORD_OF_A_LINE)
]


@pytest.mark.parametrize("line", [*SHAPED, "压力表 3块 2026-06-01检", "电子秤 3台 2026-13-45检", "秤 编号0917 5.20检"])
def test_a_line_looks_like_one(line: str, matcher: Matcher) -> None:
    assert looks_like_line(line, matcher)


def test_there_are_enough_golden_lines() -> None:
    assert len(SHAPED) >= 45


@pytest.mark.parametrize(
    "text",
    [
        "电子秤",
        "血压计",
        "电子秤 ACS-30",
        "电子秤要不要检",
        "电子秤3台要检吗",
        "3台电子秤检定多少钱",
        "电子秤编号0917什么时候到期",
        "编号0917的电子秤坏了",
        "电子秤 编号0917 送检了",
        "电子秤 编号0917 已预约",
        "电子秤 编号0917 报废",
        "删掉电子秤 编号0917",
        "电子秤2026-05-20检的，几年一次",
        "提醒我电子秤2027-05-19到期",
        "昨天买了3斤排骨，电子秤称得2斤8两",
        "2斤排骨电子秤上只有1斤8两",
        "有3个人说电子秤短斤少两",
        "电子秤一台多少钱",
        "电子秤检定合格证2026-05-20到期了怎么办",
        "打印机 3台 编号0917",
        "3台",
        "编号0917",
        "2026-05-20检",
        "人工",
        "",
    ],
)
def test_a_question_or_a_story_does_not(text: str, matcher: Matcher) -> None:
    assert not looks_like_line(text, matcher)


@pytest.mark.parametrize("name", ["queries-open.jsonl", "queries-own.jsonl"])
def test_no_question_of_the_benchmarks_looks_like_a_line(name: str, matcher: Matcher) -> None:
    queries = [json.loads(line)["q"] for line in (BENCHMARKS / name).read_text(encoding="utf-8").splitlines()]
    assert len(queries) > 100
    assert [query for query in queries if looks_like_line(query, matcher)] == []


def test_nothing_said_in_a_conversation_without_a_ledger_looks_like_a_line(matcher: Matcher) -> None:
    talks = [path.read_text(encoding="utf-8") for path in FLOWS.glob("*.talk")]
    others = [talk for talk in talks if "绑定" not in talk and "台账" not in talk]
    told = [line.removeprefix("用户：") for talk in others for line in talk.splitlines() if line.startswith("用户：")]
    assert len(told) > 150
    assert [text for text in told if looks_like_line(text, matcher)] == []
