"""The same stall: merging, linking, telling apart, and taking a merger back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from handlers.cases import steps
from handlers.turn import Reception
from storage import case_likeness, cases, staff
from storage.case_clocks import LIVE, CaseClock
from storage.case_likeness import CaseLikeness, Decision
from storage.cases import OPEN, Case, CaseKind, CaseState
from storage.database import Database
from tests.officers import LI, WANG, ZHANG, Room, reporter, team
from tests.support import NOW

REASON = "现场复称三次，都在允许误差内"


@pytest.fixture
def room(database: Database, reception: Reception) -> Room:
    found = Room(database, reception)
    found.do(team)
    return found


def four(room: Room, kind: CaseKind = CaseKind.REPORT) -> list[str]:
    """Four tips about one stall, each from somebody who wants news, the later ones suggested to be like the first."""
    shorts = [room.new_case(kind, shop=f"老王水产{n}") for n in range(4)]
    ids = [room.case(short).id for short in shorts]

    def prepare(session) -> None:
        for n, id_ in enumerate(ids):
            reporter(session, room.bench, session.get_one(Case, id_), f"citizen{n}")
            if n:
                case_likeness.suggest(session, id_, ids[0], 0.93, ["市场和摊位号相同"])

    room.do(prepare)
    return shorts


def news(room: Room, who: str) -> list[str]:
    return [reply.text for reply in room.told(who)]


def test_F6_four_reporters_of_one_stall_are_told_separately(room: Room) -> None:
    main, *others = four(room)
    told = room.text(WANG, f"看 {others[0]}")
    assert "疑似同一摊位：TS-261124-" in told
    assert "相似 0.93：市场和摊位号相同" in told
    assert "2 个案件一起办" in room.text(WANG, "1")
    for short in others[1:]:
        room.text(WANG, f"合并 {short} {main}")
    room.text(WANG, f"受理 {main}")
    room.text(WANG, f"办结 {main} 3 {REASON}")
    for n, short in enumerate((main, *others)):
        assert room.case(short).state == CaseState.CLOSED
        assert room.case(short).reason == REASON
        assert news(room, f"citizen{n}") == [
            f"您有 1 条办理进展。编号 TS-261124-{short}：已受理。",
            f"您有 1 条办理进展。编号 TS-261124-{short}：已办结，请看结果并评价。",
        ]


def test_F6_unmerging_restores_each_thread(room: Room) -> None:
    main, *others = four(room)
    before = {short: _thread(room, short) for short in others}
    for short in others:
        room.text(WANG, f"合并 {short} {main}")
    assert f"{others[0]}、{others[1]}、{others[2]} 各自办理" in room.text(WANG, f"拆开 {main}")
    room.text(WANG, f"受理 {others[0]}")
    for short in others:
        row = room.case(short)
        assert (row.main_id, row.stall_id) == (None, None)
        assert row.state == (CaseState.ACCEPTED if short == others[0] else CaseState.RECEIVED)
        after = [action for action in _thread(room, short) if action not in ("case.merged", "case.split")]
        assert after == before[short] + (["case.accepted"] if short == others[0] else [])
    assert news(room, "citizen0") == []
    assert len(news(room, "citizen1")) == 1


def _thread(room: Room, short: str) -> list[str]:
    with room.database.reading() as session:
        return [event.action for event in cases.events(session, room.case(short).id)]


@pytest.mark.parametrize("accepted_first", ["main", "other"])
def test_a_merged_case_is_never_left_behind(room: Room, accepted_first: str) -> None:
    """Whichever of the two had gone further: both end together, and neither keeps a live term."""
    main, other, *_ = four(room)
    room.text(WANG, f"受理 {main if accepted_first == 'main' else other}")
    room.text(WANG, f"合并 {other} {main}")
    room.text(WANG, f"办结 {main} 3 {REASON}")
    with room.database.reading() as session:
        for short in (main, other):
            assert room.case(short).state == CaseState.CLOSED
            clocks = session.scalars(select(CaseClock).where(CaseClock.case_id == room.case(short).id)).all()
            assert not [c for c in clocks if c.state in LIVE]


def test_a_case_that_cannot_follow_its_main_one_to_an_end_is_worked_on_its_own(room: Room) -> None:
    main, other, *_ = four(room)
    room.text(WANG, f"合并 {other} {main}")
    room.text(WANG, f"受理 {other}")  # the one that was joined alone
    room.text(WANG, f"不予受理 {main} 1")
    left = room.case(other)
    assert (left.state, left.main_id) == (CaseState.ACCEPTED, None)


def test_a_complainant_who_leaves_does_not_take_the_others_along(room: Room) -> None:
    main, second, third, _ = four(room, CaseKind.COMPLAINT)
    for short in (second, third):
        room.text(WANG, f"合并 {short} {main}")

    def withdraw(session) -> None:
        row = session.get_one(Case, room.case(main).id)
        steps.withdraw(steps.Desk(room.bench, session, "reporter", NOW), row)

    room.do(withdraw)
    heir, follower = room.case(second), room.case(third)
    assert (heir.main_id, follower.main_id) == (None, heir.id)
    with room.database.reading() as session:
        assert heir.id in [row.id for row in cases.open_cases(session)]


def test_a_reopened_case_is_somebodys_own_again(room: Room) -> None:
    main, other, *_ = four(room)
    room.text(WANG, f"合并 {other} {main}")
    room.text(WANG, f"受理 {main}")
    room.text(WANG, f"办结 {main} 3 {REASON}")

    def reopen(session) -> None:
        row = session.get_one(Case, room.case(other).id)
        steps.reopen(steps.Desk(room.bench, session, "reporter", NOW), row, "没有人来看过")

    room.do(reopen)
    with room.database.reading() as session:
        assert room.case(other).id in [row.id for row in cases.open_cases(session)]


def test_linking_keeps_both_and_counts_the_stalls_history(room: Room) -> None:
    main, other, *_ = four(room)
    room.text(WANG, f"受理 {main}")
    room.text(WANG, f"办结 {main} 2 已责令改正，秤已经更换，文书号 甬市监改3号")
    room.text(WANG, f"看 {other}")
    told = room.text(WANG, "2")
    assert "记为同一摊位，各办各的" in told
    assert "近 180 天：反映 2 次，查实 1 次。" in told
    assert room.case(other).main_id is None


def test_told_apart_it_is_not_suggested_again(room: Room) -> None:
    _, other, *_ = four(room)
    room.text(WANG, f"看 {other}")
    room.text(WANG, "2")
    assert "疑似同一摊位" not in room.text(WANG, f"看 {other}")
    with room.database.reading() as session:
        row = session.scalars(select(CaseLikeness).where(CaseLikeness.case_id == room.case(other).id)).one()
        assert row.decision == Decision.DIFFERENT
        assert row.staff_id == staff.named(session, "王五")[0].id


def test_what_may_not_be_merged(room: Room) -> None:
    main, other, *_ = four(room)
    complaint = room.new_case(CaseKind.COMPLAINT)
    assert "不能合并" in room.text(WANG, f"合并 {complaint} {main}")
    assert "已经在一起" in room.text(WANG, f"合并 {main} {main}")
    room.text(WANG, f"派给 {main} 李四")
    room.text(WANG, f"派给 {other} 张三")
    assert "不归您办" in room.text(ZHANG, f"合并 {other} {main}")
    assert "不归您办" in room.text(LI, f"合并 {main} {other}")
    room.text(WANG, f"移送 {main} 公安")
    assert "已经结束的案件不能合并" in room.text(WANG, f"合并 {other} {main}")
    with room.database.reading() as session:
        assert not session.scalars(select(Case).where(Case.main_id.is_not(None))).all()
        assert room.case(other).state in OPEN
