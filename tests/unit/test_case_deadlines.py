"""Terms told two days before, one day before, on the last day and after it; the morning's list; a notice that comes out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from handlers.cases import steps, terms
from handlers.cases.steps import Desk
from handlers.sealing import reply_of
from handlers.talk import Bench
from handlers.turn import Reception
from scheduler import deadlines
from scheduler.clock import Clock, Outcome
from scheduler.jobs import jobs
from storage import case_clocks, cases, contacts, dialogues, staff
from storage.case_clocks import CaseClock
from storage.cases import Case, CaseKind
from storage.contacts import Contact
from storage.database import Database
from storage.outbox import OutboxRow
from storage.staff import StaffMember, StaffRole
from tests.cases import filed
from tests.support import NOW, local

T2, T1, T0, LATE = "2026-12-11", "2026-12-14", "2026-12-15", "2026-12-16"
"""Of a report that came in on 2026-11-24: the fifteenth working day is 2026-12-15, a weekend lies before it."""
OFFICER, LEADER = "officer", "leader"


class Bureau:
    """A database with its staff and cases; what each account was told."""

    def __init__(self, database: Database, bench: Bench) -> None:
        self.database, self.bench = database, bench
        self._seen = 0

    def staff(self, who: str, role: StaffRole = StaffRole.OFFICER, *, away: bool = False) -> int:
        """A member whose account has the same name."""
        with self.database.unit() as session:
            member = staff.add(session, who, "城西所", role, NOW)
            member.contact_id = contacts.get_or_create(session, "terminal", who, NOW).id
            member.away = away
            return member.id

    def case(self, officer: int | None = None, at: str = "2026-11-24T10:00", **traits: Any) -> int:
        with self.database.unit() as session:
            return filed(self.bench, session, local(at), officer_id=officer, **traits).id

    def step(self, case_id: int, day: str, deed: str, *given: object) -> None:
        with self.database.unit() as session:
            desk = Desk(self.bench, session, "staff:1", local(f"{day}T10:00"))
            getattr(steps, deed)(desk, session.get_one(Case, case_id), *given)

    def escalate(self, day: str, hour: str = "09:00") -> list[tuple[str, str]]:
        deadlines.escalate(self.database, local(f"{day}T{hour}"), self.bench)
        return self.told()

    def digest(self, day: str) -> dict[str, str]:
        deadlines.digest(self.database, local(f"{day}T08:30"), self.bench)
        return dict(self.told())

    def told(self) -> list[tuple[str, str]]:
        """Who was told what since this was last asked."""
        with self.database.reading() as session:
            found = select(OutboxRow, Contact.external_id).join(Contact, Contact.id == OutboxRow.contact_id)
            rows = session.execute(found.where(OutboxRow.id > self._seen).order_by(OutboxRow.id)).all()
        self._seen = max((row.id for row, _ in rows), default=self._seen)
        return [(who, reply_of(self.bench.vault, row).text) for row, who in rows]

    def clock(self, case_id: int) -> CaseClock:
        with self.database.reading() as session:
            return case_clocks.of_case(session, case_id)[-1]


@pytest.fixture
def bureau(database: Database, reception: Reception) -> Iterator[Bureau]:
    return Bureau(database, reception.bench)


def _marks(told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Who was told which mark."""
    return [(who, text.rpartition("，")[2].rpartition("（")[0]) for who, text in told]


# -- marks --------------------------------------------------------------------------------------------------------


