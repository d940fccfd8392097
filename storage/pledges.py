"""Pledges of honest metrology (诚信计量自我承诺): what a shop signed, the moves a pledge may make, its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint, exists, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import audit
from storage.audit import Entry
from storage.base import Base, instant, json_object, long_text, name64, row_id
from storage.consults import next_number
from storage.contacts import Contact
from storage.ledger import FREE, ItemState, LedgerItem
from storage.shops import Shop

GRACE = timedelta(days=30)
"""A mandatory instrument so long overdue pauses the pledge."""
EXPIRING = timedelta(days=30)
"""So long before its end a pledge is said to expire soon."""
OVERDUE = "overdue"
"""The one cause of a pause that mends itself, with the ledger."""


class PledgeState(StrEnum):
    """active ⇄ paused (暂停, also for another cause); either → revoked (撤销) | ended (the shop took it back, or signed anew). That the time has
    run out is no state: it is seen from the date."""

    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"
    ENDED = "ended"


_LIVE_SQL = text("state IN ('active', 'paused')")
LIVE = (PledgeState.ACTIVE, PledgeState.PAUSED)
MOVES: dict[PledgeState, frozenset[PledgeState]] = {
    PledgeState.ACTIVE: frozenset((PledgeState.PAUSED, PledgeState.REVOKED, PledgeState.ENDED)),
    PledgeState.PAUSED: frozenset(PledgeState),
    PledgeState.REVOKED: frozenset((PledgeState.ACTIVE,)),
    PledgeState.ENDED: frozenset(),
}
"""A revoked pledge comes back only when an appeal is upheld."""


class PledgeMoveError(ValueError):
    """The pledge cannot go from where it is to there."""


class Status(StrEnum):
    """What the public sees on a day."""

    VALID = "valid"
    EXPIRING = "expiring"
    PAUSED = "paused"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ENDED = "ended"


class Pledge(Base):
    """One signed text of one shop. ``text`` is what was shown and signed, ``text_hash`` its SHA-256. ``contact_id``: the
    account that signed; None once it is erased."""

    __tablename__ = "pledges"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_pledges_shop_id", "shop_id", "template"),
        Index(
            "uq_pledges_live",
            "shop_id",
            "template",
            unique=True,
            sqlite_where=_LIVE_SQL,
            postgresql_where=_LIVE_SQL,
        ),
        Index("ix_pledges_valid_until", "valid_until", "id", sqlite_where=_LIVE_SQL, postgresql_where=_LIVE_SQL),
    )

    id: Mapped[row_id]
    number: Mapped[name64]
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id))
    shop_name: Mapped[name64]
    """The shop's name as it was signed; what cards carry stays true to it."""
    template: Mapped[name64]
    """``honest`` or ``capability``."""
    text_version: Mapped[name64]
    text_hash: Mapped[name64]
    text: Mapped[long_text]
    declared: Mapped[json_object]
    """What was filled into the text."""
    contact_id: Mapped[int | None] = mapped_column(ForeignKey(Contact.id), index=True)
    signed_on: Mapped[date] = mapped_column(Date)
    signed_at: Mapped[instant]
    valid_until: Mapped[date] = mapped_column(Date)
    state: Mapped[name64] = mapped_column(default=PledgeState.ACTIVE)
    cause: Mapped[name64] = mapped_column(default="")
    """Why it is paused or revoked, by id: ``overdue``, ``violation``, or one of the causes in the data."""
    reason: Mapped[str] = mapped_column(String(300), default="")
    """The same in words, for the owner."""
    renewed: Mapped[bool] = mapped_column(default=False)
    """Whether a newer pledge takes its place when it ends."""
    told_days: Mapped[int | None]
    """The last renewal reminder told: 30, 7 or 0 days before the end."""


class PledgeEvent(Base):
    """One thing that happened to a pledge."""

    __tablename__ = "pledge_events"
    __table_args__ = (Index("ix_pledge_events_pledge_id", "pledge_id", "id"),)

    id: Mapped[row_id]
    pledge_id: Mapped[int] = mapped_column(ForeignKey(Pledge.id))
    actor: Mapped[name64]
    action: Mapped[name64]
    text: Mapped[str] = mapped_column(String(1000), default="")
    detail: Mapped[json_object]
    at: Mapped[instant]


