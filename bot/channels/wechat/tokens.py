"""One access token for all replicas, by ``stable_token``.

``/cgi-bin/stable_token`` gives the same token however often it is asked (developers.weixin.qq.com, 获取稳定版接口调用凭据),
so replicas cannot kill each other's as with ``/cgi-bin/token``. Still only one asks, at most once in half a minute; the
others read what it found in the database. The token lies there encrypted under a key made from the AppSecret.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
from cryptography.fernet import Fernet, InvalidToken

from bot.channels.wechat.errors import UnreachableError, WechatError
from bot.channels.wechat.transport import post_json
from bot.logs import hide
from bot.turns import Turns
from storage import platform
from storage.database import Session
from storage.failpoints import reach

STABLE_TOKEN = "/cgi-bin/stable_token"  # noqa: S105 - an address
TICKET = "/cgi-bin/ticket/getticket"
NOT_AGAIN_FOR = timedelta(seconds=30)
EARLY = timedelta(seconds=60)
"""A token is not used in its last minute: a call under way must not see it die."""
WAIT_STEPS, WAIT_SECONDS = 25, 0.2


Fetch = Callable[[], Awaitable[tuple[str, timedelta]]]
"""Asks the platform: a value and how long it is good for."""


class Shared:
    """One platform credential. ``get()`` gives the value to use now; ``fetched`` counts this process's requests."""

    def __init__(self, turns: Turns, name: str, secret: str, fetch: Fetch, clock: Callable[[], datetime]) -> None:
        self._turns = turns
        self._name = name
        self._seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"{name}:{secret}".encode()).digest()))
        self._fetch = fetch
        self._clock = clock
        self._known: tuple[str, datetime] | None = None
        self._one = asyncio.Lock()
        self.fetched = 0

    async def get(self, refused: str = "") -> str:
        """A token that is not the ``refused`` one. ``WechatError``/``UnreachableError`` when there is none to be had."""
        async with self._one:
            found = self._fresh(self._known, refused) or self._fresh(await self._shared(), refused)
            return found or await self._new(refused)

    def _fresh(self, known: tuple[str, datetime] | None, refused: str) -> str:
        if known is None or known[0] == refused or known[1] - EARLY <= self._clock():
            return ""
        self._known = known
        return known[0]

    async def _shared(self) -> tuple[str, datetime] | None:
        def read(session: Session) -> tuple[str, datetime] | None:
            row = platform.token(session, self._name)
            return (row.sealed, row.expires_at) if row and row.sealed and row.expires_at else None

        kept = await asyncio.shield(asyncio.wrap_future(self._turns.submit(read)))
        if kept is None:
            return None
        try:
            token = self._seal.decrypt(kept[0]).decode()
        except InvalidToken:  # sealed under another AppSecret: it was changed
            return None
        hide(token)
        return token, kept[1]

    async def _new(self, refused: str) -> str:
        now = self._clock()
        ask = self._turns.submit(lambda session: platform.ask_for_token(session, self._name, now, NOT_AGAIN_FOR))
        if not await asyncio.shield(asyncio.wrap_future(ask)):
            return await self._from_another(refused)
        reach("token.asked")
        self.fetched += 1
        token, life = await self._fetch()
        hide(token)
        reach("token.fetched")
        sealed = self._seal.encrypt(token.encode()).decode()
        keep = self._turns.submit(lambda session: platform.keep_token(session, self._name, sealed, now + life))
        await asyncio.shield(asyncio.wrap_future(keep))
        self._known = (token, now + life)
        if token == refused:  # the platform stands by a token that it refused: let some time pass
            raise WechatError(40001, self._name)
        return token

    async def _from_another(self, refused: str) -> str:
        """Somebody else is asking just now; their token is ours."""
        for _ in range(WAIT_STEPS):
            found = self._fresh(await self._shared(), refused)
            if found:
                return found
            await asyncio.sleep(WAIT_SECONDS)
        raise UnreachableError(self._name, "no token yet", perhaps_done=False)


def access_token(
    turns: Turns, http: httpx.AsyncClient, app_id: str, secret: str, clock: Callable[[], datetime]
) -> Shared:
    """The access token of an account."""
    body = {"grant_type": "client_credential", "appid": app_id, "secret": secret}

    async def fetch() -> tuple[str, timedelta]:
        return _value(STABLE_TOKEN, await post_json(http, STABLE_TOKEN, body), "access_token")

    return Shared(turns, "wechat-token", secret, fetch, clock)


def page_ticket(
    turns: Turns, secret: str, get: Callable[..., Awaitable[dict[str, Any]]], clock: Callable[[], datetime]
) -> Shared:
    """The ticket (jsapi_ticket) with which our pages prove themselves to the WeChat browser."""

    async def fetch() -> tuple[str, timedelta]:
        return _value(TICKET, await get(TICKET, type="jsapi"), "ticket")

    return Shared(turns, "wechat-ticket", secret, fetch, clock)


def _value(path: str, answer: dict[str, Any], name: str) -> tuple[str, timedelta]:
    value, life = answer.get(name), answer.get("expires_in")
    if not isinstance(value, str) or not isinstance(life, int):
        raise UnreachableError(path, f"no {name} in the answer", perhaps_done=False)
    return value, timedelta(seconds=life)
