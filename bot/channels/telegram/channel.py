"""The channel put together: what comes in, what goes out, and the life of both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import APIRouter
from telegram.error import TelegramError

from bot.app import Service
from bot.channels.telegram.albums import Albums
from bot.channels.telegram.client import TelegramClient, described
from bot.channels.telegram.inbound import Me
from bot.channels.telegram.polling import Poller
from bot.channels.telegram.receiver import Receiver
from bot.channels.telegram.sender import TelegramSender
from bot.channels.telegram.web import create_router
from bot.settings import Settings, TelegramMode
from bot.times import utc_now

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0


class TelegramChannel:
    """``sender`` and ``fetcher`` are for the worker; ``start`` and ``stop`` bound what runs on its own."""

    tokens_fetched = 0
    """The token of a bot never changes by itself."""

    def __init__(self, settings: Settings, service: Service, clock: Callable[[], datetime] = utc_now) -> None:
        self._client = TelegramClient(settings)
        self._me = Me(self._client.own_id)
        self._albums = Albums(service, clock)
        self._receiver = Receiver(service, self._client, self._me, self._albums, clock)
        self._poller: Poller | None = None
        self._secret = ""
        if settings.telegram_mode is TelegramMode.POLLING:
            self._poller = Poller(service, self._client, self._receiver, clock)
        else:
            self._secret = settings.telegram_webhook_secret.get_secret_value()
        self._learning: asyncio.Task[None] | None = None
        self.sender = TelegramSender(self._client)
        self.fetcher = self._client

    @property
    def seen(self) -> Mapping[str, int]:
        return self._receiver.seen

    def router(self) -> APIRouter:
        return create_router(self._receiver, self._secret) if self._secret else APIRouter()

    async def start(self) -> None:
        """Asks the platform for nothing that the rest would have to wait for: it may be unreachable for a while."""
        self._learning = asyncio.create_task(self._learn_name())
        await self._albums.start()
        if self._poller is not None:
            await self._poller.start()

    async def stop(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)
        if self._poller is not None:
            await self._poller.stop()
        await self._albums.stop()
        await self._receiver.stop()
        await self._client.close()

    async def _learn_name(self) -> None:
        """In groups the bot is spoken to by its name."""
        pause = FIRST_PAUSE
        while True:
            try:
                self._me.username = (await self._client.bot.get_me()).username or ""
            except TelegramError as error:
                log.warning("the bot's own account could not be asked for: %s", described(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return
