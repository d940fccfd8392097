"""WeChat's error codes, and what each one asks of us.

Codes and meanings: developers.weixin.qq.com 全局返回码; what to do about them is this project's own choice.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto


class Reaction(Enum):
    REFRESH = auto()
    """The access token is not good (any more): get the current one, try once more."""
    RETRY = auto()
    """Busy: later, with growing pauses."""
    USER_GONE = auto()
    """Wrong account, or it does not follow us: nothing can be sent until it comes back."""
    WINDOW_SHUT = auto()
    """Nothing more by customer message until the user does something; a notice may still go."""
    NO_CONSENT = auto()
    """The user did not agree to this notice, or used the agreement up."""
    MINUTE = auto()
    """Everybody waits for a minute."""
    DAY = auto()
    """Everybody waits until the platform's day is over."""
    NOT_ALLOWED = auto()
    """The account has no right to this: another way, and somebody has to look at the settings."""
    STOP = auto()
    """The account's credentials or addresses are wrong: nothing goes until somebody mends them."""
    DEFECT = auto()
    """Our message breaks a rule: it will never go."""


REACTIONS: dict[int, Reaction] = {
    -1: Reaction.RETRY,
    40001: Reaction.REFRESH,
    40014: Reaction.REFRESH,
    42001: Reaction.REFRESH,
    40003: Reaction.USER_GONE,
    43004: Reaction.USER_GONE,
    45015: Reaction.WINDOW_SHUT,
    45047: Reaction.WINDOW_SHUT,
    43101: Reaction.NO_CONSENT,
    45011: Reaction.MINUTE,
    45009: Reaction.DAY,
    40200: Reaction.NOT_ALLOWED,
    45028: Reaction.NOT_ALLOWED,
    48001: Reaction.NOT_ALLOWED,
    50001: Reaction.NOT_ALLOWED,
    40013: Reaction.STOP,
    40125: Reaction.STOP,
    40164: Reaction.STOP,
    41002: Reaction.STOP,
    41004: Reaction.STOP,
    40007: Reaction.DEFECT,
    40033: Reaction.DEFECT,
    40037: Reaction.DEFECT,
    41006: Reaction.DEFECT,
    45002: Reaction.DEFECT,
    47003: Reaction.DEFECT,
}

A_MINUTE = timedelta(minutes=1)
UNTIL_MENDED = timedelta(minutes=5)
"""How long nothing is sent after ``STOP``: then one message tries whether it was mended."""


class WechatError(Exception):
    """The platform said no. ``code`` is its errcode; the text holds neither token nor secret."""

    def __init__(self, code: int, path: str, trace: str = "") -> None:
        super().__init__(f"{path}: errcode {code}" + (f" rid {trace}" if trace else ""))
        self.code = code

    @property
    def reaction(self) -> Reaction:
        return REACTIONS.get(self.code, Reaction.RETRY)


class UnreachableError(Exception):
    """No usable answer. ``perhaps_done``: the request may have had its effect."""

    def __init__(self, path: str, why: str, *, perhaps_done: bool) -> None:
        super().__init__(f"{path}: {why}")
        self.perhaps_done = perhaps_done
