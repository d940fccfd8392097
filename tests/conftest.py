"""Fixtures for the whole suite: facts loaded once, and every storage test on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import secrets
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, insert, make_url, text
from sqlalchemy.exc import OperationalError

from bot.app import Knowledge, Service
from handlers.desk import build_desk
from handlers.turn import Reception
from knowledge.matcher import Matcher
from storage import chain
from storage.audit import AuditHead
from storage.base import Base
from storage.database import Database
from tests.support import bench_of, migrated_file, service_at
from tests.talks import Corpus

CACHE = Path("var/cache")
SERVER = os.environ.get("HONESTSCALE_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/postgres")

settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """All facts with the matcher; the models are built once and kept on disk."""
    return Knowledge.load(CACHE)


@pytest.fixture(scope="session")
def reception(knowledge: Knowledge) -> Reception:
    return Reception(build_desk(), bench_of(knowledge))


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with today's tables and nothing in them, to copy from."""
    return migrated_file(tmp_path_factory.mktemp("template") / "empty.db")


@pytest.fixture
def service(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Service]:
    service = service_at(tmp_path / "data", empty_file, knowledge)
    yield service
    service.close()


@pytest.fixture(scope="session")
def corpus(knowledge: Knowledge, empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The flow conversations, each played through the terminal once however many tests look at it."""
    folder = tmp_path_factory.mktemp("talks")
    return Corpus(lambda name: service_at(folder / name, empty_file, knowledge))


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    """Makes empty databases on the test server; all are dropped at the end of the session."""
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect():
            pass
    except OperationalError as error:
        admin.dispose()
        reason = f"PostgreSQL 不在：{make_url(SERVER).render_as_string()} 连不上，跳过它的测试（HONESTSCALE_TEST_POSTGRES 可另指一台）"
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(reason, stacklevel=1)
        pytest.skip(f"{reason}：{error.orig}")
    made: list[str] = []

    def make() -> str:
        name = f"honestscale_test_{os.getpid()}_{secrets.token_hex(4)}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        made.append(name)
        return make_url(SERVER).set(database=name).render_as_string(hide_password=False)

    yield make
    with admin.connect() as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def postgres(new_postgres: Callable[[], str]) -> Iterator[Database]:
    database = Database(new_postgres())
    database.migrate()
    yield database
    database.close()


def _emptied(database: Database) -> Database:
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with database.engine.begin() as connection:
        # The audit log refuses to be emptied; only a superuser can go round its triggers, as here.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        connection.execute(insert(AuditHead).values(id=1, seq=0, hash=chain.START))
    return database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path, empty_file: Path) -> Iterator[Database]:
    """An empty, migrated database; every test that takes it runs on both kinds."""
    if request.param == "postgresql":
        yield _emptied(request.getfixturevalue("postgres"))
        return
    path = tmp_path / "test.db"
    shutil.copy(empty_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables, for tests of the migrations themselves."""
    if request.param == "postgresql":
        return request.getfixturevalue("new_postgres")()
    return f"sqlite:///{tmp_path / 'bare.db'}"


@pytest.fixture(scope="session")
def matcher(knowledge: Knowledge) -> Matcher:
    return knowledge.matcher
