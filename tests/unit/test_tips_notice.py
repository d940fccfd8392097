"""T30: before anything is asked a person is told who can see what, whatever the way in."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from handlers.talk import Office
from handlers.turn import Reception
from storage import binding, contacts
from storage.cases import Case
from storage.database import Database
from tests.tips import STORY, Town, custodians, town

NAMES = {"wechat": "微信", "telegram": "Telegram", "web": "网页"}
WAYS_IN = ("举报", "投诉", "拍照举报", "/tip", STORY)
CANARY = "金丝雀街"


@pytest.fixture
def here(database: Database, reception: Reception) -> Town:
    return town(database, reception)


# -- T30: our own honesty -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["wechat", "telegram", "web"])
@pytest.mark.parametrize("sealing", ["sealing", ""])
@pytest.mark.parametrize("statutory", ["statutory", ""])
@pytest.mark.parametrize("said", WAYS_IN)
def test_T30_who_sees_what_is_said_before_the_first_question(
    database: Database, reception: Reception, channel: str, sealing: str, statutory: str, said: str
) -> None:
    here = town(database, reception, Office(channel_names=NAMES, statutory_intake=bool(statutory)))
    if sealing:
        here.do(custodians)
    (reply,) = here.say("a", said, channel=channel)
    notice, question = reply.text.split("\n\n")
    assert len(notice.split("\n")) <= 4
    assert question.startswith(("哪家店", "收到："))
    assert "谁看得到" in notice
    assert "承办人只看到您说的事，看不到您是谁" in notice
    assert "不留名举报" in notice
    assert "保密举报" in notice
    assert "匿名" not in reply.text
    assert ("知道您的账号" in notice) == (channel != "web")
    assert (NAMES[channel] in notice) == (channel != "web")
    assert ("不用登录" in notice) == (channel == "web")
    assert ("两名保管人一起才能打开" in notice) == bool(sealing)
    assert ("不是法定接收渠道" in notice) == (not statutory)


def test_T30_a_bound_account_is_told_of_as_well(database: Database, reception: Reception) -> None:
    here = town(database, reception, Office(channel_names=NAMES))
    here.say("x", "菜单", channel="wechat")
    here.say("x", "菜单", channel="web")

    def join(session) -> None:
        wechat, web = (contacts.find(session, channel, "x") for channel in ("wechat", "web"))
        binding.come_over(session, wechat, web.person_id)

    here.do(join)
    assert "绑定过的微信知道您在那边的账号" in here.say("x", "举报", channel="web")[0].text


@pytest.mark.parametrize("action", ["stall/A12", "pledge/000123"])
def test_T30_after_a_code_was_scanned_too(here: Town, action: str) -> None:
    (reply,) = here.act("a", action)
    assert reply.text.startswith("先说清楚谁看得到")
    assert "，是什么事？" in reply.text  # where is known


def test_a_stalls_code_says_where(here: Town) -> None:
    here.say("a", "/start", route="s_A12")
    here.say("a", "举报这个摊位")
    assert "是什么问题？" not in here.tell("a", "少称2两")[0].text
    with here.database.reading() as session:
        assert session.scalars(select(Case.stall_no)).all() == ["A12"]


def test_where_others_read_along_nothing_is_taken(here: Town) -> None:
    (reply,) = here.say("a", STORY, shared=True)
    assert reply.text.startswith("这里只回答问题和当场判定。")
    assert STORY not in here.everything()
