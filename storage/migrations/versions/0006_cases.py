"""Tip-offs: cases, their threads, files, clocks, receipts; stalls; staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.base

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = storage.base.Instant(timezone=True)


def upgrade() -> None:
    _staff()
    _cases()
    _terms()
    _links()


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("contact_id", ROW_ID, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("away", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_staff_contact_id_contacts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_staff_contact_id")),
    )
    op.create_table(
        "staff_enrolments",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", ROW_ID, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_enrolments_staff_id_staff")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_staff_enrolments")),
    )
    op.create_index(op.f("ix_staff_enrolments_expires_at"), "staff_enrolments", ["expires_at"], unique=False)
    op.create_index(op.f("ix_staff_enrolments_staff_id"), "staff_enrolments", ["staff_id"], unique=False)


def _cases() -> None:
    op.create_table(
        "stalls",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("shop_id", ROW_ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_stalls_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stalls")),
    )
    op.create_index(op.f("ix_stalls_shop_id"), "stalls", ["shop_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("district", sa.String(length=64), nullable=False),
        sa.Column("market", sa.String(length=64), nullable=False),
        sa.Column("stall_no", sa.String(length=64), nullable=False),
        sa.Column("shop", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(length=18), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("goods", sa.String(length=64), nullable=False),
        sa.Column("matter", sa.String(length=200), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("happened", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("evidence_level", sa.Integer(), nullable=False),
        sa.Column("demand", sa.String(length=200), nullable=False),
        sa.Column("identified", sa.Boolean(), nullable=False),
        sa.Column("statutory", sa.Boolean(), nullable=False),
        sa.Column("filing_hash", sa.String(length=64), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("stall_id", ROW_ID, nullable=True),
        sa.Column("main_id", ROW_ID, nullable=True),
        sa.Column("officer_id", ROW_ID, nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.String(length=300), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document_no", sa.String(length=64), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("satisfied", sa.Integer(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["main_id"], ["cases.id"], name=op.f("fk_cases_main_id_cases")),
        sa.ForeignKeyConstraint(["officer_id"], ["staff.id"], name=op.f("fk_cases_officer_id_staff")),
        sa.ForeignKeyConstraint(["stall_id"], ["stalls.id"], name=op.f("fk_cases_stall_id_stalls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_main_id"), "cases", ["main_id"], unique=False)
    op.create_index(
        "ix_cases_open",
        "cases",
        ["officer_id", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('received', 'accepted', 'filed')"),
        postgresql_where=sa.text("state IN ('received', 'accepted', 'filed')"),
    )
    op.create_index("ix_cases_received_on", "cases", ["received_on"], unique=False)
    op.create_index(op.f("ix_cases_stall_id"), "cases", ["stall_id"], unique=False)
    op.create_index("ix_cases_state_updated_at", "cases", ["state", "updated_at"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
    )
    op.create_index("ix_case_events_case_id", "case_events", ["case_id", "id"], unique=False)
    op.create_table(
        "case_files",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("copy_sha256", sa.String(length=64), nullable=False),
        sa.Column("dhash", sa.String(length=16), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("kept_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_files_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_files")),
        sa.UniqueConstraint("case_id", "source", name=op.f("uq_case_files_case_id_source")),
    )
    op.create_index("ix_case_files_case_id", "case_files", ["case_id", "id"], unique=False)
    op.create_index("ix_case_files_dhash", "case_files", ["dhash"], unique=False)
    op.create_index(op.f("ix_case_files_sha256"), "case_files", ["sha256"], unique=False)


def _terms() -> None:
    op.create_table(
        "case_clocks",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("told", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_clocks_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_clocks")),
    )
    op.create_index("ix_case_clocks_case_id", "case_clocks", ["case_id", "id"], unique=False)
    op.create_index(
        "ix_case_clocks_provisional",
        "case_clocks",
        ["id"],
        unique=False,
        sqlite_where=sa.text("provisional"),
        postgresql_where=sa.text("provisional"),
    )
    op.create_index(
        "ix_case_clocks_remind_on",
        "case_clocks",
        ["remind_on", "id"],
        unique=False,
        sqlite_where=sa.text("remind_on IS NOT NULL"),
        postgresql_where=sa.text("remind_on IS NOT NULL"),
    )
    op.create_table(
        "case_pauses",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("clock_id", ROW_ID, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["case_clocks.id"], name=op.f("fk_case_pauses_clock_id_case_clocks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_pauses")),
    )
    op.create_index(op.f("ix_case_pauses_clock_id"), "case_pauses", ["clock_id"], unique=False)


def _links() -> None:
    op.create_table(
        "case_links",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("linked_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_links_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_links")),
        sa.UniqueConstraint("case_id", "tag", name=op.f("uq_case_links_case_id_tag")),
    )
    op.create_index(op.f("ix_case_links_tag"), "case_links", ["tag"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_receipts_case_id_cases")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_receipts")),
        sa.UniqueConstraint("case_id", name=op.f("uq_receipts_case_id")),
    )
    op.create_index(op.f("ix_receipts_expires_on"), "receipts", ["expires_on"], unique=False)
    op.create_table(
        "receipt_guesses",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_receipt_guesses")),
    )
    op.create_table(
        "case_keys",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_keys_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_keys")),
        sa.UniqueConstraint("case_id", "key", name=op.f("uq_case_keys_case_id_key")),
    )
    op.create_index("ix_case_keys_key", "case_keys", ["key"], unique=False)
    op.create_table(
        "case_likenesses",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("other_id", ROW_ID, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("staff_id", ROW_ID, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_likenesses_case_id_cases")),
        sa.ForeignKeyConstraint(["other_id"], ["cases.id"], name=op.f("fk_case_likenesses_other_id_cases")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_case_likenesses_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_likenesses")),
        sa.UniqueConstraint("case_id", "other_id", name=op.f("uq_case_likenesses_case_id_other_id")),
    )
    op.create_index("ix_case_likenesses_other_id", "case_likenesses", ["other_id"], unique=False)


def downgrade() -> None:
    for table in (
        "case_likenesses",
        "case_keys",
        "receipt_guesses",
        "receipts",
        "case_links",
        "case_pauses",
        "case_clocks",
        "case_files",
        "case_events",
        "cases",
        "stalls",
        "staff_enrolments",
        "staff",
    ):
        op.drop_table(table)
