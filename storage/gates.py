"""How fast a channel may be written to, for all workers at once: one bucket row per channel.

"Slow down" is heard once: whoever is told so closes the gate, and nobody sends until it opens again. Then one message
goes first, a probe; the others follow when the platform has taken it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Float, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, name64

PROBE = timedelta(seconds=15)
"""A probe that nobody reports on for so long was lost with its worker; the next one goes."""
PROBING = "a probe is under way"


class Gate(Base):
    __tablename__ = "gates"

    channel: Mapped[name64] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    refilled_at: Mapped[instant]
    closed_until: Mapped[datetime | None] = mapped_column(Instant)
    """Past, it means half open: one probe may go."""
    reason: Mapped[str] = mapped_column(String(200), default="")


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a second over all chats, how many may go at once after a pause, and the pause between two messages
    to one chat."""

    per_second: float
    burst: int
    per_chat: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Room:
    """How many messages may go now. A ``probe`` goes alone, whatever the bucket holds."""

    count: int
    probe: bool = False


SHUT = Room(0)


def room(session: Session, channel: str, rate: Rate, now: datetime) -> Room:
    """What may go now; the gate's row stays locked until the caller has taken what it needs."""
    gate = _locked(session, channel, rate, now)
    if gate.closed_until is not None:
        return SHUT if gate.closed_until > now else Room(1, probe=True)
    return Room(int(_filled(gate, rate, now)))


def take(session: Session, channel: str, rate: Rate, now: datetime, count: int) -> None:
    """Use up ``count`` of what ``room`` found; a probe shuts the gate behind it."""
    gate = session.get_one(Gate, channel)
    if gate.closed_until is not None:
        gate.closed_until, gate.reason = now + PROBE, PROBING
    else:
        gate.tokens = _filled(gate, rate, now) - count
        gate.refilled_at = max(now, gate.refilled_at)


def close(session: Session, channel: str, rate: Rate, now: datetime, until: datetime, reason: str) -> None:
    """Nothing goes out on the channel before ``until``; a gate that is closed for longer stays so."""
    gate = _locked(session, channel, rate, now)
    if gate.closed_until is None or gate.closed_until < until or gate.reason == PROBING:
        gate.closed_until, gate.reason = until, reason[:200]


def probed(session: Session, channel: str, rate: Rate, now: datetime) -> None:
    """The platform has taken the probe: the gate opens with an empty bucket, unless it was closed again meanwhile."""
    gate = _locked(session, channel, rate, now)
    if gate.reason == PROBING:
        gate.closed_until, gate.reason = None, ""
        gate.tokens, gate.refilled_at = 0.0, now


def closed_until(session: Session, channel: str) -> datetime | None:
    return session.scalar(select(Gate.closed_until).where(Gate.channel == channel))


def opens_at(session: Session, channel: str, rate: Rate, now: datetime) -> datetime:
    """From when a message may go; ``now`` or earlier: at once."""
    gate = session.get(Gate, channel)
    if gate is None:
        return now
    if gate.closed_until is not None:
        return gate.closed_until
    return now + timedelta(seconds=max(1.0 - _filled(gate, rate, now), 0.0) / rate.per_second)


def _filled(gate: Gate, rate: Rate, now: datetime) -> float:
    elapsed = max((now - gate.refilled_at).total_seconds(), 0.0)
    return min(float(rate.burst), gate.tokens + elapsed * rate.per_second)


def _locked(session: Session, channel: str, rate: Rate, now: datetime) -> Gate:
    gate = session.scalar(
        select(Gate).where(Gate.channel == channel).with_for_update().execution_options(populate_existing=True)
    )
    if gate is None:
        gate = Gate(channel=channel, tokens=float(rate.burst), refilled_at=now, reason="")
        session.add(gate)
        session.flush()
    return gate
