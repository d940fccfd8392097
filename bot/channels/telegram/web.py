"""``POST /telegram``: the platform's updates. 200 is said only when an update is committed; anything else repeats it."""

from __future__ import annotations

import hmac
import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.channels.telegram.receiver import Receiver
from bot.web.ports import BusyError

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
BODY_LIMIT = 1024 * 1024


def create_router(receiver: Receiver, secret: str) -> APIRouter:
    expected = secret.encode()
    assert expected, "a webhook without a secret takes anybody's word"

    async def receive(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "").encode("latin-1")
        if not hmac.compare_digest(given, expected):
            receiver.seen["refused-403"] += 1
            return Response(status_code=403)
        body = await _body(request)
        if body is None:
            receiver.seen["refused-413"] += 1
            return Response(status_code=413)
        try:
            await receiver.take(_parsed(body), body.decode("utf-8", "replace"))
        except BusyError:
            return Response(status_code=503)
        return Response(status_code=200)

    router = APIRouter(include_in_schema=False)
    router.post("/telegram")(receive)
    return router


async def _body(request: Request) -> bytes | None:
    """None when it is longer than any update."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _parsed(body: bytes) -> Any:
    """None for what is not JSON: that is no update either."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
