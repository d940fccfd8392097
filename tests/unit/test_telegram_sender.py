"""The way out to Telegram: what each of the platform's answers comes to, on a platform that gives them all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.channels.telegram.client import TelegramClient, UnreachableError
from bot.channels.telegram.sender import GROUP_MESSAGES, GROUP_SECONDS, UNTIL_MENDED, GroupPace, TelegramSender
from bot.files import MAX_FILE
from bot.media import MediaGoneError, MediaRefusedError
from handlers.conversation.messages import Choice, Reply
from storage.outbox import SendState
from storage.sending import Item, Outcome
from tests.fakes.serving import Served
from tests.fakes.telegram import BOT_TOKEN, FakeTelegram, Person
from tests.processes import free_port
from tests.support import NOW
from tests.telegram import account, read

NONCE = "0123456789abcdef"
SECOND = timedelta(seconds=1)
numbers = count(201)


@pytest.fixture(scope="module")
def platform() -> Iterator[FakeTelegram]:
    with FakeTelegram(enforce_flood=False) as fake:
        yield fake


@pytest.fixture
def fake(platform: FakeTelegram) -> Iterator[FakeTelegram]:
    yield platform
    platform.clear_faults()


@pytest.fixture
def wang(fake: FakeTelegram) -> Person:
    return fake.person(next(numbers), started=True)


def item(to: int | str, text: str = "电子秤要检。", replaces: str = "", choices: tuple[Choice, ...] = ()) -> Item:
    payload = Reply(text, choices).to_json()
    return Item(1, "lease", "telegram", 1, str(to), "reply", payload, NONCE, replaces, 1, NOW)


def with_client(api: str, work: Callable[[TelegramClient], Awaitable[Any]], **more: Any) -> Any:
    async def go() -> Any:
        client = TelegramClient(account(Path(), api, **more))
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(go())


def send(api: FakeTelegram | str, *items: Item, **more: Any) -> Outcome:
    """The outcome of the last of these messages."""

    async def work(client: TelegramClient) -> Outcome:
        sender = TelegramSender(client)
        return [await sender.send(one) for one in items][-1]

    outcome: Outcome = with_client(api if isinstance(api, str) else api.url, work, **more)
    assert BOT_TOKEN not in outcome.error
    assert "127.0.0.1" not in outcome.error
    return outcome


# -- messages -----------------------------------------------------------------------------------------------------


def test_plain_text_with_buttons(fake: FakeTelegram, wang: Person) -> None:
    outcome = send(fake, item(wang.chat_id, "<b>1 < 2 & *x*", choices=(Choice("要", "menu:"),)))
    (shown,) = wang.replies()
    assert outcome == Outcome(SendState.SENT, platform_id=str(shown.message_id))
    assert read(shown) == "<b>1 < 2 & *x*\n1 要"
    assert shown.button(0)["callback_data"] == f"v1:{NONCE}:1"
    assert shown.params["link_preview_options"] == {"is_disabled": True}
    assert "parse_mode" not in shown.params


def test_a_message_takes_the_place_of_another(fake: FakeTelegram, wang: Person) -> None:
    first = send(fake, item(wang.chat_id, "多少斤？")).platform_id
    again = item(wang.chat_id, "多少钱？", first, (Choice("跳过", "menu:"),))
    assert send(fake, again) == Outcome(SendState.SENT, platform_id=first)
    assert send(fake, again) == Outcome(SendState.SENT, platform_id=first)  # not modified: it shows this already
    (shown,) = wang.replies()
    assert (read(shown), [edit.text for edit in shown.edits]) == ("多少钱？\n1 跳过", ["多少斤？"])


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: message to edit not found",
        "Bad Request: message can't be edited",
        "Bad Request: MESSAGE_ID_INVALID",
    ],
)
def test_what_cannot_be_edited_is_sent_anew(fake: FakeTelegram, wang: Person, description: str) -> None:
    fake.fault("editMessageText", error_code=400, description=description)
    outcome = send(fake, item(wang.chat_id, replaces="7"))
    assert outcome.state == SendState.SENT
    assert outcome.platform_id == str(wang.replies()[0].message_id)


def test_an_edit_for_somebody_who_is_gone_is_not_sent_anew(fake: FakeTelegram) -> None:
    before = len(fake.called("sendMessage"))
    outcome = send(fake, item(next(numbers), replaces="7"))
    assert (outcome.state, outcome.unreachable) == (SendState.BLOCKED, "not-found")
    assert len(fake.called("sendMessage")) == before


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "unreachable"),
    [
        ("Forbidden: bot was blocked by the user", "blocked"),
        ("Forbidden: user is deactivated", "deactivated"),
        ("Forbidden: bot was kicked from the supergroup chat", "kicked"),
        ("Forbidden: bot is not a member of the channel chat", "kicked"),
        ("Forbidden: bot can't initiate conversation with a user", "forbidden"),
    ],
)
def test_who_does_not_want_to_hear_is_left_alone(
    fake: FakeTelegram, wang: Person, description: str, unreachable: str
) -> None:
    wang.chat.forbidden = description.removeprefix("Forbidden: ")
    outcome = send(fake, item(wang.chat_id))
    assert (outcome.state, outcome.unreachable) == (SendState.BLOCKED, unreachable)
    assert outcome.error.startswith("Forbidden: ")


@pytest.mark.parametrize(
    ("description", "state", "unreachable"),
    [
        ("Bad Request: chat not found", SendState.BLOCKED, "not-found"),
        ("Bad Request: not enough rights to send text messages to the chat", SendState.BLOCKED, "not-found"),
        ("Bad Request: BUTTON_DATA_INVALID", SendState.DEAD, ""),
        ('Bad Request: can\'t parse entities: "我的电话 13800138000" at byte offset 3', SendState.DEAD, ""),
    ],
)
def test_bad_requests(fake: FakeTelegram, wang: Person, description: str, state: SendState, unreachable: str) -> None:
    fake.fault("sendMessage", error_code=400, description=description)
    outcome = send(fake, item(wang.chat_id))
    assert (outcome.state, outcome.unreachable) == (state, unreachable)
    assert outcome.closes is None
    assert "13800138000" not in outcome.error


def test_a_group_that_has_moved(fake: FakeTelegram, wang: Person) -> None:
    group = fake.group(-next(numbers))
    new, _ = group.migrate(-(10**12) - next(numbers), wang)
    outcome = send(fake, item(group.chat_id))
    assert (outcome.state, outcome.moved_to) == (SendState.RETRY, str(new.chat_id))
    assert outcome.pause is not None
    assert outcome.pause < SECOND


# -- bad days -----------------------------------------------------------------------------------------------------


def test_slow_down_is_for_everybody(fake: FakeTelegram, wang: Person) -> None:
    fake.fault("sendMessage", retry_after=7)
    outcome = send(fake, item(wang.chat_id))
    assert (outcome.state, outcome.pause, outcome.closes) == (SendState.RETRY, 7 * SECOND, 7 * SECOND)


def test_a_group_that_floods_waits_alone(fake: FakeTelegram) -> None:
    group = fake.group(-next(numbers))
    fake.fault("sendMessage", retry_after=7)
    before = len(fake.called("sendMessage"))
    outcome = send(fake, item(group.chat_id), item(group.chat_id))
    assert (outcome.state, outcome.closes) == (SendState.RETRY, None)
    assert outcome.pause is not None
    assert 6 * SECOND < outcome.pause <= 7 * SECOND
    assert len(fake.called("sendMessage")) == before + 1


def test_a_group_is_not_written_to_twenty_times_a_minute() -> None:
    now = [0.0]
    pace = GroupPace(lambda: now[0])
    for _ in range(GROUP_MESSAGES):
        assert pace.wait("-1") == 0
        pace.note("-1")
        now[0] += 1
    assert pace.wait("-1") == GROUP_SECONDS - GROUP_MESSAGES
    assert pace.wait("-2") == 0
    now[0] = GROUP_SECONDS
    assert pace.wait("-1") == 0
    pace.hold("-1", 5)
    assert pace.wait("-1") == 5
    now[0] = 1000
    assert pace.wait("-1") == 0


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ({"reset": "before"}, SendState.UNKNOWN),
        ({"reset": "after"}, SendState.UNKNOWN),
        ({"garbage": True}, SendState.UNKNOWN),
        ({"http": 504}, SendState.UNKNOWN),
        ({"error_code": 504, "description": "Gateway Timeout"}, SendState.UNKNOWN),
        ({"http": 502}, SendState.RETRY),
        ({"error_code": 500, "description": "Internal Server Error"}, SendState.RETRY),
    ],
)
def test_connections_and_gateways_that_break(
    fake: FakeTelegram, wang: Person, how: dict[str, Any], state: SendState
) -> None:
    fake.fault("sendMessage", **how)
    outcome = send(fake, item(wang.chat_id))
    assert (outcome.state, outcome.closes, outcome.pause) == (state, None, None)
    assert outcome.failed


def test_an_answer_that_does_not_come_in_time(
    fake: FakeTelegram, wang: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.telegram.client.ANSWER_SECONDS", 0.2)
    fake.fault("sendMessage", delay=1.0)
    assert send(fake, item(wang.chat_id)) == Outcome(SendState.UNKNOWN, "TimedOut: ReadTimeout")


def test_where_nobody_listens_nothing_was_sent() -> None:
    outcome = send(f"http://127.0.0.1:{free_port()}", item(5))
    assert outcome == Outcome(SendState.RETRY, "NetworkError: ConnectError")


def test_a_token_that_is_not_good(fake: FakeTelegram, caplog: pytest.LogCaptureFixture) -> None:
    wrong = BOT_TOKEN.replace("AAF", "AAG")
    outcome = send(fake, item(5), telegram_token=wrong)
    assert (outcome.state, outcome.closes) == (SendState.RETRY, UNTIL_MENDED)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert wrong not in caplog.text + outcome.error


# -- files --------------------------------------------------------------------------------------------------------


def fetch(api: FakeTelegram | str, ref: str) -> bytes:
    where = api if isinstance(api, str) else api.url
    return with_client(where, lambda client: client.fetch(ref, "image")).data


def largest(wang: Person, data: bytes) -> str:
    return wang.photo(data)["message"]["photo"][-1]["file_id"]


def test_a_file(fake: FakeTelegram, wang: Person) -> None:
    assert fetch(fake, largest(wang, b"picture")) == b"picture"


def test_files_that_cannot_be_had(fake: FakeTelegram, wang: Person) -> None:
    with pytest.raises(MediaGoneError):
        fetch(fake, "AgAC-nobody-has-this")
    too_big = wang.document(b"x", size=MAX_FILE + 1)["message"]["document"]["file_id"]
    with pytest.raises(MediaRefusedError):
        fetch(fake, too_big)
    far_too_big = wang.document(b"x", size=3 * MAX_FILE)["message"]["document"]["file_id"]
    with pytest.raises(MediaRefusedError):
        fetch(fake, far_too_big)


@pytest.mark.parametrize("how", [{"http": 302}, {"http": 500}, {"reset": "before"}])
def test_a_file_server_that_fails_is_asked_again_later(fake: FakeTelegram, wang: Person, how: dict[str, Any]) -> None:
    fake.fault("file", **how)
    with pytest.raises(UnreachableError) as caught:
        fetch(fake, largest(wang, b"picture"))
    assert BOT_TOKEN not in repr(caught.value) + repr(caught.value.__cause__)


class FileServer:
    """A platform whose word is not to be trusted: it names any path, and gives without end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.given = 0
        self.asked: list[str] = []
        routes = [Route("/bot{token}/getFile", self._get_file, methods=["POST"]), Route("/{any:path}", self._give)]
        self.app = Starlette(routes=routes)

    async def _get_file(self, _request: Request) -> Response:
        file = {"file_id": "f", "file_unique_id": "u", "file_path": self.path}
        return JSONResponse({"ok": True, "result": file})

    async def _give(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return StreamingResponse(self._without_end())

    async def _without_end(self) -> Any:
        while self.given < 10 * MAX_FILE:
            self.given += 2**20
            yield bytes(2**20)
            await asyncio.sleep(0.001)  # lets the server notice that the other side has hung up


def test_a_file_without_end_is_not_read_to_it() -> None:
    endless = FileServer("photos/1.jpg")
    with Served(endless.app) as served, pytest.raises(MediaRefusedError):
        fetch(served.url, "f")
    assert endless.given < 3 * MAX_FILE


@pytest.mark.parametrize(
    "path", ["{there}/secret", "http://169.254.169.254/latest/meta-data", "", "file:///etc/passwd"]
)
def test_nothing_is_fetched_but_from_the_platform(path: str) -> None:
    elsewhere = FileServer("")
    with Served(elsewhere.app) as there:
        lying = FileServer(path.format(there=there.url))
        with Served(lying.app) as served, pytest.raises((MediaGoneError, MediaRefusedError)):
            fetch(served.url, "f")
    assert elsewhere.asked == []
