"""Finding the terms that are due among many, with the index and without it; the audit log's pace; filing a tip."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text

from bot.app import Knowledge
from handlers.conversation.messages import ContactRef, Inbound
from handlers.desk import build_desk
from handlers.turn import Reception
from scheduler import deadlines
from storage import audit, case_clocks
from storage.audit import Entry
from storage.database import Database
from tests.benchmarks.reminders import _NUMBERS, _execute, _p50
from tests.benchmarks.turns import fresh_postgres
from tests.support import NOW, bench_of
from tests.tips import QuickMint

TERMS = 200_000
TODAY = date(2026, 12, 1)
ENTRIES, FILINGS = 500, 100
INDEX = "ix_case_clocks_remind_on"
SAID = ("城西菜场A{}少称2两", "完成", "1", "1")
"""A stall of its own for each: what is told of one stall over and over is another matter."""
_CASE = """INSERT INTO cases (id, number, kind, state, category, district, market, stall_no, shop, licence, place, goods,
 matter, told, happened, evidence_level, demand, identified, statutory, filing_hash, received_on, received_at, urgent,
 ground, outcome, reason, document_no, confirmed, reopened, updated_at)
 {numbers} SELECT i, 'TS-' || i, 'report', 'accepted', '', '', '', '', '', '', '', '', '', '', '', 1, '', {false}, {false},
 '', '2026-11-01', '2026-11-01', {false}, '', '', '', '', {false}, 0, '2026-11-01' FROM n"""
_CLOCK = """INSERT INTO case_clocks (id, case_id, rule, started_on, due_on, provisional, extended, state, remind_on, told)
 {numbers} SELECT i, i, 'report-check', '2026-11-01', {due}, {false}, {false}, 'running', {remind}, '' FROM n"""


def rows() -> list[tuple[str, str, str, str]]:
    knowledge = Knowledge.load(Path("var/cache"))
    with tempfile.TemporaryDirectory() as folder:
        found = _measured("SQLite", f"sqlite:///{folder}/bench.db", knowledge)
    with fresh_postgres() as url:
        return found + (_measured("PostgreSQL", url, knowledge) if url else [("PostgreSQL is not there", "", "", "")])


def _measured(name: str, url: str, knowledge: Knowledge) -> list[tuple[str, str, str, str]]:
    with closing(Database(url)) as database:
        database.migrate()
        filings, quick = _filings(database, knowledge, quick=False), _filings(database, knowledge, quick=True)
        alone, together = _entries(database, 1), _entries(database, ENTRIES)
        _fill(database)
        with_index = _p50(lambda: _scan(database))
        _execute(database, f"DROP INDEX {INDEX}", "ANALYZE")
        without = _p50(lambda: _scan(database), rounds=5)
    return [
        (f"{name}: due scan of {TERMS:,} terms, p50 ms", f"{with_index:.1f}", f"{without:.0f}", "no index"),
        (f"{name}: audit entries a second, each committed", f"{alone:.0f}", f"{together:.0f}", "one transaction"),
        (f"{name}: tips filed a second, {len(SAID)} messages each", f"{filings:.1f}", f"{quick:.1f}", "no slow hash"),
    ]


def _scan(database: Database) -> None:
    with database.unit() as session:
        assert case_clocks.due(session, TODAY, deadlines.AT_ONCE)
        session.rollback()


def _entries(database: Database, at_once: int) -> float:
    """Entries a second, so many to a transaction."""
    entry = Entry("staff:1", "officer", "case.noted", "case:1", detail={"of": "benchmark"})
    started = time.perf_counter()
    for _ in range(ENTRIES // at_once):
        with database.unit() as session:
            for _ in range(at_once):
                audit.append(session, entry, NOW)
    return ENTRIES / (time.perf_counter() - started)


def _filings(database: Database, knowledge: Knowledge, *, quick: bool) -> float:
    """Whole tips a second, one person after the other, each message its own transaction."""
    reception = Reception(build_desk(), bench_of(knowledge))
    if quick:
        object.__setattr__(reception.bench, "receipts", QuickMint())
    started = time.perf_counter()
    for person in range(FILINGS):
        for number, said in enumerate(SAID):
            inbound = Inbound(
                ContactRef("web", f"{quick}-{person}"), f"{quick}-{person}-{number}", NOW, said.format(person)
            )
            with database.unit() as session:
                reception.turn(session, inbound)
    return FILINGS / (time.perf_counter() - started)


def _fill(database: Database) -> None:
    """Days to tell of terms spread over most of a year from today on: a few hundred are due."""
    if database.is_sqlite:
        days = {
            name: f"date('{TODAY}', '+' || (i % 300 + {on}) || ' days')" for name, on in (("remind", 0), ("due", 2))
        }
        words = {"false": "0"}
    else:
        days = {name: f"DATE '{TODAY + timedelta(on)}' + (i % 300)::int" for name, on in (("remind", 0), ("due", 2))}
        words = {"false": "false"}
    with database.engine.begin() as connection:
        for table in ("case_pauses", "case_clocks"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - the two names above
        first = connection.scalar(text("SELECT coalesce(max(id), 0) FROM cases"))
        numbers = _NUMBERS.replace("SELECT 1 UNION", f"SELECT {first + 1} UNION").format(most=first + TERMS)
        connection.execute(text(_CASE.format(numbers=numbers, **words)))
        connection.execute(text(_CLOCK.format(numbers=numbers, **words, **days)))
        connection.execute(text("ANALYZE"))
