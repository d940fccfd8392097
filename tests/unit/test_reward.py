"""Rewards for reports: what is said, who is left out, how much."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import reward
from knowledge.files import DATA, DataError, load_yaml
from knowledge.reward import Chance, Rewards

GOOD = {q.id: q.wanted for q in reward.questions()}


def test_the_explanation_fits_and_says_what_matters() -> None:
    text = reward.explain()
    assert len(text) <= 600
    assert "通常够不上" in text.split("\n")[0]
    for part in (
        "5%",
        "3%",
        "1%",
        "5000 元",
        "3000 元",
        "1000 元",
        "100 万元",
        "代码",
        "待核实",
        "2021〕4号",
        "吃亏的一方",
    ):
        assert part in text


def test_no_text_names_a_time_to_claim() -> None:
    for text in (reward.explain(), reward.claim_reminder("TS-1"), reward.eligible(GOOD).text):
        assert "工作日" not in text
        assert "你" not in text


def test_the_right_answers_leave_it_possible_but_promise_nothing() -> None:
    found = reward.eligible(GOOD)
    assert (found.chance, found.against) == (Chance.POSSIBLE, ())
    assert found.text.startswith("您可能符合")
    assert "认定" in found.text


@pytest.mark.parametrize("id_", list(GOOD))
def test_each_wrong_answer_rules_it_out_and_says_why(id_: str) -> None:
    found = reward.eligible(GOOD | {id_: not GOOD[id_]})
    assert (found.chance, found.against) == (Chance.NONE, (id_,))
    question = next(q for q in reward.questions() if q.id == id_)
    assert question.otherwise in found.text
    assert "线索仍会核查" in found.text


def test_the_injured_party_is_shown_the_complaint() -> None:
    assert "投诉" in reward.eligible(GOOD | {"injured_party": True}).text


@pytest.mark.parametrize("id_", list(GOOD))
def test_an_open_question_is_asked(id_: str) -> None:
    found = reward.eligible({k: v for k, v in GOOD.items() if k != id_})
    assert found.chance is Chance.OPEN
    assert next(q.ask for q in reward.questions() if q.id == id_) in found.text


def test_one_wrong_answer_is_enough() -> None:
    assert reward.eligible({"staff": True}).chance is Chance.NONE
    assert reward.eligible({}).chance is Chance.OPEN


def test_the_reminder_names_the_case_and_the_receipt() -> None:
    text = reward.claim_reminder("TS-20261125-0031")
    assert text.startswith("TS-20261125-0031 已作处罚")
    assert "回执" in text
    assert "待核实" in text
    assert len(text) <= 300


@pytest.mark.parametrize(
    ("taken", "yuan"),
    [
        ("0", ("5000", "3000", "1000")),
        ("85449.80", ("5000", "3000", "1000")),
        ("100000", ("5000", "3000", "1000")),
        ("100000.20", ("5000.01", "3000.01", "1000.00")),
        ("500000", ("25000", "15000", "5000")),
        ("20000000", ("1000000", "600000", "200000")),
        ("20000000.20", ("1000000", "600000.01", "200000.00")),
        ("900000000", ("1000000", "1000000", "1000000")),
    ],
)
def test_how_much_by_level(taken: str, yuan: tuple[str, str, str]) -> None:
    assert reward.estimate(Decimal(taken)) == {n: Decimal(y) for n, y in zip((1, 2, 3), yuan, strict=True)}


@settings(max_examples=100)
@given(st.decimals(0, 10**9, places=2), st.decimals(0, 10**9, places=2))
def test_more_is_never_less_and_always_within_floor_and_cap(one: Decimal, other: Decimal) -> None:
    low, high = (reward.estimate(taken) for taken in sorted((one, other)))
    for level, floor in ((1, 5000), (2, 3000), (3, 1000)):
        assert floor <= low[level] <= high[level] <= 1_000_000
    assert low[1] >= low[2] >= low[3]


@pytest.mark.parametrize("taken", ["-0.01", "-5", "NaN"])
def test_no_estimate_below_zero(taken: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        reward.estimate(Decimal(taken))


def test_every_source_is_registered() -> None:
    known = set(load_yaml(DATA / "sources.yaml"))
    rows = Rewards.load()
    used = {
        code for row in (rows.rule, rows.claim, rows.anonymous, *rows.levels, *rows.questions) for code in row.sources
    }
    assert used | set(rows.cap_sources) <= known


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "reward.yaml"
    path.write_text((DATA / "reward.yaml").read_text("utf-8").replace("percent: 5,", "percent: 500,"), "utf-8")
    with pytest.raises(DataError, match=r"reward\.yaml.*percent|percent"):
        Rewards.load(path)
