"""An ASGI application on a free loopback port, in a thread, whose connections can really be reset."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
STARTUP_SECONDS = 10.0
SHUTDOWN_SECONDS = 10.0
GRACE_SECONDS = 1.0
"""What an answer under way may still take when the server closes."""

RESET = "fake.reset"
"""Name of the scope extension through which an application resets its own connection."""


async def reset_connection(scope: Scope) -> None:
    """Closes the client's connection with a TCP reset; the application must send nothing more and return."""
    scope["extensions"][RESET]()
    # The transport reports the loss on the next turns of the loop; only then may the application return without an answer.
    for _ in range(3):
        await asyncio.sleep(0)


class ResettableProtocol(H11Protocol):
    """HTTP/1.1 that hands each request the means to reset its connection (`reset_connection`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def with_reset(scope: Scope, receive: Receive, send: Send) -> None:
            extensions = {**(scope.get("extensions") or {}), RESET: self.reset}
            await inner({**scope, "extensions": extensions}, receive, send)

        self.app = with_reset

    def reset(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        sock = self.transport.get_extra_info("socket")
        # Lingering zero seconds turns the close into RST; an ordinary FIN would look like a polite end.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class PromptServer(uvicorn.Server):
    """uvicorn that says when it is ready, and stops at once: its own pauses of 0.1 s would outlast most tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        if not self.should_exit:
            await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _done, running = await asyncio.wait(self.server_state.tasks, timeout=GRACE_SECONDS)
            for task in running:
                task.cancel()
        await asyncio.sleep(0)
        await self.lifespan.shutdown()

    def stop(self) -> None:
        """From any thread."""
        self.should_exit = True
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)


def listening_socket(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it each answer takes 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError:
        sock.close()
        raise
    return sock


class Served:
    """Runs `app` until `close()`; ready for requests when the constructor returns."""

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._socket = listening_socket(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self._server = PromptServer(
            uvicorn.Config(
                app,
                http=ResettableProtocol,
                ws="none",
                interface="asgi3",
                proxy_headers=False,
                log_config=None,
                access_log=False,
            )
        )
        self._thread = threading.Thread(target=self._run, name=f"served-{self.port}", daemon=True)
        self._thread.start()
        self._server.ready.wait(STARTUP_SECONDS)
        if not self._server.started:
            self.close()
            raise RuntimeError("the application did not start")

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            # Also when startup failed, so that the constructor does not wait for its whole limit.
            self._server.ready.set()

    def close(self) -> None:
        """Stops the server, ends what still runs, and frees the port; calling it twice is harmless."""
        self._server.stop()
        self._thread.join(SHUTDOWN_SECONDS)
        self._socket.close()
        if self._thread.is_alive():
            raise RuntimeError("the server did not stop")

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
