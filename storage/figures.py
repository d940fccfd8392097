"""What the health and metrics pages show of the tables: numbers only, nothing of any person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import platform, sending
from storage.media import MediaFile, MediaState


@dataclass(frozen=True, slots=True)
class Figures:
    """``outbox`` counts messages by channel and state, ``media`` the files still to be fetched by channel;
    ``revision`` is that of the schema."""

    outbox: dict[tuple[str, str], int]
    media: dict[str, int]
    parked: int
    oldest_due: datetime | None
    revision: str | None


def figures(session: Session, channels: Sequence[str]) -> Figures:
    return Figures(
        outbox=sending.counts(session, channels),
        media=_media(session),
        parked=platform.parked_count(session),
        oldest_due=sending.oldest_due(session, channels),
        revision=MigrationContext.configure(session.connection()).get_current_revision(),
    )


def _media(session: Session) -> dict[str, int]:
    found = session.execute(
        select(MediaFile.channel, func.count()).where(MediaFile.state == MediaState.TODO).group_by(MediaFile.channel)
    )
    return dict(found.all())
