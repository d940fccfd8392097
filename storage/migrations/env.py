"""Alembic's entry: migrations run on the connection the application hands over, or on a URL given by hand."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from storage import tables
from storage.base import Base

assert tables


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        url = context.get_x_argument(as_dictionary=True)["url"]
        with create_engine(url).begin() as opened:
            _migrate(opened)
    else:
        _migrate(connection)


def _migrate(connection: object) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)  # type: ignore[arg-type]  # alembic takes any Connection
    with context.begin_transaction():
        context.run_migrations()


run()
