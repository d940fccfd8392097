"""Links by which a person fetches or hands in a file where the conversation itself cannot carry it.

The token stands in the address and only its hash is kept. What it gives is made when it is asked for.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, instant, json_object, name64
from storage.contacts import Contact, hashed

LIFE = timedelta(hours=24)
TOKEN_BYTES = 24


class FileLink(Base):
    """``kind`` is what the link gives or takes (``ledger``, ``errors``, ``upload`` …), ``about`` its particulars."""

    __tablename__ = "file_links"

    token_hash: Mapped[name64] = mapped_column(primary_key=True)
    kind: Mapped[name64]
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id), index=True)
    about: Mapped[json_object]
    expires_at: Mapped[instant] = mapped_column(index=True)


def new(session: Session, kind: str, contact_id: int, about: dict[str, Any], now: datetime) -> str:
    """A token of base64url characters, good for ``LIFE``."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = FileLink(token_hash=hashed(token), kind=kind, contact_id=contact_id, about=about, expires_at=now + LIFE)
    session.add(row)
    session.flush()
    return token


def find(session: Session, token: str, now: datetime) -> FileLink | None:
    """None when it is wrong or has expired: the two are not told apart."""
    return session.scalar(select(FileLink).where(FileLink.token_hash == hashed(token), FileLink.expires_at > now))


def forget(session: Session, before: datetime) -> None:
    session.execute(delete(FileLink).where(FileLink.expires_at < before))
