"""Custodians (密钥保管人) of identities: people of the bureau of whom any two together can open what is sealed.

Here are their names and public keys. Their private keys are in files of their own, never on the service's machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nacl.public import PrivateKey
from sqlalchemy import LargeBinary, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import audit
from storage.audit import Entry
from storage.base import Base, Instant, instant, name64, row_id

LEAST_CUSTODIANS, NAME = 2, 64
CANNOT = "打不开：密钥不对，或者封存的内容被动过。"
"""One sentence for every such cause: which one it was helps only who tries."""


class RevealError(ValueError):
    """It cannot be opened; the text says in Chinese why."""


class Custodian(Base):
    """A person who holds one half of the right to open identities: a name and a public key."""

    __tablename__ = "custodians"
    # One key under two names would make one person two.
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("public_key"))

    id: Mapped[row_id]
    name: Mapped[name64]
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[instant]
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Holder:
    """A custodian who is present, with their private key."""

    custodian: Custodian
    key: PrivateKey


def custodians(session: Session) -> list[Custodian]:
    """Those who can be asked today."""
    found = select(Custodian).where(Custodian.retired_at.is_(None)).order_by(Custodian.id)
    return list(session.scalars(found))


def named(session: Session, name: str) -> Custodian | None:
    return session.scalar(select(Custodian).where(Custodian.name == name))


def by_key(session: Session, public_key: bytes) -> Custodian | None:
    return session.scalar(select(Custodian).where(Custodian.public_key == public_key))


def appoint(session: Session, name: str, public_key: bytes, now: datetime) -> Custodian:
    """``RevealError`` when the name or the key is taken, be it by a retired custodian."""
    if not 0 < len(name) <= NAME:
        raise RevealError(f"保管人的名字要有 1 到 {NAME} 个字。")
    if named(session, name) is not None or by_key(session, public_key) is not None:
        raise RevealError(f"{name} 这个名字或这把公钥已经登记过，请换一个。")
    row = Custodian(name=name, public_key=public_key, created_at=now)
    session.add(row)
    session.flush()
    note(session, "command", "custodian.appointed", f"custodian:{row.id}", now)
    return row


def can_seal(session: Session) -> bool:
    """Whether an identity may be taken at all: there must be two who can open it together."""
    return len(custodians(session)) >= LEAST_CUSTODIANS


def demand_current(holder: Holder) -> None:
    if holder.custodian.retired_at is not None:
        raise RevealError(f"{holder.custodian.name} 已不是保管人。")
    if bytes(holder.key.public_key) != holder.custodian.public_key:
        raise RevealError(CANNOT)


def note(
    session: Session,
    actor: str,
    action: str,
    object_: str,
    now: datetime,
    reason: str = "",
    detail: Mapping[str, int] | None = None,
) -> None:
    role = "custodian" if actor.startswith("custodian:") else "command"
    audit.append(session, Entry(actor, role, action, object_, reason, detail or {}), now)
