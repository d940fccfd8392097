"""Fetches the files that people sent and that still lie on a platform's server; the platforms keep them for days only.

A file is fetched by the platform's id of it, checked by size and by its first bytes, and kept under its content's name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from bot.files import (
    FILE_TYPES,
    IMAGE_TYPES,
    MAX_FILE,
    VIDEO_TYPES,
    VOICE_TYPES,
    media_type_of,
    video_type_of,
    voice_type_of,
)
from bot.times import utc_now
from bot.turns import Turns
from handlers import outreach
from handlers.conversation.messages import AttachmentKind, Reply
from storage import evidence, media
from storage.database import Session
from storage.failpoints import reach
from storage.media import Wanted

log = logging.getLogger(__name__)
T = TypeVar("T")

AT_ONCE = 4
FETCH_SECONDS = 40.0
"""Less than the lease, so that a slow fetch is over before another worker begins one."""
POLL_SECONDS = 1.0
TROUBLE_SECONDS = 1.0
DRAIN_SECONDS = 10.0
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)

NAMES = {
    AttachmentKind.IMAGE: ("张照片", "张"),
    AttachmentKind.VOICE: ("段语音", "段"),
    AttachmentKind.VIDEO: ("段视频", "段"),
}
TYPES = {
    AttachmentKind.IMAGE: IMAGE_TYPES,
    AttachmentKind.VOICE: VOICE_TYPES,
    AttachmentKind.VIDEO: VIDEO_TYPES,
}
GONE = "平台上已经过期"
UNREACHED = "平台一直没有给"
EMPTY = "是空的"
TOO_LARGE = "超过 10 MB"
WRONG_TYPE = {
    AttachmentKind.IMAGE: "不是照片",
    AttachmentKind.VOICE: "不是能存的语音格式",
    AttachmentKind.VIDEO: "不是 MP4 视频",
    AttachmentKind.FILE: "不是照片、PDF 或表格",
}


class MediaGoneError(Exception):
    """The platform does not have the file, or no longer."""


class MediaRefusedError(Exception):
    """The file is not taken; the text says in Chinese why not."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it came; ``name`` and ``media_type`` are what the platform says, and nothing is built on them."""

    data: bytes
    name: str = ""
    media_type: str = ""


class Fetcher(Protocol):
    """One platform's file server. ``kind`` is an ``AttachmentKind``."""

    @property
    def channel(self) -> str: ...

    async def fetch(self, ref: str, kind: str) -> Fetched:
        """``MediaGoneError`` and ``MediaRefusedError`` are final; after anything else it is tried again."""


def checked(fetched: Fetched, kind: str, label: str) -> str:
    """The file's type; ``MediaRefusedError`` when it is not one that is taken."""
    if not fetched.data:
        raise MediaRefusedError(EMPTY)
    if len(fetched.data) > MAX_FILE:
        raise MediaRefusedError(TOO_LARGE)
    sort = AttachmentKind(kind)
    found = _type_of(sort, fetched, label)
    if found not in TYPES.get(sort, IMAGE_TYPES | FILE_TYPES):
        raise MediaRefusedError(WRONG_TYPE[sort])
    return found


def _type_of(sort: AttachmentKind, fetched: Fetched, label: str) -> str:
    if sort is AttachmentKind.VOICE:
        return voice_type_of(fetched.data)
    if sort is AttachmentKind.VIDEO:
        return video_type_of(fetched.data)
    return media_type_of(fetched.data, fetched.name or label)


def sorry(kind: str, why: str, *, other: bool) -> Reply:
    """``other``: the same file again would be no use."""
    what, one = NAMES.get(AttachmentKind(kind), ("个文件", "个"))
    again = f"换一{one}再发" if other else "再发一次"
    return Reply(f"刚才那{what}没收到：{why}。请{again}，每{one}不超过 10 MB。")


def pause(tries: int) -> timedelta:
    longest: timedelta = min(FIRST_PAUSE * 2 ** min(tries - 1, 10), LONGEST_PAUSE)
    return longest


class MediaWorker:
    """All channels' files. ``told`` is called when somebody is to be told that a file could not be had."""

    def __init__(
        self,
        turns: Turns,
        fetchers: Sequence[Fetcher],
        evidence_dir: Path,
        clock: Callable[[], datetime] = utc_now,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._turns = turns
        self._fetchers = fetchers
        self._evidence_dir = evidence_dir
        self._clock = clock
        self._told = told
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(fetcher)) for fetcher in self._fetchers]

    async def stop(self) -> None:
        """Claim nothing more and let what is under way end; the rest is fetched by whoever is there then."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, fetcher: Fetcher) -> None:
        while not self._stopping.is_set():
            try:
                found = await self._do(lambda session: media.claim(session, fetcher.channel, self._clock(), AT_ONCE))
                async with asyncio.TaskGroup() as group:
                    for wanted in found:
                        group.create_task(self._settle(fetcher, wanted))
            except Exception as error:
                log.warning("no files could be fetched from %s: %s", fetcher.channel, type(error).__name__)
                await self._pause(TROUBLE_SECONDS)
                continue
            if not found:
                await self._pause(POLL_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _settle(self, fetcher: Fetcher, wanted: Wanted) -> None:
        try:
            await self._take(fetcher, wanted)
        except Exception as error:
            log.warning("what became of a file from %s was not recorded: %s", wanted.channel, type(error).__name__)

    async def _take(self, fetcher: Fetcher, wanted: Wanted) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                fetched = await fetcher.fetch(wanted.ref, wanted.kind)
            reach("media.fetched")
            media_type = checked(fetched, wanted.kind, wanted.label)
            digest = await asyncio.to_thread(evidence.keep, self._evidence_dir, fetched.data)
            reach("media.kept")
        except MediaGoneError:
            await self._give_up(wanted, GONE)
        except MediaRefusedError as error:
            await self._give_up(wanted, str(error), other=True)
        except Exception as error:
            await self._put_off(wanted, type(error).__name__)
        else:
            await self._do(lambda session: media.kept(session, wanted, digest, media_type))
            reach("media.recorded")

    async def _put_off(self, wanted: Wanted, why: str) -> None:
        until = self._clock() + pause(wanted.tries)
        if until >= wanted.expires_at:
            await self._give_up(wanted, UNREACHED)
            return
        log.warning("a file from %s is tried again later: %s", wanted.channel, why)
        await self._do(lambda session: media.put_off(session, wanted, until, why))

    async def _give_up(self, wanted: Wanted, why: str, *, other: bool = False) -> None:
        def work(session: Session) -> None:
            if media.give_up(session, wanted, why):
                reply = sorry(wanted.kind, why, other=other)
                outreach.push(session, wanted.contact_id, reply, self._clock(), "media", f"media:{wanted.id}")

        await self._do(work)
        self._told()

    async def _do(self, work: Callable[[Session], T]) -> T:
        # Shielded: who waits may be cancelled, what was handed to the database may not.
        return await asyncio.shield(asyncio.wrap_future(self._turns.submit(work)))
