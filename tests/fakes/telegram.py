"""The Telegram Bot API on loopback: its methods, limits and errors, and people whose updates reach the bot.

Three parts meet here. `Methods` answers what a bot calls, `Mailbox` brings updates to it (webhook or getUpdates), and
`Person`, `Group` and `Channel` make the updates. Calls are answered in the server's thread, people act in the test's
thread; everything they share is changed under one condition variable, which also wakes whoever waits for the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import html
import itertools
import json
import math
import random
import re
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import Served, reset_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from types import TracebackType

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

Json = dict[str, Any]

BOT_ID = 7_000_000_001
BOT_TOKEN = f"{BOT_ID}:{'AAF' * 11}_x"
"""Well formed, as a secret scanner or a log scrubber would look for it."""
BOT_USERNAME = "honest_scale_bot"

TEXT_CHARACTERS = 4096
CAPTION_CHARACTERS = 1024
CALLBACK_BYTES = 64
CALLBACK_ANSWER_CHARACTERS = 200
BUTTONS_PER_ROW = 8
BUTTONS = 100
COMMANDS = 100
COMMAND_DESCRIPTION = 256
DOWNLOAD_BYTES = 20 * 1024 * 1024
FILE_LINK_SECONDS = 3600
DELETABLE_SECONDS = 48 * 3600
NO_ANSWER = 0
"""Stands in a status list for a time-out or a connection that broke."""

CHAT_ACTIONS = frozenset(
    f"{verb}_{what}"
    for verb, kinds in {
        "upload": ("photo", "video", "voice", "document", "video_note"),
        "record": ("video", "voice", "video_note"),
        "choose": ("sticker",),
        "find": ("location",),
    }.items()
    for what in kinds
) | {"typing"}
COMMAND_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
OPT_IN_UPDATES = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that are sent only to a bot that names them in allowed_updates."""
PROFILE_TEXTS = {"name": 64, "description": 512, "short_description": 120}

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as "
    "a current content and reply markup of the message"
)
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
WEBHOOK_SET = "Conflict: terminated by setWebhook request"
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


