"""Identities of reporters, apart from the cases: sealed so that no one person and no running process can open them.

Each identity has a key of its own. For every ordered pair of custodians that key lies in two boxes, one within the other
(libsodium sealed boxes): the outer one opens for the first of the pair, the inner one for the second. Sealing needs
public keys only; opening needs two people with their private keys, which are never here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import audit
from storage.audit import Entry
from storage.base import Base, Instant, instant, name64, row_id

LEAST_CUSTODIANS = 2
LEAST_REASON = 10
REVEAL_LIFE = timedelta(minutes=15)
KEY_BYTES, NONCE_BYTES = 32, 12


class RevealError(ValueError):
    """It cannot be opened; the text says in Chinese why."""


class Custodian(Base):
    """A person who holds one half of the right to open identities: a name and a public key."""

    __tablename__ = "custodians"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[row_id]
    name: Mapped[name64]
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[instant]
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class SealedIdentity(Base):
    """What one reporter said of themselves for one case. The case is named by number only: the vault stands apart, and
    its table could lie in another database."""

    __tablename__ = "sealed_identities"

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(BigInteger, index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[instant]


class IdentityKey(Base):
    """The key of one identity for one ordered pair of custodians."""

    __tablename__ = "identity_keys"
    __table_args__ = (UniqueConstraint("identity_id", "first_id", "second_id"),)

    id: Mapped[row_id]
    identity_id: Mapped[int] = mapped_column(ForeignKey(SealedIdentity.id))
    first_id: Mapped[int] = mapped_column(ForeignKey(Custodian.id))
    second_id: Mapped[int] = mapped_column(ForeignKey(Custodian.id))
    box: Mapped[bytes] = mapped_column(LargeBinary)


class Reveal(Base):
    """A disclosure under way: asked for by a first custodian, with a reason, open to a second for a short while."""

    __tablename__ = "reveals"

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(BigInteger, index=True)
    first_id: Mapped[int] = mapped_column(ForeignKey(Custodian.id))
    reason: Mapped[str] = mapped_column(String(300))
    asked_at: Mapped[instant]
    expires_at: Mapped[instant]
    second_id: Mapped[int | None] = mapped_column(ForeignKey(Custodian.id))
    opened_at: Mapped[datetime | None] = mapped_column(Instant)


class RevealHalf(Base):
    """An identity's key with the outer box opened: only the second custodian can open the inner one."""

    __tablename__ = "reveal_halves"

    id: Mapped[row_id]
    reveal_id: Mapped[int] = mapped_column(ForeignKey(Reveal.id), index=True)
    identity_id: Mapped[int] = mapped_column(BigInteger)
    second_id: Mapped[int] = mapped_column(ForeignKey(Custodian.id))
    box: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Holder:
    """A custodian who is present, with their private key."""

    custodian: Custodian
    key: PrivateKey


# -- custodians ---------------------------------------------------------------------------------------------------


def custodians(session: Session) -> list[Custodian]:
    """Those who can be asked today."""
    found = select(Custodian).where(Custodian.retired_at.is_(None)).order_by(Custodian.id)
    return list(session.scalars(found))


def named(session: Session, name: str) -> Custodian | None:
    return session.scalar(select(Custodian).where(Custodian.name == name))


def by_key(session: Session, public_key: bytes) -> Custodian | None:
    return session.scalar(select(Custodian).where(Custodian.public_key == public_key))


def appoint(session: Session, name: str, public_key: bytes, now: datetime) -> Custodian:
    row = Custodian(name=name, public_key=public_key, created_at=now)
    session.add(row)
    session.flush()
    _note(session, "command", "custodian.appointed", f"custodian:{row.id}", now)
    return row


def retire(session: Session, custodian: Custodian, now: datetime) -> None:
    """Nothing new is sealed for them. What is sealed already must be sealed anew by two others (``rewrap``)."""
    custodian.retired_at = now
    _note(session, "command", "custodian.retired", f"custodian:{custodian.id}", now)
    session.flush()


def can_seal(session: Session) -> bool:
    """Whether an identity may be taken at all: there must be two who can open it together."""
    return len(custodians(session)) >= LEAST_CUSTODIANS


# -- sealing ------------------------------------------------------------------------------------------------------


def seal(session: Session, case_id: int, identity: Mapping[str, str], now: datetime) -> int:
    """Keep an identity for a case; its row's id. ``RevealError`` when there are not two custodians."""
    holders = custodians(session)
    if len(holders) < LEAST_CUSTODIANS:
        raise RevealError("还没有两名密钥保管人，不能留存身份信息。")
    key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
    text = json.dumps(dict(identity), ensure_ascii=False).encode()
    row = SealedIdentity(
        case_id=case_id, sealed=nonce + AESGCM(key).encrypt(nonce, text, _about(case_id)), created_at=now
    )
    session.add(row)
    session.flush()
    _box(session, row.id, key, holders)
    return row.id


def shred(session: Session, case_id: int) -> int:
    """Destroy the keys and what they sealed; how many identities there were."""
    ids = list(session.scalars(select(SealedIdentity.id).where(SealedIdentity.case_id == case_id)))
    session.execute(delete(RevealHalf).where(RevealHalf.identity_id.in_(ids)))
    session.execute(delete(IdentityKey).where(IdentityKey.identity_id.in_(ids)))
    session.execute(delete(SealedIdentity).where(SealedIdentity.id.in_(ids)))
    return len(ids)


# -- opening ------------------------------------------------------------------------------------------------------


