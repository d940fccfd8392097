"""Cases (投诉、举报): the row, the moves it may make, its thread. No row here says who filed it.

Whom a case is told to stands in ``storage.case_links``, sealed; identities stand in ``storage.identities``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import audit
from storage.audit import Entry
from storage.base import Base, Instant, instant, json_object, long_text, name64, row_id
from storage.coarse import day_of, hour_of
from storage.consults import next_number
from storage.shops import Shop
from storage.staff import StaffMember

MOST_NUMBERS = 10_000
PIECE = 500
UNTIMED = ("reporter", "system")
"""Whose deeds are noted by the day: their instants are those of what an account said."""


class CaseKind(StrEnum):
    """Order 121 treats them differently: a complaint (投诉) asks for something, a report (举报) tells of a violation."""

    COMPLAINT = "complaint"
    REPORT = "report"


class CaseState(StrEnum):
    """Where a case stands.

    received → accepted (受理: a complaint is mediated, a report is checked) | refused (不予受理) | transferred (移送);
    accepted → filed (立案, reports) → closed (办结); closed and refused may be taken up again within their term.
    """

    RECEIVED = "received"
    ACCEPTED = "accepted"
    FILED = "filed"
    CLOSED = "closed"
    REFUSED = "refused"
    TRANSFERRED = "transferred"
    WITHDRAWN = "withdrawn"


OPEN = (CaseState.RECEIVED, CaseState.ACCEPTED, CaseState.FILED)
_OPEN_SQL = text("state IN ('received', 'accepted', 'filed')")
MOVES: dict[CaseState, frozenset[CaseState]] = {
    CaseState.RECEIVED: frozenset((CaseState.ACCEPTED, CaseState.REFUSED, CaseState.TRANSFERRED, CaseState.WITHDRAWN)),
    CaseState.ACCEPTED: frozenset((CaseState.FILED, CaseState.CLOSED, CaseState.TRANSFERRED, CaseState.WITHDRAWN)),
    CaseState.FILED: frozenset((CaseState.CLOSED, CaseState.TRANSFERRED)),
    CaseState.CLOSED: frozenset((CaseState.ACCEPTED,)),
    CaseState.REFUSED: frozenset((CaseState.RECEIVED,)),
    CaseState.TRANSFERRED: frozenset(),
    CaseState.WITHDRAWN: frozenset(),
}


class CaseMoveError(ValueError):
    """The case cannot go from where it is to there."""


class Stall(Base):
    """One stall or shop that several cases are about, once staff have confirmed that they are."""

    __tablename__ = "stalls"

    id: Mapped[row_id]
    name: Mapped[str] = mapped_column(String(128))
    shop_id: Mapped[int | None] = mapped_column(ForeignKey(Shop.id), index=True)
    """The shop that keeps a ledger here, when it is known to be this stall."""
    created_at: Mapped[instant]


class Case(Base):
    """One complaint or report. ``told`` is the story with what would name its teller taken out; ``filing_hash`` is the
    SHA-256 of what was filed. ``main_id``: it is worked together with that case."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_cases_open", "officer_id", "id", sqlite_where=_OPEN_SQL, postgresql_where=_OPEN_SQL),
        Index("ix_cases_state_updated_at", "state", "updated_at"),
        Index("ix_cases_received_on", "received_on"),
    )

    id: Mapped[row_id]
    number: Mapped[name64]
    kind: Mapped[name64]
    state: Mapped[name64] = mapped_column(default=CaseState.RECEIVED)
    category: Mapped[name64] = mapped_column(default="")
    district: Mapped[name64] = mapped_column(default="")
    market: Mapped[name64] = mapped_column(default="")
    stall_no: Mapped[name64] = mapped_column(default="")
    shop: Mapped[name64] = mapped_column(default="")
    licence: Mapped[str] = mapped_column(String(18), default="")
    place: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    goods: Mapped[name64] = mapped_column(default="")
    matter: Mapped[str] = mapped_column(String(200), default="")
    """What it is about in a few words: 称重少2两（排骨）."""
    told: Mapped[long_text] = mapped_column(default="")
    happened: Mapped[name64] = mapped_column(default="")
    verdict: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The verdict on the spot, as ``knowledge.judging.Judgement.to_json``; None when there were no figures."""
    evidence_level: Mapped[int] = mapped_column(Integer, default=1)
    demand: Mapped[str] = mapped_column(String(200), default="")
    """What a complaint asks for."""
    identified: Mapped[bool] = mapped_column(default=False)
    """Whether an identity is sealed for it."""
    statutory: Mapped[bool] = mapped_column(default=False)
    """Filed through a statutory intake: the terms of the law run; else the bureau's promise of the same terms."""
    filing_hash: Mapped[name64]
    received_on: Mapped[date] = mapped_column(Date)
    received_at: Mapped[instant]
    stall_id: Mapped[int | None] = mapped_column(ForeignKey(Stall.id), index=True)
    main_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey(StaffMember.id))
    urgent: Mapped[bool] = mapped_column(default=False)
    ground: Mapped[str] = mapped_column(String(300), default="")
    """Of a refusal or a transfer: the legal ground, or the body."""
    outcome: Mapped[name64] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    """The public reason for how it ended."""
    document_no: Mapped[name64] = mapped_column(default="")
    confirmed: Mapped[bool] = mapped_column(default=False)
    """Whether a violation was found."""
    ended_on: Mapped[date | None] = mapped_column(Date)
    reopened: Mapped[int] = mapped_column(default=0)
    satisfied: Mapped[int | None]
    """1 to 5, as its reporter said; None: not said."""
    updated_at: Mapped[instant]