class ApiError(Exception):
    """An answer with `ok: false`; its HTTP status is the error code."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> Json:
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        return body | {"parameters": self.parameters} if self.parameters else body


def bad_request(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def too_many(seconds: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


# -- text and its entities ----------------------------------------------------------------------------------------


HTML_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
HTML_TAG = re.compile(r"""<(/?)([^\s>/]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>""")
HTML_CHARACTER = re.compile(r"&(?:#x[0-9a-f]+|#[0-9]+|lt|gt|amp|quot);", re.IGNORECASE)
HTML_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")
OWN_ENTITIES = {
    "bot_command": re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?"),
    "mention": re.compile(r"(?<![\w/])@\w{3,32}"),
    "url": re.compile(r"https?://\S+"),
}


def utf16_length(text: str) -> int:
    """Offsets and lengths of entities count UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def found_entities(text: str) -> list[Json]:
    """What the platform marks by itself in a person's text: commands, mentions and links."""
    found = [
        {"type": kind, "offset": utf16_length(text[: match.start()]), "length": utf16_length(match[0])}
        for kind, pattern in OWN_ENTITIES.items()
        for match in pattern.finditer(text)
    ]
    return sorted(found, key=lambda entity: entity["offset"])


class HtmlText:
    """`parse_mode=HTML`: a few tags, four named characters; anything else that looks like a tag is refused."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.text = ""
        self.entities: list[Json] = []
        self._open: list[tuple[str, Json]] = []

    def parse(self) -> tuple[str, list[Json]]:
        position = 0
        while position < len(self.source):
            position = self._step(position)
        if self._open:
            raise self._refusal(f'Can\'t find end tag corresponding to start tag "{self._open[-1][0]}"')
        kept = [entity for entity in self.entities if entity["length"]]
        return self.text, sorted(kept, key=lambda entity: (entity["offset"], -entity["length"]))

    def _step(self, position: int) -> int:
        if self.source[position] == "&" and (match := HTML_CHARACTER.match(self.source, position)):
            self.text += html.unescape(match[0])
            return match.end()
        if self.source[position] != "<":
            self.text += self.source[position]
            return position + 1
        tag = HTML_TAG.match(self.source, position)
        if tag is None:
            raise self._refusal(f"Unclosed start tag at byte offset {self._bytes(position)}")
        if tag[1]:
            self._end(tag[2].lower(), position)
        else:
            self._start(tag[2].lower(), tag[3], position)
        return tag.end()

    def _start(self, name: str, rest: str, position: int) -> None:
        if name not in HTML_TAGS:
            raise self._refusal(f'Unsupported start tag "{name}" at byte offset {self._bytes(position)}')
        attributes = {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in HTML_ATTRIBUTE.finditer(rest)}
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise self._refusal(f'Tag "span" must have class "tg-spoiler" at byte offset {self._bytes(position)}')
        entity: Json = {"type": HTML_TAGS[name], "offset": utf16_length(self.text)}
        if name == "a":
            entity["url"] = attributes.get("href", "")
        self._open.append((name, entity))

    def _end(self, name: str, position: int) -> None:
        if not self._open:
            raise self._refusal(f"Unexpected end tag at byte offset {self._bytes(position)}")
        expected, entity = self._open.pop()
        if name != expected:
            where = f"at byte offset {self._bytes(position)}"
            raise self._refusal(f'Unmatched end tag {where}, expected "</{expected}>", found "</{name}>"')
        self.entities.append(entity | {"length": utf16_length(self.text) - entity["offset"]})

    def _bytes(self, position: int) -> int:
        return len(self.source[:position].encode())

    @staticmethod
    def _refusal(reason: str) -> ApiError:
        return bad_request(f"can't parse entities: {reason}")


def trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """White space around a text is not sent; entities move along or lose what was cut."""
    lead = utf16_length(text) - utf16_length(text.lstrip())
    kept = text.strip()
    end = utf16_length(kept)
    moved = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        stop = min(entity["offset"] + entity["length"] - lead, end)
        if stop > start:
            moved.append(entity | {"offset": start, "length": stop - start})
    return kept, moved


def formatted(params: Json) -> tuple[str, list[Json]]:
    """Text and entities as they will be shown; the length limit counts characters after entity parsing."""
    source, mode = str(params.get("text", "")), str(params.get("parse_mode") or "").lower()
    if mode == "html":
        text, entities = HtmlText(source).parse()
    elif mode:
        raise bad_request(f"can't parse entities: this server reads HTML only, not {params['parse_mode']}")
    else:
        text, entities = source, params.get("entities") or []
    text, entities = trimmed(text, entities)
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_CHARACTERS:
        raise bad_request("message is too long")
    return text, entities


# -- keyboards ----------------------------------------------------------------------------------------------------


BUTTON_ACTIONS = frozenset(
    {"url", "callback_data", "web_app", "login_url", "copy_text", "callback_game", "pay"}
    | {f"switch_inline_query{where}" for where in ("", "_current_chat", "_chosen_chat")}
)


def check_inline_button(button: Json) -> None:
    """A label and exactly what it does; callback_data is 1 to 64 bytes, which a Chinese word fills quickly."""
    if not str(button.get("text", "")).strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be of type String')
    if not BUTTON_ACTIONS & button.keys():
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and urlsplit(str(button["url"])).scheme not in ("http", "https", "tg"):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def check_inline_keyboard(rows: Any) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    for button in itertools.chain.from_iterable(rows):
        check_inline_button(button)
    if any(len(row) > BUTTONS_PER_ROW for row in rows):
        raise bad_request("too many buttons in a row of the reply markup")
    if sum(map(len, rows)) > BUTTONS:
        raise bad_request("reply markup is too long")


def check_reply_keyboard(rows: Any) -> None:
    for button in itertools.chain.from_iterable(rows):
        label = button if isinstance(button, str) else button.get("text")
        if not label:
            raise bad_request('can\'t parse keyboard button: Field "text" must be of type String')


def reply_markup(params: Json) -> Json | None:
    """The keyboard of a message, checked; an empty inline keyboard is the same as none."""
    markup = params.get("reply_markup")
    if not markup:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        check_inline_keyboard(markup["inline_keyboard"])
        rows = [row for row in markup["inline_keyboard"] if row]
        return {"inline_keyboard": rows} if rows else None
    if "keyboard" in markup:
        check_reply_keyboard(markup["keyboard"])
    return markup


def inline_markup(params: Json) -> Json | None:
    markup = reply_markup(params)
    if markup and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return markup


# -- records ------------------------------------------------------------------------------------------------------


@dataclass
class Call:
    """One request of the bot, with the answer it got or would have got."""

    method: str
    params: Json
    when: float
    via: str = "http"
    """`webhook` for a call that came in the body of a webhook answer."""
    answer: Json | None = None
    """None when a scripted fault kept the call from being processed."""

    @property
    def ok(self) -> bool:
        return bool(self.answer and self.answer["ok"])


@dataclass(frozen=True)
class Edit:
    """What a message showed before it was changed."""

    text: str
    reply_markup: Json | None
    when: float


@dataclass
class SentMessage:
    """A message of the bot as the chat shows it now."""

    chat_id: int
    message_id: int
    text: str
    entities: list[Json]
    reply_markup: Json | None
    when: float
    params: Json
    """The parameters of the call that sent it."""
    edits: list[Edit] = field(default_factory=list)
    deleted: bool = False

    @property
    def rows(self) -> list[list[Json]]:
        rows: list[list[Json]] = (self.reply_markup or {}).get("inline_keyboard", [])
        return rows

    @property
    def buttons(self) -> list[Json]:
        return [button for row in self.rows for button in row]

    @property
    def labels(self) -> list[str]:
        return [button["text"] for button in self.buttons]

    def button(self, choice: str | int) -> Json:
        """The button of this label, or at this index counted along the rows."""
        if isinstance(choice, int):
            return self.buttons[choice]
        for button in self.buttons:
            if button["text"] == choice:
                return button
        raise LookupError(f"no button {choice!r} among {self.labels}")

    def change(self, text: str, entities: list[Json], markup: Json | None, when: float) -> None:
        if (text, entities, markup) == (self.text, self.entities, self.reply_markup):
            raise ApiError(400, NOT_MODIFIED)
        self.edits.append(Edit(self.text, self.reply_markup, when))
        self.text, self.entities, self.reply_markup = text, entities, markup


@dataclass(frozen=True)
class Answered:
    """A callback query that the bot acknowledged."""

    query_id: str
    text: str
    show_alert: bool
    when: float


@dataclass
class StoredFile:
    file_id: str
    unique_id: str
    data: bytes
    size: int
    path: str
    link_until: float = 0.0

    def card(self) -> Json:
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": self.size}


@dataclass
class Chat:
    """A private chat, group, supergroup or channel, and whether the bot may write there."""

    chat_id: int
    kind: str
    names: Json
    started: bool = False
    """Bots cannot write first: a private chat exists for them once the person has written."""
    forbidden: str = ""
    migrated_to: int | None = None
    last_message_id: int = 0
    sent: list[SentMessage] = field(default_factory=list)
    received: dict[int, Json] = field(default_factory=dict)
    marked: int = 0

    @property
    def is_group(self) -> bool:
        return self.kind in ("group", "supergroup")

    def card(self) -> Json:
        return {"id": self.chat_id, "type": self.kind, **self.names}

    def next_id(self) -> int:
        self.last_message_id += 1
        return self.last_message_id


# -- flood limits -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FloodLimits:
    """The published figures; the exact rules are unspecified, so short bursts to one chat pass."""

    per_second: int = 30
    chat_per_second: float = 1.0
    chat_burst: int = 3
    group_per_minute: int = 20


@dataclass(frozen=True)
class FloodViolation:
    limit: str
    """`overall`, `chat` or `group`."""
    chat_id: int
    when: float
    retry_after: int


class Window:
    """How long until one more event fits into a sliding window."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.times: deque[float] = deque()

    def wait(self, limit: int, now: float) -> float:
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        return 0.0 if len(self.times) < limit else self.times[-limit] + self.seconds - now


@dataclass
class Bucket:
    """Tokens of one chat: a burst, then a steady rate."""

    tokens: float
    filled: float

    def refill(self, limits: FloodLimits, now: float) -> None:
        gained = (now - self.filled) * limits.chat_per_second
        self.tokens, self.filled = min(self.tokens + gained, limits.chat_burst), now


ARRIVAL_JITTER = 0.05


class FloodGate:
    """Counts sent messages against the three limits."""

    def __init__(self, limits: FloodLimits) -> None:
        self.limits = limits
        self._overall = Window(1.0)
        self._groups: dict[int, Window] = {}
        self._chats: dict[int, Bucket] = {}

    def violation(self, chat: Chat, now: float) -> FloodViolation | None:
        """The limit that this message would break, the longest wait first."""
        waits = {"overall": self._overall.wait(self.limits.per_second, now), "chat": self._chat_wait(chat, now)}
        if chat.is_group:
            waits["group"] = self._group(chat).wait(self.limits.group_per_minute, now)
        limit, wait = max(waits.items(), key=lambda item: item[1])
        return FloodViolation(limit, chat.chat_id, now, max(1, math.ceil(wait))) if wait > 0 else None

    def count(self, chat: Chat, now: float) -> None:
        self._overall.times.append(now)
        bucket = self._bucket(chat, now)
        bucket.tokens = max(bucket.tokens - 1, 0)
        if chat.is_group:
            self._group(chat).times.append(now)

    def _chat_wait(self, chat: Chat, now: float) -> float:
        bucket = self._bucket(chat, now)
        # Messages sent exactly a second apart do not arrive exactly a second apart.
        return max(0.0, (1 - ARRIVAL_JITTER - bucket.tokens) / self.limits.chat_per_second)

    def _bucket(self, chat: Chat, now: float) -> Bucket:
        bucket = self._chats.setdefault(chat.chat_id, Bucket(self.limits.chat_burst, now))
        bucket.refill(self.limits, now)
        return bucket

    def _group(self, chat: Chat) -> Window:
        return self._groups.setdefault(chat.chat_id, Window(60.0))


# -- scripted faults ----------------------------------------------------------------------------------------------


@dataclass
class Fault:
    """One way in which a call goes wrong; see `FakeTelegram.fault`."""

    method: str
    error_code: int | None = None
    description: str = ""
    retry_after: int | None = None
    http: int | None = None
    delay: float = 0.0
    reset: str | None = None
    garbage: bool = False
    times: int | None = 1
    chat_id: int | None = None

    def __post_init__(self) -> None:
        if self.reset not in (None, "before", "after"):
            raise ValueError("a reset happens before or after the call is processed")

    @property
    def processed(self) -> bool:
        """Whether the platform does what it was asked, although the bot may never learn it."""
        return self.error_code is None and self.retry_after is None and self.http is None and self.reset != "before"

    def matches(self, method: str, chat_id: Any) -> bool:
        spent = self.times is not None and self.times <= 0
        right_chat = self.chat_id is None or str(self.chat_id) == str(chat_id)
        return not spent and right_chat and self.method.lower() in ("*", method.lower())

    def error(self) -> ApiError:
        if self.retry_after is not None:
            error = too_many(self.retry_after)
            return ApiError(self.error_code or 429, self.description or error.description, **error.parameters)
        return ApiError(self.error_code or 500, self.description or "Internal Server Error")

    def answer(self, ordinary: Json | None) -> Response:
        if self.reset is not None:
            return Reset()
        if self.http is not None:
            return Response(f"<html><h1>{self.http}</h1></html>", self.http, media_type="text/html")
        if not self.processed:
            return answered(self.error().body())
        if self.garbage:
            return Response(json.dumps(ordinary).encode()[:-7] + b"\xff", media_type="application/json")
        return answered(ordinary or {})


class Reset(Response):
    """An answer that never comes: the connection is reset under the client."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await reset_connection(scope)


def answered(body: Json) -> Response:
    return JSONResponse(body, 200 if body["ok"] else body["error_code"])


# -- parameters ---------------------------------------------------------------------------------------------------


INTEGERS = frozenset({"message_id", "offset", "limit", "timeout", "max_connections", "cache_time"})
FLAGS = frozenset({"show_alert", "drop_pending_updates", "disable_notification", "protect_content"})
NESTED = frozenset(
    {"reply_markup", "allowed_updates", "commands", "scope", "entities", "link_preview_options", "reply_parameters"}
)


async def raw_params(request: Request) -> Json:
    """Query string, form, multipart and JSON are all accepted and mean the same."""
    params: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        with contextlib.suppress(ValueError, TypeError):
            params |= await request.json()
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form() as form:
            for name, value in form.items():
                params[name] = await value.read() if isinstance(value, UploadFile) else value
    return params


def typed_params(params: Json) -> Json:
    """Values of a form are texts; nested ones are JSON inside them."""
    return {name: typed(name, value) for name, value in params.items() if value is not None}


def typed(name: str, value: Any) -> Any:
    if name in FLAGS:
        return value is True or str(value).lower() in ("true", "1")
    if not isinstance(value, str):
        return value
    if name in INTEGERS or (name == "chat_id" and not value.startswith("@")):
        if not re.fullmatch(r"-?\d+", value):
            raise bad_request("chat not found" if name == "chat_id" else f"invalid {name} specified")
        return int(value)
    if name in NESTED and value:
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from error
    return value


# -- updates on their way to the bot ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retries:
    """How a webhook that fails is tried again; much quicker than the platform, which allows hours."""

    attempts: int = 5
    first_delay: float = 0.02
    longest_delay: float = 0.5
    timeout: float = 5.0


@dataclass(frozen=True)
class Target:
    url: str
    secret: str | None
    max_connections: int = 40


@dataclass(frozen=True)
class Delivery:
    """One attempt at the webhook."""

    update_id: int
    chat_id: int | None
    status: int
    started: float
    """Monotonic seconds, as is `ended`."""
    ended: float


class Job:
    """An update on its way, and the statuses that its attempts met."""

    def __init__(self, update: Json) -> None:
        self.update = update
        self.statuses: list[int] = []
        self.dropped = False
        self.done: Future[list[int]] = Future()
        # A caller who stops waiting must not cancel what is on its way.
        self.done.set_running_or_notify_cancel()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(self.statuses)


@dataclass
class Poll:
    """A getUpdates request that waits."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""

    def end(self, reason: str) -> None:
        self.ended = reason
        self.woken.set()


def kind_of(update: Json) -> str:
    return next(name for name in update if name != "update_id")


def chat_of(update: Json) -> int | None:
    """The chat whose order the update keeps; polls have none."""
    content = update[kind_of(update)]
    holder = content.get("message", content) if isinstance(content, dict) else {}
    chat_id: int | None = holder.get("chat", {}).get("id")
    return chat_id


@functools.cache
def trust() -> ssl.SSLContext:
    """Loading the certificates takes longer than starting the server, so that all servers share them."""
    return ssl.create_default_context()


class Mailbox:
    """Updates that the bot has not confirmed, and both ways of bringing them: at least once, in order per chat."""

    def __init__(self, changed: threading.Condition, clock: Callable[[], float], retries: Retries) -> None:
        self.retries = retries
        self.pending: dict[int, Json] = {}
        self.given_up: list[Json] = []
        self.deliveries: list[Delivery] = []
        self.allowed: list[str] | None = None
        self.webhook: Target | None = None
        self.override: Target | None = None
        self.last_error: tuple[int, str] | None = None
        self.answer_call: Callable[[str, Json], Awaitable[Any]] | None = None
        """What a webhook answer carries as a method call goes here."""
        self._changed = changed
        self._clock = clock
        self._queues: dict[int | None, deque[Job]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._left: set[int] = set()
        self._slots: tuple[Target, asyncio.Semaphore] | None = None
        self._poll: Poll | None = None
        self._closing = False
        self._loop: asyncio.AbstractEventLoop
        self._client: httpx.AsyncClient

    @property
    def target(self) -> Target | None:
        return self.override or self.webhook

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Lives in the server's event loop from its start to its end."""
        self._loop = asyncio.get_running_loop()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        # Each attempt is limited as a whole, by what `retries` says at that moment.
        unlimited = httpx.Timeout(None)
        async with httpx.AsyncClient(timeout=unlimited, limits=limits, verify=trust(), trust_env=False) as self._client:
            yield
            await self._end_workers()

    def close(self) -> None:
        """Ends a waiting getUpdates, which would hold up the server's end."""
        self._closing = True
        with contextlib.suppress(RuntimeError):  # closed before
            self._loop.call_soon_threadsafe(self._wake)

    def submit(self, updates: Iterable[Json]) -> list[Job]:
        """Takes updates on from any thread; their jobs end when they are confirmed, given up, or left to getUpdates."""
        jobs = [Job(update) for update in updates if self._wanted(update)]
        with self._changed:
            self.pending |= {job.update["update_id"]: job.update for job in jobs}
            self._changed.notify_all()
        self._loop.call_soon_threadsafe(self._start, jobs)
        return jobs

    def resume(self) -> None:
        """Sends what waits, after a webhook was set; from any thread."""
        self._loop.call_soon_threadsafe(self._send_pending)

    def drop(self) -> None:
        """drop_pending_updates: what is on its way once more is not repeated."""
        self.pending.clear()
        for job in itertools.chain.from_iterable(self._queues.values()):
            job.dropped = True

    def end_poll(self, reason: str) -> None:
        if self._poll is not None:
            self._poll.end(reason)

    async def poll(self, offset: int, limit: int, timeout: float) -> list[Json]:
        """getUpdates: confirms everything before the offset; a newer request ends the one that waits."""
        if self.target is not None:
            raise ApiError(409, WEBHOOK_ACTIVE)
        self.end_poll(OTHER_POLL)
        poll = self._poll = Poll()
        self._confirm_before(offset)
        end = self._loop.time() + timeout
        try:
            while True:
                poll.woken.clear()
                batch = list(self.pending.values())[: min(max(limit, 1), 100)]
                if batch or self._closing or self._loop.time() >= end:
                    return batch
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(end):
                        await poll.woken.wait()
                if poll.ended:
                    raise ApiError(409, poll.ended)
        finally:
            if self._poll is poll:
                self._poll = None

    def _wanted(self, update: Json) -> bool:
        kind = kind_of(update)
        if self.allowed:
            return kind in self.allowed
        # A target set by the test itself has asked for nothing and gets everything.
        return self.override is not None or kind not in OPT_IN_UPDATES

    def _confirm_before(self, offset: int) -> None:
        with self._changed:
            # A negative offset counts from the end of the queue and forgets everything before.
            ids = sorted(self.pending)
            kept = ids[offset:] if offset < 0 else [update_id for update_id in ids if update_id >= offset]
            self.pending = {update_id: self.pending[update_id] for update_id in kept}
            self._changed.notify_all()

    def _wake(self) -> None:
        if self._poll is not None:
            self._poll.woken.set()

    def _start(self, jobs: list[Job]) -> None:
        if self.target is None or self._closing:
            for job in jobs:
                self._leave(job)
                job.finish()
            self._wake()
            return
        for job in jobs:
            self._enqueue(job)

    def _send_pending(self) -> None:
        self.end_poll(WEBHOOK_SET)
        left, self._left = self._left, set()
        self._start([Job(update) for update_id, update in list(self.pending.items()) if update_id in left])

    def _leave(self, job: Job) -> None:
        """No webhook takes it: it waits for getUpdates, or f(no answer), `garbage` (no JSON; half a file).."""
        self._left.add(job.update["update_id"])

    def _enqueue(self, job: Job) -> None:
        chat_id = chat_of(job.update)
        if chat_id in self._queues:
            self._queues[chat_id].append(job)
            return
        self._queues[chat_id] = deque([job])
        worker = self._loop.create_task(self._work(chat_id))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, chat_id: int | None) -> None:
        """One chat: the next update leaves when the one before it was taken or given up."""
        queue = self._queues[chat_id]
        try:
            while queue:
                await self._deliver(queue[0], chat_id)
                queue.popleft().finish()
        finally:
            del self._queues[chat_id]
            for job in queue:
                job.finish()

    async def _deliver(self, job: Job, chat_id: int | None) -> None:
        for attempt in range(self.retries.attempts):
            if attempt:
                await asyncio.sleep(min(self.retries.first_delay * 2 ** (attempt - 1), self.retries.longest_delay))
            target = self.target
            if target is None or job.dropped:
                self._leave(job)
                return
            async with self._slot(target):
                started = time.monotonic()
                status = await self._post(target, job.update)
            job.statuses.append(status)
            self.deliveries.append(Delivery(job.update["update_id"], chat_id, status, started, time.monotonic()))
            if httpx.codes.is_success(status):
                self._settle(job)
                return
        self.given_up.append(job.update)
        self._settle(job)

    def _settle(self, job: Job) -> None:
        with self._changed:
            self.pending.pop(job.update["update_id"], None)
            self._changed.notify_all()

    def _slot(self, target: Target) -> asyncio.Semaphore:
        if self._slots is None or self._slots[0] != target:
            self._slots = target, asyncio.Semaphore(target.max_connections)
        return self._slots[1]

    async def _post(self, target: Target, update: Json) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": target.secret} if target.secret else {}
        try:
            async with asyncio.timeout(self.retries.timeout):
                response = await self._client.post(target.url, json=update, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            self.last_error = int(self._clock()), type(error).__name__
            return NO_ANSWER
        if not response.is_success:
            reason = f"Wrong response from the webhook: {response.status_code} {response.reason_phrase}"
            self.last_error = int(self._clock()), reason
            return response.status_code
        await self._call_in(response)
        return response.status_code

    async def _call_in(self, response: httpx.Response) -> None:
        """The answer may carry one method call, of whose result the bot learns nothing."""
        if not response.headers.get("content-type", "").startswith("application/json") or self.answer_call is None:
            return
        with contextlib.suppress(ValueError):
            body = response.json()
            if isinstance(body, dict) and "method" in body:
                await self.answer_call(str(body.pop("method")), body)

    async def _end_workers(self) -> None:
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


# -- the methods --------------------------------------------------------------------------------------------------


WEBHOOK_PORTS = frozenset({443, 80, 88, 8443})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def check_webhook(url: str, secret: str) -> None:
    """HTTPS on four ports; plain HTTP on any port is let through to loopback alone, where tests listen."""
    address = urlsplit(url)
    if address.hostname not in LOOPBACK:
        if address.scheme != "https":
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if (address.port or 443) not in WEBHOOK_PORTS:
            raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad_request("secret token contains unallowed characters")


def checked_commands(params: Json) -> list[Json]:
    commands = params.get("commands") or []
    if len(commands) > COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= COMMAND_DESCRIPTION:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return commands


def language_of(params: Json) -> str:
    """Two letters of ISO 639-1, or none for everybody: zh stands for zh-hans and zh-hant."""
    code = params.get("language_code") or ""
    if not re.fullmatch(r"(?:[a-z]{2})?", code):
        raise bad_request("invalid language code specified")
    return code


ScopeKey = tuple[Any, ...]


class Methods:
    """What a bot can call, by lower-cased name; each takes typed parameters and returns the result."""

    def __init__(self, fake: FakeTelegram) -> None:
        self.fake = fake
        self.by_name: dict[str, Callable[[Json], Any]] = {
            "getme": self.get_me,
            "setwebhook": self.set_webhook,
            "deletewebhook": self.delete_webhook,
            "getwebhookinfo": self.get_webhook_info,
            "sendmessage": self.send_message,
            "editmessagetext": self.edit_message_text,
            "editmessagereplymarkup": self.edit_message_reply_markup,
            "deletemessage": self.delete_message,
            "answercallbackquery": self.answer_callback_query,
            "sendchataction": self.send_chat_action,
            "getfile": self.get_file,
            "setmycommands": self.set_my_commands,
            "getmycommands": self.get_my_commands,
            "deletemycommands": self.delete_my_commands,
            "setmyname": lambda params: self.set_profile("name", params),
            "setmydescription": lambda params: self.set_profile("description", params),
            "setmyshortdescription": lambda params: self.set_profile("short_description", params),
        }

    async def run(self, method: str, params: Json) -> Any:
        if method.lower() == "getupdates":
            return await self.get_updates(params)
        handler = self.by_name.get(method.lower())
        if handler is None:
            raise ApiError(404, "Not Found")
        with self.fake.changed:
            result = handler(params)
            self.fake.changed.notify_all()
        return result

    def get_me(self, _params: Json) -> Json:
        rights = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
        return self.fake.bot | rights

    # Updates: a webhook or getUpdates, never both.

    def set_webhook(self, params: Json) -> bool:
        mailbox, url, secret = self.fake.mailbox, str(params.get("url") or ""), str(params.get("secret_token") or "")
        if not url:
            return self.delete_webhook(params)
        check_webhook(url, secret)
        self._keep_allowed(params)
        connections = min(max(params.get("max_connections", 40), 1), 100)
        if params.get("drop_pending_updates"):
            mailbox.drop()
        mailbox.webhook, mailbox.last_error = Target(url, secret or None, connections), None
        mailbox.resume()
        return True

    def delete_webhook(self, params: Json) -> bool:
        self.fake.mailbox.webhook = None
        if params.get("drop_pending_updates"):
            self.fake.mailbox.drop()
        return True

    def get_webhook_info(self, _params: Json) -> Json:
        mailbox = self.fake.mailbox
        hook = mailbox.webhook
        info: Json = {
            "url": hook.url if hook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(mailbox.pending),
        }
        if hook:
            info["max_connections"] = hook.max_connections
        if mailbox.last_error:
            info["last_error_date"], info["last_error_message"] = mailbox.last_error
        if mailbox.allowed:
            info["allowed_updates"] = mailbox.allowed
        return info

    async def get_updates(self, params: Json) -> list[Json]:
        self._keep_allowed(params)
        return await self.fake.mailbox.poll(
            params.get("offset", 0), params.get("limit", 100), max(params.get("timeout", 0), 0)
        )

    def _keep_allowed(self, params: Json) -> None:
        """Not given: as before. An empty list: back to everything but the kinds one must ask for."""
        if "allowed_updates" in params:
            self.fake.mailbox.allowed = params["allowed_updates"] or None

    # Messages.

    def send_message(self, params: Json) -> Json:
        chat = self.writable_chat(params)
        text, entities = formatted(params)
        markup = reply_markup(params)
        self._check_reply(chat, params.get("reply_parameters"))
        self.fake.pass_flood(chat)
        message = SentMessage(chat.chat_id, chat.next_id(), text, entities, markup, self.fake.clock(), params)
        chat.sent.append(message)
        return self.shown(message)

    def edit_message_text(self, params: Json) -> Json:
        message = self._own_message(params, "edit")
        text, entities = formatted(params)
        # An edit without a keyboard takes the old one away.
        message.change(text, entities, inline_markup(params), self.fake.clock())
        return self.shown(message)

    def edit_message_reply_markup(self, params: Json) -> Json:
        message = self._own_message(params, "edit")
        message.change(message.text, message.entities, inline_markup(params), self.fake.clock())
        return self.shown(message)

    def delete_message(self, params: Json) -> bool:
        """Own messages, and in private chats the person's too, for 48 hours."""
        chat = self.writable_chat(params)
        if chat.kind == "private" and chat.received.pop(params.get("message_id", 0), {}):
            return True
        message = self._own_message(params, "delete")
        if self.fake.clock() - message.when > DELETABLE_SECONDS:
            raise bad_request("message can't be deleted for everyone")
        message.deleted = True
        return True

    def answer_callback_query(self, params: Json) -> bool:
        query_id, now = str(params.get("callback_query_id", "")), self.fake.clock()
        text = str(params.get("text") or "")
        asked = self.fake.queries.get(query_id)
        if asked is None or now - asked > self.fake.callback_lifetime:
            raise ApiError(400, TOO_OLD)
        if len(text) > CALLBACK_ANSWER_CHARACTERS:
            raise bad_request("MESSAGE_TOO_LONG")
        self.fake.answered.append(Answered(query_id, text, bool(params.get("show_alert")), now))
        return True

    def send_chat_action(self, params: Json) -> bool:
        self.writable_chat(params)
        if params.get("action") not in CHAT_ACTIONS:
            raise bad_request("wrong parameter action in request")
        return True

    def writable_chat(self, params: Json) -> Chat:
        """Never started: 400. Blocked, deactivated, kicked: 403. Upgraded group: 400 that names the new id."""
        if "chat_id" not in params:
            raise bad_request("chat_id is empty")
        chat = self.fake.chats.get(params["chat_id"])
        if chat is None or not chat.started:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            reason = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, reason, migrate_to_chat_id=chat.migrated_to)
        if chat.forbidden:
            raise ApiError(403, f"Forbidden: {chat.forbidden}")
        return chat

    def shown(self, message: SentMessage) -> Json:
        return self.fake.message_card(message)

    def _own_message(self, params: Json, verb: str) -> SentMessage:
        chat, message_id = self.writable_chat(params), params.get("message_id")
        for message in chat.sent:
            if message.message_id == message_id and not message.deleted:
                return message
        if message_id in chat.received:
            raise bad_request(f"message can't be {verb.removesuffix('e')}ed")
        raise bad_request(f"message to {verb} not found")

    @staticmethod
    def _check_reply(chat: Chat, reply: Json | None) -> None:
        if not reply or reply.get("allow_sending_without_reply"):
            return
        known = {message.message_id for message in chat.sent if not message.deleted} | chat.received.keys()
        if int(reply["message_id"]) not in known:
            raise bad_request("message to be replied not found")

    # Files.

    def get_file(self, params: Json) -> Json:
        """Files above 20 MB cannot be fetched; a link holds for an hour."""
        stored = self.fake.files.get(str(params.get("file_id", "")))
        if stored is None:
            raise bad_request("invalid file_id")
        if stored.size > DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        stored.link_until = self.fake.clock() + FILE_LINK_SECONDS
        return stored.card() | {"file_path": stored.path}

    # What the bot says of itself.

    def set_my_commands(self, params: Json) -> bool:
        self.fake.commands[self._scope(params), language_of(params)] = checked_commands(params)
        return True

    def get_my_commands(self, params: Json) -> list[Json]:
        return self.fake.commands.get((self._scope(params), language_of(params)), [])

    def delete_my_commands(self, params: Json) -> bool:
        self.fake.commands.pop((self._scope(params), language_of(params)), None)
        return True

    def set_profile(self, name: str, params: Json) -> bool:
        text, language = str(params.get(name) or ""), language_of(params)
        if len(text) > PROFILE_TEXTS[name]:
            raise bad_request(f"{name} is too long")
        self.fake.profile[name, language] = text
        return True

    def _scope(self, params: Json) -> ScopeKey:
        scope = params.get("scope") or {"type": "default"}
        if scope.get("type") not in COMMAND_SCOPES:
            raise bad_request("unsupported scope type specified")
        names = COMMAND_SCOPES[scope["type"]]
        if "chat_id" in names:
            self.writable_chat(typed_params({"chat_id": scope.get("chat_id")}))
        return scope["type"], *(int(scope[name]) for name in names)


# -- people and chats ---------------------------------------------------------------------------------------------


class Speaker:
    """Somebody in a chat. Nouns make an update, `say`, `start`, `tap` and `send` deliver at once and wait.

    Waiting blocks the thread: from a coroutine use the nouns and `await fake.push(update)`.
    """

    def __init__(self, fake: FakeTelegram, user: Json, chat: Chat) -> None:
        self.fake = fake
        self.user = user
        self.chat = chat

    @property
    def user_id(self) -> int:
        return int(self.user["id"])

    @property
    def chat_id(self) -> int:
        return self.chat.chat_id

    def text(self, text: str, *, reply_to: int | None = None) -> Json:
        """Commands, mentions and links come with their entities, as the platform finds them."""
        content: Json = {"text": text}
        if entities := found_entities(text):
            content["entities"] = entities
        if reply_to is not None:
            content["reply_to_message"] = self.fake.any_message(self.chat, reply_to)
        return self.message(**content)

    def command(self, name: str, payload: str = "") -> Json:
        """A deep link arrives as `/start payload`."""
        return self.text(f"/{name.removeprefix('/')} {payload}".rstrip())

    def edited(self, text: str, message_id: int | None = None) -> Json:
        """The person changes a message, the latest own text unless another is named."""
        if message_id is None:
            own = (m for m in self.chat.received.values() if m.get("from") == self.user and "text" in m)
            message_id = max(m["message_id"] for m in own)
        old = self.chat.received[message_id]
        new = {k: v for k, v in old.items() if k != "entities"} | {"text": text, "edit_date": int(self.fake.clock())}
        if entities := found_entities(text):
            new["entities"] = entities
        self.chat.received[message_id] = new
        return self.fake.update("edited_message", new)

    def photo(self, data: bytes, caption: str = "", *, group: str = "", size: tuple[int, int] = (1280, 960)) -> Json:
        """The same picture in several sizes, the largest last; a bot that fetches a small one gets other bytes."""
        sizes = []
        for scale in (8, 4, 1):
            content = data if scale == 1 else b"1/%d of " % scale + data[:16]
            stored = self.fake.keep_file(content, "photos", "jpg")
            sizes.append(stored.card() | {"width": size[0] // scale, "height": size[1] // scale})
        return self.message(photo=sizes, **self._extras(caption, group))

    def album(self, pictures: Sequence[bytes], caption: str = "") -> list[Json]:
        """2 to 10 pictures are separate updates with one media_group_id; the caption stands on the first."""
        group = str(next(self.fake.numbers))
        return [self.photo(data, caption if n == 0 else "", group=group) for n, data in enumerate(pictures)]

    def document(
        self,
        data: bytes,
        name: str = "file.pdf",
        mime: str = "application/pdf",
        *,
        size: int | None = None,
        caption: str = "",
    ) -> Json:
        """`size` states another length than the data has, such as one above the 20 MB that bots may fetch."""
        stored = self.fake.keep_file(data, "documents", name.rpartition(".")[2] or "bin", size)
        return self.message(document=stored.card() | {"file_name": name, "mime_type": mime}, **self._extras(caption))

    def voice(self, data: bytes, duration: int = 3) -> Json:
        stored = self.fake.keep_file(data, "voice", "oga")
        return self.message(voice=stored.card() | {"duration": duration, "mime_type": "audio/ogg"})

    def location(self, latitude: float, longitude: float) -> Json:
        return self.message(location={"latitude": latitude, "longitude": longitude})

    def contact(self, phone_number: str, *, first_name: str = "", user_id: int | None = None) -> Json:
        """One's own card carries one's own user id; a card of somebody else may carry none (0)."""
        card: Json = {"phone_number": phone_number, "first_name": first_name or self.user["first_name"]}
        owner = self.user_id if user_id is None else user_id
        return self.message(contact=card | ({"user_id": owner} if owner else {}))

    def sticker(self, emoji: str = "👍") -> Json:
        stored = self.fake.keep_file(emoji.encode(), "stickers", "webp")
        shape = {"width": 512, "height": 512, "is_animated": False, "is_video": False, "type": "regular"}
        return self.message(sticker=stored.card() | shape | {"emoji": emoji})

    def callback(self, choice: str | int, message: SentMessage | None = None, *, data: str | None = None) -> Json:
        """A tap on a button, by its label or index, of the latest message that has it; `data` forges the payload.

        The message of a deleted keyboard comes in the inaccessible form: chat, id and date 0.
        """
        message = message or self._message_with(choice, forged=data is not None)
        if data is None:
            button = message.button(choice)
            if "callback_data" not in button:
                raise LookupError(f"the button {button['text']!r} makes no callback query")
            data = button["callback_data"]
        query_id = str(next(self.fake.numbers))
        self.fake.queries[query_id] = self.fake.clock()
        shown = self.fake.message_card(message)
        if message.deleted:
            shown = {"chat": shown["chat"], "message_id": message.message_id, "date": 0}
        query = {"id": query_id, "from": self.user, "message": shown, "chat_instance": str(self.chat_id), "data": data}
        return self.fake.update("callback_query", query)

    def reaction(self, emoji: str, message_id: int) -> Json:
        """Sent only to a bot that asked for the kind."""
        change = {"old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": emoji}]}
        about = {"chat": self.chat.card(), "message_id": message_id, "user": self.user, "date": int(self.fake.clock())}
        return self.fake.update("message_reaction", about | change)

    def message(self, **content: Any) -> Json:
        """Any message, also of a kind that no bot has heard of."""
        return self.fake.update("message", self.fake.received(self.chat, {"from": self.user}, content))

    def send(self, *updates: Json) -> int | None:
        """Delivers now; the status of the last attempt, or None when no webhook took it (getUpdates, unwanted kind)."""
        return self.fake.deliver(*updates)

    def say(self, text: str, *, reply_to: int | None = None) -> int | None:
        return self.send(self.text(text, reply_to=reply_to))

    def start(self, payload: str = "") -> int | None:
        return self.send(self.command("start", payload))

    def tap(self, choice: str | int, message: SentMessage | None = None, *, data: str | None = None) -> int | None:
        return self.send(self.callback(choice, message, data=data))

    def replies(self, n: int = 1, timeout: float = 5.0) -> list[SentMessage]:
        return self.fake.wait_for_messages(self.chat_id, n, timeout)

    def _message_with(self, choice: str | int, *, forged: bool) -> SentMessage:
        for message in reversed(self.chat.sent):
            if forged or (message.buttons and (isinstance(choice, int) or choice in message.labels)):
                return message
        shown = [message.labels for message in self.chat.sent if message.buttons]
        raise LookupError(f"no button {choice!r} in chat {self.chat_id}; there are {shown}")

    @staticmethod
    def _extras(caption: str, group: str = "") -> Json:
        if len(caption) > CAPTION_CHARACTERS:
            raise ValueError("nobody can write a caption this long")
        return ({"caption": caption} if caption else {}) | ({"media_group_id": group} if group else {})


class Person(Speaker):
    """A user in the private chat with the bot, whose id is the user's id."""

    def member_update(self, old: str, new: str) -> Json:
        """my_chat_member: `kicked` is how blocking the bot looks in a private chat."""
        return self.fake.membership(self.chat, self.user, old, new)

    def block(self) -> int | None:
        self.chat.forbidden = "bot was blocked by the user"
        return self.send(self.member_update("member", "kicked"))

    def unblock(self) -> int | None:
        self.chat.forbidden = ""
        return self.send(self.member_update("kicked", "member"))

    def deactivate(self) -> None:
        """The account is gone; no update tells the bot."""
        self.chat.forbidden = "user is deactivated"

    def commands(self) -> list[Json]:
        """The command menu that this person sees."""
        return self.fake.visible_commands(self.chat, self.user.get("language_code", ""))


class Group:
    """A group or supergroup with the bot in it."""

    def __init__(self, fake: FakeTelegram, chat: Chat) -> None:
        self.fake = fake
        self.chat = chat

    @property
    def chat_id(self) -> int:
        return self.chat.chat_id

    def member(self, person: Speaker) -> Speaker:
        """The same person, speaking here. `@bot` in a text is a mention entity, `/name@bot` a command."""
        return Speaker(self.fake, person.user, self.chat)

    def kick_bot(self, by: Speaker) -> int | None:
        self.chat.forbidden = f"bot was kicked from the {self.chat.kind} chat"
        return self.fake.deliver(self.fake.membership(self.chat, by.user, "member", "kicked"))

    def migrate(self, new_chat_id: int, by: Speaker) -> tuple[Group, list[Json]]:
        """Upgrade to a supergroup: the old id is dead from now on; a service message in either chat names the other."""
        new = self.fake.group(new_chat_id, self.chat.names["title"], kind="supergroup")
        sender = {"from": by.user}
        notices = [
            self.fake.received(self.chat, sender, {"migrate_to_chat_id": new_chat_id}),
            self.fake.received(new.chat, sender, {"migrate_from_chat_id": self.chat_id}),
        ]
        self.chat.migrated_to = new_chat_id
        return new, [self.fake.update("message", notice) for notice in notices]


class Channel:
    """A channel with the bot in it; its posts have no sender."""

    def __init__(self, fake: FakeTelegram, chat: Chat) -> None:
        self.fake = fake
        self.chat = chat

    def post(self, text: str) -> Json:
        content = self.fake.received(self.chat, {"sender_chat": self.chat.card()}, {"text": text})
        return self.fake.update("channel_post", content)


# -- all of it ----------------------------------------------------------------------------------------------------


class FakeTelegram:
    """A Bot API server for one bot, and the people who write to it."""

    def __init__(
        self,
        token: str = BOT_TOKEN,
        *,
        clock: Callable[[], float] = time.time,
        flood: FloodLimits = FloodLimits(),
        enforce_flood: bool = True,
        callback_lifetime: float = 15.0,
        retries: Retries = Retries(),
        port: int = 0,
    ) -> None:
        self.token = token
        self.clock = clock
        self.enforce_flood = enforce_flood
        self.callback_lifetime = callback_lifetime
        self.bot: Json = {"id": BOT_ID, "is_bot": True, "first_name": "诚信秤", "username": BOT_USERNAME}
        self.changed = threading.Condition()
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, float] = {}
        """When each callback query was made."""
        self.commands: dict[tuple[ScopeKey, str], list[Json]] = {}
        self.profile: dict[tuple[str, str], str] = {}
        """(name, description or short_description; language code) -> text."""
        self.calls: list[Call] = []
        self.answered: list[Answered] = []
        self.flood_violations: list[FloodViolation] = []
        self.faults: list[Fault] = []
        self.numbers = itertools.count(500_000_001)
        self.mailbox = Mailbox(self.changed, clock, retries)
        self.mailbox.answer_call = self._call_from_webhook
        self._flood = FloodGate(flood)
        self._methods = Methods(self)
        self._update_ids = itertools.count(900_000_001)
        routes = [
            Route("/bot{token}/{method}", self._bot_call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._download, methods=["GET"]),
        ]
        self._served = Served(Starlette(routes=routes, lifespan=lambda _app: self.mailbox.working()), port)
        self.url = self._served.url
        self.port = self._served.port

    def __enter__(self) -> FakeTelegram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.mailbox.close()
        self._served.close()

    # Who there is.

    def person(
        self, user_id: int, language_code: str | None = "zh-hans", first_name: str = "小王", *, started: bool = False
    ) -> Person:
        """`started`: has written to the bot before, so that the bot may write now. The language is optional."""
        user: Json = {"id": user_id, "is_bot": False, "first_name": first_name}
        if language_code:
            user["language_code"] = language_code
        return Person(self, user, self._chat(Chat(user_id, "private", {"first_name": first_name}, started)))

    def group(self, chat_id: int, title: str = "市场群", *, kind: str = "group") -> Group:
        return Group(self, self._chat(Chat(chat_id, kind, {"title": title}, started=True)))

    def channel(self, chat_id: int, title: str = "通知") -> Channel:
        return Channel(self, self._chat(Chat(chat_id, "channel", {"title": title}, started=True)))

    def _chat(self, chat: Chat) -> Chat:
        with self.changed:
            known = self.chats.setdefault(chat.chat_id, chat)
            known.started = known.started or chat.started
        return known

    # What they make.

    def update(self, kind: str, content: Json) -> Json:
        """An update of any kind, known or not, under the next update_id."""
        with self.changed:
            return {"update_id": next(self._update_ids), kind: content}

    def poll_update(self, question: str = "?") -> Json:
        """The state of a poll: a kind of update that has no chat and no sender."""
        options = [{"persistent_id": text, "text": text, "voter_count": 0} for text in ("1", "2")]
        facts = {"is_closed": False, "is_anonymous": True, "type": "regular", "allows_multiple_answers": False}
        facts |= {"allows_revoting": True, "members_only": False}
        head = {"id": str(next(self.numbers)), "question": question, "options": options, "total_voter_count": 0}
        return self.update("poll", head | facts)

    def membership(self, chat: Chat, user: Json, old: str, new: str) -> Json:
        """my_chat_member: the bot's own standing in a chat changed."""
        states = {"old_chat_member": self._member(old), "new_chat_member": self._member(new)}
        return self.update("my_chat_member", {"chat": chat.card(), "from": user, "date": int(self.clock()), **states})

    def _member(self, status: str) -> Json:
        return {"user": self.bot, "status": status} | ({"until_date": 0} if status == "kicked" else {})

    def received(self, chat: Chat, sender: Json, content: Json) -> Json:
        """A message from outside in a chat's history, under the chat's next message id."""
        with self.changed:
            chat.started = True
            message_id = chat.next_id()
            head: Json = {"message_id": message_id, "chat": chat.card(), "date": int(self.clock())}
            message = chat.received[message_id] = head | sender | content
        return message

    def any_message(self, chat: Chat, message_id: int) -> Json:
        """A message of either side, as another message quotes it."""
        if message_id in chat.received:
            return chat.received[message_id]
        return self.message_card(next(message for message in chat.sent if message.message_id == message_id))

    def message_card(self, message: SentMessage) -> Json:
        """A message of the bot as the API shows it; of keyboards only inline ones are part of a message."""
        card: Json = {
            "message_id": message.message_id,
            "from": self.bot,
            "chat": self.chats[message.chat_id].card(),
            "date": int(message.when),
            "text": message.text,
        }
        if message.entities:
            card["entities"] = message.entities
        if message.edits:
            card["edit_date"] = int(message.edits[-1].when)
        if message.rows:
            card["reply_markup"] = message.reply_markup
        return card

    def keep_file(self, data: bytes, folder: str, ending: str, size: int | None = None) -> StoredFile:
        """A file id is new each time, the unique id follows the content."""
        with self.changed:
            number = next(self.numbers)
        unique = hashlib.sha256(data).hexdigest()[:16]
        stored = StoredFile(
            f"AgAC{number}-{unique}",
            unique,
            data,
            len(data) if size is None else size,
            f"{folder}/file_{number}.{ending}",
        )
        self.files[stored.file_id] = stored
        return stored

    # How it reaches the bot.

    @property
    def pending(self) -> list[Json]:
        """Updates that the bot has not confirmed yet."""
        with self.changed:
            return list(self.mailbox.pending.values())

    def deliver_to(self, url: str, secret: str | None = None, *, max_connections: int = 40) -> None:
        """A webhook that the test sets itself; it goes before whatever the bot sets, and gets all kinds."""
        self.mailbox.override = Target(url, secret, max_connections)
        self.mailbox.resume()

    async def push(self, update: Json) -> list[int]:
        """Delivers from a coroutine; the status of each attempt, none when the update waits for getUpdates."""
        return (await self._push_all([update]))[0][1]

    async def deliver_many(
        self, updates: Iterable[Json], *, duplicates: float = 0.1, shuffle_across_chats: bool = True, seed: int = 0
    ) -> dict[int, list[int]]:
        """Delivers at least once: some updates twice, chats mixed, order kept within each; update_id -> statuses."""
        chance = random.Random(seed)  # noqa: S311
        twice = [update for one in updates for update in [one] * (1 + (chance.random() < duplicates))]
        ordered = shuffled_across_chats(twice, chance) if shuffle_across_chats else twice
        statuses: dict[int, list[int]] = {}
        for update, seen in await self._push_all(ordered):
            statuses.setdefault(update["update_id"], []).extend(seen)
        return statuses

    def deliver(self, *updates: Json, timeout: float = 30.0) -> int | None:
        """Delivers from an ordinary test, waits, and returns the status of the last attempt at the last update."""
        last: int | None = None
        for job in self.mailbox.submit(updates):
            statuses = job.done.result(timeout)
            last = statuses[-1] if statuses else None
        return last

    async def _push_all(self, updates: list[Json]) -> list[tuple[Json, list[int]]]:
        jobs = self.mailbox.submit(updates)
        seen = await asyncio.gather(*(asyncio.wrap_future(job.done) for job in jobs))
        pairs = [(job.update, statuses) for job, statuses in zip(jobs, seen, strict=True)]
        return pairs or [(update, []) for update in updates]

    # What the bot did.

    @property
    def messages(self) -> dict[int, list[SentMessage]]:
        """The bot's messages by chat, in the order sent; edited and deleted ones included."""
        with self.changed:
            return {chat_id: list(chat.sent) for chat_id, chat in self.chats.items()}

    def called(self, method: str) -> list[Call]:
        return [call for call in list(self.calls) if call.method.lower() == method.lower()]

    def mark(self, chat_id: int) -> None:
        """Messages so far are old to the next `wait_for_messages`."""
        with self.changed:
            chat = self.chats[chat_id]
            chat.marked = len(chat.sent)

    def wait_for_messages(self, chat_id: int, n: int = 1, timeout: float = 5.0) -> list[SentMessage]:
        """Waits for n messages since the mark, returns all since then, and moves the mark behind them."""
        with self.changed:
            chat = self.chats[chat_id]
            if not self.changed.wait_for(lambda: len(chat.sent) - chat.marked >= n, timeout):
                raise TimeoutError(f"{n} messages awaited in {chat_id}: {[m.text for m in chat.sent[chat.marked :]]}")
            new = chat.sent[chat.marked :]
            chat.marked = len(chat.sent)
        return new

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Looks again after each call of the bot and each confirmed update; the condition must not call the server."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise TimeoutError("it did not happen")

    def visible_commands(self, chat: Chat, language_code: str = "") -> list[Json]:
        """The narrowest scope that has commands wins, within it the person's language before none."""
        wide = "all_private_chats" if chat.kind == "private" else "all_group_chats"
        for scope in (("chat", chat.chat_id), (wide,), ("default",)):
            for language in (language_code[:2].lower(), ""):
                if commands := self.commands.get((scope, language)):
                    return commands
        return []

    # How it goes wrong.

    def fault(self, method: str, **how: Any) -> Fault:
        """Scripts the next calls of a method (`*`: any, `file`: downloads) to go wrong.

        Not processed: `error_code` with `description`, `retry_after` (429), `http` (a gateway's page of that status),
        `reset="before"`. Processed, but the bot cannot know: `reset="after"` (no answer), `garbage` (no JSON).
        `delay` holds back the answer only. `times=None` lasts until `clear_faults`; `chat_id` spares other chats.
        """
        fault = Fault(method, **how)
        with self.changed:
            self.faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        with self.changed:
            self.faults.clear()

    def pass_flood(self, chat: Chat) -> None:
        """Records a broken limit; answers 429 for it only when limits are enforced."""
        now = self.clock()
        violation = self._flood.violation(chat, now)
        if violation is not None:
            self.flood_violations.append(violation)
            if self.enforce_flood:
                raise too_many(violation.retry_after)
        self._flood.count(chat, now)

    def _take_fault(self, method: str, chat_id: Any) -> Fault | None:
        with self.changed:
            fault = next((fault for fault in self.faults if fault.matches(method, chat_id)), None)
            if fault is not None and fault.times is not None:
                fault.times -= 1
        return fault

    # The server's side.

    async def _bot_call(self, request: Request) -> Response:
        if request.path_params["token"] != self.token:
            return answered(ApiError(401, "Unauthorized").body())
        call = Call(request.path_params["method"], await raw_params(request), self.clock())
        self._record(call)
        fault = self._take_fault(call.method, call.params.get("chat_id"))
        if fault is None:
            return answered(await self._execute(call))
        body = await self._execute(call) if fault.processed else None
        await asyncio.sleep(fault.delay)
        return fault.answer(body)

    def _record(self, call: Call) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    async def _execute(self, call: Call) -> Json:
        try:
            call.params = typed_params(call.params)
            body = {"ok": True, "result": await self._methods.run(call.method, call.params)}
        except ApiError as error:
            body = error.body()
        with self.changed:
            call.answer = body
            self.changed.notify_all()
        return body

    async def _call_from_webhook(self, method: str, params: Json) -> None:
        call = Call(method, params, self.clock(), via="webhook")
        self._record(call)
        await self._execute(call)

    async def _download(self, request: Request) -> Response:
        if request.path_params["token"] != self.token:
            return answered(ApiError(401, "Unauthorized").body())
        path, now = request.path_params["path"], self.clock()
        fault = self._take_fault("file", None)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if not fault.processed or fault.reset:
                return fault.answer(None)
        for stored in list(self.files.values()):
            if stored.path == path and stored.link_until > now:
                data = stored.data[: len(stored.data) // 2] if fault and fault.garbage else stored.data
                return Response(data, media_type="application/octet-stream")
        return answered(ApiError(404, "Not Found").body())


def shuffled_across_chats(updates: Iterable[Json], chance: random.Random) -> list[Json]:
    """Draws the next update from any chat, so that only the order inside each chat remains."""
    chats: dict[int | None, deque[Json]] = {}
    for update in updates:
        chats.setdefault(chat_of(update), deque()).append(update)
    mixed = []
    while chats:
        chat_id = chance.choice(list(chats))
        mixed.append(chats[chat_id].popleft())
        if not chats[chat_id]:
            del chats[chat_id]
    return mixed
