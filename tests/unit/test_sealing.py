"""Confidential words in the database: sealed wherever they lie, and there again for whoever they belong to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import Knowledge
from handlers import sealing
from handlers.conversation.forms import Field, Form
from handlers.conversation.messages import Choice, ContactRef, Numbered, Reply, Way
from handlers.conversation.router import Service as Counter
from handlers.conversation.state import DialogueState
from handlers.outreach import push
from handlers.sealing import MARK, ONCE, UNREADABLE, said_of, state_of
from handlers.talk import Talk
from handlers.turn import Reception
from storage import contacts, outbox, sending
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.gates import Rate
from storage.outbox import OutboxRow, SendState
from tests.support import NOW, bench_of, said, service_at

CANARY = "金丝雀摊位"
RECEIPT = "4839-2011"
TIP = Form(
    "canary-tip",
    1,
    "密",
    (
        Field("story", ask="什么事？", parse=lambda inbound: inbound.text, free_text=True),
        Field(
            "more",
            ask=lambda answers: f"{answers['story']}还有吗？",
            parse=lambda inbound: [inbound.text],
            collect=True,
        ),
        Field("kind", ask="怎么报？", choices=(("不留名", 1), ("留名", 2))),
    ),
    confidential=True,
)


def filed(_talk: Talk, _form: str, answers: dict) -> list[Reply]:
    return [
        Reply(f"收到：{answers['story']}", (Choice(f"看{CANARY}", f"canary:show/{CANARY}"),)),
        Reply(f"回执码 {RECEIPT}", once=True),
    ]


def act(talk: Talk, action: str) -> list[Reply]:
    if action == "start":
        return talk.open_form(TIP.name)
    talk.confidential = True
    return [Reply(f"案子 {action}")]


COUNTER: Counter[Talk] = Counter("canary", act, forms=(TIP,), submit=filed, commands={"密报": "start"}, personal=True)


def with_counter(reception: Reception) -> Reception:
    desk = reception.desk
    return replace(reception, desk=replace(desk, services=(*desk.services, COUNTER)))


class House:
    """A reception with a confidential counter, over one database."""

    def __init__(self, database: Database, reception: Reception) -> None:
        self.database = database
        self.reception = with_counter(reception)
        self.vault = reception.bench.vault
        self._n = 0

    def say(self, text: str, who: str = "wang", channel: str = "terminal", **more: object) -> list[Numbered]:
        self._n += 1
        inbound = replace(said(text, f"k{self._n}"), contact=ContactRef(channel, who), **more)
        with self.database.unit() as session:
            return self.reception.turn(session, inbound)

    def told(self, text: str, **more: object) -> list[str]:
        return [line.reply.text for line in self.say(text, **more)]

    def rows(self, table: type) -> list:
        with self.database.reading() as session:
            return list(session.scalars(select(table)))

    def plain(self) -> str:
        """Everything that stands in the three tables, as it lies there."""
        lying = [r.body for r in self.rows(InboxMessage)] + [r.state for r in self.rows(Dialogue)]
        return json.dumps([*lying, *(r.payload for r in self.rows(OutboxRow))], ensure_ascii=False)

    def state(self) -> DialogueState:
        (row,) = self.rows(Dialogue)
        return state_of(self.vault, row.state, row.person_id)


@pytest.fixture
def house(database: Database, reception: Reception) -> House:
    return House(database, reception)


def test_while_a_confidential_form_is_open_nothing_of_it_can_be_read(house: House) -> None:
    house.say("密报")
    assert house.told(f"{CANARY}少称") == [f"{CANARY}少称还有吗？"]
    house.say(f"{CANARY}还骂人")
    assert CANARY not in house.plain()
    assert set(house.rows(Dialogue)[0].state) == {MARK, "in_form", "pushed"}
    form = house.state().form
    assert form is not None
    assert (form.answers, form.partial) == ({"story": f"{CANARY}少称"}, {"more": [f"{CANARY}还骂人"]})


def test_a_draft_and_what_is_offered_afterwards_lie_sealed_as_well(house: House) -> None:
    for words in ("密报", f"{CANARY}少称", "取消", "强检收费吗"):
        house.say(words)
    assert CANARY not in house.plain()
    assert house.told("继续") == [f"{CANARY}少称还有吗？"]
    house.say("完成")
    assert house.told("1") == [f"收到：{CANARY}少称", f"回执码 {RECEIPT}"]
    assert house.told(f"看{CANARY}") == [f"案子 show/{CANARY}"]
    house.say("谢谢")
    assert CANARY not in house.plain()
    assert RECEIPT not in house.plain()


def test_everything_else_is_written_as_ever(house: House) -> None:
    house.say("强检收费吗")
    assert "强检收费吗" in house.plain()
    assert MARK not in house.plain()


def test_a_second_delivery_brings_the_same_answer(house: House) -> None:
    house.say("密报")
    inbound = said(f"{CANARY}少称", "twice")
    for _ in range(2):
        with house.database.unit() as session:
            lines = house.reception.turn(session, inbound)
        assert [line.reply.text for line in lines] == [f"{CANARY}少称还有吗？"]


def test_said_again_a_receipt_is_not(house: House) -> None:
    for words in ("密报", f"{CANARY}少称", "完成", "1"):
        house.say(words)
    assert house.told("再说一遍") == [f"收到：{CANARY}少称", ONCE]


def test_what_was_to_be_seen_once_is_blanked_a_day_after_it_was_seen(house: House) -> None:
    for words in ("密报", f"{CANARY}少称", "完成", "1"):
        last = house.say(words)
    blank = sealing.blank_once
    with house.database.unit() as session:
        assert blank(session, NOW, 10) == 0  # not older than that
        assert blank(session, NOW + timedelta(seconds=1), 10) == 1
        assert blank(session, NOW + timedelta(seconds=1), 10) == 0
    with house.database.reading() as session:
        rows = outbox.by_ids(session, [line.id for line in last])
    texts = [line.reply.text for line in house.reception.numbered(rows)]
    assert texts == [f"收到：{CANARY}少称", ONCE]


def test_what_is_still_on_its_way_is_not_blanked(house: House) -> None:
    for words in ("密报", f"{CANARY}少称", "完成", "1"):
        house.say(words, way=Way.PUSH)
    later = NOW + timedelta(days=1)
    with house.database.unit() as session:
        assert sealing.blank_once(session, later, 10) == 0
        session.get_one(OutboxRow, max(row.id for row in house.rows(OutboxRow))).state = SendState.DEAD
        session.flush()
        assert sealing.blank_once(session, later, 10) == 1


def test_a_sealed_row_is_bound_to_whose_it_is(house: House) -> None:
    house.say("密报", who="wang")
    (mine,) = house.say(f"{CANARY}少称", who="wang")
    house.say("密报", who="li")
    (theirs,) = house.say("别的事", who="li")
    with house.database.unit() as session:
        own, other = (session.get_one(OutboxRow, line.id) for line in (mine, theirs))
        other.payload = own.payload
        heard = session.scalars(select(InboxMessage).order_by(InboxMessage.id)).all()
        heard[3].body = {**heard[1].body}
        states = session.scalars(select(Dialogue).order_by(Dialogue.person_id)).all()
        states[1].state = dict(states[0].state)
        session.flush()
        assert house.reception.numbered([other])[0].reply.text == UNREADABLE
        assert said_of(house.vault, heard[1])["text"] == f"{CANARY}少称"
        assert said_of(house.vault, heard[3])["text"] == UNREADABLE
    assert house.told("继续", who="li") == ["没有没填完的内容。要做什么？"]


def test_when_the_key_is_lost_the_conversation_begins_anew(house: House, knowledge: Knowledge) -> None:
    house.say("密报")
    house.say(f"{CANARY}少称")
    house.reception = replace(house.reception, bench=bench_of(knowledge))
    assert house.told("再说一遍") == ["前面还没有说过什么。有问题直接问我。"]
    assert house.told("密报") == ["什么事？"]


# -- messages nobody just asked for -------------------------------------------------------------------------------

NEWS = Reply(f"{CANARY}有进展", (Choice("看案件", f"canary:show/{CANARY}"), Choice("不再通知", "canary:mute")))
OTHER = Reply("台账读好了", (Choice("看台账", "menu:"),))


def tell(house: House, reply: Reply, key: str, *, confidential: bool) -> bool:
    with house.database.unit() as session:
        contact = contacts.find(session, "terminal", "wang")
        assert contact is not None
        vault = house.vault if confidential else None
        return push(session, contact.id, reply, NOW, "case", key, vault=vault)


def test_a_confidential_message_lies_sealed_with_what_it_offers_and_is_told_once(house: House) -> None:
    house.say("强检收费吗")
    key = f"case:17:{CANARY}"
    assert [tell(house, NEWS, key, confidential=True) for _ in range(2)] == [True, False]
    assert CANARY not in house.plain()
    row = house.rows(OutboxRow)[-1]
    assert "case" not in (row.dedup_key or "")
    assert row.nonce
    assert house.told("1") == [f"案子 show/{CANARY}"]


def test_an_open_message_reaches_a_sealed_conversation_unread(house: House) -> None:
    for words in ("密报", f"{CANARY}少称"):
        house.say(words)
    tell(house, OTHER, "a", confidential=False)
    assert house.told("完成") == ["怎么报？"]  # a number still answers the form
    house.say("1")
    tell(house, OTHER, "b", confidential=False)
    assert CANARY not in house.plain()
    assert house.told("1") == house.told("菜单")


def test_delivery_opens_what_it_sends(knowledge: Knowledge, tmp_path: Path, empty_file: Path) -> None:
    service = service_at(tmp_path / "d", empty_file, knowledge)
    service.reception = with_counter(service.reception)
    try:
        for n, words in enumerate(("密报", f"{CANARY}少称")):
            service.talk(replace(said(words, f"k{n}"), contact=ContactRef("x", "wang"), way=Way.PUSH))
        with service.database.unit() as session:
            items = sending.claim(session, "x", Rate(100, 100), NOW, 10)
            assert [MARK in item.payload for item in items] == [False]
            sending.finish(session, items[0], sending.Outcome(SendState.SENT), Rate(100, 100), NOW)
            items = sending.claim(session, "x", Rate(100, 100), NOW, 10)
        assert [MARK in item.payload for item in items] == [True]
        assert service.opened(items[0]).payload["text"] == f"{CANARY}少称还有吗？"
    finally:
        service.close()
