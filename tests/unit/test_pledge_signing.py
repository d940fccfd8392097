"""承诺: what is checked before, what is kept of it, who may, and what no new signature shakes off."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from handlers.conversation.messages import ContactRef, Inbound
from handlers.ledger.service import TOO_LOW
from handlers.pledge import cards
from handlers.pledge.actions import ACTIONS
from handlers.pledge.service import WORDS
from handlers.pledge.standing import revoke
from handlers.turn import Reception
from knowledge.pledges import PledgeBook, full_text, text_hash
from storage import contacts, erasure, pledges
from storage.database import Database, Session
from storage.ledger import LedgerItem
from storage.pledges import Application, Pledge, PledgeEvent, PledgeState, Status
from storage.shops import Member, Role, Shop
from tests.pledging import LAST, TODAY, Counter, counter, day
from tests.support import NOW

REFUSAL = TOO_LOW.partition("{")[0]
UNSIGNED = ("同意", "我承诺", "承 诺", "承诺书", "好的", "1", "是", "确认", "ok", "诺", "承诺承诺", "跳过")


@pytest.fixture
def here(database: Database, reception: Reception) -> Counter:
    return counter(database, reception)


def count(here: Counter, table: type = Pledge) -> int:
    with here.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def edited(book: PledgeBook) -> PledgeBook:
    """Another wording under the same version: what no file may do, and no shop may sign unseen."""
    return replace(
        book, templates_=tuple(t.model_copy(update={"opening": f"{t.opening}（改）"}) for t in book.templates_)
    )


# -- what is kept -------------------------------------------------------------------------------------------------


def test_what_was_shown_is_kept_with_version_hash_instant_and_account(here: Counter) -> None:
    here.prepare(200, 200)
    here.say("manager", "承诺")
    *shown, question = [reply.text for reply in here.say("manager", "1")]
    later = NOW + timedelta(minutes=3)
    here.say("manager", "承诺", later)
    row = here.latest()
    assert row.text == "\n".join(shown)
    assert row.text_hash == hashlib.sha256(row.text.encode()).hexdigest()
    assert row.text_version == "honest-shop/1"
    assert row.text_version in question
    assert (row.signed_at, row.signed_on, row.valid_until) == (later, TODAY, LAST)
    assert (row.state, row.shop_name) == (PledgeState.ACTIVE, "鲜达超市")
    with here.database.reading() as session:
        account = contacts.find(session, "terminal", "manager")
        assert account is not None
        assert row.contact_id == account.id
        event = session.scalars(select(PledgeEvent)).one()
        assert (event.action, event.detail, event.at) == ("pledge.signed", {"hash": row.text_hash}, later)
    assert sum("pledge.signed" in line and row.text_hash in line for line in here.audited()) == 1


@pytest.mark.parametrize("word", UNSIGNED)
def test_nothing_but_the_word_itself_signs(here: Counter, word: str) -> None:
    here.prepare(200)
    for text in ("承诺", "1", word):
        here.say("owner", text)
    assert count(here) == 0


@pytest.mark.parametrize("word", ["承诺", " 承诺 ", "“承诺”", "承诺。", "承诺！！"])
def test_the_word_with_its_quotes_is_the_word(here: Counter, word: str) -> None:
    here.prepare(200)
    for text in ("承诺", "1", word):
        here.say("owner", text)
    assert count(here) == 1


def test_every_pledge_has_its_own_number_in_its_year(here: Counter) -> None:
    here.prepare(900)
    assert here.sign().number.startswith("CXJL-2026-000001-")
    for text in ("承诺", "1", "承诺"):
        here.say("stranger", text)
    numbers = [row.number[:-2] for row in here.all()]
    assert numbers == ["CXJL-2026-000001", "CXJL-2026-000002"]


# -- the check before ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "may"), [(0, True), (1, True), (29, True), (30, True), (31, False), (400, False)])
def test_long_overdue_instruments_are_named_and_nothing_is_signed(here: Counter, late: int, may: bool) -> None:  # noqa: FBT001 - a column of the table
    here.prepare(100, -late)
    text = here.text("owner", "承诺")
    assert ("全文" in text) is may
    due = TODAY - timedelta(days=late)
    assert (f"S1：{due:%Y-%m-%d} 到期" in text) is (late > 0)
    assert "S0" not in text
    here.say("owner", "1")
    here.say("owner", "承诺")
    assert count(here) == int(may)


def test_what_becomes_overdue_while_the_text_lies_open_stops_it(here: Counter) -> None:
    here.prepare(-25)
    here.say("owner", "承诺")
    here.say("owner", "1")
    said = here.text("owner", "承诺", day(6))
    assert said.startswith("这些强检器具超期 30 天以上")
    assert count(here) == 0


def test_the_capability_statement_is_no_way_round(here: Counter) -> None:
    here.prepare(-31)
    assert here.text("owner", "能力声明").startswith("这些强检器具超期 30 天以上")


def test_retired_free_and_voluntary_instruments_stop_nothing(here: Counter) -> None:
    here.prepare(-40, -50, -60)

    def spare(session: Session) -> None:
        one, two, three = session.scalars(select(LedgerItem).order_by(LedgerItem.id))
        one.state, two.mandatory, three.basis = "retired", False, "none"

    here.do(spare)
    assert "还没有强检器具" in here.text("owner", "承诺")


# -- the text signed is the text shown ----------------------------------------------------------------------------


def test_another_wording_in_between_is_shown_again_and_then_signed(here: Counter) -> None:
    here.prepare(200)
    here.say("owner", "承诺")
    here.say("owner", "1")
    here.on_another_day(pledge_book=edited(here.bench.pledge_book))
    first, *shown, _question = here.say("owner", "承诺")
    assert first.text == "文本刚刚更新了，请再看一遍。"
    assert count(here) == 0
    here.say("owner", "承诺")
    row = here.latest()
    assert row.text == "\n".join(reply.text for reply in shown)
    assert "（改）" in row.text


def test_the_card_carries_the_points_of_the_text_that_was_signed(here: Counter) -> None:
    here.prepare(200)
    row = here.sign()

    def other_trade(session: Session) -> tuple[str, ...]:
        place = session.get_one(Shop, 1)
        place.sector = "trade-fuel"
        return cards.printed(here.bench, session, row, place).points

    points = here.do(other_trade)
    assert points
    assert all(point in row.text for point in points)


def test_each_trade_signs_its_own_text(here: Counter) -> None:
    here.prepare(200, sector="trade-fuel")
    row = here.sign()
    text = here.bench.pledge_book.text_for("honest", "trade-fuel", TODAY)
    assert (row.text, row.text_hash, row.text_version) == (full_text(text), text_hash(text), "honest-fuel/1")


def test_what_was_filled_into_the_statement_is_kept_apart_from_the_text(here: Counter) -> None:
    here.prepare(200)
    for text in ("能力声明", "质检部主管", "1", "12台", "6", "2", "市计量所", "2", "跳过", "承诺"):
        here.say("owner", text)
    row = here.latest(template="capability")
    assert row.declared["staff"] == "质检部主管"
    assert "12" in row.declared.values()
    assert "质检部主管" not in row.text
    assert "质检部主管" not in repr(here.seen(number=row.number))


# -- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_each_action_is_for_its_role_and_those_above(here: Counter, role: Role) -> None:
    here.prepare(200)
    here.sign()
    rest = {"text": "/honest", "renew": "/1", "end": "/1", "card": "/1/a4", "appeal": "/1"}
    for verb, (least, _) in ACTIONS.items():
        said = here.act(str(role), f"pledge:{verb}{rest.get(verb, '')}")[0].text
        assert said.startswith(REFUSAL) is not role.covers(least), (verb, role, said)


def test_who_is_no_longer_manager_does_not_sign_what_lies_open(here: Counter) -> None:
    here.prepare(200)
    here.say("manager", "承诺")
    here.say("manager", "1")
    here.do(_demote_the_manager)
    assert "请找店主" in here.text("manager", "承诺")
    assert count(here) == 0


def _demote_the_manager(session: Session) -> None:
    person = contacts.get_or_create(session, "terminal", "manager", NOW).person_id
    session.scalars(select(Member).where(Member.person_id == person)).one().role = Role.CLERK


def test_another_shops_pledge_is_as_if_there_were_none(here: Counter) -> None:
    here.prepare(200)
    row = here.sign()
    for verb in ("renew/{}", "end/{}", "end/{}/sure", "card/{}/a4", "card/{}", "appeal/{}"):
        said = here.act("stranger", f"pledge:{verb.format(row.id)}")
        missing = here.act("stranger", f"pledge:{verb.format(99)}")
        assert [reply.text for reply in said] == [reply.text for reply in missing], verb
        assert all(row.number not in reply.text and "鲜达" not in reply.text for reply in said)
    assert here.latest().state == PledgeState.ACTIVE
    assert count(here) == 1
    assert count(here, Application) == 0


def test_nobody_appeals_for_another_shop(here: Counter) -> None:
    here.prepare(200)
    row = here.sign()
    here.confirm()
    assert here.act("stranger", f"pledge:appeal/{row.id}")[0].text.startswith("没有找到这份承诺")
    assert here.act("owner", f"pledge:appeal/{row.id}")[0].text.startswith("哪里不对？")


def test_somebody_without_a_shop_registers_one_and_goes_on(here: Counter) -> None:
    for verb, words in WORDS.items():
        who = f"new-{verb}"
        here.say(who, words[0])
        for text in (f"老王{verb}店", "跳过", "城西菜场A12"):
            said = here.say(who, text)
        said = here.say(who, "1") if len(said) == 1 else said  # the trade
        alone = here.act(who, f"pledge:{verb}")
        assert [reply.text for reply in said][-len(alone) :] == [reply.text for reply in alone], verb


def test_two_managers_at_once_sign_one_pledge(here: Counter) -> None:
    here.prepare(200)
    for who in ("owner", "manager"):
        here.say(who, "承诺")
        here.say(who, "1")

    def last_word(who: str) -> str:
        inbound = Inbound(ContactRef("terminal", who), f"last-{who}", NOW, "承诺")
        with here.database.unit() as session:
            return here.reception.turn(session, inbound)[0].reply.text

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(last_word, ("owner", "manager")))
    assert [text.split("\n")[0][:4] for text in said] == ["您店已经", "签好了 "]
    assert count(here) == 1


# -- signing again ------------------------------------------------------------------------------------------------


def test_a_second_one_is_not_signed_while_the_first_has_long_to_go(here: Counter) -> None:
    here.prepare(900)
    first = here.sign()
    assert "已经签过" in here.text("owner", "承诺", day(300))
    here.act("owner", f"pledge:renew/{first.id}", day(300))
    assert count(here) == 1


@pytest.mark.parametrize(
    ("days", "until"),
    [
        (335, date(2029, 2, 7)),  # 29 days before the end
        (364, date(2029, 2, 7)),  # the last day
        (365, date(2029, 2, 7)),  # the day after: it begins today
        (400, date(2029, 3, 13)),
    ],
)
def test_renewing_early_goes_on_from_the_old_end(here: Counter, days: int, until: date) -> None:
    here.prepare(2000)
    begun = NOW + timedelta(days=76)  # 2027-02-08, under the text of that year
    first = here.sign(at=begun)
    assert first.valid_until == date(2028, 2, 7)
    (reply,) = here.act("owner", f"pledge:renew/{first.id}", begun + timedelta(days=days))
    assert reply.text.startswith("续签好了")
    old, new = here.all()
    assert (old.state, old.renewed) == (PledgeState.ENDED, True)
    assert (new.state, new.valid_until, new.text_hash) == (PledgeState.ACTIVE, until, first.text_hash)


def test_the_same_tap_twice_renews_once(here: Counter) -> None:
    here.prepare(2000)
    first = here.sign(at=day(76))
    for _ in range(2):
        said = here.act("owner", f"pledge:renew/{first.id}", day(76 + 350))
    assert "已经签过" in said[0].text
    assert count(here) == 2


def test_a_changed_text_is_shown_before_it_is_renewed(here: Counter) -> None:
    here.prepare(900)
    first = here.sign()
    said = here.act("owner", f"pledge:renew/{first.id}", day(350))
    assert said[0].text == "承诺的文本有更新，请看一遍再签。"
    assert "文本编号：honest-shop/2" in "".join(reply.text for reply in said)
    assert count(here) == 1


# -- what no signature shakes off ---------------------------------------------------------------------------------


def _renewed(here: Counter) -> None:
    here.act("owner", "pledge:renew/1", day(76 + 350))


def _withdrawn_and_signed(here: Counter) -> None:
    here.act("owner", "pledge:end/1/sure", day(76 + 11))
    here.sign(at=day(76 + 12))


def _signed_in_the_last_weeks(here: Counter) -> None:
    here.sign(at=day(76 + 350))


@pytest.mark.parametrize("deed", [_renewed, _withdrawn_and_signed, _signed_in_the_last_weeks])
def test_a_pause_for_a_violation_goes_over_to_what_is_signed_next(
    here: Counter, deed: Callable[[Counter], None]
) -> None:
    here.prepare(2000)
    here.sign(at=day(76))
    here.confirm(day(76 + 10))
    deed(here)
    first, second = here.all()
    assert first.state == PledgeState.ENDED
    assert (second.state, second.cause) == (PledgeState.PAUSED, "violation")
    assert here.seen(day(76 + 351)).status is Status.PAUSED
    assert "核实后恢复" in here.text("owner", "我的承诺", day(76 + 351))


def test_a_revoked_shop_does_not_sign_before_staff_have_looked(here: Counter) -> None:
    here.prepare(900)
    row = here.sign()
    here.do(lambda s: revoke(s, pledges.get(s, row.id), "RV1", "查实用作弊秤，已处罚。", "staff:1", NOW))
    for said in (here.text("owner", "承诺", day(1)), here.act("owner", "pledge:renew/1", day(350))[0].text):
        assert said.startswith(f"原来的承诺 {row.number} 已撤销")
    assert here.act("owner", "pledge:text/honest")[0].text.startswith("原来的承诺")
    assert count(here) == 1


def test_who_left_by_themselves_may_come_back(here: Counter) -> None:
    here.prepare(200)
    here.sign()
    here.act("owner", "pledge:end/1/sure")
    assert here.seen().status is Status.ENDED
    here.sign()
    assert [row.state for row in here.all()] == [PledgeState.ENDED, PledgeState.ACTIVE]
    assert here.seen().status is Status.VALID


# -- when people or shops go --------------------------------------------------------------------------------------


def test_erasing_the_signer_keeps_the_pledge(here: Counter) -> None:
    here.prepare(200)
    row = here.sign("manager")
    here.do(lambda s: erasure.erase(s, row.contact_id, NOW))
    kept = here.latest()
    assert (kept.number, kept.contact_id, kept.state, kept.text) == (row.number, None, PledgeState.ACTIVE, row.text)
    assert here.seen().status is Status.VALID


def test_closing_the_shop_ends_it_and_the_number_says_so(here: Counter) -> None:
    shop_id = here.prepare()
    row = here.sign()
    for who in ("manager", "clerk", "viewer"):
        here.say(who, "退出店铺")
        here.say(who, "1")
    here.say("owner", "删除店铺")
    assert "都删了" in here.text("owner", "1")
    assert here.latest(shop_id).state == PledgeState.ENDED
    said = here.text("anybody", row.number)
    assert said.startswith("✘ 现在是“已结束”：鲜达超市")


def test_closing_by_erasing_the_only_owner_ends_it_too(here: Counter) -> None:
    here.say("solo", "绑定 老王水产")
    here.say("solo", "91330302MA2ABCDE0X")
    here.sign("solo")
    row = here.all()[0]
    here.say("solo", "删除我的数据")
    assert "删好了" in here.text("solo", "1")
    assert here.seen(number=row.number).status is Status.ENDED
