"""What a reporter does with a case: adds evidence, answers, judges how it ended, takes it back, decides on an offer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers.cases.files import MOST_AN_HOUR
from handlers.turn import Reception
from storage import cases
from storage.cases import Case, CaseKind
from storage.database import Database
from tests.officers import WANG, team
from tests.support import NOW
from tests.tips import Town, complained, counts, filed, labels, town

LATER = NOW + timedelta(days=7)
WORDS = ("城西菜场", "A12", "排骨", "少称", "缺斤短两")


@pytest.fixture
def here(database: Database, reception: Reception) -> Town:
    return town(database, reception)


# -- answering ----------------------------------------------------------------------------------------------------


def test_an_officers_question_is_answered_without_saying_who_one_is(here: Town) -> None:
    here.do(team)
    number = filed(here, news=True)
    here.work(number, "accept", "ask")
    assert here.told("a")[-1].text.endswith("办案人员有话问您。")
    (card,) = here.say("a", "查")
    assert "办案人员问您（11-24）：当时付的是现金还是扫码？" in card.text
    assert "回答办案人员" in labels([card])
    assert here.say("a", "回答办案人员")[0].text.startswith(
        "办案人员问：当时付的是现金还是扫码？\n请直接回答，不用说您是谁。"
    )
    (done,) = here.say("a", "扫码，我的手机13812345678")
    assert "转过去的话是：扫码，我的手机〔已隐去〕" in done.text
    assert "我找到的已隐去；请再看看有没有别的能认出您的话" in done.text
    assert "办案人员问您" not in here.say("a", "查")[0].text
    with here.database.reading() as session:
        event = cases.events(session, here.row(number).id)[-1]
        assert (event.actor, event.action, event.text) == ("reporter", "case.answered", "扫码，我的手机〔已隐去〕")
    assert here.told(WANG)[-1].text == f"{number}：举报人有新留言"


def test_words_typed_under_the_question_answer_it_once_that_is_said(here: Town) -> None:
    here.do(team)
    number = filed(here)
    here.work(number, "accept", "ask")
    here.say("a", "查")
    (asked,) = here.say("a", "扫码付的，付了56元")
    assert asked.text == "办案人员问：当时付的是现金还是扫码？\n这是回答办案人员吗？"
    assert labels([asked]) == ["是", "不是"]
    (done,) = here.say("a", "1")
    assert done.text == f"已转给办案人员（{number}）。\n转过去的话是：扫码付的，付了56元"
    with here.database.reading() as session:
        assert cases.events(session, here.row(number).id)[-1].text == "扫码付的，付了56元"


def test_words_that_are_no_answer_go_where_they_always_go(here: Town) -> None:
    here.do(team)
    number = filed(here)
    here.work(number, "accept", "ask")
    before = counts(here)
    here.say("a", "查")
    here.say("a", "菜场电子秤多久检一次")
    (card,) = here.say("a", "2")
    assert "电子" in card.text
    assert "依据：" in card.text
    assert counts(here) == before
    assert "这是回答" not in here.say("a", "扫码付的")[0].text


def test_T24_thirty_files_an_hour(here: Town) -> None:
    number = filed(here)
    here.say("a", "补充")
    for _ in range(3):
        here.say("a", "", photos=9)
    (last,) = here.say("a", "", photos=9)
    assert "有 6 份没收下" in last.text
    assert here.say("a", "", photos=1)[0].text.startswith("这一个小时收满 30 份了")
    with here.database.reading() as session:
        assert len(cases.files(session, here.row(number).id)) == MOST_AN_HOUR
    here.say("a", "补充", at=NOW + timedelta(hours=2))
    assert here.say("a", "", photos=1, at=NOW + timedelta(hours=2))[0].text.startswith("收到 1 张照片")


def test_while_photos_come_in_a_question_is_still_a_question(here: Town) -> None:
    filed(here)
    here.say("a", "补充")
    here.say("a", "", photos=1)
    before = counts(here)
    replies = here.say("a", "菜场电子秤多久检一次")
    assert "发完回“完成”" in "".join(reply.text for reply in replies)
    assert counts(here) == before
    assert here.say("a", "查秤")[0].text.startswith("查秤两招")


@pytest.mark.parametrize("word", ["补充", "留言", "通知我", "不满意", "撤回投诉"])
def test_words_without_a_case_say_so(here: Town, word: str) -> None:
    (reply,) = here.say("a", word)
    assert reply.text.startswith("没有")
    assert labels([reply]) == ["我的举报", "我要举报"]


def test_of_several_cases_it_is_asked_which(here: Town) -> None:
    numbers = [filed(here), filed(here)]
    (reply,) = here.say("a", "补充")
    assert labels([reply]) == [f"{number} 已收到" for number in reversed(numbers)]
    assert here.say("a", "2")[0].text.startswith(f"补充到 {numbers[0]}")


# -- how it ended -------------------------------------------------------------------------------------------------


def test_C5_two_messages_to_have_it_taken_up_again(here: Town) -> None:
    here.do(team)
    number = filed(here, news=True)
    here.work(number, "accept", "close", now=LATER)
    assert here.told("a")[-1].text.endswith("已办结，请看结果并评价。")
    (card,) = here.say("a", "1", at=LATER)
    assert "结果：经核查未发现违法。用标准器核称" in card.text
    assert labels([card])[:2] == ["满意", "不满意"]
    assert here.say("a", "2", at=LATER)[0].text.startswith("哪里不满意？")
    (done,) = here.say("a", "没有当着我的面复称", at=LATER)
    assert done.text.startswith("已退回重办，理由已转给承办组长。\n下一步：")
    case = here.row(number)
    assert (case.state, case.reopened, case.satisfied) == ("accepted", 1, 1)
    assert here.told(WANG)[-1].text == f"{number}：举报人不满意，已退回重办"


def test_after_fifteen_days_it_is_not_taken_up_again(here: Town) -> None:
    number = filed(here)
    here.work(number, "accept", "close")
    late = NOW + timedelta(days=16)
    assert "不满意" not in labels(here.say("a", "查", at=late))
    assert here.say("a", "不满意", at=late)[0].text.startswith("现在不能要求重办")
    assert here.row(number).reopened == 0


def test_satisfied_is_said_once(here: Town) -> None:
    number = filed(here)
    here.work(number, "accept", "close")
    here.say("a", "查")
    assert here.say("a", "满意")[0].text.startswith("谢谢您的评价")
    assert here.row(number).satisfied == 5
    assert labels(here.say("a", "查"))[0] == "不满意"


def test_a_refusal_tells_the_ways_that_are_left(here: Town) -> None:
    number = filed(here)
    here.work(number, "refuse")
    (card,) = here.say("a", "查")
    assert "依据：" in card.text
    assert "行政复议" in card.text
    assert labels([card]) == ["明白了", "不服，说理由"]
    here.say("a", "2")
    assert here.say("a", "我有新的照片")[0].text.startswith("已退回重办")
    assert here.row(number).state == "received"


def test_an_ended_case_takes_nothing_more(here: Town) -> None:
    number = filed(here)
    here.say("a", "留言")
    here.work(number, "accept", "close")
    assert here.say("a", "再说一句")[0].text.startswith(f"{number} 现在是“已办结”，不能再补充了。")
    case_id = here.row(number).id
    for verb in ("add", "word"):
        assert "不能再补充了" in here.act("a", f"{verb}/{case_id}")[0].text


def test_a_complaint_can_be_taken_back_a_report_cannot(here: Town) -> None:
    number = complained(here)
    assert "确定撤回吗" in here.say("a", "撤回投诉")[0].text
    assert here.say("a", "1")[0].text == f"{number} 已撤回。"
    assert here.row(number).state == "withdrawn"
    report = here.row(filed(here, "b"))
    assert report.kind == CaseKind.REPORT
    for verb in ("withdraw", "withdrawn"):
        assert "本局仍会核查" in here.act("b", f"{verb}/{report.id}")[0].text
    assert here.row(report.number).state == "received"


@pytest.mark.parametrize(("pick", "action"), [("接受商家方案", "accepted"), ("不接受", "declined")])
def test_the_reporter_decides_on_an_offer(here: Town, pick: str, action: str) -> None:
    number = complained(here)
    here.work(number, "accept", "offer")
    (card,) = here.say("a", "查")
    assert "商家的方案：愿意退 56 元。" in card.text
    assert labels([card])[:2] == ["接受商家方案", "不接受"]
    here.say("a", pick)
    assert "商家的方案" not in here.say("a", "查")[0].text
    with here.database.reading() as session:
        case: Case = here.row(number)
        assert cases.events(session, case.id)[-1].action == f"case.offer-{action}"
    assert here.act("a", f"accept/{here.row(number).id}")[0].text == "现在没有等您决定的方案。"
