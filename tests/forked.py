"""Processes that are forked from one that has everything loaded, each to die at a point that a test names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from storage import failpoints

KILLED, ENDED = "killed", "ended"


def serve(work: Callable[[dict[str, Any]], object]) -> None:
    """The forking process: each line of standard input is an order; how the process for it ended is said."""
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            order = json.loads(line)
            if order["point"]:
                failpoints.arm(order["point"])
            work(order)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(KILLED if os.WIFSIGNALED(status) else ENDED, flush=True)


class Forks:
    """The test's side of it."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        assert self._line() == "ready"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(self, point: str, **order: Any) -> str:
        """Work an order in a process that dies at ``point`` (``name:count``, or empty); how it ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"point": point, **order}) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
