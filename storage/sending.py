"""The outbox as work: claim a batch under a lease, record what became of each send.

The network call happens between the two transactions, outside both. At least once: a worker that dies in mid-send
leaves a lease behind; when it runs out the outcome is *unknown*, and the kind of message says what then.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from storage import gates
from storage.contacts import Contact
from storage.gates import Rate
from storage.outbox import KINDS, OPEN, UNDELIVERED, OutboxRow, Priority, SendState

LEASE = timedelta(seconds=30)
"""Longer than any one platform call may take (10 s), so that a slow worker is not taken for a dead one."""
ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
URGENT_SHARE = 0.5
"""At most this part of a batch goes to bulk messages while anything more urgent may come."""


@dataclass(frozen=True, slots=True)
class Item:
    """A claimed message with all a sender needs; ``lease`` is the right to record its outcome."""

    id: int
    lease: str
    channel: str
    contact_id: int
    to: str
    kind: str
    payload: dict[str, Any]
    nonce: str
    replaces: str
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a platform call came to.

    ``pause`` is the platform's own word on when to try again; ``closes`` shuts the whole channel for that long;
    ``unreachable`` marks the account; ``moved_to`` is its new address.
    """

    state: SendState
    error: str = ""
    platform_id: str = ""
    pause: timedelta | None = None
    closes: timedelta | None = None
    unreachable: str = ""
    moved_to: str = ""


def claim(session: Session, channel: str, rate: Rate, now: datetime, limit: int) -> list[Item]:
    """Lease up to ``limit`` due messages of a channel, the urgent first, at most one for each chat."""
    limit = min(limit, gates.room(session, channel, rate, now))
    lease = secrets.token_hex(8)
    items: list[Item] = []
    for priority in (Priority.ANSWER, Priority.NOTICE, Priority.BULK):
        left = limit - len(items)
        if priority == Priority.BULK:
            left = min(left, max(1, int(limit * URGENT_SHARE)))
        if left <= 0:
            break
        items += _claim_some(session, channel, priority, rate, now, left, lease)
    if items:
        gates.take(session, channel, len(items))
    return items


