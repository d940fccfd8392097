"""Identities of reporters, apart from the cases: sealed so that no one person and no running process can open them.

Each identity has a key of its own. For every ordered pair of custodians that key lies in two boxes, one within the other
(libsodium sealed boxes): the outer one opens for the first of the pair, the inner one for the second. Sealing needs
public keys only; opening needs two people with their private keys, which are never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import permutations

from nacl.public import PrivateKey
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import boxes
from storage.base import Base, Instant, instant, row_id
from storage.boxes import BoxError
from storage.custodians import (
    CANNOT,
    LEAST_CUSTODIANS,
    Custodian,
    Holder,
    RevealError,
    appoint,
    by_key,
    can_seal,
    custodians,
    demand_current,
    named,
    note,
)

__all__ = [
    "LEAST_CUSTODIANS",
    "Custodian",
    "Holder",
    "RevealError",
    "appoint",
    "ask_reveal",
    "by_key",
    "can_seal",
    "custodians",
    "forget_reveals",
    "kept",
    "named",
    "open_reveal",
    "retire",
    "rewrap",
    "seal",
    "shred",
    "stranded",
]

LEAST_REASON, MOST_REASON = 10, 300
REVEAL_LIFE = timedelta(minutes=15)
NOT_FOR_YOU = "这个案件的身份不是为您封存的：请换一名保管人，或先由两名保管人运行 custodian rewrap。"


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
    reason: Mapped[str] = mapped_column(String(MOST_REASON))
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


# -- leaving ------------------------------------------------------------------------------------------------------


def retire(session: Session, custodian: Custodian, now: datetime, *, anyway: bool = False) -> None:
    """Nothing new is sealed for them; what they have half-opened is closed. What is sealed already must be sealed anew
    by two others (``rewrap``). ``RevealError`` when identities would be lost by it, unless ``anyway`` (a stolen key).
    """
    lost = stranded(session, custodian) - stranded(session)
    if lost and not anyway:
        raise RevealError(
            f"{custodian.name} 现在还不能卸任：有 {lost} 份身份没有他就打不开。请先登记新的保管人，再由他和另一名保管人运行 custodian rewrap。"
        )
    custodian.retired_at = now
    theirs = select(Reveal.id).where(Reveal.first_id == custodian.id)
    session.execute(
        delete(RevealHalf).where(or_(RevealHalf.second_id == custodian.id, RevealHalf.reveal_id.in_(theirs)))
    )
    note(session, "command", "custodian.retired", f"custodian:{custodian.id}", now)
    session.flush()


def stranded(session: Session, leaving: Custodian | None = None) -> int:
    """How many identities no two of today's custodians can open; or could, when one of them is gone."""
    staying = [row.id for row in custodians(session) if leaving is None or row.id != leaving.id]
    pair = select(IdentityKey.id).where(
        IdentityKey.identity_id == SealedIdentity.id,
        IdentityKey.first_id.in_(staying),
        IdentityKey.second_id.in_(staying),
    )
    return session.scalar(select(func.count(SealedIdentity.id)).where(~pair.exists())) or 0


# -- sealing ------------------------------------------------------------------------------------------------------


def seal(session: Session, case_id: int, identity: Mapping[str, str], now: datetime) -> int:
    """Keep an identity for a case; its row's id. ``RevealError`` when there are not two custodians."""
    if not can_seal(session):
        raise RevealError("还没有两名密钥保管人，不能留存身份信息。")
    key, sealed = boxes.close(identity, case_id)
    row = SealedIdentity(case_id=case_id, sealed=sealed, created_at=now)
    session.add(row)
    session.flush()
    _box(session, row.id, key, custodians(session))
    return row.id


def kept(session: Session, case_id: int) -> int:
    """How many identities are sealed for a case: what was added later is sealed beside what was there."""
    return len(_ids(session, case_id))


def shred(session: Session, case_id: int) -> int:
    """Destroy the keys and what they sealed; how many identities there were."""
    ids = _ids(session, case_id)
    session.execute(delete(RevealHalf).where(RevealHalf.identity_id.in_(ids)))
    session.execute(delete(IdentityKey).where(IdentityKey.identity_id.in_(ids)))
    session.execute(delete(SealedIdentity).where(SealedIdentity.id.in_(ids)))
    return len(ids)


# -- opening ------------------------------------------------------------------------------------------------------


def ask_reveal(session: Session, case_id: int, first: Holder, reason: str, now: datetime) -> Reveal:
    """The first custodian opens their box for every other one. Nothing can be read yet."""
    why = _reason(reason)
    demand_current(first)
    boxes = select(IdentityKey).where(
        IdentityKey.identity_id.in_(_demand_some(session, case_id)), IdentityKey.first_id == first.custodian.id
    )
    rows = session.scalars(boxes).all()
    if not rows:
        raise RevealError(NOT_FOR_YOU)
    forget_reveals(session, now)
    mine = first.custodian.id
    reveal = Reveal(case_id=case_id, first_id=mine, reason=why, asked_at=now, expires_at=now + REVEAL_LIFE)
    session.add(reveal)
    session.flush()
    for row in rows:
        half = _unbox(row.box, first.key)
        session.add(RevealHalf(reveal_id=reveal.id, identity_id=row.identity_id, second_id=row.second_id, box=half))
    note(session, f"custodian:{mine}", "identity.reveal-asked", f"case:{case_id}", now, why)
    return reveal


