"""Who gets which case, and that the day's list shows what presses."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from statistics import pvariance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from handlers.officers.access import GONE
from handlers.officers.planning import Hand, Waiting, propose, urgency, weight
from handlers.turn import Reception
from storage import cases, staff
from storage.case_clocks import CaseClock
from storage.cases import Case, CaseEvent
from storage.database import Database
from tests.officers import LI, WANG, ZHANG, Room, team
from tests.support import NOW

hands = st.lists(
    st.builds(Hand, st.integers(1, 6), st.just("某"), st.integers(0, 30), st.booleans()), unique_by=lambda h: h.id
)
some = st.frozensets(st.integers(1, 6), max_size=4)
waiting = st.lists(
    st.builds(Waiting, st.integers(1, 40), st.none() | st.integers(-5, 20), st.booleans(), some, some),
    unique_by=lambda w: w.case_id,
)


@settings(max_examples=200)
@given(waiting, hands)
def test_nobody_on_leave_and_nobody_who_stood_back_gets_a_case(found: list[Waiting], team_: list[Hand]) -> None:
    plan = propose(found, team_)
    away = {hand.id for hand in team_ if hand.away}
    by_id = {one.case_id: one for one in found}
    assert sorted(p.case_id for p in plan) == sorted(by_id)
    for one in plan:
        able = {h.id for h in team_} - away - by_id[one.case_id].stood_back
        assert (one.officer_id in able) if able else (one.officer_id is None)
        if able & by_id[one.case_id].local:
            assert one.officer_id in by_id[one.case_id].local
        assert one.why


@settings(max_examples=100)
@given(waiting, hands, st.randoms())
def test_the_plan_hangs_on_nothing_but_what_is_there(found: list[Waiting], team_: list[Hand], order) -> None:
    mixed = list(found)
    order.shuffle(mixed)
    assert propose(mixed, team_) == propose(found, team_)


def test_loads_stay_more_even_than_in_turn() -> None:
    """A simulated month: cases of unlike weight, given out ten a day."""
    team_ = [Hand(n, f"员{n}", 0, away=False) for n in range(1, 6)]
    lefts = [(7 * n + n * n) % 17 - 2 for n in range(220)]
    ours: Counter[int] = Counter({h.id: 0 for h in team_})
    turns: Counter[int] = Counter({h.id: 0 for h in team_})
    for day in range(22):
        ten = [
            Waiting(n, lefts[n], urgent=False, local=frozenset(), stood_back=frozenset())
            for n in range(day * 10, day * 10 + 10)
        ]
        for one in propose(ten, [Hand(h.id, h.name, ours[h.id], away=False) for h in team_]):
            assert one.officer_id is not None
            ours[one.officer_id] += weight(lefts[one.case_id])
        for n in range(day * 10, day * 10 + 10):
            turns[n % 5 + 1] += weight(lefts[n])
    assert pvariance(ours.values()) < pvariance(turns.values())


@pytest.mark.parametrize(("left", "expected"), [(None, 0), (11, 0), (6, 0), (5, 1), (3, 1), (2, 2), (0, 2), (-1, 3)])
def test_urgency(left: int | None, expected: int) -> None:
    assert urgency(left) == expected


# -- in chat ------------------------------------------------------------------------------------------------------


@pytest.fixture
def room(database: Database, reception: Reception) -> Room:
    found = Room(database, reception)
    found.do(team)
    return found


def test_T1_ten_tips_are_given_out_with_two_messages(room: Room) -> None:
    shorts = [room.new_case(market=f"城{'西东'[n % 2]}菜场") for n in range(10)]
    assert room.text(WANG, "今日").startswith("11-24 周二：待派 10 件。")
    told = room.text(WANG, "1")
    assert told.startswith("已派 10 件，已通知本人：")
    assert all(f"{short} → " in told for short in shorts)
    with room.database.reading() as session:
        assert cases.unassigned(session) == []
        assert sorted(cases.load_of(session).values()) == [5, 5]
    for who in (ZHANG, LI):
        (told_once,) = room.told(who)  # one message, however many cases
        assert told_once.text.startswith("派给您 5 件：")


def test_a_second_one_gives_nothing_out_again(room: Room) -> None:
    room.new_case()
    room.text(WANG, "今日")
    room.text(WANG, "1")
    assert "您没有进行中的选择" in room.text(WANG, "1")


def test_whoever_is_away_or_stood_back_is_passed_over_also_by_name(room: Room) -> None:
    short = room.new_case()
    assert "退回组长" in room.text(ZHANG, f"回避 {short} 亲属经营")
    room.text(LI, "请假")
    room.text(WANG, "今日")
    assert "没有可派的人" in room.text(WANG, "1")
    assert "已经回避" in room.text(WANG, f"派给 {short} 张三")
    assert "在休假" in room.text(WANG, f"派给 {short} 李四")
    assert room.text(ZHANG, f"接手 {short}") == GONE
    room.text(LI, "销假")
    room.text(WANG, "今日")
    assert f"{short} → 李四（城东所）：负荷最低（0），张三已回避" in room.text(WANG, "1")


def test_standing_back_gives_up_a_case_and_the_leader_hears_of_it(room: Room) -> None:
    short = room.new_case()
    room.text(WANG, f"派给 {short} 张三")
    room.text(ZHANG, f"回避 {short}")
    assert room.case(short).officer_id is None
    assert [reply.text for reply in room.told(WANG)] == [f"TS-261124-{short}：张三申请回避，请另派"]
    with room.database.reading() as session:
        actions = session.scalars(select(CaseEvent.action).where(CaseEvent.action == "case.recused")).all()
        assert actions == ["case.recused"]


def test_only_an_office_case_can_be_taken(room: Room) -> None:
    west, east = room.new_case(), room.new_case(market="城东菜场")
    assert "由您承办" in room.text(ZHANG, f"接手 {west}")
    assert "不归您办" in room.text(ZHANG, f"接手 {east}")


def test_the_list_shows_what_is_late_what_is_grave_and_who_spoke(room: Room) -> None:
    calm, late, spoken = room.new_case(), room.new_case(), room.new_case()
    for short in (calm, late, spoken):
        room.text(WANG, f"派给 {short} 张三")

    def change(session) -> None:
        row = session.get_one(Case, room.case(late).id)
        for clock in session.scalars(select(CaseClock).where(CaseClock.case_id == row.id)):
            clock.due_on = (NOW - timedelta(days=4)).date()
        told = session.get_one(Case, room.case(spoken).id)
        cases.happen(session, told, cases.Deed("reporter", "case.answered", "付的是现金"), NOW)

    room.do(change)
    room.text(ZHANG, f"重大 {calm} 涉嫌作弊装置")
    lines = room.text(ZHANG, "今日").split("\n")
    assert lines[0] == "11-24 周二：您在办 3 件，超期 1 件，有新留言 1 件。"
    assert [line[:4] for line in lines[2:5]] == [calm, late, spoken]
    assert lines[2].endswith("【重大】")
    assert lines[3].endswith("【超期2个工作日】")
    assert lines[4].endswith("【有新留言】")
    assert f"{late}（张三，超期2个工作日）" in room.text(WANG, "今日")


def test_todo_is_the_same_list(room: Room) -> None:
    room.new_case()
    assert room.text(ZHANG, "待办") == room.text(ZHANG, "今日")
    with room.database.unit() as session:
        staff.dismiss(session, staff.named(session, "张三")[0])
    assert "待接手" not in room.text(ZHANG, "待办")
