"""How strong the evidence is: from the artefacts there are, in whatever order."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.evidence_level import FAIR_SCALE_STEPS, HIGHEST, RECHECK_METHODS, Artefact, level
from knowledge.tip_categories import TipBook

SOME = st.lists(st.sampled_from([a.value for a in Artefact]), unique=True)
FAIR = ("fair-scale-photo", "fair-scale-number")
ALL_BUT_FAIR = ("receipt", "goods-untouched", "stall-photo", "scale-mark-photo")


@pytest.mark.parametrize(
    ("have", "number"),
    [
        ((), 1),
        (("receipt", "goods-untouched", "stall-photo"), 1),
        (("home-scale-photo",), 2),
        (("home-scale-photo", "receipt", "goods-untouched"), 2),
        (("other-scale",), 3),
        (("other-scale", "home-scale-photo"), 3),
        (("fair-scale-photo",), 3),
        (("fair-scale-number",), 1),
        (FAIR, 4),
        (("fair-scale-ticket",), 4),
        ((*FAIR, "receipt"), 4),
        ((*FAIR, "goods-untouched"), 4),
        ((*FAIR, "receipt", "goods-untouched"), 5),
        (("fair-scale-ticket", "receipt", "goods-untouched"), 5),
        (("something-new", "home-scale-photo"), 2),
    ],
)
def test_the_level_of_what_there_is(have: tuple[str, ...], number: int) -> None:
    assert level(have).number == number
    assert level(tuple(reversed(have))) == level(have)
    assert level(have).label == TipBook.load().levels[number]


@pytest.mark.parametrize(
    ("have", "words"),
    [
        ((), "公平秤"),
        (("fair-scale-photo",), "编号"),
        (FAIR, "小票"),
        ((*FAIR, "receipt"), "没有吃、切、拆过"),
        ((*FAIR, "receipt", "goods-untouched"), "摊位号"),
    ],
)
def test_the_next_step_names_what_is_missing(have: tuple[str, ...], words: str) -> None:
    assert words in level(have).next


def test_who_has_left_is_not_sent_back_to_the_scale() -> None:
    assert "公平秤" not in level(("home-scale-photo",), left=True).next
    assert "可以举报" in level((), left=True).next


def test_nothing_is_asked_for_that_is_there() -> None:
    full = level((*FAIR, *ALL_BUT_FAIR))
    assert full.number == HIGHEST
    assert "也可以发" not in full.next


@settings(max_examples=200, deadline=None)
@given(SOME, st.booleans())
def test_evidence_never_weakens_and_is_never_refused(have: list[str], left: bool) -> None:  # noqa: FBT001 - drawn
    numbers = [level(have[:n], left=left).number for n in range(len(have) + 1)]
    assert numbers == sorted(numbers)
    assert all(1 <= n <= HIGHEST for n in numbers)
    assert not any(word in level(have, left=left).next for word in ("不能举报", "无效", "不予"))


def test_below_the_top_one_or_two_more_artefacts_raise_it() -> None:
    every = [a.value for a in Artefact]
    for size in range(len(every) + 1):
        for have in combinations(every, size):
            now = level(have).number
            if now < HIGHEST:
                best = max(level((*have, *more)).number for more in combinations(every, 2))
                assert best > now, have


def test_the_guide_gives_what_the_level_asks_for() -> None:
    given_by_steps = {name for step in FAIR_SCALE_STEPS for name in step.artefacts}
    assert given_by_steps <= {a.value for a in Artefact}
    assert level(given_by_steps).number == HIGHEST
    assert FAIR_SCALE_STEPS[0].id == "keep"


def test_an_equal_scale_doubles_the_limit() -> None:
    assert [(m.id, m.times) for m in RECHECK_METHODS] == [("same-scale", 1), ("finer-scale", 1), ("equal-scale", 2)]
