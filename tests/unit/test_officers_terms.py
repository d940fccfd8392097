"""The terms as officers read them: why, when served on paper, grave or first, counts and years, the next word."""

from __future__ import annotations

from datetime import date

import pytest

from handlers.tips import view
from handlers.turn import Reception
from storage import case_clocks, case_likeness
from storage.cases import Case, CaseKind
from storage.database import Database
from tests.officers import WANG, ZHANG, Room, team
from tests.support import local

LATER = local("2026-11-27T10:00")


@pytest.fixture
def room(database: Database, reception: Reception) -> Room:
    found = Room(database, reception)
    found.do(team)
    return found


def accepted(room: Room) -> str:
    short = room.new_case(CaseKind.COMPLAINT)
    room.text(ZHANG, f"受理 {short}")
    return short


def answer_terms(room: Room, short: str) -> list[date]:
    id_ = room.case(short).id
    return room.do(lambda s: [c.started_on for c in case_clocks.live(s, id_, "merchant-answer")])


def test_nobody_served_no_term(room: Room) -> None:
    short = accepted(room)
    told = room.text(ZHANG, f"通知商家 {short} 无名小摊")
    assert f"已送达 {short} 11-24" in told
    assert "收到本通知后 5个工作日内" in told
    assert answer_terms(room, short) == []
    for poor, why in (("", "请写哪天送达"), ("11-28", "还没到"), ("2026-11-23", "早于受理"), ("13-40", "请写哪天送达")):
        assert why in room.text(ZHANG, f"已送达 {short} {poor}", LATER), poor
        assert answer_terms(room, short) == []
    assert "11-26 送达，商家最迟 12-03 说明" in room.text(ZHANG, f"已送达 {short} 11-26", LATER)
    assert answer_terms(room, short) == [date(2026, 11, 26)]
    assert "已经在走" in room.text(ZHANG, f"已送达 {short} 11-27", LATER)
    assert answer_terms(room, short) == [date(2026, 11, 26)]


def test_a_served_day_may_lie_in_the_last_year(room: Room) -> None:
    short = accepted(room)
    room.text(ZHANG, f"已送达 {short} 12月30日", local("2027-01-04T10:00"))
    assert answer_terms(room, short) == [date(2026, 12, 30)]


def test_a_report_is_served_only_after_the_visit(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    assert "打草惊蛇" in room.text(ZHANG, f"已送达 {short} 今天")
    room.text(ZHANG, f"记录 {short} 现场复称", LATER)
    assert "早于现场检查" in room.text(ZHANG, f"已送达 {short} 11-26", LATER)
    assert "送达，商家最迟" in room.text(ZHANG, f"已送达 {short} 今天", LATER)


def test_why_tells_of_every_term_the_law_first(room: Room) -> None:
    short = accepted(room)
    room.text(ZHANG, f"已送达 {short} 今天")
    told = room.text(ZHANG, f"为什么 {short}")
    assert 0 < told.index("【调解") < told.index("【商家说明情况】")
    assert "60" in told
    assert "为什么是这个日期" in [c.label for c in room.say(ZHANG, f"看 {short}")[-1].choices]
    with room.database.reading() as session:
        row = session.get_one(Case, room.case(short).id)
        lines = view.next_line(room.bench, session, row, date(2026, 11, 24)).split("\n")
    assert [line[:3] for line in lines] == ["下一步", "同时："]
    assert "第 60 天" in lines[0]
    assert "商家说明情况，最迟 2026-12-01" in lines[1]


def test_mediation_is_counted_in_days_and_another_year_is_written(room: Room) -> None:
    short = accepted(room)
    assert "最迟2027-01-25（还有62天，暂估）" in room.text(ZHANG, f"看 {short}")
    assert "超期2天" in room.text(ZHANG, f"看 {short}", local("2027-01-27T10:00"))


def test_first_is_not_grave(room: Room) -> None:
    short = room.new_case(urgent=True)
    assert "【优先】" in room.text(ZHANG, f"看 {short}")
    assert "【重大】" not in room.text(ZHANG, "今日")
    assert "已列为重大，组长已知道" in room.text(ZHANG, f"重大 {short}")
    assert room.told(WANG)[-1].text == f"TS-261124-{short}：列为重大案件，请关注行刑衔接"
    assert "【重大】" in room.text(ZHANG, "今日")
    assert "已经是重大案件" in room.text(ZHANG, f"重大 {short}")


def test_a_main_case_is_as_grave_as_what_joins_it(room: Room) -> None:
    main, joined = room.new_case(), room.new_case()
    room.text(ZHANG, f"重大 {joined}")
    room.text(WANG, f"合并 {joined} {main}")
    assert "【重大】" in room.text(WANG, f"看 {main}")


def test_a_refused_step_says_the_next_word(room: Room) -> None:
    short = room.new_case()
    assert room.text(ZHANG, f"办结 {short} 3").endswith(f"先回“受理 {short}”。")
    room.text(ZHANG, f"受理 {short}")
    assert room.text(ZHANG, f"受理 {short}").endswith(f"接下来回“立案 {short}”或“办结 {short}”。")


def test_a_poor_answer_is_not_asked_for_twice_in_the_same_words(room: Room) -> None:
    short = room.new_case()
    room.text(ZHANG, f"受理 {short}")
    room.text(ZHANG, f"办结 {short} 2")
    room.text(ZHANG, "已责令改正，秤已经更换")
    told = room.text(ZHANG, "就这样吧")
    assert told.count("这个结果要有凭据") == 1


def test_the_choice_to_merge_names_the_main_case(room: Room) -> None:
    main, later = room.new_case(), room.new_case()
    ids = [room.case(short).id for short in (main, later)]
    room.do(lambda s: case_likeness.suggest(s, ids[1], ids[0], 0.93, ["市场和摊位号相同"]))
    assert room.say(WANG, f"看 {later}")[-1].choices[0].label == f"合并到主案 {main}"
