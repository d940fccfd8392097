"""The envelope of WeChat's pushes: signature, freshness, encryption.

In encrypted pushes ``msg_signature`` covers the body, the plain ``signature`` does not (developers.weixin.qq.com,
消息推送): a server that checks only the latter accepts any body. Nothing here tells the sender why it was refused.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xmltodict
from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.parser import parse_message

from bot.settings import Settings, WechatMode

BODY_LIMIT = 64 * 1024
FRESH_SECONDS = 600
DEPTH = 8


class RefusedError(Exception):
    """Not from WeChat, or not in a shape it sends. ``status`` is all the sender gets to know."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Opened:
    """A push taken out of its envelope: its XML and the key that opened it (None: it was plain)."""

    xml: bytes
    cipher: PrpCrypto | None


class Cipher(PrpCrypto):  # type: ignore[misc]  # the library ships no types
    """The library's cipher with sixteen bytes of real randomness in front."""

    def get_random_string(self) -> str:
        return secrets.token_hex(8)


class Envelope:
    def __init__(self, settings: Settings) -> None:
        self._app_id = settings.wechat_app_id
        self._token = settings.wechat_token.get_secret_value()
        self._safe = settings.wechat_mode is WechatMode.SAFE
        keys = (settings.wechat_aes_key, settings.wechat_aes_key_previous)
        # While a key is being changed pushes come under either; the answer goes back under the one that opened.
        self._ciphers = [Cipher(_key(k.get_secret_value(), self._app_id)) for k in keys if k.get_secret_value()]

    def verify(self, query: Mapping[str, str], now: float) -> str:
        """The echo to answer a URL verification with; ``RefusedError`` when it is not WeChat that asks."""
        self._demand(query.get("signature"), query, now)
        return query.get("echostr", "")

    def open(self, query: Mapping[str, str], body: bytes, now: float) -> Opened:
        """The XML of a pushed message; ``RefusedError`` when it was not sealed by WeChat for this account."""
        if self._safe:
            if query.get("encrypt_type") != "aes":
                raise RefusedError(403, "not encrypted")
            outer = read_xml(body, xmltodict.parse)["xml"]
            sealed = outer.get("Encrypt") if isinstance(outer, dict) else None
            if not isinstance(sealed, str):
                raise RefusedError(400, "no Encrypt")
            self._demand(query.get("msg_signature"), query, now, sealed)
            xml, cipher = self._decrypt(sealed)
            return Opened(xml, cipher)
        self._demand(query.get("signature"), query, now)
        return Opened(body, None)

    def seal(self, xml: str, opened: Opened, query: Mapping[str, str]) -> str:
        """An answer in the envelope the question came in."""
        if opened.cipher is None:
            return xml
        timestamp, nonce = query["timestamp"], query["nonce"]
        sealed = opened.cipher.encrypt(xml, self._app_id).decode("ascii")
        signature = _sign(self._token, timestamp, nonce, sealed)
        return (
            f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def _demand(self, given: str | None, query: Mapping[str, str], now: float, *more: str) -> None:
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        # The nonce is echoed inside the answer's XML, so only what WeChat itself sends is taken.
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12 and nonce.isalnum()):
            raise RefusedError(403, "no timestamp or nonce")
        expected = _sign(self._token, timestamp, nonce, *more)
        if not hmac.compare_digest((given or "").encode(), expected.encode()):
            raise RefusedError(403, "signature")
        if abs(now - int(timestamp)) > FRESH_SECONDS:
            raise RefusedError(403, "stale")

    def _decrypt(self, sealed: str) -> tuple[bytes, PrpCrypto]:
        for cipher in self._ciphers:
            try:
                xml: str = cipher.decrypt(sealed, self._app_id)
            except Exception:  # noqa: S112 - eight kinds of error come out of a bad body; all mean: not this key
                continue
            return xml.encode(), cipher
        raise RefusedError(403, "no key opens it, or another account's")


def read_xml(body: bytes, parse: Callable[[bytes], Any]) -> Any:
    """The body as ``parse`` gives it; refuses document types, entities and what cannot be parsed."""
    prolog, _, rest = body.partition(b"<xml")
    if not rest or b"<!" in prolog:
        raise RefusedError(400, "not a message")
    try:
        return parse(body)
    except Exception:  # whatever the parser thinks of it, it is not a message
        raise RefusedError(400, "unreadable") from None


def read_message(xml: bytes) -> dict[str, Any]:
    """The fields of a message or event; ``RefusedError`` for what has not the shape of one."""
    message = read_xml(xml, parse_message)
    # The library models only part of what is pushed; the rest stands in the fields it was made from.
    fields = vars(message).get("_data")
    if not isinstance(fields, dict) or _deeper_than(fields, DEPTH):
        raise RefusedError(400, "not a message")
    return fields


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [v for x in level for v in (x.values() if isinstance(x, dict) else x if isinstance(x, list) else ())]
        if not level:
            return False
    return True


def _key(encoded: str, app_id: str) -> bytes:
    key: bytes = WeChatCrypto("", encoded, app_id).key
    return key


def _sign(*parts: str) -> str:
    # SHA-1 is what the platform prescribes; it authenticates together with the secret token.
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324