def _claim_some(
    session: Session, channel: str, priority: int, rate: Rate, now: datetime, limit: int, lease: str
) -> list[Item]:
    other = aliased(OutboxRow)
    before_it = or_(
        other.state == SendState.SENDING, and_(other.state == SendState.RETRY, other.id < OutboxRow.id)
    )  # order within a chat: one at a time, and none past an older one that must be tried again
    found = session.execute(
        select(OutboxRow, Contact)
        .join(Contact)
        .where(
            OutboxRow.channel == channel,
            OutboxRow.priority == priority,
            OutboxRow.state.in_(OPEN),
            OutboxRow.due_at <= now,
            OutboxRow.expires_at > now,
            or_(Contact.next_send_at.is_(None), Contact.next_send_at <= now),
            ~exists().where(other.contact_id == OutboxRow.contact_id, before_it),
        )
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    first: dict[str, tuple[OutboxRow, Contact]] = {}
    for row, contact in found:
        first.setdefault(contact.address or contact.external_id, (row, contact))
    return [_lease(session, row, contact, rate, now, lease) for row, contact in first.values()]


def _lease(session: Session, row: OutboxRow, contact: Contact, rate: Rate, now: datetime, lease: str) -> Item:
    row.state, row.lease, row.lease_until = SendState.SENDING, lease, now + LEASE
    row.attempts += 1  # recorded before the call: a crash in the middle counts
    to = contact.address or contact.external_id
    if rate.per_chat:
        _pace(session, contact, now + rate.per_chat)
    return Item(
        id=row.id,
        lease=lease,
        channel=row.channel,
        contact_id=row.contact_id,
        to=to,
        kind=row.kind,
        payload=row.payload,
        nonce=row.nonce,
        replaces=row.replaces,
        attempts=row.attempts,
        created_at=row.created_at,
    )


def _pace(session: Session, contact: Contact, until: datetime) -> None:
    """Several people may speak in one chat: the pause is the chat's."""
    contact.next_send_at = until
    if contact.address:
        same_chat = (Contact.channel == contact.channel, Contact.address == contact.address)
        session.execute(update(Contact).where(*same_chat).values(next_send_at=until))


def finish(session: Session, item: Item, outcome: Outcome, rate: Rate, now: datetime) -> bool:
    """Record an outcome, unless the lease ran out and the message went to somebody else; whether it was recorded."""
    held = (OutboxRow.id == item.id, OutboxRow.lease == item.lease, OutboxRow.state == SendState.SENDING)
    row = session.scalar(select(OutboxRow).where(*held).with_for_update())
    if outcome.closes is not None:
        gates.close(session, item.channel, rate, now, now + outcome.closes, outcome.error)
    if outcome.unreachable or outcome.moved_to:
        _note_on_contact(session, item, outcome)
    if row is None:
        return False
    _settle(row, outcome, now)
    return True


def _settle(row: OutboxRow, outcome: Outcome, now: datetime) -> None:
    state = outcome.state
    row.error, row.lease, row.lease_until = outcome.error[:200], "", None
    row.platform_id = outcome.platform_id or row.platform_id
    if state == SendState.UNKNOWN:
        row.unknowns += 1
        state = SendState.RETRY if KINDS[row.kind].again and row.unknowns == 1 else SendState.UNKNOWN
    if state == SendState.RETRY and outcome.closes is None and row.attempts >= ATTEMPTS:
        state = SendState.DEAD
    if state == SendState.RETRY:
        row.due_at = now + (outcome.pause or outcome.closes or back_off(row.attempts))
    if state == SendState.SENT:
        row.sent_at = now
    row.state = state


def back_off(attempts: int) -> timedelta:
    """Twice as long each time, and not all at the same instant."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
    spread: float = 0.75 + random.random() / 2  # noqa: S311 - spreads retries, hides nothing
    return pause * spread


def _note_on_contact(session: Session, item: Item, outcome: Outcome) -> None:
    contact = session.get(Contact, item.contact_id)
    if contact is None:
        return
    contact.unreachable = outcome.unreachable or contact.unreachable
    if outcome.moved_to:
        move_chat(session, item.channel, item.to, outcome.moved_to)


def move_chat(session: Session, channel: str, old: str, new: str) -> None:
    """A group became a supergroup: everybody's messages there go to the new address."""
    session.execute(update(Contact).where(Contact.channel == channel, Contact.address == old).values(address=new))


def recover(session: Session, now: datetime, limit: int) -> int:
    """Settle the sends whose worker is gone: their outcome is unknown. How many there were."""
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.state == SendState.SENDING, OutboxRow.lease_until < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _settle(row, Outcome(SendState.UNKNOWN, "the worker was lost in mid-send"), now)
    return len(rows)


def expire(session: Session, now: datetime, limit: int) -> int:
    """Close what is no longer worth sending. How many there were."""
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.state.in_(UNDELIVERED), OutboxRow.expires_at <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.state = SendState.EXPIRED
    return len(rows)


def reported(session: Session, channel: str, platform_id: str, state: SendState, error: str = "") -> bool:
    """The platform's later word on a message that it had accepted; whether the message is known."""
    row = session.scalar(
        select(OutboxRow).where(OutboxRow.channel == channel, OutboxRow.platform_id == platform_id).with_for_update()
    )
    if row is None:
        return False
    row.state, row.error = state, error[:200]
    return True


def counts(session: Session, channels: Sequence[str]) -> dict[tuple[str, str], int]:
    """Messages by channel and state, those that are simply sent left out."""
    found = session.execute(
        select(OutboxRow.channel, OutboxRow.state, func.count())
        .where(OutboxRow.channel.in_(channels), OutboxRow.state != SendState.SENT)
        .group_by(OutboxRow.channel, OutboxRow.state)
    )
    return {(channel, state): count for channel, state, count in found}


def oldest_due(session: Session, channels: Sequence[str]) -> datetime | None:
    """Since when the longest waiting message has been due."""
    return session.scalar(
        select(func.min(OutboxRow.due_at)).where(OutboxRow.channel.in_(channels), OutboxRow.state.in_(OPEN))
    )
