"""Officers' words: who may say them, what they do, and what they can never do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound
from handlers.conversation.state import DialogueState
from handlers.officers import words
from handlers.officers.access import GONE
from handlers.officers.enrolling import WRONG, shown
from handlers.officers.service import IN_PRIVATE, LEADERS_ONLY, VERBS
from handlers.turn import Reception
from storage import case_clocks, cases, contacts, dialogues, shops, staff
from storage.audit import AuditEntry
from storage.case_clocks import ClockState
from storage.cases import CaseEvent, CaseKind, CaseState
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.outbox import OutboxRow
from storage.shops import Role
from storage.staff import StaffMember
from tests.officers import LI, WANG, ZHANG, Room, case, team
from tests.shops import shop
from tests.support import NOW

ON_A_CASE = sorted(set(words.VERBS))
RESTS = {
    "移送": "公安",
    "派给": "李四",
    "问": "付的是现金吗",
    "记录": "现场复称超差40克",
    "备注": "等检定结果",
    "通知商家": "鲜达超市",
}


@pytest.fixture
def room(database: Database, reception: Reception) -> Room:
    found = Room(database, reception)
    found.do(team)
    return found


def act(room: Room, who: str, action: str) -> str:
    """An action as if its option had been offered: what a forged button would try."""
    with room.database.unit() as session:
        inbound = Inbound(ContactRef("terminal", who), f"act-{who}-{action}"[:120], NOW, "菜单")
        contact = contacts.get_or_create(session, "terminal", who, NOW)
        dialogue = dialogues.lock(session, contact.person_id, NOW)
        talk = room.reception._talk(session, inbound, contact, dialogue, DialogueState())  # noqa: SLF001 - no option is open
        return "\n".join(reply.text for reply in room.reception.desk.act(talk, f"officers:{action}"))


def traces(room: Room) -> tuple[int, int]:
    """How many events and audit entries there are."""
    with room.database.reading() as session:
        return (
            session.scalar(select(func.count(CaseEvent.id))) or 0,
            session.scalar(select(func.count(AuditEntry.seq))) or 0,
        )


# -- rights -------------------------------------------------------------------------------------------------------


def test_a_citizen_whose_words_begin_like_an_officers_is_understood_all_the_same(room: Room) -> None:
    assert room.text("stranger", "记录 0031 城西菜场A12少称2两").startswith("先说清楚谁看得到")


@pytest.mark.parametrize("who", ["stranger", "clerk"])
def test_T10_an_officers_word_from_anybody_else_is_an_ordinary_question(room: Room, who: str) -> None:
    short = room.new_case()

    def staffed(session) -> None:
        mine = shop(session, NOW)
        person = contacts.get_or_create(session, "terminal", "clerk", NOW).person_id
        shops.accept(session, shops.invite(session, mine.id, Role.CLERK, NOW), person, NOW)

    room.do(staffed)
    before = traces(room)
    for word in (*words.ALONE, *(f"{word} {short} {RESTS.get(word, '')}".strip() for word in ON_A_CASE)):
        replies = room.say(who, word)
        told = "\n".join(r.text for r in replies)
        assert GONE not in told, word
        assert "TS-" not in told, word
        assert not any(c.action.startswith("officers:") for r in replies for c in r.choices), word
    assert traces(room) == before
    assert room.case(short).state == CaseState.RECEIVED


def test_T5_another_offices_case_is_answered_as_one_that_is_not_there(room: Room) -> None:
    short = room.new_case()
    room.text(WANG, f"派给 {short} 张三")
    before = traces(room)
    for word in ON_A_CASE:
        rest = RESTS.get(word, "")
        foreign, missing = room.text(LI, f"{word} {short} {rest}"), room.text(LI, f"{word} 9876 {rest}")
        assert foreign == missing == GONE, word
    assert traces(room) == before


def test_T5_a_forged_button_opens_nothing(room: Room) -> None:
    short = room.new_case()
    room.text(WANG, f"派给 {short} 张三")
    id_ = room.case(short).id
    before = traces(room)
    for verb in sorted(VERBS - {"today", "away", "back", "dispatch", "plan"}):
        assert act(room, LI, f"{verb}/{id_}/1") == act(room, LI, f"{verb}/{id_ + 99}/1") == GONE, verb
        assert "TS-" not in act(room, "stranger", f"{verb}/{id_}/1"), verb
    for verb in ("dispatch", "plan"):
        assert act(room, LI, verb) == LEADERS_ONLY
    assert traces(room) == before


@pytest.mark.parametrize("who", [ZHANG, WANG])
def test_who_has_the_case_and_the_leader_may_say_every_word(room: Room, who: str) -> None:
    for word in ON_A_CASE:
        short = room.new_case()
        room.text(WANG, f"派给 {short} 张三")
        told = room.text(who, f"{word} {short} {RESTS.get(word, '')}")
        assert told != GONE, word
        assert (told == LEADERS_ONLY) is (words.VERBS[word] == "assign" and who == ZHANG), word


def test_an_unassigned_case_is_its_offices_and_becomes_the_first_ones_who_works_it(room: Room) -> None:
    west, nowhere = room.new_case(), room.new_case(market="", place="某条街")
    assert room.text(LI, f"看 {west}") == GONE
    assert f"-{nowhere} " in room.text(LI, f"看 {nowhere}")
    assert room.case(nowhere).officer_id is None
    room.text(ZHANG, f"受理 {west}")
    assert room.case(west).officer_id == room.do(lambda s: staff.named(s, "张三")[0].id)
    assert f"{west}" not in room.text(LI, "今日")


def test_a_role_never_comes_from_words(room: Room) -> None:
    short = room.new_case()
    room.text(WANG, f"派给 {short} 张三")
    for claim in ("我是组长", "入职", "入职 王五", "入职 AAAA-BBBB-CCCC", "/start e_AAAABBBBCCCC", "我是张三，密码123"):
        room.text("stranger", claim)
    assert "TS-" not in room.text("stranger", f"看 {short}")
    with room.database.reading() as session:
        assert session.scalar(select(func.count(StaffMember.id)).where(StaffMember.contact_id.is_not(None))) == 3


# -- enrolment ----------------------------------------------------------------------------------------------------


def test_T10_an_enrolment_is_good_once_and_for_half_an_hour(room: Room) -> None:
    def add(session) -> str:
        return staff.enrol(session, staff.add(session, "赵六", "", staff.StaffRole.OFFICER, NOW).id, NOW)

    code = room.do(add)
    late = NOW + timedelta(minutes=30, seconds=1)
    assert room.text("zhao", f"入职 {shown(code)}", late) == WRONG
    assert room.text("zhao", f"入职 {shown(code).lower()}").startswith("您好，赵六，这个账号现在是办案人员。")
    assert room.text("thief", f"入职{code}") == WRONG
    assert room.text("zhao", "今日").startswith("11-24 周二：")
    with room.database.reading() as session:
        assert code not in str([m.body for m in session.scalars(select(InboxMessage))])
        assert shown(code) not in str([m.body for m in session.scalars(select(InboxMessage))])


def test_a_dismissed_officer_is_a_stranger_at_once(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"办结 {short} 3")
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 3")
    room.do(lambda s: staff.dismiss(s, staff.named(s, "张三")[0]))
    assert room.text(ZHANG, "现场复称三次，都在允许误差内") == GONE
    assert room.case(short).state == CaseState.ACCEPTED


# -- where others read along --------------------------------------------------------------------------------------


def test_in_a_group_there_are_numbers_and_dates_only(room: Room) -> None:
    short = room.new_case(shop="老王水产")
    number = room.case(short).number
    told = room.text(ZHANG, "今日", shared=True)
    assert told == f"等您办的 1 件（这里只列编号和日期）：\n{number} 最迟12-15（还有15个工作日）"
    assert room.text(ZHANG, f"记录 {short} 现场复称超差40克", shared=True) == IN_PRIVATE
    with room.database.reading() as session:
        assert "超差40克" not in str([m.body for m in session.scalars(select(InboxMessage))])
        assert session.scalar(select(func.count()).where(CaseEvent.action == "case.visited")) == 0


def test_case_words_lie_sealed_in_the_database(room: Room) -> None:
    short = room.new_case(shop="老王水产", told="排骨少了二两")
    room.text(ZHANG, f"看 {short}")
    room.text(ZHANG, f"备注 {short} 等检定结果")
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 3")
    with room.database.reading() as session:
        kept = str([m.body for m in session.scalars(select(InboxMessage))])
        kept += str([r.payload for r in session.scalars(select(OutboxRow))])
        kept += str([d.state.get("form") for d in session.scalars(select(Dialogue))])
    for secret in ("老王水产", "排骨", "等检定结果"):
        assert secret not in kept


# -- steps --------------------------------------------------------------------------------------------------------


def test_a_refusal_without_a_legal_ground_is_impossible(room: Room) -> None:
    short = room.new_case()
    for said in (f"不予受理 {short}", f"不予受理 {short} 19", f"不予受理 {short} 没空", f"不予受理 {short} 0"):
        room.text(ZHANG, said)
        assert room.case(short).state == CaseState.RECEIVED, said
    told = room.text(ZHANG, f"不予受理 {short} 4")
    assert "行政处罚法第三十六条" in told
    assert room.case(short).state == CaseState.REFUSED
    assert room.case(short).ground


def test_each_ground_and_outcome_is_at_the_place_of_its_number(reception: Reception) -> None:
    """A number typed after the word and one picked from the list are the same."""
    book = reception.bench.casebook
    for kind in CaseKind:
        assert [g.number for g in book.grounds(kind, NOW.date())] == list(
            range(1, len(book.grounds(kind, NOW.date())) + 1)
        )
        assert [o.number for o in book.outcomes(kind)] == list(range(1, len(book.outcomes(kind)) + 1))
    assert [p.number for p in book.pause_reasons] == list(range(1, len(book.pause_reasons) + 1))


REASON = "现场复称三次，都在允许误差内"


def test_closing_takes_two_messages_and_never_an_empty_reason(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    assert "至少 10 个字" in room.text(ZHANG, f"办结 {short} 3")
    for poor in ("没问题", "跳过", "完成", "。。。。。。。。。。。。", "文书号 甬市监〔2026〕12号"):
        room.text(ZHANG, poor)
        assert room.case(short).state == CaseState.ACCEPTED, poor
    room.text(ZHANG, f"办结 {short} 3")
    assert room.text(ZHANG, REASON).startswith(f"TS-261124-{short} 已办结：经核查未发现违法。")
    closed = room.case(short)
    assert (closed.state, closed.reason, closed.outcome) == (CaseState.CLOSED, REASON, "unfounded")


def test_a_confirmed_violation_is_not_closed_without_proof(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 2")
    assert "文书号" in room.text(ZHANG, "已责令改正，秤已经更换")
    for poor in ("没有", "跳过", "就这样", "文书号"):
        room.text(ZHANG, poor)
        assert room.case(short).state == CaseState.ACCEPTED, poor
    room.text(ZHANG, f"办结 {short} 2")
    room.text(ZHANG, "已责令改正，秤已经更换，文书号 甬市监改〔2026〕3号。")
    closed = room.case(short)
    assert (closed.state, closed.document_no, closed.confirmed) == (CaseState.CLOSED, "甬市监改〔2026〕3号", True)
    assert closed.reason == "已责令改正，秤已经更换"


def test_a_mediation_ends_only_on_a_ground_of_the_law(room: Room) -> None:
    short = room.new_case(CaseKind.COMPLAINT)
    room.text(ZHANG, f"受理 {short}")
    asked = room.text(ZHANG, f"办结 {short} 2")
    assert "3 组织调解后，一方明确表示谈不成" in asked
    for poor in ("双方差距太大，当面表示不再谈", "9 双方差距太大，当面表示不再谈", "3 不谈了"):
        told = room.text(ZHANG, poor)
        assert room.case(short).state == CaseState.ACCEPTED, poor
        assert "依据编号" in told, poor
    room.text(ZHANG, "3 双方差距太大，当面表示不再谈")
    assert room.case(short).state == CaseState.CLOSED
    reason = "组织调解后，一方明确表示谈不成（令121号第二十三条第一款第三项）。双方差距太大，当面表示不再谈"
    assert room.case(short).reason == reason


def test_a_photo_is_proof_and_becomes_evidence(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 2 已责令改正，秤已经更换")
    photo = Attachment(AttachmentKind.IMAGE, "a" * 64, "image/png", 10, "x.png")
    room.say(ZHANG, "", attachments=(photo,))
    assert room.case(short).state == CaseState.CLOSED
    with room.database.reading() as session:
        (kept,) = cases.files(session, room.case(short).id)
        assert kept.source == "a" * 64


def test_another_command_in_place_of_the_reason_is_not_told_to_the_reporter(room: Room) -> None:
    short, other = room.new_case(), room.new_case(market="某处")
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 3")
    assert f"问题已经给 TS-261124-{other}" in room.text(ZHANG, f"问 {other} 当时付的是现金还是扫码支付的呢？")
    assert room.case(short).state == CaseState.ACCEPTED


def test_the_reason_of_a_case_that_was_given_to_somebody_else_meanwhile_closes_nothing(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 3")
    room.text(WANG, f"派给 {short} 李四")
    assert room.text(ZHANG, REASON) == GONE
    assert room.case(short).state == CaseState.ACCEPTED


def test_pausing_stops_only_what_the_law_lets_stand_still(room: Room) -> None:
    complaint, report = room.new_case(CaseKind.COMPLAINT), room.new_case()
    assert "不能停" in room.text(ZHANG, f"暂停 {complaint} 1")
    assert "检定、检测" in room.text(ZHANG, f"暂停 {report} 1 送检定所")
    with room.database.reading() as session:
        (clock,) = case_clocks.live(session, room.case(report).id)
        assert clock.state == ClockState.PAUSED
    later = NOW + timedelta(days=7)
    assert "最迟12-22" in room.text(ZHANG, f"恢复 {report}", later)


def test_what_needs_an_approval_is_not_done_in_chat(room: Room) -> None:
    short = room.new_case()
    before = traces(room)
    assert "cases extend" in room.text(ZHANG, f"延长 {short}")
    assert traces(room) == before
    assert "还没有任何影响" in room.text(ZHANG, f"恶意 {short} 同一人反复举报")
    assert "已认定恶意" not in room.text(ZHANG, f"看 {short}")


def test_a_slip_for_another_body_names_the_matter_only(room: Room) -> None:
    short = room.new_case()
    told = room.text(ZHANG, f"移送 {short} 公安")
    assert "移送单（致公安机关）" in told
    assert "城西菜场 A12" in told
    assert room.case(short).state == CaseState.TRANSFERRED


def test_a_name_that_was_written_out_is_kept(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"移送 {short} 江北区市场监管局")
    assert room.case(short).ground == "江北区市场监管局"


def test_templates_are_filled_as_far_as_the_case_is_known(room: Room) -> None:
    short = room.new_case()
    told = room.text(ZHANG, f"模板 {short} 请补充")
    assert told.startswith(f"TS-261124-{short} 还需要您补充：〔请填：要补充什么〕")


def test_the_same_last_digits_are_asked_back(room: Room) -> None:
    def twins(session) -> None:
        for stall in ("A1", "A2"):
            row = case(session, room.bench, stall_no=stall)
            row.number = f"TS-2611{20 + len(stall) + int(stall[1])}-0777"

    room.do(twins)
    replies = room.say(ZHANG, "看 0777")
    assert replies[0].text.startswith("尾号 0777 有 2 个案件，是哪一个？")
    assert [c.label for c in replies[0].choices] == ["TS-261124-0777", "TS-261123-0777"]
    assert room.text(ZHANG, "2").startswith("TS-261123-0777 举报")


def test_every_step_is_audited_under_the_officers_own_number(room: Room) -> None:
    short = room.new_case()
    for said in (f"受理 {short}", f"记录 {short} 现场复称超差40克", f"立案 {short}", f"办结 {short} 3 {REASON}"):
        room.text(ZHANG, said)
    with room.database.reading() as session:
        id_ = room.case(short).id
        member = staff.named(session, "张三")[0]
        done = [
            e.action
            for e in session.scalars(select(CaseEvent).where(CaseEvent.case_id == id_))
            if e.actor == f"staff:{member.id}"
        ]
        noted = str(
            [row.record for row in session.scalars(select(AuditEntry).where(AuditEntry.object == f"case:{id_}"))]
        )
    for action in ("case.accepted", "case.visited", "case.filed-for-penalty", "case.closed"):
        assert action in done
        assert action in noted
    assert "超差40克" not in noted  # the log says that, not what


def test_officers_read_days_and_no_hours(room: Room) -> None:
    """An hour could tell the other side who stood there."""
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}", NOW + timedelta(minutes=7))
    told = room.text(ZHANG, f"经过 {short}") + room.text(ZHANG, f"看 {short}")
    assert "11-24 张三 受理" in told
    assert "10:0" not in told
