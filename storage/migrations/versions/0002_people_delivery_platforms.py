"""People apart from their accounts; the outbox as a work queue; what processes share about the platforms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('todo', 'retry')")
WAITING = sa.text("state IN ('todo', 'retry', 'blocked')")
SENDING = sa.text("state = 'sending'")
TODO = sa.text("state = 'todo'")
NAMED = sa.text("platform_id <> ''")


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.base.Instant(timezone=True), nullable=nullable)


def word(name: str, length: int = 64) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def row_id() -> sa.Column[object]:
    return sa.Column("id", ROW_ID, autoincrement=True, nullable=False)


def contact_id(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    return (
        sa.Column("contact_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f(f"fk_{table}_contact_id_contacts")),
    )


def upgrade() -> None:
    _new_tables()
    _persons()
    _dialogues("person_id", "persons", "contact_id")
    _outbox()


def _new_tables() -> None:
    op.create_table("persons", row_id(), instant("created_at"), sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")))
    op.create_table(
        "album_parts",
        row_id(),
        word("channel"),
        word("album"),
        word("key"),
        sa.Column("part", sa.JSON(), nullable=False),
        instant("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_album_parts")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_album_parts_channel_key")),
    )
    op.create_index("ix_album_parts_album", "album_parts", ["channel", "album", "id"])
    op.create_table(
        "gates",
        word("channel"),
        sa.Column("tokens", sa.Float(), nullable=False),
        instant("refilled_at"),
        instant("closed_until", nullable=True),
        word("reason", 200),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_gates")),
    )
    op.create_table(
        "leases",
        word("name"),
        word("holder"),
        instant("until"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "parked",
        row_id(),
        word("channel"),
        word("key", 128),
        word("reason", 200),
        sa.Column("body", sa.Text(), nullable=False),
        instant("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_parked_channel_key")),
    )
    op.create_index("ix_parked_at", "parked", ["at"])
    op.create_table(
        "platform_tokens",
        word("name"),
        sa.Column("sealed", sa.Text(), nullable=False),
        instant("expires_at", nullable=True),
        instant("asked_at", nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_platform_tokens")),
    )
    op.create_table(
        "consents",
        *contact_id("consents"),
        word("template_id"),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        instant("changed_at"),
        sa.PrimaryKeyConstraint("contact_id", "template_id", name=op.f("pk_consents")),
    )
    op.create_table(
        "customer_windows",
        *contact_id("customer_windows"),
        instant("message_at", nullable=True),
        sa.Column("message_used", sa.Integer(), nullable=False),
        instant("tap_at", nullable=True),
        sa.Column("tap_used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_customer_windows")),
    )
    op.create_table(
        "media_files",
        row_id(),
        *contact_id("media_files"),
        word("channel"),
        word("ref", 512),
        word("kind"),
        word("label", 128),
        word("state"),
        word("sha256"),
        word("media_type"),
        word("reason", 200),
        sa.Column("tries", sa.Integer(), nullable=False),
        instant("due_at"),
        instant("expires_at"),
        word("lease"),
        instant("lease_until", nullable=True),
        instant("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_files")),
    )
    op.create_index(op.f("ix_media_files_contact_id"), "media_files", ["contact_id"])
    op.create_index(
        "ix_media_files_due", "media_files", ["channel", "due_at"], sqlite_where=TODO, postgresql_where=TODO
    )


def _persons() -> None:
    """Every account so far is a person of its own, under the account's own number."""
    op.execute("INSERT INTO persons (id, created_at) SELECT id, created_at FROM contacts")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('persons', 'id'), coalesce(max(id), 0) + 1, false) FROM persons"
        )
    with op.batch_alter_table("contacts") as contacts:
        contacts.add_column(sa.Column("person_id", ROW_ID, nullable=True))
        contacts.add_column(sa.Column("address", sa.String(64), nullable=False, server_default=""))
        contacts.add_column(sa.Column("unreachable", sa.String(64), nullable=False, server_default=""))
        contacts.add_column(instant("next_send_at", nullable=True))
    op.execute("UPDATE contacts SET person_id = id")
    with op.batch_alter_table("contacts") as contacts:
        contacts.alter_column("person_id", existing_type=ROW_ID, nullable=False)
        contacts.alter_column("address", existing_type=sa.String(64), server_default=None)
        contacts.alter_column("unreachable", existing_type=sa.String(64), server_default=None)
        contacts.create_index("ix_contacts_channel_address", ["channel", "address"])
        contacts.create_index("ix_contacts_person_id", ["person_id"])
        contacts.create_foreign_key(op.f("fk_contacts_person_id_persons"), "persons", ["person_id"], ["id"])


