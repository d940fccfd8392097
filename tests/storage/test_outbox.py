from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from handlers.conversation.messages import Choice, Reply
from storage import contacts, outbox
from storage.contacts import Contact
from storage.database import Database
from storage.outbox import Envelope, OutboxRow, SendState
from tests.support import NOW


@pytest.fixture
def who(database: Database) -> Contact:
    with database.unit() as session:
        return contacts.get_or_create(session, "wechat", "a", NOW)


def test_a_reply_comes_back_as_it_was(database: Database, who: Contact) -> None:
    reply = Reply("称得少了？😀", (Choice("人工", "human:"),), more="后面", about=("faq-1",), multi=True)
    with database.unit() as session:
        outbox.new(session, who, reply.to_json(), NOW)
    with database.reading() as session:
        assert Reply.from_json(outbox.waiting(session, who.id)[0].payload) == reply


def test_a_push_asked_for_twice_goes_out_once(database: Database, who: Contact) -> None:
    with database.unit() as session:
        assert outbox.push(session, who, {"text": "一"}, NOW, Envelope("consult-answer", dedup_key="consult:1"))
        assert not outbox.push(session, who, {"text": "二"}, NOW, Envelope("consult-answer", dedup_key="consult:1"))
        assert outbox.push(session, who, {"text": "三"}, NOW, Envelope("consult-answer", dedup_key="consult:2"))
    with database.unit() as session:
        assert [row.payload["text"] for row in outbox.waiting(session, who.id)] == ["一", "三"]


def test_the_dedup_key_is_kept_by_the_database_itself(database: Database, who: Contact) -> None:
    with database.unit() as session:
        outbox.new(session, who, {}, NOW, Envelope(dedup_key="same"))
    with pytest.raises(IntegrityError), database.unit() as session:
        outbox.new(session, who, {}, NOW, Envelope(dedup_key="same"))


def test_rows_without_a_dedup_key_do_not_meet(database: Database, who: Contact) -> None:
    with database.unit() as session:
        rows = [outbox.new(session, who, {}, NOW) for _ in range(3)]
        session.flush()
        assert outbox.by_ids(session, [row.id for row in reversed(rows)]) == rows


def test_what_was_sent_waits_no_longer(database: Database, who: Contact) -> None:
    with database.unit() as session:
        rows = [outbox.new(session, who, {}, NOW) for _ in range(3)]
        session.flush()
        outbox.mark_sent(session, [rows[0].id, rows[1].id], NOW)
        outbox.mark_sent(session, [rows[0].id], NOW + timedelta(days=1))
        assert outbox.waiting(session, who.id) == [rows[2]]
    with database.reading() as session:
        first = session.get_one(OutboxRow, rows[0].id)
        assert (first.state, first.sent_at) == (SendState.SENT, NOW)


def test_since_gives_the_newest_oldest_first(database: Database, who: Contact) -> None:
    with database.unit() as session:
        for n in range(5):
            outbox.new(session, who, {"n": n}, NOW + timedelta(minutes=n))
            session.flush()
    with database.reading() as session:
        ids = list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)))
        found = outbox.since(session, who.id, NOW + timedelta(minutes=1), 3, 0)
        assert [row.payload["n"] for row in found] == [2, 3, 4]
        assert [row.payload["n"] for row in outbox.since(session, who.id, NOW, 60, ids[3])] == [4]


def test_only_what_was_sent_is_forgotten(database: Database, who: Contact) -> None:
    with database.unit() as session:
        sent, waits = (outbox.new(session, who, {}, NOW) for _ in range(2))
        session.flush()
        outbox.mark_sent(session, [sent.id], NOW)
    with database.unit() as session:
        assert outbox.forget_sent(session, NOW, 10) == 0
        assert outbox.forget_sent(session, NOW + timedelta(seconds=1), 10) == 1
    with database.reading() as session:
        assert [row.id for row in session.scalars(select(OutboxRow))] == [waits.id]
