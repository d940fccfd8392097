"""What the tests of the WeChat channel share: an account's settings, a sender over the fake platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from bot.channels.wechat.client import WechatClient
from bot.channels.wechat.notices import Notice
from bot.channels.wechat.sender import WechatSender
from bot.channels.wechat.tokens import access_token
from bot.channels.wechat.transport import new_http
from bot.settings import Settings
from bot.turns import Turns, turns_for
from handlers.conversation.messages import Choice, Reply
from storage import contacts, outbox, sending
from storage.database import Database
from storage.outbox import Envelope, OutboxRow
from storage.sending import Item, Outcome
from tests.fakes.wechat import FakeWechat, Platform
from tests.support import NOW

T = TypeVar("T")
APP_ID = "wx0123456789abcdef"
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - the fake account's
TOKEN = "CanaryToken123"  # noqa: S105
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OPENID = "oUser-0001"


def account(folder: Path, api: str, **more: Any) -> Settings:
    """Settings of a bot whose Official Account lives on the fake platform."""
    given = {
        "data_dir": folder,
        "database_url": "",
        "wechat_app_id": APP_ID,
        "wechat_app_secret": SECRET,
        "wechat_token": TOKEN,
        "wechat_aes_key": AES_KEY,
        "wechat_api_base": api,
        "wechat_abilities": "customer",
    }
    return Settings(_env_file=None, **(given | more))


def fake() -> FakeWechat:
    return FakeWechat(app_id=APP_ID, secret=SECRET)


def platform(target: str, api: FakeWechat | None = None, **more: Any) -> Platform:
    return Platform(target, APP_ID, TOKEN, AES_KEY, api=api, **more)


class Desk:
    """A sender on its own, with the database behind it."""

    def __init__(self, database: Database, api: FakeWechat) -> None:
        self.database = database
        self.api = api
        self.turns: Turns = turns_for(database, 4)
        self.now = NOW

    def run(
        self,
        work: Callable[[WechatSender], Awaitable[T]],
        abilities: str = "customer",
        notices: tuple[Notice, ...] = (),
    ) -> T:
        can = frozenset(abilities.split(","))
        return self.call(lambda client: work(WechatSender(client, self.turns, can, notices, self.clock)))

    def call(self, work: Callable[[WechatClient], Awaitable[T]]) -> T:
        """Work with a client of a process that has just started."""

        async def go() -> T:
            async with new_http(self.api.url) as http:
                return await work(WechatClient(http, access_token(self.turns, http, APP_ID, SECRET, self.clock)))

        return asyncio.run(go())

    def clock(self) -> datetime:
        return self.now

    def item(self, text: str = "有答复了", kind: str = "reply", openid: str = OPENID) -> Item:
        """A claimed message to one user."""
        reply = Reply(text, (Choice("好的", "menu:"),))
        with self.database.unit() as session:
            contact = contacts.get_or_create(session, "wechat", openid, self.now)
            outbox.new(session, contact, reply.to_json(), self.now, Envelope(kind=kind, nonce="0123456789abcdef"))
        with self.database.unit() as session:
            return sending.claim(session, "wechat", WechatSender.rate, self.now, 1)[0]

    def send(self, item: Item, abilities: str = "customer", notices: tuple[Notice, ...] = ()) -> Outcome:
        return self.run(lambda sender: sender.send(item), abilities, notices)

    def finish(self, item: Item, outcome: Outcome) -> str:
        with self.database.unit() as session:
            sending.finish(session, item, outcome, WechatSender.rate, self.now)
            return session.get_one(OutboxRow, item.id).state

    def contact_id(self, openid: str = OPENID) -> int:
        with self.database.unit() as session:
            return contacts.get_or_create(session, "wechat", openid, self.now).id


@contextmanager
def desk(database: Database, api: FakeWechat) -> Iterator[Desk]:
    made = Desk(database, api)
    yield made
    made.turns.close()
