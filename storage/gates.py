"""How fast a channel may be written to, for all workers at once: one bucket row per channel.

"Slow down" is heard once: whoever is told so closes the gate, and nobody sends until it opens again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Float, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64


class Gate(Base):
    __tablename__ = "gates"

    channel: Mapped[name64] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    refilled_at: Mapped[instant]
    closed_until: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(String(200), default="")


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a second over all chats, how many may go at once after a pause, and the pause between two messages
    to one chat."""

    per_second: float
    burst: int
    per_chat: timedelta = timedelta(0)


def room(session: Session, channel: str, rate: Rate, now: datetime) -> int:
    """How many messages may go now; the gate's row stays locked until the caller has taken what it needs."""
    gate = _locked(session, channel, rate, now)
    if gate.closed_until is not None and gate.closed_until > now:
        return 0
    elapsed = max((now - gate.refilled_at).total_seconds(), 0.0)
    gate.tokens = min(float(rate.burst), gate.tokens + elapsed * rate.per_second)
    gate.refilled_at = max(now, gate.refilled_at)
    return int(gate.tokens)


def take(session: Session, channel: str, count: int) -> None:
    """Use up ``count`` of what ``room`` found."""
    gate = session.get_one(Gate, channel)
    gate.tokens -= count


def close(session: Session, channel: str, rate: Rate, now: datetime, until: datetime, reason: str) -> None:
    """Nothing goes out on the channel before ``until``; a gate that is closed for longer stays so."""
    gate = _locked(session, channel, rate, now)
    if gate.closed_until is None or gate.closed_until < until:
        gate.closed_until, gate.reason = until, reason[:200]
        gate.tokens = 0.0


def closed_until(session: Session, channel: str) -> datetime | None:
    return session.scalar(select(Gate.closed_until).where(Gate.channel == channel))


def _locked(session: Session, channel: str, rate: Rate, now: datetime) -> Gate:
    gate = session.scalar(select(Gate).where(Gate.channel == channel).with_for_update())
    if gate is None:
        gate = Gate(channel=channel, tokens=float(rate.burst), refilled_at=now)
        session.add(gate)
        session.flush()
    return gate
