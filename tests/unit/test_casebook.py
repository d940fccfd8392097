"""What officers choose from: grounds by the day, outcomes, bodies, set phrases."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge.casebook import MOST, Casebook
from knowledge.deadlines import Deadlines
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence

BOOK = Casebook.load()
OLD, NEW = date(2026, 4, 14), date(2026, 4, 15)
FILE = DATA / "cases.yaml"
FILLED = {
    "number": "TS-20261125-0031",
    "when": "12月3日下午两点半",
    "where": "城西市场监管所二楼调解室",
    "what": "付款截图、当时的小票，还有复称的照片",
    "body": "公安机关",
    "due": "2026-12-14",
    "reason": "需要等电子秤的检定结果出来以后才能认定是否超差",
    "outcome": "查实，已责令改正",
}


# -- grounds ------------------------------------------------------------------------------------------------------


def test_the_grounds_of_a_complaint_are_those_of_the_day_it_came_in() -> None:
    new, old = BOOK.grounds("complaint", NEW), BOOK.grounds("complaint", OLD)
    assert [row.number for row in new] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.number for row in old] == [1, 2, 3, 4, 5, 6]
    assert all(row.law.startswith("令121号第十六条") for row in new)
    assert all(row.law.startswith("原令20号第十五条") for row in old)


def test_false_identity_is_a_ground_only_since_the_new_order() -> None:
    assert "冒用他人名义" in BOOK.ground("complaint", 6, NEW).text
    assert not any("冒用" in row.text for row in BOOK.grounds("complaint", OLD))
    assert "虚假" in BOOK.ground("complaint", 5, NEW).text
    assert "虚假" not in BOOK.ground("complaint", 5, OLD).text


def test_duplicate_reports_are_a_ground_only_since_the_new_order() -> None:
    assert BOOK.ground("report", 3, NEW).id == "report-duplicate"
    with pytest.raises(LookupError):
        BOOK.ground("report", 3, OLD)


def test_the_ends_of_a_mediation_are_those_of_the_day_it_came_in() -> None:
    new, old = BOOK.mediation_ends(NEW), BOOK.mediation_ends(OLD)
    assert [row.number for row in new] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [row.number for row in old] == [1, 2, 3, 4, 5, 6, 7]
    assert "六十日" in BOOK.mediation_end(5, NEW).text
    assert "四十五个工作日" in BOOK.mediation_end(5, OLD).text
    assert "费用" in BOOK.mediation_end(4, NEW).text
    assert "费用" in BOOK.mediation_end(2, OLD).text


@pytest.mark.parametrize("number", [0, 8, 19, -1])
def test_an_unknown_ground_is_a_lookup_error(number: int) -> None:
    with pytest.raises(LookupError):
        BOOK.ground("complaint", number, NEW)
    with pytest.raises(LookupError):
        BOOK.ground("report", number, NEW)


def test_an_unknown_end_outcome_reason_or_phrase_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        BOOK.mediation_end(9, NEW)
    with pytest.raises(LookupError):
        BOOK.outcome("complaint", 9)
    with pytest.raises(LookupError):
        BOOK.pause_reason(9)
    with pytest.raises(LookupError):
        BOOK.template("no-such-phrase")
    with pytest.raises(LookupError):
        BOOK.remedies("no-such-case")


def test_what_is_not_certain_says_so_where_it_is_shown() -> None:
    for row in (*BOOK.grounds_, *BOOK.mediation_ends_, *BOOK.pause_reasons):
        assert (row.confidence is Confidence.HIGH) == ("待核实" not in row.law), row.id


# -- outcomes -----------------------------------------------------------------------------------------------------


def test_the_outcomes_of_a_report() -> None:
    found = {row.id: (row.proof, row.confirmed, row.reward) for row in BOOK.outcomes("report")}
    assert found == {
        "punished": (True, True, True),
        "corrected": (True, True, False),
        "unfounded": (False, False, False),
        "insufficient": (False, False, False),
        "minor": (True, True, False),
        "joined": (False, False, False),
    }


def test_a_complaint_confirms_no_violation_and_earns_no_reward() -> None:
    found = BOOK.outcomes("complaint")
    assert [row.id for row in found] == ["settled", "ended", "satisfied", "given-up"]
    assert not any(row.confirmed or row.reward for row in found)
    assert BOOK.outcome("complaint", 1).proof


def test_an_outcome_is_found_by_number_and_by_name() -> None:
    assert BOOK.outcome("report", 1).id == "punished"
    assert BOOK.outcome_named("punished") == BOOK.outcome("report", 1)
    assert BOOK.outcome_named("no-such-outcome") is None


def test_every_outcome_has_its_ways_left() -> None:
    for row in BOOK.outcomes_:
        assert len(BOOK.remedies(row.remedies)) > 20


# -- pauses, bodies -----------------------------------------------------------------------------------------------


def test_a_reason_to_pause_stops_only_what_the_law_lets_stand_still() -> None:
    known = {row.id for row in Deadlines.load().rows}
    for row in BOOK.pause_reasons:
        assert set(row.stops) <= known
        assert "complaint-accept" not in row.stops
    assert BOOK.pause_reason(1).id == "verification"
    assert BOOK.pause_label("verification") == "检定、检测"
    assert BOOK.pause_label("from-an-older-time") == "from-an-older-time"


@pytest.mark.parametrize(
    ("said", "id_"),
    [
        ("1", "police"),
        (" 公安 ", "police"),
        ("公安局", "police"),
        ("6", "consumer"),
        ("消协", "consumer"),
        ("药监局", "drug"),
        ("县里的药品监督管理部门", "drug"),
        ("价格监管机构", "price"),
        ("食品安全监管机构", "food"),
        ("11", "hotline"),
        ("12345", "hotline"),
        ("市交通局运管处", "transport"),
        ("外地市场监管局", "other-district"),
        ("自来水公司的主管", "housing"),
    ],
)
def test_a_body_by_its_number_or_word(said: str, id_: str) -> None:
    found = BOOK.body(said)
    assert found is not None
    assert found.id == id_


@pytest.mark.parametrize("said", ["", "  ", "19", "气象局", "？"])
def test_a_body_nobody_knows(said: str) -> None:
    assert BOOK.body(said) is None


def test_the_longest_word_wins() -> None:
    found = BOOK.body("流动摊的食品")
    assert found is not None
    assert found.id == "city"


# -- phrases ------------------------------------------------------------------------------------------------------


def filled(id_: str) -> str:
    book_ground = max(BOOK.grounds("complaint", NEW), key=lambda row: len(row.text))
    values = FILLED | {
        "ground": f"{book_ground.text}（{book_ground.law}）",
        "remedies": BOOK.remedies("ended" if id_ == "mediation-ended" else "complaint"),
    }
    template = BOOK.template(id_)
    return template.fill(**{name: values[name] for name in template.blanks})


@pytest.mark.parametrize("id_", [row.id for row in BOOK.templates])
def test_a_filled_notice_is_short_polite_and_whole(id_: str) -> None:
    text = filled(id_)
    assert len(text) <= MOST
    assert FILLED["number"] in text.split("\n")[0]
    assert "{" not in text
    assert "你" not in text
    assert text.endswith("。")


def test_a_refusal_tells_its_ground_and_every_way_left() -> None:
    text = filled("refused")
    assert "第十六条" in text
    for way in ("协商", "消费者协会", "仲裁", "法院", "行政复议", "行政诉讼", "第三十九条", "待核实"):
        assert way in text


def test_ending_a_mediation_does_not_end_the_clue() -> None:
    text = filled("mediation-ended")
    assert "仲裁" in text
    assert "照样核查" in text


@pytest.mark.parametrize("id_", [row.id for row in BOOK.templates])
def test_a_missing_value_is_a_key_error(id_: str) -> None:
    with pytest.raises(KeyError):
        BOOK.template(id_).fill()


def test_values_are_not_read_as_blanks() -> None:
    text = BOOK.template("closed").fill(number="{reason}", outcome="{0.__class__}", reason="已经改正，复称合格。")
    assert "{reason}" in text
    assert "{0.__class__}" in text


def test_demands() -> None:
    assert [row.id for row in BOOK.demands] == ["make-up", "refund", "damages"]
    assert "500元" in BOOK.demands[2].label


# -- the file -----------------------------------------------------------------------------------------------------


def test_every_source_is_registered() -> None:
    known = set(load_yaml(DATA / "sources.yaml"))
    for rows in load_yaml(FILE).values():
        for row in rows:
            assert set(row["sources"]) <= known, row["id"]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("id: refuse-handled, number: 2", "id: refuse-handled, number: 1", "refuse-handled"),
        ("id: old-refuse-handled, number: 2, kind: complaint", "id: old-refuse-handled, number: 2, kind: shop", "kind"),
        ("until: 2026-04-14", "until: 2026-04-15", "编号"),
        ("remedies: settled", "remedies: nowhere", "nowhere"),
        ("id: refuse-not-ours, number: 1", "id: refuse-not-ours, number: 20", "number"),
        ("{number} 还需要您补充", "{number.__class__} 还需要您补充", "braces"),
        ("sources: [TS121TPL], law: 令121号第十六条第一项", "sources: [], law: 令121号第十六条第一项", "sources"),
        ("demands:", "requests:", "demands"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    text = FILE.read_text("utf-8")
    assert right in text
    path = tmp_path / "cases.yaml"
    path.write_text(text.replace(right, wrong, 1), "utf-8")
    with pytest.raises(DataError, match=told):
        Casebook.load(path)
