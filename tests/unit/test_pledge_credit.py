"""信用等级 and 示范单位: points only from what was confirmed, each change audited, and nothing granted by itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from handlers.cases import steps
from handlers.pledge.credit import grade_of
from handlers.turn import Reception
from knowledge.demonstration import questions
from knowledge.grading import Grade, Scheme
from storage import pledges
from storage.cases import Case
from storage.database import Database, Session
from storage.pledges import Application, PledgeState, ScoreEvent
from tests.cases import filed
from tests.pledging import CORRECTED, MINOR, PUNISHED, TODAY, Counter, counter, day, stall_of
from tests.shops import shop
from tests.support import NOW

RULES = {CORRECTED: "short-weight", MINOR: "minor-corrected", PUNISHED: "fined"}


@pytest.fixture
def here(database: Database, reception: Reception) -> Counter:
    return counter(database, reception)


def grade(here: Counter, days: int = 0) -> Grade:
    with here.database.reading() as session:
        return grade_of(session, 1, TODAY + timedelta(days=days))


def entries(here: Counter) -> list[str]:
    """What counts of the shop's account."""
    with here.database.reading() as session:
        return [row.rule for row in pledges.scores(session, 1)]


def audited(here: Counter, action: str) -> int:
    return sum(f'"{action}"' in line for line in here.audited())


# -- where points come from ---------------------------------------------------------------------------------------


def test_a_pledge_and_a_ledger_in_date_make_an_A(here: Counter) -> None:
    here.prepare(200, 200)
    assert grade(here).letter == "B"
    here.sign()
    assert (grade(here).letter, grade(here).points) == ("A", 100)
    assert grade(here, 201).letter == "B"  # past the date, nothing of it is confirmed by anybody
    assert grade(here, 231).letter == "C"
    assert any("1 台" in r.text or "2 台" in r.text for r in grade(here, 231).reasons)


def test_a_tip_that_is_not_confirmed_changes_nothing(here: Counter) -> None:
    here.prepare(200)
    here.sign()
    before = grade(here)

    def open_one(session: Session) -> None:
        case = filed(here.bench, session, NOW, stall_id=stall_of(session, 1, NOW).id)
        steps.accept(steps.Desk(here.bench, session, "staff:1", NOW), case)

    here.do(open_one)
    assert grade(here) == before
    for outcome in (3, 4):
        here.confirm(outcome=outcome)
    assert (grade(here), entries(here), audited(here, "score.added")) == (before, [], 0)


@pytest.mark.parametrize("outcome", sorted(RULES))
def test_a_confirmed_case_counts_by_its_outcome_until_it_expires(here: Counter, outcome: int) -> None:
    here.prepare(3000)
    here.sign()
    here.confirm(outcome=outcome)
    rule = Scheme.load().rule(RULES[outcome])
    assert entries(here) == [rule.id]
    assert audited(here, "score.added") == 1
    last = (rule.last_day(TODAY) - TODAY).days
    for days, counts in ((0, True), (last, True), (last + 1, False)):
        assert any(reason.text == rule.text for reason in grade(here, days).reasons) is counts
    assert grade(here).letter == rule.ceiling


def test_cases_worked_as_one_count_once(here: Counter) -> None:
    here.prepare(200)
    here.sign()

    def merged(session: Session) -> list[int]:
        stall = stall_of(session, 1, NOW).id
        main, *others = (filed(here.bench, session, NOW, stall_id=stall) for _ in range(3))
        for one in others:
            one.main_id = main.id
        here.close(session, main, NOW)
        return [main.id, *(one.id for one in others)]

    main, *_ = here.do(merged)
    assert (entries(here), here.seen().confirmed) == (["short-weight"], 1)
    here.reopen(main, day(1))
    assert (entries(here), here.seen(day(1)).confirmed) == ([], 0)
    here.do(lambda s: _again(here, s, main))
    assert (entries(here), here.seen(day(3)).confirmed) == (["short-weight"], 1)


