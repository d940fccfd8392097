"""Work on files that strangers send, in a child process with limits: the child may die, the bot does not.

The child is ``python -m MODULE``; its module ends with ``serve(handle)``. It gets no setting and no secret of ours,
only the bytes on its standard input, and answers with bytes on its standard output.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """``memory`` in megabytes of address space, ``cpu`` in seconds of work, ``seconds`` by the clock."""

    memory: int
    cpu: int
    seconds: float


class LimitedError(Exception):
    """The child did not come back with an answer: it ran into a limit, or failed."""


class StoppedError(Exception):
    """Somebody ended the child: it says nothing about the file."""


def run(module: str, request: bytes, limits: Limits) -> bytes:
    """What the child makes of the request; ``LimitedError`` when it ran into a limit or failed."""
    command = [sys.executable, "-m", module, str(limits.memory), str(limits.cpu)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=request,
            capture_output=True,
            timeout=limits.seconds,
            env=_environment(),
            start_new_session=True,  # Ctrl+C in a terminal is meant for the bot alone
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LimitedError("took too long") from None
    if -done.returncode in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        raise StoppedError
    if done.returncode:
        # What the child wrote about its failure may quote the file: it goes nowhere.
        raise LimitedError(f"ended with {done.returncode}")
    return done.stdout


def serve(handle: Callable[[bytes], bytes]) -> None:
    """The child's side: take on the limits, then look at the request."""
    memory, cpu = (int(argument) for argument in sys.argv[1:3])
    resource.setrlimit(resource.RLIMIT_AS, (memory * MEGABYTE, memory * MEGABYTE))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(handle(sys.stdin.buffer.read()))


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # One thread each: beside the chat, a photo has no right to every core.
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
