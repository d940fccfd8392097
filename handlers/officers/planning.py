"""Who should get which case: the area first, then the lightest load; nobody on leave, nobody who stood back.

The same cases and officers give the same plan. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

OVERDUE, TWO_DAYS, FIVE_DAYS = 3, 2, 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case without an officer. ``left`` working days to its next last day; ``local`` officers are of its area,
    ``stood_back`` may not have it (回避)."""

    case_id: int
    left: int | None
    urgent: bool
    local: frozenset[int]
    stood_back: frozenset[int]


@dataclass(frozen=True, slots=True)
class Hand:
    """An officer with the weight of the open cases they have."""

    id: int
    name: str
    load: int
    away: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """``officer_id`` None: nobody may have it; ``why`` in Chinese."""

    case_id: int
    officer_id: int | None
    why: str


def urgency(left: int | None) -> int:
    """3 overdue, 2 within two working days, 1 within five, else 0."""
    if left is None:
        return 0
    if left < 0:
        return OVERDUE
    return 2 if left <= TWO_DAYS else int(left <= FIVE_DAYS)


def weight(left: int | None) -> int:
    """What one open case weighs in its officer's load."""
    return 1 + urgency(left)


def propose(waiting: Sequence[Waiting], hands: Sequence[Hand]) -> list[Proposal]:
    """A plan for all of them, the most pressing first; each case adds to the load of who gets it."""
    free = {hand.id: hand for hand in hands if not hand.away}
    plan = []
    for one in sorted(waiting, key=_pressing):
        proposal = _for(one, free)
        if proposal.officer_id is not None:
            chosen = free[proposal.officer_id]
            free[chosen.id] = replace(chosen, load=chosen.load + weight(one.left))
        plan.append(proposal)
    return plan


def _pressing(one: Waiting) -> tuple[bool, float, int]:
    return (not one.urgent, float("inf") if one.left is None else one.left, one.case_id)


def _for(one: Waiting, free: dict[int, Hand]) -> Proposal:
    able = [hand for hand in free.values() if hand.id not in one.stood_back]
    if not able:
        return Proposal(one.case_id, None, "没有可派的人（都在休假或已回避）")
    local = [hand for hand in able if hand.id in one.local]
    chosen = min(local or able, key=lambda hand: (hand.load, hand.id))
    reasons = [f"片区内负荷最低（{chosen.load}）" if local else f"负荷最低（{chosen.load}）"]
    reasons += [f"{hand.name}已回避" for hand in free.values() if hand.id in one.stood_back]
    return Proposal(one.case_id, chosen.id, "，".join(reasons))
