"""Turns a second through the whole web stack, on SQLite and PostgreSQL, beside a bare Starlette echo.

Both are called the way a server calls them (ASGI), in one process, with sixteen people talking at once; the echo
reads the same JSON and gives one back.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.app import Knowledge, Service
from bot.server import create_app
from bot.settings import Settings

POSTGRES = os.environ.get("HONESTSCALE_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
PEOPLE, ROUNDS = 16, 15
MESSAGES = (
    "电子秤多久检一次",
    "那水表呢",
    "强检收费吗",
    "2斤排骨28一斤称得1斤8两",
    "1",
    "谢谢",
    "加油机没检罚多少",
    "更多",
    "菜单",
    "查秤",
)


def rows() -> list[tuple[str, str, str, str]]:
    knowledge = Knowledge.load(Path("var/cache"))
    echo = asyncio.run(echo_rate())
    found = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(_row("SQLite", Settings(data_dir=Path(folder)), knowledge, echo))
        with fresh_postgres() as url:
            if url is None:
                found.append(("turns/s on PostgreSQL", "no server", "", ""))
            else:
                found.append(_row("PostgreSQL", Settings(data_dir=Path(folder), database_url=url), knowledge, echo))
    return found


def _row(name: str, settings: Settings, knowledge: Knowledge, echo: float) -> tuple[str, str, str, str]:
    service = Service(settings, knowledge)
    rate, p99 = asyncio.run(chat_rate(service))
    service.close()
    return (
        f"turns/s on {name} ({PEOPLE} at once; p99 {p99:.0f} ms)",
        f"{rate:.0f}",
        f"{echo:.0f}",
        f"bare Starlette echo (ratio {rate / echo:.2f})",
    )


async def chat_rate(service: Service) -> tuple[float, float]:
    app = create_app(service, clock=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
        tokens = [(await client.post("/chat/session")).json()["token"] for _ in range(PEOPLE)]
        times: list[float] = []

        async def person(token: str) -> None:
            last = 0
            for n in range(ROUNDS):
                body = {"key": f"{token[:8]}{n:04d}", "text": MESSAGES[n % len(MESSAGES)], "after": last}
                begun = time.perf_counter()
                answer = await client.post("/chat/messages", json=body, headers={"Authorization": f"Bearer {token}"})
                times.append((time.perf_counter() - begun) * 1000)
                last = answer.raise_for_status().json()["last"]

        begun = time.perf_counter()
        await asyncio.gather(*map(person, tokens))
        spent = time.perf_counter() - begun
    return len(times) / spent, sorted(times)[int(len(times) * 0.99)]


async def echo_rate() -> float:
    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"said": (await request.json())["text"]})

    app = Starlette(routes=[Route("/chat/messages", echo, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:

        async def person() -> None:
            for n in range(ROUNDS):
                await client.post("/chat/messages", content=json.dumps({"text": MESSAGES[n % len(MESSAGES)]}))

        begun = time.perf_counter()
        await asyncio.gather(*(person() for _ in range(PEOPLE)))
        return PEOPLE * ROUNDS / (time.perf_counter() - begun)


@contextmanager
def fresh_postgres() -> Iterator[str | None]:
    """A new database on the test server, dropped afterwards; None when no server answers."""
    name = f"honestscale_bench_{os.getpid()}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except Exception:
        yield None
        return
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
