"""How a reporter finds their case again, and how the case finds them: by keyed tags and sealed addresses only.

A tag is an HMAC of an account under a key that is not in the database: with the account at hand its cases are found,
with the database alone nobody's. The account to be told is kept only when the reporter wants news, sealed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from nacl import pwhash
from sqlalchemy import Date, ForeignKey, LargeBinary, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.base import Base, name64, row_id
from storage.cases import Case
from storage.contacts import Contact
from storage.vault import SealedError, Vault

RECEIPT_LIFE = timedelta(days=90)
"""How long a receipt opens its case after the end; each look renews it."""
GUESSES_A_DAY = 1_000
"""Wrong receipts over everybody: with this budget nobody finds one by trying, and nobody else is locked out."""
_OPS, _MEMORY, _SALT = 3, 64 * 1024 * 1024, 16


class CaseLink(Base):
    """One account's tie to one case. ``address`` is the sealed id of the account, empty when no news are wanted."""

    __tablename__ = "case_links"
    __table_args__ = (UniqueConstraint("case_id", "tag"),)

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    tag: Mapped[name64] = mapped_column(index=True)
    address: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    linked_on: Mapped[date] = mapped_column(Date)


class Receipt(Base):
    """A receipt, of which only the slow hash is kept."""

    __tablename__ = "receipts"

    digest: Mapped[name64] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id), unique=True)
    expires_on: Mapped[date | None] = mapped_column(Date, index=True)
    """None while the case is open."""


class ReceiptGuess(Base):
    """Wrong receipts of one day, over everybody."""

    __tablename__ = "receipt_guesses"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    count: Mapped[int]


# -- whose case it is ---------------------------------------------------------------------------------------------


def tag_of(vault: Vault, contact: Contact) -> str:
    return vault.token(f"reporter:{contact.channel}:{contact.external_id}")


def link(session: Session, case_id: int, tag: str, today: date) -> CaseLink:
    """Tie an account to a case; one that is tied already stays so."""
    row = session.scalar(select(CaseLink).where(CaseLink.case_id == case_id, CaseLink.tag == tag))
    if row is None:
        row = CaseLink(case_id=case_id, tag=tag, linked_on=today)
        session.add(row)
        session.flush()
    return row


def want_news(row: CaseLink, vault: Vault, contact_id: int) -> None:
    """From now on the account is told of every change."""
    row.address = vault.seal(str(contact_id).encode(), _about(row))


def no_news(row: CaseLink) -> None:
    row.address = b""


def addresses(session: Session, case_id: int, vault: Vault) -> list[int]:
    """The accounts that want to be told of a case; one that is gone since is left out."""
    rows = session.scalars(select(CaseLink).where(CaseLink.case_id == case_id).order_by(CaseLink.id)).all()
    found = [_opened(row, vault) for row in rows if row.address]
    return [id_ for id_ in found if id_ is not None and session.get(Contact, id_) is not None]


def cases_of(session: Session, tags: Sequence[str], limit: int = 20) -> list[Case]:
    """The cases of a person's accounts, the newest first."""
    found = select(Case).where(Case.id.in_(select(CaseLink.case_id).where(CaseLink.tag.in_(tags))))
    return list(session.scalars(found.order_by(Case.id.desc()).limit(limit)))


def own_case(session: Session, tags: Sequence[str], case_id: int) -> tuple[Case, CaseLink] | None:
    """A person's own case, locked; a foreign one is not found."""
    found = select(Case, CaseLink).join(CaseLink).where(CaseLink.tag.in_(tags), Case.id == case_id)
    row = session.execute(found.order_by(CaseLink.id).limit(1).with_for_update(of=Case)).one_or_none()
    return (row[0], row[1]) if row else None


def forget_tags(session: Session, tags: Sequence[str]) -> None:
    """The account is to be forgotten: its cases go on, tied to nobody."""
    session.execute(delete(CaseLink).where(CaseLink.tag.in_(tags)))


def _about(row: CaseLink) -> str:
    return f"case-address:{row.case_id}:{row.tag}"


def _opened(row: CaseLink, vault: Vault) -> int | None:
    try:
        return int(vault.open(row.address, _about(row)))
    except SealedError:
        return None


# -- receipts -----------------------------------------------------------------------------------------------------


def digest_of(vault: Vault, digits: str) -> str:
    """The slow hash of a receipt's digits: Argon2id, 3 passes over 64 MiB, the pepper outside the database. 0.2 s."""
    pepper = hashlib.sha256(_pepper(vault)).digest()[:_SALT]
    return pwhash.argon2id.kdf(32, digits.encode(), pepper, opslimit=_OPS, memlimit=_MEMORY).hex()


def keep_receipt(session: Session, case_id: int, digest: str) -> None:
    session.execute(delete(Receipt).where(Receipt.case_id == case_id))
    session.add(Receipt(digest=digest, case_id=case_id))
    session.flush()


def by_receipt(session: Session, digest: str, today: date) -> Case | None:
    """The case a receipt opens, locked. A wrong one is counted; each right look renews the receipt of an ended case."""
    row = session.get(Receipt, digest)
    if row is None or (row.expires_on is not None and row.expires_on < today):
        _count_guess(session, today)
        return None
    if row.expires_on is not None:
        row.expires_on = today + RECEIPT_LIFE
    return session.scalar(select(Case).where(Case.id == row.case_id).with_for_update())


def guesses_left(session: Session, today: date) -> bool:
    row = session.get(ReceiptGuess, today)
    return row is None or row.count < GUESSES_A_DAY


def receipt_ends(session: Session, case_id: int, on: date | None) -> None:
    """The case has ended on a day, or (None) goes on."""
    row = session.scalar(select(Receipt).where(Receipt.case_id == case_id))
    if row is not None:
        row.expires_on = on + RECEIPT_LIFE if on is not None else None


def forget_lapsed(session: Session, today: date) -> None:
    """Receipts and ties of cases that ended long ago."""
    lapsed = select(Receipt.case_id).where(Receipt.expires_on < today)
    session.execute(delete(CaseLink).where(CaseLink.case_id.in_(lapsed)))
    session.execute(delete(Receipt).where(Receipt.expires_on < today))
    session.execute(delete(ReceiptGuess).where(ReceiptGuess.day < today))


def _count_guess(session: Session, today: date) -> None:
    row = session.get(ReceiptGuess, today, with_for_update=True)
    if row is None:
        row = ReceiptGuess(day=today, count=0)
        session.add(row)
    row.count += 1
    session.flush()


@lru_cache(maxsize=4)
def _pepper(vault: Vault) -> bytes:
    return hmac.new(vault.token("receipt pepper").encode(), b"receipt", hashlib.sha256).digest()
