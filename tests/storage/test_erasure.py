"""After an account is erased no table holds a word of it."""

from __future__ import annotations

from sqlalchemy import select

from storage import consults, contacts, dialogues, erasure, media, outbox, platform, windows
from storage.base import Base
from storage.contacts import Contact
from storage.database import Database
from storage.dialogues import Dialogue
from tests.support import NOW

WHO, SAID = "oCanary-openid", "金丝雀的秘密"


def fill(database: Database, external_id: str = WHO) -> int:
    """Something of one person in every table that can hold it."""
    with database.unit() as session:
        contact = contacts.get_or_create(session, "wechat", external_id, NOW)
        contact.address = external_id
        row = dialogues.lock(session, contact.person_id, NOW)
        row.state = {"query": SAID}
        dialogues.record_message(session, contact.id, f"m:{SAID}", {"text": SAID}, NOW)
        outbox.new(session, contact, {"text": SAID}, NOW)
        consults.open_consult(session, contact.id, SAID, NOW.date(), NOW, NOW)
        consults.record_miss(session, contact.id, SAID, "abstain", NOW)
        consults.record_feedback(session, contact.id, "1", "x", SAID, NOW, helpful=True)
        contacts.new_handover(session, contact.id, NOW)
        media.want(session, contact, SAID, "image", SAID, NOW)
        windows.note_message(session, contact.id, NOW)
        windows.consent(session, contact.id, "T", NOW, standing=True)
        platform.park(session, "wechat", f"m:{SAID}", "KeyError", f"<xml>{SAID}{external_id}</xml>", NOW)
        return contact.id


def everything(database: Database) -> str:
    with database.reading() as session:
        return "\n".join(
            str(tuple(row)) for table in Base.metadata.sorted_tables for row in session.execute(select(table))
        )


def test_not_a_word_is_left(database: Database) -> None:
    who = fill(database)
    assert SAID in everything(database)
    with database.unit() as session:
        erasure.erase(session, who, NOW)
    left = everything(database)
    assert SAID not in left
    assert WHO not in left
    assert "RG-" in left


def test_twice_is_as_good_as_once_and_the_account_may_come_back(database: Database) -> None:
    who = fill(database)
    for _ in range(2):
        with database.unit() as session:
            erasure.erase(session, who, NOW)
    with database.unit() as session:
        again = contacts.get_or_create(session, "wechat", WHO, NOW)
        assert again.id != who
        assert dialogues.lock(session, again.person_id, NOW).state == {}


def test_an_account_without_consults_leaves_no_row(database: Database) -> None:
    with database.unit() as session:
        contact = contacts.get_or_create(session, "wechat", WHO, NOW)
        dialogues.lock(session, contact.person_id, NOW)
        erasure.erase(session, contact.id, NOW)
    with database.reading() as session:
        assert session.scalars(select(Contact)).all() == []
        assert session.scalars(select(Dialogue)).all() == []


def test_a_bound_account_goes_alone(database: Database) -> None:
    who = fill(database)
    with database.unit() as session:
        other = contacts.get_or_create(session, "telegram", "77", NOW)
        other.person_id = session.get_one(Contact, who).person_id
    with database.unit() as session:
        erasure.erase(session, who, NOW)
    with database.reading() as session:
        kept = session.scalars(select(Contact).where(Contact.channel == "telegram")).one()
        dialogue = session.scalars(select(Dialogue).where(Dialogue.person_id == kept.person_id)).one()
        assert dialogue.state == {"query": SAID}
        gone = session.scalars(select(Contact).where(Contact.channel == "wechat")).one()
        assert gone.person_id != kept.person_id
