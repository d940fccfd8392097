"""Slow work that a turn only asks for: reading a certificate, a table. Its result comes back as a message.

A task is leased, worked outside any transaction, and finished in one; a lease that ran out is taken over, so the work
may be done twice but its result is recorded once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    cast,
    delete,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, json_object, name64, row_id
from storage.contacts import Contact

LEASE = timedelta(seconds=180)
"""More than the slowest reading may take."""
MOST_TRIES = 3
_TODO_SQL = text("state = 'todo'")
_TODO: ColumnElement[str] = literal_column("'todo'")
"""Written out in the statement: a partial index is of no use where its state is a parameter."""


class TaskState(StrEnum):
    TODO = "todo"
    DONE = "done"
    FAILED = "failed"


class Task(Base):
    """One piece of work for one person's account."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_due", "due_at", "id", sqlite_where=_TODO_SQL, postgresql_where=_TODO_SQL),
        Index("ix_tasks_created_at", "created_at"),
    )

    id: Mapped[row_id]
    kind: Mapped[name64]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), index=True)
    request: Mapped[json_object]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    state: Mapped[name64] = mapped_column(default=TaskState.TODO)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[instant]
    lease: Mapped[name64] = mapped_column(default="")
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[instant]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task a worker holds; ``last``: it will not be tried again after this time. ``spent``: whoever held it before,
    every time, did not live to say what came of it."""

    id: int
    kind: str
    lease: str
    contact_id: int
    request: dict[str, Any]
    last: bool
    spent: bool = False


def ask(session: Session, kind: str, contact_id: int, request: dict[str, Any], now: datetime) -> int:
    """Note a piece of work; its id."""
    row = Task(kind=kind, contact_id=contact_id, request=request, due_at=now, created_at=now)
    session.add(row)
    session.flush()
    return row.id


def claim(session: Session, now: datetime, limit: int = 1) -> list[Claimed]:
    rows = session.scalars(
        select(Task)
        .where(Task.state == _TODO, Task.due_at <= now, or_(Task.lease_until.is_(None), Task.lease_until < now))
        .order_by(Task.due_at, Task.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    lease = secrets.token_hex(8)
    for row in rows:
        row.lease, row.lease_until, row.tries = lease, now + LEASE, row.tries + 1
    return [_claimed(row, lease) for row in rows]


def _claimed(row: Task, lease: str) -> Claimed:
    last, spent = row.tries >= MOST_TRIES, row.tries > MOST_TRIES
    return Claimed(row.id, row.kind, lease, row.contact_id, dict(row.request), last, spent)


def any_due(session: Session, now: datetime) -> bool:
    """Whether there is anything to claim: asked often, and without taking a lock."""
    due = select(Task.id).where(
        Task.state == _TODO, Task.due_at <= now, or_(Task.lease_until.is_(None), Task.lease_until < now)
    )
    return session.scalar(due.limit(1)) is not None


def finish(session: Session, claimed: Claimed, result: dict[str, Any] | None, *, failed: bool = False) -> bool:
    """Record what came of it; False when another worker holds it by now, and nothing is to be told."""
    row = held(session, claimed)
    if row is None:
        return False
    row.state, row.result, row.lease = TaskState.FAILED if failed else TaskState.DONE, result, ""
    return True


def put_off(session: Session, claimed: Claimed, until: datetime) -> None:
    row = held(session, claimed)
    if row is not None:
        row.due_at, row.lease, row.lease_until = until, "", None


def wait(session: Session, claimed: Claimed, until: datetime) -> None:
    """What it needs is not there yet: put off without counting it as a try."""
    row = held(session, claimed)
    if row is not None:
        row.due_at, row.lease, row.lease_until, row.tries = until, "", None, row.tries - 1


def note(session: Session, claimed: Claimed, more: dict[str, Any]) -> None:
    """Keep with the task how far it is."""
    row = held(session, claimed)
    if row is not None:
        row.request = row.request | more


def held(session: Session, claimed: Claimed) -> Task | None:
    """The task, locked, if the worker still holds it."""
    return session.scalar(
        select(Task)
        .where(Task.id == claimed.id, Task.lease == claimed.lease, Task.state == TaskState.TODO)
        .with_for_update()
    )


def of_person(session: Session, person_id: int, task_id: int) -> Task | None:
    """A person's own task; it may have been asked for on any of their accounts."""
    own = select(Task).join(Contact).where(Contact.person_id == person_id, Task.id == task_id)
    return session.scalar(own)


def forget(session: Session, before: datetime, limit: int) -> int:
    """Delete what was asked for before an instant, done or not; how many were deleted."""
    ids = session.scalars(select(Task.id).where(Task.created_at < before).order_by(Task.created_at).limit(limit)).all()
    if ids:
        session.execute(delete(Task).where(Task.id.in_(ids)))
    return len(ids)


def forget_one(session: Session, task_id: int) -> None:
    """Leave nothing of a task that is done: what it was about is nobody's any more."""
    session.execute(delete(Task).where(Task.id == task_id))


def is_awaited(session: Session, file: str) -> bool:
    """Whether a task that is not done yet is about a file."""
    about = select(Task.id).where(Task.state == _TODO, cast(Task.request, Text).contains(f'"{file}"'))
    return session.scalar(about.limit(1)) is not None
