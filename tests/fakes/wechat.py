"""WeChat as a server: `FakeWechat` is the API that an Official Account calls, `Platform` delivers users' messages to it.

Written from the platform's documented behaviour, knowing nothing of the program under test.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import ssl
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import httpx
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.serving import Served, reset_connection
from tests.fakes.wechat_crypto import Crypto, CryptoError, Sealed, signature

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive, Scope, Send

Clock = Callable[[], float]

HOUR = 3600
DAY = 24 * HOUR
TEXT_BYTES = 2048
"""A text, passive or sent, holds this many bytes of UTF-8."""

# -- Answers ------------------------------------------------------------------------------------------------------

ERRORS: dict[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40022: "invalid sub button level",
    40023: "invalid sub button size",
    40025: "invalid sub button name size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40037: "invalid template_id",
    40053: "invalid action info",
    40066: "invalid url",
    40097: "invalid args",
    40125: "invalid appsecret",
    40164: "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
    40200: "invalid account type",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    41006: "media_id missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    44001: "empty media data",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "need to talk with the user first",
    45098: "menu list size out of limit",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    76021: "cgi_path not found, please check",
}


class ApiError(Exception):
    """A refusal, answered with status 200 and an `errcode`."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def refusal(code: int, detail: str = "") -> dict[str, Any]:
    """`errmsg` ends with the request's id, which support asks for."""
    words = " ".join(filter(None, (ERRORS.get(code, "error"), detail)))
    rid = "-".join((secrets.token_hex(4), secrets.token_hex(4), secrets.token_hex(4)))
    return {"errcode": code, "errmsg": f"{words} rid: {rid}"}


def accepted(**more: Any) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", **more}


def as_json(body: Mapping[str, Any]) -> Response:
    # "encoding" where "charset" belongs is the platform's own habit: a client must not lean on the header.
    return Response(json.dumps(body, ensure_ascii=False), headers={"content-type": "application/json; encoding=utf-8"})


GARBAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in to this network.</body></html>"


def as_page(status: int) -> Response:
    return Response(GARBAGE, status, media_type="text/html")


# -- Records ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A request as it came; `body` is the parsed JSON, or the bytes of anything else."""

    path: str
    body: Any
    when: float
    query: dict[str, str]
    raw: bytes


@dataclass(frozen=True)
class Sent:
    """A message that reached its user.

    `content` is the string of a text; for the other customer messages it is the part of the body named after the kind, for
    "template" and "subscribe" the whole body.
    """

    openid: str
    kind: str
    content: Any
    when: float


@dataclass(frozen=True)
class TokenFetch:
    via: Literal["stable", "plain"]
    when: float
    token: str
    forced: bool = False


# -- Faults -------------------------------------------------------------------------------------------------------


@dataclass
class Fault:
    """What goes wrong with the next `left` calls of `path` (None: with all of them)."""

    path: str
    errcode: int | None
    http: int | None
    delay: float
    reset: Literal["before", "after"] | None
    garbage: bool
    processed: bool
    openid: str | None
    left: int | None

    def matches(self, path: str, openid: str | None) -> bool:
        return self.path == path and self.left != 0 and self.openid in (None, openid)

    def spend(self) -> None:
        if self.left is not None:
            self.left -= 1

    @property
    def lets_through(self) -> bool:
        """Whether the call does its work although the caller may never learn of it."""
        if self.reset:
            return self.reset == "after"
        return self.processed or not (self.garbage or self.http or self.errcode is not None)

    def spoil(self, answer: Response) -> Response:
        if self.http:
            return as_page(self.http)
        if self.garbage:
            return as_page(200)
        if self.errcode is not None:
            return as_json(refusal(self.errcode))
        return answer


# -- Tokens -------------------------------------------------------------------------------------------------------

TOKEN_LIFE = 7200
TOKEN_OVERLAP = 300
TOKEN_BYTES = 381
"""In base64 behind a four-character head: 512 characters, which is what a store has to hold."""


def new_token() -> str:
    return f"{10 + secrets.randbelow(90)}_x" + secrets.token_urlsafe(TOKEN_BYTES)


def daily(moments: Iterable[float], now: float) -> int:
    return sum(1 for moment in moments if now - moment < DAY)


class Tokens:
    """Both token services, each isolated from the other; `stable_token` renews late, `token` at every call."""

    STABLE_PER_DAY = 500_000
    PLAIN_PER_DAY = 2000
    FORCED_PER_DAY = 20
    FORCED_APART = 30

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._until: dict[str, float] = {}
        self._dead: set[str] = set()
        self._latest: dict[str, str] = {}
        self.fetches: list[TokenFetch] = []

    def stable(self, *, force: bool) -> tuple[str, int]:
        """The same token until its last five minutes, when old and new overlap; forcing kills the old one at once."""
        now = self._now()
        self._count("stable", self.STABLE_PER_DAY)
        if force:
            self._check_force(now)
            self._kill("stable")
        current = self._latest.get("stable", "")
        if self._until.get(current, 0) - now <= TOKEN_OVERLAP:
            current = self._issue("stable")
        self.fetches.append(TokenFetch("stable", now, current, force))
        return current, int(self._until[current] - now)

    def plain(self) -> tuple[str, int]:
        """A new token at every call; the one before it lives five more minutes."""
        now = self._now()
        self._count("plain", self.PLAIN_PER_DAY)
        previous = self._latest.get("plain", "")
        if previous in self._until:
            self._until[previous] = min(self._until[previous], now + TOKEN_OVERLAP)
        token = self._issue("plain")
        self.fetches.append(TokenFetch("plain", now, token))
        return token, TOKEN_LIFE

    def check(self, token: str | None) -> None:
        if not token:
            raise ApiError(41001)
        if not re.fullmatch(r"\d\d_x[\w-]{500,}", token):
            raise ApiError(40014)
        if token in self._dead or token not in self._until:
            raise ApiError(40001)
        if self._until[token] <= self._now():
            raise ApiError(42001)

    def kill_all(self) -> None:
        self._dead.update(self._until)
        self._latest.clear()

    def _issue(self, service: str) -> str:
        token = new_token()
        self._until[token] = self._now() + TOKEN_LIFE
        self._latest[service] = token
        return token

    def _kill(self, service: str) -> None:
        token = self._latest.pop(service, None)
        if token:
            self._dead.add(token)

    def _count(self, via: str, limit: int) -> None:
        if daily((fetch.when for fetch in self.fetches if fetch.via == via), self._now()) >= limit:
            raise ApiError(45009)

    def _check_force(self, now: float) -> None:
        forced = [fetch.when for fetch in self.fetches if fetch.forced]
        if daily(forced, now) >= self.FORCED_PER_DAY:
            raise ApiError(45009)
        if forced and now - forced[-1] < self.FORCED_APART:
            raise ApiError(45011)


