"""Nobody who has the database alone can lay a case beside an account: no instant of the one is an instant of the other."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import DateTime, inspect, select

from handlers.cases import steps
from handlers.cases.steps import Desk
from handlers.conversation.messages import Numbered
from handlers.turn import Reception
from storage.base import Base, Instant
from storage.cases import Case
from storage.database import Database
from tests.support import NOW, said

OF_CASES = {
    "cases",
    "case_events",
    "case_files",
    "case_clocks",
    "case_pauses",
    "case_links",
    "audit_entries",
    "receipts",
}
OF_ACCOUNTS = {"inbox", "outbox", "dialogues", "contacts", "persons", "media_files", "tasks"}
FILED = NOW + timedelta(minutes=7, seconds=13, microseconds=4711)


def instants(database: Database, tables: set[str]) -> dict[datetime, set[str]]:
    """Every instant in these tables, with where it stands."""
    found: dict[datetime, set[str]] = {}
    with database.reading() as session:
        there = set(inspect(session.connection()).get_table_names())
        for table in Base.metadata.sorted_tables:
            if table.name not in tables & there:
                continue
            for column in table.columns:
                if isinstance(column.type, Instant | DateTime):
                    for value in session.scalars(select(column).where(column.is_not(None))):
                        found.setdefault(value, set()).add(f"{table.name}.{column.name}")
    return found


def test_T2_no_instant_of_a_case_is_one_of_an_account(database: Database, reception: Reception) -> None:
    def say(text: str, minutes: int) -> list[Numbered]:
        at = FILED + timedelta(minutes=minutes)
        with database.unit() as session:
            return reception.turn(session, said(text, f"k{minutes}", "canary-openid", at))

    for minutes, text in enumerate(("城西菜场A12少称2两", "完成", "1", "1", "查", "1", "还有一张小票", "完成")):
        say(text, minutes)
    with database.unit() as session:
        case = session.scalars(select(Case)).one()
        desk = Desk(reception.bench, session, "staff:1", FILED + timedelta(hours=2))
        steps.accept(desk, case)
        steps.ask(desk, case, "当时付的是现金还是扫码？")
    cases, accounts = instants(database, OF_CASES), instants(database, OF_ACCOUNTS)
    assert cases
    assert accounts
    assert {at: (cases[at], accounts[at]) for at in cases.keys() & accounts.keys()} == {}
