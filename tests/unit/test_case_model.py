"""Every step of a case in every order, against a model that is a few dictionaries: states, terms, audit, news, receipts."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from handlers.cases import steps, terms
from handlers.cases.steps import Desk, StepError
from handlers.sealing import reply_of
from handlers.talk import SHANGHAI, Bench
from handlers.turn import Reception
from scheduler import deadlines
from storage import audit, case_clocks, case_links, cases, chain, contacts, staff
from storage.case_clocks import LIVE, CaseClock
from storage.case_links import Receipt
from storage.cases import Case, CaseKind
from storage.chain import Head
from storage.contacts import Contact
from storage.database import Database, Session
from storage.outbox import OutboxRow
from tests.cases import filed
from tests.support import NOW

MOST_CASES = 5
COMPLAINT, REPORT = "complaint", "report"
OPEN, REOPENABLE = ("received", "accepted", "filed"), ("closed", "refused")
DEEDS: dict[str, tuple[str, dict[str, str]]] = {
    "accept": ("case.accepted", {"received": "accepted"}),
    "refuse": ("case.refused", {"received": "refused"}),
    "transfer": ("case.transferred", dict.fromkeys(OPEN, "transferred")),
    "file_case": ("case.filed-for-penalty", {"accepted": "filed"}),
    "close": ("case.closed", {"accepted": "closed", "filed": "closed"}),
    "withdraw": ("case.withdrawn", {"received": "withdrawn", "accepted": "withdrawn"}),
}
"""What a step is called in the audit log, and where it leads from where."""
FIRST = {COMPLAINT: "complaint-accept", REPORT: "report-check"}
STOPPABLE = ("mediation", "report-check")
ACTORS = st.sampled_from(("staff:1", "staff:2", "command", "reporter"))


@dataclass
class Modelled:
    """A case as it should be. ``terms``: what runs in it, True where it stands still."""

    kind: str
    news: bool
    identified: bool
    state: str = "received"
    main: int | None = None
    ended: date | None = None
    terms: dict[str, bool] = field(default_factory=dict)
    extended: bool = False
    log: list[tuple[str, str]] = field(default_factory=lambda: [("reporter", "case.filed")])
    told: int = 0


class CaseMachine(RuleBasedStateMachine):
    bench: Bench
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "cases.db")
        self.database = Database(f"sqlite:///{self.folder / 'cases.db'}")
        self.model: dict[int, Modelled] = {}
        self.now = NOW

    def teardown(self) -> None:
        with self.database.reading() as session:
            head = audit.head(session)
            assert chain.first_fault(audit.entries(session), iter(()), head) == Head(head.seq, head.hash)
            assert head.seq == sum(len(one.log) for one in self.model.values())
        self.database.close()
        shutil.rmtree(self.folder)

    @property
    def today(self) -> date:
        return self.now.astimezone(SHANGHAI).date()

    def some(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.model)))

    def do(self, case_id: int, actor: str, deed: str, *given: Any, **named: Any) -> bool:
        """Take a step in a transaction; whether it was taken."""
        self.now += timedelta(seconds=1)
        try:
            with self.database.unit() as session:
                desk = Desk(self.bench, session, actor, self.now)
                getattr(steps, deed)(desk, session.get_one(Case, case_id), *given, **named)
        except StepError:
            return False
        return True

    # -- beginning, and time --------------------------------------------------------------------------------------

    @initialize()
    def bureau(self) -> None:
        with self.database.unit() as session:
            leader = staff.add(session, "组长", "", staff.StaffRole.LEADER, NOW)
            leader.contact_id = contacts.get_or_create(session, "terminal", "leader", NOW).id

    @initialize(kind=st.sampled_from((COMPLAINT, REPORT)))
    def two_alike(self, kind: str) -> None:
        for _ in range(2):
            self.file(kind, news=True, identified=True)

    @precondition(lambda self: len(self.model) < MOST_CASES)
    @rule(kind=st.sampled_from((COMPLAINT, REPORT)), news=st.booleans(), identified=st.booleans())
    def file(self, kind: str, news: bool, identified: bool) -> None:  # noqa: FBT001 - drawn by name
        number = len(self.model) + 1
        with self.database.unit() as session:
            who = f"r{number}" if news else ""
            case = filed(self.bench, session, self.now, CaseKind(kind), who, identified=identified)
            case_links.keep_receipt(session, case.id, f"digest {number}")
            self.model[case.id] = Modelled(kind, news, identified, terms={FIRST[kind]: False})

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def marks_are_told(self) -> None:
        deadlines.escalate(self.database, self.now, self.bench)
        with self.database.reading() as session:
            assert case_clocks.due(session, self.today, 1) == []

    # -- steps that lead somewhere --------------------------------------------------------------------------------

    @rule(data=st.data(), deed=st.sampled_from(sorted(DEEDS)), actor=ACTORS)
    def any_step(self, data: st.DataObject, deed: str, actor: str) -> None:
        self.step(self.some(data), deed, actor)

    @precondition(lambda self: any(one.state in OPEN for one in self.model.values()))
    @rule(data=st.data(), actor=ACTORS)
    def fitting_step(self, data: st.DataObject, actor: str) -> None:
        fitting = [(id_, deed) for id_ in sorted(self.model) for deed in sorted(DEEDS) if self.leads(id_, deed)]
        self.step(*data.draw(st.sampled_from(fitting)), actor)

    def leads(self, case_id: int, deed: str) -> bool:
        one = self.model[case_id]
        wrong_kind = (deed, one.kind) in (("file_case", COMPLAINT), ("withdraw", REPORT))
        return one.state in DEEDS[deed][1] and not wrong_kind

    def step(self, case_id: int, deed: str, actor: str) -> None:
        one = self.model[case_id]
        action, moves = DEEDS[deed]
        taken = self.do(case_id, actor, deed, *self.given(deed, one.kind))
        assert taken is self.leads(case_id, deed)
        if not taken:
            return
        together = [case_id] if deed == "withdraw" else self.together(case_id, moves)
        for id_ in together:
            self.moved(self.model[id_], moves[self.model[id_].state], (actor, action))
        if deed == "withdraw":
            one.told -= one.news  # it was they who took it back
            self.passed_on(case_id)

    def given(self, deed: str, kind: str) -> tuple[Any, ...]:
        book = self.bench.casebook
        return {
            "refuse": (book.ground(kind, 1, NOW.date()),),
            "transfer": ("公安机关",),
            "close": (book.outcomes(kind)[2], "现场核查两次，都没有发现。"),
        }.get(deed, ())

    def together(self, case_id: int, moves: dict[str, str]) -> list[int]:
        """The case and those worked with it that can go the same way; who cannot follow to an end is parted."""
        ends = moves[self.model[case_id].state] not in OPEN
        found = [case_id]
        for id_, other in self.model.items():
            if other.main == case_id and other.state in moves:
                found.append(id_)
            elif other.main == case_id and ends and other.state in OPEN:
                other.main = None
        return found

    def moved(self, one: Modelled, to: str, entry: tuple[str, str]) -> None:
        one.state = to
        one.log.append(entry)
        one.told += one.news
        if to not in OPEN:
            one.ended, one.terms = self.today, {}
        elif to == "accepted" and one.kind == COMPLAINT:
            one.terms = {"mediation": False}
        elif to == "filed":
            one.terms = {"report-notice": False} if one.identified else {}

    def passed_on(self, case_id: int) -> None:
        self.model[case_id].main = None
        left = [id_ for id_, other in self.model.items() if other.main == case_id and other.state in OPEN]
        for id_ in left:
            self.model[id_].main = left[0] if id_ != left[0] else None

    @precondition(lambda self: any(one.state in REOPENABLE for one in self.model.values()))
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        self.reopened(data.draw(st.sampled_from([id_ for id_, one in self.model.items() if one.state not in OPEN])))

    def reopened(self, case_id: int) -> None:
        one = self.model[case_id]
        in_time = one.ended is not None and self.today <= one.ended + timedelta(days=15)
        taken = self.do(case_id, "reporter", "reopen", "查的不是那个摊位")
        assert taken is (one.state in REOPENABLE and in_time)
        if taken:
            was, one.state = one.state, "accepted" if one.state == "closed" else "received"
            again = "mediation" if (was, one.kind) == ("closed", COMPLAINT) else FIRST[one.kind]
            one.terms, one.ended, one.extended = {again: False}, None, False
            for other in (one, *(o for o in self.model.values() if o.main == case_id)):
                other.main = None
            one.log.append(("reporter", "case.reopened"))

    # -- terms ----------------------------------------------------------------------------------------------------

    def as_one(self, case_id: int) -> list[Modelled]:
        merged = [o for o in self.model.values() if o.main == case_id and o.state in OPEN]
        return [self.model[case_id], *merged]

    @rule(data=st.data(), actor=ACTORS, pause=st.booleans())
    def stand_still_or_go_on(self, data: st.DataObject, actor: str, pause: bool) -> None:  # noqa: FBT001 - as above
        case_id = self.some(data)
        deed, action, given = (
            ("pause", "case.paused", ("verification", "送检")) if pause else ("resume", "case.resumed", ())
        )
        hit = [o for o in self.as_one(case_id) if any(t in STOPPABLE and s is not pause for t, s in o.terms.items())]
        assert self.do(case_id, actor, deed, *given) is bool(hit)
        for one in hit:
            one.terms |= dict.fromkeys((t for t in one.terms if t in STOPPABLE), pause)
            one.log.append((actor, action))

    @rule(data=st.data(), actor=ACTORS)
    def extend(self, data: st.DataObject, actor: str) -> None:
        case_id = self.some(data)
        hit = [o for o in self.as_one(case_id) if "report-check" in o.terms and not o.extended]
        assert self.do(case_id, actor, "extend", "王局") is bool(hit)
        for one in hit:
            one.extended = True
            one.log.append((actor, "case.extended"))
            one.told += one.news

    # -- words, officers, likenesses ------------------------------------------------------------------------------

    @rule(data=st.data(), actor=ACTORS, deed=st.sampled_from(("ask", "answer", "visit", "note", "assign", "rate")))
    def word(self, data: st.DataObject, actor: str, deed: str) -> None:
        case_id = self.some(data)
        one = self.model[case_id]
        given = {"assign": (1, "组长"), "rate": ()}.get(deed, ("一句话",))
        taken = self.do(case_id, actor, deed, *given, **({"satisfied": True} if deed == "rate" else {}))
        assert taken is (deed in ("answer", "note", "rate") or one.state in OPEN)
        if not taken:
            return
        names = {"ask": ("asked",), "answer": ("answered",), "visit": ("visited", "checked-on-the-spot")}
        names |= {"note": ("noted",), "assign": ("assigned",), "rate": ("rated",)}
        one.log += [(actor, f"case.{name}") for name in names[deed]]
        if deed == "ask":
            one.told += one.news
        if deed == "visit":
            for other in self.as_one(case_id):
                other.told += other.news

    def mergeable(self) -> list[tuple[int, int]]:
        """Cases that staff could decide are about one stall, each with the one that would be the main case."""
        alone = [(id_, one) for id_, one in sorted(self.model.items()) if one.main is None and one.state in OPEN]
        return [
            (a, b)
            for a, one in alone
            for b, other in alone
            if a != b and (one.kind, one.state) == (other.kind, other.state)
        ]

    @precondition(lambda self: self.mergeable())
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        """What staff have decided, as they write it: a main case takes over the other with all that is worked with it."""
        case_id, main_id = data.draw(st.sampled_from(self.mergeable()))
        with self.database.unit() as session:
            for row in (session.get_one(Case, case_id), *cases.merged_into(session, case_id)):
                row.main_id = main_id
                self.model[row.id].main = main_id

    # -- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def every_case_is_as_the_model_has_it(self) -> None:
        with self.database.reading() as session:
            for id_, one in self.model.items():
                self.compare(session, session.get_one(Case, id_), one)

    def compare(self, session: Session, case: Case, one: Modelled) -> None:
        assert (case.state, case.main_id, case.ended_on) == (one.state, one.main, one.ended)
        assert [(r["actor"], r["action"]) for r in audit.of_object(session, f"case:{case.id}")] == one.log
        self.compare_terms(case_clocks.of_case(session, case.id), one)
        expires = session.scalars(select(Receipt.expires_on).where(Receipt.case_id == case.id)).one()
        assert expires == (one.ended + case_links.RECEIPT_LIFE if one.ended else None)
        found = select(OutboxRow).join(Contact, Contact.id == OutboxRow.contact_id)
        said = [
            reply_of(self.bench.vault, row).text
            for row in session.scalars(found.where(Contact.external_id == f"r{case.id}"))
        ]
        assert len(said) == one.told
        assert all(case.number in text for text in said)

    def compare_terms(self, clocks: list[CaseClock], one: Modelled) -> None:
        live = [clock for clock in clocks if clock.state in LIVE]
        assert sorted((c.rule, c.state == "paused") for c in live) == sorted(one.terms.items())
        assert any(c.extended for c in live) is (one.extended and "report-check" in one.terms)
        for clock in clocks:
            is_told = clock in live and clock.state == "running" and clock.told != terms.LATE
            assert (clock.remind_on is not None) is is_told
            assert (clock.ended_on is None) is (clock in live)


@pytest.fixture
def machine(reception: Reception, empty_file: Path) -> type[CaseMachine]:
    return type("Machine", (CaseMachine,), {"bench": reception.bench, "template": empty_file})


def test_every_walk_through_the_steps_keeps_to_the_model(machine: type[CaseMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=80, stateful_step_count=50, deadline=None))


def test_who_had_ended_is_not_told_what_became_of_the_others(machine: type[CaseMachine]) -> None:
    """The main case is taken up again by its own reporter: the other one stays closed, and hears nothing of it."""
    walk = machine()
    walk.bureau()
    walk.two_alike(REPORT)
    walk.model[1].main = 2
    with walk.database.unit() as session:
        session.get_one(Case, 1).main_id = 2
    for deed in ("accept", "close"):
        walk.step(2, deed, "staff:1")
    walk.reopened(2)
    for deed in ("file_case", "close"):
        walk.step(2, deed, "staff:1")
        walk.every_case_is_as_the_model_has_it()
    assert (walk.model[1].told, walk.model[2].told, walk.model[1].main) == (2, 4, None)
    walk.teardown()


def test_what_was_reopened_and_then_merged_is_told_of_its_second_end(machine: type[CaseMachine]) -> None:
    walk = machine()
    walk.bureau()
    walk.two_alike(REPORT)
    for deed in ("accept", "close"):
        walk.step(1, deed, "staff:1")
    walk.reopened(1)
    walk.step(2, "accept", "staff:1")
    walk.model[1].main = 2
    with walk.database.unit() as session:
        session.get_one(Case, 1).main_id = 2
    walk.step(2, "close", "staff:1")
    walk.every_case_is_as_the_model_has_it()
    assert walk.model[1].told == 3
    walk.teardown()


@pytest.mark.parametrize("deed", sorted(DEEDS))
@pytest.mark.parametrize("end", ["close", "refuse", "transfer"])
def test_what_has_ended_is_only_taken_up_again_by_its_reporter(machine: type[CaseMachine], deed: str, end: str) -> None:
    walk = machine()
    walk.bureau()
    walk.two_alike(REPORT)
    if end == "close":
        walk.step(1, "accept", "staff:1")
    walk.step(1, end, "staff:1")
    assert not walk.leads(1, deed)
    walk.step(1, deed, "staff:1")
    walk.every_case_is_as_the_model_has_it()
    walk.teardown()