# -- Users and their windows --------------------------------------------------------------------------------------

GRANTS: dict[str, tuple[int, int]] = {
    "message": (5, 48 * HOUR),
    "tap": (3, 60),
    "scan": (3, 60),
    "follow": (3, 60),
}
"""How many customer messages an action of the user allows, and for how many seconds."""
TYPING_SECONDS = 30

Overlap = Literal["sum", "latest"]


@dataclass
class Grant:
    until: float
    left: int


@dataclass
class User:
    """One follower: the customer messages still allowed, and the consents to subscribe notices by template."""

    since: float
    following: bool = True
    last_seen: float = 0
    grants: dict[str, Grant] = field(default_factory=dict)
    consents: Counter[str] = field(default_factory=Counter)
    standing: set[str] = field(default_factory=set)

    def grant(self, action: str, now: float, overlap: Overlap) -> None:
        messages, seconds = GRANTS[action]
        if overlap == "latest":
            self.grants.clear()
        self.grants[action] = Grant(now + seconds, messages)
        self.last_seen = now

    def spend_grant(self, now: float) -> None:
        """Takes one message of the grant that ends soonest."""
        alive = sorted((grant for grant in self.grants.values() if grant.until > now), key=lambda grant: grant.until)
        if not alive:
            raise ApiError(45015)
        for grant in alive:
            if grant.left:
                grant.left -= 1
                return
        raise ApiError(45047)

    def spend_consent(self, template_id: str) -> None:
        if template_id in self.standing:
            return
        if not self.consents[template_id]:
            raise ApiError(43101)
        self.consents[template_id] -= 1


# -- Notices' fields ----------------------------------------------------------------------------------------------

DAY_OF_YEAR = r"\d{4}(年\d{1,2}月\d{1,2}日|-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2}|\.\d{1,2}\.\d{1,2})"
TIME_OF_DAY = r"\d{1,2}:\d{2}(:\d{2})?"
TIME = rf"({DAY_OF_YEAR} ?)?{TIME_OF_DAY}|{DAY_OF_YEAR}"
DATE = rf"{DAY_OF_YEAR}( ?{TIME_OF_DAY})?"

FIELD_RULES: dict[str, str] = {
    "thing": r"[^\n\r\t]{1,20}",
    "const": r"[^\n\r\t]{1,20}",
    "number": r"[\d.]{1,32}",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[\x20-\x7e]{1,32}",
    "time": rf"({TIME})(~({TIME}))?",
    "date": rf"({DATE})(~({DATE}))?",
    "amount": r"[¥￥$]?\d{1,10}(\.\d+)?元?",
    "phone_number": r"[\d+\-() *]{1,17}",
    "car_number": r"\S{1,8}",
    "name": r"[\u3400-\u9fff·]{1,10}|[A-Za-z .·\-]{1,20}",
    "phrase": r"[\u3400-\u9fff]{1,5}",
}
"""What the value of a typed field (`thing1`, `date2`, …) may be."""


def check_fields(data: Any, *, only_typed: bool) -> None:
    if not isinstance(data, dict) or not data:
        raise ApiError(47003, "data is empty")
    for name, holder in data.items():
        kind = re.sub(r"\d+$", "", name)
        value = str(holder.get("value", "")) if isinstance(holder, dict) else ""
        if not value:
            raise ApiError(47003, f"data.{name}.value is empty")
        if kind not in FIELD_RULES and not only_typed:
            continue
        if kind not in FIELD_RULES or not re.fullmatch(FIELD_RULES[kind], value):
            raise ApiError(47003, f"data.{name}.value invalid")


# -- Menus and QR codes -------------------------------------------------------------------------------------------

KEYED_BUTTONS = {
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
}
URL_BUTTONS = {"view", "miniprogram"}
OTHER_BUTTONS = {"media_id", "view_limited", "article_id", "article_view_limited"}


def in_bytes(value: Any, limit: int) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= limit


def check_menu(menu: Any) -> None:
    """Three buttons at the top with five below each; lengths are in bytes, not in characters."""
    buttons = menu.get("button") if isinstance(menu, dict) else None
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise ApiError(40016)
    for button in buttons:
        if not in_bytes(button.get("name"), 16):
            raise ApiError(40018)
        below = button.get("sub_button")
        if not below:
            check_action(button)
            continue
        if len(below) > 5:
            raise ApiError(40023)
        for sub in below:
            check_sub_button(sub)


def check_sub_button(button: Mapping[str, Any]) -> None:
    if button.get("sub_button"):
        raise ApiError(40022)
    if not in_bytes(button.get("name"), 60):
        raise ApiError(40025)
    check_action(button)


def check_action(button: Mapping[str, Any]) -> None:
    kind = button.get("type")
    if kind in KEYED_BUTTONS:
        if not in_bytes(button.get("key"), 128):
            raise ApiError(40019)
    elif kind in URL_BUTTONS:
        if not in_bytes(button.get("url"), 1024):
            raise ApiError(40020)
    elif kind not in OTHER_BUTTONS:
        raise ApiError(40017)


@dataclass(frozen=True)
class QrCode:
    """`until` is None for a permanent code."""

    scene: str
    until: float | None


def read_scene(body: Mapping[str, Any]) -> str:
    """The scene of a code; permanent numbers end at 100 000, texts have 1 to 64 characters."""
    scene = body.get("action_info", {}).get("scene", {})
    action = body.get("action_name")
    if action in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
        text = scene.get("scene_str")
        if isinstance(text, str) and 1 <= len(text) <= 64:
            return text
    elif action in ("QR_SCENE", "QR_LIMIT_SCENE"):
        number = scene.get("scene_id")
        if isinstance(number, int) and 1 <= number <= (100_000 if action == "QR_LIMIT_SCENE" else 2**32 - 1):
            return str(number)
    raise ApiError(40053)


# -- Media --------------------------------------------------------------------------------------------------------

