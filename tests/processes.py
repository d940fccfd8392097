"""Real server processes for tests that kill, restart or measure them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Server:
    """One ``python -m bot …`` process. Its output goes to ``log``."""

    def __init__(self, log: Path, environment: Mapping[str, str], port: int, *arguments: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._out = log.open("ab")
        command = [sys.executable, "-m", "bot", *(arguments or ("serve",))]
        if command[3] == "serve":
            command += ["--port", str(port)]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HONESTSCALE_")}
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env=clean | dict(environment), stdout=self._out, stderr=subprocess.STDOUT
        )

    def wait_ready(self) -> None:
        """Until it answers; raises with its output when it stops or takes too long."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError(f"the server did not come up:\n{self.log.read_text('utf-8', 'replace')[-3000:]}")

    def wait_gone(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, how: int = signal.SIGTERM, seconds: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(seconds)
        self._out.close()
        return code


@contextmanager
def serving(log: Path, environment: Mapping[str, str], port: int = 0, *arguments: str) -> Iterator[Server]:
    server = Server(log, environment, port or free_port(), *arguments)
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()
