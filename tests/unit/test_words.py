from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.conversation.words import Global, fold, global_word, is_back, is_bare_number, is_skip, read_digits

NUMERALS = "一二三四五六七八九"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("退出", Global.CANCEL),
        ("取消", Global.CANCEL),
        (" Q ", Global.CANCEL),
        ("０", Global.CANCEL),
        ("菜单", Global.MENU),
        ("主页。", Global.MENU),
        ("？", Global.MENU),
        ("人工！", Global.HUMAN),
        ("转人工", Global.HUMAN),
        ("客服", Global.HUMAN),
        ("继续", Global.RESUME),
        ("帮助", Global.HELP),
        ("ＨＥＬＰ", Global.HELP),
        ("重来", Global.RESTART),
        ("再说一遍", Global.REPEAT),
        ("更多~", Global.MORE),
    ],
)
def test_global_words_however_typed(said: str, meant: Global) -> None:
    assert global_word(said) is meant


@pytest.mark.parametrize(
    "said", ["我要退出这个市场", "人工智能", "", "继续教育", "菜单上的菜", "1", "。", "重来一次吗"]
)
def test_only_the_exact_word_counts(said: str) -> None:
    assert global_word(said) is None


def test_back_and_skip() -> None:
    assert is_back("返回。")
    assert is_back("上一步")
    assert not is_back("返回多少钱")
    assert is_skip("跳过")
    assert not is_skip("没有称")


SPELLED = [
    "{n}",
    " {n} ",
    "{n}.",
    "{n}、",
    "{n})",
    "选{n}",
    "第{n}个",
    "第 {n} 个",
    "回{n}",
    "我选{n}",
    "{n}号",
    "{n}。",
]


@pytest.mark.parametrize("spelling", SPELLED)
@given(options=st.integers(1, 9), data=st.data())
def test_every_spelling_of_a_number(spelling: str, options: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 9))
    wide, numeral = chr(0xFF10 + n), NUMERALS[n - 1]
    for written in (str(n), wide, numeral):
        text = spelling.format(n=written)
        assert read_digits(text, options) == ([n] if n <= options else [])
        assert is_bare_number(text)


@given(st.integers(1, 20), st.integers(1, 20))
def test_circled_numbers(n: int, options: int) -> None:
    assert read_digits(chr(0x245F + n), options) == ([n] if n <= options else [])
    assert is_bare_number(chr(0x245F + n))


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(1, 9), st.sampled_from([" ", "、", ",", "，", ""])
)
def test_several_numbers(picked: list[int], options: int, between: str) -> None:
    text = between.join(map(str, picked))
    expected = list(dict.fromkeys(picked)) if all(n <= options for n in picked) else []
    assert read_digits(text, options, multi=True) == expected
    assert read_digits(text, options) == []


def test_two_digits_are_one_number_where_there_are_that_many_options() -> None:
    assert read_digits("12", 12) == [12]
    assert read_digits("12", 12, multi=True) == [12]
    assert read_digits("12", 9, multi=True) == [1, 2]
    assert read_digits("0", 3) == read_digits("00", 3) == []


@given(st.text(max_size=40), st.integers(0, 30), st.booleans())
def test_any_text_gives_numbers_in_range_or_none(text: str, options: int, multi: bool) -> None:  # noqa: FBT001
    picked = read_digits(text, options, multi=multi)
    assert all(1 <= n <= options for n in picked)
    assert len(set(picked)) == len(picked)
    assert multi or len(picked) <= 1


@pytest.mark.parametrize("text", ["", "2斤", "1.5", "13800138000", "一斤", "二手秤", "第一次来", "1 3", "²", "½"])
def test_what_is_no_pick(text: str) -> None:
    assert read_digits(text, 9) == [] or text == "²"


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_that_matters(text: str) -> None:
    assert global_word(fold(text)) is global_word(text)
