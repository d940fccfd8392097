"""The web server: one process with the chat page, the interface, the platforms' callbacks and, unless told otherwise,
the worker and the clock."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.app import Service
from bot.downloads import makers
from bot.file_links import FileLinks
from bot.pledge_pages import PledgeDesk
from bot.processes import Channels, Ticking, Worker
from bot.progress import ProgressDesk
from bot.running import StartError, listen, run
from bot.settings import Settings, WechatMode, is_local
from bot.web.files import create_files_router
from bot.web.headers import SECURITY_HEADERS
from bot.web.health import Health, create_health_router
from bot.web.pages import install
from bot.web.pledges import create_pledges_router
from bot.web.progress import create_progress_router
from bot.web.spoken import answer_for

SETTLED_SECONDS = 5.0
ANSWERS_SECONDS = 4
"""Answers under way may still take this long after a signal: as long as a turn may. The rest of the drain is the
worker's."""


def create_app(service: Service, *, clock: bool, worker: bool = False) -> FastAPI:
    """The application around a service; the service is closed when the application stops.

    The channels that are set up take messages in; ``worker`` also sends and fetches for them, ``clock`` runs the daily
    jobs.
    """
    channels = Channels.of(service)
    health = Health(service, channels.names, channels.counts)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            running.push_async_callback(asyncio.to_thread, service.close)
            running.callback(health.close)
            # Not beside the start, which has enough to do; then the first who files waits for no slow hash.
            filling = asyncio.get_running_loop().call_later(SETTLED_SECONDS, service.reception.bench.receipts.fill)
            running.callback(filling.cancel)
            if clock:
                await running.enter_async_context(Ticking(service))
            await running.enter_async_context(channels)
            if worker:
                await running.enter_async_context(Worker(service, channels))
            yield

    app = FastAPI(
        title="诚信秤开放接口",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        exception_handlers={HTTPException: _spoken, Exception: _spoken_at_last},
    )
    install(app, service)
    files = create_files_router(FileLinks(service, makers(service)))
    progress = create_progress_router(ProgressDesk(service))
    pledges = create_pledges_router(PledgeDesk(service))
    for router in (create_health_router(health), files, progress, pledges, *channels.routers()):
        app.include_router(router)
    return app


async def _spoken(_request: Request, error: Exception) -> Response:
    """An address or a method there is not, outside the chat as well: one sentence, as JSON."""
    return answer_for(error)


async def _spoken_at_last(_request: Request, error: Exception) -> Response:
    """What nobody caught is answered outside of the middleware that gives the headers."""
    answer = answer_for(error)
    answer.headers.update(SECURITY_HEADERS)
    return answer


class Server(uvicorn.Server):
    """uvicorn that leaves the signals to ``run`` and says when it is ready."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            at = f"[{host}]" if ":" in host else host
            print(f"诚信秤已启动，请用浏览器打开 http://{at}:{port}/ （按 Ctrl+C 停止）", flush=True)


def serve(settings: Settings, host: str, port: int, *, clock: bool, worker: bool) -> int:
    """Until stopped. ``StartError`` when the address cannot be served."""
    if settings.wechat_app_id and settings.wechat_mode is WechatMode.PLAIN and not is_local(host):
        raise StartError(
            f"HONESTSCALE_WECHAT_MODE=plain 只能在本机开发用，不能在 {host} 上对外：请改成 safe，或用 --host 127.0.0.1。"
        )
    with listen(host, port) as listener:
        service = Service(settings, local_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = create_app(service, clock=clock, worker=worker)
        run(lambda stop: _serve(app, listener, stop))
    return 0


async def _serve(app: Any, listener: socket.socket, stop: asyncio.Event) -> None:
    # No log settings of its own: everything goes through the one handler that hides secrets, and no access log,
    # since addresses hold tickets and signatures.
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ANSWERS_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving
