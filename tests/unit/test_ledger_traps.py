"""What people say that must not be taken for something else, nor lost, nor done to the wrong shop."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.app import Service
from handlers.ledger.planning import put_off
from scheduler import reminders as job
from storage import closing, contacts, ledger, reminders, shops
from storage.ledger import ItemState, LedgerItem
from tests.shops import GAUGE, SCALE, add, shop
from tests.support import NOW, local
from tests.talks import Terminal

DUE = date(2026, 12, 31)


class Owner(Terminal):
    def tell(self, *texts: str) -> str:
        replies = [reply for text in texts for reply in self.say(text, NOW)]
        return "\n".join("\n".join([r.text, *(c.label for c in r.choices)]) for r in replies)

    def items(self) -> list[LedgerItem]:
        with self.service.database.reading() as session:
            person = contacts.get_or_create(session, "terminal", "wang", NOW).person_id
            return [i for p in shops.of_person(session, person) for i in ledger.everything(session, p.shop.id)]


@pytest.fixture
def owner(service: Service) -> Owner:
    with service.database.unit() as session:
        shop(session, NOW)
    return Owner(service)


def test_a_second_line_while_a_date_is_asked_does_not_date_the_first(owner: Owner) -> None:
    owner.tell("电子秤 编号Q1")
    assert "编号 Q2" in owner.tell("电子秤 编号Q2 2026-05-20检")
    assert "刚才那台还没记完，回“继续”接着填。" in owner.tell("1")
    assert "哪天检的" in owner.tell("继续")
    owner.tell("2026-06-20检", "1")
    found = {i.serial: i.verified_on for i in owner.items()}
    assert found == {"Q2": date(2026, 5, 20), "Q1": date(2026, 6, 20)}


def test_several_lines_at_once_are_not_one_instrument(owner: Owner) -> None:
    assert "一次发一行" in owner.tell("电子秤 编号B1 2026-05-20检\n台秤 编号B2 2026-05-21检")
    assert owner.items() == []


def test_a_correction_of_the_number_keeps_the_count(owner: Owner) -> None:
    said = owner.tell("电子秤 2台 编号B3 2026-05-20检", "编号B4")
    assert "2 台，编号 B4，另 1 台没写编号" in said
    assert "没看到是什么器具" not in said


def test_the_card_is_left_by_commands_and_answers_questions(owner: Owner) -> None:
    owner.tell("电子秤 编号B3 2026-05-20检")
    assert "回 1 存下来" in owner.tell("3")
    assert "鲜达超市" in owner.tell("店铺信息")
    assert owner.items() == []


def test_a_wrong_date_is_named_before_the_next_question(owner: Owner) -> None:
    said = owner.tell("电子秤 编号B3 2026-13-20检")
    assert "2026-13-20" in said
    assert "哪天检的" in said
    assert "有效期不知道" in owner.tell("忘了")


def test_adding_begins_with_what_it_is_and_takes_a_whole_line(owner: Owner) -> None:
    assert "一行一台" in owner.tell("记一台")
    assert "请核对" in owner.tell("电子秤 ACS-30 编号0917 2026-05-20检")
    owner.tell("1")
    assert [i.serial for i in owner.items()] == ["0917"]


@pytest.mark.parametrize("text", ["台账要保存多久", "注册 公司要什么手续", "绑定 手机号怎么弄"])
def test_ordinary_questions_are_no_commands(owner: Owner, text: str) -> None:
    said = owner.tell(text)
    assert "台账里没有" not in said
    assert "统一社会信用代码是多少" not in said


def test_the_first_line_is_not_lost_when_the_shop_is_named_in_between(service: Service) -> None:
    owner = Owner(service)
    assert "店名叫什么" in owner.tell("电子秤 ACS-30 编号0917 2026-05-20检")
    owner.tell("绑定 鲜达超市")
    assert "请核对" in owner.tell("91330302MA2ABCDE0X")


def test_a_clerk_who_registers_the_same_shop_stays_a_clerk(service: Service) -> None:
    owner = Owner(service)
    owner.tell("绑定 鲜达超市", "91330302MA2ABCDE0X")
    code = owner.tell("邀请店员").split("邀请码 ")[1][:9]
    clerk = Owner(service)
    clerk.person = type(clerk.person)("terminal", "li")
    clerk.count = 1000
    clerk.tell(f"加入 {code}")
    assert "身份是店员" in clerk.tell("绑定 鲜达超市", "91330302MA2ABCDE0X")


def test_a_kind_changed_to_one_that_has_the_number_is_refused(owner: Owner) -> None:
    owner.tell("电子秤 编号X1 2026-05-20检", "1", "安全用压力表 编号X1 2026-06-20检", "1")
    owner.tell("台账 电子秤", "2")
    assert "已经是另一台" in owner.tell("安全用压力表")


def test_a_new_date_ends_what_was_booked(owner: Owner) -> None:
    owner.tell("电子秤 编号F1 2026-01-20检", "1", "台账 F1", "1")
    assert [i.state for i in owner.items()] == [ItemState.BOOKED]
    owner.tell("台账 F1", "1", "2026-10-20检")
    (item,) = owner.items()
    assert (item.state, item.due_on) == (ItemState.ACTIVE, date(2027, 10, 19))
    assert item.remind_on is not None
    assert item.remind_on < date(2027, 9, 1)


def test_what_needs_no_periodic_verification_is_not_missing_from_the_coverage(owner: Owner) -> None:
    owner.tell("电子秤 编号F1 2026-05-20检", "1", "体温计 2支", "1")
    said = owner.tell("我的台账")
    assert "受检率 100%（在有效期 1 ÷ 应检 1）" in said
    assert "⚪不用定期检 2" in said


# -- two shops ----------------------------------------------------------------------------------------------------


def _two_shops(service: Service) -> tuple[int, int, int]:
    with service.database.unit() as session:
        first, second = shop(session, NOW, name="甲店"), shop(session, NOW + timedelta(hours=1), name="乙店")
        (item,) = add(service.reception.bench, session, first.id, DUE, NOW, ("A1",))
        add(service.reception.bench, session, first.id, DUE, NOW, ("A2",))
        return first.id, second.id, item.id


def test_a_reply_is_about_the_shop_that_was_reminded(service: Service) -> None:
    first, _, _ = _two_shops(service)
    owner = Owner(service)
    owner.say("我的台账", NOW)
    job.run(service.database, local("2026-12-01T09:00"), service.reception.bench)
    owner.wait(local("2026-12-01T09:01"))
    with service.database.unit() as session:
        batch = reminders.latest_batch(session, first)
        assert batch is not None
    assert "记下了，2 台已预约" in "\n".join(r.text for r in owner.say("1", local("2026-12-01T10:00")))


def test_a_reminder_does_not_reach_into_another_shop_and_both_can_be_closed(service: Service) -> None:
    first, second, item_id = _two_shops(service)
    job.run(service.database, local("2026-12-01T09:00"), service.reception.bench)
    with service.database.unit() as session:
        moved = session.get_one(LedgerItem, item_id)
        moved.shop_id = second
        session.flush()
        batch = reminders.latest_batch(session, first)
        assert batch is not None
        found = reminders.batch_items(session, first, batch.id)
        assert found is not None
        assert [i.serial for i in found[1]] == ["A2"]
        closing.close(session, second, NOW)
        closing.close(session, first, NOW)


def test_three_days_more_never_pass_over_the_due_date(service: Service) -> None:
    bench = service.reception.bench
    with service.database.unit() as session:
        (item,) = add(bench, session, shop(session, NOW).id, DUE, NOW, ("1",))
        assert put_off(bench, item, date(2026, 12, 30)) == DUE
        assert put_off(bench, item, date(2026, 12, 1)) == date(2026, 12, 4)


def test_what_is_overdue_from_the_start_is_told_once_and_soon(service: Service) -> None:
    bench = service.reception.bench
    with service.database.unit() as session:
        mine = shop(session, NOW)
        (item,) = add(bench, session, mine.id, date(2026, 11, 1), NOW, ("1",))
        add(bench, session, mine.id, None, NOW, ("2",), kind=GAUGE, verified_on=date(2026, 11, 1))
        assert item.remind_on == date(2026, 11, 25)
        assert item.kind == SCALE
    told = [job.run(service.database, local(f"2026-11-{day}T09:00"), bench) for day in (25, 26, 27, 30)]
    assert told == [1, 0, 0, 0]
