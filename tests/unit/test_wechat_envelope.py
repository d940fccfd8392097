"""Safe mode of the WeChat channel: what is opened, what is refused, and with which status."""

from __future__ import annotations

import time

import pytest

from bot.channels.wechat.envelope import Envelope, RefusedError, read_message
from bot.settings import Settings
from tests.fakes.wechat import Platform, Push

APP, TOKEN, KEY, OLD_KEY = "wx0123456789abcdef", "AAAAA", "a" * 43, "b" * 43


def settings(**more: str) -> Settings:
    given = {"wechat_app_id": APP, "wechat_token": TOKEN, "wechat_aes_key": KEY, **more}
    return Settings(_env_file=None, **given)


def platform(**more: str) -> Platform:
    given = {"target": "http://127.0.0.1:1", "app_id": APP, "token": TOKEN, "aes_key": KEY, **more}
    return Platform(**given)


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(settings())


def signed(**more: str) -> Push:
    sender = platform(**more)
    return sender.sign(sender.text("o1", "你好"))


def status(envelope: Envelope, push: Push, now: float | None = None) -> int:
    with pytest.raises(RefusedError) as refused:
        read_message(envelope.open(push.params, push.body, now or time.time()).xml)
    return refused.value.status


def test_a_sealed_message_is_opened(envelope: Envelope) -> None:
    push = signed()
    fields = read_message(envelope.open(push.params, push.body, time.time()).xml)
    assert (fields["FromUserName"], fields["Content"]) == ("o1", "你好")


def test_the_published_signature_verifies_the_address() -> None:
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    envelope = Envelope(settings())
    assert envelope.verify(query, 1714036504) == "4375120948345356249"
    with pytest.raises(RefusedError):
        envelope.verify(query | {"nonce": "1514711493"}, 1714036504)
    with pytest.raises(RefusedError):
        envelope.verify(query, 1714036504 + 601)


def test_the_plain_signature_alone_opens_nothing(envelope: Envelope) -> None:
    push = signed()
    without = {k: v for k, v in push.params.items() if k != "msg_signature"}
    assert status(envelope, Push(without, push.body)) == 403


@pytest.mark.parametrize("off", [-601, 601])
def test_a_stale_push_is_refused_and_a_fresh_one_may_be_ten_minutes_off(envelope: Envelope, off: int) -> None:
    push = signed()
    at = int(push.params["timestamp"])
    assert status(envelope, push, at + off) == 403
    assert envelope.open(push.params, push.body, at + off - off // abs(off)).xml


def test_another_accounts_message_is_refused(envelope: Envelope) -> None:
    assert status(envelope, signed(app_id="wxffffffffffffffff")) == 403


def test_another_key_or_token_is_refused(envelope: Envelope) -> None:
    assert status(envelope, signed(aes_key="c" * 43)) == 403
    assert status(envelope, signed(token="B" * 5)) == 403


def test_the_previous_key_is_taken_and_answered_in_kind() -> None:
    envelope = Envelope(settings(wechat_aes_key="c" * 43, wechat_aes_key_previous=KEY))
    push = signed()
    opened = envelope.open(push.params, push.body, time.time())
    sealed = envelope.seal("<xml><a>1</a></xml>", opened, push.params)
    back = Envelope(settings()).open(*_as_push(sealed), time.time())
    assert back.xml == b"<xml><a>1</a></xml>"


def _as_push(sealed: str) -> tuple[dict[str, str], bytes]:
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - our own answer

    root = ET.fromstring(sealed)  # noqa: S314
    texts = {child.tag: child.text or "" for child in root}
    query = {
        "timestamp": texts["TimeStamp"],
        "nonce": texts["Nonce"],
        "msg_signature": texts["MsgSignature"],
        "encrypt_type": "aes",
    }
    return query, f"<xml><Encrypt><![CDATA[{texts['Encrypt']}]]></Encrypt></xml>".encode()


def test_plaintext_is_refused_in_safe_mode(envelope: Envelope) -> None:
    assert status(envelope, signed(mode="plain")) == 403


def test_plaintext_is_read_in_the_development_mode() -> None:
    push = signed(mode="plain")
    plain = Envelope(settings(wechat_mode="plain"))
    assert read_message(plain.open(push.params, push.body, time.time()).xml)["Content"] == "你好"


def test_a_flipped_byte_of_the_body_is_refused(envelope: Envelope) -> None:
    push = signed()
    at = push.body.index(b"CDATA[") + 40
    flipped = push.body[:at] + bytes([push.body[at] ^ 1]) + push.body[at + 1 :]
    assert status(envelope, Push(push.params, flipped)) in (400, 403)


BAD = [
    b"",
    b"<xml>",
    b"<xml/>",
    b"<xml></xml>",
    b"{}",
    b"\xff\xfe",
    b"<xml><Encrypt/></xml>",
    b"<xml><Encrypt><a/></Encrypt></xml>",
    b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
    b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
    b'<?xml version="1.0"?><!doctype x SYSTEM "http://127.0.0.1/x"><xml><Encrypt>a</Encrypt></xml>',
]


@pytest.mark.parametrize("body", BAD)
def test_a_body_that_is_no_message_is_refused(envelope: Envelope, body: bytes) -> None:
    assert status(envelope, Push(signed().params, body)) in (400, 403)


@pytest.mark.parametrize("nonce", ["", "a]]>b", "a b", "<x/>"])
def test_a_nonce_that_could_leave_its_place_in_the_answer_is_refused(envelope: Envelope, nonce: str) -> None:
    push = signed()
    assert status(envelope, Push(push.params | {"nonce": nonce}, push.body)) == 403


def test_deep_nesting_is_no_message() -> None:
    deep = b"<a>" * 20 + b"</a>" * 20
    with pytest.raises(RefusedError):
        read_message(b"<xml><MsgType>text</MsgType>" + deep + b"</xml>")


def test_entities_inside_a_sealed_message_are_refused() -> None:
    with pytest.raises(RefusedError):
        read_message(b'<!DOCTYPE x [<!ENTITY a "b">]><xml><MsgType>text</MsgType></xml>')
