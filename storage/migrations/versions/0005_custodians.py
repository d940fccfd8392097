"""Custodians of sealed identities, the identities and their disclosures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.base

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = storage.base.Instant(timezone=True)


def upgrade() -> None:
    _custodians()
    _identities()
    _reveals()


def _custodians() -> None:
    op.create_table(
        "custodians",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custodians")),
        sa.UniqueConstraint("name", name=op.f("uq_custodians_name")),
        sa.UniqueConstraint("public_key", name=op.f("uq_custodians_public_key")),
    )


def _identities() -> None:
    op.create_table(
        "sealed_identities",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_identities")),
    )
    op.create_index(op.f("ix_sealed_identities_case_id"), "sealed_identities", ["case_id"], unique=False)
    op.create_table(
        "identity_keys",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("identity_id", ROW_ID, nullable=False),
        sa.Column("first_id", ROW_ID, nullable=False),
        sa.Column("second_id", ROW_ID, nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["first_id"], ["custodians.id"], name=op.f("fk_identity_keys_first_id_custodians")),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["sealed_identities.id"], name=op.f("fk_identity_keys_identity_id_sealed_identities")
        ),
        sa.ForeignKeyConstraint(["second_id"], ["custodians.id"], name=op.f("fk_identity_keys_second_id_custodians")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_keys")),
        sa.UniqueConstraint(
            "identity_id", "first_id", "second_id", name=op.f("uq_identity_keys_identity_id_first_id_second_id")
        ),
    )


def _reveals() -> None:
    op.create_table(
        "reveals",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("first_id", ROW_ID, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("second_id", ROW_ID, nullable=True),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["first_id"], ["custodians.id"], name=op.f("fk_reveals_first_id_custodians")),
        sa.ForeignKeyConstraint(["second_id"], ["custodians.id"], name=op.f("fk_reveals_second_id_custodians")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveals")),
    )
    op.create_index(op.f("ix_reveals_case_id"), "reveals", ["case_id"], unique=False)
    op.create_table(
        "reveal_halves",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("reveal_id", ROW_ID, nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("second_id", ROW_ID, nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["reveal_id"], ["reveals.id"], name=op.f("fk_reveal_halves_reveal_id_reveals")),
        sa.ForeignKeyConstraint(["second_id"], ["custodians.id"], name=op.f("fk_reveal_halves_second_id_custodians")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveal_halves")),
    )
    op.create_index(op.f("ix_reveal_halves_reveal_id"), "reveal_halves", ["reveal_id"], unique=False)


def downgrade() -> None:
    for table in (
        "reveal_halves",
        "reveals",
        "identity_keys",
        "sealed_identities",
        "custodians",
    ):
        op.drop_table(table)
