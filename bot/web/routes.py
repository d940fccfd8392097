"""The route class of the public requests: a body limit, and a sentence for every failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.routing import APIRoute

from bot.web.limits import capped
from bot.web.spoken import SpokenError, answer_for

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response


def route_with_limit(limit: int) -> type[APIRoute]:
    """A route class that takes at most ``limit`` bytes of body and answers every failure with a sentence."""

    class SpokenRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                try:
                    if int(request.headers.get("content-length") or 0) > limit:
                        raise SpokenError(413)  # noqa: TRY301 - said in the same way as a body found too long
                    return await inner(Request(request.scope, capped(request.receive, limit)))
                except Exception as error:
                    return answer_for(error)

            return handle

    return SpokenRoute