def test_each_mark_is_told_once_and_the_leader_hears_from_the_last_day_on(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    bureau.staff(LEADER, StaffRole.LEADER)
    bureau.case(mine)
    told = {}
    for n in range(30):
        day = (date(2026, 11, 25) + timedelta(days=n)).isoformat()
        told[day] = _marks(bureau.escalate(day)) + bureau.escalate(day, "15:00")
    assert {day: said for day, said in told.items() if said} == {
        T2: [(OFFICER, "还有 2 个工作日到期")],
        T1: [(OFFICER, "明天（下一工作日）到期")],
        T0: [(OFFICER, "今天到期"), (LEADER, "今天到期")],
        LATE: [(OFFICER, "已超期"), (LEADER, "已超期")],
    }


def test_what_is_told_says_the_number_the_step_and_the_day_and_nothing_of_the_matter(bureau: Bureau) -> None:
    case_id = bureau.case(bureau.staff(OFFICER))
    ((_, text),) = bureau.escalate(T2)
    with bureau.database.reading() as session:
        number = session.get_one(Case, case_id).number
    assert text == f"{number}：核查线索并决定是否立案，还有 2 个工作日到期（12-15）"


def test_after_an_outage_only_the_latest_mark_is_told(bureau: Bureau) -> None:
    bureau.case(bureau.staff(OFFICER))
    assert _marks(bureau.escalate(T0)) == [(OFFICER, "今天到期")]
    bureau.case(bureau.staff("other"))
    assert sorted(_marks(bureau.escalate("2027-01-20"))) == [(OFFICER, "已超期"), ("other", "已超期")]
    assert bureau.escalate("2027-01-21") == []


def test_while_the_officer_is_away_or_there_is_none_the_leaders_are_told_once_each(bureau: Bureau) -> None:
    bureau.staff(LEADER, StaffRole.LEADER)
    bureau.case(bureau.staff(OFFICER, away=True))
    bureau.case(None)
    assert _marks(bureau.escalate(T2)) == [(LEADER, "还有 2 个工作日到期")] * 2
    assert _marks(bureau.escalate(T0)) == [(LEADER, "今天到期")] * 2
    assert _marks(bureau.escalate(LATE)) == [(LEADER, "已超期")] * 2


def test_a_leader_who_works_a_case_is_told_once(bureau: Bureau) -> None:
    bureau.case(bureau.staff(LEADER, StaffRole.LEADER))
    assert _marks(bureau.escalate(T0)) == [(LEADER, "今天到期")]


def test_an_officer_who_was_dismissed_is_stood_in_for(bureau: Bureau) -> None:
    gone = bureau.staff(OFFICER)
    bureau.staff(LEADER, StaffRole.LEADER)
    bureau.case(gone)
    with bureau.database.unit() as session:
        staff.dismiss(session, session.get_one(StaffMember, gone))
    assert _marks(bureau.escalate(T2)) == [(LEADER, "还有 2 个工作日到期")]


def test_with_no_staff_at_all_nothing_breaks_and_the_list_still_counts_what_is_late(bureau: Bureau) -> None:
    case_id = bureau.case(None)
    assert bureau.escalate(LATE) == []
    assert bureau.clock(case_id).told == terms.LATE
    bureau.staff(LEADER, StaffRole.LEADER)
    assert "待分派 1" in bureau.digest(LATE)[LEADER]


def test_many_terms_go_in_small_transactions(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "AT_ONCE", 2)
    mine = bureau.staff(OFFICER)
    for _ in range(5):
        bureau.case(mine)
    assert len(bureau.escalate(T2)) == 5


def test_a_term_that_was_met_or_has_ended_is_not_told(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    filed_case, refused = bureau.case(mine), bureau.case(mine)
    bureau.step(filed_case, "2026-12-01", "accept")
    bureau.step(filed_case, "2026-12-01", "file_case")
    bureau.step(refused, "2026-12-01", "refuse", bureau.bench.casebook.ground("report", 1, NOW.date()))
    bureau.told()
    assert bureau.escalate(LATE) == []


def test_a_paused_term_is_not_told_and_its_marks_lie_ahead_again_afterwards(bureau: Bureau) -> None:
    case_id = bureau.case(bureau.staff(OFFICER))
    assert _marks(bureau.escalate(T2)) == [(OFFICER, "还有 2 个工作日到期")]
    bureau.step(case_id, T1, "pause", "verification", "电子秤送检")
    assert bureau.escalate(LATE) == []
    bureau.step(case_id, "2026-12-18", "resume")
    bureau.told()
    assert bureau.clock(case_id).due_on == date(2026, 12, 22)  # five of its days did not count
    assert _marks(bureau.escalate("2026-12-18")) == [(OFFICER, "还有 2 个工作日到期")]
    assert _marks(bureau.escalate("2026-12-21")) == [(OFFICER, "明天（下一工作日）到期")]


def test_an_extended_term_is_told_by_its_new_last_day(bureau: Bureau) -> None:
    case_id = bureau.case(bureau.staff(OFFICER))
    bureau.escalate(T0)
    bureau.step(case_id, T0, "extend", "王局")
    assert bureau.escalate(LATE) == []
    assert bureau.clock(case_id).due_on == date(2027, 1, 6)
    assert _marks(bureau.escalate("2027-01-04")) == [(OFFICER, "还有 2 个工作日到期")]


def test_what_is_worked_as_one_stands_still_goes_on_and_is_extended_as_one(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    main = bureau.case(mine)
    joined = bureau.case(mine, main_id=main)
    bureau.step(main, "2026-12-01", "pause", "verification", "电子秤送检")
    assert {bureau.clock(id_).state for id_ in (main, joined)} == {"paused"}
    bureau.step(main, "2026-12-01", "resume")
    bureau.step(main, "2026-12-01", "extend", "王局")
    assert {(bureau.clock(id_).state, bureau.clock(id_).extended) for id_ in (main, joined)} == {("running", True)}


# -- hours, and clocks beside one another -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2026-12-11T08:29", Outcome.NOT_NOW),
        ("2026-12-11T08:30", Outcome.RAN),
        ("2026-12-11T20:59", Outcome.RAN),
        ("2026-12-11T21:00", Outcome.NOT_NOW),
        ("2026-12-12T10:00", Outcome.NOT_NOW),  # a Saturday
        ("2026-10-05T10:00", Outcome.NOT_NOW),  # the National Day holiday, a Monday
        ("2026-10-10T10:00", Outcome.RAN),  # a Saturday that is worked
    ],
)
def test_staff_are_told_on_working_days_outside_the_quiet_hours(bureau: Bureau, at: str, outcome: Outcome) -> None:
    table = {job.name: job for job in jobs(bureau.bench)}
    clock = Clock(bureau.database, ())
    for name in ("case-terms", "case-digest"):
        assert clock.ticked(table[name], local(at)).outcome is outcome


def test_what_the_weekend_kept_from_being_told_is_told_on_monday(bureau: Bureau) -> None:
    bureau.case(bureau.staff(OFFICER))
    clock, table = Clock(bureau.database, ()), {job.name: job for job in jobs(bureau.bench)}
    assert clock.ticked(table["case-terms"], local("2026-12-12T10:00")).outcome is Outcome.NOT_NOW
    assert clock.ticked(table["case-terms"], local("2026-12-14T08:30")).told == "提醒了 1 个案件期限"
    assert _marks(bureau.told()) == [(OFFICER, "明天（下一工作日）到期")]


def test_R9_two_schedulers_at_once_tell_each_mark_once(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "AT_ONCE", 3)
    officers = [bureau.staff(f"officer{n}") for n in range(3)]
    bureau.staff(LEADER, StaffRole.LEADER)
    for n in range(30):
        bureau.case(officers[n % 3])
    now = local(f"{T0}T09:00")
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(deadlines.escalate, bureau.database, now, bureau.bench) for _ in range(2)]
        assert sum(run.result() for run in runs) == 30
    told = _marks(bureau.told())
    assert sorted(set(told)) == [*((LEADER, "今天到期"),), *((f"officer{n}", "今天到期") for n in range(3))]
    assert len(told) == 60
    assert deadlines.escalate(bureau.database, now, bureau.bench) == 0


