"""The one way out to WeChat users: it knows what may be sent to whom now.

In this order: a customer message while a window is open; a subscription notice the user agreed to; a template message;
else the message waits for the user's next one. A notice only says that there is something: the message itself is
shown when the user comes to read it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.channels.wechat.client import WechatClient
from bot.channels.wechat.errors import A_MINUTE, UNTIL_MENDED, Reaction, UnreachableError, WechatError
from bot.channels.wechat.notices import How, Notice
from bot.channels.wechat.render import compose
from bot.turns import Turns
from handlers.conversation.messages import Numbered, Reply
from storage import windows
from storage.database import Session
from storage.gates import Rate
from storage.outbox import SendState
from storage.sending import Item, Outcome

log = logging.getLogger(__name__)
T = TypeVar("T")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NEXT_WAY = frozenset((Reaction.WINDOW_SHUT, Reaction.NO_CONSENT, Reaction.NOT_ALLOWED))


class WechatSender:
    channel = "wechat"
    rate = Rate(per_second=50, burst=20)
    """The platform names no limit for customer messages; this keeps one account far from its daily quota."""

    def __init__(
        self,
        client: WechatClient,
        turns: Turns,
        abilities: frozenset[str],
        notices: tuple[Notice, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._turns = turns
        self._abilities = abilities
        self._notices = notices
        self._clock = clock

    async def send(self, item: Item) -> Outcome:
        try:
            return await self._send(item)
        except WechatError as error:
            return self._outcome(error)
        except UnreachableError as error:
            return Outcome(SendState.UNKNOWN if error.perhaps_done else SendState.RETRY, str(error))

    async def _send(self, item: Item) -> Outcome:
        if "customer" in self._abilities and await self._in_window(item):
            try:
                return await self._customer_message(item)
            except WechatError as error:
                if error.reaction not in NEXT_WAY:
                    await self._give_back(item)
                    raise
                await self._window_was_shut(item, error)
            except UnreachableError as error:
                if not error.perhaps_done:
                    await self._give_back(item)
                raise
        for notice in self._notices:
            if notice.kind == item.kind and notice.how in self._abilities:
                outcome = await self._notice(item, notice)
                if outcome is not None:
                    return outcome
        return Outcome(SendState.BLOCKED, "nothing may be sent before the user writes")

    # -- customer messages ------------------------------------------------------------------------------------

    async def _in_window(self, item: Item) -> bool:
        return await self._do(lambda session: windows.take(session, item.contact_id, self._clock()))

    async def _customer_message(self, item: Item) -> Outcome:
        composed = compose([Numbered(item.id, Reply.from_json(item.payload), item.nonce)])
        await self._client.send_text(item.to, composed.text)
        return Outcome(SendState.SENT)

    async def _give_back(self, item: Item) -> None:
        """What the platform did not take is not counted: tries again must not use the window up."""
        await self._do(lambda session: windows.give_back(session, item.contact_id))

    async def _window_was_shut(self, item: Item, error: WechatError) -> None:
        if error.reaction is Reaction.WINDOW_SHUT:
            await self._do(lambda session: windows.exhaust(session, item.contact_id))
        else:
            log.error("customer messages are switched on but not allowed: %s", error)

    # -- notices ----------------------------------------------------------------------------------------------

    async def _notice(self, item: Item, notice: Notice) -> Outcome | None:
        """None: this way is shut, try the next."""
        agreed = notice.how is How.TEMPLATE or await self._do(
            lambda session: windows.spend(session, item.contact_id, notice.template_id)
        )
        if not agreed:
            return None
        values = notice.values(Reply.from_json(item.payload).text, self._clock())
        try:
            number = await self._push(item.to, notice, values)
        except WechatError as error:
            if error.reaction not in NEXT_WAY:
                raise
            await self._notice_was_refused(item, notice, error)
            return None
        return Outcome(SendState.BLOCKED, f"notice sent: {notice.how}", platform_id=number)

    async def _push(self, openid: str, notice: Notice, values: dict[str, str]) -> str:
        if notice.how is How.TEMPLATE:
            return await self._client.send_template(openid, notice.template_id, values)
        await self._client.send_subscription(openid, notice.template_id, values)
        return ""

    async def _notice_was_refused(self, item: Item, notice: Notice, error: WechatError) -> None:
        if error.reaction is Reaction.NO_CONSENT:
            now = self._clock()
            await self._do(lambda session: windows.withdraw(session, item.contact_id, notice.template_id, now))
        else:
            log.error("notice template %s: %s", notice.template_id, error)

    # -- what the platform's no means -------------------------------------------------------------------------

    def _outcome(self, error: WechatError) -> Outcome:
        why, reaction = str(error), error.reaction
        if reaction is Reaction.USER_GONE:
            return Outcome(SendState.BLOCKED, why, unreachable="unfollowed")
        if reaction is Reaction.DEFECT:
            log.error("a message WeChat will never take: %s", why)
            return Outcome(SendState.DEAD, why)
        pauses = {
            Reaction.MINUTE: A_MINUTE,
            Reaction.DAY: until_midnight(self._clock()),
            Reaction.STOP: UNTIL_MENDED,
            Reaction.REFRESH: timedelta(seconds=30),
        }
        if reaction in pauses:
            log.error("nothing is sent to WeChat for %s: %s", pauses[reaction], why)
            return Outcome(SendState.RETRY, why, closes=pauses[reaction])
        return Outcome(SendState.RETRY, why)

    async def _do(self, work: Callable[[Session], T]) -> T:
        return await asyncio.shield(asyncio.wrap_future(self._turns.submit(work)))


def until_midnight(now: datetime) -> timedelta:
    """To the start of the platform's next day, when its daily quotas begin anew."""
    local = now.astimezone(SHANGHAI)
    tomorrow = (local + timedelta(days=1)).replace(hour=0, minute=1, second=0, microsecond=0)
    return tomorrow - local
