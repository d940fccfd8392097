"""Confidential words in the database: sealed wherever they lie, and there again for whoever they belong to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import ONCE_LASTS, Knowledge, Service
from handlers import sealing
from handlers.conversation.forms import Field, Form
from handlers.conversation.messages import Attachment, AttachmentKind, Choice, ContactRef, Numbered, Reply, Way
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
from storage.media import MediaFile
from storage.outbox import OutboxRow, SendState
from tests.support import NOW, StandingClock, bench_of, said, service_at

CANARY = "金丝雀摊位"
RECEIPT = "4839-2011"
RATE = Rate(100, 100)
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
    assert house.told("1")[0].startswith("您好，我是诚信秤")


# -- the running service ------------------------------------------------------------------------------------------


@pytest.fixture
def counter(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Service]:
    service = service_at(tmp_path / "running", empty_file, knowledge)
    service.reception = with_counter(service.reception)
    yield service
    service.close()


def speak(service: Service, contact: ContactRef, *texts: str, way: Way = Way.PULL) -> None:
    for n, text in enumerate(texts):
        service.talk(replace(said(text, f"k{n}"), contact=contact, way=way))


def test_delivery_opens_what_it_sends(counter: Service) -> None:
    speak(counter, ContactRef("x", "wang"), "密报", f"{CANARY}少称", way=Way.PUSH)
    texts = []
    for _ in range(2):  # one at a time in each chat
        with counter.database.unit() as session:
            (item,) = sending.claim(session, "x", RATE, NOW, 10)
            assert set(item.payload) == {MARK}
            sending.finish(session, item, sending.Outcome(SendState.SENT), RATE, NOW)
        texts.append(counter.opened(item).payload["text"])
    assert texts == ["什么事？", f"{CANARY}少称还有吗？"]


def test_the_page_shows_its_owner_what_was_said_and_a_receipt_for_a_moment(counter: Service) -> None:
    with StandingClock() as clock:
        contact = counter.contact_of(counter.open_session())
        assert contact is not None
        speak(counter, contact, "密报", f"{CANARY}少称", "完成", "1")
        lines = [line.mine or line.reply.text for line in counter.history(contact, 0)]
        assert f"{CANARY}少称" in lines
        assert lines[-2:] == [f"收到：{CANARY}少称", f"回执码 {RECEIPT}"]
        clock.now += ONCE_LASTS + timedelta(seconds=1)
        lines = [line.mine or line.reply.text for line in counter.history(contact, 0)]
        assert lines[-2:] == [f"收到：{CANARY}少称", ONCE]


def test_the_files_of_the_database_hold_no_word_of_it(counter: Service) -> None:
    speak(counter, ContactRef("x", "wang"), "密报", f"{CANARY}少称", "返回", f"{CANARY}少两", "完成", "1", "再说一遍")
    lying = b"".join(path.read_bytes() for path in counter.settings.data_dir.glob("honestscale.db*"))
    assert b"wang" in lying
    for word in (CANARY, RECEIPT, "密报"):
        assert word.encode() not in lying
        assert json.dumps(word).strip('"').encode() not in lying


def test_a_confidential_draft_goes_on_on_the_other_channel(house: House) -> None:
    house.say("密报", channel="wechat")
    house.say(f"{CANARY}少称", channel="wechat")
    house.say("取消", channel="wechat")
    found = re.search(r"绑定码 (\d{6})", house.told("绑定", channel="wechat")[0])
    assert found is not None
    house.say(f"绑定 {found[1]}", channel="telegram")
    assert house.told("1", channel="telegram")[0].startswith("绑好了")
    assert CANARY not in house.plain()
    assert house.told("继续", channel="telegram") == [f"{CANARY}少称还有吗？"]
    assert CANARY not in house.plain()


def test_a_voice_in_words_is_fetched_only_as_part_of_an_answer(house: House) -> None:
    voice = (Attachment(AttachmentKind.VOICE, ref="v1", label="语音"),)
    house.say("强检收费吗", attachments=voice, heard=True)
    house.say("密报")
    house.say(f"{CANARY}少称", attachments=voice, heard=True)
    house.say("完成", attachments=voice, heard=True)
    assert len(house.rows(MediaFile)) == 1
    form = house.state().form
    assert form is not None
    assert form.answers == {"story": f"{CANARY}少称", "more": []}
