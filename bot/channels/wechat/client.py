"""The calls to WeChat that this product makes. The SDK's own client retries without end and logs secrets; not used."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from bot.channels.wechat.errors import Reaction, UnreachableError, WechatError
from bot.channels.wechat.tokens import Shared
from bot.channels.wechat.transport import post_json, read, request
from bot.media import Fetched, MediaGoneError, MediaRefusedError

MEDIA_LIMIT = 10 * 1024 * 1024
MEDIA_GONE = (40007, 41006)
FILM_HOSTS = (".qq.com", ".qpic.cn")
"""Where the platform keeps the films that people sent."""
T = TypeVar("T")


class WechatClient:
    def __init__(self, http: httpx.AsyncClient, tokens: Shared) -> None:
        self._http = http
        self._tokens = tokens

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async def call(token: str) -> dict[str, Any]:
            return await post_json(self._http, path, body, {"access_token": token})

        return await self._with_token(call)

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        async def call(token: str) -> dict[str, Any]:
            return read(path, await request(self._http, "GET", path, {"access_token": token, **params}))

        return await self._with_token(call)

    async def _with_token(self, call: Callable[[str], Awaitable[T]]) -> T:
        """Once more, and only once, with another token when the first is refused."""
        token = await self._tokens.get()
        try:
            return await call(token)
        except WechatError as error:
            if error.reaction is not Reaction.REFRESH:
                raise
        return await call(await self._tokens.get(refused=token))

    # -- telling a user ---------------------------------------------------------------------------------------

    async def send_text(self, openid: str, text: str) -> None:
        """A customer message (客服消息); the caller has seen to it that a window is open."""
        body = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        await self.post("/cgi-bin/message/custom/send", body)

    async def send_subscription(self, openid: str, template_id: str, data: dict[str, str], page: str = "") -> None:
        """A subscription notice (订阅通知) to which the user agreed."""
        body: dict[str, Any] = {"touser": openid, "template_id": template_id, "data": _values(data)}
        await self.post("/cgi-bin/message/subscribe/bizsend", body | ({"page": page} if page else {}))

    async def send_template(self, openid: str, template_id: str, data: dict[str, str], url: str = "") -> str:
        """A template message (模板消息); its id, under which the platform reports later."""
        body: dict[str, Any] = {"touser": openid, "template_id": template_id, "data": _values(data)}
        answer = await self.post("/cgi-bin/message/template/send", body | ({"url": url} if url else {}))
        return str(answer.get("msgid", ""))

    # -- files ------------------------------------------------------------------------------------------------

    async def download(self, media_id: str) -> Fetched:
        """A file a user sent, by its id from the platform's host; never an address out of a message."""

        async def call(token: str) -> Fetched:
            return await self._download(media_id, token)

        try:
            return await self._with_token(call)
        except WechatError as error:
            if error.code in MEDIA_GONE:
                raise MediaGoneError from None
            raise

    async def _download(self, media_id: str, token: str) -> Fetched:
        path = "/cgi-bin/media/get"
        params = {"access_token": token, "media_id": media_id}
        why = ""
        try:
            async with self._http.stream("GET", path, params=params) as response:
                media_type = response.headers.get("content-type", "").partition(";")[0].strip()
                data = await _limited(response)
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why:
            raise UnreachableError(path, why, perhaps_done=False)
        if response.status_code != httpx.codes.OK:
            raise UnreachableError(path, f"HTTP {response.status_code}", perhaps_done=False)
        if media_type not in ("application/json", "text/plain"):
            return Fetched(data, "", media_type)
        address = _film_address(path, data)
        return await self._film(path, address) if address else Fetched(data, "", media_type)

    async def _film(self, path: str, address: str) -> Fetched:
        """A film stands on another server of the platform, named in its own answer; the token does not go there."""
        if not self._is_the_platforms(httpx.URL(address)):
            raise MediaRefusedError("视频的地址不是微信的")
        why = ""
        try:
            async with self._http.stream("GET", address) as response:
                data = await _limited(response)
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why:
            raise UnreachableError(path, why, perhaps_done=False)
        if response.status_code != httpx.codes.OK:
            raise UnreachableError(path, f"HTTP {response.status_code}", perhaps_done=False)
        return Fetched(data, "", response.headers.get("content-type", "").partition(";")[0].strip())

    def _is_the_platforms(self, address: httpx.URL) -> bool:
        base = self._http.base_url
        own = (address.scheme, address.host, address.port) == (base.scheme, base.host, base.port)
        # Films are to be had over plain HTTP only.
        return own or (address.port is None and not address.userinfo and address.host.endswith(FILM_HOSTS))


async def _limited(response: httpx.Response) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > MEDIA_LIMIT:
            raise MediaRefusedError("文件超过 10 MB")
    return bytes(data)


def _film_address(path: str, data: bytes) -> str:
    """The address in an answer that is no file; empty: it is a file after all. An error is raised."""
    try:
        answer = json.loads(data)
    except ValueError:
        return ""
    if isinstance(answer, dict) and answer.get("errcode"):
        raise WechatError(int(answer["errcode"]), path)
    address = answer.get("video_url") if isinstance(answer, dict) else None
    if not isinstance(address, str) or not address.startswith(("http://", "https://")):
        raise MediaRefusedError("这种文件收不了")
    return address


def _values(data: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value} for name, value in data.items()}
