"""The checklist of a demonstration unit: what is worked out, what is asked, what to do about the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.demonstration import FILE, Checklist, Facts, check, questions
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Library, sources_named

FIT = Facts(pledged_months=3, mandatory=4, overdue=0, violations=0, letter="B")
YES = {question.id: True for question in questions()}
CONDITIONS = Checklist.load().conditions
facts = st.builds(
    Facts,
    st.integers(0, 24),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 3),
    st.sampled_from("ABCD"),
)
answers = st.dictionaries(st.sampled_from([*YES]), st.booleans())


def test_who_meets_everything_may_apply() -> None:
    found = check(FIT, YES)
    assert (found.met, found.missing) == (True, ())
    assert found.text.startswith("10 项条件都满足，您可以申报诚信计量示范单位。")
    assert "不收费" in found.text


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(FIT, pledged_months=2), "满3个月"),
        (replace(FIT, mandatory=0), "登记到台账"),
        (replace(FIT, overdue=1), "先检定"),
        (replace(FIT, violations=1), "满12个月"),
        (replace(FIT, letter="C"), "升到 B 档"),
        (replace(FIT, letter="D"), "升到 B 档"),
    ],
)
def test_what_is_known_to_be_missing_is_told_with_what_to_do(facts: Facts, word: str) -> None:
    found = check(facts, YES)
    assert not found.met
    assert len(found.missing) == 1
    assert word in found.missing[0]
    assert "本局条件" in found.missing[0]
    assert found.text.startswith("还差 1 项（共 10 项）")


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.id)
def test_a_no_and_no_answer_are_both_missing(question: Any) -> None:
    no = check(FIT, YES | {question.id: False})
    assert no.missing == (f"{question.shown}：{question.todo}。",)
    silent = check(FIT, {name: True for name in YES if name != question.id})
    assert silent.missing == (f"请回答：{question.ask}",)


def test_answers_do_not_outweigh_what_is_known() -> None:
    everything = {condition.id: True for condition in CONDITIONS}
    assert len(check(Facts(0, 0, 9, 9, "D"), everything).missing) == 5


@settings(max_examples=150)
@given(facts, answers)
def test_met_means_nothing_missing_and_the_text_fits_a_screen(facts: Facts, answers: dict[str, bool]) -> None:
    found = check(facts, answers)
    assert found.met == (not found.missing)
    assert all(line in found.text for line in found.missing)
    assert len(found.text) <= 600


@settings(max_examples=150)
@given(facts, answers, st.sampled_from([*YES]))
def test_one_more_yes_never_adds_to_what_is_missing(facts: Facts, answers: dict[str, bool], name: str) -> None:
    assert set(check(facts, answers | {name: True}).missing) <= set(check(facts, answers).missing)


def test_what_is_seen_elsewhere_and_what_is_our_own_are_told_apart() -> None:
    assert all(condition.own == bool(condition.fact) for condition in CONDITIONS)
    assert all(("本局条件" in condition.shown) == condition.own for condition in CONDITIONS)


def test_every_source_exists() -> None:
    known = Library.load().sources
    assert [code for code in sources_named(load_yaml(DATA / FILE)) if code not in known] == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"ask": "满了吗？"}, "只写一个"),
        ({"fact": ""}, "只写一个"),
        ({"at_most": 9}, "配一个"),
        ({"at_least": None}, "配一个"),
        ({"fact": "letter"}, "letter"),
        ({"fact": "shoe_size"}, "fact"),
        ({"id": "registered"}, "重复"),
    ],
)
def test_a_condition_that_cannot_be_decided_is_refused(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    data = load_yaml(DATA / FILE)
    data["conditions"][0] |= change
    path = tmp_path / FILE
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    with pytest.raises(DataError, match=word):
        Checklist.load(path)
