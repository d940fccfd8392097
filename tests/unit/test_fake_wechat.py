"""The fake WeChat platform itself: the published examples, and that it counts, refuses and fails as the platform does."""

from __future__ import annotations

import asyncio
import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.serving import Served
from tests.fakes.wechat import (
    ABILITIES,
    FakeWechat,
    Message,
    Platform,
    cdata,
    certificates,
    check_fields,
    links,
    parse_reply,
    plain,
)
from tests.fakes.wechat_crypto import Crypto, CryptoError, Sealed, signature

APP_ID = "wxba5fad812f8e6fb9"
AES_KEY = "A" * 43
TOKEN = "AAAAA"  # noqa: S105 - the published example's
GH = "gh_97417a04a28d"
SAMPLES = ["a", "量" * 700, "x" * 11, "x" * 12, "x" * 13, "称得准吗😀\n<a>&]]>", "", *("y" * n for n in range(28, 36))]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


class Account:
    """An account's calls to the fake, with a token at hand."""

    def __init__(self, fake: FakeWechat, client: httpx.Client) -> None:
        self.fake = fake
        self.client = client
        self.token = ""

    def stable(self, **more: Any) -> dict[str, Any]:
        client = {"grant_type": "client_credential", "appid": self.fake.app_id, "secret": self.fake.secret}
        return self.client.post(f"{self.fake.url}/cgi-bin/stable_token", json={**client, **more}).json()

    def plain_token(self) -> dict[str, Any]:
        query = {"grant_type": "client_credential", "appid": self.fake.app_id, "secret": self.fake.secret}
        return self.get("token", **query)

    def get(self, path: str, **query: Any) -> Any:
        return self.raw_get(path, **query).json()

    def raw_get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(f"{self.fake.url}/cgi-bin/{path}", params={"access_token": self.signed_in(), **query})

    def post(self, path: str, body: Any) -> Any:
        data = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, dict) else body
        query = {"access_token": self.signed_in()}
        return self.client.post(f"{self.fake.url}/cgi-bin/{path}", params=query, content=data).json()

    def code(self, path: str, body: Any) -> int:
        return self.post(path, body)["errcode"]

    def say(self, openid: str, text: str = "您好") -> int:
        return self.code("message/custom/send", text_for(openid, text))

    def signed_in(self) -> str:
        self.token = self.token or self.stable()["access_token"]
        return self.token


