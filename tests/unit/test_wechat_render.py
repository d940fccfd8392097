"""Replies as WeChat text: limits, links, late ones first, and no markup of anybody else's."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.inbound import receive
from bot.channels.wechat.render import LATE, LIMIT, compose, harmless, passive
from handlers.conversation.messages import Choice, Numbered, Reply
from handlers.conversation.paging import fit
from tests.fakes.wechat import links, parse_reply, plain

NONCE = "0123456789abcdef"
AT = datetime(2026, 11, 24, tzinfo=UTC)


def line(number: int, text: str, *labels: str, late: bool = False) -> Numbered:
    return Numbered(number, Reply(text, tuple(Choice(label, "x:") for label in labels)), NONCE if labels else "", late)


def test_options_are_links_and_digits() -> None:
    text = compose([line(1, "选一个：", "判定", "人工")]).text
    assert plain(text) == "选一个：\n1 判定\n2 人工"
    assert links(text) == [(f"{NONCE}-1", "1", "判定"), (f"{NONCE}-2", "2", "人工")]


def test_only_the_last_options_are_open() -> None:
    text = compose([line(1, "旧的", "甲"), line(2, "新的", "乙"), line(3, "完")]).text
    assert plain(text) == "旧的\n\n新的\n1 乙\n\n完"


def test_what_could_not_be_delivered_comes_first() -> None:
    composed = compose([line(1, "旧的", late=True), line(2, "新的")])
    assert composed.text == f"{LATE}旧的\n\n新的"
    assert composed.shown == (2, 1)


def test_a_full_answer_leaves_the_late_ones_for_another_time() -> None:
    composed = compose([line(1, "旧" * 300, late=True), line(2, "新" * 600)])
    assert composed.shown == (2,)
    assert composed.text == "新" * 600


def test_links_give_way_to_digits_when_there_is_no_room() -> None:
    text = compose([line(1, "长" * 600, "甲", "乙", "丙", "丁")]).text
    assert text.endswith("\n1 甲\n2 乙\n3 丙\n4 丁")
    assert not links(text)


@given(
    st.lists(
        st.tuples(st.text(max_size=900), st.lists(st.text(min_size=1, max_size=20), max_size=6), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_said_fits_and_is_one_sound_text(parts: list[tuple[str, list[str], bool]]) -> None:
    late_first = sorted(parts, key=lambda part: not part[2])
    lines = [
        Numbered(n, fit(Reply(text or "好", tuple(Choice(label, "x:") for label in labels))), NONCE, late)
        for n, (text, labels, late) in enumerate(late_first, 1)
    ]
    composed = compose(lines)
    assert 0 < len(composed.text.encode("utf-8", "surrogatepass")) <= LIMIT
    new = [n.id for n in lines if not n.late]
    assert not new or new[0] in composed.shown
    assert composed.shown
    assert set(composed.shown) <= {n.id for n in lines}
    assert compose(lines) == composed


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_said_words_cannot_leave_their_place(said: str) -> None:
    received = receive(
        {"FromUserName": "o1", "ToUserName": "gh_1", "CreateTime": "1", "MsgType": "text", "MsgId": "1"}, AT
    )
    reply = parse_reply(passive(harmless(f"您说：{said}]]><MsgType>"), received))
    assert reply["MsgType"] == "text"
    assert "<a" not in reply["Content"]


def test_a_link_somebody_typed_stays_words() -> None:
    assert harmless('<a href="https://x.example">点我</a>') == '＜a href="https://x.example">点我＜/a>'
    assert harmless("3<5 且 a < b") == "3<5 且 a < b"
