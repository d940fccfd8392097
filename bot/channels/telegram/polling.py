"""Asking the platform for updates, where no webhook can reach us. One process at a time asks, by a lease."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot import intake
from bot.app import Service
from bot.channels.telegram.client import TelegramClient, described, seconds
from bot.channels.telegram.inbound import UPDATES
from bot.channels.telegram.receiver import Receiver
from bot.web.ports import BusyError
from storage import platform

log = logging.getLogger(__name__)

NAME = "telegram.poll"
LEASE = timedelta(seconds=30)
RENEW_SECONDS = 8.0
LOOK_SECONDS = 5.0
"""How often a process that does not poll looks whether it should."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
UNTIL_MENDED_SECONDS = 300.0


class LeaseLostError(Exception):
    """Somebody else polls by now."""


class Poller:
    def __init__(
        self, service: Service, client: TelegramClient, receiver: Receiver, clock: Callable[[], datetime]
    ) -> None:
        self._service = service
        self._client = client
        self._receiver = receiver
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._offset: int | None = None
        self._pause = FIRST_PAUSE
        self._prepared = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """What was fetched and not confirmed is fetched by the next one, and known to it."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await intake.do(self._service, lambda session: platform.let_go(session, NAME, self._holder))
        except Exception as error:
            log.warning("the polling lease runs out by itself: %s", type(error).__name__)

    # -- the lease --------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            if await self._hold():
                await self._poll_while_held()
            await asyncio.sleep(LOOK_SECONDS)

    async def _hold(self) -> bool:
        def take(session: Any) -> bool:
            return platform.hold(session, NAME, self._holder, self._clock(), LEASE)

        try:
            return await intake.do(self._service, take)
        except Exception as error:  # the database is away, or two took a new lease at once
            log.warning("the polling lease could not be taken: %s", type(error).__name__)
            return False

    async def _poll_while_held(self) -> None:
        self._prepared, self._offset = False, None
        keeping = asyncio.create_task(self._keep())
        polling = asyncio.create_task(self._poll())
        try:
            await asyncio.wait((keeping, polling), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (keeping, polling):
                task.cancel()
            ended = await asyncio.gather(keeping, polling, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                log.warning("polling is given up for a while: %s", type(error).__name__)

    async def _keep(self) -> None:
        """Renew the lease; ends when it cannot be renewed, well before it runs out."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not await self._hold():
                raise LeaseLostError

    # -- the updates ------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        while True:
            try:
                await self._ask()
                self._pause = FIRST_PAUSE
            except BusyError:
                await asyncio.sleep(FIRST_PAUSE)
            except TelegramError as error:
                log.warning("polling: %s", described(error))
                await asyncio.sleep(self._pause_after(error))

    async def _ask(self) -> None:
        if not self._prepared:  # a webhook and polling exclude each other
            await self._client.bot.delete_webhook(drop_pending_updates=False)
            self._prepared = True
        updates = await self._client.updates(self._offset, UPDATES)
        left = await self._take_all(updates)
        if updates:
            self._offset = left if left is not None else _number(updates[-1]) + 1
        if left is not None:
            raise BusyError

    def _pause_after(self, error: TelegramError) -> float:
        if isinstance(error, RetryAfter):
            return seconds(error)
        if isinstance(error, InvalidToken):
            return UNTIL_MENDED_SECONDS
        if isinstance(error, Conflict):  # a webhook was set, or another bot polls with this token
            self._prepared = False
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause

    async def _take_all(self, updates: Sequence[Any]) -> int | None:
        """Each chat's updates in their order, the chats side by side. The first update that could not be taken."""
        chats: dict[object, list[Any]] = {}
        for update in updates:
            chats.setdefault(_chat(update), []).append(update)
        left = await asyncio.gather(*(self._take_in_order(chat) for chat in chats.values()))
        return min((number for number in left if number is not None), default=None)

    async def _take_in_order(self, updates: Sequence[Any]) -> int | None:
        for update in updates:
            try:
                await self._receiver.take(update, json.dumps(update, ensure_ascii=False))
            except BusyError:
                return _number(update)
        return None


def _number(update: Any) -> int:
    return int(update["update_id"])


def _chat(update: Any) -> object:
    """Where it happened; what happened nowhere is a chat of its own."""
    content: Any = next((value for name, value in update.items() if name != "update_id"), None)
    holder = content.get("message", content) if isinstance(content, dict) else {}
    chat = holder.get("chat") if isinstance(holder, dict) else None
    return chat.get("id") if isinstance(chat, dict) else None