def ask_reveal(session: Session, case_id: int, first: Holder, reason: str, now: datetime) -> Reveal:
    """The first custodian opens their box for every other one. Nothing can be read yet."""
    if len(reason.strip()) < LEAST_REASON:
        raise RevealError(f"请写明开启身份的理由，至少 {LEAST_REASON} 个字。")
    _demand_current(first)
    ids = _identities(session, case_id)
    reveal = Reveal(
        case_id=case_id,
        first_id=first.custodian.id,
        reason=reason.strip()[:300],
        asked_at=now,
        expires_at=now + REVEAL_LIFE,
    )
    session.add(reveal)
    session.flush()
    for row in session.scalars(
        select(IdentityKey).where(IdentityKey.identity_id.in_(ids), IdentityKey.first_id == first.custodian.id)
    ).all():
        half = _unbox(row.box, first.key)
        session.add(RevealHalf(reveal_id=reveal.id, identity_id=row.identity_id, second_id=row.second_id, box=half))
    _note(session, f"custodian:{first.custodian.id}", "identity.reveal-asked", f"case:{case_id}", now, reveal.reason)
    session.flush()
    return reveal


def open_reveal(session: Session, reveal_id: int, second: Holder, now: datetime) -> list[dict[str, str]]:
    """The second custodian opens the inner box: the identities, once, within the quarter of an hour."""
    reveal = session.get(Reveal, reveal_id, with_for_update=True)
    if reveal is None or reveal.opened_at is not None or now >= reveal.expires_at:
        raise RevealError("没有这个开启申请，或者已经用过、超过 15 分钟，请重新申请。")
    if reveal.first_id == second.custodian.id:
        raise RevealError("要由另一名保管人开启，不能一个人开。")
    _demand_current(second)
    halves = session.scalars(
        select(RevealHalf).where(RevealHalf.reveal_id == reveal.id, RevealHalf.second_id == second.custodian.id)
    ).all()
    found = [_read(session, half, second.key) for half in halves]
    if not found:
        raise RevealError("这个案件的身份不是为这两名保管人封存的。")
    reveal.opened_at, reveal.second_id = now, second.custodian.id
    session.execute(delete(RevealHalf).where(RevealHalf.reveal_id == reveal.id))
    actor, about = f"custodian:{second.custodian.id}", f"case:{reveal.case_id}"
    _note(session, actor, "identity.revealed", about, now, reveal.reason)
    session.flush()
    return found


def rewrap(session: Session, first: Holder, second: Holder, now: datetime) -> int:
    """Two custodians together seal every key anew for today's custodians; how many identities were sealed anew."""
    _demand_current(first)
    _demand_current(second)
    holders, done = custodians(session), 0
    wanted = (IdentityKey.first_id == first.custodian.id, IdentityKey.second_id == second.custodian.id)
    for row in session.scalars(select(IdentityKey).where(*wanted)).all():
        key, identity_id = _unbox(_unbox(row.box, first.key), second.key), row.identity_id
        session.execute(delete(IdentityKey).where(IdentityKey.identity_id == identity_id))
        _box(session, identity_id, key, holders)
        done += 1
    _note(session, f"custodian:{first.custodian.id}", "identity.rewrapped", f"custodian:{second.custodian.id}", now)
    return done


def forget_reveals(session: Session, now: datetime) -> None:
    """Half-opened boxes of reveals that have lapsed."""
    lapsed = select(Reveal.id).where(Reveal.expires_at <= now)
    session.execute(delete(RevealHalf).where(RevealHalf.reveal_id.in_(lapsed)))


def _identities(session: Session, case_id: int) -> list[int]:
    ids = list(session.scalars(select(SealedIdentity.id).where(SealedIdentity.case_id == case_id)))
    if not ids:
        raise RevealError("这个案件没有封存的身份。")
    return ids


def _read(session: Session, half: RevealHalf, key: PrivateKey) -> dict[str, str]:
    row = session.get_one(SealedIdentity, half.identity_id)
    try:
        text = AESGCM(_unbox(half.box, key)).decrypt(
            row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:], _about(row.case_id)
        )
    except (InvalidTag, ValueError):
        raise RevealError(CANNOT) from None
    opened: dict[str, str] = json.loads(text)
    return opened


CANNOT = "打不开：密钥不对，或者封存的内容被动过。"


def _box(session: Session, identity_id: int, key: bytes, holders: list[Custodian]) -> None:
    for first, second in permutations(holders, 2):
        inner = SealedBox(PublicKey(second.public_key)).encrypt(key)
        outer = SealedBox(PublicKey(first.public_key)).encrypt(inner)
        session.add(IdentityKey(identity_id=identity_id, first_id=first.id, second_id=second.id, box=outer))
    session.flush()


def _unbox(box: bytes, key: PrivateKey) -> bytes:
    try:
        return SealedBox(key).decrypt(box)
    except (CryptoError, ValueError, TypeError):
        raise RevealError(CANNOT) from None


def _demand_current(holder: Holder) -> None:
    if holder.custodian.retired_at is not None:
        raise RevealError(f"{holder.custodian.name} 已不是保管人。")
    if bytes(holder.key.public_key) != holder.custodian.public_key:
        raise RevealError(CANNOT)


def _about(case_id: int) -> bytes:
    return f"identity|case:{case_id}".encode()


def _note(session: Session, actor: str, action: str, object_: str, now: datetime, reason: str = "") -> None:
    audit.append(session, Entry(actor, "custodian", action, object_, reason), now)