def _again(here: Counter, session: Session, case_id: int) -> None:
    desk = steps.Desk(here.bench, session, "staff:1", day(2))
    outcome = here.bench.casebook.outcome("report", CORRECTED)
    steps.close(desk, session.get_one(Case, case_id), outcome, "再次核查，仍然属实。已责令改正。", "〔2026〕2")


def test_a_case_taken_up_again_counts_no_longer_and_the_account_shows_both(here: Counter) -> None:
    here.prepare(200)
    here.sign()
    case_id = here.confirm()
    here.reopen(case_id, day(1))
    assert (entries(here), grade(here, 1).letter) == ([], "B")
    with here.database.reading() as session:
        rows = session.scalars(select(ScoreEvent).order_by(ScoreEvent.id)).all()
    assert [(row.rule, row.undoes, row.case_id) for row in rows] == [
        ("short-weight", None, case_id),
        ("short-weight", rows[0].id, case_id),
    ]
    assert audited(here, "score.added") == 2
    assert here.latest().state == PledgeState.PAUSED  # until staff have decided


def test_an_entry_of_nobody_in_charge_counts_for_nothing(here: Counter) -> None:
    here.prepare(200)
    before = grade(here)
    for actor in ("owner", "reporter", "someone"):
        here.do(
            lambda s, a=actor: pledges.score(s, ScoreEvent(shop_id=1, rule="cheating", happened_on=TODAY, actor=a), NOW)
        )
    assert grade(here) == before


@settings(max_examples=40)
@given(
    marks=st.lists(
        st.tuples(
            st.sampled_from(["cheating", "short-weight", "fined", "trained"]), st.integers(-1200, 30), st.booleans()
        ),
        max_size=8,
    ),
    days=st.integers(0, 1500),
)
def test_the_account_is_what_was_added_less_what_was_undone(
    database: Database, marks: list[tuple[str, int, bool]], days: int
) -> None:
    with database.unit() as session:
        place = shop(session, NOW, f"p{len(marks)}", "账户店").id
        kept = []
        for rule, ago, undone in marks:
            happened = TODAY + timedelta(days=ago)
            row = pledges.score(
                session, ScoreEvent(shop_id=place, rule=rule, happened_on=happened, actor="staff:1"), NOW
            )
            if undone:
                again = ScoreEvent(shop_id=place, rule=rule, happened_on=happened, undoes=row.id, actor="staff:1")
                pledges.score(session, again, NOW)
            else:
                kept.append((rule, happened))
        today = TODAY + timedelta(days=days)
        found = grade_of(session, place, today)
        assert [(row.rule, row.happened_on) for row in pledges.scores(session, place)] == kept
    counting = [r for r, on in kept if on <= today <= Scheme.load().rule(r).last_day(on)]
    faults = [r for r in counting if r != "trained"]
    points = 80 + sum(Scheme.load().rule(r).points for r in faults) + (3 if "trained" in counting else 0)
    assert found.points == max(0, min(100, points))
    assert (found.letter == "D") is ("cheating" in counting)
    assert len(found.reasons) == len(faults) + ("trained" in counting)


# -- what the owner is told ---------------------------------------------------------------------------------------


def test_the_owner_reads_the_class_the_reasons_and_the_way_up(here: Counter) -> None:
    here.prepare(200)
    here.confirm()
    text = here.text("owner", "信用等级")
    assert text.startswith("鲜达超市\n计量信用 C 档（65 分）")
    assert "-25 短秤投诉或举报查实，计到 2027-11-23" in text
    assert "怎么升级：" in text
    assert "本局试行办法，国家没有统一规定" in text
    assert here.text("stranger", "信用等级").startswith("别家店\n计量信用 B 档")


