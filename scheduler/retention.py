"""What is kept no longer than needed: raw messages a day, replies and idle dialogues a week."""

from __future__ import annotations

from datetime import datetime, timedelta

from storage import dialogues, outbox, slots
from storage.database import Database

RAW_MESSAGES = timedelta(hours=25)
"""A day for re-deliveries and for the web chat's own history, and an hour for clocks that differ."""
REPLIES = timedelta(days=7)
IDLE_DIALOGUES = timedelta(days=7)
SLOTS = timedelta(days=60)
BATCH = 1000


def sweep(database: Database, now: datetime) -> None:
    """Delete what is past its time, in transactions of ``BATCH`` rows so that nobody waits for long."""
    while _batch(database, now):
        pass
    with database.unit() as session:
        slots.forget(session, now - SLOTS)


def _batch(database: Database, now: datetime) -> bool:
    with database.unit() as session:
        gone = dialogues.forget_messages(session, now - RAW_MESSAGES, BATCH)
        gone += outbox.forget_sent(session, now - REPLIES, BATCH)
        gone += dialogues.clear_idle(session, now - IDLE_DIALOGUES, BATCH)
    return gone > 0
