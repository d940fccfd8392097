"""What anybody sees of a pledge is today's truth, whatever happened in which order; each change is recorded and told
once; nothing of reporters or of persons comes with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from handlers.cases.steps import REOPEN
from handlers.pledge import checking, standing
from handlers.turn import Reception
from scheduler import pledges as job
from storage import contacts, pledges
from storage.database import Database, Session
from storage.ledger import ItemState, LedgerItem
from storage.outbox import OutboxRow
from storage.pledges import Pledge, PledgeEvent, PledgeState, Status
from storage.shops import Shop
from tests.pledging import CORRECTED, MINOR, PUNISHED, TODAY, Counter, counter, day
from tests.shops import add, shop
from tests.support import NOW, local
from tests.web.pledged import OTHER, sign

VALID, EXPIRING, PAUSED, REVOKED, EXPIRED = (
    Status.VALID,
    Status.EXPIRING,
    Status.PAUSED,
    Status.REVOKED,
    Status.EXPIRED,
)


@pytest.fixture
def here(database: Database, reception: Reception) -> Counter:
    return counter(database, reception)


@pytest.fixture
def walked(tmp_path: Path, empty_file: Path, reception: Reception) -> Iterator[Counter]:
    path = tmp_path / "walk.db"
    shutil.copy(empty_file, path)
    database = Database(f"sqlite:///{path}")
    yield counter(database, reception)
    database.close()


# -- every order of events against a plain model ------------------------------------------------------------------


@dataclass
class Modelled:
    """A pledge as the rules have it. ``dues``: of each instrument, None once it is retired; ``ends``: of each confirmed
    case that stands, when it ended; ``recorded``: what the daily check has written down."""

    dues: list[date | None]
    until: date
    today: date = TODAY
    recorded: str = "active"
    cause: str = ""
    ends: dict[int, date] = field(default_factory=dict)
    told: int = 0

    @property
    def late(self) -> bool:
        return any(due is not None and (self.today - due).days > 30 for due in self.dues)

    @property
    def over(self) -> bool:
        return self.today > self.until

    @property
    def status(self) -> Status:
        if self.recorded == "revoked":
            return REVOKED
        if self.over:
            return EXPIRED
        if self.cause == "violation" or self.late:
            return PAUSED
        return EXPIRING if (self.until - self.today).days <= 30 else VALID

    def become(self, recorded: str, cause: str = "") -> None:
        self.recorded, self.cause, self.told = recorded, cause, self.told + 1

    def check(self) -> int:
        if self.over or self.recorded == "revoked" or self.cause == "violation":
            return 0
        if self.late is (self.recorded == "paused"):
            return 0
        self.become("paused" if self.late else "active", "overdue" if self.late else "")
        return 1


OPS = st.one_of(
    st.tuples(st.just("pass"), st.sampled_from([1, 2, 14, 29, 30, 31, 90, 340])),
    st.tuples(st.just("verify"), st.tuples(st.integers(0, 1), st.sampled_from([-31, -30, -1, 0, 40, 400]))),
    st.tuples(st.just("retire"), st.integers(0, 1)),
    st.tuples(st.just("violation"), st.sampled_from([CORRECTED, MINOR, PUNISHED])),
    st.tuples(st.sampled_from(["reopen", "revoke", "restore", "check"]), st.just(0)),
)


class Walk:
    """One shop's pledge, and what the model has of it."""

    def __init__(self, here: Counter) -> None:
        self.here, self.steps = here, 0
        self.who = f"walker{here.do(lambda s: s.scalar(select(func.count(Shop.id))))}"
        self.shop_id, self.number = here.do(self._pledge)
        self.model = Modelled([TODAY + timedelta(days=20), TODAY + timedelta(days=200)], date(2027, 11, 23))

    def _pledge(self, session: Session) -> tuple[int, str]:
        place = shop(session, NOW, self.who, "走走店")
        for days in (20, 200):
            add(self.here.bench, session, place.id, TODAY + timedelta(days=days), NOW, (f"W{days}",))
        return place.id, sign(self.here.bench, session, place, NOW).number

    @property
    def now(self) -> datetime:
        return NOW + (self.model.today - TODAY) + timedelta(minutes=self.steps)

    def do(self, op: str, given: object) -> None:
        self.steps += 1
        getattr(self, f"_{op}")(given)
        self.agree()

    def agree(self) -> None:
        seen = self.here.seen(self.now, self.number)
        assert seen.status is self.model.status
        since = self.model.today - timedelta(days=365)
        assert seen.confirmed == sum(end >= since for end in self.model.ends.values())
        dues = [due for due in self.model.dues if due is not None]
        assert (seen.must, seen.valid) == (len(dues), sum(due >= self.model.today for due in dues))
        with self.here.database.reading() as session:
            listed = [row.number for row, _ in pledges.listed(session, self.model.today)]
            assert (self.number in listed) is (self.model.status in (VALID, EXPIRING))
            assert pledges.count_listed(session, self.model.today) == len(listed)
        assert len(self.here.told(self.who)) == self.model.told

    def _pass(self, days: int) -> None:
        self.model.today += timedelta(days=days)

    def _verify(self, given: tuple[int, int]) -> None:
        which, days = given
        self.model.dues[which] = self.model.today + timedelta(days=days)
        self._write(which, self.model.dues[which], ItemState.ACTIVE)

    def _retire(self, which: int) -> None:
        self.model.dues[which] = None
        self._write(which, None, ItemState.RETIRED)

    def _write(self, which: int, due: date | None, state: ItemState) -> None:
        def write(session: Session) -> None:
            rows = session.scalars(select(LedgerItem).where(LedgerItem.shop_id == self.shop_id).order_by(LedgerItem.id))
            row = list(rows)[which]
            row.due_on, row.state = due, state

        self.here.do(write)

    def _violation(self, outcome: int) -> None:
        case_id = self.here.confirm(self.now, outcome, self.shop_id)
        self.model.ends[case_id] = self.model.today
        if not self.model.over and self.model.recorded != "revoked" and self.model.cause != "violation":
            self.model.become("paused", "violation")

    def _reopen(self, _given: object) -> None:
        fresh = [id_ for id_, end in self.model.ends.items() if self.model.today <= end + REOPEN]
        if fresh:
            self.here.reopen(fresh[-1], self.now)
            del self.model.ends[fresh[-1]]

    def _revoke(self, _given: object) -> None:
        if self.model.recorded != "revoked":
            self._staff(lambda s, row: standing.revoke(s, row, "RV3", "短秤投诉多次属实", "staff:1", self.now))
            self.model.become("revoked", "RV3")

    def _restore(self, _given: object) -> None:
        if self.model.recorded != "active":
            self._staff(lambda s, row: standing.resume(s, row, "整改合格，已核查", self.now, "staff:1"))
            self.model.become("active")

    def _staff(self, deed: Callable[[Session, Pledge], None]) -> None:
        self.here.do(lambda session: deed(session, pledges.by_number(session, self.number)[0]))

    def _check(self, _given: object) -> None:
        assert job.check(self.here.database, self.now) == self.model.check()
        assert job.check(self.here.database, self.now) == 0

    def leave(self) -> None:
        """The next walk's daily check is about its own pledge only."""

        def end(session: Session) -> None:
            row = pledges.by_number(session, self.number)[0]
            row.state = PledgeState.ENDED

        self.here.do(end)


