"""What is told without a place or without words: where is asked, a shrug is no answer, and nothing is filed nowhere."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from handlers.tips.form import NO_WHAT, NO_WHERE, STORY, WHERE
from handlers.turn import Reception
from storage.cases import Case
from storage.database import Database
from tests.tips import Town, labels, town

SOMEWHERE = "有个摊子缺斤短两，我要举报"


@pytest.fixture
def here(database: Database, reception: Reception) -> Town:
    return town(database, reception)


def _filed(here: Town) -> int:
    with here.database.reading() as session:
        return session.scalar(select(func.count(Case.id))) or 0


@pytest.mark.parametrize("story", ["有个摊子缺斤短两,我要举报", "有个摊子缺斤短两"])
def test_a_wrong_told_without_a_place_opens_the_sheet_at_the_place(here: Town, story: str) -> None:
    (reply,) = here.say("a", story)
    assert reply.text.startswith("先说清楚谁看得到：")
    assert reply.text.endswith(WHERE)
    assert "地点：城西菜场3号摊" in here.say("a", "城西菜场3号摊")[0].text + here.say("a", "完成")[0].text


@pytest.mark.parametrize("question", ["怎么举报缺斤短两", "举报要什么材料", "怎么投诉举报缺斤短两？"])
def test_a_question_gets_its_card_and_can_go_on_from_there(here: Town, question: str) -> None:
    replies = here.say("a", question)
    assert not replies[0].text.startswith("先说清楚")
    assert labels(replies)[-1] == "在这里举报"
    (opened,) = here.say("a", str(len(labels(replies))))
    assert opened.text.endswith(STORY)


@pytest.mark.parametrize("shrug", ["不知道哪家店", "完成", "没有", "跳过", "不知道", "忘了"])
def test_not_knowing_where_is_asked_once_more_then_kept_and_not_filed(here: Town, shrug: str) -> None:
    here.say("a", SOMEWHERE)
    assert here.say("a", shrug)[0].text.startswith(NO_WHERE)
    (kept,) = here.say("a", shrug)
    assert kept.text.startswith("还没有交上去：不知道在哪儿，没法去查。\n需要其中一样：")
    assert _filed(here) == 0
    assert here.say("a", "继续")[0].text == WHERE
    here.say("a", "城西菜场A12")
    here.say("a", "完成")
    assert here.number(here.say("a", "1"))
    assert _filed(here) == 1


def test_a_photo_tells_where_to_whoever_does_not_know_the_name(here: Town) -> None:
    here.say("a", SOMEWHERE)
    here.say("a", "不知道哪家店")
    assert here.say("a", "", photos=1)[0].text.startswith("收到：（见照片）")


@pytest.mark.parametrize("shrug", ["不知道", "完成", "没有", "跳过"])
def test_not_saying_what_is_no_answer(here: Town, shrug: str) -> None:
    here.say("a", "我要举报")
    here.say("a", "城西菜场A12")
    assert here.say("a", shrug)[0].text.startswith(NO_WHAT)
    assert here.say("a", "少称2两")[0].text.startswith("收到：城西菜场A12，称重少2两。")


@pytest.mark.parametrize("shrug", ["完成", "不记得", "跳过"])
def test_a_further_question_is_skipped_by_any_of_these(here: Town, shrug: str) -> None:
    assert "几号油枪？" in here.say("a", "城东加油站加油少了2升，我要举报")[0].text
    here.say("a", shrug)
    assert here.say("a", shrug)[0].text.startswith("收到：城东加油站")
    here.say("a", "完成")
    number = here.number(here.say("a", "1"))
    assert here.row(number).told == "城东加油站加油少了2升，我要举报"