class CaseEvent(Base):
    """One thing that happened in a case. ``public``: its reporter may read it. Files are names in the evidence store."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_case_id", "case_id", "id"),)

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    at: Mapped[instant]
    actor: Mapped[name64]
    """``reporter``, ``merchant``, ``system`` or ``staff:12``."""
    action: Mapped[name64]
    text: Mapped[long_text] = mapped_column(default="")
    public: Mapped[bool]
    detail: Mapped[json_object]


class CaseFile(Base):
    """One file of evidence: the sealed original by its digests, the working copy by its own.

    ``source`` is what the conversation called it (``media:12`` or a digest) until the original is sealed.
    """

    __tablename__ = "case_files"
    __table_args__ = (
        Index("ix_case_files_case_id", "case_id", "id"),
        Index("ix_case_files_dhash", "dhash"),
        UniqueConstraint("case_id", "source"),
    )

    id: Mapped[row_id]
    case_id: Mapped[int] = mapped_column(ForeignKey(Case.id))
    source: Mapped[name64]
    kind: Mapped[name64]
    """``image``, ``voice``, ``video`` or ``file``."""
    state: Mapped[name64] = mapped_column(default="waiting")
    """``waiting`` → ``kept`` | ``refused``."""
    reason: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[name64] = mapped_column(default="", index=True)
    sm3: Mapped[name64] = mapped_column(default="")
    size: Mapped[int] = mapped_column(default=0)
    media_type: Mapped[name64] = mapped_column(default="")
    copy_sha256: Mapped[name64] = mapped_column(default="")
    dhash: Mapped[str] = mapped_column(String(16), default="")
    received_at: Mapped[instant]
    kept_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to a case and by whom: the thread's line and the audit's."""

    actor: str
    action: str
    text: str = ""
    public: bool = True
    role: str = ""
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


# -- writing ------------------------------------------------------------------------------------------------------


def open_case(session: Session, case: Case, today: date, now: datetime) -> Case:
    """Record a new case; its number is ``TS-YYMMDD-NNNN``. The last four digits run on from day to day, so that staff
    may call a case by them alone."""
    running = next_number(session, "case") % MOST_NUMBERS
    case.number = f"TS-{today:%y%m%d}-{running:04d}"
    case.received_on, case.received_at, case.updated_at = today, day_of(now), day_of(now)
    session.add(case)
    session.flush()
    # Who filed it is not in the thread or the audit log, only that it was filed.
    happen(session, case, Deed("reporter", "case.filed", detail={"kind": case.kind, "hash": case.filing_hash}), now)
    return case


def happen(session: Session, case: Case, deed: Deed, now: datetime) -> CaseEvent:
    """Note something in the thread and in the audit log (there without its words); of its reporter by the day only."""
    at = now if deed.actor not in UNTIMED else day_of(now)
    event = CaseEvent(
        case_id=case.id,
        at=at,
        actor=deed.actor,
        action=deed.action,
        text=deed.text,
        public=deed.public,
        detail=deed.detail,
    )
    session.add(event)
    case.updated_at = day_of(now)
    entry = Entry(deed.actor, deed.role, deed.action, f"case:{case.id}", deed.reason, deed.detail)
    audit.append(session, entry, at)
    session.flush()
    return event


def may(case: Case, to: CaseState) -> bool:
    return to in MOVES[CaseState(case.state)]


def move(session: Session, case: Case, to: CaseState, deed: Deed, now: datetime) -> CaseEvent:
    """Go to another state; ``CaseMoveError`` when there is no such move."""
    here = CaseState(case.state)
    if to not in MOVES[here]:
        raise CaseMoveError(f"{here} -> {to}")
    case.state = to
    detail = deed.detail | {"from": str(here), "to": str(to)}
    return happen(
        session, case, Deed(deed.actor, deed.action, deed.text, deed.public, deed.role, deed.reason, detail), now
    )


