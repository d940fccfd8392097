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

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage import gates
from storage.base import Instant
from storage.coarse import hour_of
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
PRIORITIES = (Priority.ANSWER, Priority.NOTICE, Priority.BULK)
LOST = "the worker was lost in mid-send"


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
    probe: bool = False
    """Whether the channel stays shut until this one is through."""


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

    @property
    def failed(self) -> bool:
        """Whether the platform, as far as is known, took no decision on the message."""
        return self.state in (SendState.RETRY, SendState.UNKNOWN) and self.pause is None


def _is(column: InstrumentedAttribute[str], *states: SendState) -> ColumnElement[bool]:
    """Written out as the partial indexes have it: they are of no use where the states are parameters."""
    words: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in states]
    return column.in_(words) if len(words) > 1 else column == words[0]


# -- claim --------------------------------------------------------------------------------------------------------


def claim(session: Session, channel: str, rate: Rate, now: datetime, limit: int) -> list[Item]:
    """Lease up to ``limit`` due messages of a channel, the urgent first, at most one for each chat.

    Claims of one channel wait for each other (they hold the gate's row), so none sees another's half.
    """
    room = gates.room(session, channel, rate, now)
    limit = min(limit, room.count)
    lease = secrets.token_hex(8)
    items: dict[str, Item] = {}
    for priority in PRIORITIES:
        left = limit - len(items)
        if priority == Priority.BULK:
            left = min(left, max(1, int(limit * URGENT_SHARE)))
        if left <= 0:
            break
        for item in _due(session, channel, priority, now, left, lease, probe=room.probe):
            items.setdefault(item.to, item)
    if items:
        _lease(session, [item.id for item in items.values()], lease, now)
        _pace(session, channel, list(items.values()), rate, now)
        gates.take(session, channel, rate, now, len(items))
    return list(items.values())


def _due(
    session: Session, channel: str, priority: int, now: datetime, limit: int, lease: str, *, probe: bool
) -> list[Item]:
    found = session.execute(_DUE, {"channel": channel, "priority": priority, "now": now, "limit": limit})
    return [
        Item(
            id=row.id,
            lease=lease,
            channel=channel,
            contact_id=row.contact_id,
            to=row.address or row.external_id,
            kind=row.kind,
            payload=row.payload,
            nonce=row.nonce,
            replaces=row.replaces,
            attempts=row.attempts + 1,
            created_at=row.created_at,
            probe=probe,
        )
        for row in found
    ]


def _held_up() -> ColumnElement[bool]:
    """Order within a chat: one at a time, and none past an older one as urgent that must be tried again."""
    other = aliased(OutboxRow)
    older = and_(_is(other.state, SendState.RETRY), other.id < OutboxRow.id, other.priority <= OutboxRow.priority)
    return exists().where(other.contact_id == OutboxRow.contact_id, or_(_is(other.state, SendState.SENDING), older))


def _group_is_busy() -> ColumnElement[bool]:
    """Several accounts may speak in one chat, and it too is written to one at a time."""
    other, member = aliased(OutboxRow), aliased(Contact)
    busy = exists().where(other.contact_id == member.id, _is(other.state, SendState.SENDING))
    return and_(
        Contact.address != "",
        exists().where(member.channel == Contact.channel, member.address == Contact.address, busy),
    )


def _due_statement() -> Select[*tuple[Any, ...]]:
    """Made once: putting it together takes longer than running it."""
    now = bindparam("now", type_=Instant())
    return (
        select(
            OutboxRow.id,
            OutboxRow.contact_id,
            Contact.address,
            Contact.external_id,
            OutboxRow.kind,
            OutboxRow.payload,
            OutboxRow.nonce,
            OutboxRow.replaces,
            OutboxRow.attempts,
            OutboxRow.created_at,
        )
        .join(Contact)
        .where(
            OutboxRow.channel == bindparam("channel"),
            OutboxRow.priority == bindparam("priority"),
            _is(OutboxRow.state, *OPEN),
            OutboxRow.due_at <= now,
            OutboxRow.expires_at > now,
            or_(Contact.next_send_at.is_(None), Contact.next_send_at <= now),
            ~_held_up(),
            ~_group_is_busy(),
        )
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=OutboxRow)
    )


_DUE = _due_statement()


def _lease(session: Session, ids: Sequence[int], lease: str, now: datetime) -> None:
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids))
        .values(
            state=SendState.SENDING,
            lease=lease,
            lease_until=now + LEASE,
            attempts=OutboxRow.attempts + 1,  # recorded before the call: a crash in the middle counts
        )
        .execution_options(synchronize_session=False)
    )


def _pace(session: Session, channel: str, items: Sequence[Item], rate: Rate, now: datetime) -> None:
    """The pause between two messages is the chat's, whoever of its accounts they are for."""
    if not rate.per_chat:
        return
    here = or_(Contact.id.in_([item.contact_id for item in items]), Contact.address.in_([item.to for item in items]))
    session.execute(
        update(Contact)
        .where(Contact.channel == channel, here)
        .values(next_send_at=now + rate.per_chat)
        .execution_options(synchronize_session=False)
    )