class ScoreEvent(Base):
    """One entry of a shop's credit account, by a rule of the points table. Only ever added; a mistake is undone by
    another entry (``undoes``)."""

    __tablename__ = "score_events"
    __table_args__ = (Index("ix_score_events_shop_id", "shop_id", "id"),)

    id: Mapped[row_id]
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id))
    rule: Mapped[name64]
    happened_on: Mapped[date] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(300), default="")
    case_id: Mapped[int | None]
    undoes: Mapped[int | None]
    actor: Mapped[name64]
    at: Mapped[instant]


class Application(Base):
    """A shop's application to become a demonstration unit (诚信计量示范单位), or an appeal against a pause, a revocation
    or points; staff decide."""

    __tablename__ = "pledge_applications"
    __table_args__ = (Index("ix_pledge_applications_state", "state", "id"),)

    id: Mapped[row_id]
    shop_id: Mapped[int] = mapped_column(ForeignKey(Shop.id), index=True)
    kind: Mapped[name64]
    """``demonstration``, ``appeal-pledge`` or ``appeal-score``."""
    about: Mapped[int | None]
    """The pledge an appeal is about."""
    text: Mapped[str] = mapped_column(String(1000), default="")
    answers: Mapped[json_object]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey(Contact.id), index=True)
    state: Mapped[name64] = mapped_column(default="open")
    """``open``, ``granted`` or ``declined``."""
    decision: Mapped[str] = mapped_column(String(300), default="")
    decided_by: Mapped[name64] = mapped_column(default="")
    created_at: Mapped[instant]


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to a pledge and by whom."""

    actor: str
    action: str
    text: str = ""
    cause: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A shop's mandatory instruments by pieces: in use, in validity, and so long overdue that they pause a pledge."""

    must: int
    valid: int
    long_overdue: int


# -- signing and moving -------------------------------------------------------------------------------------------


def sign(session: Session, pledge: Pledge, now: datetime) -> Pledge:
    """Record a pledge under its next number of the year; the caller gives it as ``number`` a function of year and
    serial by ``next_serial``. One that is live for the same shop and template ends with it."""
    before = live(session, pledge.shop_id, pledge.template)
    if before is not None:
        before.renewed = True
        move(session, before, PledgeState.ENDED, Deed("system", "pledge.renewed"), now)
    pledge.signed_at = now
    session.add(pledge)
    session.flush()
    note(session, pledge, Deed("owner", "pledge.signed", detail={"hash": pledge.text_hash}), now)
    return pledge


def next_serial(session: Session, year: int) -> int:
    return next_number(session, f"pledge:{year}")


def move(session: Session, pledge: Pledge, to: PledgeState, deed: Deed, now: datetime) -> None:
    """``PledgeMoveError`` when there is no such move."""
    here = PledgeState(pledge.state)
    if to not in MOVES[here]:
        raise PledgeMoveError(f"{here} -> {to}")
    pledge.state, pledge.cause, pledge.reason = to, deed.cause, deed.text[:300]
    note(session, pledge, deed, now)


def note(session: Session, pledge: Pledge, deed: Deed, now: datetime) -> None:
    """Into the journal and the audit log (there without its words)."""
    session.add(
        PledgeEvent(
            pledge_id=pledge.id, actor=deed.actor, action=deed.action, text=deed.text[:1000], detail=deed.detail, at=now
        )
    )
    detail = deed.detail | ({"cause": deed.cause} if deed.cause else {})
    audit.append(session, Entry(deed.actor, "", deed.action, f"pledge:{pledge.id}", detail=detail), now)
    session.flush()


def status_on(pledge: Pledge, day: date) -> Status:
    if pledge.state in (PledgeState.REVOKED, PledgeState.ENDED):
        return Status.REVOKED if pledge.state == PledgeState.REVOKED else Status.ENDED
    if day > pledge.valid_until:
        return Status.EXPIRED
    if pledge.state == PledgeState.PAUSED:
        return Status.PAUSED
    return status_in_force(pledge, day)


def status_in_force(pledge: Pledge, day: date) -> Status:
    """Of a pledge that is neither paused nor over."""
    return Status.EXPIRING if pledge.valid_until - day <= EXPIRING else Status.VALID


