"""Starting and stopping a process: a port of its own, the signals, and a limit on how long stopping may take."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0
"""What is under way may end within this; the rest lies in the database and is taken up by the next start."""


class StartError(RuntimeError):
    """The process cannot start; the text says in Chinese what to look at."""


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, so that a taken port is known before anything else is loaded."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise StartError(f"不认识 --host {host} 这个地址；本机用 127.0.0.1，所有网卡用 0.0.0.0。") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise StartError(_why_not(host, port, error)) from None
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"端口 {port} 已经有程序在用：请先停掉它，或用 --port 换一个。"
    if error.errno == errno.EACCES:
        return f"没有权限用端口 {port}：请用 --port 换一个 1024 以上的，再由代理转过来。"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"这台机器没有 {host} 这个地址：请检查 --host。"
    return f"不能在 {host} 的 {port} 端口上接收：{error.strerror}。请检查 --host 和 --port。"


def run(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run ``work`` until it is done; SIGTERM and SIGINT set the event it is given."""

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _ask_to_stop, stop)
        await work(stop)

    asyncio.run(until_stopped())


def _ask_to_stop(stop: asyncio.Event) -> None:
    """Once politely; who asks twice does not want to wait."""
    if stop.is_set():
        os._exit(1)
    stop.set()
    # A daemon: it also watches over the threads that the interpreter waits for after everything else.
    limit = threading.Timer(DRAIN_SECONDS, _leave)
    limit.daemon = True
    limit.start()


def _leave() -> None:
    log.error("not everything under way ended within %d s; what is left stays in the database", DRAIN_SECONDS)
    os._exit(1)