# -- a year without a notice --------------------------------------------------------------------------------------


def _noticed(bench: Bench, off: set[date], makeup: set[date]) -> Bench:
    """The same facts once the notice for 2027 is entered."""
    calendar = bench.calendar
    out = replace(calendar, noticed=calendar.noticed | {2027}, off=calendar.off | off, makeup=calendar.makeup | makeup)
    return replace(bench, calendar=out)


def test_terms_that_cross_into_a_year_without_notice_are_counted_anew_when_it_comes_out(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    crosses, within = bureau.case(mine, "2026-12-15T10:00"), bureau.case(mine)
    clock = bureau.clock(crosses)
    assert (clock.due_on, clock.provisional) == (date(2027, 1, 6), True)
    assert deadlines.recount(bureau.database, NOW, bureau.bench) == 1  # the first time only
    bureau.bench = _noticed(bureau.bench, {date(2027, 1, 4)}, {date(2027, 1, 9)})
    now = local("2026-12-20T09:00")
    assert deadlines.recount(bureau.database, now, bureau.bench) == 1
    clock = bureau.clock(crosses)
    assert (clock.due_on, clock.provisional, clock.remind_on) == (date(2027, 1, 7), False, date(2027, 1, 5))
    assert bureau.clock(within).due_on == date(2026, 12, 15)
    assert deadlines.recount(bureau.database, now, bureau.bench) == 0


def test_a_mark_told_of_the_estimated_day_is_told_of_the_real_one(bureau: Bureau) -> None:
    case_id = bureau.case(bureau.staff(OFFICER), "2026-12-15T10:00")
    assert _marks(bureau.escalate("2027-01-04")) == [(OFFICER, "还有 2 个工作日到期")]
    bureau.bench = _noticed(bureau.bench, {date(2027, 1, 6), date(2027, 1, 7)}, set())
    ((_, text),) = bureau.escalate("2027-01-05")
    assert text.endswith("明天（下一工作日）到期（01-08）")
    assert bureau.clock(case_id).due_on == date(2027, 1, 8)


def test_when_days_off_were_corrected_a_mark_waits_for_its_new_day(bureau: Bureau) -> None:
    case_id = bureau.case(bureau.staff(OFFICER))
    calendar = bureau.bench.calendar
    bureau.bench = replace(bureau.bench, calendar=replace(calendar, makeup=calendar.makeup | {date(2026, 12, 12)}))
    assert bureau.escalate(T2) == []
    assert bureau.clock(case_id).remind_on == date(2026, 12, 12)
    assert _marks(bureau.escalate("2026-12-12")) == [(OFFICER, "还有 2 个工作日到期")]


def test_many_provisional_terms_are_counted_anew_piece_by_piece(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "AT_ONCE", 2)
    ids = [bureau.case(None, "2026-12-15T10:00") for _ in range(5)]
    bureau.bench = _noticed(bureau.bench, {date(2027, 1, 4)}, set())
    assert deadlines.recount(bureau.database, NOW, bureau.bench) == 5
    assert {bureau.clock(id_).provisional for id_ in ids} == {False}


# -- the morning's list -------------------------------------------------------------------------------------------


def test_nobody_hears_of_nothing(bureau: Bureau) -> None:
    bureau.staff(OFFICER)
    bureau.staff(LEADER, StaffRole.LEADER)
    assert bureau.digest("2026-12-01") == {}


def test_the_list_counts_what_waits_and_names_the_most_urgent_first(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    late, today, later = (bureau.case(mine, f"2026-11-{day}T10:00") for day in ("20", "24", "30"))
    bureau.step(today, "2026-12-01", "answer", "我又想起来一点")
    with bureau.database.reading() as session:
        numbers = [session.get_one(Case, id_).number for id_ in (late, today, later)]
    bureau.told()
    head, *lines = bureau.digest(T0)[OFFICER].split("\n")
    assert head == "早上好，您有 3 件在办：超期 1、今天到期 1、有新留言 1。"
    assert lines == [
        f"{numbers[0]}  12-11  超期 2 个工作日",
        f"{numbers[1]}  12-15  今天到期",
        f"{numbers[2]}  12-21  还有 4 个工作日",
    ]
    assert bureau.digest(T0) == {}  # once a day


def test_a_case_that_is_worked_with_another_is_not_listed_twice(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    bureau.case(mine, main_id=bureau.case(mine))
    assert bureau.digest("2026-12-01")[OFFICER].startswith("早上好，您有 1 件在办。")


def test_only_leaders_hear_of_what_nobody_has_and_who_is_away_hears_nothing(bureau: Bureau) -> None:
    bureau.staff(OFFICER)
    bureau.case(bureau.staff("resting", away=True))
    bureau.staff(LEADER, StaffRole.LEADER)
    for _ in range(3):
        bureau.case(None)
    assert bureau.digest("2026-12-01") == {LEADER: "早上好，您有 0 件在办：待分派 3。"}


def test_a_case_whose_terms_are_all_met_is_listed_without_a_day(bureau: Bureau) -> None:
    case_id = bureau.case(bureau.staff(OFFICER))
    bureau.step(case_id, "2026-12-01", "accept")
    bureau.step(case_id, "2026-12-01", "file_case")
    bureau.told()
    assert bureau.digest("2026-12-02")[OFFICER].endswith("没有在走的期限")


def test_a_complaint_goes_from_the_term_of_acceptance_to_that_of_mediation(bureau: Bureau) -> None:
    mine = bureau.staff(OFFICER)
    with bureau.database.unit() as session:
        case_id = filed(bureau.bench, session, NOW, CaseKind.COMPLAINT, officer_id=mine).id
    ((_, text),) = bureau.escalate("2026-12-01")
    assert text.endswith("还有 2 个工作日到期（12-03）")
    bureau.step(case_id, "2026-12-02", "accept")
    bureau.told()
    assert bureau.escalate("2026-12-04") == []
    assert bureau.clock(case_id).rule == terms.MEDIATION


def test_what_staff_are_told_lies_sealed(bureau: Bureau) -> None:
    bureau.case(bureau.staff(OFFICER))
    bureau.escalate(T2)
    bureau.digest(T2)
    with bureau.database.reading() as session:
        rows = session.scalars(select(OutboxRow)).all()
        states = [row.state for row in session.scalars(select(dialogues.Dialogue))]
        number = cases.get(session, 1)
    assert number is not None
    assert len(rows) == 2
    shown = "".join(map(str, [*(row.payload for row in rows), *states]))
    assert number.number not in shown


def test_a_numbered_answer_to_what_was_told_opens_the_case(bureau: Bureau, reception: Reception) -> None:
    bureau.case(bureau.staff(OFFICER))
    bureau.escalate(T2)
    with bureau.database.reading() as session:
        person = contacts.find(session, "terminal", OFFICER)
        assert person is not None
        (row,) = session.scalars(select(OutboxRow).where(OutboxRow.contact_id == person.id)).all()
        reply = reply_of(reception.bench.vault, row)
    assert [(c.label, c.action) for c in reply.choices] == [("看案件", "officers:show/1")]
