"""What a process may consist of besides the web pages: the channels, the worker that sends and fetches, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from fastapi import APIRouter

from bot import task_kinds
from bot.app import Service
from bot.delivery import Delivery, Sender
from bot.hours import all_jobs
from bot.media import Fetcher, MediaWorker
from bot.settings import TelegramMode
from bot.web.health import Count
from scheduler.clock import Clock

if TYPE_CHECKING:
    pass


class Channel(Protocol):
    """One platform: its callbacks, the way out, its files. ``start`` and ``stop`` bound what runs on its own."""

    @property
    def sender(self) -> Sender: ...

    @property
    def fetcher(self) -> Fetcher: ...

    @property
    def seen(self) -> Mapping[str, int]:
        """How often the platform sent what, and how often it was refused and why."""

    @property
    def tokens_fetched(self) -> int: ...

    def router(self) -> APIRouter: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Channels:
    """The platforms that are set up. None is imported before it is: a process without them starts as fast as ever."""

    def __init__(self, all_: Sequence[Channel]) -> None:
        self._all = all_
        self.senders = [channel.sender for channel in all_]
        self.fetchers = [channel.fetcher for channel in all_]
        self.names = [sender.channel for sender in self.senders]
        self.worker: Worker | None = None

    @classmethod
    def of(cls, service: Service) -> Channels:
        """``SettingsError`` when a file that the settings name is unusable."""
        settings, found = service.settings, list[Channel]()
        if settings.wechat_app_id:
            from bot.channels.wechat.channel import WechatChannel  # noqa: PLC0415 - see the class

            found.append(WechatChannel(settings, service))
        if settings.telegram_mode is not TelegramMode.OFF:
            from bot.channels.telegram.channel import TelegramChannel  # noqa: PLC0415

            found.append(TelegramChannel(settings, service))
        return cls(found)

    def routers(self) -> list[APIRouter]:
        return [channel.router() for channel in self._all]

    async def __aenter__(self) -> Channels:
        for channel in self._all:
            await channel.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        for channel in reversed(self._all):
            await channel.stop()

    def counts(self) -> Iterator[Count]:
        """What happened on the channels in this process."""
        for channel in self._all:
            name = channel.sender.channel
            yield from (Count("seen", name, what, number) for what, number in channel.seen.items())
            yield Count("fetched", name, "token", channel.tokens_fetched)
        if self.worker is not None:
            for (name, outcome), number in self.worker.delivery.stats.items():
                yield Count("delivered", name, outcome, number)


class Worker:
    """Sends what is queued for the channels and fetches what people sent there."""

    def __init__(self, service: Service, channels: Channels) -> None:
        self._service = service
        self._channels = channels
        self.delivery = Delivery(service.turns, channels.senders, listen_to=service.database, opened=service.opened)
        evidence = service.settings.evidence_dir
        self._media = MediaWorker(service.turns, channels.fetchers, evidence, told=self.delivery.wake)
        self._tasks = task_kinds.worker(service, told=self.delivery.wake)

    async def __aenter__(self) -> Worker:
        await self.delivery.start()
        await self._media.start()
        await self._tasks.start()
        self._service.wake = self.delivery.wake
        self._channels.worker = self
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.gather(self.delivery.stop(), self._media.stop(), self._tasks.stop())


class Ticking:
    """The clock. What was due while nobody was there is done beside the rest of the start, not before it."""

    def __init__(self, service: Service) -> None:
        self._clock = Clock(service.database, all_jobs(service))
        self._starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Ticking:
        self._starting = asyncio.create_task(asyncio.to_thread(self._clock.start))
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._starting is not None:
            await self._starting
        await asyncio.to_thread(self._clock.stop)
