"""The channel put together: what comes in, what goes out, and the life of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx
from fastapi import APIRouter

from bot.app import Service
from bot.channels.wechat import notices, page
from bot.channels.wechat.client import WechatClient
from bot.channels.wechat.envelope import Envelope
from bot.channels.wechat.notices import How
from bot.channels.wechat.sender import WechatSender
from bot.channels.wechat.shown import Shown
from bot.channels.wechat.tokens import access_token, page_ticket
from bot.channels.wechat.transport import new_http
from bot.channels.wechat.web import Account, WechatWeb, create_router
from bot.media import Fetched
from bot.settings import Settings
from bot.times import utc_now
from bot.turns import Turns


class WechatFetcher:
    channel = "wechat"

    def __init__(self, client: WechatClient) -> None:
        self._client = client

    async def fetch(self, ref: str, kind: str) -> Fetched:  # noqa: ARG002 - other platforms fetch by kind
        return await self._client.download(ref)


class WechatChannel:
    def __init__(self, settings: Settings, service: Service, clock: Callable[[], datetime] = utc_now) -> None:
        self._http = new_http(settings.wechat_api_base)
        secret = settings.wechat_app_secret.get_secret_value()
        self.tokens = access_token(service.turns, self._http, settings.wechat_app_id, secret, clock)
        client = WechatClient(self._http, self.tokens)
        found = notices.load(settings.wechat_notices)
        abilities = settings.abilities
        self.sender = WechatSender(client, service.turns, abilities, found, clock)
        self.fetcher = WechatFetcher(client)
        self._shown = Shown(service.shown, clock)
        standing = frozenset(n.template_id for n in found if n.how is How.STANDING)
        account = Account("customer" in abilities, standing)
        self.web = WechatWeb(service, Envelope(settings), self._shown, clock, account)
        ticket = page_ticket(service.turns, secret, client.get, clock)
        self._page = page.Page(settings, ticket, found, clock)

    @property
    def seen(self) -> Mapping[str, int]:
        return self.web.seen

    @property
    def tokens_fetched(self) -> int:
        return self.tokens.fetched

    def router(self) -> APIRouter:
        router = APIRouter()
        router.include_router(create_router(self.web))
        router.include_router(page.create_router(self._page))
        return router

    async def start(self) -> None:
        await self._shown.start()

    async def stop(self) -> None:
        await self._shown.stop()
        await self._http.aclose()


def new_client(settings: Settings, turns: Turns, http: httpx.AsyncClient) -> WechatClient:
    """A client for one command; the server's channel makes its own."""
    secret = settings.wechat_app_secret.get_secret_value()
    return WechatClient(http, access_token(turns, http, settings.wechat_app_id, secret, utc_now))
