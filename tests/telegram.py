"""A bot on the fake Telegram: settings, the whole server around it, and its messages as a person reads them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from bot.app import Knowledge, Service
from bot.channels.telegram.render import BACK, LISTED
from bot.channels.telegram.web import SECRET_HEADER
from bot.server import create_app
from bot.settings import Settings
from handlers.conversation.messages import Reply
from handlers.outreach import push
from storage import contacts
from storage.contacts import Contact
from storage.database import Session
from tests.fakes.serving import Served
from tests.fakes.telegram import BOT_TOKEN, FakeTelegram, Json, Person, SentMessage

SECRET = "CanarySecret_0123456789abcdefghijk"  # noqa: S105 - the fake account's
QUESTION = "电子秤多久检一次"
ASSESSED = {"telegram_assessment_ref": "网信评估〔2026〕1号"}
"""With this the bot may also take personal matters on Telegram, such as a question to staff."""
numbers = count(301)


def account(folder: Path, api: str, **more: Any) -> Settings:
    """Settings of a bot whose account lives on the fake platform."""
    given: dict[str, Any] = {
        "data_dir": folder,
        "database_url": "",
        "telegram_mode": "webhook",
        "telegram_token": BOT_TOKEN,
        "telegram_api_base": api,
        "telegram_webhook_secret": SECRET,
    }
    return Settings(_env_file=None, **(given | more))


class Running:
    """The bot's own server, and the service behind it."""

    def __init__(self, service: Service, app: FastAPI, served: Served) -> None:
        self.service = service
        self.app = app
        self.url = f"{served.url}/telegram"


@contextmanager
def running(
    folder: Path, template: Path, knowledge: Knowledge, fake: FakeTelegram, *, worker: bool = True, **more: Any
) -> Iterator[Running]:
    """The whole bot, on a database of its own; the fake delivers to it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not more.get("database_url"):
        shutil.copy(template, folder / "honestscale.db")
    settings = account(folder, fake.url, **more)
    service = Service(settings, knowledge)
    app = create_app(service, clock=False, worker=worker)
    with Served(app) as served:
        if settings.telegram_mode == "webhook":
            fake.deliver_to(f"{served.url}/telegram", SECRET)
        yield Running(service, app, served)


class Stage:
    """A bot on the fake platform, with looks into its database."""

    def __init__(self, bot: Running, fake: FakeTelegram) -> None:
        self.bot = bot
        self.fake = fake

    @property
    def service(self) -> Service:
        return self.bot.service

    def person(self) -> Person:
        return self.fake.person(next(numbers))

    def session(self) -> Any:
        return self.service.database.reading()

    def rows(self, table: Any) -> list[Any]:
        with self.session() as session:
            return list(session.scalars(select(table)))

    def contact(self, external_id: object) -> Contact:
        with self.session() as session:
            found = contacts.find(session, "telegram", str(external_id))
        assert found is not None
        return found

    def until(self, true: Callable[[], bool], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.03)

    def tell(self, person: Person, text: str) -> None:
        """Something the person did not just ask for."""

        def work(session: Session) -> None:
            contact = contacts.find(session, "telegram", str(person.user_id))
            assert contact is not None
            push(session, contact.id, Reply(text), datetime.now(UTC), "consult-answer", f"{text}:{contact.id}")

        self.service.turns.submit(work).result()
        self.service.wake()

    def post(self, body: bytes, secret: str = SECRET) -> int:
        headers = {SECRET_HEADER.encode(): secret.encode()} if secret else None
        return httpx.post(self.bot.url, content=body, headers=headers).status_code


def spoken(text: str, rows: Sequence[Sequence[Json]]) -> str:
    """A message as the terminal would write it: the text, then its options as lines.

    ``rows`` is the ``inline_keyboard`` as the Bot API shows it; the row that leads out of a form is no option.
    """
    labels = [button["text"] for row in rows for button in row if row[0]["text"] != BACK]
    return text if len(labels) > LISTED else "\n".join([text, *labels])


def read(message: SentMessage) -> str:
    return spoken(message.text, message.rows)
