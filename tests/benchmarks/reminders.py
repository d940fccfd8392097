"""Finding what is due among a million instruments, with the index and without it, and telling shops of it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

from sqlalchemy import text

from bot.app import Knowledge
from handlers.talk import Bench, Office
from scheduler import reminders as job
from storage import reminders
from storage.database import Database
from storage.vault import KEY_BYTES, Vault
from tests.benchmarks.turns import fresh_postgres
from tests.support import local

INSTRUMENTS, EACH = 1_000_000, 20
"""Instruments, and how many of them a shop has."""
TODAY = date(2026, 12, 1)
ROUNDS = 15
INDEX = "CREATE INDEX ix_ledger_items_remind_on ON ledger_items (remind_on, shop_id) WHERE remind_on IS NOT NULL"

_NUMBERS = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) """
_SHOP = """INSERT INTO shops (id, name, credit_code, region, district, sector, address, phone, feed_hash, feed_version,
 created_at) {numbers} SELECT i, 'shop' || i, '', '', '', '', '', {empty}, '', 0, '2026-01-01' FROM n"""
_PERSON = "INSERT INTO persons (id, created_at) {numbers} SELECT i, '2026-01-01' FROM n"
_CONTACT = """INSERT INTO contacts (id, person_id, channel, external_id, address, unreachable, created_at)
 {numbers} SELECT i, i, 'terminal', 'p' || i, '', '', '2026-01-01' FROM n"""
_MEMBER = """INSERT INTO shop_members (shop_id, person_id, role, notified, joined_at, used_at)
 {numbers} SELECT i, i, 'owner', {true}, '2026-01-01', '2026-01-01' FROM n"""
_ITEM = """INSERT INTO ledger_items (id, uid, shop_id, kind, name, model, serial, serial_key, count, maker, place, due_on,
 basis, mandatory, certificate_no, institution, state, remind_on, provisional, snoozed, sequence, created_at, updated_at)
 {numbers} SELECT i, 'u' || i, (i - 1) / {each} + 1, 'electronic-price-scale', '电子秤', 'ACS-30', 's' || i, 's' || i, 1,
 '', '', {due}, 'certificate', {true}, '', '', 'active', {remind}, {false}, {false}, 0, '2026-01-01', '2026-01-01' FROM n"""


def rows() -> list[tuple[str, str, str, str]]:
    knowledge = Knowledge.load(Path("var/cache"))
    calendar = replace(knowledge.calendar, noticed=frozenset(range(2025, 2030)))
    vault = Vault(bytes(KEY_BYTES))
    bench = Bench(knowledge.library, knowledge.matcher, calendar, knowledge.plans, Office(), vault)
    with tempfile.TemporaryDirectory() as folder:
        found = _measured("SQLite", f"sqlite:///{folder}/bench.db", bench)
    with fresh_postgres() as url:
        return found + (_measured("PostgreSQL", url, bench) if url else [("PostgreSQL is not there", "", "", "")])


def _measured(name: str, url: str, bench: Bench) -> list[tuple[str, str, str, str]]:
    with closing(Database(url)) as database:
        database.migrate()
        _fill(database)
        with_index = _p50(lambda: _scan(database))
        _execute(database, "DROP INDEX ix_ledger_items_remind_on")
        without = _p50(lambda: _scan(database), rounds=3)
        _execute(database, INDEX, "ANALYZE")
        started = time.perf_counter()
        told = job.run(database, local(f"{TODAY}T09:00"), bench)
        seconds = time.perf_counter() - started
    instruments = told * EACH / seconds
    return [
        (f"{name}: due scan of {INSTRUMENTS:,} instruments, p50 ms", f"{with_index:.1f}", f"{without:.0f}", "no index"),
        (
            f"{name}: reminders a second ({told} shops of {EACH})",
            f"{told / seconds:.0f}",
            f"{instruments:.0f}",
            "instruments",
        ),
    ]


def _execute(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _scan(database: Database) -> None:
    with database.unit() as session:
        assert reminders.due(session, TODAY, job.ITEMS_AT_ONCE)
        session.rollback()


def _p50(work: Callable[[], None], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _fill(database: Database) -> None:
    """Reminder days spread over a year and more; the shops that are due today have all they are due at once."""
    shops = INSTRUMENTS // EACH
    base = TODAY
    day = f"((i - 1) / {EACH}) % 400"
    if database.is_sqlite:
        remind, due = f"date('{base}', '+' || ({day}) || ' days')", f"date('{base}', '+' || ({day} + 30) || ' days')"
        words = {"empty": "x''", "true": "1", "false": "0"}
    else:
        remind, due = f"DATE '{base}' + (({day})::int)", f"DATE '{base}' + (({day} + 30)::int)"
        words = {"empty": "''::bytea", "true": "true", "false": "false"}
    with database.engine.begin() as connection:
        for statement in (_SHOP, _PERSON, _CONTACT, _MEMBER):
            connection.execute(text(statement.format(numbers=_NUMBERS.format(most=shops), **words)))
        items = _ITEM.format(numbers=_NUMBERS.format(most=INSTRUMENTS), each=EACH, remind=remind, due=due, **words)
        connection.execute(text(items))
        connection.execute(text("ANALYZE"))
