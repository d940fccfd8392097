"""HTTP towards WeChat: time limits, no redirects, UTF-8 JSON without escapes, and errors that name no secret."""

from __future__ import annotations

import json
from typing import Any

import httpx

from bot.channels.wechat.errors import UnreachableError, WechatError

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def new_http(base: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base, timeout=TIMEOUT, follow_redirects=False, trust_env=False)


async def post_json(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], params: dict[str, str] | None = None
) -> dict[str, Any]:
    """The platform's JSON answer. ``WechatError`` for an errcode, ``UnreachableError`` for no usable answer."""
    # The platform shows \\uXXXX escapes to the user as they are.
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return read(path, await request(http, "POST", path, params, content=content, headers=headers))


async def request(
    http: httpx.AsyncClient, method: str, path: str, params: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    try:
        return await http.request(method, path, params=params, **more)
    except httpx.HTTPError as error:
        # Never chained: an httpx error holds the request, its address and so the access token.
        why, sent = type(error).__name__, not isinstance(error, NOTHING_SENT)
    raise UnreachableError(path, why, perhaps_done=sent)


def read(path: str, response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; some successes carry no errcode."""
    if response.status_code >= 500:
        raise UnreachableError(path, f"HTTP {response.status_code}", perhaps_done=True)
    try:
        answer = json.loads(response.content)
    except ValueError:  # a portal's or a firewall's page instead of the platform's answer
        answer = None
    if not isinstance(answer, dict):
        raise UnreachableError(path, f"HTTP {response.status_code} without JSON", perhaps_done=False)
    code = answer.get("errcode", 0)
    if code:
        raise WechatError(int(code), path, _trace(str(answer.get("errmsg", ""))))
    return answer


def _trace(message: str) -> str:
    """The request id that WeChat's support asks for."""
    return message.partition("rid: ")[2][:40].strip()