def text_for(openid: str, text: str) -> dict[str, Any]:
    return {"touser": openid, "msgtype": "text", "text": {"content": text}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(verify=certificates(), trust_env=False, timeout=2) as client:
        yield client


@pytest.fixture
def account(clock: Clock, client: httpx.Client) -> Iterator[Account]:
    with FakeWechat(now=clock) as fake:
        yield Account(fake, client)


# -- Crypto -------------------------------------------------------------------------------------------------------


def test_published_signatures():
    assert signature(TOKEN, "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"
    assert signature(TOKEN, "1714037059", "486452656") == "899cf89e464efb63f54ddac96b0a0a235f53aa78"


def test_published_encrypted_answer():
    crypto = Crypto(TOKEN, AES_KEY, APP_ID)
    encrypted = crypto.encrypt('{"demo_resp":"good luck"}', random=b"707722b803182950")
    assert encrypted == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    assert signature(TOKEN, "1713424427", "415670741", encrypted) == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"


def test_crypto_refuses_what_is_not_its_own():
    crypto = Crypto(TOKEN, AES_KEY, APP_ID)
    sealed = crypto.seal("x", "1", "2")
    with pytest.raises(CryptoError, match="signature"):
        crypto.open(Sealed(sealed.encrypted, sealed.signature, "1", "3"))
    with pytest.raises(CryptoError, match="another account"):
        Crypto(TOKEN, AES_KEY, "wx0").decrypt(sealed.encrypted)
    for broken in ("", "?", "AAAA", sealed.encrypted[:-4], Crypto(TOKEN, "B" * 43, APP_ID).encrypt("x")):
        with pytest.raises(CryptoError):
            crypto.decrypt(broken)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_crypto_agrees_with_wechatpy():
    from wechatpy.crypto import WeChatCrypto  # noqa: PLC0415 - it warns when imported, which only this test may

    key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    theirs = WeChatCrypto(TOKEN, key, APP_ID)
    ours = Crypto(TOKEN, key, APP_ID)
    for sample in SAMPLES:
        sealed = ours.seal(sample, "1714112445", "415670741")
        envelope = {"Encrypt": sealed.encrypted}
        opened = theirs.decrypt_message(envelope, sealed.signature, sealed.timestamp, sealed.nonce)
        assert (opened.decode() if isinstance(opened, bytes) else opened) == sample
        root = ET.fromstring(theirs.encrypt_message(sample, "415670741", "1714112445"))  # noqa: S314 - made here
        parts = [root.findtext(name, "") for name in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")]
        assert ours.open(Sealed(*parts)) == sample


# -- Tokens -------------------------------------------------------------------------------------------------------


def test_stable_token_repeats_and_renews_in_its_last_five_minutes(account: Account, clock: Clock):
    first = account.stable()
    assert first["expires_in"] == 7200
    assert "errcode" not in first
    assert len(first["access_token"]) == 512
    clock.time += 6800
    again = account.stable()
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 400)
    clock.time += 100
    renewed = account.stable()
    assert renewed["access_token"] != first["access_token"]
    for token in (first, renewed):
        account.token = token["access_token"]
        assert "ip_list" in account.get("getcallbackip")
    clock.time += 300
    account.token = first["access_token"]
    assert account.get("getcallbackip")["errcode"] == 42001
    assert [fetch.via for fetch in account.fake.token_fetches] == ["stable"] * 3


def test_forced_refresh_kills_the_old_token_and_is_rationed(account: Account, clock: Clock):
    old = account.signed_in()
    assert account.stable(force_refresh=True)["access_token"] != old
    assert account.get("getcallbackip")["errcode"] == 40001
    assert account.stable(force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        clock.time += 30
        assert "access_token" in account.stable(force_refresh=True)
    clock.time += 30
    assert account.stable(force_refresh=True)["errcode"] == 45009


def test_plain_tokens_replace_each_other_apart_from_stable_ones(account: Account, clock: Clock):
    stable = account.signed_in()
    first, second = account.plain_token()["access_token"], account.plain_token()["access_token"]
    assert len({stable, first, second}) == 3
    clock.time += 301
    answers = []
    for account.token in (stable, first, second):
        answers.append(account.get("getcallbackip").get("errcode", 0))
    assert answers == [0, 42001, 0]


def test_token_and_credential_errors(account: Account, client: httpx.Client):
    assert client.get(f"{account.fake.url}/cgi-bin/getcallbackip").json()["errcode"] == 41001
    account.token = "short"  # noqa: S105
    assert account.get("getcallbackip")["errcode"] == 40014
    account.token = ""
    account.signed_in()
    account.fake.invalidate_token()
    refused = account.get("getcallbackip")
    assert refused["errcode"] == 40001
    assert " rid: " in refused["errmsg"]
    account.token = account.stable()["access_token"]
    assert "ip_list" in account.get("getcallbackip")
    assert account.stable(secret="wrong")["errcode"] == 40125  # noqa: S106
    assert account.stable(appid="wrong")["errcode"] == 40013
    assert account.post("stable_token", b"appid=x")["errcode"] == 47001
    assert account.get("stable_token")["errcode"] == 43002
    assert account.get("nothing")["errcode"] == 40066


# -- Customer messages --------------------------------------------------------------------------------------------


def test_windows_after_messages_taps_and_follows(account: Account, clock: Clock):
    fake = account.fake
    assert account.say("a") == 40003
    fake.user_sent("a")
    assert [account.say("a") for _ in range(6)] == [0] * 5 + [45047]
    fake.user_sent("a")
    clock.time += 48 * 3600
    account.token = ""
    assert account.say("a") == 45015
    fake.user_tapped("a")
    assert [account.say("a") for _ in range(4)] == [0] * 3 + [45047]
    fake.follow("b")
    clock.time += 60
    assert account.say("b") == 45015
    fake.user_sent("b")
    fake.unfollow("b")
    assert account.say("b") == 43004
    assert len(fake.sent_to("a")) == 8


def test_grants_add_up_or_replace_each_other(account: Account):
    account.fake.user_sent("a")
    account.fake.user_tapped("a")
    assert [account.say("a") for _ in range(9)] == [0] * 8 + [45047]
    account.fake.overlap = "latest"
    account.fake.user_sent("a")
    account.fake.user_tapped("a")
    assert [account.say("a") for _ in range(4)] == [0] * 3 + [45047]


def test_custom_message_bodies(account: Account):
    account.fake.user_sent("a")
    send = "message/custom/send"
    assert account.code(send, json.dumps(text_for("a", "您好")).encode()) == 40033
    assert account.say("a", "量" * 683) == 45002
    assert account.say("a", "量" * 682 + "ok") == 0
    assert account.say("a", r"C:\users") == 0
    assert account.code(send, b"{") == 47001
    assert account.code(send, {"touser": "a", "msgtype": "poem"}) == 40008
    picture = account.fake.add_media(b"x", "image/png")
    image = {"touser": "a", "msgtype": "image", "image": {"media_id": picture}}
    assert account.code(send, image) == 0
    account.fake.expire_media(picture)
    assert account.code(send, image) == 40007
    assert account.code("message/custom/typing", {"touser": "a", "command": "Typing"}) == 0
    assert [(sent.kind, sent.when) for sent in account.fake.sent][-1] == ("image", account.fake.now())


def test_lacking_abilities(client: httpx.Client):
    with FakeWechat(abilities=ABILITIES - {"msgmenu", "qr"}) as fake:
        account = Account(fake, client)
        fake.user_sent("a")
        menu = {"head_content": "?", "list": [{"id": "1", "content": "是"}], "tail_content": ""}
        assert account.code("message/custom/send", {"touser": "a", "msgtype": "msgmenu", "msgmenu": menu}) == 40200
        assert account.code("qrcode/create", {}) == 48001


# -- Notices ------------------------------------------------------------------------------------------------------


def test_subscribe_notices_need_consent(account: Account):
    fake = account.fake
    send = "message/subscribe/bizsend"
    notice = {"touser": "a", "template_id": "t", "data": {"thing1": {"value": "强检到期"}}}
    assert account.code(send, notice) == 40003
    fake.follow("a")
    assert account.code(send, notice) == 43101
    fake.consent("a", "t")
    assert account.code(send, {**notice, "data": {"thing1": {"value": "强" * 21}}}) == 47003
    assert [account.code(send, notice), account.code(send, notice)] == [0, 43101]
    fake.consent("a", "t", times=None)
    assert [account.code(send, notice), account.code(send, notice)] == [0, 0]
    fake.revoke("a", "t")
    assert account.code(send, notice) == 43101
    fake.consent("a", "t")
    fake.template("t", "thing1", "date2")
    assert account.code(send, notice) == 47003


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("thing1", "电" * 20, "电" * 21),
        ("time1", "2026年11月24日 15:01", "明天下午"),
        ("date3", "2026年11月24日", "11-24"),
        ("character_string2", "HS-2026-0001", "编号1"),
        ("phrase1", "已办结", "已经全部办结"),
        ("phone_number1", "+86-0766-6688", "打电话"),
        ("amount1", "¥12.5元", "十二元"),
        ("name1", "王小明", "王" * 11),
    ],
)
def test_notice_fields(name: str, good: str, bad: str):
    check_fields({name: {"value": good}}, only_typed=True)
    for value in (bad, ""):
        with pytest.raises(Exception, match="47003"):
            check_fields({name: {"value": value}}, only_typed=True)


def test_template_messages_answer_an_id(account: Account):
    body = {"touser": "a", "template_id": "t", "data": {"thing1": {"value": "到期"}}}
    account.fake.follow("a")
    sent = account.post("message/template/send", body)
    assert sent["msgid"] > 2**53
    assert account.fake.sent[0].content["data"] == body["data"]
    account.fake.unfollow("a")
    assert account.code("message/template/send", body) == 43004


# -- Media, menu, QR codes and the rest ---------------------------------------------------------------------------


def test_media(account: Account, clock: Clock):
    media_id = account.fake.add_media(b"\xff\xd8pic", "image/jpeg")
    answer = account.raw_get("media/get", media_id=media_id)
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8pic", "image/jpeg")
    assert answer.headers["content-disposition"].endswith('.jpg"')
    clock.time += 3 * 86400 - 7000
    account.token = ""
    assert account.raw_get("media/get", media_id=media_id).content == b"\xff\xd8pic"
    clock.time += 7000
    account.token = ""
    assert account.get("media/get", media_id=media_id)["errcode"] == 40007
    video = account.get("media/get", media_id=account.fake.add_media(b"film", "video/mp4"))
    assert account.client.get(video["video_url"]).content == b"film"


def test_upload(account: Account):
    def upload(data: bytes, content_type: str) -> dict[str, Any]:
        query = {"access_token": account.signed_in(), "type": "image"}
        url = f"{account.fake.url}/cgi-bin/media/upload"
        return account.client.post(url, params=query, files={"media": ("a.png", data, content_type)}).json()

    made = upload(b"png", "image/png")
    assert account.raw_get("media/get", media_id=made["media_id"]).content == b"png"
    assert "errcode" not in made
    assert upload(b"", "image/png")["errcode"] == 44001
    assert upload(b"x", "text/plain")["errcode"] == 40005


def test_menu_limits(account: Account):
    def create(*buttons: dict[str, Any]) -> int:
        return account.code("menu/create", {"button": list(buttons)})

    item = {"type": "click", "name": "我要查询", "key": "ask"}
    assert account.get("menu/get")["errcode"] == 46003
    assert create(*[item] * 4) == 40016
    assert create({**item, "name": "量" * 6}) == 40018
    assert create({"name": "服务", "sub_button": [item] * 6}) == 40023
    assert create({"name": "服务", "sub_button": [{**item, "name": "量" * 21}]}) == 40025
    assert create({**item, "key": "k" * 129}) == 40019
    assert create({"type": "view", "name": "a", "url": "https://" + "a" * 1024}) == 40020
    assert create(item, {"name": "服务", "sub_button": [{**item, "name": "量" * 20}]}) == 0
    assert account.get("menu/get")["menu"]["button"][0]["sub_button"] == []
    assert account.get("get_current_selfmenu_info")["is_menu_open"] == 1
    assert account.get("menu/delete")["errcode"] == 0


def test_qr_codes_tickets_users_and_quota(account: Account):
    scene = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "stall-12"}}}
    made = account.post("qrcode/create", scene)
    assert made["expire_seconds"] == 60
    assert account.fake.qrcodes[made["ticket"]].scene == "stall-12"
    assert account.code("qrcode/create", {**scene, "expire_seconds": 2_592_001}) == 40053
    ticket = account.get("ticket/getticket", type="jsapi")
    assert ticket == account.get("ticket/getticket", type="jsapi")
    account.fake.follow("a")
    assert account.get("user/info", openid="a")["subscribe"] == 1
    account.fake.unfollow("a")
    assert account.get("user/info", openid="a")["subscribe"] == 0
    quota = account.post("openapi/quota/get", {"cgi_path": "/cgi-bin/qrcode/create"})["quota"]
    assert quota["used"] == 2