def test_an_appeal_about_points_waits_for_staff_and_is_filed_once(here: Counter) -> None:
    here.prepare(200)
    here.confirm()
    here.say("owner", "信用等级")
    here.say("owner", "1")
    assert "至少 10 个字" in here.text("owner", "不服")
    assert here.text("owner", "当天的秤是隔壁摊位的，有监控").startswith("申诉收到，1 号")
    assert entries(here) == ["short-weight"]
    assert "还在办" in here.act("manager", "pledge:appeal/score")[0].text
    with here.database.reading() as session:
        (row,) = pledges.applications(session)
        assert (row.kind, row.shop_id, row.about) == ("appeal-score", 1, None)
    assert audited(here, "application.filed") == 1
    assert not any("隔壁摊位" in line for line in here.audited())


def test_an_appeal_begun_again_asks_what_it_is_about(here: Counter) -> None:
    here.prepare(200)
    here.sign()
    here.say("owner", "信用等级")
    for text in ("1", "重来", "当天的秤是隔壁摊位的，有监控"):
        said = here.say("owner", text)
    assert said[0].text == "申诉哪一项？"


# -- demonstration unit -------------------------------------------------------------------------------------------


def ready(here: Counter, days: int = 120) -> None:
    here.prepare(900, 900)
    here.sign()
    here.say("owner", "示范单位", day(days))


def answer(here: Counter, *given: str, days: int = 120) -> str:
    said = ""
    for text in ("1", *given):
        said = here.text("owner", text, day(days))
    return said


def test_what_is_missing_is_said_before_anything_is_asked(here: Counter) -> None:
    here.prepare(-10)
    text = here.text("owner", "示范单位")
    assert text.startswith("还差 7 项（共 10 项）")
    assert "先签诚信计量承诺，满3个月再来" in text
    assert "过期和没写日期的强检器具先检定" in text


def test_it_is_handed_in_only_when_every_condition_is_met(here: Counter) -> None:
    ready(here)
    count = len(questions())
    assert answer(here, *["1"] * (count - 1), "2").startswith("还差这些，先不提交")
    assert _open(here) == []
    here.say("owner", "示范单位", day(120))
    assert answer(here, *["1"] * count).startswith("申报收到，1 号。")
    (row,) = _open(here)
    assert (row.kind, row.answers) == ("demonstration", {q.id: True for q in questions()})
    assert "还在审" in here.text("owner", "示范单位", day(120))
    assert entries(here) == []  # asking is not getting


def _open(here: Counter) -> list[Application]:
    with here.database.reading() as session:
        return pledges.applications(session)


def test_a_confirmed_violation_keeps_it_back(here: Counter) -> None:
    ready(here)
    here.confirm(day(119))
    here.say("owner", "示范单位", day(120))
    assert answer(here, *["1"] * len(questions())).startswith("还差这些，先不提交")
    assert _open(here) == []


@pytest.mark.parametrize(("days", "met"), [(91, False), (92, True)])
def test_three_months_are_three_months(here: Counter, days: int, met: bool) -> None:  # noqa: FBT001 - a column of the table
    here.prepare(900)
    here.sign()
    assert date(2027, 2, 24) == TODAY + timedelta(days=92)
    assert ("满3个月再来" not in here.text("owner", "示范单位", day(days))) is met


def test_a_renewal_does_not_begin_the_months_anew_but_a_gap_does(here: Counter) -> None:
    here.prepare(3000)
    here.sign(at=day(76))
    here.act("owner", "pledge:renew/1", day(76 + 350))
    assert "满3个月再来" not in here.text("owner", "示范单位", day(76 + 351))
    here.act("owner", "pledge:renew/2", day(76 + 800))
    assert here.latest().id == 3
    assert "满3个月再来" in here.text("owner", "示范单位", day(76 + 801))


def test_a_paused_pledge_is_none(here: Counter) -> None:
    here.prepare(10, 900)
    here.sign()
    assert "满3个月再来" in here.text("owner", "示范单位", day(120))
