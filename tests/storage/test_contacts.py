from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from storage import contacts
from storage.contacts import HANDOVER_LIFE, HANDOVER_TRIES, Contact, Handover, HandoverMiss, WebSession
from storage.database import Database
from tests.support import NOW


def test_a_person_is_one_row_per_channel(database: Database) -> None:
    with database.unit() as session:
        one = contacts.get_or_create(session, "web", "a", NOW)
        assert contacts.get_or_create(session, "web", "a", NOW + timedelta(days=1)) is one
        assert contacts.get_or_create(session, "terminal", "a", NOW) is not one
    with pytest.raises(IntegrityError), database.unit() as session:
        session.add(Contact(channel="web", external_id="a", created_at=NOW))


def test_a_browser_token_is_kept_only_as_its_hash(database: Database) -> None:
    with database.unit() as session:
        token = contacts.open_web_session(session, NOW)
        assert len(token) == 43
        person = contacts.web_contact(session, token)
        assert person is not None
        assert person.channel == "web"
        kept = session.scalars(select(WebSession)).one()
        assert token not in (kept.token_hash, person.external_id)
        assert contacts.web_contact(session, token + "x") is None
        assert contacts.web_contact(session, "") is None


def _code(database: Database, who: str = "a") -> tuple[str, int]:
    with database.unit() as session:
        person = contacts.get_or_create(session, "web", who, NOW)
        return contacts.new_handover(session, person.id, NOW), person.id


def test_a_handover_code_opens_the_same_dialogue_once(database: Database) -> None:
    code, person = _code(database)
    assert len(code) == 6
    assert code.isdigit()
    with database.unit() as session:
        token = contacts.redeem_handover(session, f" {code} ", NOW + HANDOVER_LIFE - timedelta(seconds=1))
        assert token is not None
        found = contacts.web_contact(session, token)
        assert found is not None
        assert found.id == person
    with database.unit() as session:
        assert contacts.redeem_handover(session, code, NOW) is None


def test_a_handover_code_lives_ten_minutes(database: Database) -> None:
    code, _ = _code(database)
    assert timedelta(minutes=10) == HANDOVER_LIFE
    with database.unit() as session:
        assert contacts.redeem_handover(session, code, NOW + HANDOVER_LIFE) is None


def test_a_new_code_makes_the_old_one_void(database: Database) -> None:
    old, _ = _code(database)
    new, _ = _code(database)
    with database.unit() as session:
        assert len(session.scalars(select(Handover)).all()) == 1
        if old != new:
            assert contacts.redeem_handover(session, old, NOW) is None
        assert contacts.redeem_handover(session, new, NOW) is not None


def test_wrong_guesses_run_out_and_come_back(database: Database) -> None:
    code, _ = _code(database)
    wrong = "000000" if code != "000000" else "000001"
    with database.unit() as session:
        for _ in range(HANDOVER_TRIES):
            assert contacts.redeem_handover(session, wrong, NOW) is None
    with database.unit() as session:
        assert contacts.redeem_handover(session, code, NOW + timedelta(minutes=1)) is None
        later = contacts.new_handover(session, session.scalars(select(Contact.id)).one(), NOW + HANDOVER_LIFE)
        assert contacts.redeem_handover(session, later, NOW + HANDOVER_LIFE) is not None
        assert session.scalars(select(HandoverMiss)).all() == []


def test_a_code_of_another_channel_opens_a_web_account_beside_it(database: Database) -> None:
    with database.unit() as session:
        giver = contacts.get_or_create(session, "wechat", "o1", NOW)
        token = contacts.redeem_handover(session, contacts.new_handover(session, giver.id, NOW), NOW)
        assert token is not None
        found = contacts.web_contact(session, token)
        assert found is not None
        assert (found.channel, found.person_id) == ("web", giver.person_id)
        assert [c.id for c in contacts.of_person(session, giver.person_id)] == [giver.id, found.id]
