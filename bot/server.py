"""The web server: one process with the chat page, the open interface and, unless told otherwise, the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from bot.app import Service
from bot.settings import Settings
from bot.web.pages import install
from scheduler.clock import Clock
from scheduler.jobs import jobs


def create_app(service: Service, *, clock: bool) -> FastAPI:
    """The application around a service; the service is closed when the application stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        ticking = Clock(service.database, jobs(service.knowledge.calendar)) if clock else None
        if ticking:
            ticking.start()
        yield
        if ticking:
            ticking.stop()
        service.close()

    app = FastAPI(
        title="诚信秤开放接口",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    install(app, service)
    return app


def serve(settings: Settings, host: str, port: int, *, clock: bool) -> int:
    service = Service(settings)
    app = create_app(service, clock=clock)
    print(f"诚信秤已启动，请用浏览器打开 http://{host}:{port}/ （按 Ctrl+C 停止）", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)
    return 0
