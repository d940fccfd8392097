"""Named points at which a test may kill the process, as ``kill -9`` or a power cut would.

``HONESTSCALE_FAILPOINT=turn.committed:3`` dies at the third passing of that point. Unset, a point costs one look-up.
They stand here because everything that must survive a crash goes through this room.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_armed: list[tuple[str, int]] = []
_passed: Counter[str] = Counter()

NAMES = frozenset(
    (
        "turn.begun",
        "turn.routed",
        "turn.written",
        "turn.committed",
        "answer.before",
        "answer.after",
        "answer.noted",
        "delivery.claimed",
        "delivery.calling",
        "delivery.called",
        "delivery.finishing",
        "delivery.finished",
        "media.fetched",
        "media.kept",
        "media.recorded",
        "album.kept",
        "case.recorded",
        "case.sealed",
        "deadline.written",
        "deadline.committed",
        "pledge.written",
        "remind.recorded",
        "remind.queued",
        "remind.written",
        "remind.committed",
        "token.asked",
        "token.fetched",
        "task.claimed",
        "task.worked",
        "task.stepped",
        "task.finished",
    )
)


def arm(point: str) -> None:
    """Die at a point such as ``turn.committed:3``: at the third passing."""
    name, _, count = point.partition(":")
    assert name in NAMES, name
    _armed.append((name, int(count or 1)))


def reach(name: str) -> None:
    """Die here if this is the point and the passing that was asked for."""
    if not _armed:
        return
    assert name in NAMES, name
    _passed[name] += 1
    if (name, _passed[name]) in _armed:
        os.kill(os.getpid(), signal.SIGKILL)


if "HONESTSCALE_FAILPOINT" in os.environ:
    arm(os.environ["HONESTSCALE_FAILPOINT"])