def _dialogues(key: str, owner: str, old_key: str) -> None:
    """Make the table anew under another key; the rows wait in a table of their own meanwhile."""
    op.execute("CREATE TABLE dialogues_kept AS SELECT * FROM dialogues")
    op.drop_table("dialogues")
    op.create_table(
        "dialogues",
        sa.Column(key, ROW_ID, nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        instant("updated_at"),
        sa.ForeignKeyConstraint([key], [f"{owner}.id"], name=op.f(f"fk_dialogues_{key}_{owner}")),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_dialogues")),
    )
    op.create_index(op.f("ix_dialogues_updated_at"), "dialogues", ["updated_at"])
    found = (
        old_key if key == "person_id" else "(SELECT min(id) FROM contacts WHERE person_id = dialogues_kept.person_id)"
    )
    op.execute(
        f"INSERT INTO dialogues ({key}, state, turns, updated_at) "  # noqa: S608 - the names are this file's own
        f"SELECT {found}, state, turns, updated_at FROM dialogues_kept WHERE {found} IS NOT NULL"
    )
    op.drop_table("dialogues_kept")


def _outbox() -> None:
    words = {"channel": 64, "replaces": 64, "lease": 64, "platform_id": 64, "error": 200}
    numbers = ("priority", "attempts", "unknowns")
    with op.batch_alter_table("outbox") as outbox:
        for name, length in words.items():
            outbox.add_column(sa.Column(name, sa.String(length), nullable=False, server_default=""))
        for name in numbers:
            outbox.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        outbox.add_column(instant("due_at", nullable=True))
        outbox.add_column(instant("expires_at", nullable=True))
        outbox.add_column(instant("lease_until", nullable=True))
    op.execute("UPDATE outbox SET channel = (SELECT channel FROM contacts WHERE contacts.id = outbox.contact_id)")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("UPDATE outbox SET due_at = created_at, expires_at = datetime(created_at, '+30 days')")
    else:
        op.execute("UPDATE outbox SET due_at = created_at, expires_at = created_at + interval '30 days'")
    with op.batch_alter_table("outbox", table_kwargs={"sqlite_autoincrement": True}) as outbox:
        for name, length in words.items():
            outbox.alter_column(name, existing_type=sa.String(length), server_default=None)
        for name in numbers:
            outbox.alter_column(name, existing_type=sa.Integer(), server_default=None)
        outbox.alter_column("due_at", existing_type=storage.base.Instant(timezone=True), nullable=False)
        outbox.alter_column("expires_at", existing_type=storage.base.Instant(timezone=True), nullable=False)
    claim = ["channel", "priority", "due_at", "id"]
    op.create_index("ix_outbox_claim", "outbox", claim, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_outbox_expires", "outbox", ["expires_at"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index("ix_outbox_leased", "outbox", ["lease_until"], sqlite_where=SENDING, postgresql_where=SENDING)
    named = ["channel", "platform_id"]
    op.create_index("ix_outbox_platform_id", "outbox", named, sqlite_where=NAMED, postgresql_where=NAMED)


def downgrade() -> None:
    """Back to one account a person: of several accounts the oldest keeps the conversation."""
    for name in ("platform_id", "leased", "expires", "claim"):
        op.drop_index(f"ix_outbox_{name}", "outbox")
    op.execute("UPDATE outbox SET state = 'sent' WHERE state NOT IN ('todo', 'sent')")
    with op.batch_alter_table("outbox") as outbox:
        for name in ("channel", "replaces", "lease", "platform_id", "error", "priority", "attempts", "unknowns"):
            outbox.drop_column(name)
        for name in ("due_at", "expires_at", "lease_until"):
            outbox.drop_column(name)
    _dialogues("contact_id", "contacts", "person_id")
    with op.batch_alter_table("contacts") as contacts:
        contacts.drop_constraint(op.f("fk_contacts_person_id_persons"), type_="foreignkey")
        contacts.drop_index("ix_contacts_person_id")
        contacts.drop_index("ix_contacts_channel_address")
        for name in ("next_send_at", "unreachable", "address", "person_id"):
            contacts.drop_column(name)
    for name in ("media_files", "customer_windows", "consents", "platform_tokens", "parked", "leases", "gates"):
        op.drop_table(name)
    op.drop_table("album_parts")
    op.drop_table("persons")
