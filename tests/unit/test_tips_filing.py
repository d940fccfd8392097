"""Filing a tip: what is recorded, what is sealed, what stands nowhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from handlers.conversation.messages import Attachment, AttachmentKind, Place
from handlers.tips import filing
from handlers.turn import Reception
from storage import binding, case_clocks, case_likeness, case_links, cases, contacts
from storage.case_likeness import CaseLikeness
from storage.cases import CaseKind
from storage.consults import Consult
from storage.contacts import Contact
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.outbox import OutboxRow
from storage.tasks import Task
from tests.officers import WANG, team
from tests.support import NOW
from tests.tips import STORY, Town, custodians, opened, photo, town

NAMES = {"wechat": "微信", "telegram": "Telegram", "web": "网页"}
WAYS_IN = ("举报", "投诉", "拍照举报", "/tip", STORY)
CANARY = "金丝雀街"


@pytest.fixture
def here(database: Database, reception: Reception) -> Town:
    return town(database, reception)


# -- what is recorded ---------------------------------------------------------------------------------------------


def test_a_report_without_a_name(here: Town) -> None:
    here.say("a", "", photos=1)
    number = here.number(here.tell("a", "昨天上午城西菜场A12老王水产，买2斤排骨28一斤回家称只有1斤8两"))
    case = here.row(number)
    assert (case.kind, case.state, case.category) == (CaseKind.REPORT, "received", "short-weight")
    assert (case.market, case.stall_no, case.shop) == ("城西菜场", "A12", "老王水产")
    assert (case.goods, case.matter) == ("排骨", "称重少2两（排骨）")
    assert case.happened.startswith("2026-11-23")
    assert case.verdict is not None
    assert case.verdict["verdict"] == "exceeds"
    assert case.evidence_level == 2
    assert not case.identified
    assert not case.statutory
    with here.database.reading() as session:
        assert [c.rule for c in case_clocks.of_case(session, case.id)] == ["report-check"]
        assert [f.kind for f in cases.files(session, case.id)] == ["image"]
        assert [t.request["case"] for t in session.scalars(select(Task))] == [case.id]


def test_every_part_of_evidence_is_kept(here: Town) -> None:
    here.say("a", STORY)
    sent = [
        Attachment(kind, f"{n:064x}", "", 9, "x")
        for n, kind in enumerate((AttachmentKind.IMAGE, AttachmentKind.VIDEO, AttachmentKind.VOICE))
    ]
    for one in sent:
        assert here.say("a", "", attachments=(one,))[0].text.startswith("已收")
    here.say("a", "", place=Place(27.99, 120.65, "城西菜场北门"))
    noted = here.say("a", "摊主六点收摊")[0].text
    assert noted == "已收 1 张照片、1 段视频、1 段语音、1 个位置、1 段话，发完回“完成”。"
    here.say("a", "完成")
    case = here.row(here.number(here.say("a", "1")))
    assert (case.latitude, case.longitude) == (27.99, 120.65)
    assert "城西菜场北门" in case.place
    assert "摊主六点收摊" in case.told
    with here.database.reading() as session:
        assert [f.kind for f in cases.files(session, case.id)] == ["image", "video", "voice"]


def test_a_place_on_the_map_says_where(here: Town) -> None:
    here.say("a", "举报")
    (asked,) = here.say("a", "买2斤虾只有1斤7两")
    assert asked.text.startswith("在哪家店、哪个摊位？")
    (more,) = here.say("a", "", place=Place(27.99, 120.65, "城西菜场北门"))
    assert "城西菜场北门" in more.text


def test_the_place_may_be_seen_on_a_photo(here: Town) -> None:
    here.say("a", "举报")
    here.say("a", "买2斤虾只有1斤7两")
    assert "收到：（见照片）" in here.say("a", "", photos=1)[0].text
    here.say("a", "完成")
    case = here.row(here.number(here.say("a", "1")))
    with here.database.reading() as session:
        assert len(cases.files(session, case.id)) == 1


def test_a_complaint_seals_who_it_is(here: Town) -> None:
    holders = here.do(custodians)
    here.say("a", STORY)
    assert [c.label for c in here.say("a", "完成")[0].choices] == [
        "举报，不留名",
        "举报，留联系方式",
        "投诉，要退钱赔偿",
    ]
    assert here.say("a", "3")[0].text.startswith("请写真实姓名")
    assert here.say("a", "金丝雀")[0].text.startswith("电话多少")
    assert "11 位手机号" in here.say("a", "123")[0].text
    assert here.say("a", "139 1234 5678")[0].text.startswith("您想要商家怎么做")
    replies = here.say("a", "2")
    case = here.row(here.number(replies))
    assert "违法线索本局另外核查" in replies[0].text
    assert (case.kind, case.identified, case.demand) == (CaseKind.COMPLAINT, True, "退货退款")
    left = here.everything()
    assert "金丝雀" not in left
    assert "13912345678" not in left
    with here.database.unit() as session:
        assert opened(session, holders, case.id) == [{"name": "金丝雀", "phone": "13912345678"}]
        assert [c.rule for c in case_clocks.of_case(session, case.id)] == ["complaint-accept"]


def test_what_names_the_teller_is_taken_out_and_sealed_only_with_a_contact(here: Town) -> None:
    holders = here.do(custodians)
    told = f"{STORY}，我的电话13812345678，微信号canary_wx1"
    anonymous = here.tell("a", told)
    assert "您写的电话、姓名等，我找到的已隐去；请再看看有没有别的能认出您的话" in anonymous[0].text
    here.say("b", told)
    here.say("b", "完成")
    here.say("b", "2")
    here.say("b", "跳过")
    named = here.say("b", "13912345678")
    assert "我找到的已隐去，另外封存；请再看看" in named[0].text
    assert "13812345678" not in here.everything()
    assert "canary_wx1" not in here.everything()
    with here.database.unit() as session:
        (identity,) = opened(session, holders, here.row(here.number(named)).id)
        assert "13812345678" in identity["told"]
        assert not here.row(here.number(anonymous)).identified
        assert "〔已隐去〕" in here.row(here.number(anonymous)).told


def test_no_name_is_asked_for_once_it_cannot_be_sealed(here: Town) -> None:
    holders = here.do(custodians)
    here.say("a", STORY)
    here.say("a", "完成")
    here.say("a", "3")
    here.say("a", "金丝雀")
    here.say("a", "13912345678")

    def leave(session) -> None:
        session.get(type(holders[0].custodian), holders[0].custodian.id).retired_at = NOW

    here.do(leave)
    (reply,) = here.say("a", "1")
    assert "现在收不了姓名电话" in reply.text
    assert "金丝雀" not in here.everything()
    assert here.say("a", "1")[0].text.startswith("请核对：")
    assert here.say("a", "1")[0].text.startswith("已收到 ✔")


def test_T2_nothing_of_the_account_stands_in_the_case(here: Town) -> None:
    here.say("openid-canary", "", photos=1, channel="wechat")
    here.tell("openid-canary", f"{CANARY}老王水产少称2两", channel="wechat")
    here.say("openid-canary", "1", channel="wechat")
    with here.database.reading() as session:
        (contact,) = session.scalars(select(Contact)).all()
        assert "openid-canary" not in here.everything("contacts")
        (link,) = session.scalars(select(case_links.CaseLink)).all()
        assert case_links.addresses(session, link.case_id, here.bench.vault) == [contact.id]


def test_T2_what_was_said_lies_sealed_but_for_the_case(here: Town) -> None:
    here.say("a", "举报")
    here.say("a", f"{CANARY}老王水产")
    assert CANARY not in here.everything()  # half filled in
    here.say("a", "取消")
    assert CANARY not in here.everything()  # a draft
    here.say("a", "继续")
    here.say("a", "少称2两")
    here.say("a", "完成")
    number = here.number(here.say("a", "1"))
    assert CANARY in here.row(number).told
    assert CANARY not in here.everything("cases", "case_keys")
    for table in (Dialogue, InboxMessage, OutboxRow, Consult):
        assert CANARY not in "\n".join(_rows(here, table))


def _rows(here: Town, table: type) -> list[str]:
    with here.database.reading() as session:
        return [str({k: v for k, v in vars(row).items() if k[0] != "_"}) for row in session.scalars(select(table))]


# -- receipt, hash, terms -----------------------------------------------------------------------------------------


def test_the_receipt_is_shown_once(here: Town) -> None:
    replies = here.tell("a")
    code = here.receipt(replies)
    assert [reply.once for reply in replies] == [False, True, False]
    assert code not in replies[0].text + replies[2].text
    again = here.say("a", "再说一遍")
    assert code not in "".join(reply.text for reply in again)
    assert code.replace("-", "")[:16] not in here.everything()


def test_the_hash_is_of_what_was_filed(here: Town) -> None:
    replies = here.tell("a")
    case = here.row(here.number(replies))
    assert f"存证码 {case.filing_hash[:8]}）" in replies[0].text
    assert filing.filing_hash(case, []) == case.filing_hash
    case.told += "。"
    assert filing.filing_hash(case, []) != case.filing_hash


def test_staff_are_told_at_once(here: Town) -> None:
    here.do(team)
    number = here.number(here.tell("a"))
    (told,) = here.told(WANG)
    assert told.text == f"{number}：新举报，待分派"


def test_the_same_stall_is_suggested_and_never_merged(here: Town) -> None:
    first = here.row(here.number(here.tell("a", "城西菜场A12老王水产少称2两")))
    second = here.row(here.number(here.tell("b", "城西农贸市场A-12老王水产少称3两")))
    here.tell("c", "城东菜场B3少称1两")
    with here.database.reading() as session:
        (found,) = session.scalars(select(CaseLikeness)).all()
        assert (found.case_id, found.other_id, found.decision) == (second.id, first.id, "open")
        assert found.score >= 0.9
        assert case_likeness.suggestions(session, second.id)[0][1].id == first.id
    assert (second.main_id, second.stall_id, first.stall_id) == (None, None, None)
    assert second.urgent  # two within 90 days go first (F6)
    assert not first.urgent


# -- limits and drafts --------------------------------------------------------------------------------------------


def test_T24_three_a_day_over_all_accounts_of_a_person_and_nothing_is_lost(here: Town) -> None:
    here.say("x", "菜单", channel="web")
    here.tell("x", "城西菜场A1少称2两", channel="wechat")
    here.tell("x", "城西菜场A2少称2两", channel="wechat")

    def join(session) -> None:
        wechat, web = (contacts.find(session, channel, "x") for channel in ("wechat", "web"))
        binding.come_over(session, web, wechat.person_id)

    here.do(join)
    here.tell("x", "城西菜场A3少称2两", channel="web")
    (reply,) = here.tell("x", "城西菜场A4少称2两", channel="web")
    assert reply.text.startswith("您今天已有 3 件在办")
    tomorrow = NOW + timedelta(days=1)
    (asked,) = here.say("x", "继续", channel="web", at=tomorrow)
    assert "城西菜场A4" in asked.text
    assert here.say("x", "1", channel="web", at=tomorrow)[0].text.startswith("已收到 ✔")


def test_beginning_anew_asks_from_the_first_question(here: Town) -> None:
    here.say("a", STORY)
    assert here.say("a", "重来")[0].text.startswith("哪家店（摊位），什么事？")
    assert here.tell("a")[0].text.startswith("已收到 ✔")


def test_a_photo_at_the_last_question_is_not_swallowed_in_silence(here: Town) -> None:
    here.say("a", STORY)
    here.say("a", "完成")
    assert "交完以后回“补充”再发一次" in here.say("a", "", photos=1)[0].text
    assert "材料都收好了" in here.say("a", "完成")[0].text
    assert here.say("a", "1")[0].text.startswith("已收到 ✔")


@pytest.mark.parametrize("said", ["1", "。", "🙂"])
def test_what_says_nothing_is_asked_again(here: Town, said: str) -> None:
    here.say("a", "举报")
    assert "请用一句话说在哪儿、什么事" in here.say("a", said)[0].text


def test_a_photo_sent_twice_is_one(here: Town) -> None:
    here.say("a", STORY)
    same = replace(photo("one"))
    here.say("a", "", attachments=(same,))
    here.say("a", "", attachments=(same,))
    here.say("a", "完成")
    case = here.row(here.number(here.say("a", "1")))
    with here.database.reading() as session:
        assert len(cases.files(session, case.id)) == 1
