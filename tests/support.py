"""What several test files share: people, instants, a picture, services on a fresh database, a clock that stands still."""

from __future__ import annotations

import asyncio
import io
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI
from PIL import Image

import bot.app
import bot.times
import bot.web.chat
from bot.app import Knowledge, Service
from bot.settings import Settings
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound
from handlers.talk import Bench, Office
from storage.database import Database
from storage.vault import KEY_BYTES, Vault

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""A Tuesday, ten in the morning in China."""


def local(text: str) -> datetime:
    """``2026-11-24T10:00`` as people in China mean it."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def said(text: str, key: str = "k", who: str = "wang", at: datetime = NOW, files: int = 0) -> Inbound:
    attachments = tuple(Attachment(AttachmentKind.IMAGE, f"{n:064x}", "image/png", 10, "x.png") for n in range(files))
    return Inbound(ContactRef("terminal", who), key, at, text, attachments=attachments)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


def migrated_file(at: Path) -> Path:
    """An empty SQLite database with today's tables."""
    database = Database(f"sqlite:///{at}")
    database.migrate()
    database.close()
    return at


def service_at(folder: Path, template: Path, knowledge: Knowledge) -> Service:
    """A running bot on its own copy of an empty database."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, folder / "honestscale.db")
    return Service(Settings(data_dir=folder, database_url="", _env_file=None), knowledge)


class StandingClock:
    """Lets the modules that look at the clock see one instant; used as ``with``."""

    _looking = (bot.app, bot.web.chat, bot.times)

    def __init__(self) -> None:
        self.now = NOW

    def __enter__(self) -> StandingClock:
        clock = self

        class Standing(datetime):
            @classmethod
            def now(cls, tz=None):
                return clock.now.astimezone(tz)

        for module in self._looking:
            module.datetime = Standing
        return self

    def __exit__(self, *_error: object) -> None:
        for module in self._looking:
            module.datetime = datetime


class Browser:
    """Requests against the application in this process, one after the other, over one event loop."""

    def __init__(self, app: FastAPI) -> None:
        self._loop = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat")
        self.headers = self._client.headers

    def get(self, path: str) -> httpx.Response:
        return self._loop.run(self._client.get(path))

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self._loop.run(self._client.post(path, **body))

    def close(self) -> None:
        self._loop.run(self._client.aclose())
        self._loop.close()


def bench_of(knowledge: Knowledge, office: Office | None = None) -> Bench:
    """What services work with, over these facts; sealed things are lost when it is."""
    vault = Vault(secrets.token_bytes(KEY_BYTES))
    return Bench(knowledge.library, knowledge.matcher, knowledge.calendar, knowledge.plans, office or Office(), vault)