# -- Faults -------------------------------------------------------------------------------------------------------


def test_resets_really_close_the_connection(account: Account):
    fake = account.fake
    fake.user_sent("a")
    account.signed_in()
    for when in ("before", "after"):
        fake.fault("message/custom/send", reset=when)
        with pytest.raises(httpx.ReadError):
            account.say("a", when)
    assert [sent.content for sent in fake.sent] == ["after"]
    assert len(fake.calls_to("message/custom/send")) == 2
    assert account.say("a", "再来") == 0


def test_scripted_answers_in_their_order(account: Account):
    fake = account.fake
    fake.user_sent("a")
    fake.user_sent("b")
    fake.fault("message/custom/send", errcode=45047, openid="b", times=None)
    fake.fault("message/custom/send", errcode=-1, times=2)
    fake.fault("message/custom/send", errcode=-1, processed=True)
    assert [account.say("a") for _ in range(3)] == [-1, -1, -1]
    assert len(fake.sent) == 1
    assert [account.say("b"), account.say("a"), account.say("b")] == [45047, 0, 45047]
    fake.clear_faults()
    fake.fault("/cgi-bin/stable_token", errcode=40164)
    assert "127.0.0.1" in account.stable()["errmsg"]
    fake.fault("getcallbackip", garbage=True)
    fake.fault("getcallbackip", http=502)
    pages = [account.raw_get("getcallbackip") for _ in range(3)]
    assert [page.status_code for page in pages] == [200, 502, 200]
    assert pages[0].text.startswith("<!DOCTYPE html>")


