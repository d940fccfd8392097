"""Named points at which a test may kill the process, as ``kill -9`` or a power cut would.

``HONESTSCALE_FAILPOINT=turn.committed:3`` dies at the third passing of that point. Unset, a point costs one look-up.
They stand here because everything that must survive a crash goes through this room.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_name, _, _count = os.environ.get("HONESTSCALE_FAILPOINT", "").partition(":")
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
        "token.asked",
        "token.fetched",
    )
)


def reach(name: str) -> None:
    """Die here if this is the point and the passing that was asked for."""
    if not _name:
        return
    assert name in NAMES, name
    if name == _name:
        _passed[name] += 1
        if _passed[name] >= int(_count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