# -- looking up ---------------------------------------------------------------------------------------------------


def live(session: Session, shop_id: int, template: str = "honest") -> Pledge | None:
    """A shop's pledge that is in force or paused, locked."""
    found = select(Pledge).where(Pledge.shop_id == shop_id, Pledge.template == template, Pledge.state.in_(LIVE))
    return session.scalar(found.with_for_update().execution_options(populate_existing=True))


def by_number(session: Session, number: str) -> tuple[Pledge, Shop] | None:
    row = session.execute(select(Pledge, Shop).join(Shop).where(Pledge.number == number)).one_or_none()
    return (row[0], row[1]) if row else None


def get(session: Session, pledge_id: int) -> Pledge | None:
    """Locked, as it is now. Who also holds the shop takes the shop first."""
    found = select(Pledge).where(Pledge.id == pledge_id).with_for_update()
    return session.scalar(found.execution_options(populate_existing=True))


def shop_of(session: Session, pledge_id: int) -> int | None:
    return session.scalar(select(Pledge.shop_id).where(Pledge.id == pledge_id))


def latest(session: Session, shop_id: int, template: str = "honest") -> Pledge | None:
    found = select(Pledge).where(Pledge.shop_id == shop_id, Pledge.template == template)
    return session.scalar(found.order_by(Pledge.id.desc()).limit(1))


def pledged_since(session: Session, pledge: Pledge) -> date:
    """Since when a pledge has stood without a gap, through its renewals."""
    older = select(Pledge).where(
        Pledge.shop_id == pledge.shop_id, Pledge.template == pledge.template, Pledge.id < pledge.id
    )
    since = pledge.signed_on
    for row in session.scalars(older.order_by(Pledge.id.desc())):
        if not row.renewed or row.valid_until < since - timedelta(days=1):
            break
        since = row.signed_on
    return since


def events(session: Session, pledge_id: int, limit: int = 50) -> list[PledgeEvent]:
    found = select(PledgeEvent).where(PledgeEvent.pledge_id == pledge_id)
    return list(session.scalars(found.order_by(PledgeEvent.id.desc()).limit(limit)))


def standing(session: Session, shop_id: int, today: date) -> Standing:
    """How a shop's mandatory instruments stand today."""

    def pieces(*more: Any) -> Any:
        found = select(func.coalesce(func.sum(LedgerItem.count), 0))
        return found.where(LedgerItem.shop_id == shop_id, *_mandatory(), *more).scalar_subquery()

    row = session.execute(
        select(pieces(), pieces(LedgerItem.due_on >= today), pieces(LedgerItem.due_on < today - GRACE))
    ).one()
    return Standing(*(int(value) for value in row))


def overdue_items(session: Session, shop_id: int, today: date, limit: int = 20) -> list[LedgerItem]:
    """Mandatory instruments past their date or without one, what is longest overdue first."""
    found = select(LedgerItem).where(
        LedgerItem.shop_id == shop_id, *_mandatory(), LedgerItem.due_on.is_(None) | (LedgerItem.due_on < today)
    )
    order = (LedgerItem.due_on.is_(None), LedgerItem.due_on, LedgerItem.id)
    return list(session.scalars(found.order_by(*order).limit(limit)))


def _mandatory() -> tuple[Any, ...]:
    return LedgerItem.state != ItemState.RETIRED, LedgerItem.mandatory, LedgerItem.basis != FREE


def listed(
    session: Session, today: date, *, district: str = "", sector: str = "", after: int = 0, limit: int = 100
) -> list[tuple[Pledge, Shop]]:
    """The public list: honest pledges in force today, by number; ``after``: the id of the last one shown."""
    found = select(Pledge, Shop).join(Shop).where(*_in_force(today), Pledge.id > after)
    if district:
        found = found.where(Shop.district == district)
    if sector:
        found = found.where(Shop.sector == sector)
    return [(row[0], row[1]) for row in session.execute(found.order_by(Pledge.id).limit(limit))]


def count_listed(session: Session, today: date) -> int:
    return session.scalar(select(func.count(Pledge.id)).where(*_in_force(today))) or 0


