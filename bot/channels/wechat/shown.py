"""Replies that went out with the request they answer, noted a handful at a time: one commit for many answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime

from storage.failpoints import reach

log = logging.getLogger(__name__)
EVERY_SECONDS = 0.05


class Shown:
    """Collects ids of shown replies; ``start`` and ``stop`` bound its life. What is lost in a crash is sent again."""

    def __init__(
        self, record: Callable[[Sequence[int], datetime], Future[None]], clock: Callable[[], datetime]
    ) -> None:
        self._record = record
        self._clock = clock
        self._ids: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, ids: Iterable[int]) -> None:
        self._ids.extend(ids)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        ids, self._ids = self._ids, []
        if not ids:
            return
        try:
            await asyncio.shield(asyncio.wrap_future(self._record(ids, self._clock())))
        except Exception:
            # They stay undelivered, and are sent or shown once more: better than lost.
            log.exception("%d shown replies could not be noted", len(ids))
        reach("answer.noted")
