"""Staff, cases, reporters and a shop, as the tests of case work begin with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from handlers.cases import terms
from handlers.conversation.messages import ContactRef, Inbound, Reply
from handlers.talk import SHANGHAI, Bench
from handlers.turn import Reception
from storage import case_links, cases, contacts, staff
from storage.cases import Case, CaseKind
from storage.database import Database, Session
from storage.outbox import OutboxRow
from storage.staff import StaffMember, StaffRole
from tests.support import NOW

ZHANG, LI, WANG = "zhang", "li", "wang-leader"
"""城西's officer, 城东's officer, the leader; their accounts on the terminal."""
TEAM = (
    (ZHANG, "张三", "城西所", StaffRole.OFFICER),
    (LI, "李四", "城东所", StaffRole.OFFICER),
    (WANG, "王五", "", StaffRole.LEADER),
)


def team(session: Session, now: datetime = NOW, channel: str = "terminal") -> dict[str, StaffMember]:
    """The three of them, bound."""
    found = {}
    for account, name, office, role in TEAM:
        member = staff.add(session, name, office, role, now)
        member.contact_id = contacts.get_or_create(session, channel, account, now).id
        found[account] = member
    session.flush()
    return found


def case(session: Session, bench: Bench, kind: CaseKind = CaseKind.REPORT, now: datetime = NOW, **traits: Any) -> Case:
    """A case that has just come in from 城西菜场, with its first term."""
    given = {
        "category": "short-weight",
        "market": "城西菜场",
        "stall_no": "A12",
        "matter": "称重少2两（排骨）",
        "told": "买排骨少了二两",
        "happened": "2026-11-20上午",
        "filing_hash": "0" * 64,
    }
    today = now.astimezone(SHANGHAI).date()
    row = cases.open_case(session, Case(kind=kind, **(given | traits)), today, now)
    terms.start(bench, session, row, terms.FIRST[kind], today)
    return row


def reporter(session: Session, bench: Bench, row: Case, who: str, now: datetime = NOW) -> int:
    """Somebody who wants news of a case; their account."""
    account = contacts.get_or_create(session, "terminal", who, now)
    link = case_links.link(session, row.id, case_links.tag_of(bench.vault, account), date(2026, 11, 24))
    case_links.want_news(link, bench.vault, account.id)
    return account.id


class Room:
    """A database in which people talk one after the other."""

    def __init__(self, database: Database, reception: Reception) -> None:
        self.database = database
        self.reception = reception
        self.bench = reception.bench
        self.count = 0

    def say(self, who: str, text: str, at: datetime = NOW, **more: Any) -> list[Reply]:
        self.count += 1
        inbound = Inbound(ContactRef("terminal", who), f"k{self.count}", at, text, **more)
        with self.database.unit() as session:
            return [line.reply for line in self.reception.turn(session, inbound)]

    def text(self, who: str, text: str, at: datetime = NOW, **more: Any) -> str:
        return "\n".join(reply.text for reply in self.say(who, text, at, **more))

    def do(self, work: Callable[[Session], Any]) -> Any:
        with self.database.unit() as session:
            return work(session)

    def new_case(self, kind: CaseKind = CaseKind.REPORT, **traits: Any) -> str:
        """The last four digits of a new case."""
        return self.do(lambda session: case(session, self.bench, kind, **traits).number[-4:])

    def case(self, short: str) -> Case:
        with self.database.reading() as session:
            (found,) = cases.by_short(session, short)
            session.expunge(found)
            return found

    def told(self, who: str) -> list[Reply]:
        """What was pushed to somebody about cases, oldest first."""
        with self.database.reading() as session:
            account = contacts.find(session, "terminal", who)
            rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "case").order_by(OutboxRow.id)).all()
            own = [row for row in rows if account is not None and row.contact_id == account.id]
            return [line.reply for line in self.reception.numbered(own)]
