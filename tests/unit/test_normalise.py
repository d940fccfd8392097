"""One form for what people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.normalise import MAX_CHARS, Normaliser


@pytest.fixture(scope="module")
def normaliser() -> Normaliser:
    return Normaliser.load()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("煤氣錶幾多年要換", "煤气表多少年要换"),
        ("檢定費用由誰負擔", "检定费用由谁负担"),
        ("您好，请问一下 电子秤 要检吗？", "电子秤要检吗"),
        ("ＬＮＧ加气机", "lng加气机"),
        ("加油嘞枪好久检一回", "加油的枪多久检一回"),
        ("🌹🌹🌹", ""),
    ],
)
def test_folded_into_one_form(normaliser: Normaliser, typed: str, read: str) -> None:
    assert normaliser.message(typed).hanzi == read


def test_typed_pinyin_sounds_like_the_characters(normaliser: Normaliser) -> None:
    assert normaliser.message("dibang yao qiangjian ma").sounds == normaliser.message("地磅要强检吗").sounds


@pytest.mark.parametrize(
    ("slip", "meant"), [("冲电桩", "充电桩"), ("墙检", "强检"), ("天评", "天平"), ("老衡", "闹横")]
)
def test_fuzzy_sounds_fall_together(normaliser: Normaliser, slip: str, meant: str) -> None:
    assert normaliser.term(slip).sounds == normaliser.term(meant).sounds


@pytest.mark.parametrize("word", ["ECG", "CT", "GPS", "DR"])
def test_abbreviations_stay_letters(normaliser: Normaliser, word: str) -> None:
    assert normaliser.term(word).hanzi == word.lower()


def test_a_long_story_is_cut_to_the_clauses_with_the_question(normaliser: Normaliser) -> None:
    story = "我们家那个老店开了十几年了，" * 6 + "想问下地磅多久检一次"
    text = normaliser.message(story)
    assert len(text) <= MAX_CHARS
    assert "地磅多久检一次" in text.hanzi


@given(st.text(max_size=3000))
def test_any_text_is_read_and_the_two_strings_stay_side_by_side(text: str) -> None:
    read = NORMALISER.message(text)
    assert len(read.hanzi) == len(read.sounds) == len(read.typed)
    # A ligature may unfold into a few characters; nothing grows without bound.
    assert len(read) <= 4 * MAX_CHARS


NORMALISER = Normaliser.load()
