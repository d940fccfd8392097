"""Classes A to D: what counts, for how long, that only confirmed things weigh, and the way up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.dates import add_months
from knowledge.files import DATA, DataError, load_yaml
from knowledge.grading import FILE, ORDER, Grade, Scheme, ScoreEvent, explain, grade, weight
from knowledge.library import Library, sources_named

SCHEME = Scheme.load()
TODAY = date(2026, 11, 25)
OFFICERS = [rule.id for rule in SCHEME.rules if rule.by == "officer"]
FAULTS = [rule.id for rule in SCHEME.rules if rule.kind == "fault"]
MERITS = [rule.id for rule in SCHEME.rules if rule.kind == "merit"]
GOOD = (ScoreEvent("pledged", TODAY), ScoreEvent("verified", TODAY))
days = st.dates(TODAY - timedelta(days=1500), TODAY + timedelta(days=60))


def events_of(rules: list[str], confirmed: st.SearchStrategy[bool]) -> st.SearchStrategy[ScoreEvent]:
    return st.builds(ScoreEvent, st.sampled_from(rules), days, st.sampled_from(["", "TS-1"]), confirmed)


YES, NO = st.just(value=True), st.just(value=False)
any_events = st.lists(events_of([*FAULTS, *MERITS], st.booleans()), max_size=8)


def confirmed(rule: str, on: date = TODAY, note: str = "") -> ScoreEvent:
    return ScoreEvent(rule, on, note, confirmed=True)


def rank(found: Grade) -> int:
    return ORDER.index(found.letter)


# -- the classes --------------------------------------------------------------------------------------------------


def test_who_has_nothing_to_show_is_b() -> None:
    found = grade([], TODAY)
    assert (found.letter, found.points, found.reasons) == ("B", 80, ())
    assert found.upgrade


def test_a_needs_the_pledge_and_everything_verified() -> None:
    assert grade(GOOD, TODAY).letter == "A"
    others = [confirmed("demonstration"), confirmed("trained")]
    assert grade([GOOD[0], *others], TODAY).letter == "B"
    assert grade([GOOD[1], *others], TODAY).letter == "B"


@pytest.mark.parametrize(
    ("fault", "letter"),
    [
        ("minor-corrected", "B"),
        ("register-missing", "B"),
        ("overdue", "C"),
        ("short-weight", "C"),
        ("refund-refused", "C"),
        ("fined", "C"),
        ("cheating", "D"),
        ("correction-refused", "D"),
    ],
)
def test_one_fault_of_a_shop_that_was_a(fault: str, letter: str) -> None:
    assert grade([*GOOD, confirmed(fault)], TODAY).letter == letter


def test_no_number_of_lesser_faults_makes_a_d() -> None:
    many = [confirmed(rule.id) for rule in SCHEME.rules if rule.kind == "fault" and rule.ceiling != "D"] * 5
    assert (grade(many, TODAY).letter, grade(many, TODAY).points) == ("C", 0)


def test_d_follows_only_from_what_an_officer_confirms() -> None:
    assert {rule.id for rule in SCHEME.rules if rule.ceiling == "D"} == {"cheating", "correction-refused"}
    assert all(rule.by == "officer" for rule in SCHEME.rules if rule.ceiling == "D")
    assert grade([ScoreEvent("cheating", TODAY)], TODAY) == grade([], TODAY)


def test_weights_of_the_draw() -> None:
    assert [weight(letter) for letter in ORDER] == [0.5, 1, 2, 4]


def test_an_unknown_rule_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        grade([ScoreEvent("ugly-sign", TODAY)], TODAY)


# -- rules that always hold ---------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(any_events, st.lists(events_of(OFFICERS, NO), max_size=6))
def test_what_nobody_confirmed_changes_nothing(events: list[ScoreEvent], tips: list[ScoreEvent]) -> None:
    assert grade([*events, *tips], TODAY) == grade(events, TODAY)


@settings(max_examples=150)
@given(any_events, events_of(FAULTS, YES))
def test_a_fault_never_helps(events: list[ScoreEvent], fault: ScoreEvent) -> None:
    before, after = grade(events, TODAY), grade([*events, fault], TODAY)
    assert after.points <= before.points
    assert rank(after) >= rank(before)


@settings(max_examples=150)
@given(any_events, events_of(MERITS, YES))
def test_a_merit_never_harms(events: list[ScoreEvent], merit: ScoreEvent) -> None:
    before, after = grade(events, TODAY), grade([*events, merit], TODAY)
    assert after.points >= before.points
    assert rank(after) <= rank(before)


@settings(max_examples=100)
@given(any_events, st.randoms(use_true_random=False))
def test_the_order_of_events_means_nothing(events: list[ScoreEvent], random: Any) -> None:
    shuffled = [*events]
    random.shuffle(shuffled)
    assert grade(shuffled, TODAY) == grade(events, TODAY)


@settings(max_examples=150)
@given(any_events)
def test_points_are_the_start_and_the_reasons(events: list[ScoreEvent]) -> None:
    found = grade(events, TODAY)
    assert found.points == min(100, max(0, SCHEME.start + sum(reason.points for reason in found.reasons)))
    assert all(reason.until >= TODAY for reason in found.reasons)


@settings(max_examples=100)
@given(any_events, st.integers(0, 2000))
def test_with_time_alone_faults_only_fall_away(events: list[ScoreEvent], later: int) -> None:
    faults = [event for event in events if event.rule in FAULTS and event.on <= TODAY]
    now, then = grade(faults, TODAY), grade(faults, TODAY + timedelta(days=later))
    assert then.points >= now.points
    assert rank(then) <= rank(now)


# -- how long things count ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [rule.id for rule in SCHEME.rules])
def test_an_event_counts_from_its_day_through_its_months(rule: str) -> None:
    event = confirmed(rule)
    end = add_months(TODAY, SCHEME.rule(rule).months)
    counts = {day: bool(grade([event], day).reasons) for day in (TODAY - timedelta(days=1), TODAY, end)}
    assert counts == {TODAY - timedelta(days=1): False, TODAY: True, end: False}
    assert [r.until for r in grade([event], end - timedelta(days=1)).reasons] == [end - timedelta(days=1)]


def test_a_merit_counts_once_and_a_fault_each_time() -> None:
    earlier = TODAY - timedelta(days=5)
    assert grade([ScoreEvent("pledged", earlier), ScoreEvent("pledged", TODAY)], TODAY).points == 90
    assert grade([ScoreEvent("overdue", earlier), ScoreEvent("overdue", TODAY)], TODAY).points == 50
    twice = grade([ScoreEvent("pledged", earlier), ScoreEvent("pledged", TODAY)], TODAY)
    assert [reason.until for reason in twice.reasons] == [date(2027, 11, 24)]


# -- reasons and the way up ---------------------------------------------------------------------------------------


def test_a_reason_says_what_how_much_and_till_when() -> None:
    (reason,) = grade([confirmed("short-weight", date(2026, 6, 1), "TS-20260601-0031")], TODAY).reasons
    assert (reason.text, reason.points) == ("短秤投诉或举报查实（TS-20260601-0031）", -25)
    assert reason.until == date(2027, 5, 31)


@settings(max_examples=100)
@given(any_events)
def test_there_is_always_a_way_up(events: list[ScoreEvent]) -> None:
    assert grade(events, TODAY).upgrade
    assert all(grade(events, TODAY).upgrade)


def test_the_day_it_rises_is_right() -> None:
    events = [*GOOD, confirmed("short-weight", date(2026, 6, 1))]
    found = grade(events, TODAY)
    assert found.upgrade[-1] == "加分项保持住、不再有新的扣分，2027-06-01 起升为 A 档"
    for day, letter in ((date(2027, 5, 31), "C"), (date(2027, 6, 1), "A")):
        kept = [ScoreEvent("pledged", day), ScoreEvent("verified", day), events[-1]]
        assert grade(kept, day).letter == letter


def test_the_explanation_says_whose_rule_it_is() -> None:
    text = explain(grade([*GOOD, confirmed("cheating")], TODAY))
    assert text.startswith("计量信用 D 档（40 分）")
    assert "本局试行办法，国家没有统一规定" in text
    assert "不是行政处罚" in text
    assert "怎么升级" in text
    assert "申诉" in text
    assert "怎么保持" in explain(grade(GOOD, TODAY))


def test_a_long_account_stays_readable() -> None:
    many = [confirmed(rule.id, TODAY - timedelta(days=n)) for n in range(3) for rule in SCHEME.rules]
    text = explain(grade(many, TODAY))
    assert "另有" in text
    assert len(text) < 1200


# -- the table ----------------------------------------------------------------------------------------------------


def test_every_source_exists() -> None:
    known = Library.load().sources
    assert [code for code in sources_named(load_yaml(DATA / FILE)) if code not in known] == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda d: d["rules"][0].update(points=-1), "merit 加分"),
        (lambda d: d["rules"][0].update(ceiling="B"), "不能限档"),
        (lambda d: d["rules"][0].update(id="verified"), "重复"),
        (lambda d: next(r for r in d["rules"] if r["id"] == "cheating").update(by="ledger"), "工作人员"),
        (lambda d: d["classes"].reverse(), "A、B、C、D"),
        (lambda d: d["classes"][1].update(least=99), "从大到小"),
        (lambda d: d["classes"][3].update(least=-1), "D 不写"),
        (lambda d: d["classes"][3].update(weight=0.1), "从小到大"),
        (lambda d: d["classes"][0].update(needs=["overdue"]), "needs"),
        (lambda d: d.update(start=60), "升不上去"),
        (lambda d: d.pop("label"), "label"),
    ],
)
def test_a_table_that_is_not_sound_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], word: str
) -> None:
    data = load_yaml(DATA / FILE)
    change(data)
    path = tmp_path / FILE
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    with pytest.raises(DataError, match=word):
        Scheme.load(path)
