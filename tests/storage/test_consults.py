from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.turns import turns_for
from storage import consults, contacts
from storage.consults import Consult, ConsultState, Feedback, Miss
from storage.database import Database
from tests.support import NOW

TODAY = date(2026, 11, 24)


@pytest.fixture
def who(database: Database) -> int:
    with database.unit() as session:
        return contacts.get_or_create(session, "web", "a", NOW).id


def test_numbers_count_up_within_a_day(database: Database, who: int) -> None:
    with database.unit() as session:
        days = [TODAY, TODAY, TODAY + timedelta(days=1)]
        numbers = [consults.open_consult(session, who, "", day, NOW, NOW).number for day in days]
    assert numbers == ["RG-261124-0001", "RG-261124-0002", "RG-261125-0001"]


def test_a_consult_rolled_back_leaves_no_gap(database: Database, who: int) -> None:
    def undone() -> None:
        with database.unit() as session:
            consults.open_consult(session, who, "", TODAY, NOW, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    with database.unit() as session:
        assert consults.open_consult(session, who, "", TODAY, NOW, NOW).number == "RG-261124-0001"


def test_numbers_have_no_gaps_and_no_twins_under_parallel_threads(database: Database, who: int) -> None:
    turns = turns_for(database, 8)
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(lambda: turns.submit(lambda s: consults.open_consult(s, who, "", TODAY, NOW, NOW).number))
            for _ in range(40)
        ]
        numbers = sorted(one.result().result() for one in asked)
    turns.close()
    assert numbers == [f"RG-261124-{n:04d}" for n in range(1, 41)]


def test_a_number_is_given_once(database: Database, who: int) -> None:
    row = {"contact_id": who, "question": "", "files": [], "promised_at": NOW, "created_at": NOW}
    with pytest.raises(IntegrityError), database.unit() as session:
        session.add_all([Consult(number="RG-1", **row), Consult(number="RG-1", **row)])


def test_the_latest_open_one_is_found_by_its_own_person_only(database: Database, who: int) -> None:
    with database.unit() as session:
        other = contacts.get_or_create(session, "web", "b", NOW).id
        old = consults.open_consult(session, who, "旧", TODAY, NOW, NOW)
        new = consults.open_consult(session, who, "新", TODAY, NOW, NOW)
        assert consults.latest_open(session, who) is new
        new.state = ConsultState.ANSWERED
        session.flush()
        assert consults.latest_open(session, who) is old
        assert consults.latest_open(session, other) is None
        assert consults.find_consult(session, other, old.number) is None
        assert consults.find_consult(session, who, old.number) is old


def test_one_answer_has_one_opinion_the_last(database: Database, who: int) -> None:
    with database.unit() as session:
        for helpful in (True, True, False):
            consults.record_feedback(session, who, "nonce", "faq-1", "问" * 300, NOW, helpful=helpful)
            session.flush()
        consults.record_feedback(session, who, "other", "faq-1", "", NOW, helpful=True)
    with database.reading() as session:
        found = {row.answer_id: row for row in session.scalars(select(Feedback))}
        assert {key: row.helpful for key, row in found.items()} == {"nonce": False, "other": True}
        assert len(found["nonce"].query) == 256


def test_a_miss_is_kept_short(database: Database, who: int) -> None:
    with database.unit() as session:
        consults.record_miss(session, who, "长" * 2048, "abstain", NOW)
    with database.reading() as session:
        assert session.scalars(select(Miss)).one().query == "长" * 256
