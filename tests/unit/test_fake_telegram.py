"""The Telegram fake keeps the platform's rules, so that a bot which passes against it has met them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import Served
from tests.fakes.telegram import (
    BOT_USERNAME,
    DOWNLOAD_BYTES,
    NO_ANSWER,
    FakeTelegram,
    FloodLimits,
    Person,
    Retries,
    chat_of,
)

WANG = 11
GUARD = "s3cret"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Bot:
    """A bot's side of the wire, form-encoded as bot libraries send it."""

    def __init__(self, fake: FakeTelegram, client: httpx.Client) -> None:
        self.fake = fake
        self.client = client

    def response(self, method: str, **params: Any) -> httpx.Response:
        form = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        return self.client.post(f"{self.fake.url}/bot{self.fake.token}/{method}", data=form)

    def call(self, method: str, **params: Any) -> Any:
        body = self.response(method, **params).json()
        assert body["ok"], body
        return body["result"]

    def refused(self, method: str, **params: Any) -> tuple[int, str]:
        response = self.response(method, **params)
        body = response.json()
        assert not body["ok"]
        assert response.status_code == body["error_code"]
        return body["error_code"], body["description"]

    def send(self, text: str = "好", chat_id: int = WANG, **params: Any) -> Any:
        return self.call("sendMessage", chat_id=chat_id, text=text, **params)


@dataclass
class Inbox:
    """A webhook that keeps what comes and answers as scripted, then 200."""

    script: list[int | float] = field(default_factory=list)
    """Statuses, or seconds to sleep before a 200."""
    answer: dict[str, Any] | None = None
    pause: float = 0.0
    got: list[dict[str, Any]] = field(default_factory=list)
    secrets: set[str | None] = field(default_factory=set)
    busy: int = 0
    busiest: int = 0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        self.got.append(await request.json())
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        step = self.script.pop(0) if self.script else 200
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(step if isinstance(step, float) else self.pause)
        self.busy -= 1
        status = step if isinstance(step, int) else 200
        return JSONResponse(self.answer, status) if self.answer else Response(status_code=status)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeTelegram]:
    with FakeTelegram(clock=clock, retries=Retries(attempts=4, first_delay=0.01)) as fake:
        yield fake


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=3, trust_env=False) as client:
        yield client


@pytest.fixture
def bot(fake: FakeTelegram, client: httpx.Client) -> Bot:
    return Bot(fake, client)


@pytest.fixture
def wang(fake: FakeTelegram) -> Person:
    return fake.person(WANG, started=True)


@pytest.fixture
def inbox(fake: FakeTelegram) -> Iterator[Inbox]:
    inbox = Inbox()
    with Served(inbox.app()) as served:
        fake.deliver_to(f"{served.url}/hook", GUARD)
        yield inbox


def keyboard(*rows: list[str]) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": text, "callback_data": f"d:{text}"} for text in row] for row in rows]}


def one_button(**button: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "按", **button}]]}


# -- calls --------------------------------------------------------------------------------------------------------


def test_tokens_and_methods_must_exist(fake: FakeTelegram, bot: Bot) -> None:
    answer = bot.client.post(f"{fake.url}/bot1:x/getMe")
    assert (answer.status_code, answer.json()["description"]) == (401, "Unauthorized")
    assert bot.refused("makeTea") == (404, "Not Found")
    assert bot.call("getMe")["username"] == BOT_USERNAME


