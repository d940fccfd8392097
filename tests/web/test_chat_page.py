"""The web chat over HTTP: what it stores, what it refuses and in which words, and the headers on everything."""

from __future__ import annotations

import asyncio
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from bot.web.api import operations
from bot.web.chat import Chat
from bot.web.headers import SECURITY_HEADERS
from bot.web.limits import Buckets, ChatSettings
from bot.web.pages import create_router, install
from handlers.conversation.messages import ContactRef, Reply
from tests.web.chat_fake import LONG, MENU, FakePort

if TYPE_CHECKING:
    from fastapi.routing import APIRoute


class Client:
    """One browser: requests against the application, with the session's token when there is one."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.token = ""

    def __call__(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers.update(kwargs.pop("headers", {}))

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://chat") as client:
                return await client.request(method, path, headers=headers, **kwargs)

        return asyncio.run(go())

    def open(self) -> Client:
        self.token = self("POST", "/chat/session").json()["token"]
        return self

    def say(self, text: str, key: str = "key-00000001", after: int = 0) -> httpx.Response:
        return self("POST", "/chat/messages", json={"key": key, "text": text, "after": after})


@pytest.fixture
def port() -> FakePort:
    return FakePort()


@pytest.fixture
def app(port: FakePort) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    install(app, port, ChatSettings(max_file_bytes=20_000, max_files=3))
    return app


@pytest.fixture
def client(app: FastAPI) -> Client:
    return Client(app)


def png(size: int = 24) -> bytes:
    out = BytesIO()
    Image.new("RGB", (size, size), "#0a7a45").save(out, "PNG")
    return out.getvalue()


def error_of(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    sentence = response.json()["error"]
    assert re.search(r"[\u4e00-\u9fff]", sentence)
    assert sentence.endswith("。")
    assert "错误" not in sentence
    return str(sentence)


# ---- talking


def test_a_message_comes_back_with_its_reply_and_numbered_choices(client: Client, port: FakePort) -> None:
    answer = client.open().say("查义务").json()

    mine, reply = answer["lines"]
    assert mine["mine"] == "查义务"
    assert "reply" not in mine
    assert reply["reply"]["text"] == MENU.text
    assert [c["n"] for c in reply["reply"]["choices"]] == [1, 2, 3]
    assert re.fullmatch(r"[0-9a-f]{8}:1", reply["reply"]["choices"][0]["token"])
    assert answer["last"] == reply["id"]
    assert port.inbounds[0].key == "web:key-00000001"
    assert port.inbounds[0].contact == ContactRef("web", "s0")
    assert port.inbounds[0].at.utcoffset() is not None


def test_a_tapped_choice_arrives_as_its_token(client: Client, port: FakePort) -> None:
    token = client.open().say("查义务").json()["lines"][1]["reply"]["choices"][1]["token"]
    answer = client("POST", "/chat/messages", json={"key": "key-00000002", "choice": token, "after": 2}).json()

    assert port.inbounds[1].choice == token
    assert [line["id"] for line in answer["lines"]] == [3, 4]


def test_the_same_key_is_the_same_message(client: Client) -> None:
    client.open()
    assert client.say("秤").json() == client.say("秤").json()
    assert len(client("GET", "/chat/messages").json()["lines"]) == 2


def test_reading_on_after_a_line_also_brings_what_was_pushed(client: Client, port: FakePort) -> None:
    last = client.open().say("秤").json()["last"]
    assert client("GET", f"/chat/messages?after={last}").json() == {"lines": [], "last": last}

    port.say(ContactRef("web", "s0"), Reply("您的电子秤下个月到期。"))
    answer = client.say("好的", "key-00000002", after=last).json()
    assert [line.get("mine") or line["reply"]["text"] for line in answer["lines"]] == [
        "您的电子秤下个月到期。",
        "好的",
        "您说的是：好的",
    ]


def test_another_device_goes_on_with_a_code_that_works_once(client: Client, app: FastAPI) -> None:
    client.open().say("秤")
    handover = client("POST", "/chat/handover").json()
    assert handover["minutes"] == 10

    other = Client(app)
    redeemed = other("POST", "/chat/session/redeem", json={"code": f" {handover['code'][:3]} {handover['code'][3:]} "})
    other.token = redeemed.json()["token"]
    assert other("GET", "/chat/messages").json()["lines"][1]["reply"]["text"] == LONG.text
    error_of(other("POST", "/chat/session/redeem", json={"code": handover["code"]}), 400)


def test_guessing_codes_is_slowed_down_for_all_sessions_together(client: Client) -> None:
    for _ in range(30):
        error_of(client("POST", "/chat/session/redeem", json={"code": "000000"}), 400)
    error_of(client("POST", "/chat/session/redeem", json={"code": "000000"}), 429)


# ---- files


def test_pictures_arrive_as_one_message(client: Client, port: FakePort) -> None:
    files = [("files", ("秤.png", png(), "image/png")), ("files", ("a/../b\n.png", png(), "image/png"))]
    answer = client.open()("POST", "/chat/files", data={"key": "key-00000001"}, files=files).json()

    assert answer["lines"][0]["files"] == ["秤.png", port.inbounds[0].attachments[1].label]
    assert not re.search(r"[/\n]", port.inbounds[0].attachments[1].label)
    assert len(port.inbounds) == 1


def test_what_is_wrong_with_a_file_is_said_by_name(client: Client, port: FakePort) -> None:
    client.open()
    key = {"key": "key-00000001"}

    def post(*files: bytes) -> httpx.Response:
        return client("POST", "/chat/files", data=key, files=[("files", ("证书.png", f)) for f in files])

    assert "证书.png" in error_of(post(b"MZ not a picture"), 400)
    assert "证书.png" in error_of(post(b"\x89PNG" + bytes(20_000)), 413)
    assert "最多发 3 个" in error_of(post(*[png()] * 4), 413)
    error_of(client("POST", "/chat/files", data=key, files=[("other", ("a", b"x"))]), 400)
    error_of(client("POST", "/chat/files", data={"key": "?"}, files=[("files", ("a.png", png()))]), 400)
    error_of(client("POST", "/chat/files", content=b"x", headers={"Content-Type": "text/plain"}), 400)
    assert port.inbounds == []


# ---- refusing


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "messages"), ("POST", "messages"), ("POST", "handover"), ("POST", "files")]
)
def test_an_unknown_session_is_told_to_begin_anew(client: Client, method: str, path: str) -> None:
    client.token = "x" * 43
    body = {"json": {"key": "key-00000001", "text": "秤"}} if path == "messages" and method == "POST" else {}
    assert "重新开始" in error_of(client(method, f"/chat/{path}", **body), 401)


@pytest.mark.parametrize(
    "body",
    [
        {"key": "key-00000001"},
        {"key": "key-00000001", "text": "  \u0000 "},
        {"key": "short", "text": "秤"},
        {"key": "key-00000001", "choice": "no number"},
        {"key": "key-00000001", "text": "秤", "more": 1},
        {"key": "key-00000001", "text": "秤", "after": -1},
        ["秤"],
    ],
)
def test_a_message_that_is_none_is_refused_with_a_sentence(client: Client, port: FakePort, body: object) -> None:
    error_of(client.open()("POST", "/chat/messages", json=body), 400)
    assert port.inbounds == []


def test_broken_json_is_refused_and_half_an_emoji_is_replaced(client: Client, port: FakePort) -> None:
    client.open()
    json = {"Content-Type": "application/json"}
    error_of(client("POST", "/chat/messages", content=b"{", headers=json), 400)
    half = b'{"key": "key-00000001", "text": "\\u79e4\\ud83d"}'
    assert client("POST", "/chat/messages", content=half, headers=json).status_code == 200
    assert port.inbounds[0].text == "秤\ufffd"


def test_long_messages_and_large_bodies_are_too_large(client: Client, app: FastAPI) -> None:
    client.open()
    assert "2000" in error_of(client.say("秤" * 2001), 413)
    error_of(client.say("秤" * 20_000), 413)

    async def in_pieces() -> httpx.Response:
        async def body() -> Any:
            for _ in range(50):
                yield b" " * 1000

        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat") as pieces:
            return await pieces.post("/chat/messages", content=body(), headers=headers)

    error_of(asyncio.run(in_pieces()), 413)


def test_a_session_that_sends_too_fast_waits_and_others_do_not(client: Client, app: FastAPI) -> None:
    client.open()
    answers = [client.say("秤", f"key-{n:08d}") for n in range(22)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert "秒" in error_of(refused[0], 429)
    assert int(refused[0].headers["retry-after"]) >= 1
    assert Client(app).open().say("秤").status_code == 200


def test_busy_and_broken_are_said_without_blame(client: Client, port: FakePort) -> None:
    client.open()
    port.busy = True
    answer = client.say("秤")
    assert "再发" in error_of(answer, 503)
    assert answer.headers["retry-after"] == "30"
    port.busy, port.crash = False, True
    assert "database" not in error_of(client.say("秤"), 500)


# ---- buckets


def test_a_bucket_refills_evenly_and_forgets_full_ones_first() -> None:
    now = 0.0
    buckets = Buckets(2, 10.0, keep=2, clock=lambda: now)
    assert [buckets.take("a"), buckets.take("a")] == [0.0, 0.0]
    assert buckets.take("a") == pytest.approx(5.0)
    now = 5.0
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0.0
    now = 6.0
    for key in "bcd":
        buckets.take(key)
    assert buckets.take("d") == 0.0
    assert buckets.take("d") > 0.0


# ---- pages, headers, the open interface


def test_the_page_is_whole_without_scripts_and_names_no_other_host(client: Client) -> None:
    page = client("GET", "/").text
    for words in ("不用登录", "工作人员可能看到", "12315", "<noscript>", "查义务", "当场判定", "人工"):
        assert words in page
    assert re.search(r"<noscript>.*12315.*</noscript>", page)
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)


def _paths(port: FakePort) -> list[tuple[str, str]]:
    def walk(routes: list[Any]) -> list[APIRoute]:
        return [
            found
            for r in routes
            for found in (walk(r.original_router.routes) if hasattr(r, "original_router") else [r])
        ]

    router = create_router(port, ChatSettings())
    return [(method, route.path) for route in walk(list(router.routes)) for method in route.methods]


def test_every_route_carries_the_security_headers(client: Client, port: FakePort) -> None:
    routes = _paths(port)
    assert ("GET", "/") in routes
    assert ("POST", "/chat/files") in routes
    assert ("GET", "/api/ask") in routes
    assert len(routes) >= 10

    client.open()
    others = [
        ("GET", "/nowhere"),
        ("DELETE", "/"),
        *(("GET", f"/static/{n}") for n in ("chat.css", "chat.js", "icon.svg")),
    ]
    port.crash = True
    for method, path in [*routes, *others, ("POST", "/chat/messages?crash")]:
        body = {"json": {"key": "key-00000001", "text": "秤"}} if "messages" in path and method == "POST" else {}
        response = client(method, path, **body)
        for name, value in SECURITY_HEADERS.items():
            if name == "Cache-Control" and path.startswith("/static"):
                assert response.headers[name] == "public, max-age=86400"
                continue
            assert response.headers.get(name) == value, (method, path, name)


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "data:" not in policy


def test_asking_over_the_interface(client: Client) -> None:
    answer = client("GET", "/api/ask", params={"q": "秤多久检一次", "ctx": "scale", "on": "2026-05-20"}).json()
    assert answer["text"] == "秤多久检一次|scale|2026-05-20"
    assert set(answer) == {"decision", "aspect", "ids", "choices", "text", "ms"}
    error_of(client("GET", "/api/ask"), 400)
    error_of(client("GET", "/api/ask", params={"q": "秤", "on": "去年"}), 400)


def test_the_description_lists_every_public_operation(client: Client) -> None:
    schema = client("GET", "/api/openapi.json").json()
    listed = {(o["method"], o["path"]) for o in operations(schema)}
    assert ("GET", "/api/ask") in listed
    assert ("POST", "/chat/messages") in listed

    page = client("GET", "/api/docs").text
    for method, path in listed:
        assert f"{method} {path}" in page
    assert "<script" not in page


def test_reading_is_limited_more_loosely_than_sending(port: FakePort) -> None:
    chat = Chat(port, ChatSettings(burst=2))
    for _ in range(6):
        assert chat.reading.take("s") == 0.0
    assert chat.reading.take("s") > 0.0
