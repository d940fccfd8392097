"""People and the bot on Telegram: updates over real HTTP, buttons, forms, groups, and who may speak at all."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from bot.channels.telegram.render import BACK, QUIT
from bot.channels.telegram.web import BODY_LIMIT, SECRET_HEADER
from bot.turns import OverloadedError
from handlers.conversation.messages import Reply
from handlers.outreach import push
from storage.consults import Consult
from storage.contacts import Contact
from storage.database import Session
from storage.dialogues import Dialogue, InboxMessage
from storage.outbox import OutboxRow, SendState
from storage.platform import Parked
from tests.fakes.telegram import Person
from tests.telegram import QUESTION, SECRET, Stage, numbers, read

STALE = "这个按钮已过期"


# -- conversations ------------------------------------------------------------------------------------------------


def test_a_question_and_a_tap(stage: Stage, wang: Person) -> None:
    assert wang.say(QUESTION) == 200
    (answer,) = wang.replies()
    assert "12个月" in answer.text or "电子计价秤" in answer.text
    assert answer.labels[0].startswith("1 ")
    assert wang.tap(0) == 200
    (more,) = wang.replies()
    assert not more.text.startswith(STALE)
    assert not answer.edits
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})
    assert {row.platform_id for row in stage.rows(OutboxRow)} == {str(answer.message_id), str(more.message_id)}
    assert len(stage.fake.answered) == 1


def test_a_tap_is_noticed_before_its_work_is_done(stage: Stage, wang: Person) -> None:
    wang.say(QUESTION)
    wang.replies()
    held, sound = Future[None](), stage.service.take

    def slow(*args: Any) -> Any:
        stage.service.turns.submit(lambda _session: held.result(10))
        return sound(*args)

    stage.service.take = slow  # type: ignore[method-assign]
    (job,) = stage.fake.mailbox.submit([wang.callback(0)])
    stage.fake.wait_until(lambda: len(stage.fake.answered) == 1)
    assert not job.done.done()
    held.set_result(None)
    assert job.done.result(10) == [200]


def test_a_tap_that_cannot_be_acknowledged_is_worked(stage: Stage, wang: Person) -> None:
    stage.fake.fault("answerCallbackQuery", error_code=400, description="Bad Request: query is too old")
    wang.say(QUESTION)
    wang.replies()
    assert wang.tap(0) == 200
    assert not wang.replies()[0].text.startswith(STALE)


def test_an_old_button_shows_what_is_open_now(wang: Person) -> None:
    wang.say(QUESTION)
    (old,) = wang.replies()
    wang.say("判定")
    (now,) = wang.replies()
    wang.tap(0, old)
    first, second = wang.replies(2)
    assert first.text.startswith(STALE)
    assert now.text.splitlines()[-1] in second.text
    assert second.labels == now.labels
    assert not old.edits


@pytest.mark.parametrize("data", ["v1:0123456789abcdef:1", "v1::1", "v2:0:1", "菜单", "lookup:topic/x"])
def test_forged_buttons_do_nothing(wang: Person, data: str) -> None:
    wang.say(QUESTION)
    wang.replies()
    assert wang.tap(0, data=data) == 200
    assert wang.replies()[0].text.startswith(STALE)


def test_a_form_asks_in_place_and_answers_below(stage: Stage, wang: Person) -> None:
    wang.say("/checkup")
    (form,) = wang.replies()
    assert form.labels[-2:] == [BACK, QUIT]
    wang.tap(0, form)
    stage.fake.wait_until(lambda: len(form.edits) == 1)
    assert "第1步" in form.text
    wang.say("2")
    (second,) = wang.replies()
    assert second.message_id != form.message_id
    asked = read(second)
    for _ in range(8):
        if second.labels[-1:] != [QUIT]:
            break
        wang.tap(0, second)
        stage.fake.wait_until(lambda shown=asked: read(wang.chat.sent[-1]) != shown)
        second, asked = wang.chat.sent[-1], read(wang.chat.sent[-1])
    assert second.labels[-1:] != [QUIT]
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})


def test_going_back_and_leaving_by_button(stage: Stage, wang: Person) -> None:
    wang.say("/checkup")
    (form,) = wang.replies()
    first = read(form)
    wang.tap(0, form)
    stage.fake.wait_until(lambda: len(form.edits) == 1)
    wang.tap(BACK, form)
    stage.fake.wait_until(lambda: read(form) == first)
    wang.tap(QUIT, form)
    (left,) = wang.replies()
    assert left.text.startswith("好的，已退出")


def test_an_edited_message_is_answered_once_more(stage: Stage, wang: Person) -> None:
    wang.say("强检")
    wang.replies()
    update = wang.edited(QUESTION)
    assert wang.send(update) == wang.send(update) == 200
    assert len(wang.replies()) == 1
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})
    assert stage.rows(Dialogue)[0].turns == 2


def test_a_deep_link_is_taken(stage: Stage, wang: Person) -> None:
    assert wang.start("s_A12") == 200
    assert wang.replies()
    assert stage.rows(Parked) == []


def test_everything_else_gets_a_sentence_or_silence(stage: Stage) -> None:
    def talkative(person: Person) -> Any:
        return (
            person.sticker(),
            person.location(28.0, 120.6),
            person.contact("13800138000"),
            person.document(b"x", "合同.docx"),
            person.document(b"x", size=11 * 1024 * 1024),
            person.message(video={"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1}),
        )

    for n in range(len(talkative(stage.person()))):
        person = stage.person()
        assert person.send(talkative(person)[n]) == 200
        (said,) = person.replies()
        assert said.text
        assert "系统错误" not in said.text
    before = len(stage.rows(InboxMessage))
    wang = stage.person()
    silent = (
        stage.fake.poll_update(),
        stage.fake.update("telepathy", {"thought": "秤"}),
        stage.fake.channel(-next(numbers)).post("通知"),
        wang.reaction("👍", 1),
        wang.message(new_chat_title="x"),
    )
    assert [stage.fake.deliver(update) for update in silent] == [200] * len(silent)
    assert len(stage.rows(InboxMessage)) == before
    assert stage.rows(Parked) == []


# -- delivered again, out of order, to a server that is busy -------------------------------------------------------


def test_R1_the_same_update_twice_has_one_effect(stage: Stage, wang: Person) -> None:
    update = wang.text("人工")
    assert wang.send(update) == wang.send(update) == 200
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})
    assert len(stage.rows(Consult)) == 1
    assert stage.rows(Dialogue)[0].turns == 1
    assert len(wang.chat.sent) == len(stage.rows(OutboxRow))


def test_R1_R2_many_people_at_once_each_in_order(stage: Stage) -> None:
    people = [stage.person() for _ in range(20)]
    updates = [person.text(said) for said in ("人工", QUESTION, "菜单") for person in people]
    statuses = asyncio.run(stage.fake.deliver_many(updates, duplicates=0.5, seed=7))
    assert {status for seen in statuses.values() for status in seen} == {200}
    assert sorted(row.turns for row in stage.rows(Dialogue)) == [3] * 20
    assert len(stage.rows(Consult)) == 20
    with stage.session() as session:
        twice = select(InboxMessage.contact_id, InboxMessage.key).group_by("contact_id", "key")
        assert session.execute(twice.having(func.count() > 1)).all() == []


def test_R19_when_nothing_was_kept_the_platform_is_not_told_so(stage: Stage, wang: Person) -> None:
    sound, refused = stage.service.take, []

    def busy(*args: Any) -> Any:
        if len(refused) < 2:
            refused.append(1)
            raise OverloadedError
        return sound(*args)

    stage.service.take = busy  # type: ignore[method-assign]
    (job,) = stage.fake.mailbox.submit([wang.text(QUESTION)])
    assert job.done.result(10) == [503, 503, 200]
    assert len(wang.replies()) == 1


def test_a_message_that_breaks_the_bot_is_parked_and_said_so(
    stage: Stage, wang: Person, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_talk: object, text: str) -> list[Reply]:
        raise RuntimeError(text)

    sound = stage.service.reception
    stage.service.reception = replace(sound, desk=replace(sound.desk, answer=broken))
    update = wang.text("我的电话是13800138000")
    assert wang.send(update) == 200
    stage.service.reception = sound
    assert "没处理好" in wang.replies()[0].text
    (parked,) = stage.rows(Parked)
    assert parked.channel == "telegram"
    assert json.loads(parked.body) == update
    assert "RuntimeError" in parked.reason
    assert "13800138000" not in parked.reason + caplog.text
    assert wang.send(update) == 200
    assert len(stage.rows(Parked)) == 1
    assert wang.say(QUESTION) == 200
    assert len(wang.replies()) == 1


# -- who may speak -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], f"{SECRET}x", "秤"])
def test_T6_without_the_secret_nothing_is_heard(stage: Stage, wang: Person, secret: str) -> None:
    assert stage.post(json.dumps(wang.text("人工")).encode(), secret) == 403
    assert stage.rows(Contact) == stage.rows(Parked) == []


def test_bodies_that_are_no_updates(stage: Stage) -> None:
    assert stage.post(b"{" + b" " * BODY_LIMIT + b"}") == 413
    assert stage.rows(Parked) == []
    bad = (b"not json", b"[]", b"{}", b'{"update_id": "1"}', b"\xff\xfe", b"[" * 100_000, b'{"update_id": NaN}')
    assert [stage.post(body) for body in bad] == [200] * len(bad)
    assert len(stage.rows(Parked)) == len(bad)
    assert stage.post(bad[0]) == 200
    assert len(stage.rows(Parked)) == len(bad)
    assert stage.rows(InboxMessage) == []


def test_there_is_no_other_way_in(stage: Stage) -> None:
    assert httpx.get(stage.bot.url).status_code in (404, 405)
    assert httpx.post(f"{stage.bot.url}/x", headers={SECRET_HEADER: SECRET}).status_code == 404


# -- people and groups that come and go ----------------------------------------------------------------------------


def test_blocked_and_back(stage: Stage, wang: Person) -> None:
    wang.say(QUESTION)
    wang.replies()
    assert wang.block() == 200
    assert stage.contact(wang.user_id).unreachable == "blocked"
    stage.tell(wang, "有答复了")
    assert {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT, SendState.BLOCKED}
    assert wang.unblock() == 200
    assert stage.contact(wang.user_id).unreachable == ""
    assert [message.text for message in wang.replies()] == ["有答复了"]


def test_who_blocks_without_a_word_is_noticed_when_written_to(stage: Stage, wang: Person) -> None:
    wang.say(QUESTION)
    wang.replies()
    wang.chat.forbidden = "bot was blocked by the user"
    stage.tell(wang, "有答复了")
    stage.until(lambda: stage.contact(wang.user_id).unreachable == "blocked")
    tried = len(stage.fake.called("sendMessage"))
    stage.tell(wang, "还有答复")
    wang.chat.forbidden = ""
    wang.say("菜单")
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})
    texts = [message.text for message in wang.replies(3)]
    assert [text for text in texts if "答复" in text[:4]] == ["有答复了", "还有答复"]
    assert len(stage.fake.called("sendMessage")) == tried + 3


def test_in_a_group_only_what_is_meant_for_the_bot(stage: Stage, wang: Person) -> None:
    market = stage.fake.group(-next(numbers))
    here, li = market.member(wang), market.member(stage.person())
    stage.until(lambda: bool(stage.fake.called("getMe")))
    assert here.say("今天排骨多少钱") == 200
    assert here.say("/help@another_bot") == 200
    assert stage.rows(InboxMessage) == []
    assert here.say(f"@honest_scale_bot {QUESTION}") == 200
    (answer,) = here.replies()
    assert answer.labels
    assert li.tap(0, answer) == 200  # somebody else's options
    assert here.replies()[0].text.startswith(STALE)
    assert here.tap(0, answer) == 200
    assert not here.replies()[-1].text.startswith(STALE)
    assert {c.external_id for c in stage.rows(Contact)} == {f"{market.chat_id}:{p.user_id}" for p in (wang, li)}
    assert {c.address for c in stage.rows(Contact)} == {str(market.chat_id)}
    assert wang.chat.sent == []


@pytest.mark.parametrize("told", [True, False])
def test_a_group_that_becomes_a_supergroup(stage: Stage, wang: Person, *, told: bool) -> None:
    old = stage.fake.group(-next(numbers))
    here = old.member(wang)
    here.say("/ask@honest_scale_bot 电子秤")
    here.replies()
    new, notices = old.migrate(-(10**12) - next(numbers), wang)
    if told:
        assert [stage.fake.deliver(notice) for notice in notices] == [200, 200]
        stage.until(lambda: stage.contact(f"{old.chat_id}:{wang.user_id}").address == str(new.chat_id))
    contact = stage.contact(f"{old.chat_id}:{wang.user_id}")

    def tell(session: Session) -> None:
        push(session, contact.id, Reply("有答复了"), datetime.now(UTC), "consult-answer", "moved")

    stage.service.turns.submit(tell).result()
    stage.service.wake()
    assert [m.text for m in stage.fake.wait_for_messages(new.chat_id)] == ["有答复了"]
    assert stage.contact(contact.external_id).address == str(new.chat_id)