MEDIA_LIFE = 3 * DAY
MEDIA_BYTES = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}
MEDIA_TYPES = {
    "image": {"image/jpeg", "image/png", "image/gif"},
    "voice": {"audio/amr", "audio/mp3", "audio/mpeg"},
    "video": {"video/mp4"},
    "thumb": {"image/jpeg"},
}
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "audio/amr": "amr", "video/mp4": "mp4"}


@dataclass(frozen=True)
class Media:
    data: bytes
    content_type: str
    until: float


# -- The API ------------------------------------------------------------------------------------------------------

ABILITIES = frozenset({"customer", "template", "subscribe", "qr", "menu", "msgmenu"})
"""What an account's type may lack: "menu" is the menu below the chat, "msgmenu" the message with choices in it."""

MENU_ITEMS = 10
"""The choices that one msgmenu may hold; the platform publishes no number."""

SENDABLE = {
    "text",
    "image",
    "voice",
    "video",
    "music",
    "news",
    "mpnews",
    "mpnewsarticle",
    "msgmenu",
    "wxcard",
    "miniprogrampage",
}
UNICODE_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u([0-9a-fA-F]{4})")

Answer = Mapping[str, Any] | Response


@dataclass(frozen=True)
class Asked:
    """One request under way."""

    path: str
    method: str
    query: dict[str, str]
    raw: bytes
    upload: tuple[bytes, str] | None = None
    """Bytes and type of the form's part "media"."""

    @property
    def json(self) -> dict[str, Any]:
        """The body as UTF-8 JSON; escapes of what is not ASCII are refused, since users would see them."""
        try:
            text = self.raw.decode()
        except UnicodeDecodeError as error:
            raise ApiError(40033) from error
        if any(int(code, 16) > 0x7F for code in UNICODE_ESCAPE.findall(text)):
            raise ApiError(40033)
        try:
            body = json.loads(text)
        except ValueError as error:
            raise ApiError(47001) from error
        if not isinstance(body, dict):
            raise ApiError(47001)
        return body


@dataclass(frozen=True)
class Endpoint:
    method: str
    handler: Callable[[Asked], Answer]
    ability: str | None = None
    token: bool = True
    daily_limit: int = 100_000