def test_form_json_and_multipart_mean_the_same(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    url, markup = f"{fake.url}/bot{fake.token}/sendMessage", keyboard(["一"])
    bot.send("a", reply_markup=markup)
    bot.client.post(url, json={"chat_id": WANG, "text": "a", "reply_markup": markup})
    parts = {"chat_id": str(WANG), "text": "a", "reply_markup": json.dumps(markup)}
    bot.client.post(url, files={name: (None, value) for name, value in parts.items()})
    sent = wang.replies(3)
    assert [(m.text, m.labels, m.message_id) for m in sent] == [("a", ["一"], n) for n in (1, 2, 3)]
    assert all(call.ok and call.params["chat_id"] == WANG for call in fake.called("sendmessage"))


@pytest.mark.usefixtures("wang")
@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n"}, "message text is empty"),
        ({"text": "字" * 4097}, "message is too long"),
        ({"text": "a", "chat_id": 99}, "chat not found"),
        ({"text": "a", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "1 < 2", "parse_mode": "HTML"}, "can't parse entities: Unclosed start tag at byte offset 2"),
        (
            {"text": "秤<br>", "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "br" at byte offset 3',
        ),
        (
            {"text": "<b>a", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ({"text": "a</b>", "parse_mode": "HTML"}, "can't parse entities: Unexpected end tag at byte offset 1"),
        (
            {"text": "<b><i>a</b></i>", "parse_mode": "HTML"},
            'can\'t parse entities: Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
        ),
        ({"text": "a", "reply_markup": one_button(callback_data="字" * 22)}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": one_button(callback_data="")}, "BUTTON_DATA_INVALID"),
        (
            {"text": "a", "reply_markup": one_button()},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ({"text": "a", "reply_markup": keyboard(["x"] * 9)}, "too many buttons in a row of the reply markup"),
        ({"text": "a", "reply_markup": keyboard(*[["x"]] * 101)}, "reply markup is too long"),
        ({"text": "a", "reply_markup": "{"}, "can't parse reply markup JSON object"),
        ({"text": "a", "reply_parameters": {"message_id": 77}}, "message to be replied not found"),
    ],
)
def test_what_may_not_be_sent(fake: FakeTelegram, bot: Bot, params: dict[str, Any], reason: str) -> None:
    assert bot.refused("sendMessage", **{"chat_id": WANG, **params}) == (400, f"Bad Request: {reason}")
    assert fake.messages == {WANG: []}


@pytest.mark.usefixtures("wang")
def test_what_just_may_be_sent(bot: Bot) -> None:
    rows = [["x"] * 8 for _ in range(12)] + [["x"] * 4]
    assert len(bot.send("字" * 4096, reply_markup=keyboard(*rows))["text"]) == 4096
    bot.send("<b>" + "字" * 4096 + "</b>", parse_mode="HTML", reply_markup=one_button(callback_data="x" * 64))


@pytest.mark.usefixtures("wang")
def test_html_becomes_text_with_entities_in_utf16(bot: Bot) -> None:
    shown = bot.send(
        ' 🙂<b>a &lt;&amp; <i>b</i></b> <a href="https://x.cn/?a=1&amp;b=2">链</a> & &nbsp; ', parse_mode="HTML"
    )
    assert shown["text"] == "🙂a <& b 链 & &nbsp;"
    assert shown["entities"] == [
        {"type": "bold", "offset": 2, "length": 6},
        {"type": "italic", "offset": 7, "length": 1},
        {"type": "text_link", "offset": 9, "length": 1, "url": "https://x.cn/?a=1&b=2"},
    ]


def test_edits(bot: Bot, wang: Person) -> None:
    sent = bot.send("一", reply_markup=keyboard(["甲"]))
    here = {"chat_id": WANG, "message_id": sent["message_id"]}
    same = bot.refused("editMessageText", **here, text="一", reply_markup=keyboard(["甲"]))
    assert same[0] == 400
    assert same[1].startswith("Bad Request: message is not modified")
    assert "reply_markup" not in bot.call("editMessageText", **here, text="二")
    bot.call("editMessageReplyMarkup", **here, reply_markup=keyboard(["乙"]))
    (message,) = wang.replies()
    assert (message.text, message.labels, [edit.text for edit in message.edits]) == ("二", ["乙"], ["一", "二"])
    missing = bot.refused("editMessageText", chat_id=WANG, message_id=99, text="x")
    assert missing == (400, "Bad Request: message to edit not found")
    foreign = wang.text("mine")["message"]["message_id"]
    assert bot.refused("editMessageText", chat_id=WANG, message_id=foreign, text="x")[1].endswith("can't be edited")
    bot.call("deleteMessage", **here)
    assert message.deleted
    assert bot.refused("deleteMessage", **here) == (400, "Bad Request: message to delete not found")


def test_chats_that_cannot_be_written_to(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    def refusal(chat_id: int) -> tuple[int, str]:
        return bot.refused("sendMessage", chat_id=chat_id, text="a")

    li = fake.person(12)
    assert refusal(12) == (400, "Bad Request: chat not found")
    li.say("hi")
    bot.send(chat_id=12)
    wang.block()
    assert refusal(WANG) == (403, "Forbidden: bot was blocked by the user")
    wang.unblock()
    bot.send()
    li.deactivate()
    assert refusal(12) == (403, "Forbidden: user is deactivated")
    group = fake.group(-5)
    group.kick_bot(wang)
    assert refusal(-5) == (403, "Forbidden: bot was kicked from the group chat")
    standings = [u["my_chat_member"]["new_chat_member"]["status"] for u in fake.pending if "my_chat_member" in u]
    assert standings == ["kicked", "member", "kicked"]


def test_a_group_that_was_upgraded_names_its_new_id(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    new, notices = fake.group(-5, "市场").migrate(-1005, wang)
    body = bot.response("sendMessage", chat_id=-5, text="a").json()
    assert (body["error_code"], body["parameters"]) == (400, {"migrate_to_chat_id": -1005})
    assert [chat_of(notice) for notice in notices] == [-5, -1005]
    assert notices[0]["message"]["migrate_to_chat_id"] == -1005
    assert bot.send(chat_id=new.chat_id)["chat"]["type"] == "supergroup"


def test_callback_queries_grow_too_old(fake: FakeTelegram, bot: Bot, wang: Person, clock: Clock) -> None:
    bot.send("选", reply_markup=keyboard(["甲", "乙"], ["丙"]))
    queries = [wang.callback(choice)["callback_query"] for choice in ("丙", 1)]
    assert [query["data"] for query in queries] == ["d:丙", "d:乙"]
    assert queries[0]["message"]["text"] == "选"
    bot.call("answerCallbackQuery", callback_query_id=queries[0]["id"], text="好", show_alert=True)
    clock.now += 16
    late = bot.refused("answerCallbackQuery", callback_query_id=queries[1]["id"])
    assert late[0] == 400
    assert "query is too old" in late[1]
    assert [(a.query_id, a.text, a.show_alert) for a in fake.answered] == [(queries[0]["id"], "好", True)]
    with pytest.raises(LookupError, match="丁"):
        wang.callback("丁")
    bot.call("deleteMessage", chat_id=WANG, message_id=1)
    stale = wang.callback("甲")["callback_query"]["message"]
    assert (stale["date"], stale["message_id"]) == (0, 1)
    assert wang.callback(0, data="forged")["callback_query"]["data"] == "forged"


def test_commands_by_scope_and_language(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    def commands(*names: str, text: str = "说明") -> list[dict[str, str]]:
        return [{"command": name, "description": text} for name in names]

    bot.call("setMyCommands", commands=commands("start"))
    bot.call("setMyCommands", commands=commands("zh"), language_code="zh", scope={"type": "all_private_chats"})
    assert wang.commands() == commands("zh")
    bot.call("setMyCommands", commands=commands("staff"), scope={"type": "chat", "chat_id": WANG})
    assert wang.commands() == commands("staff")
    assert fake.person(13, "en").commands() == bot.call("getMyCommands") == commands("start")
    bot.call("deleteMyCommands")
    assert bot.call("getMyCommands") == []
    for wrong in (commands("Start"), commands("x" * 33), commands("a", text=""), commands(*["a"] * 101)):
        assert bot.refused("setMyCommands", commands=wrong)[0] == 400
    assert bot.refused("setMyCommands", commands=[], language_code="zh-hans")[0] == 400
    assert bot.refused("setMyDescription", description="x" * 513)[0] == 400
    bot.call("setMyShortDescription", short_description="秤", language_code="zh")
    assert fake.profile == {("short_description", "zh"): "秤"}


def test_files(bot: Bot, wang: Person, fake: FakeTelegram, clock: Clock) -> None:
    def download(path: str) -> httpx.Response:
        return bot.client.get(f"{fake.url}/file/bot{fake.token}/{path}")

    album = [u["message"] for u in wang.album([b"one", b"two"], "看")]
    assert len({m["media_group_id"] for m in album}) == 1
    assert [m.get("caption") for m in album] == ["看", None]
    sizes = album[1]["photo"]
    assert [s["width"] for s in sizes] == [160, 320, 1280]
    found = bot.call("getFile", file_id=sizes[-1]["file_id"])
    assert download(found["file_path"]).content == b"two"
    clock.now += 3601
    assert download(found["file_path"]).status_code == 404
    large = wang.document(b"x", size=DOWNLOAD_BYTES + 1)["message"]["document"]
    assert bot.refused("getFile", file_id=large["file_id"]) == (400, "Bad Request: file is too big")
    assert bot.refused("getFile", file_id="nothing") == (400, "Bad Request: invalid file_id")


# -- flood limits -------------------------------------------------------------------------------------------------


def test_flood_limit_of_a_chat_lets_a_burst_pass(fake: FakeTelegram, bot: Bot, wang: Person, clock: Clock) -> None:
    for _ in range(3):
        bot.send()
    body = bot.response("sendMessage", chat_id=WANG, text="a").json()
    assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 1})
    clock.now += 1
    bot.send()
    assert [v.limit for v in fake.flood_violations] == ["chat"]
    fake.enforce_flood = False
    bot.send()
    assert len(fake.flood_violations) == 2
    assert len(wang.replies(5)) == 5


def test_flood_limits_overall_and_of_groups(clock: Clock, client: httpx.Client) -> None:
    with FakeTelegram(clock=clock, flood=FloodLimits(per_second=5, group_per_minute=2)) as fake:
        bot = Bot(fake, client)
        fake.group(-5)
        for user_id in range(1, 7):
            fake.person(user_id, started=True)
        for user_id in range(1, 6):
            bot.send(chat_id=user_id)
        assert bot.refused("sendMessage", chat_id=6, text="a")[0] == 429
        clock.now += 1
        for _ in range(2):
            bot.send(chat_id=-5)
            clock.now += 10
        assert bot.response("sendMessage", chat_id=-5, text="a").json()["parameters"] == {"retry_after": 40}
        assert [v.limit for v in fake.flood_violations] == ["overall", "group"]


# -- faults -------------------------------------------------------------------------------------------------------


def test_scripted_faults(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    fake.person(12, started=True)
    fake.fault("sendMessage", retry_after=7, chat_id=WANG)
    fake.fault("sendMessage", error_code=500, description="Internal Server Error")
    fake.fault("*", http=502)
    assert bot.response("sendMessage", chat_id=WANG, text="1").json()["parameters"] == {"retry_after": 7}
    assert bot.refused("sendMessage", chat_id=12, text="2") == (500, "Internal Server Error")
    page = bot.response("sendMessage", chat_id=WANG, text="3")
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    fake.fault("sendMessage", garbage=True)
    with pytest.raises(ValueError, match=r"."):
        bot.response("sendMessage", chat_id=WANG, text="4").json()
    bot.send("5")
    assert [m.text for m in wang.replies(2)] == ["4", "5"]


def test_resets_are_real_and_happen_before_or_after(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    for moment in ("before", "after"):
        fake.fault("sendMessage", reset=moment)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            bot.response("sendMessage", chat_id=WANG, text=moment)
    bot.send("then")
    assert [m.text for m in wang.replies(2)] == ["after", "then"]


def test_a_slow_answer_does_not_undo_the_work(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    fake.fault("sendMessage", delay=0.3)
    with pytest.raises(httpx.ReadTimeout):
        bot.client.post(
            f"{fake.url}/bot{fake.token}/sendMessage", data={"chat_id": str(WANG), "text": "a"}, timeout=0.1
        )
    assert len(wang.replies()) == 1


# -- getUpdates ---------------------------------------------------------------------------------------------------


def test_polling_repeats_until_an_offset_confirms(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    assert [wang.say(text) for text in ("一", "二", "三")] == [None] * 3
    ids = [update["update_id"] for update in bot.call("getUpdates", limit=2)]
    assert ids == sorted(ids)
    assert [u["update_id"] for u in bot.call("getUpdates")][:2] == ids
    assert [u["message"]["text"] for u in bot.call("getUpdates", offset=ids[-1] + 1)] == ["三"]
    assert len(fake.pending) == 1
    wang.say("四")
    assert [u["message"]["text"] for u in bot.call("getUpdates", offset=-1)] == ["四"]
    assert bot.call("getUpdates", offset=fake.pending[0]["update_id"] + 1) == []


def test_long_polling_waits_and_only_one_may(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    answers: list[httpx.Response] = []
    url = f"{fake.url}/bot{fake.token}/getUpdates"

    def poll() -> None:
        answers.append(httpx.post(url, data={"timeout": "5"}, trust_env=False))

    first, second = threading.Thread(target=poll), threading.Thread(target=poll)
    first.start()
    fake.wait_until(lambda: len(fake.calls) == 1)
    second.start()
    first.join()
    assert answers[0].status_code == 409
    wang.say("来了")
    second.join()
    assert [u["message"]["text"] for u in answers[1].json()["result"]] == ["来了"]
    bot.call("setWebhook", url="http://127.0.0.1:9/hook")
    assert bot.refused("getUpdates")[0] == 409


# -- webhook ------------------------------------------------------------------------------------------------------


def test_setting_a_webhook(bot: Bot, wang: Person) -> None:
    assert "HTTPS" in bot.refused("setWebhook", url="http://bot.example.cn/")[1]
    assert "ports" in bot.refused("setWebhook", url="https://bot.example.cn:8080/")[1]
    assert bot.refused("setWebhook", url="https://bot.example.cn/", secret_token=f"{GUARD} b")[0] == 400
    wang.say("dropped")
    bot.call("setWebhook", url="http://127.0.0.1:9/", drop_pending_updates=True, allowed_updates=["message"])
    info = bot.call("getWebhookInfo")
    assert (info["pending_update_count"], info["max_connections"], info["allowed_updates"]) == (0, 40, ["message"])
    bot.call("deleteWebhook")
    assert bot.call("getWebhookInfo")["url"] == ""


def test_a_set_webhook_gets_what_waited_and_only_what_it_asked_for(fake: FakeTelegram, bot: Bot, wang: Person) -> None:
    inbox = Inbox()
    wang.say("早")
    with Served(inbox.app()) as served:
        bot.call("setWebhook", url=f"{served.url}/hook", secret_token=GUARD)
        fake.wait_until(lambda: not fake.mailbox.pending)
        assert wang.send(wang.reaction("👍", 1)) is None
        assert wang.send(wang.edited("早上好")) == 200
        bot.call("deleteWebhook")
    assert [next(iter(set(u) - {"update_id"})) for u in inbox.got] == ["message", "edited_message"]
    assert inbox.secrets == {GUARD}


def test_webhook_retries_keep_the_order_of_the_chat(fake: FakeTelegram, inbox: Inbox, wang: Person) -> None:
    fake.mailbox.retries = Retries(attempts=4, first_delay=0.01, timeout=0.3)
    inbox.script = [500, 0.6, 403]
    first, second = wang.text("一"), wang.command("start", "t_1")

    async def both() -> tuple[list[int], list[int]]:
        one, two = await asyncio.gather(fake.push(first), fake.push(second))
        return one, two

    assert asyncio.run(both()) == ([500, NO_ANSWER, 403, 200], [200])
    assert [u["update_id"] for u in inbox.got] == [first["update_id"]] * 4 + [second["update_id"]]
    assert inbox.got[-1]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert fake.pending == []


def test_a_webhook_that_always_fails_is_given_up(fake: FakeTelegram, bot: Bot, inbox: Inbox, wang: Person) -> None:
    inbox.script = [500] * 4
    assert wang.say("坏") == 500
    assert [u["message"]["text"] for u in fake.mailbox.given_up] == ["坏"]
    assert "500" in bot.call("getWebhookInfo")["last_error_message"]
    assert wang.say("好") == 200


def test_chats_run_in_parallel_up_to_the_limit(fake: FakeTelegram, inbox: Inbox) -> None:
    fake.deliver_to(fake.mailbox.override.url, GUARD, max_connections=3)
    inbox.pause = 0.03
    people = [fake.person(n) for n in range(1, 7)]
    asyncio.run(fake.deliver_many([p.text("hi") for p in people], duplicates=0))
    assert inbox.busiest == 3


def test_delivering_many_mixes_chats_repeats_some_and_keeps_order(fake: FakeTelegram, inbox: Inbox) -> None:
    people = [fake.person(n) for n in range(1, 6)]
    updates = [person.text(str(n)) for person in people for n in range(20)]
    statuses = asyncio.run(fake.deliver_many(updates, duplicates=0.2, seed=4))
    assert statuses.keys() == {u["update_id"] for u in updates}
    assert 105 < len(inbox.got) < 140
    assert {len(seen) for seen in statuses.values()} == {1, 2}
    for person in people:
        ids = [u["update_id"] for u in inbox.got if chat_of(u) == person.chat_id]
        assert ids == sorted(ids)
    assert [chat_of(u) for u in inbox.got] != [chat_of(u) for u in updates]


def test_a_webhook_answer_may_carry_one_call(inbox: Inbox, wang: Person, fake: FakeTelegram) -> None:
    inbox.answer = {"method": "sendMessage", "chat_id": WANG, "text": "顺带"}
    assert wang.say("hi") == 200
    assert [m.text for m in wang.replies()] == ["顺带"]
    assert [call.via for call in fake.calls] == ["webhook"]


@pytest.mark.usefixtures("wang")
def test_waiting_for_messages_starts_at_the_mark(fake: FakeTelegram, bot: Bot) -> None:
    bot.send("old")
    fake.mark(WANG)
    bot.send("new")
    assert [m.text for m in fake.wait_for_messages(WANG, 1)] == ["new"]
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        fake.wait_for_messages(WANG, 1, timeout=0.05)
    assert time.monotonic() - began < 1


# -- a real bot library -------------------------------------------------------------------------------------------


def every_kind(fake: FakeTelegram, wang: Person) -> list[dict[str, Any]]:
    """One update of each kind that people and chats can make."""
    here = fake.group(-5).member(wang)
    return [
        wang.text("你好 https://x.cn"),
        wang.command("start", "p_abc"),
        wang.edited("您好"),
        *wang.album([b"1", b"2"], "看"),
        wang.document(b"%PDF", "证书.pdf"),
        wang.voice(b"OggS"),
        wang.location(23.1, 113.3),
        wang.contact("13800000000"),
        wang.sticker(),
        wang.callback(0),
        wang.reaction("👍", 1),
        wang.member_update("member", "kicked"),
        here.text(f"@{BOT_USERNAME} 在吗", reply_to=here.text("先")["message"]["message_id"]),
        here.command(f"help@{BOT_USERNAME}"),
        *fake.group(-6).migrate(-1006, wang)[1],
        fake.channel(-1007).post("公告"),
        fake.poll_update(),
        wang.message(hologram={"depth": 3}),
        fake.update("telepathy", {"thought": "?"}),
    ]


@pytest.mark.skipif(importlib.util.find_spec("telegram") is None, reason="python-telegram-bot is not installed")
def test_python_telegram_bot_understands_it(
    fake: FakeTelegram, bot: Bot, wang: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without it every RetryAfter warns of a coming change, and warnings are errors here.
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    from telegram import Bot as LibraryBot  # noqa: PLC0415
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update  # noqa: PLC0415
    from telegram.error import Forbidden, RetryAfter  # noqa: PLC0415

    async def talk() -> None:
        library = LibraryBot(fake.token, base_url=f"{fake.url}/bot", base_file_url=f"{fake.url}/file/bot")
        async with library:
            assert (await library.get_me()).username == BOT_USERNAME
            buttons = InlineKeyboardMarkup([[InlineKeyboardButton("查", callback_data="v1:a")]])
            sent = await library.send_message(WANG, "<b>您好</b>", parse_mode="HTML", reply_markup=buttons)
            assert sent.text_html == "<b>您好</b>"
            assert sent.reply_markup == buttons
            updates = every_kind(fake, wang)
            assert all(Update.de_json(update, library).update_id == update["update_id"] for update in updates)
            photo = Update.de_json(wang.photo(b"picture"), library).message.photo[-1]
            assert await (await photo.get_file()).download_as_bytearray() == b"picture"
            assert await library.set_my_commands([("start", "开始")], language_code="zh")
            fake.fault("sendMessage", retry_after=3)
            with pytest.raises(RetryAfter):
                await library.send_message(WANG, "a")
            wang.chat.forbidden = "bot was blocked by the user"
            with pytest.raises(Forbidden, match="blocked"):
                await library.send_message(WANG, "a")

    asyncio.run(talk())
    assert wang.replies()[0].labels == ["查"]
    assert bot.call("getMyCommands", language_code="zh") == [{"command": "start", "description": "开始"}]