# -- looking up ---------------------------------------------------------------------------------------------------


def get(session: Session, case_id: int) -> Case | None:
    """A case, locked."""
    return session.scalar(select(Case).where(Case.id == case_id).with_for_update())


def by_number(session: Session, number: str) -> Case | None:
    return session.scalar(select(Case).where(Case.number == number).with_for_update())


def by_number_read(session: Session, number: str) -> Case | None:
    """A case as it stands, for reading only."""
    return session.scalar(select(Case).where(Case.number == number))


def by_short(session: Session, digits: str, limit: int = 5) -> list[Case]:
    """The cases whose number ends so, open ones first, then the newest."""
    is_open = Case.state.in_(OPEN)
    found = select(Case).where(Case.number.endswith(f"-{digits}", autoescape=True))
    return list(session.scalars(found.order_by(is_open.desc(), Case.id.desc()).limit(limit)))


def open_cases(session: Session, officer_id: int | None = None, limit: int = 200) -> list[Case]:
    """Open cases that are not worked with another one; of one officer, or of everybody."""
    found = select(Case).where(Case.state.in_(OPEN), Case.main_id.is_(None))
    if officer_id is not None:
        found = found.where(Case.officer_id == officer_id)
    return list(session.scalars(found.order_by(Case.id).limit(limit)))


def unassigned(session: Session, limit: int = 50) -> list[Case]:
    found = select(Case).where(Case.state.in_(OPEN), Case.officer_id.is_(None), Case.main_id.is_(None))
    return list(session.scalars(found.order_by(Case.id).limit(limit)))


def load_of(session: Session) -> dict[int, int]:
    """How many open cases each officer has."""
    rows = session.execute(
        select(Case.officer_id, func.count())
        .where(Case.state.in_(OPEN), Case.officer_id.is_not(None))
        .group_by(Case.officer_id)
    )
    return {officer: count for officer, count in rows if officer is not None}


def merged_into(session: Session, case_id: int) -> list[Case]:
    return list(session.scalars(select(Case).where(Case.main_id == case_id).order_by(Case.id)))


def events(session: Session, case_id: int, *, public: bool = False, limit: int = 200) -> list[CaseEvent]:
    """The thread, oldest first; ``public``: what its reporter may read."""
    found = select(CaseEvent).where(CaseEvent.case_id == case_id)
    if public:
        found = found.where(CaseEvent.public)
    rows = session.scalars(found.order_by(CaseEvent.id.desc()).limit(limit)).all()
    return list(reversed(rows))


def files(session: Session, case_id: int) -> list[CaseFile]:
    return list(session.scalars(select(CaseFile).where(CaseFile.case_id == case_id).order_by(CaseFile.id)))


def add_files(session: Session, case: Case, sources: Sequence[tuple[str, str]], now: datetime) -> list[CaseFile]:
    """Note files (source, kind) that are to be sealed; one that the case has already is not noted twice."""
    there = {f.source for f in files(session, case.id)}
    new = [
        CaseFile(case_id=case.id, source=source, kind=kind, received_at=hour_of(now))
        for source, kind in dict(sources).items()
        if source not in there
    ]
    session.add_all(new)
    session.flush()
    return new


def same_pictures(session: Session, dhash: str, case_id: int, limit: int = 5) -> list[int]:
    """Other cases that have a picture with the same fingerprint."""
    if not dhash:
        return []
    found = select(CaseFile.case_id).where(CaseFile.dhash == dhash, CaseFile.case_id != case_id).distinct()
    return list(session.scalars(found.limit(limit)))


def files_since(session: Session, case_id: int, since: datetime) -> int:
    """How many files a case got since an instant."""
    counted = select(func.count()).where(CaseFile.case_id == case_id, CaseFile.received_at >= since)
    return session.scalar(counted) or 0


def kept_files(session: Session) -> Iterator[CaseFile]:
    """Every sealed file of every case, in pieces."""
    after = 0
    while True:
        found = select(CaseFile).where(CaseFile.state == "kept", CaseFile.id > after).order_by(CaseFile.id)
        rows = session.scalars(found.limit(PIECE)).all()
        yield from rows
        if len(rows) < PIECE:
            return
        after = rows[-1].id


def count_kept_files(session: Session) -> int:
    return session.scalar(select(func.count()).where(CaseFile.state == "kept")) or 0


def has_stall(session: Session, shop_id: int) -> bool:
    """Whether cases were about this shop's stall."""
    return session.scalar(select(Stall.id).where(Stall.shop_id == shop_id).limit(1)) is not None


def shop_of(session: Session, case: Case) -> int | None:
    """The shop that keeps a ledger here and is known to be the case's stall."""
    stall = session.get(Stall, case.stall_id) if case.stall_id is not None else None
    return stall.shop_id if stall is not None else None
