"""What this process counts by itself: messages and their turns. No person and no secret in any label."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from bot.turns import OverloadedError

T = TypeVar("T")

REGISTRY = CollectorRegistry()
INBOUND = Counter(
    "honestscale_inbound_messages",
    "Messages by channel and result: answered, failed, busy (not taken in, to be sent again)",
    ["channel", "result"],
    registry=REGISTRY,
)
TURN_SECONDS = Histogram(
    "honestscale_turn_seconds",
    "From taking a message in to its commit",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.0, 10.0),
    registry=REGISTRY,
)

_began: dict[Future[Any], float] = {}


def follow(channel: str, submit: Callable[[], Future[T]]) -> Future[T]:
    """Take a message in by ``submit`` and count what becomes of it; ``OverloadedError`` is counted and passed on."""
    began = time.monotonic()
    try:
        future = submit()
    except OverloadedError:
        INBOUND.labels(channel, "busy").inc()
        raise
    _began[future] = began
    future.add_done_callback(partial(_done, channel))
    return future


def oldest_turn_seconds() -> float:
    """How long the message that has waited longest in this process is waiting for its turn to end."""
    now = time.monotonic()
    return max((now - began for began in tuple(_began.values())), default=0.0)


def _done(channel: str, future: Future[Any]) -> None:
    TURN_SECONDS.observe(time.monotonic() - _began.pop(future))
    done = not future.cancelled() and future.exception() is None
    INBOUND.labels(channel, "answered" if done else "failed").inc()