def test_a_late_answer_comes_after_the_work(account: Account):
    account.fake.user_sent("a")
    account.signed_in()
    account.fake.fault("message/custom/send", delay=30)
    account.client.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        account.say("a")
    assert len(account.fake.wait_sent(1, "a")) == 1


# -- Delivery -----------------------------------------------------------------------------------------------------


class Server:
    """A small account's server: answers from `replies` by the text received, and notes every request."""

    def __init__(self) -> None:
        self.crypto = Crypto(TOKEN, AES_KEY, APP_ID)
        self.seen: list[dict[str, str]] = []
        self.texts: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        query = dict(request.query_params)
        if request.method == "GET":
            good = query["signature"] == signature(TOKEN, query["timestamp"], query["nonce"])
            await Response(query["echostr"] if good else "no")(scope, receive, send)
            return
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answer = await self.answer(query, (await request.body()).decode())
        self.at_once -= 1
        await answer(scope, receive, send)

    async def answer(self, query: dict[str, str], body: str) -> Response:
        self.seen.append(query)
        raw = body
        if "msg_signature" in query:
            encrypted = parse_reply(body)["Encrypt"]
            raw = self.crypto.open(Sealed(encrypted, query["msg_signature"], query["timestamp"], query["nonce"]))
        values = parse_reply(raw)
        text = values.get("Content", values.get("Event", ""))
        self.texts.append(text)
        if text.startswith("slow"):
            await asyncio.sleep(0.3 if len(self.seen) < 3 else 0)
        return Response(self.reply(text, values))

    def reply(self, text: str, values: dict[str, str]) -> str:
        bare = {"success": "success", "quoted": '"success"', "json": '{"a": 1}', "empty": "", "500": "oops"}
        if text in bare:
            return bare[text]
        content = {"long": "量" * 683, "inject": "a]]></Content><Content><![CDATA[b"}.get(
            text, f"you said {cdata(text)}"
        )
        to = GH if text == "unswapped" else values["FromUserName"]
        raw = (
            f"<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{GH}]]></FromUserName>"
            f"<CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content></xml>"
        )
        return raw if text == "bare" else self.sealed(raw)

    def sealed(self, raw: str) -> str:
        sealed = self.crypto.seal(raw, "1", "2")
        return (
            f"<xml><Encrypt><![CDATA[{sealed.encrypted}]]></Encrypt><MsgSignature>{sealed.signature}</MsgSignature>"
            f"<TimeStamp>{sealed.timestamp}</TimeStamp><Nonce>{sealed.nonce}</Nonce></xml>"
        )


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def target(server: Server) -> Iterator[str]:
    with Served(server) as served:
        yield served.url


