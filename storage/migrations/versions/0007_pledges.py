"""Pledges, the credit account of a shop, applications and appeals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.base

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = storage.base.Instant(timezone=True)


def upgrade() -> None:
    _pledges()
    _standing()


def _pledges() -> None:
    op.create_table(
        "pledges",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("shop_name", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("text_version", sa.String(length=64), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("declared", sa.JSON(), nullable=False),
        sa.Column("contact_id", ROW_ID, nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("renewed", sa.Boolean(), nullable=False),
        sa.Column("told_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_pledges_contact_id_contacts")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_pledges_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledges")),
        sa.UniqueConstraint("number", name=op.f("uq_pledges_number")),
    )
    op.create_index(op.f("ix_pledges_contact_id"), "pledges", ["contact_id"], unique=False)
    op.create_index("ix_pledges_shop_id", "pledges", ["shop_id", "template"], unique=False)
    op.create_index(
        "ix_pledges_valid_until",
        "pledges",
        ["valid_until", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('active', 'paused')"),
        postgresql_where=sa.text("state IN ('active', 'paused')"),
    )
    op.create_index(
        "uq_pledges_live",
        "pledges",
        ["shop_id", "template"],
        unique=True,
        sqlite_where=sa.text("state IN ('active', 'paused')"),
        postgresql_where=sa.text("state IN ('active', 'paused')"),
    )
    op.create_table(
        "pledge_events",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("pledge_id", ROW_ID, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"], name=op.f("fk_pledge_events_pledge_id_pledges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_events")),
    )
    op.create_index("ix_pledge_events_pledge_id", "pledge_events", ["pledge_id", "id"], unique=False)


def _standing() -> None:
    op.create_table(
        "score_events",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_score_events_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_events")),
    )
    op.create_index("ix_score_events_shop_id", "score_events", ["shop_id", "id"], unique=False)
    op.create_table(
        "pledge_applications",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("about", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("contact_id", ROW_ID, nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=300), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_pledge_applications_contact_id_contacts")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_pledge_applications_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_applications")),
    )
    op.create_index(op.f("ix_pledge_applications_contact_id"), "pledge_applications", ["contact_id"], unique=False)
    op.create_index(op.f("ix_pledge_applications_shop_id"), "pledge_applications", ["shop_id"], unique=False)
    op.create_index("ix_pledge_applications_state", "pledge_applications", ["state", "id"], unique=False)


def downgrade() -> None:
    for table in (
        "pledge_applications",
        "score_events",
        "pledge_events",
        "pledges",
    ):
        op.drop_table(table)
