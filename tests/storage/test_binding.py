from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from handlers.conversation.messages import AttachmentKind
from storage import binding, consults, contacts, dialogues, media
from storage.binding import Found, Refusal
from storage.consults import Consult
from storage.contacts import HANDOVER_LIFE, HANDOVER_TRIES, Contact, Handover, Person
from storage.database import Database, Session
from storage.dialogues import Dialogue
from storage.media import MediaFile
from tests.support import NOW


def account(session: Session, channel: str, name: str = "a") -> Contact:
    contact = contacts.get_or_create(session, channel, name, NOW)
    dialogues.lock(session, contact.person_id, NOW)
    return contact


def people(session: Session) -> int:
    return session.scalar(select(func.count(Person.id))) or 0


def test_a_code_is_looked_at_as_often_as_you_like_and_used_once(database: Database) -> None:
    with database.unit() as session:
        giver = account(session, "wechat")
        code = contacts.new_handover(session, giver.id, NOW)
        for _ in range(2):
            found = binding.look(session, code, NOW + HANDOVER_LIFE - timedelta(seconds=1))
            assert isinstance(found, Found)
            assert found.giver.id == giver.id
            assert code not in found.key
        assert contacts.use_handover(session, found.key, NOW) == giver.id
        assert contacts.use_handover(session, found.key, NOW) is None
        assert binding.look(session, code, NOW) is Refusal.WRONG
        assert binding.look_again(session, found.key, NOW) is None


def test_a_link_is_long_and_goes_with_the_code(database: Database) -> None:
    with database.unit() as session:
        giver = account(session, "wechat")
        code, token = contacts.new_handover(session, giver.id, NOW), binding.new_link(session, giver.id, NOW)
        assert len(token) * 6 >= 128
        assert len(f"b_{token}") <= 64
        assert isinstance(binding.look(session, token, NOW), Found)
        found = binding.look(session, code, NOW)
        assert isinstance(found, Found)
        contacts.use_handover(session, found.key, NOW)
        assert binding.look(session, token, NOW) is Refusal.WRONG
        assert session.scalars(select(Handover)).all() == []


def test_a_code_that_ran_out(database: Database) -> None:
    with database.unit() as session:
        giver = account(session, "wechat")
        code = contacts.new_handover(session, giver.id, NOW)
        found = binding.look(session, code, NOW)
        assert isinstance(found, Found)
        assert binding.look(session, code, NOW + HANDOVER_LIFE) is Refusal.EXPIRED
        assert binding.look_again(session, found.key, NOW + HANDOVER_LIFE) is None
        assert not binding.has_code(session, giver.id, NOW + HANDOVER_LIFE)
        assert binding.has_code(session, giver.id, NOW)


def test_codes_can_be_guessed_at_only_so_often_and_links_are_not_in_the_way(database: Database) -> None:
    with database.unit() as session:
        giver = account(session, "wechat")
        code, token = contacts.new_handover(session, giver.id, NOW), binding.new_link(session, giver.id, NOW)
        wrong = "000000" if code != "000000" else "000001"
        for _ in range(HANDOVER_TRIES):
            assert binding.look(session, "no-such-link", NOW) is Refusal.WRONG
            assert binding.look(session, wrong, NOW) is Refusal.WRONG
        assert binding.look(session, code, NOW) is Refusal.TOO_MANY
        assert contacts.redeem_handover(session, code, NOW) is None
        assert isinstance(binding.look(session, token, NOW), Found)


def test_who_comes_over_leaves_nothing_behind(database: Database) -> None:
    with database.unit() as session:
        giver, taker = account(session, "wechat"), account(session, "telegram")
        contacts.new_handover(session, taker.id, NOW)
        binding.come_over(session, taker, giver.person_id)
        assert {c.id for c in contacts.of_person(session, giver.person_id)} == {giver.id, taker.id}
        assert people(session) == session.scalar(select(func.count(Dialogue.person_id))) == 1
        assert session.scalars(select(Handover)).all() == []


def test_who_stays_behind_keeps_person_and_dialogue(database: Database) -> None:
    with database.unit() as session:
        giver, taker, third = account(session, "wechat"), account(session, "telegram"), account(session, "web")
        binding.come_over(session, third, taker.person_id)
        left = taker.person_id
        binding.come_over(session, taker, giver.person_id)
        assert (third.person_id, people(session)) == (left, 2)
        assert session.get(Dialogue, left) is not None


def test_parting_leaves_all_cases_with_the_one_who_stays(database: Database) -> None:
    with database.unit() as session:
        stays, leaves = account(session, "wechat"), account(session, "telegram")
        number = consults.open_consult(session, leaves.id, "地磅", NOW.date(), NOW, NOW).number
        name = media.want(session, leaves, "ref", AttachmentKind.IMAGE, "照片", NOW)
        binding.come_over(session, leaves, stays.person_id)
        contacts.new_handover(session, leaves.id, NOW)
        binding.part(session, stays, leaves, NOW)
        assert leaves.person_id != stays.person_id
        assert consults.find_consult(session, stays.person_id, number) is not None
        assert consults.find_consult(session, leaves.person_id, number) is None
        assert name
        for table in (Consult, MediaFile):
            assert session.scalars(select(table.contact_id)).all() == [stays.id]
        assert session.scalars(select(Handover)).all() == []
        assert session.get(Dialogue, leaves.person_id) is None


def test_what_cannot_be_sent_to_one_account_goes_to_another(database: Database) -> None:
    with database.unit() as session:
        one, two, stranger = account(session, "telegram"), account(session, "wechat"), account(session, "web")
        binding.come_over(session, two, one.person_id)
        assert binding.reachable(session, one) is one
        one.unreachable = "blocked"
        assert binding.reachable(session, one) is two
        two.unreachable = "unfollowed"
        assert binding.reachable(session, one) is one
        assert stranger.person_id != one.person_id


def test_whose_an_account_is_and_what_was_heard_are_one_question(database: Database) -> None:
    with database.unit() as session:
        contact = account(session, "wechat")
        assert binding.heard(session, contact.id, "k") == (contact.person_id, None)
        row = dialogues.record_message(session, contact.id, "k", {"text": "秤"}, NOW, [7])
        assert binding.heard(session, contact.id, "k") == (contact.person_id, row)


@pytest.mark.postgres
def test_a_lock_is_not_waited_for_out_of_order(postgres: Database) -> None:
    with postgres.unit() as session:
        early, late = (account(session, "telegram", f"order-{n}") for n in range(2))
        first, second = early.person_id, late.person_id
    assert first < second
    with postgres.unit() as busy:
        dialogues.lock(busy, first, NOW)
        with postgres.unit() as session:
            giver = session.get_one(Contact, early.id)
            assert binding.lock_also(session, giver, second, NOW) is None
    with postgres.unit() as session:
        dialogues.lock(session, second, NOW)
        row = binding.lock_also(session, session.get_one(Contact, early.id), second, NOW)
        assert row is not None
        assert row.person_id == first


def test_a_giver_who_has_moved_on_is_not_joined(database: Database) -> None:
    with database.unit() as session:
        giver, other = account(session, "wechat"), account(session, "web")
        stale = contacts.get_or_create(session, "wechat", "a", NOW)
        assert stale is giver
        session.expunge(giver)
        moved = session.get_one(Contact, giver.id)
        moved.person_id = other.person_id
        session.flush()
        assert binding.lock_also(session, giver, 0, NOW) is None