def open_reveal(session: Session, reveal_id: int, second: Holder, now: datetime) -> list[dict[str, str]]:
    """The second custodian opens the inner box: the identities, once, within the quarter of an hour."""
    reveal = session.get(Reveal, reveal_id, with_for_update=True)
    if reveal is None or reveal.opened_at is not None or now >= reveal.expires_at:
        raise RevealError("没有这个开启申请，或者已经用过、超过 15 分钟，请重新申请。")
    if reveal.first_id == second.custodian.id:
        raise RevealError("要由另一名保管人开启，不能一个人开。")
    demand_current(second)
    _demand_some(session, reveal.case_id)
    mine, wanted = second.custodian.id, RevealHalf.reveal_id == reveal.id
    halves = session.scalars(select(RevealHalf).where(wanted, RevealHalf.second_id == mine).order_by(RevealHalf.id))
    found = [_read(session, half, reveal.case_id, second.key) for half in halves.all()]
    if not found:
        raise RevealError(NOT_FOR_YOU)
    reveal.opened_at, reveal.second_id = now, mine
    session.execute(delete(RevealHalf).where(wanted))
    detail = {"reveal": reveal.id, "first": reveal.first_id, "opened": len(found)}
    note(session, f"custodian:{mine}", "identity.revealed", f"case:{reveal.case_id}", now, reveal.reason, detail)
    return found


def rewrap(session: Session, first: Holder, second: Holder, now: datetime) -> int:
    """Two custodians together seal every key anew for today's custodians; how many identities were sealed anew.

    What the two cannot open stays as it is.
    """
    if first.custodian.id == second.custodian.id:
        raise RevealError("要两名不同的保管人在场，才能重新封存。")
    demand_current(first)
    demand_current(second)
    found = (
        select(IdentityKey.box, SealedIdentity)
        .join(SealedIdentity)
        .where(IdentityKey.first_id == first.custodian.id, IdentityKey.second_id == second.custodian.id)
    )
    rows = session.execute(found).all()
    done = sum(_rewrapped(session, row, box, (first.key, second.key)) for box, row in rows)
    actor, about = f"custodian:{first.custodian.id}", f"custodian:{second.custodian.id}"
    note(session, actor, "identity.rewrapped", about, now, detail={"done": done, "failed": len(rows) - done})
    return done


def _rewrapped(session: Session, row: SealedIdentity, box: bytes, keys: tuple[PrivateKey, PrivateKey]) -> bool:
    try:
        key = boxes.unbox(boxes.unbox(box, keys[0]), keys[1])
        # Anybody can make a box: the others go only once this one has proved to hold the right key.
        boxes.read(row.sealed, key, row.case_id)
    except BoxError:
        return False
    session.execute(delete(IdentityKey).where(IdentityKey.identity_id == row.id))
    _box(session, row.id, key, custodians(session))
    return True


def forget_reveals(session: Session, now: datetime) -> None:
    """Half-opened boxes of reveals that have lapsed."""
    lapsed = select(Reveal.id).where(Reveal.expires_at <= now)
    session.execute(delete(RevealHalf).where(RevealHalf.reveal_id.in_(lapsed)))


def _ids(session: Session, case_id: int) -> list[int]:
    return list(session.scalars(select(SealedIdentity.id).where(SealedIdentity.case_id == case_id)))


def _demand_some(session: Session, case_id: int) -> list[int]:
    ids = _ids(session, case_id)
    if not ids:
        raise RevealError("这个案件没有封存的身份，或者已经销毁。")
    return ids


def _reason(text: str) -> str:
    why = text.strip()
    if not LEAST_REASON <= len(why) <= MOST_REASON:
        raise RevealError(f"请写明开启身份的理由，{LEAST_REASON} 到 {MOST_REASON} 个字。")
    return why


def _read(session: Session, half: RevealHalf, case_id: int, key: PrivateKey) -> dict[str, str]:
    """``case_id`` is the one that was asked about: an identity put there from another case does not open."""
    try:
        return boxes.read(session.get_one(SealedIdentity, half.identity_id).sealed, _unbox(half.box, key), case_id)
    except BoxError:
        raise RevealError(CANNOT) from None


def _box(session: Session, identity_id: int, key: bytes, holders: list[Custodian]) -> None:
    for first, second in permutations(holders, 2):
        box = boxes.box(key, first.public_key, second.public_key)
        session.add(IdentityKey(identity_id=identity_id, first_id=first.id, second_id=second.id, box=box))
    session.flush()


def _unbox(box: bytes, key: PrivateKey) -> bytes:
    try:
        return boxes.unbox(box, key)
    except BoxError:
        raise RevealError(CANNOT) from None