@settings(max_examples=60)
@given(ops=st.lists(OPS, min_size=1, max_size=14))
def test_whatever_happens_the_public_sees_the_rules_at_once(walked: Counter, ops: list[tuple[str, object]]) -> None:
    walk = Walk(walked)
    walk.agree()
    for op, given_ in ops:
        walk.do(op, given_)
    walk.leave()


# -- the boundaries, one by one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "status"), [(0, VALID), (1, VALID), (29, VALID), (30, VALID), (31, PAUSED)])
def test_thirty_days_overdue_is_still_in_force_and_thirty_one_is_not(here: Counter, late: int, status: Status) -> None:
    here.prepare(10, 200)
    here.sign()
    assert here.seen(day(10 + late)).status is status
    assert here.latest().state == PledgeState.ACTIVE  # no job has run


def test_one_instrument_too_late_pauses_and_its_new_date_or_its_end_resumes(here: Counter) -> None:
    here.prepare(1, 5, 200)
    here.sign()
    now = day(40)
    assert job.check(here.database, now) == 1
    assert here.seen(now).status is PAUSED
    here.due(TODAY + timedelta(days=300), TODAY + timedelta(days=5), TODAY + timedelta(days=200))
    assert here.seen(now).status is PAUSED
    here.due(TODAY + timedelta(days=300), TODAY + timedelta(days=300), TODAY + timedelta(days=200))
    assert here.seen(now).status is VALID
    assert job.check(here.database, now) == 1
    assert (here.latest().state, here.latest().cause, here.latest().reason) == (PledgeState.ACTIVE, "", "")


