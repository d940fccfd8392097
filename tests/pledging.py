"""A shop with its people and its ledger, as the tests of the pledge begin with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from handlers.cases import steps
from handlers.conversation.messages import ContactRef, Inbound, Reply
from handlers.conversation.state import DialogueState
from handlers.pledge.standing import Shown, shown
from handlers.talk import SHANGHAI
from storage import contacts, dialogues, pledges, shops
from storage.audit import AuditEntry
from storage.cases import Case, Stall
from storage.database import Database, Session
from storage.ledger import LedgerItem
from storage.outbox import OutboxRow
from storage.pledges import Pledge
from storage.shops import Role
from tests.cases import filed
from tests.officers import Room
from tests.shops import add, shop
from tests.support import NOW

TODAY = NOW.astimezone(SHANGHAI).date()
LAST = date(2027, 11, 23)
"""The last day of what is signed today."""
CORRECTED, MINOR, PUNISHED = 2, 5, 1
"""Outcomes of a report that confirm a violation."""


def day(days: int) -> datetime:
    """The same hour so many days later."""
    return NOW + timedelta(days=days)


class Counter(Room):
    """``owner``, ``manager``, ``clerk`` and ``viewer`` of one shop, ``stranger`` of another."""

    def prepare(self, *due_days: int, sector: str = "trade-supermarket") -> int:
        """The shop, with an instrument for each number of days until it is due; its id."""

        def made(session: Session) -> int:
            mine = shop(session, NOW, "owner")
            mine.sector, mine.district = sector, "鹿城区"
            for role in (Role.MANAGER, Role.CLERK, Role.VIEWER):
                person = contacts.get_or_create(session, "terminal", role, NOW).person_id
                shops.accept(session, shops.invite(session, mine.id, role, NOW), person, NOW)
            for number, days in enumerate(due_days):
                due = TODAY + timedelta(days=days)
                add(self.bench, session, mine.id, due, NOW, (f"S{number}",))
            shop(session, NOW, "stranger", "别家店")
            return mine.id

        return self.do(made)

    def sign(self, who: str = "owner", at: datetime = NOW) -> Pledge:
        for text in ("承诺", "1", "承诺"):
            self.say(who, text, at)
        return self.latest()

    def latest(self, shop_id: int = 1, template: str = "honest") -> Pledge:
        with self.database.reading() as session:
            row = pledges.latest(session, shop_id, template)
            assert row is not None
            return row

    def all(self) -> list[Pledge]:
        with self.database.reading() as session:
            return list(session.scalars(select(Pledge).order_by(Pledge.id)))

    def seen(self, at: datetime = NOW, number: str = "") -> Shown:
        """What anybody may see of a pledge, the latest one unless it is named."""
        with self.database.reading() as session:
            found = pledges.by_number(session, number or self.latest().number)
            assert found is not None
            return shown(session, *found, at.astimezone(SHANGHAI).date())

    def act(self, who: str, action: str, at: datetime = NOW) -> list[Reply]:
        """An action as if its option had been offered: what a forged button would try."""
        self.count += 1
        with self.database.unit() as session:
            inbound = Inbound(ContactRef("terminal", who), f"act{self.count}", at, "菜单")
            contact = contacts.get_or_create(session, "terminal", who, at)
            dialogue = dialogues.lock(session, contact.person_id, at)
            talk = self.reception._talk(session, inbound, contact, dialogue, DialogueState())  # noqa: SLF001 - no option is open
            return self.reception.desk.act(talk, action)

    def due(self, *due_on: date | None) -> None:
        """Give the instruments of the shop other dates, in their order."""

        def write(session: Session) -> None:
            rows = session.scalars(select(LedgerItem).where(LedgerItem.shop_id == 1).order_by(LedgerItem.id))
            for row, new in zip(rows, due_on, strict=True):
                row.due_on = new

        self.do(write)

    def confirm(self, at: datetime = NOW, outcome: int = CORRECTED, shop_id: int = 1, **traits: Any) -> int:
        """A report on the shop, taken in and closed: it was right. The case's id."""

        def work(session: Session) -> int:
            case = filed(self.bench, session, at, stall_id=stall_of(session, shop_id, at).id, **traits)
            self.close(session, case, at, outcome)
            return case.id

        return self.do(work)

    def close(self, session: Session, case: Case, at: datetime, outcome: int = CORRECTED) -> None:
        desk = steps.Desk(self.bench, session, "staff:1", at)
        steps.accept(desk, case)
        steps.close(
            desk, case, self.bench.casebook.outcome("report", outcome), "现场核查属实，已责令改正。", "〔2026〕1"
        )

    def reopen(self, case_id: int, at: datetime = NOW) -> None:
        def work(session: Session) -> None:
            desk = steps.Desk(self.bench, session, "reporter", at)
            steps.reopen(desk, session.get_one(Case, case_id), "查的不是那个摊位")

        self.do(work)

    def told(self, who: str, kind: str = "pledge") -> list[Reply]:
        """What was pushed to somebody, oldest first."""
        with self.database.reading() as session:
            account = contacts.find(session, "terminal", who)
            rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.id)).all()
            own = [row for row in rows if account is not None and row.contact_id == account.id]
            return [line.reply for line in self.reception.numbered(own)]

    def audited(self) -> list[str]:
        """Every record of the audit log, as text."""
        with self.database.reading() as session:
            return list(session.scalars(select(AuditEntry.record).order_by(AuditEntry.seq)))

    def on_another_day(self, **changes: Any) -> None:
        """Other facts or another office from here on."""
        self.reception = replace(self.reception, bench=replace(self.bench, **changes))
        self.bench = self.reception.bench


def counter(database: Database, reception: Any) -> Counter:
    return Counter(database, reception)


def stall_of(session: Session, shop_id: int, now: datetime) -> Stall:
    found = session.scalar(select(Stall).where(Stall.shop_id == shop_id))
    if found is None:
        found = Stall(name="城西菜场 A12", shop_id=shop_id, created_at=now)
        session.add(found)
        session.flush()
    return found
