"""The bot on Telegram: its own server with its worker, and the platform as a server that people write through."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from bot.app import Knowledge
from bot.channels.telegram.web import BODY_LIMIT, SECRET_HEADER
from bot.intake import SORRY
from bot.turns import WAITING, OverloadedError, Turns
from storage.contacts import Contact
from storage.dialogues import InboxMessage
from storage.media import MediaFile
from storage.outbox import OutboxRow, SendState
from storage.platform import AlbumPart, Lease, Parked
from tests.fakes.telegram import BOT_TOKEN, FakeTelegram, Group, Json, Person
from tests.mutate import mutated_json
from tests.support import picture
from tests.telegram import SECRET, Running, read, running

numbers = count(1001)
pytestmark = pytest.mark.usefixtures("bot")
FEE, FEE_SHORT = "强检收费吗", "强制检定不收费"
EXPIRED = "这个按钮已过期，请看下面现在的内容。"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as fake:
        yield fake


@pytest.fixture(scope="module")
def bot(
    tmp_path_factory: pytest.TempPathFactory, empty_file: Path, knowledge: Knowledge, fake: FakeTelegram
) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("telegram"), empty_file, knowledge, fake) as bot:
        fake.wait_until(lambda: bool(fake.called("getMe")))
        yield bot


@pytest.fixture
def wang(fake: FakeTelegram) -> Person:
    return fake.person(next(numbers), started=True)


@pytest.fixture
def market(fake: FakeTelegram) -> Group:
    return fake.group(-next(numbers))


@pytest.fixture(autouse=True)
def _no_faults_left(fake: FakeTelegram) -> Iterator[None]:
    yield
    fake.clear_faults()


def rows(bot: Running, table: Any, **where: Any) -> list[Any]:
    with bot.service.database.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def contact(bot: Running, external_id: object) -> Contact:
    (found,) = rows(bot, Contact, external_id=str(external_id))
    return found


def eventually(holds: Callable[[], bool], seconds: float = 8.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.02)


def texts(fake: FakeTelegram, chat: int) -> list[str]:
    return [message.text for message in fake.messages.get(chat, [])]


# -- conversation -------------------------------------------------------------------------------------------------


def test_a_question_is_answered_with_buttons_and_a_tap_is_acknowledged(fake: FakeTelegram, wang: Person) -> None:
    assert wang.say(FEE) == 200
    (answer,) = wang.replies()
    assert answer.text.startswith(FEE_SHORT)
    assert answer.labels[0].startswith("1 ")
    assert "parse_mode" not in answer.params
    assert answer.params["link_preview_options"] == {"is_disabled": True}
    tap = wang.callback(0)
    wang.send(tap)
    (thanks,) = wang.replies()
    assert thanks.text == "谢谢，有问题再来。"
    fake.wait_until(lambda: tap["callback_query"]["id"] in [a.query_id for a in fake.answered])
    assert answer.edits == []


def test_a_form_is_edited_in_place_and_its_result_is_a_new_message(wang: Person) -> None:
    wang.say("/check")
    (question,) = wang.replies()
    assert read(question) == "查秤两招，选一个：\n1 用手机当砝码测秤\n2 核对算钱对不对"
    assert question.labels[-2:] == ["« 返回", "✖ 退出"]
    wang.tap("2 核对算钱对不对")
    wang.fake.wait_until(lambda: bool(question.edits))
    assert question.text.startswith("发我三个数")
    wang.say("18一公斤 0.74公斤 收14")
    (result,) = wang.replies()
    assert "13.32" in result.text
    assert len(wang.chat.sent) == 2


def test_a_stale_button_leads_to_the_present_state(wang: Person) -> None:
    wang.say(FEE)
    (old,) = wang.replies()
    wang.say("/check")
    wang.replies()
    wang.tap(0, old)
    assert [m.text for m in wang.replies(2)] == [EXPIRED, "查秤两招，选一个："]


@pytest.mark.parametrize("data", ["v1:0123456789abcdef:1", "v1:x:1", "x" * 64, "秤" * 21])
def test_a_forged_button_does_nothing(wang: Person, data: str) -> None:
    wang.say(FEE)
    wang.replies()
    assert wang.tap(0, data=data) == 200
    assert wang.replies()[0].text == EXPIRED


def test_a_message_whose_question_is_gone_is_sent_anew(wang: Person) -> None:
    wang.say("/check")
    (question,) = wang.replies()
    question.deleted = True
    wang.send(wang.callback("2 核对算钱对不对", question))
    (next_question,) = wang.replies()
    assert next_question.text.startswith("发我三个数")


def test_the_same_update_twice_is_one_deed(bot: Running, fake: FakeTelegram, wang: Person) -> None:
    update = wang.text(FEE)
    fake.deliver(update, update)
    fake.deliver(update)
    wang.replies()
    other = fake.person(next(numbers), started=True)
    other.say(FEE)
    other.replies()
    assert len(wang.chat.sent) == 1
    assert len(rows(bot, InboxMessage, key=f"u:{update['update_id']}")) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p.location(30.6, 104.1),
        lambda p: p.contact("13800138000"),
        lambda p: p.sticker(),
        lambda p: p.voice(b"OggS" + bytes(60)),
        lambda p: p.document(b"x", "大.pdf", size=11 * 1024 * 1024),
        lambda p: p.document(b"x", "合同.docx"),
        lambda p: p.message(video={"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1}),
        lambda p: p.command("start", "s_A12"),
        lambda p: p.text("\u202e\u200b"),
    ],
    ids=["location", "contact", "sticker", "voice", "large", "docx", "video", "route", "invisible"],
)
def test_every_kind_of_message_is_answered(wang: Person, make: Callable[[Person], Json]) -> None:
    assert wang.send(make(wang)) == 200
    assert wang.replies()[0].text


def test_what_needs_no_answer_gets_none(bot: Running, fake: FakeTelegram, wang: Person) -> None:
    before = len(rows(bot, InboxMessage))
    updates = [
        fake.channel(-next(numbers)).post("通知"),
        fake.poll_update(),
        fake.update("telepathy", {"thought": "秤"}),
        wang.message(pinned_message={"message_id": 1, "chat": wang.chat.card(), "date": 1}),
    ]
    assert [fake.deliver(update) for update in updates] == [200] * 4
    assert len(rows(bot, InboxMessage)) == before


# -- files --------------------------------------------------------------------------------------------------------


def test_a_photo_is_fetched_and_kept(bot: Running, wang: Person) -> None:
    wang.send(wang.photo(picture()))
    wang.replies()
    who = contact(bot, wang.user_id).id
    eventually(lambda: [f.state for f in rows(bot, MediaFile, contact_id=who)] == ["kept"])
    (kept,) = rows(bot, MediaFile, contact_id=who)
    assert kept.media_type == "image/png"
    found = list(bot.service.settings.evidence_dir.rglob(f"{kept.sha256}*"))
    assert [path.read_bytes() for path in found] == [picture()]


def test_a_file_that_is_larger_than_it_says_is_given_up_while_it_comes(wang: Person) -> None:
    wang.send(wang.document(bytes(10 * 1024 * 1024 + 1), "大.pdf", size=1000))
    assert "超过 10 MB" in wang.replies(2)[1].text


def test_a_file_the_platform_no_longer_has(fake: FakeTelegram, wang: Person) -> None:
    fake.fault("getFile", error_code=400, description="Bad Request: invalid file_id")
    wang.send(wang.photo(picture()))
    assert "已经过期" in wang.replies(2)[1].text


# -- albums -------------------------------------------------------------------------------------------------------


def test_an_album_is_one_message_and_delivered_again_it_is_none(bot: Running, fake: FakeTelegram, wang: Person) -> None:
    album = wang.album([picture(), picture() + b"2", picture() + b"3"])
    assert fake.deliver(*album, album[1]) == 200
    assert len(rows(bot, AlbumPart)) == 3
    began = time.monotonic()
    (answer,) = wang.replies()
    assert answer.text.startswith("收到 3 个文件")
    assert 1.0 < time.monotonic() - began < 4.0
    assert rows(bot, AlbumPart) == []
    # Each part once more, as after a 200 that was lost on its way.
    fake.deliver(*album)
    time.sleep(2.5)
    assert rows(bot, AlbumPart) == []
    assert len(wang.chat.sent) == 1
    assert len(rows(bot, MediaFile, contact_id=contact(bot, wang.user_id).id)) == 3


def test_an_album_left_behind_by_a_crash_is_put_together(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, fake: FakeTelegram, wang: Person, bot: Running
) -> None:
    folder = tmp_path / "left"
    try:
        with running(folder, empty_file, knowledge, fake) as first:
            fake.deliver(*wang.album([picture(), picture() + b"2"], "这台秤"))
            kept = [(p.channel, p.album, p.key, p.part, p.at) for p in rows(first, AlbumPart)]
        assert len(kept) == 2
        names = ("channel", "album", "key", "part", "at")
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        with running(fresh, empty_file, knowledge, fake) as second, second.service.database.unit() as session:
            session.add_all(AlbumPart(**dict(zip(names, part, strict=True))) for part in kept)
        with running(fresh, fresh / "honestscale.db", knowledge, fake, database_url=_url(fresh)) as third:
            eventually(lambda: not rows(third, AlbumPart))
            (message,) = rows(third, InboxMessage, key=kept[0][2])
            assert message.body["text"] == "这台秤"
            assert len(message.body["files"]) == 2
    finally:
        fake.deliver_to(bot.url, SECRET)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'honestscale.db'}"


# -- groups -------------------------------------------------------------------------------------------------------


def test_in_a_group_only_who_speaks_to_the_bot_is_answered(bot: Running, wang: Person, market: Group) -> None:
    here = market.member(wang)
    assert here.say(FEE) == 200
    here.say(f"@honest_scale_bot {FEE}")
    (answer,) = here.replies()
    assert answer.text.startswith(FEE_SHORT)
    here.say("/help@honest_scale_bot")
    (helped,) = here.replies()
    here.say("菜单", reply_to=helped.message_id)
    here.replies()
    assert len(market.chat.sent) == 3
    assert wang.chat.sent == []
    assert contact(bot, f"{market.chat_id}:{wang.user_id}").address == str(market.chat_id)


def test_one_persons_button_in_a_group_is_not_anothers(fake: FakeTelegram, wang: Person, market: Group) -> None:
    market.member(wang).say(f"/ask {FEE}")
    market.member(wang).replies()
    other = market.member(fake.person(next(numbers)))
    other.tap(0)
    assert other.replies()[0].text == EXPIRED


def test_a_group_that_moved_is_answered_where_it_is_now(bot: Running, wang: Person, market: Group) -> None:
    market.member(wang).say("/help")
    market.member(wang).replies()
    update = market.member(wang).text(f"/ask {FEE}")
    new, notices = market.migrate(-(10**12) - next(numbers), wang)
    wang.send(update)
    assert new.member(wang).replies()[0].text.startswith(FEE_SHORT)
    assert wang.send(*notices) == 200
    assert contact(bot, f"{market.chat_id}:{wang.user_id}").address == str(new.chat_id)


def test_the_notice_of_a_move_is_enough(bot: Running, wang: Person, market: Group) -> None:
    market.member(wang).say("/help")
    market.member(wang).replies()
    _, notices = market.migrate(-(10**12) - next(numbers), wang)
    wang.send(notices[0])
    new = str(notices[0]["message"]["migrate_to_chat_id"])
    assert contact(bot, f"{market.chat_id}:{wang.user_id}").address == new


# -- people who leave and come back -------------------------------------------------------------------------------


def test_what_could_not_be_sent_to_somebody_who_blocked_us_is_sent_when_they_are_back(
    bot: Running, wang: Person
) -> None:
    wang.say("/help")
    wang.replies()
    update = wang.text(FEE)
    assert wang.block() == 200
    assert contact(bot, wang.user_id).unreachable == "blocked"
    wang.send(update)
    who = contact(bot, wang.user_id).id
    eventually(lambda: len(rows(bot, OutboxRow, contact_id=who, state=SendState.BLOCKED)) == 1)
    assert contact(bot, wang.user_id).unreachable == "blocked"
    wang.unblock()
    assert wang.replies()[0].text.startswith(FEE_SHORT)
    assert contact(bot, wang.user_id).unreachable == ""


# -- trouble on the way out ---------------------------------------------------------------------------------------


def test_retry_after_is_obeyed_towards_everybody(fake: FakeTelegram, wang: Person) -> None:
    other = fake.person(next(numbers), started=True)
    fake.fault("sendMessage", retry_after=2)
    wang.say(FEE)
    fake.wait_until(lambda: any(c.method == "sendMessage" and c.answer is None for c in fake.calls))
    refused = time.time()
    other.say(FEE)
    (late,) = other.replies()
    (again,) = wang.replies()
    assert 1.8 < min(late.when, again.when) - refused < 4.0
    assert [len(wang.chat.sent), len(other.chat.sent)] == [1, 1]


@pytest.mark.parametrize(("reset", "most"), [("before", 1), ("after", 2)])
def test_a_broken_connection_loses_nothing(
    bot: Running, fake: FakeTelegram, wang: Person, reset: str, most: int
) -> None:
    fake.fault("sendMessage", reset=reset, chat_id=wang.chat_id)
    wang.say(FEE)
    eventually(lambda: {r.state for r in rows(bot, OutboxRow, contact_id=contact(bot, wang.user_id).id)} == {"sent"})
    assert 1 <= len(wang.chat.sent) <= most


# -- trouble on the way in ----------------------------------------------------------------------------------------


def post(bot: Running, body: bytes, secret: str | None = SECRET) -> int:
    headers = {SECRET_HEADER: secret} if secret is not None else {}
    return httpx.post(bot.url, content=body, headers=headers, trust_env=False).status_code


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.lower()])
def test_without_the_secret_nothing_is_taken(bot: Running, wang: Person, secret: str | None) -> None:
    update = wang.text(FEE)
    assert post(bot, json.dumps(update).encode(), secret) == 403
    assert rows(bot, InboxMessage, key=f"u:{update['update_id']}") == []


def test_a_secret_that_is_no_ascii(bot: Running) -> None:
    headers = {SECRET_HEADER.encode(): "秤".encode()}
    assert httpx.post(bot.url, content=b"{}", headers=headers, trust_env=False).status_code == 403


def test_a_body_longer_than_any_update(bot: Running) -> None:
    assert post(bot, b" " * (BODY_LIMIT + 1)) == 413
    assert httpx.get(bot.url, trust_env=False).status_code == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\x00", b"[]", b"{", b'{"update_id":1,"message":7}', b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"],
)
def test_what_is_no_update_is_parked_and_acknowledged(bot: Running, body: bytes) -> None:
    before = {p.id for p in rows(bot, Parked)}
    assert post(bot, body) == 200
    assert post(bot, body) == 200
    (parked,) = (p for p in rows(bot, Parked) if p.id not in before)
    assert (parked.channel, parked.reason.partition(":")[0]) == ("telegram", "unreadable")


def test_a_message_that_cannot_be_worked_is_parked_and_the_person_told(bot: Running, wang: Person) -> None:
    tries = []

    def broken(_talk: object, text: str) -> list[Any]:
        tries.append(text)
        raise RuntimeError("秘密 quoted")

    sound = bot.service.reception
    bot.service.reception = replace(sound, desk=replace(sound.desk, answer=broken))
    update = wang.text("电子秤要检吗")
    try:
        assert wang.send(update) == 200
    finally:
        bot.service.reception = sound
    # Each time in its turn, and perhaps once more beside the others it was grouped with.
    assert 3 <= len(tries) <= 6
    assert [m.text for m in wang.replies()] == [SORRY]
    (parked,) = rows(bot, Parked, key=f"u:{update['update_id']}")
    assert parked.reason.startswith("RuntimeError at test_telegram.py:")
    assert json.loads(parked.body) == update
    # Known from now on: sent once more it does nothing, and the person is not told twice.
    assert wang.send(update) == 200
    wang.say(FEE)
    assert [m.text[:7] for m in wang.replies()] == [FEE_SHORT]


def test_too_much_at_once_is_sent_again_by_the_platform(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, bot: Running, fake: FakeTelegram, wang: Person
) -> None:
    try:
        with running(tmp_path / "busy", empty_file, knowledge, fake) as busy:
            gate, begun = threading.Event(), threading.Event()
            turns = busy.service.turns
            turns.submit(lambda _session: begun.set() or gate.wait(10))
            begun.wait(5)
            with pytest.raises(OverloadedError):
                _fill(turns)
            update = wang.text(FEE)
            assert post(busy, json.dumps(update).encode()) == 503
            assert rows(busy, InboxMessage) == []
            gate.set()
            assert wang.send(update) == 200
            wang.replies()
            assert len(rows(busy, InboxMessage)) == 1
    finally:
        fake.deliver_to(bot.url, SECRET)


def _fill(turns: Turns) -> None:
    for _ in range(WAITING + 1):
        turns.submit(lambda _session: None)


def seeds(wang: Person, market: Group) -> list[bytes]:
    here = market.member(wang)
    updates = [
        wang.text(FEE),
        wang.command("start", "s_A12"),
        wang.photo(picture(), "秤"),
        *wang.album([picture(), picture()], "两张"),
        wang.document(b"x", "证.pdf"),
        wang.voice(b"OggS"),
        wang.location(30.6, 104.1),
        wang.contact("13800138000"),
        wang.sticker(),
        here.text("@honest_scale_bot 秤"),
        wang.member_update("kicked", "member"),
        wang.fake.update("message", {"message_id": 1, "date": 1, "chat": market.chat.card(), "migrate_to_chat_id": -9}),
        wang.fake.update(
            "callback_query",
            {
                "id": "1",
                "from": wang.user,
                "chat_instance": "1",
                "data": "v1:0123456789abcdef:1",
                "message": {"message_id": 1, "date": 1, "chat": wang.chat.card(), "text": "?"},
            },
        ),
    ]
    wang.text(FEE)
    return [json.dumps(update).encode() for update in (*updates, wang.edited("强检要钱吗"))]


def test_two_thousand_damaged_bodies_are_no_trouble(
    bot: Running, wang: Person, market: Group, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(20261124)  # noqa: S311 - damage that can be had again
    bodies = seeds(wang, market)
    statuses = set()
    with httpx.Client(headers={SECRET_HEADER: SECRET}, trust_env=False, timeout=30) as client:
        for n in range(2000):
            statuses.add(client.post(bot.url, content=mutated_json(bodies[n % len(bodies)], rng)).status_code)
    assert statuses == {200}
    assert [r.getMessage() for r in caplog.records if r.exc_info] == []
    other = wang.fake.person(next(numbers), started=True)
    other.say(FEE)
    assert other.replies(timeout=60)[0].text.startswith(FEE_SHORT)


# -- secrets ------------------------------------------------------------------------------------------------------


BROKEN: tuple[dict[str, Any], ...] = (
    {"garbage": True},
    {"reset": "before"},
    {"http": 502},
    {"error_code": 400, "description": f"Bad Request: 'text of somebody' {BOT_TOKEN}"},
    {"error_code": 401, "description": f"Unauthorized {BOT_TOKEN}"},
)


def test_no_secret_in_any_log(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, polled: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running(tmp_path / "x", empty_file, knowledge, polled) as bot:
        wang = polled.person(next(numbers), started=True)
        polled.fault("getFile", reset="before")
        wang.send(wang.photo(picture()))
        wang.replies()
        polled.wait_until(lambda: bool(polled.called("getFile")))
        for how in BROKEN:  # the last one shuts the channel
            person = polled.person(next(numbers), started=True)
            fault = polled.fault("sendMessage", chat_id=person.chat_id, **how)
            person.say("绝密的话")
            eventually(lambda fault=fault: fault.times == 0)
        post(bot, b"{", SECRET + "x")
        errors = [row.error for row in rows(bot, OutboxRow)]
    said = "\n".join(f"{r.getMessage()} {r.exc_text or ''} {r.exc_info or ''}" for r in caplog.records)
    assert "refuses the token" in said
    hidden = BOT_TOKEN.partition(":")[2]
    for secret in (hidden, SECRET, "绝密的话", "text of somebody"):
        assert secret not in said
    assert sum(map(bool, errors)) >= 2
    assert not any(hidden in error or "somebody" in error for error in errors)


# -- polling ------------------------------------------------------------------------------------------------------


@pytest.fixture
def polled() -> Iterator[FakeTelegram]:
    with FakeTelegram() as fake:
        yield fake


def test_of_two_processes_one_polls_and_the_other_takes_over(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, polled: FakeTelegram
) -> None:
    folder = tmp_path / "polled"
    folder.mkdir()
    wang = polled.person(next(numbers), started=True)
    with running(folder, empty_file, knowledge, polled, telegram_mode="polling") as second:
        polled.wait_until(lambda: bool(polled.called("getupdates")))
        with running(
            folder, empty_file, knowledge, polled, telegram_mode="polling", database_url=_url(folder)
        ) as other:
            assert httpx.post(other.url, trust_env=False).status_code == 404
            assert wang.say(FEE) is None
            wang.replies()
            assert len({lease.holder for lease in _leases(second)}) == 1
            wang.start()
            wang.replies()
        time.sleep(0.5)
        wang.say("/help")
        assert wang.replies(timeout=10)[0].text.startswith("怎么用")
    assert len(wang.chat.sent) == 3
    refused = [c for c in polled.called("getupdates") if c.answer and not c.ok]
    assert refused == []
    assert polled.called("deleteWebhook")[0].params.get("drop_pending_updates", False) is False


def _leases(bot: Running) -> list[Lease]:
    with bot.service.database.reading() as session:
        return list(session.scalars(select(Lease)))


def test_what_was_not_taken_is_fetched_again(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, polled: FakeTelegram
) -> None:
    people = [polled.person(next(numbers), started=True) for _ in range(5)]
    for person in people:
        person.say(FEE)
        person.start()
    polled.fault("getupdates", http=502)
    polled.fault("getupdates", error_code=409, description="Conflict: terminated by other getUpdates request")
    with running(tmp_path / "x", empty_file, knowledge, polled, telegram_mode="polling") as bot:
        for person in people:
            assert person.replies(2, timeout=15)[0].text.startswith(FEE_SHORT)
        eventually(lambda: not polled.pending)
        with bot.service.database.reading() as session:
            assert session.scalar(select(func.count(InboxMessage.id))) == 10


# -- a start without the platform ---------------------------------------------------------------------------------


def test_a_wrong_token_does_not_keep_the_server_from_starting(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, polled: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "7000000001:AAwrongAAwrongAAwrongAAwrong"
    wang = polled.person(next(numbers), started=True)
    with running(tmp_path / "x", empty_file, knowledge, polled, telegram_token=wrong) as bot:
        assert wang.say(FEE) == 200
        eventually(lambda: [r.state for r in rows(bot, OutboxRow)] == ["retry"])
        eventually(lambda: "refuses the token" in caplog.text)
    assert "own account could not be asked for" in caplog.text
    assert wrong not in caplog.text


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_on_postgresql(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, polled: FakeTelegram, new_postgres: Callable[[], str]
) -> None:
    wang = polled.person(next(numbers), started=True)
    with running(tmp_path / "x", empty_file, knowledge, polled, database_url=new_postgres(), telegram_assessment_ref="网信评估1号") as bot:
        update = wang.text(FEE)
        assert wang.send(update, update) == 200
        assert [m.text[:7] for m in wang.replies()] == [FEE_SHORT]
        wang.send(*wang.album([picture(), picture() + b"2"], "这台秤"))
        assert wang.replies()[0].text
        assert rows(bot, AlbumPart) == []
        assert post(bot, b'{"update_id": 1, "message": "\x00"}') == 200
        rng = random.Random(7)  # noqa: S311
        bodies = seeds(wang, polled.group(-next(numbers)))
        statuses = {post(bot, mutated_json(bodies[n % len(bodies)], rng)) for n in range(100)}
        assert statuses == {200}
