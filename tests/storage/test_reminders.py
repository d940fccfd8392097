"""What is due, what was told, who is to be called: as rows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from handlers.turn import Reception
from storage import contacts, outbox, reminders, shops
from storage.contacts import Contact
from storage.database import Database, Session
from storage.ledger import ItemState, LedgerItem
from storage.outbox import Envelope
from storage.reminders import KIND, Reach, Reminder, ReminderBatch
from storage.shops import Role
from tests.shops import add, shop
from tests.support import NOW

TODAY = date(2026, 12, 1)
DUE = date(2026, 12, 31)


@pytest.fixture
def items(database: Database, reception: Reception) -> list[int]:
    """Three shops with two instruments each, all to be told of on 1 December."""
    with database.unit() as session:
        return [
            item.id
            for n in range(3)
            for item in add(
                reception.bench, session, shop(session, NOW, f"p{n}", f"店{n}店").id, DUE, NOW, (f"{n}a", f"{n}b")
            )
        ]


def found(session: Session, limit: int = 100, today: date = TODAY, but: tuple[int, ...] = ()) -> list[tuple[int, int]]:
    return [(due.shop.id, len(due.items)) for due in reminders.due(session, today, limit, but)]


def tell(session: Session, shop_id: int, day: date = TODAY, stage: int = 30) -> ReminderBatch:
    batch = reminders.new_batch(session, shop_id, day, NOW)
    for item in session.scalars(select(LedgerItem).where(LedgerItem.shop_id == shop_id)):
        reminders.record(session, batch, item, stage)
    session.flush()
    return batch


# -- what is due --------------------------------------------------------------------------------------------------


def test_due_is_what_has_its_day_and_was_not_told_today(database: Database, items: list[int]) -> None:
    assert len(items) == 6
    with database.unit() as session:
        assert found(session, today=TODAY - timedelta(days=1)) == []
        assert found(session) == [(1, 2), (2, 2), (3, 2)]
        assert found(session, but=(2,)) == [(1, 2), (3, 2)]
        tell(session, 1)
        assert found(session) == [(2, 2), (3, 2)]
        assert found(session, today=TODAY + timedelta(days=1)) == [(1, 2), (2, 2), (3, 2)]


def test_a_chunk_never_splits_a_shop(database: Database, items: list[int]) -> None:
    assert items
    with database.unit() as session:
        assert found(session, limit=1) == [(1, 2)]
        assert found(session, limit=3) == [(1, 2), (2, 2)]


@pytest.mark.postgres
def test_a_shop_that_another_clock_is_at_is_passed_over(postgres: Database, reception: Reception) -> None:
    with postgres.unit() as session:
        ids = [shop(session, NOW, f"lock{n}", f"锁{n}店").id for n in range(2)]
        for shop_id in ids:
            add(reception.bench, session, shop_id, DUE, NOW)
    with postgres.unit() as here:
        (held,) = reminders.due(here, TODAY, 1)
        with postgres.unit() as other:
            assert held.shop.id not in [due.shop.id for due in reminders.due(other, TODAY, 100)]


def test_the_real_due_scan_goes_by_its_partial_index(database: Database, items: list[int]) -> None:
    assert items
    said: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, sql: str, values: object, *_rest: object) -> None:
        said.append((sql, values))

    with database.unit() as session:
        event.listen(database.engine, "before_cursor_execute", note)
        reminders.due(session, TODAY, 100)
        event.remove(database.engine, "before_cursor_execute", note)
    sql, values = next((sql, values) for sql, values in said if "remind_on" in sql)
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + sql, values))  # type: ignore[arg-type]
    assert "ix_ledger_items_remind_on" in plan


# -- what was told ------------------------------------------------------------------------------------------------


def test_a_stage_of_a_due_date_is_told_once(database: Database, items: list[int]) -> None:
    assert items
    with database.unit() as session:
        tell(session, 1)
    with pytest.raises(IntegrityError), database.unit() as session:
        tell(session, 1, TODAY + timedelta(days=1))


def test_a_shop_is_told_once_a_day(database: Database, items: list[int]) -> None:
    assert items
    with database.unit() as session:
        tell(session, 1)
    with pytest.raises(IntegrityError), database.unit() as session:
        reminders.new_batch(session, 1, TODAY, NOW)


def test_stages_of_an_earlier_due_date_do_not_count(database: Database, items: list[int]) -> None:
    with database.unit() as session:
        tell(session, 1, stage=60)
        tell(session, 1, TODAY + timedelta(days=1), stage=30)
        first, second = (session.get_one(LedgerItem, n) for n in items[:2])
        assert reminders.stages_told(session, [first, second]) == {first.id: {60, 30}, second.id: {60, 30}}
        first.due_on = date(2027, 12, 31)
        session.flush()
        assert reminders.stages_told(session, [first, second]) == {first.id: set(), second.id: {60, 30}}


def test_a_batch_holds_what_still_has_its_date_and_is_in_use(database: Database, items: list[int]) -> None:
    with database.unit() as session:
        batch = tell(session, 1)
        ids = [item.id for item in reminders.batch_items(session, 1, batch.id)[1]]  # type: ignore[index]
        assert ids == items[:2]
        assert reminders.batch_items(session, 2, batch.id) is None
        session.get_one(LedgerItem, items[0]).state = ItemState.RETIRED
        session.get_one(LedgerItem, items[1]).due_on = date(2027, 12, 31)
        session.flush()
        assert reminders.batch_items(session, 1, batch.id) == (batch, [])


def test_what_is_told_once_more_belongs_to_the_new_message(database: Database, items: list[int]) -> None:
    with database.unit() as session:
        old = tell(session, 1)
        new = reminders.new_batch(session, 1, TODAY + timedelta(days=3), NOW)
        reminders.join(session, new, session.get_one(LedgerItem, items[0]))
        held = {batch.id: reminders.batch_items(session, 1, batch.id) for batch in (old, new)}
        assert {id_: [i.id for i in pair[1]] for id_, pair in held.items() if pair} == {
            old.id: [items[1]],
            new.id: [items[0]],
        }
        assert reminders.latest_batch(session, 1) is new


# -- who is to be called ------------------------------------------------------------------------------------------


def test_the_newest_reminder_to_each_member_shows_how_it_fared(database: Database, items: list[int]) -> None:
    assert items
    with database.unit() as session:
        clerk = contacts.get_or_create(session, "wechat", "clerk", NOW)
        shops.accept(session, shops.invite(session, 1, Role.MANAGER, NOW), clerk.person_id, NOW)
        assert reminders.last_sent(session, 1) == []
        owner = session.scalars(select(Contact).where(Contact.external_id == "p0")).one()
        for day in (TODAY - timedelta(days=15), TODAY):
            tell(session, 1, day, stage=(DUE - day).days)
            for contact in (owner, clerk):
                key = f"{reminders.dedup_prefix(1)}{day}:{contact.id}"
                outbox.push(session, contact, {"text": str(day)}, NOW, Envelope(kind=KIND, dedup_key=key))
        last = reminders.last_sent(session, 1)
        assert sorted((row.contact_id, row.payload["text"]) for row in last) == sorted(
            (contact.id, str(TODAY)) for contact in (owner, clerk)
        )


def test_overdue_shops_come_by_pages_and_without_those_that_did_something(database: Database, items: list[int]) -> None:
    late = DUE + timedelta(days=8)
    with database.unit() as session:
        assert reminders.overdue_shops(session, late, 0, 2) == [1, 2]
        assert reminders.overdue_shops(session, late, 2, 2) == [3]
        assert reminders.overdue_shops(session, DUE, 0, 2) == []
        for n in items[:2]:
            session.get_one(LedgerItem, n).state = ItemState.BOOKED
        session.get_one(LedgerItem, items[2]).mandatory = False
        session.flush()
        assert reminders.overdue_shops(session, late, 0, 9) == [2, 3]
        assert [reminders.overdue_pieces(session, n, late) for n in (1, 2, 3)] == [0, 1, 2]


def test_who_was_called_stays_called_until_it_reacts(database: Database, items: list[int]) -> None:
    assert items
    with database.unit() as session:
        reminders.note_unreached(session, 1, Reach.SILENT, 2, TODAY)
        reminders.note_unreached(session, 2, Reach.UNBOUND, 1, TODAY - timedelta(days=1))
        session.flush()
        assert [row.shop_id for row, _ in reminders.unreached(session, 9)] == [2, 1]
        assert reminders.mark_called(session, 2, NOW)
        reminders.note_unreached(session, 2, Reach.SILENT, 5, TODAY)
        session.flush()
        assert [row.shop_id for row, _ in reminders.unreached(session, 9)] == [1]
        reminders.clear_unreached(session, 2)
        reminders.note_unreached(session, 2, Reach.SILENT, 5, TODAY)
        session.flush()
        assert {row.shop_id for row, _ in reminders.unreached(session, 9)} == {1, 2}


def test_a_shop_that_goes_takes_along_what_it_was_told(database: Database, items: list[int]) -> None:
    assert items
    with database.unit() as session:
        tell(session, 1)
        kept = tell(session, 2)
        reminders.note_unreached(session, 1, Reach.SILENT, 2, TODAY)
        session.flush()
        reminders.drop_shop(session, 1)
        assert set(session.scalars(select(Reminder.batch_id))) == {kept.id}
        assert session.scalars(select(ReminderBatch.shop_id)).all() == [2]
        assert reminders.unreached(session, 9) == []