def test_what_is_mended_in_the_last_month_is_said_to_end_soon(here: Counter) -> None:
    here.prepare(300)
    here.sign()
    job.check(here.database, day(340))
    here.due(TODAY + timedelta(days=900))
    assert here.seen(day(340)).status is EXPIRING  # the check has not written it down yet
    job.check(here.database, day(340))
    assert here.seen(day(340)).status is EXPIRING


def test_those_in_charge_are_told_once_what_to_do_and_how_to_appeal(here: Counter) -> None:
    here.prepare(1)
    row = here.sign()
    for _ in range(3):
        job.check(here.database, day(32))
    for who in ("owner", "manager"):
        (told,) = here.told(who)
        assert told.text.startswith(f"您店的诚信计量承诺 {row.number} 已暂停展示：1 台强检器具超期 30 天以上没有检定。")
        assert "检定或停用后自动恢复" in told.text
        assert [choice.label for choice in told.choices] == ["怎么恢复", "申诉"]
    assert here.told("clerk") == here.told("viewer") == here.told("stranger") == []
    assert here.text("owner", "1", day(32)).startswith("鲜达超市 的承诺")


def test_a_violation_confirmed_during_a_pause_outlasts_the_verification(here: Counter) -> None:
    here.prepare(1)
    here.sign()
    job.check(here.database, day(32))
    here.confirm(day(33))
    here.due(TODAY + timedelta(days=400))
    job.check(here.database, day(34))
    assert (here.seen(day(34)).status, here.latest().cause) == (PAUSED, "violation")
    assert "工作人员核实恢复" in here.told("owner")[-1].text


def test_a_shop_without_a_pledge_or_with_an_old_one_hears_of_no_pause(here: Counter) -> None:
    here.prepare(900)
    here.confirm()
    row = here.sign()
    assert (row.state, here.told("owner")) == (PledgeState.ACTIVE, [])
    here.confirm(day(400))
    assert (here.seen(day(400)).status, here.told("owner")) == (EXPIRED, [])


def test_a_tip_that_nobody_confirmed_pauses_nothing(here: Counter) -> None:
    here.prepare(200)
    here.sign()
    for outcome in (3, 4):
        here.confirm(outcome=outcome)
    assert (here.seen().status, here.seen().confirmed, here.told("owner")) == (VALID, 0, [])


def test_every_change_stands_in_the_journal_and_in_the_audit_log(here: Counter) -> None:
    here.prepare(1)
    row = here.sign()
    job.check(here.database, day(32))
    here.due(TODAY + timedelta(days=400))
    job.check(here.database, day(33))
    actions = ["pledge.signed", "pledge.paused", "pledge.resumed"]
    with here.database.reading() as session:
        events = session.scalars(select(PledgeEvent).order_by(PledgeEvent.id)).all()
        assert [(event.action, event.actor) for event in events] == [
            ("pledge.signed", "owner"),
            ("pledge.paused", "system"),
            ("pledge.resumed", "system"),
        ]
    log = here.audited()
    assert [sum(action in line and f"pledge:{row.id}" in line for line in log) for action in actions] == [1, 1, 1]


