"""A bot on the fake Telegram: settings, the whole server around it, and its messages as a person reads them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bot.app import Knowledge, Service
from bot.channels.telegram.render import BACK, LISTED
from bot.server import create_app
from bot.settings import Settings
from tests.fakes.serving import Served
from tests.fakes.telegram import BOT_TOKEN, FakeTelegram, Json, SentMessage

SECRET = "CanarySecret_0123456789abcdefghijk"  # noqa: S105 - the fake account's


def account(folder: Path, api: str, **more: Any) -> Settings:
    """Settings of a bot whose account lives on the fake platform."""
    given = {
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
def running(folder: Path, template: Path, knowledge: Knowledge, fake: FakeTelegram, **more: Any) -> Iterator[Running]:
    """The whole bot with its worker, on a database of its own; the fake delivers to it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not more.get("database_url"):
        shutil.copy(template, folder / "honestscale.db")
    settings = account(folder, fake.url, **more)
    service = Service(settings, knowledge)
    app = create_app(service, clock=False, worker=True)
    with Served(app) as served:
        if settings.telegram_mode == "webhook":
            fake.deliver_to(f"{served.url}/telegram", SECRET)
        yield Running(service, app, served)


def spoken(text: str, rows: Sequence[Sequence[Json]]) -> str:
    """A message as the terminal would write it: the text, then its options as lines.

    ``rows`` is the ``inline_keyboard`` as the Bot API shows it; the row that leads out of a form is no option.
    """
    labels = [button["text"] for row in rows for button in row if row[0]["text"] != BACK]
    return text if len(labels) > LISTED else "\n".join([text, *labels])


def read(message: SentMessage) -> str:
    return spoken(message.text, message.rows)
