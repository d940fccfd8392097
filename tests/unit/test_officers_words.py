"""How officers' words are read: as people type them, and nothing that only looks alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.officers import words
from handlers.officers.closing import CLOSE
from handlers.officers.enrolling import claims
from storage.staff import _LETTERS, CODE_LENGTH

SHOW = "show/#0031/"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("看 0031", SHOW),
        ("看0031", SHOW),
        ("看 ００３１", SHOW),
        ("  查看：0031 ", SHOW),
        ("看#0031", SHOW),
        ("看 TS-261120-0031", "show/TS-261120-0031/"),
        ("看 ts2611200031", "show/TS-261120-0031/"),
        ("看 TS－261120－0031", "show/TS-261120-0031/"),
        ("不予受理 0031 3", "refuse/#0031/3"),
        ("受理0031", "accept/#0031/"),
        ("移送 0031 公安", "transfer/#0031/公安"),
        ("派给 0031 李四", "assign/#0031/李四"),
        ("问 0031 当时付的是现金还是扫码？", "ask/#0031/当时付的是现金还是扫码？"),
        ("问 0031，付了1/2吗", "ask/#0031/付了1/2吗"),
        ("记录 0031\n第一行\n第二行", "visit/#0031/第一行\n第二行"),
        ("通知商家 0031 鲜达超市", "notify/#0031/鲜达超市"),
        ("合并 0031 0012", "merge/#0031/0012"),
        ("今日", "today"),
        ("今日。", "today"),
        ("请假", "away"),
    ],
)
def test_what_is_read(text: str, action: str) -> None:
    assert words.read(text) == action


@pytest.mark.parametrize(
    "text",
    [
        "看",
        "看看",
        "看 31",
        "看 00311",
        "0031",
        "今日天气",
        "我要请假",
        "受理",
        "问题 0031",
        "不受理 吗",
        "",
        "请受理 0031",
    ],
)
def test_what_is_no_word_of_ours(text: str) -> None:
    assert words.read(text) is None


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    action = words.read(text)
    assert action is None or action.partition("/")[0] in {*words.VERBS.values(), *words.ALONE.values()}
    number, rest = words.number_and_rest(text)
    assert number is None or 0 <= number <= 99
    assert len(rest) <= len(text)


@given(st.sampled_from(sorted(words.VERBS)), st.integers(0, 9999), st.text(max_size=30))
def test_a_word_keeps_what_goes_with_it(word: str, number: int, rest: str) -> None:
    action = words.read(f"{word} {number:04d} 说{rest}")
    assert action is not None
    verb, ref, kept = action.split("/", 2)
    assert (verb, ref) == (words.VERBS[word], f"#{number:04d}")
    assert kept.startswith("说")


@given(st.text(alphabet=_LETTERS, min_size=CODE_LENGTH, max_size=CODE_LENGTH), st.sampled_from(["", " ", ": ", "："]))
def test_an_enrolment_code_is_read_as_it_is_printed_or_typed(code: str, between: str) -> None:
    dashed = f"{code[:4]}-{code[4:8]}-{code[8:]}"
    for said in (code, dashed, dashed.lower(), dashed.replace("-", " ")):
        assert claims(f"入职{between}{said}") == f"enrol/{code}"
    assert claims(f"入职 {code[:-1]}") is None
    assert claims(f"我要入职 {code}") is None


def test_a_form_left_open_is_no_draft() -> None:
    """A reason that was begun for one case is not taken up again for whatever is closed next."""
    assert not CLOSE.keep
    assert CLOSE.confidential
