from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from handlers.conversation.messages import ContactRef, Inbound, Numbered
from handlers.conversation.state import DialogueState
from handlers.ledger.service import ACTIONS, TOO_LOW
from handlers.ledger.shops import phone_of
from handlers.turn import Reception
from storage import contacts, dialogues, shops, tasks
from storage.database import Database
from storage.ledger import ItemState, LedgerEvent, LedgerItem
from storage.shops import Invite, Member, Role, Shop
from tests.shops import add, shop
from tests.support import NOW

Say = Callable[..., list[Numbered]]
CODE = "91330302MA2ABCDE0X"


@pytest.fixture
def say(database: Database, reception: Reception) -> Say:
    count = 0

    def spoken(who: str, text: str, at: timedelta = timedelta()) -> list[Numbered]:
        nonlocal count
        count += 1
        with database.unit() as session:
            return reception.turn(session, Inbound(ContactRef("terminal", who), f"k{count}", NOW + at, text))

    return spoken


def text(lines: list[Numbered]) -> str:
    return "\n".join(line.reply.text for line in lines)


def act(database: Database, reception: Reception, who: str, action: str) -> str:
    """Do an action as if its option had been offered: what a forged button would try."""
    with database.unit() as session:
        inbound = Inbound(ContactRef("terminal", who), f"act-{who}-{action}"[:120], NOW, "菜单")
        contact = contacts.get_or_create(session, "terminal", who, NOW)
        dialogue = dialogues.lock(session, contact.person_id, NOW)
        talk = reception._talk(session, inbound, contact, dialogue, DialogueState())  # noqa: SLF001 - no option is open
        replies = reception.desk.act(talk, f"ledger:{action}")
    return "\n".join(reply.text for reply in replies)


def members(database: Database, reception: Reception) -> int:
    """A shop with one member of each role, named by their roles; an instrument, overdue."""
    with database.unit() as session:
        mine = shop(session, NOW, "owner")
        for role in (Role.MANAGER, Role.CLERK, Role.VIEWER):
            person = contacts.get_or_create(session, "terminal", role, NOW).person_id
            shops.accept(session, shops.invite(session, mine.id, role, NOW), person, NOW)
        add(reception.bench, session, mine.id, date(2026, 12, 31), NOW, ("Z4711",))
        return mine.id


@pytest.mark.parametrize("role", list(Role))
def test_T5_each_action_is_for_its_role_and_those_above(database: Database, reception: Reception, role: Role) -> None:
    members(database, reception)
    refusal = TOO_LOW.partition("{")[0]
    for verb, (least, _) in ACTIONS.items():
        rest = {
            "page": "/9999-12-31/1",
            "line": "/电子秤 1台",
            "find": "/x",
            "remind": "/booked/1",
            "sheet": "/drop/1",
            "cert": "/drop/1",
        }
        said = act(database, reception, role, verb + rest.get(verb, ""))
        assert said.startswith(refusal) is not role.covers(least), (verb, role, said)


def test_T5_what_is_another_shops_is_not_found(database: Database, reception: Reception) -> None:
    members(database, reception)
    with database.unit() as session:
        shop(session, NOW, "stranger", "别家店")
        (item,) = session.scalars(select(LedgerItem)).all()
        owner = contacts.get_or_create(session, "terminal", "owner", NOW)
        request = {"file": "x", "shop": item.shop_id, "name": "x"}
        task = tasks.ask(session, "read-sheet", owner.id, request, NOW)
        session.get_one(tasks.Task, task).result = {"rows": 1, "record": {}, "doubts": [], "document": ""}
    for action in (
        *(f"{verb}/{item.id}" for verb in ("item", "edit", "booked", "retire", "retire/sure", "revive", "transfer")),
        *(f"sheet/{verb}/{task}" for verb in ("import", "errors", "compare", "drop")),
        *(f"cert/{verb}/{task}" for verb in ("save", "fix", "drop")),
        "remind/booked/1",
        "find/471",
        f"switch/{item.shop_id}",
        "list",
        "export",
        "hand/1",
        "dismiss/1",
    ):
        said = act(database, reception, "stranger", action)
        assert "4711" not in said, (action, said)
        assert "鲜达超市" not in said, (action, said)
    with database.reading() as session:
        kept = session.get_one(LedgerItem, item.id)
        assert (kept.state, kept.shop_id) == (ItemState.ACTIVE, item.shop_id)
        assert session.get_one(tasks.Task, task).result is not None


