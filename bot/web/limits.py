"""How much one person may send: token buckets in memory and a cap on request bodies.

Buckets are per session, not per address: a market hall or a classroom shares one address.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.web.spoken import SpokenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Receive

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a deployment may tune. Sizes are bytes, ``per_seconds`` is the time in which ``burst`` refills."""

    burst: int = 20
    per_seconds: float = 10.0
    max_text: int = 2000
    max_files: int = 9
    max_file_bytes: int = 10 * MEGABYTE

    @property
    def max_upload_bytes(self) -> int:
        return self.max_files * self.max_file_bytes + MEGABYTE


class Buckets:
    """One token bucket per key: ``burst`` at once, then an even refill.

    At most ``keep`` keys are remembered; beyond that the full buckets go first, since forgetting them changes nothing.
    """

    def __init__(
        self, burst: int, per_seconds: float, *, keep: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = float(burst)
        self._rate = burst / per_seconds
        self._keep = keep
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def wait(self, key: str) -> float:
        """Seconds until the next token; 0.0 when there is one now. Takes nothing."""
        return max(0.0, (1.0 - self._level(key)) / self._rate)

    def take(self, key: str) -> float:
        """Take one token; answers 0.0, or the seconds to wait when there was none."""
        seconds = self.wait(key)
        if seconds <= 0.0:
            self._levels[key] = (self._level(key) - 1.0, self._clock())
            self._forget()
        return seconds

    def demand(self, key: str) -> None:
        """Take one token or raise the 429 that tells the person how long to wait."""
        seconds = self.take(key)
        if seconds > 0.0:
            raise too_often(seconds)

    def _level(self, key: str) -> float:
        now = self._clock()
        level, since = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - since) * self._rate)

    def _forget(self) -> None:
        if len(self._levels) <= self._keep:
            return
        self._levels = {key: at for key, at in self._levels.items() if self._level(key) < self._burst}
        while len(self._levels) > self._keep:
            del self._levels[next(iter(self._levels))]


def too_often(seconds: float) -> SpokenError:
    whole = max(1, int(seconds + 0.999))
    return SpokenError(429, f"您发得太快了，请等 {whole} 秒再发。", {"Retry-After": str(whole)})


def capped(receive: Receive, limit: int) -> Receive:
    """The same request body, cut off with a 413 once it is longer than ``limit`` bytes."""
    total = 0

    async def receive_within_limit() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > limit:
                raise SpokenError(413)
        return message

    return receive_within_limit
