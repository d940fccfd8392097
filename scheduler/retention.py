"""What is kept no longer than needed: raw messages a day, replies and idle dialogues a week, and so on, as listed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from handlers import sealing
from storage import (
    case_retention,
    dialogues,
    evidence,
    identities,
    ledger,
    links,
    media,
    outbox,
    platform,
    sending,
    slots,
    tasks,
)
from storage.database import Database, Session

SHANGHAI = ZoneInfo("Asia/Shanghai")

RAW_MESSAGES = timedelta(hours=25)
"""A day for re-deliveries and for the web chat's own history, and an hour for clocks that differ."""
REPLIES = timedelta(days=7)
IDLE_DIALOGUES = timedelta(days=7)
PARKED = timedelta(days=7)
ALBUM_PARTS = timedelta(days=1)
LAPSED = timedelta(days=7)
"""Leases and access tokens, from the day they ran out."""
FAILED_FILES = timedelta(days=90)
"""Files that could not be had. Those that were kept stay as long as the case they belong to."""
TASKS = timedelta(days=30)
"""What was read of a file and not confirmed goes with its task."""
SLOTS = timedelta(days=60)
BATCH = 1000
ONCE = timedelta(days=1)
"""What was to be shown once is taken out of replies so old."""
UNFINISHED = timedelta(hours=1)
"""A file that was being written so long ago never will be whole."""
LEFT_BEHIND = timedelta(days=3)
"""How far back the sweep looks for open files of originals that are sealed."""
SEALING = timedelta(hours=1)
"""A file younger than this may be about to be recorded."""


def sweep(database: Database, now: datetime) -> None:
    """Delete what is past its time, in transactions of ``BATCH`` rows so that nobody waits for long."""
    while _batch(database, now):
        pass
    with database.unit() as session:
        _few(session, now)
    while _cases(database, now) == BATCH:
        pass


def _batch(database: Database, now: datetime) -> bool:
    with database.unit() as session:
        gone = dialogues.forget_messages(session, now - RAW_MESSAGES, BATCH)
        gone += sending.expire(session, now, BATCH)  # where no channel sends, nobody else does it
        gone += outbox.forget_sent(session, now - REPLIES, BATCH)
        gone += sealing.blank_once(session, now - ONCE, BATCH)
        gone += dialogues.clear_idle(session, now - IDLE_DIALOGUES, BATCH)
        gone += tasks.forget(session, now - TASKS, BATCH)
        gone += media.forget_failed(session, now - FAILED_FILES, BATCH)
    return gone > 0


def _few(session: Session, now: datetime) -> None:
    """Tables that never hold much."""
    slots.forget(session, now - SLOTS)
    links.forget(session, now)
    platform.forget_parked(session, now - PARKED)
    platform.forget_parts(session, now - ALBUM_PARTS)
    platform.forget_lapsed(session, now - LAPSED)


def _cases(database: Database, now: datetime) -> int:
    with database.unit() as session:
        return case_retention.sweep(session, now.astimezone(SHANGHAI).date(), now, BATCH)


def close_reveals(database: Database, now: datetime) -> None:
    """Half-opened identities that nobody opened in time are shut again."""
    with database.unit() as session:
        identities.forget_reveals(session, now)


def sweep_open(database: Database, now: datetime, files: Path | None) -> int:
    """Delete open files whose originals are sealed in a case, which a crash may have left behind; how many."""
    gone = 0
    if files is not None:
        evidence.forget_unfinished(files, now.timestamp() - UNFINISHED.total_seconds())
    with database.reading() as session:
        sealed = set(case_retention.sealed_lately(session, now - LEFT_BEHIND)) if files is not None else set()
        for digest in sealed:
            used = media.used_elsewhere(session, digest, digest) or tasks.is_awaited(session, digest)
            if files is not None and not used and evidence.path_of(files, digest).exists():
                evidence.drop(files, digest)
                gone += 1
    return gone


def sweep_sealed(database: Database, now: datetime, files: Path | None) -> int:
    """Delete sealed originals that no ledger has a certificate of any more; how many."""
    gone = 0
    for digest, path in list(evidence.sealed(files)) if files is not None else []:
        old = now.timestamp() - path.stat().st_mtime > SEALING.total_seconds()
        with database.reading() as session:
            kept = ledger.is_certificate(session, digest)
        if old and not kept:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
