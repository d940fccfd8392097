from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from handlers.ledger.planning import schedule
from handlers.talk import SHANGHAI, Bench
from handlers.turn import Reception
from knowledge.stages import Plans, stage_days
from knowledge.workdays import Calendar
from scheduler import reminders as job
from scheduler.clock import Clock, Outcome
from scheduler.jobs import jobs
from storage import contacts, ledger, reminders, shops
from storage.contacts import Contact
from storage.database import Database, Session
from storage.ledger import ItemState, LedgerItem
from storage.outbox import OutboxRow, SendState
from storage.reminders import Reach, Reminder, ReminderBatch, Unreached
from tests.shops import GAUGE, add, shop
from tests.support import NOW, local

BOTH_YEARS = replace(Calendar.load(), noticed=frozenset((2025, 2026, 2027, 2028)))


@pytest.fixture
def bench(reception: Reception) -> Bench:
    """Years whose notices are known, so that nothing is provisional unless a test says so."""
    return replace(reception.bench, calendar=BOTH_YEARS)


def texts(database: Database, who: str = "wang") -> list[tuple[date, str]]:
    """What a person was reminded of, by the day in China."""
    with database.reading() as session:
        rows = session.scalars(
            select(OutboxRow)
            .join(Contact)
            .where(Contact.external_id == who, OutboxRow.kind == "reminder")
            .order_by(OutboxRow.id)
        )
        return [(row.created_at.astimezone(SHANGHAI).date(), row.payload["text"]) for row in rows]


def every_day(start: date, end: date, at: str = "09:00") -> Iterator[datetime]:
    for n in range((end - start).days + 1):
        yield local(f"{start + timedelta(days=n)}T{at}")


def tick(database: Database, now: datetime, bench: Bench) -> int:
    return job.run(database, now, bench) if job.may_tell(bench, now) else 0


def test_a_due_date_is_told_at_each_stage_and_never_twice(database: Database, bench: Bench) -> None:
    due = date(2027, 3, 3)
    with database.unit() as session:
        add(bench, session, shop(session, NOW).id, due, NOW, ("0917", "0918"))
    for now in every_day(date(2026, 11, 25), date(2027, 4, 30)):
        tick(database, now, bench)
        tick(database, now + timedelta(hours=3), bench)
    plan = Plans.load().default
    assert [day for day, _ in texts(database)] == sorted({d.day for _, d in stage_days(plan, due, BOTH_YEARS)})
    assert all("2 台电子计价秤" in text for _, text in texts(database))
    with database.reading() as session:
        told = session.execute(select(Reminder.item_id, Reminder.stage)).all()
    assert Counter(stage for _, stage in told) == dict.fromkeys(plan.stages, 2)


