"""What processes share about the platforms: access tokens, who polls, what could not be read, album parts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, Instant, instant, json_object, long_text, name64, row_id


class PlatformToken(Base):
    """An access token that all replicas use. ``sealed`` is encrypted by its user; here it is only kept."""

    __tablename__ = "platform_tokens"

    name: Mapped[name64] = mapped_column(primary_key=True)
    sealed: Mapped[long_text] = mapped_column(default="")
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    asked_at: Mapped[datetime | None] = mapped_column(Instant)
    """When a replica last set out to fetch a new one; nobody else does for a while."""


class Lease(Base):
    """Something only one process at a time may do."""

    __tablename__ = "leases"

    name: Mapped[name64] = mapped_column(primary_key=True)
    holder: Mapped[name64]
    until: Mapped[instant]


class Parked(Base):
    """A message that could not be worked, kept for a person to look at."""

    __tablename__ = "parked"
    __table_args__ = (UniqueConstraint("channel", "key"), Index("ix_parked_at", "at"))

    id: Mapped[row_id]
    channel: Mapped[name64]
    key: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(String(200))
    body: Mapped[long_text]
    at: Mapped[instant]


class AlbumPart(Base):
    """One picture of several that belong together and arrive one by one."""

    __tablename__ = "album_parts"
    __table_args__ = (UniqueConstraint("channel", "key"), Index("ix_album_parts_album", "channel", "album", "id"))

    id: Mapped[row_id]
    channel: Mapped[name64]
    album: Mapped[name64]
    key: Mapped[name64]
    part: Mapped[json_object]
    at: Mapped[instant]


# -- tokens -------------------------------------------------------------------------------------------------------


def token(session: Session, name: str) -> PlatformToken | None:
    return session.get(PlatformToken, name)


def ask_for_token(session: Session, name: str, now: datetime, not_again_for: timedelta) -> bool:
    """Whether the caller is the one to fetch a new token: true for one replica in ``not_again_for``."""
    row = session.get(PlatformToken, name, with_for_update=True)
    if row is None:
        row = PlatformToken(name=name)
        session.add(row)
    elif row.asked_at is not None and now - row.asked_at < not_again_for:
        return False
    row.asked_at = now
    session.flush()
    return True


def keep_token(session: Session, name: str, sealed: str, expires_at: datetime) -> None:
    row = session.get_one(PlatformToken, name, with_for_update=True)
    row.sealed, row.expires_at = sealed, expires_at


# -- leases -------------------------------------------------------------------------------------------------------


def hold(session: Session, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
    """Take or keep a lease; False while somebody else holds it."""
    row = session.get(Lease, name, with_for_update=True)
    if row is None:
        session.add(Lease(name=name, holder=holder, until=now + duration))
        session.flush()
        return True
    if row.holder != holder and row.until > now:
        return False
    row.holder, row.until = holder, now + duration
    return True


def let_go(session: Session, name: str, holder: str) -> None:
    session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))


# -- parked messages ----------------------------------------------------------------------------------------------


def park(session: Session, channel: str, key: str, reason: str, body: str, now: datetime) -> bool:
    """Keep a message that cannot be worked; whether it was not there yet."""
    try:
        with session.begin_nested():
            session.add(Parked(channel=channel, key=key[:128], reason=reason[:200], body=body[:65536], at=now))
    except IntegrityError:
        return False
    return True


def parked_count(session: Session) -> int:
    return session.scalar(select(func.count(Parked.id))) or 0


def forget_parked(session: Session, before: datetime) -> None:
    session.execute(delete(Parked).where(Parked.at < before))


# -- albums -------------------------------------------------------------------------------------------------------


def add_part(session: Session, channel: str, album: str, key: str, part: dict[str, Any], now: datetime) -> bool:
    """Keep one part; False when it is there already."""
    try:
        with session.begin_nested():
            session.add(AlbumPart(channel=channel, album=album, key=key, part=part, at=now))
    except IntegrityError:
        return False
    return True


def complete_albums(session: Session, channel: str, quiet_since: datetime) -> list[str]:
    """Albums to which nothing was added since an instant."""
    return list(
        session.scalars(
            select(AlbumPart.album)
            .where(AlbumPart.channel == channel)
            .group_by(AlbumPart.album)
            .having(func.max(AlbumPart.at) <= quiet_since)
        )
    )


def take_album(session: Session, channel: str, album: str) -> list[dict[str, Any]]:
    """The parts in order; they are gone from here when the transaction commits."""
    rows = session.scalars(
        select(AlbumPart)
        .where(AlbumPart.channel == channel, AlbumPart.album == album)
        .order_by(AlbumPart.id)
        .with_for_update()
    ).all()
    for row in rows:
        session.delete(row)
    return [row.part for row in rows]


def forget_parts(session: Session, before: datetime) -> None:
    """Parts that nobody put together."""
    session.execute(delete(AlbumPart).where(AlbumPart.at < before))


# -- leftovers ----------------------------------------------------------------------------------------------------


def forget_lapsed(session: Session, before: datetime) -> None:
    """Leases and tokens that ran out long ago."""
    session.execute(delete(Lease).where(Lease.until < before))
    session.execute(delete(PlatformToken).where(PlatformToken.expires_at < before))
