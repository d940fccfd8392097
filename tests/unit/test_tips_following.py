"""Following a case: found by account, receipt or number, answered, judged, taken back; and never by anybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from handlers.conversation.messages import Reply
from handlers.tips import following, view
from handlers.tips.rights import MISSING
from handlers.tips.service import ACTIONS, ON_CASE
from handlers.turn import Reception
from storage import binding, case_links, contacts
from storage.case_links import ReceiptGuess
from storage.database import Database
from tests.officers import team
from tests.support import NOW
from tests.tips import STORY, Town, complained, counts, filed, labels, town, wants_news

LATER = NOW + timedelta(days=7)
WORDS = ("城西菜场", "A12", "排骨", "少称", "缺斤短两")


@pytest.fixture
def here(database: Database, reception: Reception) -> Town:
    return town(database, reception)


# -- T5: rights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", sorted({*ON_CASE, "open"}))
def test_T5_a_foreign_case_is_answered_exactly_as_a_missing_one(here: Town, verb: str) -> None:
    case_id = here.row(filed(here, "owner")).id
    here.say("stranger", "菜单")
    before, row = counts(here), here.everything("inbox", "outbox", "dialogues", "contacts", "persons")
    foreign, missing = here.act("stranger", f"{verb}/{case_id}"), here.act("stranger", f"{verb}/{case_id + 1}")
    assert foreign == missing == [MISSING]
    for forged in (f"{case_id}/", f"{case_id}/{'A' * 22}", "0", "-1", "１", "9" * 30, "x", ""):
        assert here.act("stranger", f"{verb}/{forged}")[0].text != here.act("owner", f"open/{case_id}")[0].text
    assert counts(here) == before
    assert here.everything("inbox", "outbox", "dialogues", "contacts", "persons") == row


def test_T5_every_action_needs_its_right(here: Town) -> None:
    """What names no case needs none; the rest goes through the one look-up."""
    assert not set(ACTIONS) & set(ON_CASE)
    assert {"open", "number", "receipt", "mine"} <= set(ACTIONS)
    assert here.act("a", "no-such-verb/1") == [MISSING]


def test_T5_a_number_or_code_of_somebody_else_opens_nothing(here: Town) -> None:
    number = filed(here, "owner")
    assert here.say("stranger", number) == here.say("stranger", "TS-261124-9999")
    (prompt,) = here.say("stranger", "/start", route=f"t_{number}")
    assert "查进度：请把 17 位回执码发给我" in prompt.text
    here.say("owner", "菜单")  # a code greets who was not greeted yet
    assert here.say("owner", "/start", route=f"t_{number}")[0].text.startswith("【城西菜场")


def test_T5_a_form_left_open_does_not_outlive_the_right(here: Town) -> None:
    filed(here, "a")
    here.say("a", "留言")

    def forget(session) -> None:
        contact = contacts.find(session, "terminal", "a")
        case_links.forget_tags(session, [case_links.tag_of(here.bench.vault, contact)])

    here.do(forget)
    before = counts(here)
    assert here.say("a", "还有一件事要说") == [MISSING]
    assert counts(here) == before


# -- receipts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", ["{}", "查 {}", "/track {}", "回执码：{}"])
def test_a_receipt_opens_the_case_from_any_account_and_shows_nothing_that_was_told(here: Town, spelled: str) -> None:
    replies = here.tell("a", f"{STORY}，排骨")
    number, code = here.number(replies), here.receipt(replies)
    (card,) = here.say("b", spelled.format(code), channel="telegram")
    assert card.text.startswith(f"【举报 {number}】现在：已收到，等待核查\n11-24 收到\n下一步：")
    assert not [word for word in WORDS if word in card.text]
    assert "以后用这个账号直接查" in labels([card])
    assert here.say("b", "查", channel="telegram")[0].text.startswith("这个账号还没有举报")


def test_what_a_receipt_allows(here: Town) -> None:
    replies = here.tell("a")
    number, code = here.number(replies), here.receipt(replies)
    here.say("b", code)
    here.say("b", "补充证据")
    assert here.say("b", "", photos=2)[0].text.startswith(f"收到 2 张照片，已放进 {number}")
    here.say("b", code)
    assert here.say("b", "以后用这个账号直接查")[0].text.startswith("好，以后用这个账号")
    here.say("b", "1")
    assert here.say("b", "查")[0].text.startswith("【城西菜场 缺斤短两 举报")
    assert here.do(lambda session: wants_news(session, here.row(number).id)) == 1


def test_the_leave_a_receipt_gives_is_nobody_elses_and_ends(here: Town) -> None:
    code = here.receipt(here.tell("a"))
    (card,) = here.say("b", code)
    action = next(c.action for c in card.choices if c.label == "补充证据").removeprefix("tips:")
    assert here.act("b", action)[0].text.startswith("补充到")
    assert here.act("c", action) == [MISSING]
    assert here.say("b", "补充证据", at=NOW + timedelta(minutes=20))[0].text.startswith("补充到")
    here.say("b", "取消")
    (copy,) = here.act("b", action.replace("add/", "copy/"))
    assert copy == MISSING  # what was told is for the account that told it


@pytest.mark.parametrize("code", ["1234-5678-9012-3456-7", "4839 2011 7745 0926 4"])
def test_T4_a_typing_error_costs_no_guess(here: Town, code: str) -> None:
    assert here.say("a", code) == [Reply(following.MISTYPED)]
    assert here.do(lambda session: session.scalar(select(func.count(ReceiptGuess.day)))) == 0


def test_T4_wrong_receipts_are_counted_over_everybody_and_then_stopped(here: Town) -> None:
    code = here.receipt(here.tell("a"))
    wrong = "0000-0000-0000-0000-0"
    assert here.say("b", wrong) == [Reply(following.UNKNOWN)]
    here.do(lambda session: setattr(session.scalars(select(ReceiptGuess)).one(), "count", case_links.GUESSES_A_DAY))
    for typed in (wrong, code):
        assert here.say("c", typed)[0].text.startswith("今天输错的回执码太多")
    assert here.say("a", "查")[0].text.startswith("【城西菜场")
    assert here.say("c", code, at=NOW + timedelta(days=1))[0].text.startswith("【举报")


def test_a_receipt_hashed_before_the_turn_is_not_hashed_in_it(here: Town) -> None:
    replies = here.tell("a")
    digits = here.receipt(replies).replace("-", "")[:16]
    digest = case_links.digest_of(here.bench.vault, digits)
    wrong = here.say("b", here.receipt(replies), prepared="0" * 64)
    assert wrong == [Reply(following.UNKNOWN)]
    assert here.say("b", here.receipt(replies), prepared=digest)[0].text.startswith("【举报")


# -- where it stands ----------------------------------------------------------------------------------------------


def test_the_card_of_a_case_under_way(here: Town) -> None:
    here.do(team)
    number = filed(here)
    here.work(number, "accept", "visit", now=LATER)
    (card,) = here.say("a", "查", at=LATER)
    lines = card.text.split("\n")
    assert lines[0] == f"【城西菜场 缺斤短两 举报 {number}】现在：核查中"
    assert lines[1] == "11-24 收到 → 12-01 已受理 → 12-01 现场检查"
    assert lines[2] == "下一步：核查线索并决定是否立案，最迟 2026-12-15（第 15 个工作日，已过 5 个，本局承诺）。"
    assert "超差" not in card.text  # what was found is for the file


def test_a_paused_and_a_late_term_are_said(here: Town) -> None:
    number = filed(here)
    assert "已超期，可以打 12315 催办" in here.say("a", "查", at=NOW + timedelta(days=60))[0].text
    here.work(number, "pause")
    assert "期限暂停中（检定、检测）" in here.say("a", "查")[0].text


def test_a_complaint_is_mediated_by_calendar_days(here: Town) -> None:
    number = complained(here)
    here.work(number, "accept")
    (card,) = here.say("a", "查", at=LATER)
    assert "投诉" in card.text.split("\n")[0]
    assert "已受理，调解中" in card.text
    assert "（第 60 天，已过 7 天" in card.text
    assert labels([card]) == ["补充证据", "给办案人留言", "为什么是这个日期", "撤回投诉", "通知我"]


def test_a_transferred_case_says_to_whom(here: Town) -> None:
    number = filed(here)
    here.work(number, "transfer")
    (card,) = here.say("a", "查")
    assert "已移送：公安机关，由对方依法处理并答复。" in card.text
    assert labels([card]) == ["看菜单"]


def test_a_long_thread_is_cut_to_its_beginning_and_its_end() -> None:
    lines = [view.Line(NOW.date() + timedelta(days=n), f"第{n}步") for n in range(20)]
    text = view.timeline_text(lines)
    assert text.startswith("11-24 第0步 → ")
    assert text.endswith("第19步")
    assert text.count("→") == view.MOST_DAYS - 1


# -- news ---------------------------------------------------------------------------------------------------------


def test_news_name_no_shop_and_stop_when_told_to(here: Town) -> None:
    number = filed(here, news=True)
    here.work(number, "accept")
    (told,) = here.told("a")
    assert told.text == f"您有 1 条办理进展。编号 {number}：已受理。"
    assert here.say("a", "1")[0].text.startswith("【城西菜场")
    assert here.say("a", "不再通知")[0].text == following.NEWS_OFF
    here.work(number, "visit")
    assert len(here.told("a")) == 1
    here.say("a", "通知我")
    here.work(number, "close")
    assert len(here.told("a")) == 2


def test_who_wants_no_news_is_told_of_nothing(here: Town) -> None:
    number = filed(here)
    here.work(number, "accept", "visit", "close")
    assert here.told("a") == []


def test_quiet_is_quiet_on_every_account_of_the_person(here: Town) -> None:
    here.say("x", "菜单", channel="web")
    number = here.number(here.tell("x", channel="terminal"))
    here.say("x", "1")

    def join(session) -> None:
        web, terminal = (contacts.find(session, channel, "x") for channel in ("web", "terminal"))
        binding.come_over(session, web, terminal.person_id)

    here.do(join)
    assert here.say("x", "查", channel="web")[0].text.startswith("【城西菜场")
    here.say("x", "不再通知", channel="web")
    assert here.do(lambda session: wants_news(session, here.row(number).id)) == 0


def test_C10_who_is_forgotten_leaves_the_case_behind(here: Town) -> None:
    replies = here.tell("a")
    here.say("a", "1")
    number, code = here.number(replies), here.receipt(replies)
    here.say("a", "删除我的数据")
    assert "报过的案件照办" in here.say("a", "确认删除")[0].text
    here.work(number, "accept")
    assert here.told("a") == []
    assert here.do(lambda session: session.scalar(select(func.count(case_links.CaseLink.id)))) == 0
    assert here.say("a", "查")[0].text.startswith("这个账号还没有举报")
    assert here.say("a", code)[0].text.startswith(f"【举报 {number}】现在：核查中")


@pytest.mark.parametrize("typed", ["4839201177450926", "483920117745092", "48392011774509261", "483920117745092612"])
def test_bare_digits_are_a_slip_and_no_guess(here: Town, typed: str) -> None:
    assert here.say("a", typed) == [Reply(following.MISTYPED)]
    with here.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ReceiptGuess)) == 0
