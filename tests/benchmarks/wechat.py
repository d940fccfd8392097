"""Encrypted WeChat look-ups a second, beside a bare Starlette + wechatpy echo; memory after many messages.

Each side is one real server process, called over loopback by the same client in a process of its own, with messages
sealed beforehand. ``python -m tests.benchmarks.wechat memory`` measures the memory. The echo opens the envelope, reads the message and seals the same text as a reply.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psutil

from tests.fakes.wechat import Platform, Push
from tests.processes import ROOT, Server, free_port, serving

APP_ID, TOKEN, KEY = "wx0123456789abcdef", "BenchToken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PEOPLE, AT_ONCE = 200, 16
WARM_UP, MESSAGES, MANY, PARTS = 500, 3_000, 100_000, 10
QUESTIONS = ("电子秤多久检一次", "强检收费吗", "加油机没检罚多少", "压力表要检定吗", "水表多久换", "血压计要检吗")

ECHO = f"""
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import TextReply
import sys

crypto = WeChatCrypto({TOKEN!r}, {KEY!r}, {APP_ID!r})

async def echo(request):
    q = request.query_params
    xml = crypto.decrypt_message(await request.body(), q["msg_signature"], q["timestamp"], q["nonce"])
    message = parse_message(xml)
    reply = TextReply(content=message.content, message=message)
    return Response(crypto.encrypt_message(reply.render(), q["nonce"], q["timestamp"]), media_type="text/xml")

app = Starlette(routes=[Route("/wechat", echo, methods=["POST"]), Route("/healthz", lambda r: Response("ok"))])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


def rows() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        with _bot(Path(folder)) as server:
            _load(server.port, WARM_UP, 0)
            rate, p99 = _load(server.port, MESSAGES, 1)
        echo, echo_p99 = _echo(Path(folder))
    return [
        (
            f"encrypted WeChat look-ups/s on SQLite ({AT_ONCE} at once; p99 {p99:.0f} ms)",
            f"{rate:.0f}",
            f"{echo:.0f}",
            f"Starlette + wechatpy echo, p99 {echo_p99:.0f} ms (ratio {rate / echo:.3f})",
        )
    ]


def memory_rows() -> Iterator[tuple[str, str, str, str]]:
    """The server's memory as the messages go by; a quarter of an hour, so not part of ``make bench``."""
    with tempfile.TemporaryDirectory() as folder, _bot(Path(folder)) as server:
        process = psutil.Process(server.process.pid)
        before = ""
        for part in range(PARTS + 1):
            _load(server.port, MANY // PARTS if part else MESSAGES, part)
            used = f"{process.memory_info().rss / 1e6:.0f}"
            before = before or used
            done = part * MANY // PARTS + MESSAGES
            yield f"server memory, MB, after {done:,} messages", used, before, f"after {MESSAGES:,}"


@contextmanager
def _bot(folder: Path) -> Iterator[Server]:
    environment = {
        "HONESTSCALE_DATA_DIR": str(folder),
        "HONESTSCALE_WECHAT_APP_ID": APP_ID,
        "HONESTSCALE_WECHAT_TOKEN": TOKEN,
        "HONESTSCALE_WECHAT_AES_KEY": KEY,
    }
    cache = ROOT / "var" / "cache"
    if cache.is_dir():
        (folder / "cache").symlink_to(cache)
    with serving(folder / "server.log", environment) as server:
        yield server


def _echo(folder: Path) -> tuple[float, float]:
    script = folder / "echo.py"
    script.write_text(ECHO, "utf-8")
    port = free_port()
    process = subprocess.Popen([sys.executable, str(script), str(port)])  # noqa: S603 - the script above
    try:
        _load(port, WARM_UP, 0)
        return _load(port, MESSAGES, 1)
    finally:
        process.terminate()
        process.wait(10)


def _load(port: int, count: int, part: int) -> tuple[float, float]:
    """Messages a second and the 99th percentile in milliseconds, as a client process measured them."""
    command = [sys.executable, "-m", "tests.benchmarks.wechat", str(port), str(count), str(part)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603
    rate, p99 = json.loads(answer.stdout)
    return rate, p99


# -- the client process -------------------------------------------------------------------------------------------


def sealed(port: int, count: int, part: int) -> list[bytes]:
    """Whole HTTP requests, made before the clock starts."""
    platform = Platform(f"http://127.0.0.1:{port}", APP_ID, TOKEN, KEY)
    texts = (QUESTIONS[n % len(QUESTIONS)] for n in range(count))
    return [_request(platform.sign(platform.text(f"o{part}-{n % PEOPLE}", said))) for n, said in enumerate(texts)]


def _request(push: Push) -> bytes:
    head = f"POST /wechat?{urlencode(push.params)} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(push.body)}\r\n\r\n".encode() + push.body


async def _drive(port: int, requests: Sequence[bytes]) -> tuple[float, float]:
    waiting = iter(requests)
    times: list[float] = []

    async def one_after_another() -> None:
        reader, writer = await _connect(port)
        for request in waiting:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
            times.append((time.perf_counter() - begun) * 1000)
        writer.close()
        await writer.wait_closed()

    begun = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return len(times) / (time.perf_counter() - begun), sorted(times)[int(len(times) * 0.99)]


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(300):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
    raise RuntimeError("no server")


if __name__ == "__main__":
    if sys.argv[1:] == ["memory"]:
        for row in memory_rows():
            print("  ".join(row), flush=True)
        sys.exit()
    at, number, which = map(int, sys.argv[1:])
    print(json.dumps(asyncio.run(_drive(at, sealed(at, number, which)))))
