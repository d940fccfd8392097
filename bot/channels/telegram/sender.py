"""The way out to Telegram chats: one call for each message, and what each of the platform's errors comes to."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from telegram import LinkPreviewOptions
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bot.channels.telegram.client import TelegramClient, described, never_sent, seconds
from bot.channels.telegram.inbound import CHANNEL
from bot.channels.telegram.render import Rendered, render
from handlers.conversation.messages import Reply
from storage.gates import Rate
from storage.outbox import SendState
from storage.sending import Item, Outcome

log = logging.getLogger(__name__)

UNTIL_MENDED = timedelta(minutes=5)
"""How long nothing is sent with a token that is not good: then one message tries whether it was mended."""
GROUP_MESSAGES, GROUP_SECONDS = 18, 60.0
"""The platform lets a bot write 20 messages a minute to one group."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
UNREACHABLE = (("blocked", "blocked"), ("deactivated", "deactivated"), ("kicked", "kicked"), ("not a member", "kicked"))
NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid")
NO_RIGHT = ("rights to send", "chat_write_forbidden")


class GroupPace:
    """How fast this process writes to each group. A group that floods waits by itself: were the whole channel to
    wait for it, any group could silence the bot for everybody."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[str, deque[float]] = {}
        self._held: dict[str, float] = {}

    def wait(self, chat: str) -> float:
        """Seconds until the group may be written to; zero: now."""
        now = self._clock()
        held = self._held.get(chat, now) - now
        sent = self._sent.get(chat, deque())
        while sent and sent[0] <= now - GROUP_SECONDS:
            sent.popleft()
        if not sent:
            self._sent.pop(chat, None)
        if held <= 0:
            self._held.pop(chat, None)
        full = sent[0] + GROUP_SECONDS - now if len(sent) >= GROUP_MESSAGES else 0.0
        return max(held, full, 0.0)

    def note(self, chat: str) -> None:
        self._sent.setdefault(chat, deque()).append(self._clock())

    def hold(self, chat: str, seconds: float) -> None:
        self._held[chat] = self._clock() + seconds


class TelegramSender:
    channel = CHANNEL
    rate = Rate(per_second=25, burst=2, per_chat=timedelta(seconds=1))
    """The platform allows 30 a second. What goes out evenly does not arrive evenly, so no more than that in a burst."""

    def __init__(self, client: TelegramClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._pace = GroupPace(clock)

    async def send(self, item: Item) -> Outcome:
        in_group = item.to.startswith("-")
        if in_group:
            wait = self._pace.wait(item.to)
            if wait > 0:
                return Outcome(SendState.RETRY, "enough for this group", pause=timedelta(seconds=wait))
            self._pace.note(item.to)
        rendered = render(Reply.from_json(item.payload), item.nonce)
        try:
            if item.replaces and await self._edit(item, rendered):
                return Outcome(SendState.SENT, platform_id=item.replaces)
            return await self._send(item, rendered)
        except RetryAfter as error:
            return self._slow_down(item.to if in_group else "", error)
        except TelegramError as error:
            return outcome_of(error)

    async def _send(self, item: Item, rendered: Rendered) -> Outcome:
        sent = await self._client.bot.send_message(
            int(item.to), rendered.text, reply_markup=rendered.keyboard, link_preview_options=NO_PREVIEW
        )
        return Outcome(SendState.SENT, platform_id=str(sent.message_id))

    async def _edit(self, item: Item, rendered: Rendered) -> bool:
        """Whether the earlier message shows this now; one that is gone or too old cannot."""
        try:
            await self._client.bot.edit_message_text(
                rendered.text,
                int(item.to),
                int(item.replaces),
                reply_markup=rendered.keyboard,
                link_preview_options=NO_PREVIEW,
            )
        except BadRequest as error:
            if _is_unreachable(error):
                raise
            return "not modified" in error.message.lower()
        return True

    def _slow_down(self, group: str, error: RetryAfter) -> Outcome:
        pause = timedelta(seconds=seconds(error))
        if group:
            self._pace.hold(group, pause.total_seconds())
            return Outcome(SendState.RETRY, described(error), pause=pause)
        log.warning("Telegram asks for a pause of %s", pause)
        return Outcome(SendState.RETRY, described(error), pause=pause, closes=pause)


def outcome_of(error: TelegramError) -> Outcome:
    """What an error comes to. The order matters: to the library a bad request is a kind of network error."""
    why = described(error)
    if isinstance(error, ChatMigrated):
        return Outcome(SendState.RETRY, "the group has moved", pause=timedelta(0), moved_to=str(error.new_chat_id))
    if isinstance(error, Forbidden):
        said = error.message.lower()
        reason = next((name for words, name in UNREACHABLE if words in said), "forbidden")
        return Outcome(SendState.BLOCKED, why, unreachable=reason)
    if isinstance(error, BadRequest):
        if _is_unreachable(error):
            return Outcome(SendState.BLOCKED, why, unreachable="not-found")
        log.error("a message Telegram will never take: %s", why)
        return Outcome(SendState.DEAD, why)
    if isinstance(error, InvalidToken):
        log.error("Telegram refuses the token: nothing is sent for %s", UNTIL_MENDED)
        return Outcome(SendState.RETRY, why, closes=UNTIL_MENDED)
    return Outcome(SendState.RETRY if never_sent(error) else SendState.UNKNOWN, why)


def _is_unreachable(error: BadRequest) -> bool:
    said = error.message.lower()
    return any(words in said for words in (*NOBODY_THERE, *NO_RIGHT))
