import re
from collections.abc import Iterator
from datetime import date
from itertools import chain, combinations
from pathlib import Path

import pytest
import yaml

from knowledge.checkup import (
    FILE,
    MAX_TAPS,
    UNSURE,
    Answers,
    Condition,
    Kind,
    Level,
    Question,
    Trade,
    applies,
    check_links,
    count_in,
    due_text,
    duties,
    ledger_skeleton,
    load_trades,
    read_count,
    spot_trade,
    tidy,
)
from knowledge.dates import add_months
from knowledge.files import DATA
from knowledge.library import Catalogue, DataError, Library

BEFORE, AFTER = date(2027, 1, 7), date(2027, 1, 8)
ARTICLE = re.compile(r"第[一二三四五六七八九十、]+条|附表\d|〔\d{4}〕\d+号|公告20\d\d年第\d+号|JJ[GF] \d+")
DAY = re.compile(r"20\d\d-\d\d-\d\d")

TRADES = load_trades()
LIBRARY = Library.load()
PACKS = pytest.mark.parametrize("trade", TRADES.packs, ids=lambda trade: trade.id)


def values(question: Question) -> list[object]:
    if question.kind is Kind.NUMBER:
        return [0, 1, 3]
    options = [option.value for option in question.choices]
    if question.kind is Kind.CHOICE:
        return list(options)
    return [list(some) for some in chain.from_iterable(combinations(options, n) for n in range(1, len(options) + 1))]


def paths(trade: Trade) -> Iterator[dict[str, object]]:
    """All answers that can be given, each question asked only when the earlier answers call for it."""

    def grow(answers: dict[str, object], left: tuple[Question, ...]) -> Iterator[dict[str, object]]:
        if not left:
            yield answers
        elif not applies(left[0].when, answers):
            yield from grow(answers, left[1:])
        else:
            for value in values(left[0]):
                yield from grow(answers | {left[0].name: value}, left[1:])

    yield from grow({"trade": trade.id}, trade.questions)


# -- the data -----------------------------------------------------------------------------------------------------


def test_there_are_twelve_packs_with_ways_to_say_them() -> None:
    assert len(TRADES.packs) == 12
    assert all(len(trade.aliases) >= 8 for trade in TRADES.packs)


def test_instruments_and_sources_exist_and_the_unsure_is_worded_so() -> None:
    check_links(TRADES, LIBRARY.instruments, LIBRARY.sources)


def test_no_alias_belongs_to_two_trades() -> None:
    said = [(tidy(alias), trade.id) for trade in TRADES.packs for alias in {trade.shop, trade.name, *trade.aliases}]
    assert len({alias for alias, _ in said}) == len(set(said))


@PACKS
def test_nothing_unsure_is_called_free_of_duty(trade: Trade) -> None:
    for duty in trade.duties:
        if duty.level is Level.NO_NEED:
            assert UNSURE not in duty.text
            assert duty.entry is None or LIBRARY.instruments[duty.entry].catalogue is Catalogue.UNLISTED
        elif duty.entry and LIBRARY.instruments[duty.entry].catalogue is Catalogue.UNSURE:
            assert UNSURE in duty.text
            assert "市场监管所" in duty.text


@PACKS
def test_unsure_instruments_are_said_to_be_so_in_why_and_summary(trade: Trade) -> None:
    for tool in trade.instruments:
        if LIBRARY.instruments[tool.entry].catalogue is Catalogue.UNSURE:
            assert UNSURE in tool.why
            assert UNSURE in trade.summary
    assert re.search(r"检", trade.summary.splitlines()[0])


# -- every path ---------------------------------------------------------------------------------------------------


@PACKS
@pytest.mark.parametrize("on", [BEFORE, AFTER])
def test_every_path_ends_in_dated_duties_with_articles(trade: Trade, on: date) -> None:
    seen = 0
    for answers in paths(trade):
        seen += 1
        found = duties(trade, answers, on)
        assert {finding.level for finding in found} == set(Level), answers
        for finding in found:
            assert ARTICLE.search(finding.law), finding
            assert DAY.search(finding.due_text), finding
            assert finding.cost
            assert not re.search(r"[{}]|None", finding.text), finding
    assert seen > 8


@PACKS
def test_no_path_takes_more_than_six_taps(trade: Trade) -> None:
    longest = max(len(answers) for answers in paths(trade))  # the trade itself is one tap
    assert longest <= MAX_TAPS - 1  # and one is left for 帮我建台账


@PACKS
def test_every_duty_is_reached_by_some_path(trade: Trade) -> None:
    reached = set()
    for answers in paths(trade):
        reached |= {i for i, duty in enumerate(trade.duties) if applies(duty.when, answers)}
    assert reached == set(range(len(trade.duties)))


def test_levels_come_in_order() -> None:
    found = duties(TRADES.by_id["trade-seafood"], {"scales": 2, "tag": "none", "catch": ["tied"]}, BEFORE)
    assert [f.level for f in found] == sorted((f.level for f in found), key=list(Level).index)
    assert found[0].text.startswith("2台秤先别用来收钱")
    assert "第九" in found[0].law


