"""Replies as Telegram shows them, over the whole corpus of conversations."""

from __future__ import annotations

import re

import pytest

from bot.channels.telegram.render import BACK, LIMIT, QUIT, render, width
from bot.channels.terminal import render as as_text
from handlers.conversation.messages import Choice, Reply
from tests.talks import Corpus
from tests.telegram import spoken

NONCE = "0123456789abcdef"
DATA = re.compile(r"v1:[0-9a-f]{16}:(\d{1,2}|[bq])")


def rows(reply: Reply, nonce: str = NONCE) -> list[list[dict[str, str]]]:
    keyboard = render(reply, nonce).keyboard
    return keyboard.to_dict()["inline_keyboard"] if keyboard else []


def labels(reply: Reply, nonce: str = NONCE) -> list[list[str]]:
    return [[button["text"] for button in row] for row in rows(reply, nonce)]


def options(*words: str) -> tuple[Choice, ...]:
    return tuple(Choice(word, "menu:") for word in words)


def test_every_keyboard_of_the_corpus_keeps_the_limits(corpus: Corpus) -> None:
    seen = 0
    for place, reply in corpus.replies:
        for in_form in (False, True):
            shown = Reply(reply.text, reply.choices, in_form=in_form)
            for button in (b for row in rows(shown) for b in row):
                seen += 1
                assert len(button["callback_data"].encode()) <= 64, place
                assert DATA.fullmatch(button["callback_data"]), place
            assert all(1 <= len(row) <= 2 for row in rows(shown)), place
    assert seen > 500


def test_every_reply_of_the_corpus_reads_as_in_the_terminal(corpus: Corpus) -> None:
    assert len(corpus.replies) > 150
    for place, reply in corpus.replies:
        text = render(reply, NONCE).text
        assert 0 < len(text) <= LIMIT, place
        assert spoken(text, rows(reply)) == as_text(reply).strip(), place


def test_short_options_stand_side_by_side() -> None:
    assert labels(Reply("?", options("要", "不要", "去公平秤把它再称一遍", "算了"))) == [
        ["1 要", "2 不要"],
        ["3 去公平秤把它再称一遍"],
        ["4 算了"],
    ]
    assert labels(Reply("?", options("去公平秤把它再称一遍", "要", "不要", "算了"))) == [
        ["1 去公平秤把它再称一遍"],
        ["2 要", "3 不要"],
        ["4 算了"],
    ]


def test_columns() -> None:
    assert width("1 要ａ") == 6


def test_a_form_can_be_gone_back_from_and_left() -> None:
    assert rows(Reply("多少？", in_form=True)) == [
        [
            {"text": BACK, "callback_data": f"v1:{NONCE}:b"},
            {"text": QUIT, "callback_data": f"v1:{NONCE}:q"},
        ]
    ]
    assert labels(Reply("?", options("要"), in_form=True)) == [["1 要"], [BACK, QUIT]]


def test_options_that_are_not_open_cannot_be_tapped() -> None:
    assert render(Reply("好了", options("要")), "").keyboard is None


def test_many_options_stand_in_the_text_as_well() -> None:
    eight = Reply("选：", options(*(f"第{n}种" for n in range(8))))
    assert render(eight, NONCE).text == "选："
    nine = Reply("选：", options(*(f"第{n}种" for n in range(9))))
    assert render(nine, NONCE).text.endswith("\n8 第7种\n9 第8种")
    assert len(labels(nine)) == 5


@pytest.mark.parametrize("text", ["", " \n ", "秤" * 5000, "😀" * 3000])
def test_no_text_is_refused_for_its_length(text: str) -> None:
    shown = render(Reply(text), NONCE).text
    assert 0 < len(shown.encode("utf-16-le")) // 2 <= LIMIT


def test_too_many_options_for_any_keyboard() -> None:
    assert sum(map(len, labels(Reply("选：", options(*map(str, range(200))), in_form=True)))) <= 100
