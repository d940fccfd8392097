"""The words of a reminder, and what each answer to it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from handlers.conversation.messages import ContactRef, Inbound, Reply
from handlers.conversation.state import DialogueState
from handlers.ledger.reminding import MOST_GROUPS, PENALTY, message
from handlers.talk import Bench
from handlers.turn import Reception
from knowledge.workdays import Calendar
from scheduler import reminders as job
from storage import contacts, dialogues, reminders
from storage.database import Database
from storage.ledger import LedgerEvent, LedgerItem
from storage.outbox import OutboxRow
from storage.reminders import Reach, ReminderBatch
from storage.shops import Shop
from tests.shops import GAUGE, METER, SCALE, add, shop
from tests.support import NOW, local

TODAY = date(2026, 12, 1)
NINE = local("2026-12-01T09:00")
DUE = date(2026, 12, 31)
OPTIONS = ["已预约", "已送检", "停用/换新", "三天后再提醒", "怎么预约"]


# -- the message --------------------------------------------------------------------------------------------------


def item(kind: str = SCALE, due_on: date = DUE, **other: object) -> LedgerItem:
    values = {"name": "电子秤", "count": 1, "state": "active", "basis": "certificate", "mandatory": True, **other}
    return LedgerItem(kind=kind, due_on=due_on, **values)


def told(reception: Reception, *items: LedgerItem, today: date = TODAY) -> str:
    bench = replace(
        reception.bench, calendar=replace(Calendar.load(), noticed=frozenset((2025, 2026, 2027, 2028, 2029)))
    )
    return message(bench, Shop(name="鲜达超市"), items, 7, today).text


def test_the_message_of_the_specification(reception: Reception) -> None:
    assert told(reception, item(count=4), item(count=2)) == (
        "【到期提醒】鲜达超市：6 台电子秤 12-31 到期。送检要提前 15 个工作日，最晚 12-10 预约（还有 7 个工作日）。"
    )


def test_a_message_offers_five_answers(reception: Reception) -> None:
    choices = message(reception.bench, Shop(name="鲜达超市"), [item()], 7, TODAY).choices
    assert [c.label for c in choices] == OPTIONS
    assert [c.action for c in choices] == [
        f"ledger:remind/{verb}/7" for verb in ("booked", "submitted", "replaced", "later", "how")
    ]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"due_on": date(2026, 12, 22)}, "12-22 到期。送检要提前 15 个工作日，最晚 12-01 预约（就是今天）。"),
        ({"due_on": date(2026, 12, 8)}, "已过最晚预约日 11-17，请马上预约；到期前没检完就先停用。"),
        ({"due_on": TODAY}, "今天到期，已过最晚预约日 11-10，请马上预约"),
        ({"due_on": date(2026, 11, 24)}, "11-24 已经过期 7 天，请马上停用、预约检定。"),
        ({"due_on": date(2027, 1, 30)}, "2027-01-30 到期。"),
        ({"state": "booked"}, "已预约的 1 台电子秤，12-31 到期，还有 30 天。检定完把证书拍给我，我来更新有效期。"),
        ({"state": "submitted", "due_on": TODAY}, "已送检的 1 台电子秤，12-01 到期，就是今天。"),
        ({"state": "booked", "due_on": date(2026, 11, 24)}, "已过期 7 天，检完前先停用。"),
        ({"kind": METER, "basis": "replacement"}, "用满年限（还有 30 天），到期要换新，不用送检。"),
        (
            {"kind": METER, "basis": "replacement", "due_on": date(2026, 11, 24)},
            "用满年限（已过期 7 天），到期要换新，不用送检。",
        ),
        ({"mandatory": False}, "12-31 到期，还有 30 天（不是必须强检的，自愿检定或校准）。"),
        (
            {"mandatory": False, "due_on": date(2026, 11, 24)},
            "11-24 到期，已过期 7 天（不是必须强检的，自愿检定或校准）。",
        ),
    ],
)
def test_what_is_said_of_an_instrument(reception: Reception, what: dict[str, object], says: str) -> None:
    assert says in told(reception, item(**what))  # type: ignore[arg-type]


def test_the_consequence_is_named_only_for_what_must_be_verified_and_is_overdue(reception: Reception) -> None:
    late = date(2026, 11, 24)
    assert PENALTY in told(reception, item(), item(due_on=late))
    assert "第四十三条" in PENALTY
    assert PENALTY not in told(reception, item())
    assert PENALTY not in told(reception, item(due_on=late, mandatory=False), item())


def test_the_most_urgent_come_first_and_the_rest_is_counted(reception: Reception) -> None:
    items = [item(due_on=DUE + timedelta(days=n), count=n + 1) for n in reversed(range(MOST_GROUPS + 2))]
    lines = told(reception, *items).splitlines()
    assert len(lines) == MOST_GROUPS + 1
    assert lines[0].startswith("【到期提醒】鲜达超市：1 台电子秤 12-31 到期")
    assert lines[-1] == f"另有 {MOST_GROUPS + 1 + MOST_GROUPS + 2} 台，回“到期提醒”看全部。"


def test_the_working_days_of_the_message_end_with_the_latest_booking_day(reception: Reception) -> None:
    """A kind with a lead of its own, over Mid-Autumn, National Day and their two made-up Saturdays and Sundays."""
    text = told(
        reception,
        item(kind="electronic-truck-scale", name="汽车衡", due_on=date(2026, 10, 15)),
        today=date(2026, 8, 31),
    )
    assert "送检要提前 20 个工作日，最晚 09-11 预约（还有 9 个工作日）" in text


# -- the answers --------------------------------------------------------------------------------------------------


class Owner:
    """The owner of a shop with three scales, reminded on 1 December."""

    def __init__(self, database: Database, reception: Reception) -> None:
        self.database, self.reception, self.count = database, reception, 0
        self.bench: Bench = reception.bench
        with database.unit() as session:
            self.shop = shop(session, NOW).id
            add(self.bench, session, self.shop, DUE, NOW, ("1", "2", "3"))
        self.remind(NINE)

    def remind(self, now: datetime) -> list[str]:
        """What the clock tells by then."""
        job.run(self.database, now, self.bench)
        with self.database.reading() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "reminder").order_by(OutboxRow.id))
            return [row.payload["text"] for row in rows if row.created_at == now]

    def says(self, text: str, at: datetime = NINE + timedelta(hours=5)) -> list[Reply]:
        self.count += 1
        with self.database.unit() as session:
            said = Inbound(ContactRef("terminal", "wang"), f"k{self.count}", at, text)
            return [one.reply for one in self.reception.turn(session, said)]

    def items(self) -> list[LedgerItem]:
        with self.database.reading() as session:
            return list(session.scalars(select(LedgerItem).order_by(LedgerItem.id)))

    def states(self) -> list[str]:
        return [one.state for one in self.items()]

    def events(self) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count(LedgerEvent.id))) or 0


@pytest.fixture
def owner(database: Database, reception: Reception) -> Owner:
    return Owner(database, reception)


@pytest.mark.parametrize(("digit", "state", "word"), [("1", "booked", "已预约"), ("2", "submitted", "已送检")])
def test_booked_and_submitted_are_noted_once(owner: Owner, digit: str, state: str, word: str) -> None:
    (reply,) = owner.says(digit)
    assert reply.text == f"记下了，3 台{word}。检定完把证书拍给我，我来更新有效期。"
    assert owner.states() == [state] * 3
    events = owner.events()
    with owner.database.reading() as session:
        batch = session.scalars(select(ReminderBatch)).one()
        assert batch.answered == state
    (again,) = _press(owner, f"ledger:remind/{state}/{batch.id}")
    assert again.text.startswith(f"这 3 台已经记过“{word}”了。")
    assert (owner.states(), owner.events()) == ([state] * 3, events)
    stage = {"booked": date(2026, 12, 30), "submitted": DUE}[state]
    assert {one.remind_on for one in owner.items()} == {stage}


def test_a_digit_answers_a_reminder_for_seven_days_and_no_longer(owner: Owner) -> None:
    owner.says("1", NINE + timedelta(days=7, minutes=1))
    assert owner.states() == ["active"] * 3


def test_a_digit_after_six_days_still_answers(owner: Owner) -> None:
    owner.says("1", NINE + timedelta(days=6, hours=23))
    assert owner.states() == ["booked"] * 3


def test_later_is_told_again_on_the_working_day_it_says(owner: Owner) -> None:
    (reply,) = owner.says("4")
    assert reply.text == "好，12-04 再提醒。"
    assert owner.remind(local("2026-12-03T09:00")) == []
    ((text),) = owner.remind(local("2026-12-04T09:00"))
    assert "3 台电子计价秤 12-31 到期。送检要提前 15 个工作日，最晚 12-10 预约（还有 4 个工作日）。" in text
    assert owner.remind(local("2026-12-07T09:00")) == []
    owner.says("1", local("2026-12-04T10:00"))
    assert owner.states() == ["booked"] * 3, "the answer to what was told again moves the same instruments"


def test_later_before_a_weekend_waits_for_the_monday(owner: Owner) -> None:
    (reply,) = owner.says("4", local("2026-12-02T10:00"))
    assert reply.text == "好，12-07 再提醒。"


def test_an_older_message_of_what_was_told_again_says_that_it_is_past(owner: Owner) -> None:
    owner.says("4")
    owner.remind(local("2026-12-04T09:00"))
    (reply,) = _press(owner, "ledger:remind/booked/1", local("2026-12-04T10:00"))
    assert reply.text.startswith("这条提醒已经过时")
    assert owner.states() == ["active"] * 3


def test_how_shows_the_card_and_the_answers_stay(owner: Owner) -> None:
    (reply,) = owner.says("5")
    assert "检定" in reply.text
    assert [c.label for c in reply.choices] == OPTIONS[:4]
    owner.says("1")
    assert owner.states() == ["booked"] * 3


def test_all_are_retired_and_never_told_again(owner: Owner) -> None:
    (asked,) = owner.says("3")
    assert asked.choices[0].label == "这 3 台都停用"
    (reply,) = owner.says("1")
    assert reply.text.startswith("3 台已停用，不再提醒。")
    assert owner.states() == ["retired"] * 3
    assert {one.remind_on for one in owner.items()} == {None}
    (again,) = _press(owner, "ledger:remind/retire/1")
    assert again.text.startswith("这条提醒已经过时")


def test_only_one_of_them_is_retired_however_often_it_is_pressed(owner: Owner) -> None:
    owner.says("3")
    (asked,) = owner.says("2")
    assert asked.text.startswith("停用哪一台？")
    assert len(asked.choices) == 4
    (reply,) = owner.says("2")
    assert reply.text.startswith("1 台已停用")
    assert owner.states() == ["active", "retired", "active"]
    (again,) = _press(owner, "ledger:remind/one/1/2")
    assert again.text.startswith("停用哪一台？")
    assert len(again.choices) == 3
    assert owner.states() == ["active", "retired", "active"]


def test_a_new_one_in_its_place_is_asked_for(owner: Owner) -> None:
    owner.says("3")
    (reply,) = owner.says("3")
    assert "把新的证书或标签拍给我" in reply.text
    assert owner.states() == ["active"] * 3


def test_an_answer_moves_only_what_was_told_and_still_has_that_date(owner: Owner) -> None:
    with owner.database.unit() as session:
        add(owner.bench, session, owner.shop, date(2027, 12, 30), NINE, ("1",))  # renewed in between
        add(owner.bench, session, owner.shop, DUE, NINE, ("4",))  # not told yet
    (reply,) = owner.says("1")
    assert reply.text.startswith("记下了，2 台已预约。")
    assert owner.states() == ["active", "booked", "booked", "active"]


def test_when_all_were_renewed_the_reminder_is_past(owner: Owner) -> None:
    with owner.database.unit() as session:
        add(owner.bench, session, owner.shop, date(2027, 12, 30), NINE, ("1", "2", "3"))
    (reply,) = owner.says("1")
    assert reply.text.startswith("这条提醒已经过时")
    assert [c.label for c in reply.choices] == ["我的台账"]


def test_the_reminder_of_another_shop_is_not_found(owner: Owner) -> None:
    with owner.database.unit() as session:
        other = shop(session, NOW, "li", "别家超市")
        add(owner.bench, session, other.id, DUE, NOW, ("9",))
    owner.remind(local("2026-12-02T09:00"))
    for batch in ("2", "999", "x", ""):
        (reply,) = _press(owner, f"ledger:remind/booked/{batch}")
        assert reply.text.startswith("这条提醒已经过时")
    assert owner.states() == ["active"] * 4


def test_open_and_overdue_ones_are_moved_together_and_who_answers_is_not_called(
    database: Database, reception: Reception
) -> None:
    owner = Owner(database, reception)
    with database.unit() as session:
        (late,) = add(owner.bench, session, owner.shop, date(2026, 11, 25), NOW, ("8",), kind=GAUGE)
        assert late.remind_on == date(2026, 11, 24) + timedelta(days=1)
        reminders.note_unreached(session, owner.shop, Reach.SILENT, 1, TODAY)
        for one in session.scalars(select(LedgerItem).where(LedgerItem.serial != "8")):
            one.remind_on, one.snoozed = date(2026, 12, 2), True
    ((text),) = owner.remind(local("2026-12-02T09:00"))
    assert "已经过期 7 天" in text
    assert "3 台电子计价秤" in text
    (reply,) = owner.says("1", local("2026-12-02T10:00"))
    assert reply.text.startswith("记下了，4 台已预约。")
    with database.reading() as session:
        assert reminders.unreached(session, 10) == []


def test_who_is_filling_in_a_form_answers_the_form(owner: Owner) -> None:
    (asked,) = owner.says("绑定 另一家超市", local("2026-12-16T08:50"))
    assert "统一社会信用代码" in asked.text
    assert len(owner.remind(local("2026-12-16T09:00"))) == 1
    (again,) = owner.says("1", local("2026-12-16T09:10"))
    assert "统一社会信用代码" in again.text
    assert owner.states() == ["active"] * 3


def _press(owner: Owner, action: str, at: datetime = NINE + timedelta(hours=6)) -> list[Reply]:
    """Do an action as an old button would, whatever options are open."""
    with owner.database.unit() as session:
        contact = contacts.get_or_create(session, "terminal", "wang", at)
        dialogue = dialogues.lock(session, contact.person_id, at)
        said = Inbound(ContactRef("terminal", "wang"), "pressed", at, "")
        talk = owner.reception._talk(session, said, contact, dialogue, DialogueState())  # noqa: SLF001 - see above
        return owner.reception.desk.act(talk, action)
