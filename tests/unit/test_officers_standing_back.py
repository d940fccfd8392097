"""Who may not work a case: whoever stood back from it, leaders too, and whoever filed it."""

from __future__ import annotations

import pytest

from handlers.officers.access import GONE, STAND_BACK
from handlers.turn import Reception
from storage import contacts
from storage.cases import Case
from storage.database import Database
from tests.officers import LI, WANG, ZHANG, Room, reporter, team

WORDS = ("看", "受理", "经过", "照片", "备注", "接手", "为什么", "已送达")


@pytest.fixture
def room(database: Database, reception: Reception) -> Room:
    found = Room(database, reception)
    found.do(team)
    return found


def filed_by(room: Room, who: str, short: str) -> None:
    id_ = room.case(short).id
    room.do(lambda s: reporter(s, room.bench, s.get_one(Case, id_), who))


@pytest.mark.parametrize("who", [ZHANG, WANG])
def test_whoever_stood_back_sees_the_case_no_more(room: Room, who: str) -> None:
    short = room.new_case()
    assert "您的回避已记录" in room.text(who, f"回避 {short} 亲属经营")
    for word in WORDS:
        assert room.text(who, f"{word} {short} 好") == GONE, word
    assert short not in room.text(who, "今日")
    other = WANG if who == ZHANG else ZHANG
    assert room.text(other, f"看 {short}").startswith(f"TS-261124-{short} ")


def test_standing_back_holds_for_what_is_worked_together(room: Room) -> None:
    main, joined = room.new_case(), room.new_case()
    room.text(WANG, f"派给 {main} 张三")
    room.text(WANG, f"合并 {joined} {main}")
    room.text(ZHANG, f"回避 {joined}")
    assert room.text(ZHANG, f"看 {main}") == GONE
    assert [room.case(short).officer_id for short in (main, joined)] == [None, None]


def test_a_case_is_not_merged_into_one_of_whoever_stood_back(room: Room) -> None:
    main, joined = room.new_case(), room.new_case()
    room.text(ZHANG, f"回避 {joined}")
    room.text(WANG, f"派给 {main} 张三")
    assert "承办人已经回避" in room.text(WANG, f"合并 {joined} {main}")
    assert room.case(joined).main_id is None


@pytest.mark.parametrize("who", [ZHANG, WANG])
def test_ones_own_tip_is_for_others_and_only_oneself_hears_so(room: Room, who: str) -> None:
    short = room.new_case()
    filed_by(room, who, short)
    for word in WORDS:
        assert room.text(who, f"{word} {short} 好") == STAND_BACK, word
    assert short not in room.text(who, "今日")
    other = WANG if who == ZHANG else ZHANG
    assert STAND_BACK not in room.text(other, f"看 {short}")
    assert f"{short} 举报" in room.text(other, "今日")
    assert room.text(LI, f"看 {short}") == GONE


def test_a_tip_from_another_account_of_the_same_person_is_their_own(room: Room) -> None:
    short = room.new_case()
    filed_by(room, "zhang-at-home", short)
    assert room.text(ZHANG, f"看 {short}").startswith("TS-")

    def same_person(session) -> None:
        mine = contacts.find(session, "terminal", ZHANG)
        contacts.find(session, "terminal", "zhang-at-home").person_id = mine.person_id

    room.do(same_person)
    assert room.text(ZHANG, f"看 {short}") == STAND_BACK


def test_who_is_given_their_own_tip_gives_it_back_and_the_leader_learns_no_reason(room: Room) -> None:
    short = room.new_case()
    filed_by(room, ZHANG, short)
    given = room.text(WANG, f"派给 {short} 张三")
    assert given.startswith(f"TS-261124-{short} 已派给张三")
    assert f"{short} {STAND_BACK}" in room.told(ZHANG)[-1].text
    assert short not in room.text(ZHANG, "今日")
    assert "退回组长" in room.text(ZHANG, f"回避 {short}")
    assert room.case(short).officer_id is None
    assert room.told(WANG)[-1].text == f"TS-261124-{short}：张三申请回避，请另派"
    assert room.text(ZHANG, f"看 {short}") == GONE
