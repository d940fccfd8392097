"""Shops and their members, the ledger and its reminders, slow work, links to files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = storage.base.Instant(timezone=True)


def upgrade() -> None:
    _shops()
    _ledger()
    _reminders()
    _work()


def _shops() -> None:
    op.create_table(
        "shops",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("district", sa.String(length=64), nullable=False),
        sa.Column("sector", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=128), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("feed_hash", sa.String(length=64), nullable=False),
        sa.Column("feed_version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
    )
    op.create_index(
        "uq_shops_credit_code",
        "shops",
        ["credit_code"],
        unique=True,
        sqlite_where=sa.text("credit_code <> ''"),
        postgresql_where=sa.text("credit_code <> ''"),
    )
    op.create_index(
        "uq_shops_feed_hash",
        "shops",
        ["feed_hash"],
        unique=True,
        sqlite_where=sa.text("feed_hash <> ''"),
        postgresql_where=sa.text("feed_hash <> ''"),
    )
    op.create_table(
        "shop_invites",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_invites_shop_id_shops")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_shop_invites")),
    )
    op.create_index(op.f("ix_shop_invites_expires_at"), "shop_invites", ["expires_at"], unique=False)
    op.create_index(op.f("ix_shop_invites_shop_id"), "shop_invites", ["shop_id"], unique=False)
    op.create_table(
        "shop_members",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("person_id", ROW_ID, nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("notified", sa.Boolean(), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_shop_members_person_id_persons")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_members_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_members")),
        sa.UniqueConstraint("shop_id", "person_id", name=op.f("uq_shop_members_shop_id_person_id")),
    )
    op.create_index("ix_shop_members_person_id", "shop_members", ["person_id"], unique=False)


def _ledger() -> None:
    op.create_table(
        "ledger_items",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("serial_key", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("maker", sa.String(length=128), nullable=False),
        sa.Column("place", sa.String(length=128), nullable=False),
        sa.Column("verified_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("certificate_no", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("snoozed", sa.Boolean(), nullable=False),
        sa.Column("told_stage", sa.Integer(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_ledger_items_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_items")),
    )
    op.create_index(
        "ix_ledger_items_provisional",
        "ledger_items",
        ["id"],
        unique=False,
        sqlite_where=sa.text("provisional"),
        postgresql_where=sa.text("provisional"),
    )
    op.create_index(
        "ix_ledger_items_remind_on",
        "ledger_items",
        ["remind_on", "shop_id"],
        unique=False,
        sqlite_where=sa.text("remind_on IS NOT NULL"),
        postgresql_where=sa.text("remind_on IS NOT NULL"),
    )
    op.create_index("ix_ledger_items_shop_id_due_on", "ledger_items", ["shop_id", "due_on", "id"], unique=False)
    op.create_index(
        "uq_ledger_items_serial",
        "ledger_items",
        ["shop_id", "kind", "serial_key"],
        unique=True,
        sqlite_where=sa.text("serial_key <> ''"),
        postgresql_where=sa.text("serial_key <> ''"),
    )
    op.create_table(
        "ledger_events",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("item_id", ROW_ID, nullable=False),
        sa.Column("person_id", ROW_ID, nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["ledger_items.id"], name=op.f("fk_ledger_events_item_id_ledger_items")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_ledger_events_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_events")),
    )
    op.create_index("ix_ledger_events_item_id", "ledger_events", ["item_id", "id"], unique=False)
    op.create_index(op.f("ix_ledger_events_person_id"), "ledger_events", ["person_id"], unique=False)
    op.create_table(
        "certificates",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("item_id", ROW_ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["ledger_items.id"], name=op.f("fk_certificates_item_id_ledger_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    op.create_index(op.f("ix_certificates_item_id"), "certificates", ["item_id"], unique=False)
    op.create_index(op.f("ix_certificates_sha256"), "certificates", ["sha256"], unique=False)


def _reminders() -> None:
    op.create_table(
        "reminder_batches",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("answered", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_reminder_batches_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_batches")),
        sa.UniqueConstraint("shop_id", "day", name=op.f("uq_reminder_batches_shop_id_day")),
    )
    op.create_table(
        "reminders",
        sa.Column("item_id", ROW_ID, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("batch_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["reminder_batches.id"], name=op.f("fk_reminders_batch_id_reminder_batches")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["ledger_items.id"], name=op.f("fk_reminders_item_id_ledger_items")),
        sa.PrimaryKeyConstraint("item_id", "due_on", "stage", name=op.f("pk_reminders")),
    )
    op.create_index("ix_reminders_batch_id", "reminders", ["batch_id"], unique=False)
    op.create_table(
        "unreached",
        sa.Column("shop_id", ROW_ID, nullable=False),
        sa.Column("reach", sa.String(length=64), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("called_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_unreached_shop_id_shops")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_unreached")),
    )
    op.create_index(
        "ix_unreached_open",
        "unreached",
        ["since"],
        unique=False,
        sqlite_where=sa.text("called_at IS NULL"),
        postgresql_where=sa.text("called_at IS NULL"),
    )


def _work() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("contact_id", ROW_ID, nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_tasks_contact_id_contacts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_contact_id"), "tasks", ["contact_id"], unique=False)
    op.create_index("ix_tasks_created_at", "tasks", ["created_at"], unique=False)
    op.create_index(
        "ix_tasks_due",
        "tasks",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'todo'"),
        postgresql_where=sa.text("state = 'todo'"),
    )
    op.create_table(
        "file_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("contact_id", ROW_ID, nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_file_links_contact_id_contacts")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_file_links")),
    )
    op.create_index(op.f("ix_file_links_contact_id"), "file_links", ["contact_id"], unique=False)
    op.create_index(op.f("ix_file_links_expires_at"), "file_links", ["expires_at"], unique=False)


def downgrade() -> None:
    for table in (
        "file_links",
        "tasks",
        "unreached",
        "reminders",
        "reminder_batches",
        "certificates",
        "ledger_events",
        "ledger_items",
        "shop_members",
        "shop_invites",
        "shops",
    ):
        op.drop_table(table)
