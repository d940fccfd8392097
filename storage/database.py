"""The engine and the unit of work; every SQLite and PostgreSQL setting stands here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MS = 5_000
SQLITE_CONNECTIONS = 40
CONNECT_SECONDS = 5

__all__ = ["Database", "Session", "is_away", "is_conflict"]


class Database:
    """An engine with its sessions. ``url`` is a SQLAlchemy URL: ``sqlite:///…`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = (
            _sqlite_engine(url)
            if self.is_sqlite
            else create_engine(
                url,
                pool_size=pool_size,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        # On SQLite a writer takes the lock as it begins; readers must not, so they have connections of their own.
        self._read_engine = _sqlite_engine(url, begin="BEGIN") if self.is_sqlite else self.engine
        self._readers = sessionmaker(self._read_engine, expire_on_commit=False)

    @contextmanager
    def unit(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads: it waits for nobody and nobody waits for it."""
        with self._readers() as session:
            yield session

    def migrate(self, revision: str = "head") -> None:
        with self.engine.begin() as connection:
            config = _alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def revision(self) -> str | None:
        """The schema revision the database stands at, None when it is empty."""
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def close(self) -> None:
        self._read_engine.dispose()
        self.engine.dispose()


def is_conflict(error: BaseException) -> bool:
    """Whether the same work may simply be tried again: someone else wrote first, or the server was away."""
    return isinstance(error, IntegrityError) or is_away(error)


def is_away(error: BaseException) -> bool:
    """Whether the database itself could not be had: locked, restarting, unreachable, no connection free."""
    return isinstance(error, OperationalError | PoolTimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _sqlite_engine(url: str, begin: str = "BEGIN IMMEDIATE") -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    # Enough for every thread that serves the web: opening a connection costs more than most of what is done on it.
    engine = create_engine(
        url, connect_args={"check_same_thread": False}, pool_size=SQLITE_CONNECTIONS, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver's own transactions start too late (after the first read): we begin them ourselves, below.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # what is acknowledged survives a power cut
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        # Taking the write lock first means that a turn never finds, half way, that another wrote in between.
        connection.exec_driver_sql(begin)

    return engine