# -- nothing of reporters, nothing of persons ---------------------------------------------------------------------

CANARIES = ("canary-told", "canary-matter", "canary-who", "13877778888", "canary-reason", "canary-phone", "owner")


def test_what_the_public_gets_holds_nothing_of_anybody(here: Counter) -> None:
    here.prepare(1, 200)
    row = here.sign()
    here.confirm(told="canary-told 13877778888", matter="canary-matter", who="canary-who")

    def private(session: Session) -> None:
        place = session.get_one(Shop, 1)
        place.phone, place.address = b"canary-phone", "canary-address"
        found = pledges.by_number(session, row.number)[0]
        found.reason, found.declared = "canary-reason", {"staff": "canary-who"}

    here.do(private)
    public = [repr(here.seen())]
    for text in (row.number, "3"):
        public += [reply.text for reply in here.say("anybody", text)]
    with here.database.reading() as session:
        public += [f"{p.number} {s.district}" for p, s in pledges.listed(session, TODAY)]
    assert not [canary for canary in (*CANARIES, "canary-address") for text in public if canary in text]


def test_what_is_told_to_the_shop_does_not_name_the_case(here: Counter) -> None:
    here.prepare(200)
    here.sign()
    here.confirm(told="canary-told", who="canary-who")
    (told,) = here.told("owner")
    assert "近期查实有计量违法" in told.text
    assert not any(word in told.text for word in ("TS-", "canary", "举报人", "A12", "排骨"))


# -- the number in a chat -----------------------------------------------------------------------------------------


def test_a_number_shows_the_truth_of_the_day_in_one_message(here: Counter) -> None:
    here.prepare(20, 200)
    number = here.sign().number
    seen = [here.text("anybody", number, day(days)).split("：")[0] for days in (0, 20 + 30, 20 + 31, 364, 365)]
    assert seen == ["✔ 真实有效", "✔ 真实有效", "✘ 现在是“暂停”", "✘ 现在是“暂停”", "✘ 现在是“已到期”"]


@pytest.mark.parametrize("text", [OTHER, OTHER.lower(), f"这家的承诺是 {OTHER} 吗"])
def test_a_number_that_was_never_given_out_is_called_a_forgery(here: Counter, text: str) -> None:
    here.prepare(200)
    here.sign()
    said = here.say("anybody", text)
    assert said[0].text == checking.UNKNOWN.format(OTHER)
    assert said[0].choices[0].label == "反馈假承诺"


def test_a_scanned_card_leads_to_the_same_answer(here: Counter) -> None:
    here.prepare(200)
    number = here.sign().number
    typed = here.text("anybody", number)
    assert here.text("scanner", "", route=f"p_{number}").endswith(typed)


def test_the_way_from_the_number_to_a_tip_knows_the_shop(here: Counter) -> None:
    here.prepare(200)
    number = here.sign().number
    here.say("anybody", number)
    assert "鹿城区鲜达超市，是什么事" in here.text("anybody", "2")


def test_a_notice_is_kept_apart_for_each_account(here: Counter) -> None:
    here.prepare(1)
    here.sign()
    job.check(here.database, day(32))
    with here.database.reading() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == standing.KIND)).all()
        people = {contacts.find(session, "terminal", who).id for who in ("owner", "manager")}
    assert {row.contact_id for row in rows} == people
    assert len(rows) == 2


def test_a_day_begins_at_midnight_in_china(here: Counter) -> None:
    here.prepare(10)  # until 4 December: 3 January is the thirtieth day after
    number = here.sign().number
    assert here.text("anybody", number, local("2027-01-03T23:59")).startswith("✔")
    assert here.text("anybody", number, local("2027-01-04T00:00")).startswith("✘ 现在是“暂停”")