def test_a_trade_without_answers_still_has_duties() -> None:
    assert all(duties(trade, {}, BEFORE) for trade in TRADES.packs)


# -- dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "id_", ["trade-seafood", "trade-produce", "trade-meat", "trade-supermarket", "trade-restaurant"]
)
def test_the_scale_rule_changes_on_its_day(id_: str) -> None:
    answers: Answers = {"scales": 1, "tag": "valid"}
    before, after = ([f.text for f in duties(TRADES.by_id[id_], answers, on)] for on in (BEFORE, AFTER))
    assert any("2027-01-08起电子计价秤按新规程检" in text for text in before)
    assert any("电子计价秤已按新规程检" in text for text in after)
    assert not set(before) >= set(after)
    assert any("不用为了新规急着换秤" in text for text in before)
    assert not any("急着换秤" in text for text in after)


def test_due_texts_are_counted_from_the_day() -> None:
    valid = duties(TRADES.by_id["trade-fuel"], {"dispensers": 4, "tag": "valid", "fuel": ["none"]}, date(2026, 8, 31))
    assert valid[0].due_text.startswith("最晚2027-02-28前")
    assert due_text("yearly", date(2024, 2, 29)) == "每年一次，最晚2025-02-28前"
    assert add_months(date(2026, 11, 24), 36) == date(2029, 11, 24)
    assert add_months(date(2026, 12, 31), 1) == date(2027, 1, 31)


# -- conditions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "answers", "holds"),
    [
        ({}, {}, True),
        ({"scales": ">0"}, {"scales": 1}, True),
        ({"scales": ">0"}, {"scales": 0}, False),
        ({"scales": "=0"}, {"scales": 0}, True),
        ({"scales": ">=2"}, {"scales": 2}, True),
        ({"scales": "<=2"}, {"scales": 3}, False),
        ({"scales": "<2"}, {"scales": 1}, True),
        ({"scales": ">0"}, {}, False),
        ({"tag": ("expired", "none")}, {"tag": "none"}, True),
        ({"tag": "valid"}, {"tag": "none"}, False),
        ({"catch": "tied"}, {"catch": ["prepacked", "tied"]}, True),
        ({"catch": "none"}, {"catch": ["none", "tied"]}, False),
        ({"scales": ">0", "tag": "none"}, {"scales": 1, "tag": "valid"}, False),
    ],
)
def test_conditions(condition: Condition, answers: Answers, holds: bool) -> None:  # noqa: FBT001
    assert applies(condition, answers) is holds


# -- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("我开海鲜摊", "trade-seafood"),
        ("卖鱼的要办啥", "trade-seafood"),
        ("菜市场鱼档", "trade-seafood"),
        ("大闸蟹店要检秤吗", "trade-seafood"),
        ("开水果店要检什么", "trade-produce"),
        ("我是卖菜的", "trade-produce"),
        ("我开了家水果超市", "trade-produce"),
        ("我卖肉", "trade-meat"),
        ("开卤味店", "trade-meat"),
        ("小饭馆", "trade-restaurant"),
        ("开个海鲜酒楼", "trade-restaurant"),
        ("开麻辣烫店", "trade-restaurant"),
        ("开超市的", "trade-supermarket"),
        ("开超市卖水果", "trade-supermarket"),
        ("便利店", "trade-supermarket"),
        ("新开一个加油站", "trade-fuel"),
        ("lng站", "trade-fuel"),
        ("ＣＮＧ站", "trade-fuel"),
        ("装了6台充电桩", "trade-charging"),
        ("开眼镜店要检什么", "trade-optician"),
        ("配镜中心", "trade-optician"),
        ("开药店", "trade-clinic"),
        ("我在村里开诊所", "trade-clinic"),
        ("开金店", "trade-gold"),
        ("黄金回收", "trade-gold"),
        ("粮食收购点", "trade-purchase"),
        ("废品站", "trade-purchase"),
        ("开菜鸟驿站", "trade-express"),
        ("快递点", "trade-express"),
    ],
)
def test_trades_are_spotted(text: str, id_: str) -> None:
    trade = spot_trade(text)
    assert trade is not None
    assert trade.id == id_


@pytest.mark.parametrize("text", ["", "你好", "开店体检", "我开理发店", "秤多久检一次"])
def test_no_trade_is_made_up(text: str) -> None:
    assert spot_trade(text) is None


