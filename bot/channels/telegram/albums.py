"""Pictures that were sent together and arrive one by one: kept as they come, worked as one message after a pause."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot import intake
from bot.app import Service
from bot.channels.telegram.inbound import CHANNEL, Received
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Numbered, Other, Way
from storage import contacts, dialogues, platform
from storage.database import Session
from storage.failpoints import reach

log = logging.getLogger(__name__)

QUIET = timedelta(seconds=1.5)
"""So long after its last part an album is taken to be complete."""
TICK_SECONDS = 0.25
IDLE_SECONDS = 5.0
"""How often to look for what another process left behind."""
TROUBLE_SECONDS = 1.0


class Albums:
    """``start`` and ``stop`` bound the life of what puts the parts together; any number of processes may do so."""

    def __init__(self, service: Service, clock: Callable[[], datetime]) -> None:
        self._service = service
        self._clock = clock
        self._expected_until = 0.0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def keep(self, received: Received) -> None:
        """Keep one part; it is safe when this returns. One that was worked before is not kept again."""
        inbound = received.inbound
        assert inbound is not None

        def work(session: Session) -> None:
            contact = contacts.find(session, CHANNEL, inbound.contact.external_id)
            if contact is None or dialogues.find_message(session, contact.id, inbound.key) is None:
                platform.add_part(session, CHANNEL, received.album, inbound.key, _part(inbound), self._clock())

        await intake.do(self._service, work)
        reach("album.kept")
        self._expected_until = asyncio.get_running_loop().time() + 2 * QUIET.total_seconds()
        self._woken.set()

    # -- putting together -------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:
                log.warning("albums could not be put together: %s", type(error).__name__)
                await asyncio.sleep(TROUBLE_SECONDS)
            await self._pause()

    async def _pause(self) -> None:
        self._woken.clear()
        if asyncio.get_running_loop().time() < self._expected_until:
            await asyncio.sleep(TICK_SECONDS)
            return
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        for album in await asyncio.to_thread(self._complete):
            await self._finish(album)

    def _complete(self) -> list[str]:
        with self._service.database.reading() as session:
            return platform.complete_albums(session, CHANNEL, self._clock() - QUIET)

    async def _finish(self, album: str) -> None:
        taken: list[dict[str, Any]] = []

        def work(session: Session) -> list[Numbered]:
            taken[:] = platform.take_album(session, CHANNEL, album)
            if not taken:  # another process was faster
                return []
            inbound = together(taken, self._clock())
            lines = self._service.reception.turn(session, inbound)
            _know(session, inbound, taken[1:])
            return lines

        try:
            await intake.attempt(lambda: self._service.turns.submit(work))
        except intake.FailedError as error:
            raw = json.dumps(taken, ensure_ascii=False)
            inbound = together(taken, self._clock())
            await intake.give_up(
                self._service, inbound, raw, str(error), lambda session: platform.take_album(session, CHANNEL, album)
            )
        self._service.wake()


def _know(session: Session, inbound: Inbound, parts: Sequence[Mapping[str, Any]]) -> None:
    """The other parts' keys: a part that is delivered once more is then known to be worked."""
    contact = contacts.find(session, CHANNEL, inbound.contact.external_id)
    assert contact is not None
    for part in parts:
        if dialogues.find_message(session, contact.id, part["key"]) is None:
            body: dict[str, object] = {"text": "", "choice": None, "files": []}
            dialogues.record_message(session, contact.id, part["key"], body, inbound.at)


def _part(inbound: Inbound) -> dict[str, Any]:
    return {
        "key": inbound.key,
        "person": inbound.contact.external_id,
        "address": inbound.address,
        "shared": inbound.shared,
        "text": intake.storable(inbound.text),
        "files": [asdict(attachment) for attachment in inbound.attachments],
        "other": inbound.other,
    }


def together(parts: Sequence[Mapping[str, Any]], now: datetime) -> Inbound:
    """The parts of an album as one message under the first one's key."""
    first = parts[0]
    files = [Attachment(**{**file, "kind": AttachmentKind(file["kind"])}) for part in parts for file in part["files"]]
    others = [part["other"] for part in parts if part["other"]]
    return Inbound(
        ContactRef(CHANNEL, first["person"]),
        first["key"],
        now,
        "\n".join(part["text"] for part in parts if part["text"]),
        attachments=tuple(files),
        way=Way.PUSH,
        other=Other(others[0]) if others and not files else None,
        address=first["address"],
        shared=first["shared"],
    )
