from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.paging import CHOICE_BYTES, MORE_HINT, SCREEN_BYTES, cut, fit, size

CHINESE = st.text(st.sampled_from("称重的秤，。；\n要检定1年😀a "), max_size=2000)
CHOICES = st.lists(st.builds(Choice, st.text(min_size=1, max_size=16), st.just("menu:")), max_size=9).map(tuple)


def screens(reply: Reply) -> list[Reply]:
    """Every screen a reader sees who answers 更多 to the end."""
    shown = [fit(reply)]
    while shown[-1].more:
        shown.append(fit(Reply(shown[-1].more, reply.choices)))
        assert len(shown) < 200
    return shown


def body(text: str) -> str:
    return text.removesuffix(MORE_HINT).replace("\n", "")


@settings(max_examples=150)
@given(CHINESE | st.text(max_size=3000), CHOICES, CHINESE)
def test_the_screens_together_lose_nothing_and_each_fits(text: str, choices: tuple[Choice, ...], more: str) -> None:
    shown = screens(Reply(text, choices, more=more))
    assert "".join(body(one.text) for one in shown) == body(text) + body(more)
    for one in shown:
        assert size(one.text) + sum(size(c.label) + CHOICE_BYTES for c in choices) <= SCREEN_BYTES
        assert one.choices == choices


@given(CHINESE | st.text(max_size=500), st.integers(1, 2500))
def test_a_cut_loses_only_line_ends(text: str, budget: int) -> None:
    head, tail = cut(text, budget)
    assert size(head) <= budget
    assert (head + tail).replace("\n", "") == text.replace("\n", "")


def test_a_cut_is_made_after_a_sentence() -> None:
    head, tail = cut("甲乙丙。" * 10, 50)
    assert head == "甲乙丙。" * 4
    assert tail == "甲乙丙。" * 6


def test_a_text_without_sentences_is_cut_where_it_must() -> None:
    head, tail = cut("一。" + "长" * 100, 60)
    assert size(head) > 50
    assert head + tail == "一。" + "长" * 100


def test_what_fits_is_left_alone() -> None:
    reply = Reply("够短", (Choice("菜单", "menu:"),))
    assert fit(reply) is reply


def test_more_is_announced() -> None:
    assert fit(Reply("够短", more="后面")).text == "够短" + MORE_HINT
