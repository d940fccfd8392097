"""隐私 and 删除我的数据: what is said is true, and what was to be deleted is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from handlers.consult import answer
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Numbered, Way
from handlers.privacy import KEPT
from handlers.turn import Reception
from scheduler import retention
from storage import binding, contacts
from storage.base import Base
from storage.consults import Consult, ConsultState
from storage.contacts import Contact
from storage.database import Database
from storage.dialogues import Dialogue
from tests.support import NOW, said

CANARY = "金丝雀的秘密"
Say = Callable[..., list[str]]


@pytest.fixture
def say(database: Database, reception: Reception) -> Say:
    """Say something on a channel; the texts of the answer."""
    count = iter(range(1000))

    def say(text: str, channel: str = "web", way: Way = Way.PULL, *, photo: bool = False) -> list[str]:
        number = next(count)
        files = (Attachment(AttachmentKind.IMAGE, label=CANARY, ref=CANARY),) if photo else ()
        inbound = replace(
            said(text, f"k{number}", at=NOW + timedelta(seconds=number)),
            contact=ContactRef(channel, f"{channel}-canary"),
            attachments=files,
            way=way,
        )
        with database.unit() as session:
            lines: list[Numbered] = reception.turn(session, inbound)
        return [line.reply.text for line in lines]

    return say


def everything(database: Database) -> str:
    with database.reading() as session:
        return "\n".join(
            str(tuple(row)) for table in Base.metadata.sorted_tables for row in session.execute(select(table))
        )


def tell_a_lot(say: Say, channel: str, way: Way = Way.PULL) -> None:
    say(f"{CANARY}是什么", channel, way)
    say("人工", channel, way)
    say(CANARY, channel, way)
    say("", channel, way, photo=True)
    say("判定", channel, way)
    say(f"2斤{CANARY}", channel, way)


def test_the_times_that_are_promised_are_the_times_that_are_kept() -> None:
    assert timedelta(hours=24) <= retention.RAW_MESSAGES <= timedelta(hours=25)
    assert "您发的话留 1 天" in KEPT
    assert f"我的答复留 {retention.REPLIES.days} 天" in KEPT
    assert f"{retention.IDLE_DIALOGUES.days} 天没动就清空" in KEPT


def test_what_is_deleted_takes_two_messages_and_is_gone(database: Database, say: Say) -> None:
    tell_a_lot(say, "web")
    assert CANARY in everything(database)
    assert "确定就回“确认删除”" in say("删除我的数据")[0]
    assert say("确认删除")[0].startswith("删好了")
    assert CANARY not in everything(database)
    with database.reading() as session:
        row = session.scalars(select(Consult)).one()
        assert (row.number, row.state, row.question, row.files) == ("RG-261124-0001", ConsultState.CLOSED, "", [])
    assert say("继续")[0].startswith("没有没填完的内容")


def test_it_can_be_called_off_and_needs_the_second_message(database: Database, say: Say) -> None:
    tell_a_lot(say, "web")
    say("确认删除")
    assert CANARY in everything(database)
    assert say("不删") == ["好的，什么都没有删。"]
    assert CANARY in everything(database)


def test_the_other_accounts_of_the_person_go_with_it(database: Database, say: Say) -> None:
    tell_a_lot(say, "wechat", Way.PUSH)
    tell_a_lot(say, "web")
    with database.unit() as session:
        wechat, web = (contacts.find(session, c, f"{c}-canary") for c in ("wechat", "web"))
        assert wechat is not None
        assert web is not None
        binding.come_over(session, wechat, web.person_id)
    say("删除我的数据")
    say("确认删除")
    left = everything(database)
    assert CANARY not in left
    assert "wechat-canary" not in left
    with database.reading() as session:
        assert len(session.scalars(select(Contact).where(Contact.channel == "web")).all()) == 1
        assert {row.state for row in session.scalars(select(Consult))} == {ConsultState.CLOSED}
    assert say("菜单", "wechat")
    with database.reading() as session:
        new = session.scalars(select(Contact).where(Contact.external_id == "wechat-canary")).one()
        assert session.get_one(Dialogue, new.person_id).turns == 1


def test_what_was_not_shown_yet_is_shown_a_last_time(database: Database, say: Say) -> None:
    say("人工", "wechat", Way.PUSH)
    with database.unit() as session:
        answer(session, "RG-261124-0001", CANARY, NOW)
    say("删除我的数据", "wechat", Way.PUSH)
    texts = say("确认删除", "wechat", Way.PASSIVE)
    assert any(CANARY in text for text in texts)
    assert texts[-1].startswith("删好了")
    assert CANARY not in everything(database)


def test_a_second_delivery_of_the_last_word_gets_the_same_answer(database: Database, reception: Reception) -> None:
    def take(text: str, key: str) -> list[Numbered]:
        with database.unit() as session:
            return reception.turn(session, said(text, key))

    take("人工", "1")
    take("删除我的数据", "2")
    first = take("确认删除", "3")
    assert take("确认删除", "3") == first
