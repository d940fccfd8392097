"""The public web pages: the chat at ``/`` and what it needs, put onto an application by ``install``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from bot.web.api import create_api_router
from bot.web.chat import create_chat_router
from bot.web.headers import SecurityHeaders
from bot.web.limits import ChatSettings
from bot.web.templating import STATIC, VersionedFiles, render

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bot.web.ports import ChatPort

STARTS = ("查义务", "当场判定", "人工")


def create_router(port: ChatPort, settings: ChatSettings) -> APIRouter:
    """The page, the chat behind it and the open interface."""
    chat = create_chat_router(port, settings)
    router = APIRouter()

    async def page() -> HTMLResponse:
        limits = {"text": settings.max_text, "files": settings.max_files, "bytes": settings.max_file_bytes}
        greeting, offered = port.greeting()
        return HTMLResponse(
            render("chat.html", starts=STARTS, greeting=greeting, greeting_starts=offered, limits=limits)
        )

    router.get("/", include_in_schema=False)(page)
    router.include_router(chat)
    router.include_router(create_api_router(port, chat.routes))
    return router


def install(app: FastAPI, port: ChatPort, settings: ChatSettings | None = None) -> None:
    """Mount static files, security headers and routes.

    The application is to be made with ``docs_url=None, redoc_url=None, openapi_url=None``: the framework's own pages
    load scripts from elsewhere, which the headers forbid.
    """
    app.add_middleware(SecurityHeaders)
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")
    app.include_router(create_router(port, settings or ChatSettings()))