def test_one_message_for_all_that_is_due_on_a_day_the_most_urgent_first(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        mine = shop(session, NOW)
        add(bench, session, mine.id, date(2026, 12, 31), NOW, ("1", "2", "3"))
        add(bench, session, mine.id, date(2026, 12, 16), NOW, kind=GAUGE)
    assert tick(database, local("2026-12-01T09:00"), bench) == 1
    ((_, text),) = texts(database)
    assert text.index("12-16") < text.index("12-31 到期")
    assert "3 台电子计价秤 12-31 到期。送检要提前 15 个工作日，最晚 12-10 预约（还有 7 个工作日）。" in text
    assert tick(database, local("2026-12-01T15:00"), bench) == 0


def test_R8_after_ten_days_away_each_shop_hears_once_of_the_latest_stage(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        for n in range(3):
            add(bench, session, shop(session, NOW, f"p{n}", f"店{n}店").id, date(2026, 12, 9 + n), NOW, (str(n),))
    for now in every_day(date(2026, 12, 7), date(2026, 12, 11)):
        tick(database, now, bench)
    for n in range(3):
        days = [day for day, _ in texts(database, f"p{n}")]
        assert days[0] == date(2026, 12, 7)
        assert len(days) == len(set(days))
    with database.reading() as session:
        stages = session.scalars(select(Reminder.stage).order_by(Reminder.stage.desc())).all()
    assert 15 not in stages, "the stages slept through are not made up for"
    assert max(stages) == 7


@pytest.mark.parametrize("leap", [timedelta(hours=8), timedelta(hours=-1), timedelta(days=400)])
def test_R8_a_clock_that_jumps_doubles_nothing(database: Database, bench: Bench, leap: timedelta) -> None:
    with database.unit() as session:
        add(bench, session, shop(session, NOW).id, date(2026, 12, 31), NOW, ("1",))
    start = local("2026-12-01T09:30")
    for now in (start, start + leap, start + timedelta(minutes=1), start + leap):
        job.run(database, now, bench)
    with database.reading() as session:
        told = session.execute(select(Reminder.item_id, Reminder.due_on, Reminder.stage)).all()
        days = session.execute(select(ReminderBatch.shop_id, ReminderBatch.day)).all()
    assert len(told) == len(set(told))
    assert len(days) == len(set(days)) == len(texts(database))


@pytest.mark.parametrize(
    ("at", "may"),
    [
        ("2026-12-01T08:59", False),
        ("2026-12-01T09:00", True),
        ("2026-12-01T20:59", True),
        ("2026-12-01T21:00", False),
        ("2026-12-05T09:00", False),  # a Saturday
        ("2026-02-14T09:00", True),  # a Saturday that is worked
        ("2026-10-01T09:00", False),
    ],
)
def test_only_on_working_days_outside_the_quiet_hours(bench: Bench, at: str, may: bool) -> None:  # noqa: FBT001
    assert job.may_tell(bench, local(at)) is may


def test_what_was_missed_in_the_morning_is_done_the_same_day(database: Database, bench: Bench) -> None:
    told = next(j for j in jobs(bench) if j.name == "reminders")
    clock = Clock(database, ())
    with database.unit() as session:
        add(bench, session, shop(session, NOW).id, date(2026, 12, 19), NOW, ("1",))  # 15 days before: 12-04, a Friday
    found = [
        clock.ticked(told, local(at))
        for at in ("2026-12-04T22:00", "2026-12-05T12:00", "2026-12-07T08:10", "2026-12-07T11:20", "2026-12-07T11:30")
    ]
    assert [one.outcome for one in found] == [Outcome.NOT_NOW] * 3 + [Outcome.RAN] * 2
    assert [one.told for one in found] == ["", "", "", "提醒了 1 家店", "提醒了 0 家店"]


def test_a_run_that_was_broken_off_is_gone_on_with_at_the_next_look(
    database: Database, bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is left over because one run of the day died, and one shop's trouble is no other's."""
    told = next(j for j in jobs(bench) if j.name == "reminders")
    with database.unit() as session:
        mine = [shop(session, NOW, f"p{n}", f"店{n}店").id for n in range(3)]
        for n, shop_id in enumerate(mine):
            add(bench, session, shop_id, date(2026, 12, 31), NOW, (str(n),))
    with monkeypatch.context() as patched:
        send = job.outreach.push

        def trouble(session: Session, contact_id: int, *rest: object, **named: object) -> bool:
            if contact_id == 2:
                raise RuntimeError("no luck")
            return send(session, contact_id, *rest, **named)  # type: ignore[arg-type]

        patched.setattr(job.outreach, "push", trouble)
        assert Clock(database, ()).ticked(told, local("2026-12-01T09:00")).outcome is Outcome.FAILED
    assert [len(texts(database, f"p{n}")) for n in range(3)] == [1, 0, 1]
    assert f"shop {mine[1]} could not be reminded" in caplog.text
    assert Clock(database, ()).ticked(told, local("2026-12-01T09:10")).told == "提醒了 1 家店"
    assert [len(texts(database, f"p{n}")) for n in range(3)] == [1, 1, 1]


def test_what_lost_its_date_or_was_retired_behind_our_back_stops_nobody(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        mine = shop(session, NOW)
        rows = [add(bench, session, mine.id, date(2026, 12, 31), NOW, (serial,))[0] for serial in "123"]
        rows[0].state, rows[1].due_on = ItemState.RETIRED, None
    assert tick(database, local("2026-12-01T09:00"), bench) == 1
    ((_, text),) = texts(database)
    assert "：1 台电子计价秤" in text
    with database.reading() as session:
        assert set(session.scalars(select(LedgerItem.remind_on).order_by(LedgerItem.id).limit(2))) == {None}


def test_the_day_turns_at_midnight_in_china(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        add(bench, session, shop(session, NOW).id, date(2026, 12, 16), NOW, ("1",))
    assert job.run(database, local("2026-11-30T23:59"), bench) == 0
    assert job.run(database, local("2026-12-01T00:00"), bench) == 1  # 15 days before


def test_a_leap_day_and_the_turn_of_the_year(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        mine = shop(session, NOW)
        (leap,) = add(bench, session, mine.id, None, NOW, ("1",), verified_on=date(2024, 2, 29))
        (turn,) = add(bench, session, mine.id, None, NOW, ("2",), verified_on=date(2026, 1, 4))
        assert (leap.due_on, leap.remind_on) == (date(2025, 2, 28), date(2026, 11, 25))  # overdue already: told soon
        assert turn.due_on == date(2027, 1, 3)
        assert turn.remind_on == date(2026, 12, 4)


def test_a_year_without_a_notice_is_provisional_until_it_is_there(database: Database, reception: Reception) -> None:
    bench = reception.bench
    assert 2027 not in bench.calendar.noticed
    with database.unit() as session:
        (item,) = add(bench, session, shop(session, NOW).id, date(2027, 4, 2), NOW, ("1",))
        assert item.provisional
        before = item.remind_on
    assert job.replan(database, NOW, bench) == 1
    assert job.replan(database, NOW, bench) == 0
    makeup = replace(
        bench.calendar, noticed=bench.calendar.noticed | {2027}, off=bench.calendar.off | {date(2027, 2, 1)}
    )
    informed = replace(bench, calendar=makeup)
    assert job.replan(database, NOW, informed) == 1
    with database.reading() as session:
        found = session.get_one(LedgerItem, item.id)
        assert before == date(2027, 2, 1)
        assert (found.remind_on, found.provisional) == (date(2027, 1, 29), False)
    assert job.replan(database, NOW, informed) == 0


def test_a_notice_that_comes_after_an_outage_loses_no_stage(database: Database, reception: Reception) -> None:
    """What was due while nobody was there is told, not moved to the stage after it."""
    with database.unit() as session:
        add(reception.bench, session, shop(session, NOW).id, date(2027, 4, 2), NOW, ("1",))  # 60 days before: 02-01
    informed = replace(reception.bench, calendar=BOTH_YEARS)
    assert tick(database, local("2027-02-10T09:00"), informed) == 1
    with database.reading() as session:
        assert session.scalars(select(Reminder.stage)).all() == [60]


def test_provisional_days_are_said_to_be(database: Database, reception: Reception) -> None:
    with database.unit() as session:
        add(reception.bench, session, shop(session, NOW).id, date(2027, 1, 29), NOW, ("1",))
    tick(database, local("2026-11-30T09:00"), reception.bench)
    ((_, text),) = texts(database)
    assert "暂估，次年放假安排未发布" in text


def test_what_was_renewed_booked_or_retired_is_told_accordingly(database: Database, bench: Bench) -> None:
    due = date(2026, 12, 31)
    with database.unit() as session:
        mine = shop(session, NOW)
        booked, submitted, retired, renewed = (
            add(bench, session, mine.id, due, NOW, (serial,))[0] for serial in ("B", "S", "X", "R")
        )
        for item, state in ((booked, ItemState.BOOKED), (submitted, ItemState.SUBMITTED), (retired, ItemState.RETIRED)):
            ledger.move(session, item, state, None, NOW)
            schedule(bench, item, date(2026, 11, 25))
        assert retired.remind_on is None
        add(bench, session, mine.id, date(2027, 12, 31), NOW, ("R",))
    for now in every_day(date(2026, 11, 26), date(2027, 1, 20)):
        tick(database, now, bench)
    with database.reading() as session:
        stages = {
            item.serial: sorted(session.scalars(select(Reminder.stage).where(Reminder.item_id == item.id)))
            for item in session.scalars(select(LedgerItem))
        }
    assert stages == {"B": [-7, 0, 1], "S": [-7, 0], "X": [], "R": []}
    assert renewed.serial == "R"


def test_R9_two_clocks_at_once_tell_each_shop_once(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        for n in range(200):
            mine = shop(session, NOW, f"p{n}", f"店{n}店")
            add(bench, session, mine.id, date(2026, 12, 31), NOW, tuple(f"{n}-{i}" for i in range(5)))
    told: list[int] = []
    both = [
        threading.Thread(target=lambda: told.append(job.run(database, local("2026-12-01T09:00"), bench)))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Reminder)) == 1000
        rows = session.scalars(select(OutboxRow.contact_id).where(OutboxRow.kind == "reminder")).all()
    assert (len(rows), len(set(rows)), sum(told)) == (200, 200, 200)


def test_an_older_reminder_that_was_not_seen_gives_way(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        add(bench, session, shop(session, NOW, channel="wechat").id, date(2026, 12, 16), NOW, ("1",))
    for day in ("2026-12-01", "2026-12-09", "2026-12-15"):
        tick(database, local(f"{day}T09:00"), bench)
    with database.reading() as session:
        states = session.scalars(select(OutboxRow.state).order_by(OutboxRow.id)).all()
    assert states == [SendState.EXPIRED, SendState.EXPIRED, SendState.TODO]


def test_every_member_who_wants_it_is_told_through_an_account_that_can_be_reached(
    database: Database, bench: Bench
) -> None:
    with database.unit() as session:
        mine = shop(session, NOW)
        add(bench, session, mine.id, date(2026, 12, 31), NOW, ("1",))
        clerk = contacts.get_or_create(session, "wechat", "clerk", NOW)
        shops.accept(session, shops.invite(session, mine.id, shops.Role.CLERK, NOW), clerk.person_id, NOW)
        manager = contacts.get_or_create(session, "telegram", "m1", NOW)
        shops.accept(session, shops.invite(session, mine.id, shops.Role.MANAGER, NOW), manager.person_id, NOW)
        manager.unreachable = "blocked"
        session.add(Contact(person_id=manager.person_id, channel="wechat", external_id="m2", created_at=NOW))
    tick(database, local("2026-12-01T09:00"), bench)
    assert [len(texts(database, who)) for who in ("wang", "clerk", "m1", "m2")] == [1, 0, 0, 1]


# -- who is to be called ------------------------------------------------------------------------------------------


def _overdue(database: Database, bench: Bench, state: SendState, error: str = "") -> Reach | None:
    with database.unit() as session:
        mine = shop(session, NOW, channel="wechat")
        add(bench, session, mine.id, date(2026, 12, 4), NOW, ("1",))
    for now in every_day(date(2026, 12, 4), date(2026, 12, 11)):
        tick(database, now, bench)
        with database.unit() as session:
            session.execute(update(OutboxRow).values(state=state, error=error))
    job.list_unreached(database, local("2026-12-11T09:30"), bench)
    with database.reading() as session:
        row = session.scalar(select(Unreached))
        return Reach(row.reach) if row else None


@pytest.mark.parametrize(
    ("state", "error", "reach"),
    [
        (SendState.SENT, "", Reach.SILENT),
        (SendState.BLOCKED, "43101", Reach.REFUSED),
        (SendState.BLOCKED, "no window", Reach.WAITING),
        (SendState.DEAD, "", Reach.BLOCKED),
    ],
)
def test_a_week_overdue_and_silent_is_a_case_for_a_call(
    database: Database, bench: Bench, state: SendState, error: str, reach: Reach
) -> None:
    assert _overdue(database, bench, state, error) is reach


def test_a_shop_without_members_is_listed_and_one_that_was_called_is_not(database: Database, bench: Bench) -> None:
    with database.unit() as session:
        mine = shop(session, NOW)
        add(bench, session, mine.id, date(2026, 12, 4), NOW, ("1",))
        for member in shops.members(session, mine.id):
            shops.leave(session, member)
    tick(database, local("2026-12-04T09:00"), bench)
    with database.unit() as session:
        ((row, found),) = reminders.unreached(session, 10)
        assert (row.reach, found.id) == (Reach.UNBOUND, mine.id)
        assert reminders.mark_called(session, mine.id, NOW)
        assert not reminders.mark_called(session, mine.id, NOW)
        assert reminders.unreached(session, 10) == []
