"""统一社会信用代码 (GB 32100-2015): read, checked, found in a text."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knowledge.credit_code import (
    ALPHABET,
    CreditCodeError,
    check_character,
    find_credit_code,
    looks_meant,
    read_credit_code,
    region,
)

CODE = "91350100M000100Y43"
"""The worked example of GB 32100-2015."""
PUBLIC = ("91330106673959654P", "91440300708461136T", "9144030071526726XG", "91110000100017643K", "911101085923662400")
"""As companies and bodies bear them; their checks were not computed here."""
CODES = st.builds(
    lambda head, place, tail: (body := head + place + tail) + check_character(body),
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text(string.digits, min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
)


@pytest.mark.parametrize("code", [CODE, *PUBLIC])
def test_real_codes_pass(code: str) -> None:
    assert read_credit_code(code) == code
    assert region(code) == code[2:8]


@pytest.mark.parametrize(
    "text",
    [
        CODE.lower(),
        f"  {CODE} ",
        "9135 0100 M000 100Y 43",
        "91350100-M000100Y4-3",
        CODE.translate(str.maketrans("0123456789MY", "０１２３４５６７８９ＭＹ")),
        f"{CODE}\n",
    ],
)
def test_blanks_width_and_case_do_not_matter(text: str) -> None:
    assert read_credit_code(text) == CODE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "您发的是 0 位"),
        (CODE[:-1], "您发的是 17 位"),
        (CODE + "1", "您发的是 19 位"),
        ("330302600123456", "您发的是 15 位"),
        ("O1350100M000100Y43", "没有“O”"),
        ("9I350100M000100Y43", "没有“I”"),
        ("91350100M000100Z43", "没有“Z”"),
        ("91350100S000100Y43", "没有“S”"),
        ("91350100V000100Y43", "没有“V”"),
        ("91350100M000100中43", "没有“中”"),
        ("9135A100M000100Y43", "第 3 到 8 位是数字"),
        ("91350100M000100Y44", "校验不对"),
        ("91350100M000100Y34", "校验不对"),
        ("91330302MA2ABCDEFG", "校验不对"),
    ],
)
def test_a_wrong_code_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(CreditCodeError, match=why):
        read_credit_code(text)


@given(CODES)
def test_a_code_with_its_check_is_read(code: str) -> None:
    assert read_credit_code(code) == code
    assert find_credit_code(code) == code


@given(CODES, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_found(code: str, place: int, wrong: str) -> None:
    assume(code[place] != wrong)
    with pytest.raises(CreditCodeError):
        read_credit_code(code[:place] + wrong + code[place + 1 :])


@given(CODES, st.integers(0, 16))
def test_two_neighbours_changed_about_are_found(code: str, place: int) -> None:
    """Weights of neighbours differ by a factor that is not 1 modulo 31, and 31 is prime."""
    one, other = code[place], code[place + 1]
    assume(one != other)
    with pytest.raises(CreditCodeError):
        read_credit_code(code[:place] + other + one + code[place + 2 :])


@given(st.one_of(st.text(max_size=24), st.text(ALPHABET + "OISVZ", min_size=18, max_size=18)))
def test_any_other_text_is_refused_with_a_sentence(text: str) -> None:
    assume(find_credit_code(text.replace(" ", "")) is None)
    with pytest.raises(CreditCodeError, match="统一社会信用代码"):
        read_credit_code(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"绑定 鲜达超市 {CODE}", CODE),
        (f"代码：{CODE}。", CODE),
        (f"我的代码是{CODE.lower()}谢谢", CODE),
        (f"91350100M000100Y44 不对，是 {CODE}", CODE),
        ("91350100M000100Y44", None),
        (f"1{CODE}", None),
        (f"{CODE}A", None),
        ("鲜达超市", None),
        ("", None),
    ],
)
def test_a_code_is_found_in_a_text(text: str, code: str | None) -> None:
    assert find_credit_code(text) == code


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (CODE, True),
        ("91350100M000100Y4", True),
        ("330302600123456", True),
        ("9135 0100 M000 100Y 43", True),
        ("13800138000", False),
        ("鲜达超市", False),
        ("没有", False),
        ("", False),
    ],
)
def test_an_attempt_at_a_code_is_told_from_a_name(text: str, meant: bool) -> None:  # noqa: FBT001 - a table column
    assert looks_meant(text) is meant
