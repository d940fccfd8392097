"""The terms of cases: which row runs, the last day, and the words that explain it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.deadlines import ClockRule, Deadlines, Pause, Unit, days_left, due, explain, marks
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence
from knowledge.workdays import Calendar

CALENDAR = Calendar.load()
DEADLINES = Deadlines.load()
OLD, NEW = date(2026, 4, 14), date(2026, 4, 15)
IDS = [
    "complaint-accept",
    "mediation",
    "mediation-end-notice",
    "report-check",
    "report-notice",
    "jurisdiction",
    "merchant-answer",
    "reopen",
    "complaint-limit",
    "punish-limit",
    "penalty-publish",
]


def day(text: str) -> date:
    return date.fromisoformat(text)


def rule(id_: str, on: date = NEW) -> ClockRule:
    return DEADLINES.rule(id_, on)


ACCEPT, CHECK, MEDIATION = rule("complaint-accept"), rule("report-check"), rule("mediation")


# -- which row ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [OLD, NEW, date(2027, 1, 1)])
@pytest.mark.parametrize("id_", IDS)
def test_every_term_has_a_row_on_either_side_of_the_new_order(id_: str, on: date) -> None:
    assert rule(id_, on).id == id_


def test_a_case_keeps_the_mediation_term_of_the_day_it_came_in() -> None:
    old, new = rule("mediation", OLD), rule("mediation", NEW)
    assert (old.days, old.unit) == (45, Unit.WORKING_DAYS)
    assert (new.days, new.unit) == (60, Unit.CALENDAR_DAYS)
    assert "第20号" in old.law
    assert "第121号" in new.law


@pytest.mark.parametrize("id_", ["mediation-end-notice", "report-notice", "jurisdiction"])
def test_what_is_only_known_from_the_old_order_is_unsure_under_the_new(id_: str) -> None:
    assert rule(id_, OLD).confidence is Confidence.HIGH
    assert rule(id_, NEW).confidence is Confidence.LOW
    assert "待核实" not in explain(rule(id_, OLD), OLD, CALENDAR)
    assert "待核实" in explain(rule(id_, NEW), NEW, CALENDAR)


@pytest.mark.parametrize(
    ("id_", "days", "unit"),
    [
        ("complaint-accept", 7, Unit.WORKING_DAYS),
        ("report-check", 15, Unit.WORKING_DAYS),
        ("report-notice", 5, Unit.WORKING_DAYS),
        ("merchant-answer", 5, Unit.WORKING_DAYS),
        ("reopen", 15, Unit.CALENDAR_DAYS),
        ("complaint-limit", 3, Unit.YEARS),
        ("punish-limit", 2, Unit.YEARS),
        ("penalty-publish", 20, Unit.WORKING_DAYS),
    ],
)
def test_lengths(id_: str, days: int, unit: Unit) -> None:
    assert (rule(id_).days, rule(id_).unit) == (days, unit)


def test_promises_are_told_from_law() -> None:
    assert {row.id for row in DEADLINES.rows if row.own} == {"merchant-answer", "reopen"}
    assert explain(rule("reopen"), NEW, CALENDAR).startswith("本局承诺：")
    assert explain(ACCEPT, NEW, CALENDAR).startswith("依据：消费者权益保护法第四十六条：")


def test_only_the_check_of_a_report_may_be_lengthened() -> None:
    assert {row.id: row.extension for row in DEADLINES.rows if row.extension} == {"report-check": 15}


def test_an_unknown_term_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match="no-such-term"):
        rule("no-such-term")


def test_every_source_is_registered() -> None:
    known = set(load_yaml(DATA / "sources.yaml"))
    assert {code for row in DEADLINES.rows for code in row.sources} <= known


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("days: 0", "days"),
        ("unit: weeks", "unit"),
        ("confidence: sure", "confidence"),
        ("sources: []", "sources"),
        ("extra: 1", "extra"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, wrong: str, told: str) -> None:
    good = {
        "id": "x",
        "kind": "any",
        "event": "办事",
        "days": "3",
        "unit": "years",
        "start": "当天",
        "law": "某法",
        "confidence": "high",
        "sources": "[SELF]",
    }
    key, _, value = wrong.partition(": ")
    path = tmp_path / "deadlines.yaml"
    path.write_text("rows:\n  - {" + ", ".join(f"{k}: {v}" for k, v in (good | {key: value}).items()) + "}\n", "utf-8")
    with pytest.raises(DataError, match=told):
        Deadlines.load(path)


def test_two_rows_on_one_day_are_refused(tmp_path: Path) -> None:
    text = (DATA / "deadlines.yaml").read_text("utf-8").replace("until: 2026-04-14", "until: 2026-04-15", 1)
    path = tmp_path / "deadlines.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match="mediation"):
        Deadlines.load(path)


# -- the last day -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "accept", "check", "extended"),
    [
        ("2026-09-28", "2026-10-13", "2026-10-23", "2026-11-13"),
        ("2026-02-10", "2026-02-26", "2026-03-09", "2026-03-30"),
        ("2026-11-20", "2026-12-01", "2026-12-11", None),
        ("2026-11-23", "2026-12-02", "2026-12-14", None),
        ("2026-12-18", "2026-12-29", None, None),
        ("2026-12-22", "2026-12-31", None, None),
        ("2026-12-28", None, None, None),
    ],
)
def test_golden_dates(start: str, accept: str | None, check: str | None, extended: str | None) -> None:
    found = [
        due(ACCEPT, day(start), CALENDAR),
        due(CHECK, day(start), CALENDAR),
        due(CHECK, day(start), CALENDAR, extended=True),
    ]
    for one, wanted in zip(found, (accept, check, extended), strict=True):
        assert one.provisional == (wanted is None)
        assert one.day.year == 2027 if wanted is None else one.day == day(wanted)


def test_an_arrival_at_a_minute_to_midnight_is_that_days() -> None:
    arrived = datetime(2026, 9, 30, 15, 59, tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Asia/Shanghai"))
    assert arrived.hour == 23
    assert due(ACCEPT, arrived.date(), CALENDAR).day == day("2026-10-15")
    assert due(ACCEPT, (arrived + timedelta(minutes=1)).date(), CALENDAR).day == day("2026-10-15")
    assert due(ACCEPT, day("2026-09-29"), CALENDAR).day == day("2026-10-14")


def test_an_arrival_on_a_saturday_is_not_moved_on() -> None:
    saturday, sunday, monday = day("2026-11-21"), day("2026-11-22"), day("2026-11-23")
    assert due(ACCEPT, saturday, CALENDAR) == due(ACCEPT, sunday, CALENDAR)
    assert due(ACCEPT, saturday, CALENDAR).day == day("2026-12-01")
    assert due(ACCEPT, monday, CALENDAR).day == day("2026-12-02")


def test_calendar_days_end_on_a_working_day() -> None:
    assert due(MEDIATION, day("2026-08-02"), CALENDAR).day == day("2026-10-08")
    assert due(MEDIATION, day("2026-11-01"), CALENDAR).day == day("2026-12-31")
    assert due(rule("reopen"), day("2026-11-05"), CALENDAR).day == day("2026-11-20")
    assert due(rule("reopen"), day("2026-11-06"), CALENDAR).day == day("2026-11-23")


def test_calendar_days_that_end_next_year_are_provisional() -> None:
    assert due(MEDIATION, day("2026-11-02"), CALENDAR).provisional
    assert not due(MEDIATION, day("2026-11-01"), CALENDAR).provisional
    assert due(rule("complaint-limit"), day("2024-05-20"), CALENDAR).provisional
    assert not due(rule("complaint-limit"), day("2023-05-20"), CALENDAR).provisional


def test_sixty_days_are_not_so_many_working_days() -> None:
    start = day("2026-03-02")
    old = due(rule("mediation", OLD), start, CALENDAR).day
    assert CALENDAR.workdays_between(start, old) == 45
    assert (due(MEDIATION, start, CALENDAR).day - start).days == 65


@pytest.mark.parametrize(
    ("id_", "start", "last"),
    [
        ("punish-limit", "2024-02-29", "2026-02-28"),
        ("punish-limit", "2024-03-01", "2026-03-02"),
        ("complaint-limit", "2023-02-28", "2026-02-28"),
        ("complaint-limit", "2023-10-03", "2026-10-08"),
        ("complaint-limit", "2024-02-29", "2027-03-01"),
    ],
)
def test_years_end_on_the_corresponding_day(id_: str, start: str, last: str) -> None:
    assert due(rule(id_), day(start), CALENDAR).day == day(last)


def test_a_provisional_day_is_reckoned_anew_when_the_notice_is_there() -> None:
    start = day("2026-12-22")
    guessed = due(CHECK, start, CALENDAR)
    noticed = Calendar(
        CALENDAR.noticed | {2027},
        CALENDAR.off | {date(2027, 1, n) for n in (1, 2, 3, 4)},
        CALENDAR.makeup | {date(2027, 1, 9)},
    )
    assert guessed.provisional
    assert "暂估（次年放假安排未发布）" in explain(CHECK, start, CALENDAR)
    known = due(CHECK, start, noticed)
    assert not known.provisional
    assert known.day == guessed.day
    told = explain(CHECK, start, noticed)
    assert "暂估" not in told
    assert "2027-01-01至2027-01-04放假不算" in told
    assert "2027-01-09（周六）补班算" in told
    shorter = Calendar(noticed.noticed, noticed.off, CALENDAR.makeup)
    assert due(CHECK, start, shorter).day == CALENDAR.next_workday(guessed.day)


def test_a_count_within_a_year_without_notice_names_that_year() -> None:
    assert "暂估（2027年放假安排未发布）" in explain(ACCEPT, day("2027-03-01"), CALENDAR)


# -- pauses -------------------------------------------------------------------------------------------------------


def test_working_days_inside_a_pause_do_not_count() -> None:
    start = day("2026-09-28")
    pause = Pause(day("2026-10-12"), day("2026-10-16"), "verification")
    assert due(CHECK, start, CALENDAR, [pause]).day == day("2026-10-30")
    assert due(CHECK, start, CALENDAR, [pause, pause]).day == day("2026-10-30")
    weekend = Pause(day("2026-10-17"), day("2026-10-18"), "verification")
    assert due(CHECK, start, CALENDAR, [weekend]).day == day("2026-10-23")


def test_calendar_days_inside_a_pause_are_added() -> None:
    start = day("2026-08-03")
    assert due(MEDIATION, start, CALENDAR, [Pause(day("2026-08-10"), day("2026-08-29"), "appraisal")]).day == day(
        "2026-10-22"
    )


def test_an_open_pause_goes_on_through_today() -> None:
    start, first = day("2026-11-02"), day("2026-11-09")
    pause = [Pause(first, None, "verification")]
    before = due(CHECK, start, CALENDAR).day
    for today, working in (("2026-11-09", 1), ("2026-11-10", 2), ("2026-11-15", 5), ("2026-11-16", 6)):
        found = due(CHECK, start, CALENDAR, pause, today=day(today)).day
        assert CALENDAR.workdays_between(before, found) == working
        assert due(CHECK, start, CALENDAR, [Pause(first, day(today), "verification")]).day == found


def test_a_pause_outside_the_term_changes_nothing() -> None:
    start = day("2026-11-02")
    plain = due(CHECK, start, CALENDAR)
    early = Pause(day("2026-10-01"), start, "verification")
    late = Pause(CALENDAR.next_workday(plain.day), day("2026-12-31"), "verification")
    assert due(CHECK, start, CALENDAR, [early, late]) == plain


def test_a_term_does_not_end_in_a_pause() -> None:
    start = day("2026-11-07")
    plain = rule("reopen")
    assert start + timedelta(days=15) == day("2026-11-22")
    assert due(plain, start, CALENDAR).day == day("2026-11-23")
    pause = Pause(day("2026-11-23"), day("2026-11-25"), "verification")
    assert due(plain, start, CALENDAR, [pause]).day == day("2026-11-26")


STARTS = st.dates(date(2026, 1, 1), date(2026, 11, 30))


@settings(max_examples=100, deadline=None)
@given(STARTS, st.integers(0, 40), st.integers(0, 30), st.sampled_from([ACCEPT, CHECK, MEDIATION]))
def test_a_pause_never_makes_a_term_shorter(start: date, after: int, long: int, which: ClockRule) -> None:
    first = start + timedelta(days=after)
    pause = Pause(first, first + timedelta(days=long), "verification")
    end, plain = due(which, start, CALENDAR, [pause]).day, due(which, start, CALENDAR).day
    assert end >= plain
    assert not pause.covers(end)
    if which.unit is Unit.WORKING_DAYS:
        passed = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
        assert sum(CALENDAR.is_workday(d) and not pause.covers(d) for d in passed) == which.days


# -- against the package ------------------------------------------------------------------------------------------

YEARS = range(2020, 2027)


@cache
def official() -> Calendar:
    """A calendar as the package has it."""
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range((date(2026, 12, 31) - date(2020, 1, 1)).days + 1)]
    off = frozenset(d for d in days if d.weekday() < 5 and not chinese_calendar.is_workday(d))
    return Calendar(
        frozenset(YEARS), off, frozenset(d for d in days if d.weekday() > 4 and chinese_calendar.is_workday(d))
    )


@settings(max_examples=150, deadline=None)
@given(
    start=st.dates(date(2020, 1, 1), date(2026, 9, 30)),
    which=st.sampled_from([row for row in DEADLINES.rows if row.unit is Unit.WORKING_DAYS]),
    extended=st.booleans(),
)
def test_working_days_agree_with_the_package(*, start: date, which: ClockRule, extended: bool) -> None:
    found = due(which, start, official(), extended=extended)
    passed = [start + timedelta(days=n) for n in range(1, (found.day - start).days + 1)]
    assert sum(map(chinese_calendar.is_workday, passed)) == which.days + (which.extension if extended else 0)
    assert chinese_calendar.is_workday(found.day)
    assert not found.provisional


@settings(max_examples=100, deadline=None)
@given(st.dates(date(2020, 1, 1), date(2026, 9, 30)))
def test_calendar_days_agree_with_the_package(start: date) -> None:
    found = due(MEDIATION, start, official()).day
    assert chinese_calendar.is_workday(found)
    between = [start + timedelta(days=n) for n in range(60, (found - start).days)]
    assert not any(map(chinese_calendar.is_workday, between))


# -- what is left, and when to tell -------------------------------------------------------------------------------


def test_days_left() -> None:
    last = day("2026-10-23")
    assert days_left(day("2026-09-28"), last, CALENDAR) == 15
    assert days_left(day("2026-10-22"), last, CALENDAR) == 1
    assert days_left(last, last, CALENDAR) == 0
    assert days_left(day("2026-10-24"), last, CALENDAR) == 0
    assert days_left(day("2026-10-27"), last, CALENDAR) == -2


def test_marks_are_working_days_before_the_last() -> None:
    assert marks(day("2026-10-08"), CALENDAR) == [
        ("T-2", day("2026-09-29")),
        ("T-1", day("2026-09-30")),
        ("T0", day("2026-10-08")),
    ]


@settings(max_examples=100, deadline=None)
@given(STARTS)
def test_marks_are_in_order_and_end_on_the_last_day(start: date) -> None:
    last = due(ACCEPT, start, CALENDAR).day
    found = marks(last, CALENDAR)
    assert [mark for mark, _ in found] == ["T-2", "T-1", "T0"]
    assert [days_left(on, last, CALENDAR) for _, on in found] == [2, 1, 0]
    assert all(CALENDAR.is_workday(on) for _, on in found)


# -- the words ----------------------------------------------------------------------------------------------------


def test_why_this_date() -> None:
    assert explain(CHECK, day("2026-09-28"), CALENDAR) == (
        "依据：市场监督管理行政处罚程序规定第十八条（条号待核实）：核查线索并决定是否立案，自收到线索之日起15个工作日。"
        "从 2026-09-28 起算，当天不算。10-01至10-07放假不算；10-10（周六）补班算；其他周末不算。所以最迟 2026-10-23。"
    )


def test_why_with_a_pause_and_an_extension() -> None:
    told = explain(
        CHECK,
        day("2026-09-28"),
        CALENDAR,
        [Pause(day("2026-10-12"), day("2026-10-16"), "verification")],
        extended=True,
    )
    assert "经负责人批准延长15个工作日" in told
    assert "10-12至10-16暂停（检定、检测），不计入。" in told
    assert told.endswith("所以最迟 2026-11-20。")


def test_why_with_an_open_pause() -> None:
    pause = [Pause(day("2026-11-09"), None, "appraisal")]
    told = explain(MEDIATION, day("2026-10-09"), CALENDAR, pause, today=day("2026-11-10"))
    assert "11-09起暂停（鉴定、检验），恢复前都不计入。" in told
    assert told.endswith("所以最迟 2026-12-10。")


def test_why_a_last_day_off_moved_on() -> None:
    told = explain(MEDIATION, day("2026-08-02"), CALENDAR)
    assert "数满的那天 2026-10-01 不是工作日，顺延到下一个工作日。所以最迟 2026-10-08。" in told
    assert "放假不算" not in told
    assert "顺延" not in explain(MEDIATION, day("2026-11-01"), CALENDAR)


@settings(max_examples=100, deadline=None)
@given(start=STARTS, which=st.sampled_from(DEADLINES.rows), paused=st.booleans())
def test_every_explanation_names_its_law_and_its_day(*, start: date, which: ClockRule, paused: bool) -> None:
    pauses = [Pause(start + timedelta(days=2), start + timedelta(days=4), "arbitration")] if paused else []
    told = explain(which, start, CALENDAR, pauses)
    last = due(which, start, CALENDAR, pauses)
    assert (which.law in told) or which.own
    assert f"最迟 {last.day:%Y-%m-%d}。" in told
    assert ("暂估" in told) == last.provisional
    assert ("计量仲裁检定" in told) == paused
    assert len(told) <= 300