def parse_leniently(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def full_path(path: str) -> str:
    return path if path.startswith("/") else f"/cgi-bin/{path}"


class FakeWechat:
    """api.weixin.qq.com for one account: it answers, counts, refuses and fails like the platform.

    Nothing about users is known until `follow`, `user_sent` or the like; `Platform(api=…)` reports these by itself.
    How grants of customer messages combine is unpublished: `overlap` either adds them up or lets the latest one replace all.
    """

    def __init__(
        self,
        app_id: str = "wx0123456789abcdef",
        secret: str = "0123456789abcdef0123456789abcdef",  # noqa: S107 - the fake's own
        abilities: Iterable[str] = ABILITIES,
        *,
        now: Clock = time.time,
        overlap: Overlap = "sum",
        port: int = 0,
    ) -> None:
        self.app_id = app_id
        self.secret = secret
        self.abilities = frozenset(abilities)
        if unknown := self.abilities - ABILITIES:
            raise ValueError(f"no such abilities: {sorted(unknown)}")
        self.now = now
        self.overlap = overlap
        self.calls: list[Call] = []
        self.sent: list[Sent] = []
        self.users: dict[str, User] = {}
        self.media: dict[str, Media] = {}
        self.menu: dict[str, Any] | None = None
        self.qrcodes: dict[str, QrCode] = {}
        self._tokens = Tokens(now)
        self._faults: list[Fault] = []
        self._templates: dict[str, set[str]] = {}
        self._serials = count(3_000_000_000_000_000_001)
        self._ticket = ""
        self._ticket_until = 0.0
        self._changed = threading.Condition(threading.RLock())
        self.films_at = ""
        """Where films are said to be; empty: here."""
        self._endpoints = self._table()
        self._served = Served(self._app, port)
        self.url = self._served.url

    def _table(self) -> dict[str, Endpoint]:
        return {
            "/cgi-bin/stable_token": Endpoint("POST", self._stable_token, token=False),
            "/cgi-bin/token": Endpoint("GET", self._plain_token, token=False),
            "/cgi-bin/message/custom/send": Endpoint("POST", self._custom_send, "customer", daily_limit=500_000),
            "/cgi-bin/message/custom/typing": Endpoint("POST", self._typing, "customer"),
            "/cgi-bin/message/subscribe/bizsend": Endpoint("POST", self._subscribe_send, "subscribe"),
            "/cgi-bin/message/template/send": Endpoint("POST", self._template_send, "template"),
            "/cgi-bin/media/get": Endpoint("GET", self._media_get),
            "/cgi-bin/media/upload": Endpoint("POST", self._media_upload),
            "/cgi-bin/menu/create": Endpoint("POST", self._menu_create, "menu", daily_limit=1000),
            "/cgi-bin/menu/get": Endpoint("GET", self._menu_get, "menu"),
            "/cgi-bin/menu/delete": Endpoint("GET", self._menu_delete, "menu", daily_limit=1000),
            "/cgi-bin/get_current_selfmenu_info": Endpoint("GET", self._selfmenu),
            "/cgi-bin/qrcode/create": Endpoint("POST", self._qr_create, "qr"),
            "/cgi-bin/ticket/getticket": Endpoint("GET", self._get_ticket),
            "/cgi-bin/user/info": Endpoint("GET", self._user_info),
            "/cgi-bin/openapi/quota/get": Endpoint("POST", self._quota),
            "/cgi-bin/getcallbackip": Endpoint("GET", self._callback_ips),
        }

    def close(self) -> None:
        self._served.close()

    def __enter__(self) -> FakeWechat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The user's side

    def user_sent(self, openid: str) -> None:
        """The user wrote: five customer messages within 48 hours."""
        self._act(openid, "message")

    def user_tapped(self, openid: str) -> None:
        """The user tapped a menu below the chat or in a message: three within a minute, and no 48 hours."""
        self._act(openid, "tap")

    def user_scanned(self, openid: str) -> None:
        """A follower scanned one of the account's codes: three within a minute."""
        self._act(openid, "scan")

    def follow(self, openid: str) -> None:
        """The user follows: three within a minute."""
        with self._changed:
            self._user(openid).following = True
        self._act(openid, "follow")

    def unfollow(self, openid: str) -> None:
        with self._changed:
            user = self._user(openid)
            user.following = False
            user.grants.clear()

    def consent(self, openid: str, template_id: str, times: int | None = 1) -> None:
        """The user agrees to `times` notices, any time later; None is the long-term consent of public services."""
        with self._changed:
            user = self._user(openid)
            if times is None:
                user.standing.add(template_id)
            else:
                user.consents[template_id] += times

    def revoke(self, openid: str, template_id: str) -> None:
        """The user switched these notices off."""
        with self._changed:
            user = self._user(openid)
            user.standing.discard(template_id)
            del user.consents[template_id]

    def add_media(self, data: bytes, content_type: str) -> str:
        """What a user sent: there for three days."""
        media_id = secrets.token_urlsafe(48)
        with self._changed:
            self.media[media_id] = Media(data, content_type, self.now() + MEDIA_LIFE)
        return media_id

    def expire_media(self, media_id: str) -> None:
        with self._changed:
            self.media[media_id] = replace(self.media[media_id], until=self.now())

    # The account's side

    def template(self, template_id: str, *fields: str) -> None:
        """Fixes a template's fields, all of which a notice must then fill; unknown templates take any."""
        self._templates[template_id] = set(fields)

    def invalidate_token(self) -> None:
        """Kills all tokens now, as when somebody else forced a new one: the next call gets 40001."""
        with self._changed:
            self._tokens.kill_all()

    @property
    def token_fetches(self) -> list[TokenFetch]:
        return self._tokens.fetches

    # The script

    def fault(  # noqa: PLR0913 - one keyword for each way to fail
        self,
        path: str,
        *,
        errcode: int | None = None,
        http: int | None = None,
        delay: float = 0,
        reset: Literal["before", "after"] | None = None,
        garbage: bool = False,
        processed: bool = False,
        times: int | None = 1,
        openid: str | None = None,
    ) -> None:
        """Spoils the next `times` calls of `path` (None: all), in the order of the script; `openid` narrows it to one user.

        `errcode`, `http` and `garbage` answer without doing the work unless `processed`. `delay` does the work and answers
        late. `reset` closes the connection before the work, or after it, so that the answer is lost.
        """
        with self._changed:
            self._faults.append(
                Fault(full_path(path), errcode, http, delay, reset, garbage, processed, openid, left=times)
            )

    def clear_faults(self) -> None:
        with self._changed:
            self._faults.clear()

    # What happened

    def calls_to(self, path: str) -> list[Call]:
        with self._changed:
            return [call for call in self.calls if call.path == full_path(path)]

    def sent_to(self, openid: str) -> list[Sent]:
        with self._changed:
            return [sent for sent in self.sent if sent.openid == openid]

    def wait_sent(self, number: int, openid: str | None = None, timeout: float = 5.0) -> list[Sent]:
        """Waits in real time until `number` messages have been delivered, or fails."""

        def enough() -> bool:
            return len(self.sent if openid is None else self.sent_to(openid)) >= number

        with self._changed:
            if not self._changed.wait_for(enough, timeout):
                raise TimeoutError(f"fewer than {number} messages within {timeout} s: {self.sent}")
            return list(self.sent) if openid is None else self.sent_to(openid)

    # Serving

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await no_lifespan(receive, send)
            return
        request = Request(scope, receive)
        asked = await read_request(request)
        fault = self._record(asked)
        if fault is None:
            await self._answer(asked)(scope, receive, send)
            return
        answer = self._answer(asked) if fault.lets_through else as_json(accepted())
        if fault.reset:
            await reset_connection(scope)
        elif not (fault.delay and await hung_up(receive, fault.delay)):
            await fault.spoil(answer)(scope, receive, send)

    def _record(self, asked: Asked) -> Fault | None:
        body = parse_leniently(asked.raw)
        openid = body.get("touser") if isinstance(body, dict) else asked.query.get("openid")
        with self._changed:
            self.calls.append(Call(asked.path, body, self.now(), asked.query, asked.raw))
            self._changed.notify_all()
            fault = next((fault for fault in self._faults if fault.matches(asked.path, openid)), None)
            if fault:
                fault.spend()
            return fault

    def _answer(self, asked: Asked) -> Response:
        with self._changed:
            try:
                answer = self._process(asked)
            except ApiError as error:
                answer = refusal(error.code, error.detail)
            self._changed.notify_all()
        return answer if isinstance(answer, Response) else as_json(answer)

    def _process(self, asked: Asked) -> Answer:
        if asked.path.startswith("/video/"):
            return self._file(asked.path.removeprefix("/video/"))
        endpoint = self._endpoints.get(asked.path)
        if endpoint is None:
            raise ApiError(40066)
        if asked.method != endpoint.method:
            raise ApiError(43002 if endpoint.method == "POST" else 43001)
        if endpoint.token:
            self._tokens.check(asked.query.get("access_token"))
        if endpoint.ability and endpoint.ability not in self.abilities:
            raise ApiError(48001)
        return endpoint.handler(asked)

    # Tokens

    def _stable_token(self, asked: Asked) -> Answer:
        body = asked.json
        self._check_client(body, "client_credential")
        token, seconds = self._tokens.stable(force=body.get("force_refresh") is True)
        return {"access_token": token, "expires_in": seconds}

    def _plain_token(self, asked: Asked) -> Answer:
        self._check_client(asked.query, "client_credential")
        token, seconds = self._tokens.plain()
        return {"access_token": token, "expires_in": seconds}

    def _check_client(self, given: Mapping[str, Any], grant: str) -> None:
        if given.get("grant_type") != grant:
            raise ApiError(40002)
        if not given.get("appid"):
            raise ApiError(41002)
        if not given.get("secret"):
            raise ApiError(41004)
        if given["appid"] != self.app_id:
            raise ApiError(40013)
        if given["secret"] != self.secret:
            raise ApiError(40125)

    # Messages

    def _custom_send(self, asked: Asked) -> Answer:
        body = asked.json
        kind = body.get("msgtype")
        if kind not in SENDABLE:
            raise ApiError(40008)
        content = self._checked_content(str(kind), body.get(str(kind)))
        user = self._known(body.get("touser"))
        if not user.following:
            raise ApiError(43004)
        user.spend_grant(self.now())
        self.sent.append(Sent(body["touser"], str(kind), content, self.now()))
        return accepted()

    def _checked_content(self, kind: str, part: Any) -> Any:
        if not isinstance(part, dict):
            raise ApiError(47001)
        if kind == "text":
            return checked_text(part.get("content"))
        if kind == "msgmenu":
            self._check_msgmenu(part)
        elif kind in ("image", "voice", "video"):
            self._find_media(part.get("media_id"))
        elif kind == "news" and len(part.get("articles", [])) != 1:
            raise ApiError(45008)
        return part

    def _check_msgmenu(self, part: Mapping[str, Any]) -> None:
        if "msgmenu" not in self.abilities:
            raise ApiError(40200)
        items = part.get("list")
        if not isinstance(items, list) or not all(item.get("id") and item.get("content") for item in items):
            raise ApiError(47001)
        if len(items) > MENU_ITEMS:
            raise ApiError(45098)

    def _typing(self, asked: Asked) -> Answer:
        body = asked.json
        user = self._known(body.get("touser"))
        if body.get("command") not in ("Typing", "CancelTyping"):
            raise ApiError(45072)
        if self.now() - user.last_seen > TYPING_SECONDS:
            raise ApiError(45080)
        return accepted()

    def _subscribe_send(self, asked: Asked) -> Answer:
        body = asked.json
        user = self._known(body.get("touser"))
        self._check_notice(body, only_typed=True)
        user.spend_consent(body["template_id"])
        self.sent.append(Sent(body["touser"], "subscribe", body, self.now()))
        return accepted()

    def _template_send(self, asked: Asked) -> Answer:
        body = asked.json
        user = self._known(body.get("touser"))
        if not user.following:
            raise ApiError(43004)
        self._check_notice(body, only_typed=False)
        self.sent.append(Sent(body["touser"], "template", body, self.now()))
        return accepted(msgid=next(self._serials))

    def _check_notice(self, body: Mapping[str, Any], *, only_typed: bool) -> None:
        template_id = body.get("template_id")
        if not template_id:
            raise ApiError(40037)
        check_fields(body.get("data"), only_typed=only_typed)
        for name in sorted(self._templates.get(template_id, set()) - set(body["data"])):
            raise ApiError(47003, f"data.{name}.value is empty")

    # Media

    def _media_get(self, asked: Asked) -> Answer:
        media_id = asked.query.get("media_id")
        media = self._find_media(media_id)
        if media.content_type.startswith("video/"):
            return {"video_url": f"{self.films_at or self.url}/video/{media_id}"}
        return self._file(str(media_id))

    def _file(self, media_id: str) -> Response:
        media = self._find_media(media_id)
        name = f"{media_id}.{EXTENSIONS.get(media.content_type, 'bin')}"
        headers = {"content-type": media.content_type, "content-disposition": f'attachment; filename="{name}"'}
        return Response(media.data, headers=headers)

    def _media_upload(self, asked: Asked) -> Answer:
        kind = asked.query.get("type")
        if kind not in MEDIA_BYTES:
            raise ApiError(40004)
        if asked.upload is None:
            raise ApiError(41005)
        data, content_type = asked.upload
        if not data:
            raise ApiError(44001)
        if len(data) > MEDIA_BYTES[kind]:
            raise ApiError(40006)
        if content_type not in MEDIA_TYPES[kind]:
            raise ApiError(40005)
        media_id = self.add_media(data, content_type)
        return {"type": kind, "media_id": media_id, "created_at": int(self.now())}

    def _find_media(self, media_id: Any) -> Media:
        if not media_id:
            raise ApiError(41006)
        media = self.media.get(media_id)
        if media is None or media.until <= self.now():
            raise ApiError(40007)
        return media

    # Menu, QR codes, page tickets, users, quota

    def _menu_create(self, asked: Asked) -> Answer:
        menu = asked.json
        check_menu(menu)
        self.menu = menu
        return accepted()

    def _menu_get(self, _asked: Asked) -> Answer:
        if self.menu is None:
            raise ApiError(46003)
        return {"menu": {"button": [{**button, "sub_button": button.get("sub_button", [])} for button in self.buttons]}}

    def _menu_delete(self, _asked: Asked) -> Answer:
        self.menu = None
        return accepted()

    def _selfmenu(self, _asked: Asked) -> Answer:
        shown = [
            {**button, "sub_button": {"list": button["sub_button"]}} if button.get("sub_button") else button
            for button in self.buttons
        ]
        return {"is_menu_open": int(self.menu is not None), "selfmenu_info": {"button": shown}}

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return self.menu["button"] if self.menu else []

    def _qr_create(self, asked: Asked) -> Answer:
        body = asked.json
        scene = read_scene(body)
        ticket = secrets.token_urlsafe(64)
        made = {"ticket": ticket, "url": f"http://weixin.qq.com/q/{secrets.token_urlsafe(16)}"}
        if body["action_name"] in ("QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"):
            self.qrcodes[ticket] = QrCode(scene, None)
            return made
        seconds = body.get("expire_seconds", 60)
        if not isinstance(seconds, int) or not 1 <= seconds <= 30 * DAY:
            raise ApiError(40053)
        self.qrcodes[ticket] = QrCode(scene, self.now() + seconds)
        return {**made, "expire_seconds": seconds}

    def _get_ticket(self, asked: Asked) -> Answer:
        if asked.query.get("type") != "jsapi":
            raise ApiError(40097)
        if self._ticket_until <= self.now():
            self._ticket = secrets.token_urlsafe(64)
            self._ticket_until = self.now() + TOKEN_LIFE
        return accepted(ticket=self._ticket, expires_in=int(self._ticket_until - self.now()))

    def _user_info(self, asked: Asked) -> Answer:
        """Neither name nor picture: the platform stopped giving them."""
        openid = asked.query.get("openid")
        user = self._known(openid)
        if not user.following:
            return {"subscribe": 0, "openid": openid, "tagid_list": []}
        return {
            "subscribe": 1,
            "openid": openid,
            "language": "zh_CN",
            "subscribe_time": int(user.since),
            "remark": "",
            "groupid": 0,
            "tagid_list": [],
            "subscribe_scene": "ADD_SCENE_SEARCH",
        }

    def _quota(self, asked: Asked) -> Answer:
        path = asked.json.get("cgi_path")
        endpoint = self._endpoints.get(str(path))
        if endpoint is None:
            raise ApiError(76021)
        used = daily((call.when for call in self.calls if call.path == path), self.now())
        left = max(0, endpoint.daily_limit - used)
        return accepted(quota={"daily_limit": endpoint.daily_limit, "used": used, "remain": left})

    def _callback_ips(self, _asked: Asked) -> Answer:
        return {"ip_list": ["127.0.0.1"]}

    # Users

    def _act(self, openid: str, action: str) -> None:
        with self._changed:
            self._user(openid).grant(action, self.now(), self.overlap)

    def _user(self, openid: str) -> User:
        return self.users.setdefault(openid, User(since=self.now()))

    def _known(self, openid: Any) -> User:
        if openid not in self.users:
            raise ApiError(40003)
        return self.users[openid]


def checked_text(content: Any) -> str:
    if not isinstance(content, str) or not content:
        raise ApiError(44004)
    if len(content.encode()) > TEXT_BYTES:
        raise ApiError(45002)
    return content


async def read_request(request: Request) -> Asked:
    """Everything of it, before the work: that runs under a lock and must not wait for the network."""
    raw = await request.body()
    upload = None
    if "multipart/form-data" in request.headers.get("content-type", ""):
        async with request.form() as form:
            part = form.get("media")
            if isinstance(part, UploadFile):
                upload = (await part.read(), part.content_type or "")
    return Asked(request.url.path, request.method, dict(request.query_params), raw, upload)


async def hung_up(receive: Receive, seconds: float) -> bool:
    """Waits, unless the client gives up first; an abandoned answer must not hold the server open."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def no_lifespan(receive: Receive, send: Send) -> None:
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


# -- What users send ----------------------------------------------------------------------------------------------

Mode = Literal["safe", "plain", "compat"]
Fields = Mapping[str, Any]

FIRST_MSG_ID = 24_900_000_000_000_000
"""Above 2**53: a MsgId read as a floating-point number loses its last digits."""

NOT_IN_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Message:
    """What one user sends or does. Numbers are written bare, texts as CDATA, a list as its element repeated."""

    openid: str
    kind: str
    created: int
    fields: Fields
    msg_id: int | None = None
    """None for events, which have none."""

    @property
    def event(self) -> str:
        return str(self.fields.get("Event", ""))

    def xml(self, gh_id: str) -> str:
        head = {"ToUserName": gh_id, "FromUserName": self.openid, "CreateTime": self.created, "MsgType": self.kind}
        tail = {} if self.msg_id is None else {"MsgId": self.msg_id}
        return element("xml", {**head, **self.fields, **tail})


def element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = "\n".join(element(key, part) for key, part in value.items())
        return f"<{name}>{inner}</{name}>"
    if isinstance(value, list):
        return "\n".join(element(name, part) for part in value)
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    return f"<{name}><![CDATA[{cdata(str(value))}]]></{name}>"


def cdata(text: str) -> str:
    return NOT_IN_XML.sub("", text).replace("]]>", "]]]]><![CDATA[>")


@dataclass(frozen=True)
class Push:
    """One signed request to the account's server, to be tampered with by tests of its checks."""

    params: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Delivered:
    """What the user saw: a text, another kind of reply (`raw_xml`), nothing, or the notice that the service is at fault."""

    text: str | None
    raw_xml: str | None
    tries: int
    fault: bool
    status: int | None
    ms: float
    why: str = ""
    """For a fault or a reply not shown: what was wrong with it."""


# -- Reading answers ----------------------------------------------------------------------------------------------

REPLY_KINDS = {"text", "image", "voice", "video", "music", "news", "transfer_customer_service"}


class BadReplyError(Exception):
    """The platform shows 该公众号提供的服务出现故障 for such an answer."""


def parse_reply(raw: str) -> dict[str, str]:
    """The top-level elements; a second one of a name is taken for what it is, an injection."""
    if "<!" in re.sub(r"<!\[CDATA\[.*?\]\]>", "", raw, flags=re.DOTALL):
        raise BadReplyError("a declaration in the XML")
    try:
        root = ET.fromstring(raw)  # noqa: S314 - without declarations there are no entities to expand
    except ET.ParseError as error:
        raise BadReplyError(f"not XML: {error}") from error
    if root.tag != "xml":
        raise BadReplyError(f"the root is {root.tag}")
    values: dict[str, str] = {}
    for child in root:
        if child.tag in values:
            raise BadReplyError(f"{child.tag} twice")
        values[child.tag] = child.text or ""
    return values


def need(values: Mapping[str, str], *names: str) -> list[str]:
    missing = [name for name in names if not values.get(name)]
    if missing:
        raise BadReplyError(f"no {', '.join(missing)}")
    return [values[name] for name in names]


def check_reply(values: Mapping[str, str], sender: str, receiver: str) -> None:
    to, by, created, kind = need(values, "ToUserName", "FromUserName", "CreateTime", "MsgType")
    if (to, by) != (receiver, sender):
        raise BadReplyError(f"from {by} to {to}")
    if not created.isdecimal():
        raise BadReplyError(f"CreateTime {created}")
    if kind not in REPLY_KINDS:
        raise BadReplyError(f"MsgType {kind}")


LINK = re.compile(r'<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
MENU_LINK = "weixin://bizmsgmenu?"


def links(text: str) -> list[tuple[str, str, str]]:
    """The links that send a message when tapped, as (menu id, content, label)."""
    found = []
    for href, label in LINK.findall(text):
        if href.startswith(MENU_LINK):
            pairs = (pair.partition("=") for pair in href.removeprefix(MENU_LINK).split("&"))
            query = {name: urllib.parse.unquote(value) for name, _, value in pairs}
            found.append((query.get("msgmenuid", ""), query.get("msgmenucontent", ""), label))
    return found


def plain(text: str) -> str:
    """The text as a reader sees it: links are their labels, any other mark-up stands there as typed."""
    return LINK.sub(lambda link: link[2], text)


# -- Delivery -----------------------------------------------------------------------------------------------------


@cache
def certificates() -> ssl.SSLContext:
    """Made once: loading the certificates takes longer than a whole delivery over loopback."""
    return ssl.create_default_context()


def new_client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    # The environment's proxies are not asked: everything here stays on loopback.
    return httpx.AsyncClient(verify=certificates(), limits=limits, timeout=None, trust_env=False)  # noqa: S113


class Platform:
    """Delivers what users send to `{target}/wechat` and reads the answers as the platform does.

    An answer counts within `patience` seconds; then the connection is dropped and the request repeated, three tries in all.
    Whether a repeated request is signed afresh is undocumented: `fresh_retries` says which. An answer with another status
    than 200 is a fault, and tried again only with `retry_errors`. With `api`, the fake learns what its users do.
    """

    TRIES = 3

    def __init__(  # noqa: PLR0913 - one keyword for each habit of the platform
        self,
        target: str,
        app_id: str,
        token: str,
        aes_key: str,
        mode: Mode = "safe",
        gh_id: str = "gh_0123456789ab",
        *,
        patience: float = 5.0,
        fresh_retries: bool = False,
        retry_errors: bool = False,
        sends_menu_id: bool = True,
        api: FakeWechat | None = None,
        now: Clock | None = None,
        path: str = "/wechat",
    ) -> None:
        self.url = target.rstrip("/") + path
        self.app_id = app_id
        self.token = token
        self.mode = mode
        self.gh_id = gh_id
        self.patience = patience
        self.fresh_retries = fresh_retries
        self.retry_errors = retry_errors
        self.sends_menu_id = sends_menu_id
        self.api = api
        self.now = now or (api.now if api else time.time)
        self._crypto = Crypto(token, aes_key, app_id)
        self._reported: dict[int, Message] = {}
        self._msg_ids = count(FIRST_MSG_ID + secrets.randbelow(10**12))

    # Messages

    def message(self, openid: str, kind: str, /, **fields: Any) -> Message:
        """A message of any kind, known or not."""
        return Message(openid, kind, int(self.now()), fields, next(self._msg_ids))

    def text(self, openid: str, content: str, menu_id: str | None = None) -> Message:
        """With `menu_id` it is a tap on a choice, which test accounts send without the id (`sends_menu_id=False`)."""
        tapped = {"bizmsgmenuid": menu_id} if menu_id is not None and self.sends_menu_id else {}
        return self.message(openid, "text", Content=content, **tapped)

    def image(self, openid: str, media_id: str, pic_url: str = "http://mmbiz.qpic.cn/mmbiz_jpg/a/0") -> Message:
        return self.message(openid, "image", PicUrl=pic_url, MediaId=media_id)

    def voice(self, openid: str, media_id: str, recognition: str | None = "") -> Message:
        """`recognition` arrives empty since the service was retired; None leaves the element out."""
        heard = {} if recognition is None else {"Recognition": recognition}
        return self.message(openid, "voice", MediaId=media_id, Format="amr", **heard)

    def video(self, openid: str, media_id: str, thumb_id: str = "thumb") -> Message:
        return self.message(openid, "video", MediaId=media_id, ThumbMediaId=thumb_id)

    def shortvideo(self, openid: str, media_id: str, thumb_id: str = "thumb") -> Message:
        return self.message(openid, "shortvideo", MediaId=media_id, ThumbMediaId=thumb_id)

    def location(self, openid: str, latitude: float, longitude: float, label: str = "", scale: int = 16) -> Message:
        return self.message(openid, "location", Location_X=latitude, Location_Y=longitude, Scale=scale, Label=label)

    def link(self, openid: str, title: str, description: str, url: str) -> Message:
        return self.message(openid, "link", Title=title, Description=description, Url=url)

    def file(self, openid: str, title: str, size: int, description: str = "") -> Message:
        """A document: only its name comes, never the bytes."""
        return self.message(
            openid, "file", Title=title, Description=description, FileKey="", FileMd5="0" * 32, FileTotalLen=size
        )

    # Events

    def event(self, openid: str, name: str, /, **fields: Any) -> Message:
        """An event of any name, known or not; events have no MsgId."""
        return Message(openid, "event", int(self.now()), {"Event": name, **fields})

    def subscribe(self, openid: str, scene: str | None = None, ticket: str = "ticket") -> Message:
        """Following, by way of a QR code when there is a scene."""
        if scene is None:
            return self.event(openid, "subscribe", EventKey="")
        return self.event(openid, "subscribe", EventKey=f"qrscene_{scene}", Ticket=ticket)

    def unsubscribe(self, openid: str) -> Message:
        return self.event(openid, "unsubscribe", EventKey="")

    def scan(self, openid: str, scene: str, ticket: str = "ticket") -> Message:
        """A follower scans a code: here the scene has no prefix."""
        return self.event(openid, "SCAN", EventKey=scene, Ticket=ticket)

    def click(self, openid: str, key: str) -> Message:
        return self.event(openid, "CLICK", EventKey=key)

    def view(self, openid: str, url: str) -> Message:
        return self.event(openid, "VIEW", EventKey=url, MenuId=430_000_001)

    def position(self, openid: str, latitude: float, longitude: float, precision: float = 65.0) -> Message:
        """LOCATION: sent at each entry or every five seconds."""
        return self.event(openid, "LOCATION", Latitude=latitude, Longitude=longitude, Precision=precision)

    def template_finished(self, openid: str, msg_id: int, status: str = "success") -> Message:
        return self.event(openid, "TEMPLATESENDJOBFINISH", MsgID=msg_id, Status=status)

    def popup(self, openid: str, choices: Mapping[str, Literal["accept", "reject"]], scene: int = 1) -> Message:
        """The user answered the subscription dialogue; one template gives one List, several give several."""
        items = [
            {"TemplateId": template_id, "SubscribeStatusString": status, "PopupScene": scene}
            for template_id, status in choices.items()
        ]
        return self.event(openid, "subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": items})

    def change(self, openid: str, *template_ids: str) -> Message:
        """The user switched notices off; switching on is not reported."""
        items = [{"TemplateId": template_id, "SubscribeStatusString": "reject"} for template_id in template_ids]
        return self.event(openid, "subscribe_msg_change_event", SubscribeMsgChangeEvent={"List": items})

    def notice_sent(self, openid: str, *results: tuple[str, int, int, str]) -> Message:
        """Results as (template id, message id, error code, error status)."""
        items = [
            {"TemplateId": template_id, "MsgID": msg_id, "ErrorCode": code, "ErrorStatus": status}
            for template_id, msg_id, code, status in results
        ]
        return self.event(openid, "subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": items})

    # Requests

    def sign(self, message: Message) -> Push:
        """The request as the platform makes it, in this platform's mode."""
        raw = message.xml(self.gh_id)
        timestamp = str(int(self.now()))
        nonce = str(10**8 + secrets.randbelow(9 * 10**8))
        params = {
            "signature": signature(self.token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": message.openid,
        }
        if self.mode == "plain":
            return Push(params, raw.encode())
        sealed = self._crypto.seal(raw, timestamp, nonce)
        params |= {"encrypt_type": "aes", "msg_signature": sealed.signature}
        encrypt = element("Encrypt", sealed.encrypted)
        if self.mode == "compat":
            body = raw.removesuffix("</xml>") + encrypt + "</xml>"
        else:
            body = "<xml>" + element("ToUserName", self.gh_id) + encrypt + "</xml>"
        return Push(params, body.encode())

    async def post(self, push: Push, client: httpx.AsyncClient | None = None) -> httpx.Response:
        """One request and its raw answer, with neither time limit nor repetition."""
        if client is None:
            async with new_client() as own:
                return await self.post(push, own)
        return await client.post(self.url, params=push.params, content=push.body, headers={"content-type": "text/xml"})

    async def verify(self, echostr: str = "4375120948345356249", token: str | None = None) -> bool:
        """Saving the URL in the console: the server must echo exactly this, and refuse a signature by another token."""
        timestamp, nonce = str(int(self.now())), str(secrets.randbelow(10**9))
        params = {
            "signature": signature(token or self.token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": echostr,
        }
        async with new_client() as client:
            answer = await client.get(self.url, params=params)
        return answer.status_code == 200 and answer.content == echostr.encode()

    # Delivery

    async def deliver(self, message: Message) -> Delivered:
        async with new_client() as client:
            return await self._deliver(message, client)

    async def deliver_many(
        self,
        messages: Sequence[Message],
        concurrency: int = 20,
        *,
        duplicates: float = 0.1,
        shuffle: bool = True,
        seed: int = 0,
    ) -> list[list[Delivered]]:
        """Delivers at most `concurrency` messages at a time, a share of them twice at once; one list per message, in order.

        Without `shuffle` they start in the order given, with it in another one: then even one user's messages overtake
        each other.
        """
        chance = Random(seed)  # noqa: S311 - repeatable on purpose
        copies = [2 if chance.random() < duplicates else 1 for _ in messages]
        order = list(range(len(messages)))
        if shuffle:
            chance.shuffle(order)
        results: dict[int, list[Delivered]] = {}
        waiting = iter(order)

        async def worker(client: httpx.AsyncClient) -> None:
            for index in waiting:
                twins = (self._deliver(messages[index], client) for _ in range(copies[index]))
                results[index] = await asyncio.gather(*twins)

        async with new_client() as client, asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker(client))
        return [results[index] for index in range(len(messages))]

    def say(self, openid: str, text: str) -> Delivered:
        """For tests without an event loop: the user writes, and sees this."""
        return self.send(self.text(openid, text))

    def tap(self, openid: str, link: tuple[str, str, str]) -> Delivered:
        """The user taps one of the `links` of a text."""
        menu_id, content, _label = link
        return self.send(self.text(openid, content, menu_id))

    def send(self, message: Message) -> Delivered:
        """`deliver` for tests without an event loop."""
        return asyncio.run(self.deliver(message))

    async def _deliver(self, message: Message, client: httpx.AsyncClient) -> Delivered:
        self._report(message)
        started = time.perf_counter()
        push = self.sign(message)
        tries, status, why = 0, None, ""
        while tries < self.TRIES:
            if tries and self.fresh_retries:
                push = self.sign(message)
            tries += 1
            try:
                async with asyncio.timeout(self.patience):
                    answer = await self.post(push, client)
            except (TimeoutError, httpx.TransportError) as error:
                status, why = None, repr(error)
                continue
            status = answer.status_code
            if status == 200:
                break
            why = f"status {status}"
            if not self.retry_errors:
                break
        else:
            return Delivered(None, None, tries, fault=True, status=status, ms=since(started), why=why)
        result = self._read(message, answer)
        return replace(result, tries=tries, ms=since(started))

    def _read(self, message: Message, answer: httpx.Response) -> Delivered:
        seen = Delivered(None, None, tries=1, fault=False, status=answer.status_code, ms=0)
        if answer.status_code != 200:
            return replace(seen, fault=True, why=f"status {answer.status_code}")
        if answer.content in (b"", b"success"):
            return seen
        try:
            raw = self._unsealed(answer.content)
            values = parse_reply(raw)
            check_reply(values, self.gh_id, message.openid)
            if values["MsgType"] != "text":
                return replace(seen, raw_xml=raw)
            (text,) = need(values, "Content")
        except BadReplyError as error:
            return replace(seen, fault=True, why=str(error))
        if len(text.encode()) > TEXT_BYTES:
            return replace(seen, raw_xml=raw, why="too long to be shown")
        return replace(seen, text=text, raw_xml=raw)

    def _unsealed(self, body: bytes) -> str:
        """The reply's own XML: sealed in safe mode, bare in plain mode, either in compat mode."""
        try:
            raw = body.decode()
        except UnicodeDecodeError as error:
            raise BadReplyError("not UTF-8") from error
        if self.mode == "plain":
            return raw
        values = parse_reply(raw)
        if self.mode == "compat" and "Encrypt" not in values:
            return raw
        sealed = Sealed(*need(values, "Encrypt", "MsgSignature", "TimeStamp", "Nonce"))
        try:
            return self._crypto.open(sealed)
        except CryptoError as error:
            raise BadReplyError(str(error)) from error

    # What the API learns

    def _report(self, message: Message) -> None:
        # A message is an act of the user once, however often it is delivered; kept here, its identity stays its own.
        if self.api is None or id(message) in self._reported:
            return
        self._reported[id(message)] = message
        if message.msg_id is None:
            report_event(self.api, message)
        elif "bizmsgmenuid" in message.fields:
            self.api.user_tapped(message.openid)
        else:
            self.api.user_sent(message.openid)


def report_event(api: FakeWechat, message: Message) -> None:
    openid = message.openid
    match message.event:
        case "subscribe":
            api.follow(openid)
        case "unsubscribe":
            api.unfollow(openid)
        case "SCAN":
            api.user_scanned(openid)
        case "CLICK" | "scancode_push" | "scancode_waitmsg":
            api.user_tapped(openid)
        case "subscribe_msg_popup_event":
            for item in message.fields["SubscribeMsgPopupEvent"]["List"]:
                if item["SubscribeStatusString"] == "accept":
                    api.consent(openid, item["TemplateId"])
        case "subscribe_msg_change_event":
            for item in message.fields["SubscribeMsgChangeEvent"]["List"]:
                api.revoke(openid, item["TemplateId"])


def since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
