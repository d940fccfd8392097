"""What stands behind the addresses of files: whose a link is, and what is made for them when they open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.settings import CHANNEL_NAMES
from bot.times import utc_now
from bot.web.ports import Made, Uploader
from handlers.conversation.messages import Attachment, ContactRef, Inbound, Numbered, Way
from storage import links, shops
from storage.contacts import Contact, hashed
from storage.database import Session
from storage.links import FileLink
from storage.shops import Shop

if TYPE_CHECKING:
    from bot.app import Service

UPLOAD = "upload"
PULLING = frozenset(("web", "terminal"))
"""Channels that fetch the answer themselves; to the others it is sent."""


@dataclass(frozen=True)
class Makers:
    """``downloads``: by a link's kind, what makes its file; it checks once more that the person may have it, and raises
    ``LookupError`` when not. ``feed`` makes a shop's calendar."""

    downloads: Mapping[str, Callable[[Session, FileLink, datetime], Made]]
    feed: Callable[[Session, Shop, datetime], Made]


class FileLinks:
    """``FilesPort`` over the service."""

    def __init__(self, service: Service, makers: Makers, clock: Callable[[], datetime] = utc_now) -> None:
        self._service = service
        self._makers = makers
        self._clock = clock

    def download(self, token: str) -> Made:
        now = self._clock()
        with self._service.database.reading() as session:
            link = links.find(session, token, now)
            if link is None or link.kind not in self._makers.downloads:
                raise LookupError
            return self._makers.downloads[link.kind](session, link, now)

    def feed(self, token: str) -> Made:
        with self._service.database.reading() as session:
            shop = shops.by_feed(session, token)
            if shop is None:
                raise LookupError
            return self._makers.feed(session, shop, self._clock())

    def uploader(self, token: str) -> Uploader:
        with self._service.database.reading() as session:
            link = links.find(session, token, self._clock())
            contact = session.get(Contact, link.contact_id) if link is not None and link.kind == UPLOAD else None
        if contact is None or contact.channel in self._service.settings.public_only:
            raise LookupError
        return Uploader(
            ContactRef(contact.channel, contact.external_id),
            Way.PULL if contact.channel in PULLING else Way.PUSH,
            contact.address,
            CHANNEL_NAMES.get(contact.channel, "对话"),
            hashed(token)[:16],
        )

    def keep_file(self, data: bytes, name: str) -> Attachment:
        return self._service.keep_file(data, name)

    async def send(self, inbound: Inbound) -> list[Numbered]:
        return await self._service.send(inbound)
