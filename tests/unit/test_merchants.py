"""The merchant's side: told late enough and little enough, answers in two messages, and nobody else may."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from handlers import merchants
from handlers.conversation.forms import NotUnderstoodError
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound
from handlers.conversation.state import DialogueState
from handlers.turn import Reception
from storage import case_clocks, cases, contacts, dialogues, shops
from storage.case_clocks import ClockState
from storage.cases import Case, CaseEvent, CaseKind, Stall
from storage.database import Database
from storage.shops import Role
from tests.officers import WANG, ZHANG, Room, reporter, team
from tests.shops import shop
from tests.support import NOW, said

CANARIES = ("小红书阿姨", "13877778888", "少2两", "排骨", "9点15", "A12", "58.6")
"""What the case holds and the shop must not learn."""


@pytest.fixture
def room(database: Database, reception: Reception) -> Room:
    found = Room(database, reception)

    def prepare(session) -> None:
        team(session)
        mine = shop(session, NOW, "owner", "鲜达超市")
        for who, role in (("manager", Role.MANAGER), ("clerk", Role.CLERK), ("viewer", Role.VIEWER)):
            person = contacts.get_or_create(session, "terminal", who, NOW).person_id
            shops.accept(session, shops.invite(session, mine.id, role, NOW), person, NOW)
        shop(session, NOW, "neighbour", "隔壁水果店")

    found.do(prepare)
    return found


def complaint(room: Room) -> str:
    return room.new_case(
        CaseKind.COMPLAINT,
        happened="2026-11-20上午9点15",
        told="我是小红书阿姨 13877778888，花了58.6元买排骨",
        demand="退货退款",
    )


def notified(room: Room, kind: CaseKind = CaseKind.COMPLAINT) -> str:
    short = complaint(room) if kind is CaseKind.COMPLAINT else room.new_case()
    room.do(lambda s: reporter(s, room.bench, s.get_one(Case, room.case(short).id), "citizen"))
    room.text(ZHANG, f"受理 {short}")
    if kind is CaseKind.REPORT:
        room.text(ZHANG, f"记录 {short} 现场复称超差40克")
    assert room.text(ZHANG, f"通知商家 {short} 鲜达超市").startswith("已通知鲜达超市的负责人（2 人）")
    return short


def act(room: Room, who: str, action: str) -> str:
    with room.database.unit() as session:
        inbound = Inbound(ContactRef("terminal", who), f"act-{who}-{action}"[:120], NOW, "菜单")
        contact = contacts.get_or_create(session, "terminal", who, NOW)
        dialogue = dialogues.lock(session, contact.person_id, NOW)
        talk = room.reception._talk(session, inbound, contact, dialogue, DialogueState())  # noqa: SLF001 - no option is open
        return "\n".join(reply.text for reply in room.reception.desk.act(talk, f"merchants:{action}"))


# -- when and what ------------------------------------------------------------------------------------------------


def test_D15_a_complaint_is_told_of_only_after_it_is_accepted(room: Room) -> None:
    short = complaint(room)
    assert "受理以后才能通知商家" in room.text(ZHANG, f"通知商家 {short} 鲜达超市")
    assert room.told("owner") == []


def test_D15_of_a_report_nobody_is_warned_before_the_visit(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    assert "打草惊蛇" in room.text(ZHANG, f"通知商家 {short} 鲜达超市")
    assert room.told("owner") == []
    room.text(ZHANG, f"记录 {short} 现场复称超差40克")
    room.text(ZHANG, f"通知商家 {short} 鲜达超市")
    assert len(room.told("owner")) == 1


@pytest.mark.parametrize("kind", list(CaseKind))
def test_T1_the_notice_says_nothing_by_which_somebody_could_be_known(room: Room, kind: CaseKind) -> None:
    short = notified(room, kind)
    (notice,) = room.told("owner")
    assert not [c for c in CANARIES if c in notice.text]
    assert "举报" not in notice.text
    assert room.case(short).number not in notice.text  # the number holds the day it came in
    assert "11-24" not in notice.text.replace("2026-12-01", "")
    assert ("11月20日" in notice.text) is (kind is CaseKind.COMPLAINT)
    assert "5个工作日" in notice.text
    assert [c.label for c in notice.choices] == (
        ["说明情况", "愿意退款"] if kind is CaseKind.COMPLAINT else ["说明情况"]
    )


def test_only_the_owner_and_managers_are_told(room: Room) -> None:
    notified(room)
    assert {who: len(room.told(who)) for who in ("owner", "manager", "clerk", "viewer", "neighbour")} == {
        "owner": 1,
        "manager": 1,
        "clerk": 0,
        "viewer": 0,
        "neighbour": 0,
    }


def test_the_term_of_five_working_days_runs_and_is_met_by_an_answer(room: Room) -> None:
    short = notified(room)
    with room.database.reading() as session:
        (clock,) = case_clocks.live(session, room.case(short).id, "merchant-answer")
        assert str(clock.due_on) == "2026-12-01"
    room.text("owner", "1")
    room.text("owner", "秤是上月刚检定的，可以来看证书")
    with room.database.reading() as session:
        clocks = case_clocks.of_case(session, room.case(short).id)
        assert [c.state for c in clocks if c.rule == "merchant-answer"] == [ClockState.MET]


def test_a_shop_that_is_not_here_gets_the_same_words_on_paper(room: Room) -> None:
    short = complaint(room)
    room.text(ZHANG, f"受理 {short}")
    told = room.text(ZHANG, f"通知商家 {short} 查无此店")
    assert "请打印下面的通知送达" in told
    assert not [c for c in CANARIES if c in told]


def test_a_shop_is_found_by_its_credit_code_and_twins_are_asked_back(room: Room) -> None:
    def more(session) -> None:
        shop(session, NOW, "other", "鲜达超市").credit_code = "91330302MA2ABCDE0X"

    room.do(more)
    short = complaint(room)
    room.text(ZHANG, f"受理 {short}")
    replies = room.say(ZHANG, f"通知商家 {short} 鲜达超市")
    assert replies[0].text == "有几家店叫这个名字，是哪一家？"
    room.text(ZHANG, f"通知商家 {short} 91330302MA2ABCDE0X")
    assert (len(room.told("other")), len(room.told("owner"))) == (1, 0)
    with room.database.reading() as session:
        stall = session.get_one(Stall, room.case(short).stall_id)
        assert session.get_one(shops.Shop, stall.shop_id).credit_code == "91330302MA2ABCDE0X"


def test_a_stall_known_as_one_shop_is_not_told_as_another(room: Room) -> None:
    short = notified(room)
    assert "已经确认是另一家店" in room.text(ZHANG, f"通知商家 {short} 隔壁水果店")
    assert room.told("neighbour") == []


# -- answering ----------------------------------------------------------------------------------------------------


def test_S11_two_messages_and_the_officer_has_the_explanation(room: Room) -> None:
    short = notified(room)
    assert "请写一段话说明情况" in room.text("owner", "1")
    assert room.text("owner", "秤是上月刚检定的，可以来看证书").startswith("已交给办案人员")
    assert "商家 说明：秤是上月刚检定的，可以来看证书" in room.text(ZHANG, f"经过 {short}")
    assert "【有新留言】" in room.text(ZHANG, "今日")
    with room.database.reading() as session:
        public = cases.events(session, room.case(short).id, public=True)
        assert "merchant.answered" in [e.action for e in public]
        assert "上月刚检定" not in str([e.text for e in public])


def test_S11_a_photo_is_an_answer_and_is_kept_as_evidence(room: Room) -> None:
    short = notified(room)
    room.text("owner", "1")
    photo = Attachment(AttachmentKind.IMAGE, "b" * 64, "image/png", 10, "证书.png")
    assert room.text("owner", "", attachments=(photo,)).startswith("已交给办案人员")
    with room.database.reading() as session:
        assert [f.source for f in cases.files(session, room.case(short).id)] == ["b" * 64]


def test_an_offer_goes_to_who_complained_and_to_the_officer(room: Room) -> None:
    short = notified(room)
    room.text("owner", "2")
    assert "愿意退款 30.50 元" in room.text("owner", "３０.5元")
    with room.database.reading() as session:
        event = session.scalars(select(CaseEvent).where(CaseEvent.action == "merchant.offered")).one()
        assert (event.public, Decimal(event.detail["amount"])) == (True, Decimal("30.5"))
    assert room.told("citizen")[-1].text == f"您有 1 条办理进展。编号 TS-261124-{short}：商家提出退款，请您决定。"
    assert "愿意退款" in room.told(ZHANG)[-1].text


def test_a_report_cannot_be_paid_away(room: Room) -> None:
    short = notified(room, CaseKind.REPORT)
    assert "不收退款" in act(room, "owner", f"offer/{room.case(short).id}")
    with room.database.reading() as session:
        assert session.scalars(select(CaseEvent).where(CaseEvent.action == "merchant.offered")).all() == []


@given(st.text(max_size=20))
def test_an_amount_is_a_sum_of_money_or_nothing(text: str) -> None:
    try:
        amount = Decimal(merchants._read_amount(said(text)))  # noqa: SLF001 - the form's own parser
    except NotUnderstoodError:
        return
    assert 0 < amount <= merchants.MOST_YUAN
    assert amount == round(amount, 2)


@pytest.mark.parametrize("text", ["0", "-5", "50001", "1e3", "三十", "30.123", "", "NaN", "30 40"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        merchants._read_amount(said(text))  # noqa: SLF001 - the form's own parser


# -- whose it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["clerk", "viewer", "neighbour", "stranger", "citizen", ZHANG, WANG])
@pytest.mark.parametrize("verb", ["open", "explain", "offer"])
def test_T5_to_everybody_else_the_notice_is_not_there(room: Room, who: str, verb: str) -> None:
    id_ = room.case(notified(room)).id
    assert act(room, who, f"{verb}/{id_}") == act(room, who, f"{verb}/{id_ + 99}") == merchants.MISSING
    assert act(room, who, f"{verb}/x{id_}") == merchants.MISSING


def test_T5_a_case_the_shop_was_not_told_of_is_not_there_either(room: Room) -> None:
    notified(room)
    other = room.case(complaint(room)).id
    assert act(room, "owner", f"open/{other}") == merchants.MISSING


def test_who_left_the_shop_while_writing_answers_nothing(room: Room) -> None:
    short = notified(room)
    room.text("manager", "1")

    def leave(session) -> None:
        person = contacts.get_or_create(session, "terminal", "manager", NOW).person_id
        shops.leave(session, shops.of_person(session, person)[0].member)

    room.do(leave)
    assert room.text("manager", "秤是上月刚检定的，可以来看证书") == merchants.MISSING
    with room.database.reading() as session:
        actions = [e.action for e in cases.events(session, room.case(short).id)]
        assert "merchant.explained" not in actions


def test_after_the_end_there_is_nothing_to_explain(room: Room) -> None:
    short = notified(room)
    room.text(ZHANG, f"办结 {short} 2 3 双方没有谈成，各自同意终止调解")
    assert room.text("owner", "1") == merchants.OVER
    assert room.text("owner", "商家通知") == "没有要您的店说明的通知。"


def test_the_list_is_there_when_the_number_no_longer_answers(room: Room) -> None:
    notified(room)
    later = NOW + timedelta(days=20)
    assert "您没有进行中的选择" in room.text("owner", "1", later)
    assert "请贵店说明一件消费投诉" in room.text("owner", "商家通知", later)
    assert room.text("clerk", "商家通知", later) == "没有要您的店说明的通知。"