# -- finish -------------------------------------------------------------------------------------------------------


def finish(session: Session, item: Item, outcome: Outcome, rate: Rate, now: datetime) -> bool:
    """Record one outcome; whether it was recorded."""
    return finish_all(session, [(item, outcome)], rate, now)[0] is not None


def finish_all(
    session: Session, results: Sequence[tuple[Item, Outcome]], rate: Rate, now: datetime
) -> list[SendState | None]:
    """Record outcomes of one channel. Where each message stands now; None where the lease ran out and the message
    went to somebody else: then nothing at all is written."""
    rows = _leased(session, [item for item, _ in results])
    states: list[SendState | None] = []
    for item, outcome in results:
        row = rows.get(item.id)
        if row is None or row.lease != item.lease:
            states.append(None)
            continue
        states.append(_settle(row, outcome, now))
        if outcome.closes is not None:
            gates.close(session, item.channel, rate, now, now + outcome.closes, outcome.error)
        elif item.probe and not outcome.failed:
            gates.probed(session, item.channel, rate, now)
        if outcome.unreachable or outcome.moved_to:
            _note_on_contact(session, item, outcome)
    return states


def release(session: Session, items: Sequence[Item], now: datetime) -> None:
    """Give back what was claimed and never tried."""
    rows = _leased(session, items)
    for item in items:
        row = rows.get(item.id)
        if row is not None and row.lease == item.lease:
            row.attempts -= 1
            row.state = SendState.RETRY if row.attempts else SendState.TODO
            row.due_at, row.lease, row.lease_until = now, "", None


def _leased(session: Session, items: Sequence[Item]) -> dict[int, OutboxRow]:
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.id.in_([item.id for item in items]), _is(OutboxRow.state, SendState.SENDING))
        .order_by(OutboxRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _settle(row: OutboxRow, outcome: Outcome, now: datetime) -> SendState:
    state = outcome.state
    row.error, row.lease, row.lease_until = outcome.error[:200], "", None
    row.platform_id = outcome.platform_id or row.platform_id
    if state == SendState.UNKNOWN:
        row.unknowns += 1
        state = SendState.RETRY if KINDS[row.kind].again and row.unknowns == 1 else SendState.UNKNOWN
    if state == SendState.RETRY and outcome.closes is None and row.attempts >= ATTEMPTS:
        state = SendState.DEAD
    if state == SendState.RETRY:
        row.due_at = now + _pause(outcome, row.attempts)
    if state == SendState.SENT:
        # News of a case must not carry the moment at which the case moved.
        row.sent_at = hour_of(now) if row.kind == "case" else now
    row.state = state
    return state


def _pause(outcome: Outcome, attempts: int) -> timedelta:
    if outcome.pause is not None:
        return outcome.pause
    return back_off(attempts) if outcome.closes is None else outcome.closes


def back_off(attempts: int) -> timedelta:
    """Twice as long each time, and not all at the same instant."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
    spread: float = 0.75 + random.random() / 2  # noqa: S311 - spreads retries, hides nothing
    return pause * spread


def _note_on_contact(session: Session, item: Item, outcome: Outcome) -> None:
    contact = session.get_one(Contact, item.contact_id)
    if outcome.moved_to:
        move_chat(session, item.channel, item.to, outcome.moved_to)
        contact.address = outcome.moved_to  # also where the account itself is the chat
    if outcome.unreachable:
        contact.unreachable = outcome.unreachable
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.contact_id == item.contact_id, _is(OutboxRow.state, *OPEN))
            .values(state=SendState.BLOCKED, error=outcome.error[:200])
        )


def move_chat(session: Session, channel: str, old: str, new: str) -> None:
    """A group became a supergroup: everybody's messages there go to the new address."""
    session.execute(update(Contact).where(Contact.channel == channel, Contact.address == old).values(address=new))


# -- what nobody finished -----------------------------------------------------------------------------------------


def recover(session: Session, now: datetime, limit: int) -> int:
    """Settle the sends whose worker is gone: their outcome is unknown. How many there were."""
    rows = session.scalars(
        select(OutboxRow)
        .where(_is(OutboxRow.state, SendState.SENDING), OutboxRow.lease_until < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _settle(row, Outcome(SendState.UNKNOWN, LOST), now)
    return len(rows)


def expire(session: Session, now: datetime, limit: int) -> int:
    """Close what is no longer worth sending. How many there were."""
    rows = session.scalars(
        select(OutboxRow)
        .where(_is(OutboxRow.state, *UNDELIVERED), OutboxRow.expires_at <= now)
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
    """Since when the longest waiting message has been due. One look into the index for each place in the queue."""
    found = [
        session.scalar(
            select(func.min(OutboxRow.due_at)).where(
                OutboxRow.channel == channel, OutboxRow.priority == priority, _is(OutboxRow.state, *OPEN)
            )
        )
        for channel in channels
        for priority in PRIORITIES
    ]
    return min(filter(None, found), default=None)
