"""What may never be said, and how long anything said may be: over every bubble of every conversation."""

from __future__ import annotations

import re

import pytest

from handlers.conversation.paging import CHOICE_BYTES, SCREEN_BYTES, size
from handlers.desk import GREETING, HELP, MENU, MENU_MORE, PRIVACY
from tests.talks import Corpus, all_talks, parse

NEVER = ("系统错误", "未知错误", "None", "Traceback", "Exception", "undefined", "你好，")


def test_there_is_a_corpus(corpus: Corpus) -> None:
    assert len(corpus.replies) > 150


@pytest.mark.parametrize("words", NEVER)
def test_what_is_never_said(corpus: Corpus, words: str) -> None:
    assert [place for place, reply in corpus.replies if words in reply.text + reply.more] == []


def test_everything_fits_the_narrowest_channel(corpus: Corpus) -> None:
    too_long = {
        place: length
        for place, reply in corpus.replies
        if (length := size(reply.text) + sum(size(c.label) + CHOICE_BYTES for c in reply.choices)) > SCREEN_BYTES
    }
    assert too_long == {}


def test_every_label_is_short_and_unlike_its_neighbours(corpus: Corpus) -> None:
    for place, reply in corpus.replies:
        labels = [choice.label for choice in reply.choices]
        assert len(set(labels)) == len(labels), place
        assert all(0 < len(label) <= 20 for label in labels), (place, labels)


def test_people_are_addressed_politely(corpus: Corpus) -> None:
    assert [place for place, reply in corpus.replies if re.search("你(?!好)", reply.text)] == []


def test_the_greeting_is_five_lines_with_its_starts() -> None:
    assert len(f"{GREETING}\n{PRIVACY}".split("\n")) + 3 <= 5
    assert "人工" in PRIVACY
    assert all("系统错误" not in text for text in (MENU, MENU_MORE, HELP))


def test_every_conversation_has_its_own_title() -> None:
    titles = [parse(path).title for path in all_talks()]
    assert len(set(titles)) == len(titles)
    assert all(re.search("[\u4e00-\u9fff]", title) for title in titles)
