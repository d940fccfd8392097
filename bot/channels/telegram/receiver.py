"""What is done with an update, however it came: by webhook or by polling."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from telegram.error import TelegramError

from bot import intake
from bot.app import Service
from bot.channels.telegram.albums import Albums
from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.inbound import CHANNEL, Me, Received, UnreadableError, receive
from bot.web.ports import BusyError
from storage import contacts, outbox, platform, sending
from storage.database import Session

log = logging.getLogger(__name__)


class Receiver:
    def __init__(
        self, service: Service, client: TelegramClient, me: Me, albums: Albums, clock: Callable[[], datetime]
    ) -> None:
        self._service = service
        self._client = client
        self._me = me
        self._albums = albums
        self._clock = clock
        self._acknowledging: set[asyncio.Task[None]] = set()
        self.seen: Counter[str] = Counter()
        """Updates by kind and by what became of them."""

    async def take(self, data: Any, raw: str) -> None:
        """Work one update, parsed and as it came; all is committed when this returns.

        ``BusyError``: nothing was kept and the platform is to send it again.
        """
        try:
            received = receive(data, self._clock(), self._me)
        except UnreadableError as error:
            self.seen["unreadable"] += 1
            await self._park(raw, f"unreadable: {error}")
            return
        self.seen[received.kind] += 1
        if received.tap:
            self._acknowledge(received.tap)
        try:
            await self._work(received, raw)
        except BusyError:
            self.seen["busy"] += 1
            raise
        except Exception as error:  # nothing that is sent may make the platform send it for ever
            await self._park(raw, type(error).__name__)

    async def stop(self) -> None:
        for task in tuple(self._acknowledging):
            task.cancel()
        await asyncio.gather(*self._acknowledging, return_exceptions=True)

    # -- what there is to do ----------------------------------------------------------------------------------

    async def _work(self, received: Received, raw: str) -> None:
        if received.moved is not None:
            old, new = received.moved
            await intake.do(self._service, lambda session: sending.move_chat(session, CHANNEL, old, new))
        elif received.account is not None:
            await intake.do(self._service, lambda session: _note_membership(session, received, self._clock()))
            self._service.wake()
        elif received.album:
            await self._albums.keep(received)
        elif received.inbound is not None and await intake.take(self._service, received.inbound, raw) is None:
            self.seen["parked"] += 1

    async def _park(self, raw: str, why: str) -> None:
        log.warning("an update is parked: %s", why)
        self.seen["parked"] += 1
        key = hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()
        kept = intake.storable(raw)
        await intake.do(self._service, lambda session: platform.park(session, CHANNEL, key, why, kept, self._clock()))

    # -- taps -------------------------------------------------------------------------------------------------

    def _acknowledge(self, tap: str) -> None:
        """Ends the button's waiting sign. Done beside the work, and at best: what the tap does is told by itself."""
        task = asyncio.create_task(self._answer(tap))
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def _answer(self, tap: str) -> None:
        try:
            await self._client.bot.answer_callback_query(tap)
        except TelegramError:
            self.seen["tap-unanswered"] += 1


def _note_membership(session: Session, received: Received, now: datetime) -> None:
    assert received.account is not None
    contact = contacts.find(session, CHANNEL, received.account.external_id)
    if contact is None:
        return
    contact.unreachable = "blocked" if received.blocked else ""
    if not received.blocked:
        outbox.unblock(session, contact.id, now)