def test_every_alias_leads_to_its_trade() -> None:
    for trade in TRADES.packs:
        for alias in (trade.name, trade.shop, *trade.aliases):
            assert TRADES.spot(f"我开{alias}") is trade, alias


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2", 2),
        ("２台", 2),
        ("两台秤", 2),
        ("俩", 2),
        ("二", 2),
        ("有三台。", 3),
        ("十二台", 12),
        ("二十", 20),
        ("一百零五", 105),
        ("没有", 0),
        ("没有秤", 0),
        ("一台都没有", 0),
        ("0", 0),
        ("零", 0),
        ("几台", None),
        ("十几台", None),
        ("两三台", None),
        ("2-3台", None),
        ("3台左右", None),
        ("-1", None),
        ("1.5", None),
        ("99999", None),
        ("不知道", None),
        ("", None),
        ("两台大的一台小的", None),
    ],
)
def test_counts(text: str, count: int | None) -> None:
    assert read_count(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("我开海鲜摊，2台秤", 2),
        ("我开了一家海鲜摊，有两台电子秤", 2),
        ("海鲜摊，秤有三台", 3),
        ("一个摊两台秤", 2),
        ("我开海鲜摊", None),
        ("海鲜摊，两三台秤", None),
        ("海鲜摊，2-3台秤", None),
        ("海鲜摊几台秤", None),
        ("海鲜摊十几台秤", None),
    ],
)
def test_counts_in_a_first_message(text: str, count: int | None) -> None:
    assert count_in(TRADES.by_id["trade-seafood"].questions[0], text) == count


# -- ledger -------------------------------------------------------------------------------------------------------


def test_the_ledger_begins_with_what_was_counted() -> None:
    rows = ledger_skeleton(TRADES.by_id["trade-purchase"], {"scales": 2, "weighbridges": 0, "grain": ["moisture"]})
    assert [(row.entry, row.count) for row in rows] == [("electronic-bench-scale", 2), ("grain-moisture-meter", 1)]
    assert rows[0].missing == ("型号规格", "出厂编号", "检定有效期")
    assert "数量" in rows[1].missing


@PACKS
def test_ledger_rows_are_known_instruments(trade: Trade) -> None:
    rows = [row for answers in paths(trade) for row in ledger_skeleton(trade, answers)]
    assert rows
    assert all(row.entry in LIBRARY.instruments and row.count >= 1 for row in rows)


# -- errors -------------------------------------------------------------------------------------------------------


SHORT_TAG = [{"value": value, "label": value} for value in ("valid", "expired", "none")]


def broken(tmp_path: Path, change: object) -> str:
    """The message for the seafood pack after ``change`` (a function on its plain data)."""
    data = yaml.safe_load((DATA / FILE).read_text(encoding="utf-8"))
    assert callable(change)
    change(data["trades"])
    path = tmp_path / FILE
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        check_links(load_trades(path), LIBRARY.instruments, LIBRARY.sources)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[0].pop("shop"), ("trade-seafood", "shop")),
        (lambda rows: rows[0].update(extra=1), ("trade-seafood", "extra")),
        (lambda rows: rows[0]["duties"][0].update(level="may"), ("trade-seafood", "duties.0.level")),
        (lambda rows: rows[0]["duties"][0].update(due={"days": 3}), ("trade-seafood", "duties.0.due")),
        (lambda rows: rows[0]["duties"][0].update(when={"scale": ">0"}), ("trade-seafood", "duties.0.when", "scale")),
        (lambda rows: rows[0]["duties"][0].update(when={"scales": "many"}), ("trade-seafood", "duties.0.when", ">0")),
        (lambda rows: rows[0]["duties"][0].update(when={"tag": "maybe"}), ("trade-seafood", "duties.0.when", "maybe")),
        (lambda rows: rows[0]["duties"][0].update(text="{boats}艘"), ("trade-seafood", "duties.0.text", "boats")),
        (lambda rows: rows[0]["duties"][0].update(sources=["NOPE"]), ("trade-seafood", "duties.0.sources", "NOPE")),
        (lambda rows: rows[0]["duties"][0].update(entry="nope"), ("trade-seafood", "duties.0.entry", "nope")),
        (lambda rows: rows[0]["duties"][0].update(confidence="low"), ("trade-seafood", "duties.0", UNSURE)),
        (lambda rows: rows[0]["duties"][0].update(entry="weights"), ("trade-seafood", "duties.0.entry", "weights")),
        (lambda rows: rows[0]["duties"][-1].update(entry="weights"), ("trade-seafood", "entry", "weights")),
        (lambda rows: rows[0]["duties"][-1].update(due="now"), ("trade-seafood", "duties", "due: none")),
        (lambda rows: rows[0]["instruments"][0].update(entry="nope"), ("trade-seafood", "instruments.0.entry", "nope")),
        (lambda rows: rows[0]["instruments"][0].update(count="tag"), ("trade-seafood", "instruments.0.count", "tag")),
        (lambda rows: rows[0]["questions"][0].update(kind="choice"), ("trade-seafood", "questions.0")),
        (lambda rows: rows[0]["questions"][0].update(name="trade"), ("trade-seafood", "questions.0")),
        (lambda rows: rows[5]["questions"][1].update(choices=SHORT_TAG), ("trade-fuel", "tag")),
        (lambda rows: rows[1]["questions"].reverse(), ("先后顺序",)),
        (lambda rows: rows[1].update(id="trade-seafood"), ("重复",)),
        (lambda rows: rows.append("x"), ("第13条",)),
    ],
)
def test_errors_name_file_entry_and_field(tmp_path: Path, change: object, words: tuple[str, ...]) -> None:
    message = broken(tmp_path, change)
    assert all(word in message for word in (FILE, *words)), message


def test_a_file_without_trades_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="trades"):
        load_trades(path)
