from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

import storage
from storage import contacts, tables
from storage.base import Base
from storage.contacts import Contact
from storage.database import Database
from tests.support import NOW


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    return config


def _downgrade(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        config = _scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


REVISIONS = [script.revision for script in reversed(list(ScriptDirectory.from_config(_scripts()).walk_revisions()))]


@pytest.fixture
def bare(bare_url: str) -> Iterator[Database]:
    database = Database(bare_url)
    yield database
    database.close()


def test_up_down_up(bare: Database) -> None:
    assert bare.revision() is None
    bare.migrate()
    assert bare.revision() == REVISIONS[-1]
    assert set(Base.metadata.tables) <= set(inspect(bare.engine).get_table_names())
    _downgrade(bare, "base")
    assert set(inspect(bare.engine).get_table_names()) <= {"alembic_version"}
    bare.migrate()
    bare.migrate()
    with bare.unit() as session:
        contacts.get_or_create(session, "web", "a", NOW)


@pytest.mark.parametrize("revision", REVISIONS[1:] or REVISIONS)
def test_a_row_is_kept_from_each_revision_to_the_newest_and_back(bare: Database, revision: str) -> None:
    bare.migrate(REVISIONS[0])
    with bare.unit() as session:
        session.execute(
            text("INSERT INTO contacts (channel, external_id, created_at) VALUES ('web', '老王', :at)"),
            {"at": NOW.replace(tzinfo=None) if bare.is_sqlite else NOW},
        )
    bare.migrate(revision)
    bare.migrate()
    _downgrade(bare, REVISIONS[0])
    bare.migrate()
    with bare.reading() as session:
        kept = session.scalars(select(Contact)).one()
        assert (kept.external_id, kept.created_at) == ("老王", NOW)


def test_the_migrated_tables_are_the_mapped_ones(bare: Database) -> None:
    assert tables.__all__
    bare.migrate()
    with bare.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_revisions_form_one_line() -> None:
    assert len(ScriptDirectory.from_config(_scripts()).get_heads()) == 1
