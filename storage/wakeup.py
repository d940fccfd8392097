"""PostgreSQL tells the delivery of other processes that there is something to send; on SQLite there are none."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from storage.database import Database

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

TOPIC = "honestscale_outbox"
LOOK_SECONDS = 0.5
"""How long ``close`` may have to wait for the thread to look up."""
PAUSE_SECONDS = 1.0
_NOTIFY = text(f"NOTIFY {TOPIC}")
_SAID = "woken in"


def notify(session: Session) -> None:
    """Wake whoever listens when this transaction commits; said once in a transaction, unsaid when it is rolled back."""
    if session.get_bind().dialect.name != "postgresql":
        return
    transaction = session.get_nested_transaction() or session.get_transaction()
    if transaction is None or session.info.get(_SAID) is not transaction:
        session.execute(_NOTIFY)
        session.info[_SAID] = session.get_nested_transaction() or session.get_transaction()


class Listener:
    """Calls ``on_wake`` in a thread of its own after each commit that notified, and after every (re)connection:
    what was said while nobody listened is not said again."""

    def __init__(self, database: Database, on_wake: Callable[[], None]) -> None:
        url = make_url(database.url).set(drivername="postgresql")
        self._address = url.render_as_string(hide_password=False)
        self._on_wake = on_wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wakeup", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        import psycopg  # noqa: PLC0415 - an optional part: an installation on SQLite does not have it

        while not self._stop.is_set():
            try:
                with psycopg.connect(self._address, autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {TOPIC}")
                    self._on_wake()
                    self._hear(connection)
            except psycopg.Error as error:
                log.warning("not listening to the database for a while: %s", type(error).__name__)
                self._stop.wait(PAUSE_SECONDS)

    def _hear(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        while not self._stop.is_set():
            for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                self._on_wake()