def _in_force(today: date) -> tuple[Any, ...]:
    """Honest pledges as anybody sees them today, whether the daily check has been there or not."""
    mended = (Pledge.state == PledgeState.PAUSED) & (Pledge.cause == OVERDUE)
    late = exists().where(LedgerItem.shop_id == Pledge.shop_id, *_mandatory(), LedgerItem.due_on < today - GRACE)
    in_time = (Pledge.template == "honest") & (Pledge.valid_until >= today)
    return in_time, or_(Pledge.state == PledgeState.ACTIVE, mended), ~late


def to_check(session: Session, today: date, after: int, limit: int) -> list[Pledge]:
    """Live pledges that have not run out, in the order of their ids, locked; another worker's are left to it."""
    found = select(Pledge).where(Pledge.state.in_(LIVE), Pledge.valid_until >= today, Pledge.id > after)
    return list(session.scalars(found.order_by(Pledge.id).limit(limit).with_for_update(skip_locked=True)))


# -- credit and applications --------------------------------------------------------------------------------------


def score(session: Session, event: ScoreEvent, now: datetime) -> ScoreEvent:
    """Add an entry to a shop's credit account; audited."""
    event.at = now
    session.add(event)
    session.flush()
    detail = {"rule": event.rule, "event": event.id, "undoes": event.undoes, "case": event.case_id}
    audit.append(session, Entry(event.actor, "", "score.added", f"shop:{event.shop_id}", detail=detail), now)
    return event


def scores(session: Session, shop_id: int) -> list[ScoreEvent]:
    """What counts of a shop's account: entries that were not undone, oldest first."""
    rows = session.scalars(select(ScoreEvent).where(ScoreEvent.shop_id == shop_id).order_by(ScoreEvent.id)).all()
    undone = {row.undoes for row in rows if row.undoes is not None}
    return [row for row in rows if row.id not in undone and row.undoes is None]


def apply_for(session: Session, application: Application, now: datetime) -> Application:
    application.created_at = now
    session.add(application)
    session.flush()
    about = f"shop:{application.shop_id}"
    detail = {"kind": application.kind, "application": application.id}
    audit.append(session, Entry("owner", "", "application.filed", about, detail=detail), now)
    return application


def applications(session: Session, *, state: str = "open", limit: int = 50) -> list[Application]:
    found = select(Application).where(Application.state == state).order_by(Application.id).limit(limit)
    return list(session.scalars(found))


def application(session: Session, id_: int) -> Application | None:
    return session.scalar(select(Application).where(Application.id == id_).with_for_update())


def decide(session: Session, row: Application, granted: bool, decision: str, actor: str, now: datetime) -> None:  # noqa: FBT001 - granted or declined is the decision itself
    row.state, row.decision, row.decided_by = ("granted" if granted else "declined"), decision[:300], actor
    detail = {"application": row.id, "granted": granted}
    audit.append(session, Entry(actor, "", "application.decided", f"shop:{row.shop_id}", detail=detail), now)
    session.flush()


def open_of(session: Session, shop_id: int, kinds: Sequence[str]) -> Application | None:
    found = select(Application).where(
        Application.shop_id == shop_id, Application.kind.in_(kinds), Application.state == "open"
    )
    return session.scalar(found.order_by(Application.id.desc()).limit(1))


# -- when a shop or an account goes -------------------------------------------------------------------------------


def end_all(session: Session, shop_id: int, now: datetime) -> bool:
    """The shop is closed: its pledges end. Whether it ever pledged or has a credit account."""
    rows = session.scalars(select(Pledge).where(Pledge.shop_id == shop_id)).all()
    for row in rows:
        if row.state in LIVE:
            move(session, row, PledgeState.ENDED, Deed("owner", "pledge.shop-closed"), now)
    scored = select(ScoreEvent.id).where(ScoreEvent.shop_id == shop_id)
    applied = select(Application.id).where(Application.shop_id == shop_id)
    return bool(rows) or any(session.scalar(found.limit(1)) is not None for found in (scored, applied))


def forget_signer(session: Session, contact_id: int) -> None:
    """The account is to be forgotten; what its shop signed stays signed."""
    for table in (Pledge, Application):
        gone = update(table).where(table.contact_id == contact_id)
        session.execute(gone.values(contact_id=None) if table is Pledge else gone.values(contact_id=None, text=""))
