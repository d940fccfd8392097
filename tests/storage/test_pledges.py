"""Pledges as rows: the moves they may make, who is listed, what an account counts, what stays when somebody goes."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import IntegrityError

from handlers.turn import Reception
from knowledge.pledge_number import numbered
from storage import closing, contacts, pledges
from storage.audit import AuditEntry
from storage.cases import Stall
from storage.database import Database, Session
from storage.ledger import ItemState, LedgerItem
from storage.pledges import (
    EXPIRING,
    GRACE,
    LIVE,
    MOVES,
    Application,
    Deed,
    Pledge,
    PledgeEvent,
    PledgeMoveError,
    PledgeState,
    ScoreEvent,
    Standing,
    Status,
)
from storage.shops import Shop
from tests.shops import SCALE, add, shop
from tests.support import NOW

TODAY = date(2026, 11, 24)
LAST = date(2027, 11, 23)


def days(count: int) -> date:
    return TODAY + timedelta(days=count)


def pledge(session: Session, shop_id: int = 1, until: date = LAST, **traits: object) -> Pledge:
    """One signed today."""
    given = {"template": "honest", "contact_id": None, "signed_on": TODAY} | traits
    number = numbered(2026, pledges.next_serial(session, 2026))
    row = Pledge(
        number=number,
        shop_id=shop_id,
        shop_name="鲜达超市",
        text_version="honest-shop/1",
        text_hash="0" * 64,
        text="全文",
        declared={},
        valid_until=until,
        **given,
    )
    return pledges.sign(session, row, NOW)


@pytest.fixture
def own(database: Database) -> Database:
    with database.unit() as session:
        shop(session, NOW, "owner")
    return database


# -- moves --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("here", "to"), list(product(PledgeState, PledgeState)))
def test_only_the_moves_of_the_table_are_made_and_each_leaves_its_trace(
    own: Database, here: PledgeState, to: PledgeState
) -> None:
    with own.unit() as session:
        row = pledge(session)
        row.state = here
        deed = Deed("staff:7", "pledge.moved", "写明的理由", "RV3", {"case": 5})
        before = session.scalars(select(AuditEntry.seq)).all()
        if to not in MOVES[here]:
            with pytest.raises(PledgeMoveError):
                pledges.move(session, row, to, deed, NOW)
            assert (row.state, session.scalars(select(AuditEntry.seq)).all()) == (here, before)
            return
        pledges.move(session, row, to, deed, NOW)
        assert (row.state, row.cause, row.reason) == (to, "RV3", "写明的理由")
        last, first = pledges.events(session, row.id)
        assert (first.action, last.action, last.actor, last.text, last.at) == (
            "pledge.signed",
            "pledge.moved",
            "staff:7",
            "写明的理由",
            NOW,
        )
        record = session.scalars(select(AuditEntry.record).order_by(AuditEntry.seq)).all()[-1]
        assert "pledge.moved" in record
        assert "RV3" in record
        assert "写明的理由" not in record  # words stay out of the log


def test_what_has_ended_stays_ended_and_only_staff_bring_back_what_was_revoked() -> None:
    assert MOVES[PledgeState.ENDED] == frozenset()
    assert MOVES[PledgeState.REVOKED] == {PledgeState.ACTIVE}
    assert {state for state in PledgeState if MOVES[state] >= {PledgeState.REVOKED}} == set(LIVE)


def test_long_words_are_cut_to_what_the_columns_hold(own: Database) -> None:
    with own.unit() as session:
        row = pledge(session)
        pledges.move(session, row, PledgeState.PAUSED, Deed("staff:1", "pledge.paused", "长" * 2000, "hearing"), NOW)
        session.refresh(row)
        assert len(row.reason) == 300
        assert len(pledges.events(session, row.id)[0].text) == 1000


# -- signing ------------------------------------------------------------------------------------------------------


def test_signing_anew_ends_what_was_live_and_says_that_it_was_renewed(own: Database) -> None:
    with own.unit() as session:
        first, other = pledge(session), pledge(session, template="capability")
        second = pledge(session)
        assert [row.state for row in (first, other, second)] == [
            PledgeState.ENDED,
            PledgeState.ACTIVE,
            PledgeState.ACTIVE,
        ]
        assert (first.renewed, other.renewed, second.renewed) == (True, False, False)
        assert pledges.live(session, 1) is second
        assert pledges.live(session, 1, "capability") is other
        assert pledges.latest(session, 1) is second


def test_the_database_itself_holds_one_live_pledge_of_a_kind(own: Database) -> None:
    with own.unit() as session:
        pledge(session)
        pledge(session)
    with pytest.raises(IntegrityError), own.unit() as session:
        session.execute(update(Pledge).values(state=PledgeState.ACTIVE))
    with pytest.raises(IntegrityError), own.unit() as session:
        session.execute(update(Pledge).values(number="CXJL-2026-000001-5"))


def test_serials_go_up_in_each_year(own: Database) -> None:
    with own.unit() as session:
        assert [pledges.next_serial(session, 2026) for _ in range(3)] == [1, 2, 3]
        assert pledges.next_serial(session, 2027) == 1
        session.rollback()
    with own.unit() as session:
        assert pledges.next_serial(session, 2026) == 1  # what was rolled back was never given out
        assert [pledges.next_serial(session, 2026) for _ in range(2)] == [2, 3]
    with own.unit() as session:
        assert pledges.next_serial(session, 2026) == 4


# -- how it stands ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "left", "status"),
    [
        (PledgeState.ACTIVE, EXPIRING.days + 1, Status.VALID),
        (PledgeState.ACTIVE, EXPIRING.days, Status.EXPIRING),
        (PledgeState.ACTIVE, 0, Status.EXPIRING),
        (PledgeState.ACTIVE, -1, Status.EXPIRED),
        (PledgeState.PAUSED, 200, Status.PAUSED),
        (PledgeState.PAUSED, -1, Status.EXPIRED),
        (PledgeState.REVOKED, 200, Status.REVOKED),
        (PledgeState.REVOKED, -1, Status.REVOKED),
        (PledgeState.ENDED, 200, Status.ENDED),
    ],
)
def test_the_status_of_a_day(state: PledgeState, left: int, status: Status) -> None:
    assert pledges.status_on(Pledge(state=state, valid_until=days(left)), TODAY) is status


def test_standing_counts_pieces_of_what_must_be_verified(own: Database, reception: Reception) -> None:
    with own.unit() as session:
        assert pledges.standing(session, 1, TODAY) == Standing(0, 0, 0)
        for due in (days(0), days(-1), days(-30), days(-31), None):
            for item in add(reception.bench, session, 1, due, NOW, (f"S{due}",), SCALE):
                item.due_on = due
        (six,) = add(reception.bench, session, 1, days(50), NOW)
        six.count = 6
        other = shop(session, NOW, "stranger", "别家店")
        add(reception.bench, session, other.id, days(-90), NOW, ("X",))
        for n, change in enumerate(({"state": ItemState.RETIRED}, {"mandatory": False}, {"basis": "none"})):
            for item in add(reception.bench, session, 1, days(-90), NOW, (f"free{n}",)):
                for name, value in change.items():
                    setattr(item, name, value)
        session.flush()
        assert pledges.standing(session, 1, TODAY) == Standing(must=11, valid=7, long_overdue=1)
        assert [row.due_on for row in pledges.overdue_items(session, 1, TODAY)] == [
            days(-31),
            days(-30),
            days(-1),
            None,
        ]
        assert len(pledges.overdue_items(session, 1, TODAY, 2)) == 2


def test_the_list_agrees_with_what_each_page_shows_before_any_check_has_run(
    own: Database, reception: Reception
) -> None:
    with own.unit() as session:
        rows = {}
        for n, (due, state, cause) in enumerate(
            (
                (days(-GRACE.days), PledgeState.ACTIVE, ""),
                (days(-GRACE.days - 1), PledgeState.ACTIVE, ""),
                (days(9), PledgeState.PAUSED, "overdue"),
                (days(-GRACE.days - 1), PledgeState.PAUSED, "overdue"),
                (days(9), PledgeState.PAUSED, "violation"),
            )
        ):
            place = shop(session, NOW, f"p{n}", f"店{n}号")
            add(reception.bench, session, place.id, due, NOW, (f"{n}",))
            row = pledge(session, place.id)
            row.state, row.cause = state, cause
            rows[n] = row.id
        session.flush()
        assert [row.id for row, _ in pledges.listed(session, TODAY)] == [rows[0], rows[2]]
        assert pledges.count_listed(session, TODAY) == 2


def test_the_list_is_by_district_and_trade_in_pages(own: Database) -> None:
    with own.unit() as session:
        for n in range(6):
            place = shop(session, NOW, f"p{n}", f"店{n}号")
            place.district, place.sector = ("鹿城区", "瓯海区")[n % 2], ("trade-fuel", "trade-gold")[n % 3 == 0]
            pledge(session, place.id, until=days(n - 1))
        session.flush()
        every = [shop_.name for _, shop_ in pledges.listed(session, TODAY)]
        assert every == ["店1号", "店2号", "店3号", "店4号", "店5号"]  # the first ended yesterday
        found = pledges.listed(session, TODAY, limit=2)
        assert [s.name for _, s in found] == every[:2]
        assert [s.name for _, s in pledges.listed(session, TODAY, after=found[-1][0].id)] == every[2:]
        assert [s.name for _, s in pledges.listed(session, TODAY, district="鹿城区")] == ["店2号", "店4号"]
        assert [s.name for _, s in pledges.listed(session, TODAY, sector="trade-gold")] == ["店3号"]


def test_what_is_to_be_checked_is_live_and_has_not_run_out(own: Database) -> None:
    with own.unit() as session:
        wanted = []
        for n, (state, until) in enumerate(
            ((PledgeState.ACTIVE, 0), (PledgeState.PAUSED, 9), (PledgeState.ACTIVE, -1), (PledgeState.REVOKED, 9))
        ):
            row = pledge(session, shop(session, NOW, f"p{n}", f"店{n}号").id, until=days(until))
            row.state = state
            wanted.append(row.id)
        session.flush()
        assert [row.id for row in pledges.to_check(session, TODAY, 0, 9)] == wanted[:2]
        assert [row.id for row in pledges.to_check(session, TODAY, wanted[0], 9)] == wanted[1:2]


@pytest.mark.postgres
def test_a_pledge_that_another_clock_is_at_is_passed_over(postgres: Database) -> None:
    with postgres.unit() as session:
        ids = [pledge(session, shop(session, NOW, f"lock{n}", f"锁{n}店").id).id for n in range(2)]
    with postgres.unit() as here:
        assert [row.id for row in pledges.to_check(here, TODAY, ids[0] - 1, 1)] == ids[:1]
        with postgres.unit() as other:
            assert [row.id for row in pledges.to_check(other, TODAY, ids[0] - 1, 9)] == ids[1:]


def test_how_long_it_has_stood_goes_through_renewals_and_ends_at_a_gap(own: Database) -> None:
    with own.unit() as session:
        first = pledge(session, signed_on=days(0), until=days(100))
        second = pledge(session, signed_on=days(80), until=days(200))
        assert pledges.pledged_since(session, first) == days(0)
        assert pledges.pledged_since(session, second) == days(0)
        third = pledge(session, signed_on=days(201), until=days(300))  # the day after: no gap
        assert pledges.pledged_since(session, third) == days(0)
        fourth = pledge(session, signed_on=days(302), until=days(400))
        assert pledges.pledged_since(session, fourth) == days(302)
        pledges.move(session, fourth, PledgeState.ENDED, Deed("owner", "pledge.taken-back"), NOW)
        fifth = pledge(session, signed_on=days(310), until=days(500))
        assert pledges.pledged_since(session, fifth) == days(310)  # it was taken back in between


# -- the account --------------------------------------------------------------------------------------------------


def test_entries_are_only_added_and_an_undone_one_counts_no_longer(own: Database) -> None:
    def entry(session: Session, rule: str, **more: object) -> ScoreEvent:
        return pledges.score(session, ScoreEvent(shop_id=1, rule=rule, happened_on=TODAY, actor="staff:1", **more), NOW)

    with own.unit() as session:
        first, second = entry(session, "short-weight", case_id=9), entry(session, "fined")
        entry(session, "short-weight", undoes=first.id)
        assert [row.id for row in pledges.scores(session, 1)] == [second.id]
        assert pledges.scores(session, 2) == []
        assert len(session.scalars(select(ScoreEvent)).all()) == 3
        log = [line for line in session.scalars(select(AuditEntry.record)) if "score.added" in line]
    assert len(log) == 3


def test_an_application_is_decided_once_and_both_are_in_the_log(own: Database) -> None:
    with own.unit() as session:
        row = Application(shop_id=1, kind="demonstration", text="", answers={}, contact_id=None)
        pledges.apply_for(session, row, NOW)
        assert pledges.open_of(session, 1, ("demonstration",)) is row
        assert pledges.open_of(session, 1, ("appeal-pledge",)) is None
        assert pledges.open_of(session, 2, ("demonstration",)) is None
        pledges.decide(session, row, granted=True, decision="材料和现场都符合", actor="staff:1", now=NOW)
        assert (row.state, row.decided_by) == ("granted", "staff:1")
        assert pledges.open_of(session, 1, ("demonstration",)) is None
        assert pledges.applications(session) == []
        assert pledges.applications(session, state="granted") == [row]
        log = "".join(session.scalars(select(AuditEntry.record)))
        assert "application.filed" in log
        assert "application.decided" in log
        assert "现场" not in log


# -- when a shop or an account goes -------------------------------------------------------------------------------


def test_a_closed_shop_leaves_its_name_and_the_end_of_its_pledge(own: Database, reception: Reception) -> None:
    with own.unit() as session:
        number = pledge(session).number
        add(reception.bench, session, 1, days(9), NOW, ("1",))
        place = session.get_one(Shop, 1)
        place.phone, place.address = b"sealed", "城西菜场A12"
        closing.close(session, 1, NOW)
    with own.reading() as session:
        row, place = pledges.by_number(session, number) or pytest.fail("gone")
        assert pledges.status_on(row, TODAY) is Status.ENDED
        assert (place.name, place.phone, place.address, place.feed_hash) == ("鲜达超市", b"", "", "")
        assert session.scalars(select(LedgerItem)).all() == []
        assert [e.action for e in pledges.events(session, row.id)] == ["pledge.shop-closed", "pledge.signed"]


def test_a_shop_that_never_pledged_and_has_no_record_is_gone(own: Database) -> None:
    with own.unit() as session:
        closing.close(session, 1, NOW)
        assert session.get(Shop, 1) is None


def test_a_record_is_not_wiped_out_by_closing(own: Database) -> None:
    with own.unit() as session:
        pledges.score(session, ScoreEvent(shop_id=1, rule="fined", happened_on=TODAY, actor="system"), NOW)
        closing.close(session, 1, NOW)
        assert session.get(Shop, 1) is not None
        stalled = shop(session, NOW, "other", "有案件的店").id
        session.add(Stall(name="A12", shop_id=stalled, created_at=NOW))
        session.flush()
        closing.close(session, stalled, NOW)
        assert session.get(Shop, stalled) is not None


def test_an_account_that_is_forgotten_leaves_what_it_signed(own: Database) -> None:
    with own.unit() as session:
        me, other = (contacts.get_or_create(session, "terminal", who, NOW).id for who in ("owner", "else"))
        mine, theirs = pledge(session, contact_id=me), pledge(session, template="capability", contact_id=other)
        asked = Application(shop_id=1, kind="appeal-pledge", about=mine.id, text="", answers={}, contact_id=me)
        pledges.apply_for(session, asked, NOW)
        pledges.forget_signer(session, me)
        for row in (mine, theirs, asked):
            session.refresh(row)
        assert (mine.contact_id, asked.contact_id, theirs.contact_id) == (None, None, other)
        assert (mine.state, mine.text) == (PledgeState.ACTIVE, "全文")


# -- how much it costs --------------------------------------------------------------------------------------------


def test_a_page_of_the_list_is_one_question_however_many_there_are(own: Database) -> None:
    with own.unit() as session:
        for n in range(12):
            pledge(session, shop(session, NOW, f"p{n}", f"店{n}号").id)
    asked: list[str] = []
    with own.reading() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *more: asked.append(more[2]))
        assert len(pledges.listed(session, TODAY)) == 12
        assert pledges.count_listed(session, TODAY) == 12
    assert len([statement for statement in asked if "pledges" in statement]) == 2


def test_the_journal_is_read_newest_first_and_no_more_than_asked(own: Database) -> None:
    with own.unit() as session:
        row = pledge(session)
        for n in range(5):
            pledges.note(session, row, Deed("staff:1", f"pledge.noted-{n}"), NOW)
        assert [e.action for e in pledges.events(session, row.id, 2)] == ["pledge.noted-4", "pledge.noted-3"]
        assert len(session.scalars(select(PledgeEvent)).all()) == 6