@pytest.fixture
def platform(target: str) -> Platform:
    return Platform(target, APP_ID, TOKEN, AES_KEY, gh_id=GH, patience=2)


def test_verification(platform: Platform):
    assert asyncio.run(platform.verify())
    assert not asyncio.run(platform.verify(token="other"))  # noqa: S106


def test_answers_as_the_user_sees_them(platform: Platform):
    seen = {text: platform.say("o1", text) for text in ("hi", "success", "empty", "long")}
    assert [reply.text for reply in seen.values()] == ["you said hi", None, None, None]
    assert not any(reply.fault for reply in seen.values())
    assert seen["long"].why == "too long to be shown"
    for text in ("quoted", "json", "bare", "unswapped", "inject", "500"):
        assert platform.say("o1", text).fault, text


@pytest.mark.parametrize(("mode", "faults"), [("plain", ["hi"]), ("compat", []), ("safe", ["bare"])])
def test_modes_decide_which_answers_count(platform: Platform, server: Server, mode: Any, faults: list[str]):
    platform.mode = mode
    assert [text for text in ("hi", "bare") if platform.say("o1", text).fault] == faults
    assert ("encrypt_type" in server.seen[0]) == (mode != "plain")
    assert server.texts == ["hi", "bare"]


@pytest.mark.parametrize("fresh", [False, True])
def test_three_tries(platform: Platform, server: Server, fresh: Any):
    platform.patience = 0.1
    platform.fresh_retries = fresh
    reply = platform.say("o1", "slow")
    assert (reply.text, reply.tries, reply.fault) == ("you said slow", 3, False)
    assert len({query["nonce"] for query in server.seen}) == (3 if fresh else 1)
    server.seen.clear()
    platform.url = "http://127.0.0.1:9/wechat"
    refused = platform.say("o1", "hi")
    assert (refused.fault, refused.tries, refused.status) == (True, 3, None)


