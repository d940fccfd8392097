"""Where a scanned code or a deep link leads: one table for QR scenes and for ``/start`` payloads.

A route is ``s_A12``: a letter for the kind, then what it is about. At most 64 characters of ``A-Za-z0-9_-``, the
narrowest of what the platforms carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handlers import account
from handlers.conversation.messages import Choice, Reply
from handlers.conversation.router import ROUTE, Route
from handlers.greeting import greeted
from handlers.officers import enrolling
from handlers.pledge import checking
from handlers.talk import Talk
from handlers.tips import following


def is_route(text: str) -> bool:
    """Whether a code with this text would lead anywhere."""
    found = ROUTE.fullmatch(text)
    return found is not None and found[1] in ROUTES


def _stall(_talk: Talk, number: str) -> list[Reply]:
    choices = (
        Choice("当场判定", "judge:start"),
        Choice("举报这个摊位", f"tips:stall/{number}"),
        Choice("查秤", "judge:scale"),
    )
    return [Reply(f"您扫的是 {number} 摊位。觉得称少了，先选一个：", choices)]


def _event(talk: Talk, number: str) -> list[Reply]:
    text = f"您扫的是培训 {number} 的报名码。这里还不能报名，请按通知上的办法报，或打 {talk.office.hotline}。"
    return [Reply(text, (Choice("培训怎么报名", "lookup:show/training-signup"),))]


def _track(talk: Talk, number: str) -> list[Reply]:
    return following.prompt(talk, number)


def _first(answer: Callable[[Talk, str], list[Reply]]) -> Callable[[Talk, str], list[Reply]]:
    """For many people a code is the first they see of the bot: it greets before it answers."""

    def answered(talk: Talk, number: str) -> list[Reply]:
        first, *rest = answer(talk, number)
        return [greeted(talk, first), *rest]

    return answered


ROUTES: Mapping[str, Route[Talk]] = {
    "p": Route(_first(checking.by_route)),
    "s": Route(_first(_stall)),
    "c": Route(_first(_event)),
    "t": Route(_first(_track), personal=True),
    "b": Route(_first(account.by_link), personal=True),
    "e": Route(enrolling.by_link, personal=True),
}
"""A service that takes a kind of code over replaces its row."""