def test_a_code_lets_one_person_in_within_a_day(say: Say, database: Database) -> None:
    say("owner", "绑定 鲜达超市")
    say("owner", CODE)
    code = text(say("owner", "邀请店员")).split("邀请码 ")[1][:9]
    assert "不对" in text(say("late", f"加入 {code}", timedelta(hours=24)))
    code = text(say("owner", "邀请店员")).split("邀请码 ")[1][:9]
    assert text(say("clerk", f"加入 {code.lower()}")).startswith("您已加入鲜达超市，身份是店员。")
    assert "用过了" in text(say("second", f"加入 {code}"))
    with database.reading() as session:
        assert session.scalar(select(func.count(Member.id))) == 2
        assert all(code.replace("-", "") not in row.code_hash for row in session.scalars(select(Invite)))


def test_the_same_credit_code_opens_no_door(say: Say, database: Database) -> None:
    say("owner", "绑定 鲜达超市")
    say("owner", CODE)
    say("rival", "绑定 冒充超市")
    said = text(say("rival", CODE))
    assert said.startswith("这个统一社会信用代码已经有人登记了。")
    assert "鲜达" not in said
    with database.reading() as session:
        assert session.scalar(select(func.count(Shop.id))) == 1


def test_an_owner_hands_over_before_leaving(say: Say, database: Database, reception: Reception) -> None:
    members(database, reception)
    assert "先把店移交给别人" in text(say("owner", "退出店铺"))
    assert "移交给谁" in text(say("owner", "1"))
    assert "移交给店长" in text(say("owner", "1"))
    assert "店主现在是对方" in text(say("owner", "1"))
    assert "看不到" in text(say("owner", "退出店铺"))
    assert "已退出鲜达超市" in text(say("owner", "1"))
    with database.reading() as session:
        roles = session.scalars(select(Member.role).order_by(Member.id)).all()
    assert roles == [Role.OWNER, Role.CLERK, Role.VIEWER]


def test_a_shop_alone_with_its_owner_can_be_closed(say: Say, database: Database, reception: Reception) -> None:
    with database.unit() as session:
        add(reception.bench, session, shop(session, NOW, "owner").id, date(2026, 12, 31), NOW, ("1",))
    assert "找不回来" in text(say("owner", "删除店铺"))
    assert "都删了" in text(say("owner", "1"))
    with database.reading() as session:
        for table in (Shop, Member, LedgerItem, LedgerEvent):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_who_is_forgotten_leaves_their_shops(say: Say, database: Database, reception: Reception) -> None:
    members(database, reception)
    with database.unit() as session:
        add(reception.bench, session, shop(session, NOW, "owner", "自己的店").id, date(2026, 12, 31), NOW, ("9",))
    say("owner", "删除我的数据")
    say("owner", "1")
    with database.reading() as session:
        assert session.scalars(select(Shop.name)).all() == ["鲜达超市"]
        assert [m.role for m in session.scalars(select(Member).order_by(Member.id))] == [
            Role.OWNER,
            Role.CLERK,
            Role.VIEWER,
        ]
        assert session.scalars(select(LedgerItem.serial)).all() == ["Z4711"]


def test_a_phone_lies_sealed_and_is_shown_to_staff_only(say: Say, database: Database, reception: Reception) -> None:
    say("owner", "绑定 鲜达超市")
    say("owner", CODE)
    say("owner", "我的店")
    say("owner", "1")
    assert "11 位手机号" in text(say("owner", "12345"))
    assert text(say("owner", "0577-88881234")).startswith("电话记下了")
    with database.reading() as session:
        row = session.scalars(select(Shop)).one()
        assert b"88881234" not in row.phone
        assert phone_of(reception.bench, row) == "057788881234"
    assert "88881234" not in text(say("owner", "我的店"))


def test_an_instrument_goes_to_another_shop_of_the_same_person(database: Database, reception: Reception) -> None:
    with database.unit() as session:
        first = shop(session, NOW, "owner")
        shop(session, NOW - timedelta(hours=1), "owner", "二店")
        (item,) = add(reception.bench, session, first.id, date(2026, 12, 31), NOW, ("0917",))
    said = act(database, reception, "owner", f"transfer/{item.id}")
    assert "转到哪家店" in said
    with database.reading() as session:
        second = session.scalars(select(Shop).where(Shop.name == "二店")).one()
    assert "已转到二店" in act(database, reception, "owner", f"transfer/{item.id}/{second.id}")
    with database.reading() as session:
        assert session.get_one(LedgerItem, item.id).shop_id == second.id