def test_every_message_is_well_formed(platform: Platform, server: Server):
    messages = [
        platform.text("o", "控制\x08符 ]]> <b>&", "m1"),
        platform.image("o", "id"),
        platform.voice("o", "id"),
        platform.video("o", "id"),
        platform.shortvideo("o", "id"),
        platform.location("o", 22.9, 112.0, "云城区"),
        platform.link("o", "t", "d", "https://example.com"),
        platform.file("o", "a.pdf", 12),
        platform.message("o", "hologram", Depth=3),
        platform.subscribe("o"),
        platform.subscribe("o", "stall-12"),
        platform.unsubscribe("o"),
        platform.scan("o", "stall-12"),
        platform.click("o", "ask"),
        platform.view("o", "https://example.com"),
        platform.position("o", 22.9, 112.0),
        platform.template_finished("o", 3_000_000_000_000_000_001, "failed:user block"),
        platform.popup("o", {"t1": "accept"}),
        platform.change("o", "t1", "t2"),
        platform.notice_sent("o", ("t1", 5, 0, "success"), ("t2", 6, 43101, "refuse")),
        platform.event("o", "brand_new"),
    ]
    replies = asyncio.run(platform.deliver_many(messages, concurrency=1, duplicates=0, shuffle=False))
    assert [reply.why for copies in replies for reply in copies if reply.fault] == []
    assert server.texts[0] == "控制符 ]]> <b>&"
    ids = [message.msg_id for message in messages if message.msg_id]
    assert ids == sorted(ids)
    assert min(ids) > 2**53
    assert messages[17].xml(GH).count("<List>") == 1
    assert messages[18].xml(GH).count("<List>") == 2


def test_many_at_once_doubled_and_out_of_order(platform: Platform, server: Server):
    messages: list[Message] = [platform.text(f"o{number % 7}", f"m{number}") for number in range(60)]
    started = time.perf_counter()
    replies = asyncio.run(platform.deliver_many(messages, concurrency=8, duplicates=0.2, seed=3))
    assert time.perf_counter() - started < 3
    assert [copies[0].text for copies in replies] == [f"you said m{number}" for number in range(60)]
    doubled = sum(len(copies) == 2 for copies in replies)
    assert 4 <= doubled <= 24
    assert len(server.texts) == 60 + doubled
    assert server.texts != sorted(server.texts, key=lambda text: int(text[1:]))
    assert server.most_at_once > 1


def test_users_acts_reach_the_api(platform: Platform, account: Account):
    platform.api = account.fake
    platform.send(platform.subscribe("a"))
    assert [account.say("a") for _ in range(4)] == [0, 0, 0, 45047]
    platform.say("a", "hi")
    assert account.say("a") == 0
    platform.tap("b", ("m1", "是", "是"))
    assert [account.say("b") for _ in range(4)] == [0, 0, 0, 45047]
    popup = platform.popup("a", {"t1": "accept", "t2": "reject"})
    asyncio.run(platform.deliver_many([popup], duplicates=1))
    assert dict(account.fake.users["a"].consents) == {"t1": 1}
    platform.send(platform.unsubscribe("a"))
    assert account.say("a") == 43004


def test_links_and_plain_text():
    text = (
        '选一个:\n<a href="weixin://bizmsgmenu?msgmenucontent=%E7%94%B5%E5%AD%90%E7%A7%A4&msgmenuid=ask:scale">电子秤</a>'
        ' 或看 <a href="https://example.com/?a=1">办法</a>，5 < 6 <b>'
    )
    assert links(text) == [("ask:scale", "电子秤", "电子秤")]
    assert plain(text) == "选一个:\n电子秤 或看 办法，5 < 6 <b>"
