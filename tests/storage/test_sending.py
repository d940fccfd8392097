"""The outbox as work: who gets what when, and what becomes of it, with workers that die, stall and meet."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, insert, select, text

from bot.turns import turns_for
from storage import contacts, outbox, sending
from storage.contacts import Contact
from storage.database import Database
from storage.gates import Rate
from storage.outbox import Envelope, Kind, OutboxRow, Priority, SendState
from storage.sending import ATTEMPTS, LEASE, Item, Outcome
from tests.support import NOW

RATE = Rate(per_second=1000, burst=1000)
SECOND = timedelta(seconds=1)
SENT = Outcome(SendState.SENT)
RETRY = Outcome(SendState.RETRY, "busy")
UNKNOWN = Outcome(SendState.UNKNOWN, "no answer")


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mass message and a legal notice beside the kinds there are."""
    monkeypatch.setitem(outbox.KINDS, "bulk", Kind(Priority.BULK, timedelta(days=1)))
    monkeypatch.setitem(outbox.KINDS, "notice", Kind(Priority.NOTICE, timedelta(days=30), again=False))


class Post:
    """Queues, claims and finishes, a transaction each."""

    def __init__(self, database: Database, rate: Rate = RATE) -> None:
        self.database = database
        self.rate = rate

    def queue(self, who: str, kind: str = "reply", at: datetime = NOW, address: str = "") -> int:
        with self.database.unit() as session:
            contact = contacts.get_or_create(session, "x", who, NOW)
            contact.address = address
            row = outbox.new(session, contact, {"text": who}, at, Envelope(kind))
            session.flush()
            return row.id

    def claim(self, at: datetime = NOW, limit: int = 100) -> list[Item]:
        with self.database.unit() as session:
            return sending.claim(session, "x", self.rate, at, limit)

    def finish(self, item: Item, outcome: Outcome = SENT, at: datetime = NOW) -> bool:
        with self.database.unit() as session:
            return sending.finish(session, item, outcome, self.rate, at)

    def recover(self, at: datetime) -> int:
        with self.database.unit() as session:
            return sending.recover(session, at, 100)

    def row(self, number: int) -> OutboxRow:
        with self.database.reading() as session:
            return session.get_one(OutboxRow, number)

    def contact(self, who: str) -> Contact:
        with self.database.reading() as session:
            found = contacts.find(session, "x", who)
            assert found is not None
            return found


@pytest.fixture
def post(database: Database) -> Post:
    return Post(database)


def _ids(items: list[Item]) -> list[int]:
    return [item.id for item in items]


# -- order --------------------------------------------------------------------------------------------------------


def test_a_claimed_message_has_all_that_a_sender_needs(post: Post) -> None:
    number = post.queue("a", address="group")
    (item,) = post.claim()
    assert (item.id, item.to, item.payload, item.attempts, item.probe) == (number, "group", {"text": "a"}, 1, False)
    row = post.row(number)
    assert (row.state, row.lease, row.lease_until) == (SendState.SENDING, item.lease, NOW + LEASE)
    assert post.finish(item)
    row = post.row(number)
    assert (row.state, row.sent_at, row.lease, row.lease_until) == (SendState.SENT, NOW, "", None)


def test_one_chat_gets_its_messages_one_by_one_and_in_order(post: Post) -> None:
    numbers = [post.queue("a") for _ in range(4)]
    seen = []
    for _ in numbers:
        (item,) = post.claim()
        assert post.claim() == []
        seen.append(item.id)
        post.finish(item)
    assert seen == numbers


def test_a_message_that_must_be_tried_again_is_not_overtaken(post: Post) -> None:
    first, second = post.queue("a"), post.queue("a")
    post.finish(post.claim()[0], RETRY)
    assert post.claim(NOW + SECOND) == []
    later = NOW + 10 * SECOND
    for number in (first, second):
        (item,) = post.claim(later)
        assert item.id == number
        post.finish(item, at=later)


def test_an_answer_overtakes_a_mass_message_that_must_be_tried_again(post: Post) -> None:
    post.queue("a", "bulk")
    post.finish(post.claim()[0], RETRY)
    answer = post.queue("a")
    assert _ids(post.claim()) == [answer]


def test_two_people_in_one_group_are_one_chat(post: Post) -> None:
    first, second = post.queue("a", address="group"), post.queue("b", address="group")
    alone = post.queue("c")
    items = post.claim()
    assert _ids(items) == [first, alone]
    assert post.claim() == []
    post.finish(items[0])
    assert _ids(post.claim()) == [second]


def test_the_pause_between_messages_is_the_chats(database: Database) -> None:
    post = Post(database, Rate(1000, 1000, per_chat=SECOND))
    for who in "ab":
        post.queue(who, address="group")
    post.queue("c")
    for item in post.claim():
        post.finish(item)
    other = post.queue("c")
    assert post.claim(NOW + 0.9 * SECOND) == []
    assert _ids(post.claim(NOW + SECOND)) == [2, other]


def test_an_urgent_message_overtakes_five_thousand(database: Database, post: Post) -> None:
    _many(database, 5000)
    for n in range(3):
        post.queue(f"urgent{n}")
    items = post.claim(limit=16)
    assert [item.kind for item in items[:3]] == ["reply"] * 3
    assert len(items) == 3 + 8, "half of a batch is left to what is more urgent"


def test_what_is_not_yet_due_or_no_longer_worth_it_is_left(post: Post) -> None:
    post.queue("a", at=NOW + SECOND)
    post.queue("b", at=NOW - timedelta(hours=48))
    assert post.claim() == []
    assert len(post.claim(NOW + SECOND)) == 1


def _many(database: Database, count: int, kind: str = "bulk") -> None:
    """Mass messages to people of their own."""
    with database.unit() as session:
        people = [{"created_at": NOW} for _ in range(count)]
        ids = session.scalars(insert(contacts.Person).returning(contacts.Person.id), people).all()
        accounts = [{"person_id": n, "channel": "x", "external_id": f"m{n}", "created_at": NOW} for n in ids]
        accounts = [{"address": "", "unreachable": "", **account} for account in accounts]
        numbers = session.scalars(insert(Contact).returning(Contact.id), accounts).all()
        for contact in session.scalars(select(Contact).where(Contact.id.in_(numbers))):
            outbox.new(session, contact, {"text": "通知"}, NOW, Envelope(kind))


# -- rate ---------------------------------------------------------------------------------------------------------


def test_the_bucket_limits_all_claims_together(database: Database) -> None:
    _many(database, 200, "reply")
    post, other = Post(database, Rate(25, 10)), Post(database, Rate(25, 10))
    times = [(n, side) for n in range(100) for side in (post, other)]
    claimed = [(n, len(side.claim(NOW + n * timedelta(milliseconds=20)))) for n, side in times]
    seconds = [sum(count for n, count in claimed if start <= n < start + 50) for start in range(50)]
    assert max(seconds) <= 35
    assert sum(count for _, count in claimed) in range(57, 61)


def test_a_gate_that_one_worker_closes_is_heard_by_all(database: Database, post: Post) -> None:
    _many(database, 3, "reply")
    other = Post(database)
    items = post.claim(limit=1)
    post.finish(items[0], Outcome(SendState.RETRY, "429", closes=7 * SECOND))
    assert post.row(items[0].id).due_at == NOW + 7 * SECOND
    assert other.claim(NOW + 6.9 * SECOND) == []
    (probe,) = other.claim(NOW + 7 * SECOND)
    assert probe.probe
    assert post.claim(NOW + 7 * SECOND) == []
    other.finish(probe, at=NOW + 7 * SECOND)
    assert len(post.claim(NOW + 8 * SECOND)) == 2


def test_a_closed_channel_kills_no_message(post: Post) -> None:
    number = post.queue("a")
    now = NOW
    for _ in range(3 * ATTEMPTS):
        (item,) = post.claim(now)
        post.finish(item, Outcome(SendState.RETRY, "down", closes=SECOND), now)
        now += SECOND
    assert post.row(number).state == SendState.RETRY


# -- outcomes -----------------------------------------------------------------------------------------------------


def test_it_is_tried_ever_later_and_then_no_more(post: Post) -> None:
    number, now = post.queue("a"), NOW
    pauses = []
    for _ in range(ATTEMPTS):
        (item,) = post.claim(now)
        post.finish(item, RETRY, now)
        pauses.append((post.row(number).due_at - now).total_seconds())
        now += timedelta(minutes=15)
    row = post.row(number)
    assert (row.state, row.attempts, row.error) == (SendState.DEAD, ATTEMPTS, "busy")
    for n, pause in enumerate(pauses[:-1]):
        assert 0.75 * 2 ** (n + 1) <= pause <= 1.25 * 2 ** (n + 1)


@pytest.mark.parametrize("seconds", [0, 17])
def test_the_platforms_own_word_on_when_to_try_again_holds(post: Post, seconds: int) -> None:
    number = post.queue("a")
    post.finish(post.claim()[0], Outcome(SendState.RETRY, pause=seconds * SECOND))
    assert post.row(number).due_at == NOW + seconds * SECOND


def test_an_unknown_outcome_is_tried_once_more_and_then_left_to_a_person(post: Post) -> None:
    number = post.queue("a")
    post.finish(post.claim()[0], UNKNOWN)
    assert post.row(number).state == SendState.RETRY
    later = NOW + 10 * SECOND
    post.finish(post.claim(later)[0], UNKNOWN, later)
    assert post.row(number).state == SendState.UNKNOWN
    assert post.claim(NOW + timedelta(hours=1)) == []


def test_a_legal_notice_of_unknown_outcome_is_not_sent_again(post: Post) -> None:
    number = post.queue("a", "notice")
    post.finish(post.claim()[0], UNKNOWN)
    assert post.row(number).state == SendState.UNKNOWN


def test_an_account_that_is_gone_blocks_all_its_messages_until_it_writes(database: Database, post: Post) -> None:
    for kind in ("reply", "notice"):
        post.queue("a", kind)
    post.finish(post.claim()[0], Outcome(SendState.BLOCKED, "403", unreachable="blocked"))
    post_blocked = post.contact("a")
    assert post_blocked.unreachable == "blocked"
    with database.unit() as session:
        outbox.new(session, session.get_one(Contact, post_blocked.id), {"text": "a"}, NOW, Envelope("notice"))
    assert post.claim() == []
    with database.unit() as session:
        session.get_one(Contact, post_blocked.id).unreachable = ""
        outbox.unblock(session, post_blocked.id, NOW + SECOND)
    sent = []
    for _ in range(3):
        (item,) = post.claim(NOW + SECOND)
        post.finish(item)
        sent.append(item.kind)
    assert sent == ["reply", "notice", "notice"]


@pytest.mark.parametrize("address", ["group", ""])
def test_a_group_that_moved_is_written_to_at_its_new_place(post: Post, address: str) -> None:
    post.queue("a", address=address)
    others = post.queue("b", address=address)
    items = {item.contact_id: item for item in post.claim()}
    first = items[post.contact("a").id]
    post.finish(first, Outcome(SendState.RETRY, moved_to="new", pause=timedelta(0)))
    again = next(item for item in post.claim(NOW) if item.id == first.id)
    assert again.to == "new"
    assert post.contact("b").address == ("new" if address else "")
    post.finish(again)
    if address:
        assert [(item.id, item.to) for item in post.claim()] == [(others, "new")]


def test_the_platforms_later_word_is_kept(database: Database, post: Post) -> None:
    number = post.queue("a")
    post.finish(post.claim()[0], Outcome(SendState.SENT, platform_id="p1"))
    with database.unit() as session:
        assert sending.reported(session, "x", "p1", SendState.BLOCKED, "failed:user block")
        assert not sending.reported(session, "x", "p2", SendState.SENT)
    assert post.row(number).state == SendState.BLOCKED


# -- workers that are lost, slow, or many -------------------------------------------------------------------------


def test_what_a_lost_worker_held_is_settled_when_its_lease_runs_out(post: Post) -> None:
    number = post.queue("a")
    post.claim()
    assert post.recover(NOW + LEASE) == 0
    assert post.recover(NOW + LEASE + SECOND) == 1
    row = post.row(number)
    assert (row.state, row.unknowns, row.error) == (SendState.RETRY, 1, sending.LOST)


def test_R7_a_worker_past_its_lease_writes_nothing(post: Post) -> None:
    number = post.queue("a")
    (zombie,) = post.claim()
    late = NOW + LEASE + SECOND
    post.recover(late)
    before = post.row(number)
    worst = Outcome(SendState.DEAD, "late", "p", closes=SECOND, unreachable="gone", moved_to="elsewhere")
    assert not post.finish(zombie, worst, late)
    after = post.row(number)
    assert (after.state, after.due_at, after.error) == (before.state, before.due_at, before.error)
    assert (post.contact("a").unreachable, post.contact("a").address) == ("", "")
    later = late + 10 * SECOND
    (other,) = post.claim(later)
    assert not post.finish(zombie, worst, later)
    with post.database.unit() as session:
        sending.release(session, [zombie], later)
    assert post.row(number).lease == other.lease
    assert post.finish(other, at=later)


def test_what_was_never_tried_is_given_back_as_it_was(post: Post) -> None:
    number = post.queue("a")
    with post.database.unit() as session:
        sending.release(session, sending.claim(session, "x", RATE, NOW, 1), NOW)
    row = post.row(number)
    assert (row.state, row.attempts, row.lease, row.lease_until) == (SendState.TODO, 0, "", None)
    assert _ids(post.claim()) == [number]


def test_what_is_no_longer_worth_sending_is_closed(database: Database, post: Post) -> None:
    old, held, fresh = (post.queue(who) for who in "abc")
    post.claim(limit=2)
    with database.unit() as session:
        session.get_one(OutboxRow, fresh).expires_at = NOW + timedelta(days=9)
        session.get_one(OutboxRow, old).state = SendState.BLOCKED
        assert sending.expire(session, NOW + timedelta(hours=48), 10) == 1
    assert [post.row(n).state for n in (old, held, fresh)] == [SendState.EXPIRED, SendState.SENDING, SendState.TODO]


def test_results_of_a_batch_are_told_one_by_one(database: Database, post: Post) -> None:
    for who in "abc":
        post.queue(who)
    one, two, three = post.claim()
    post.finish(two)
    with database.unit() as session:
        results = [(one, RETRY), (two, SENT), (three, SENT)]
        assert sending.finish_all(session, results, RATE, NOW) == [SendState.RETRY, None, SendState.SENT]


def test_workers_side_by_side_send_each_message_once(database: Database) -> None:
    workers, count = (1, 100) if database.is_sqlite else (4, 400)
    _many(database, count, "reply")
    start, sent, lock = threading.Barrier(workers), Counter[int](), threading.Lock()
    rate = Rate(1e6, 100_000)

    def work(_n: int) -> None:
        turns = turns_for(database, 2)
        start.wait()
        while items := turns.submit(lambda session: sending.claim(session, "x", rate, NOW, 16)).result():
            with lock:
                sent.update(_ids(items))
            results = [(item, SENT) for item in items]
            states = turns.submit(lambda session, r=results: sending.finish_all(session, r, rate, NOW)).result()
            assert set(states) == {SendState.SENT}
        turns.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    assert len(sent) == count
    assert set(sent.values()) == {1}


# -- speed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["claim", "recover", "expire", "oldest_due"])
def test_the_queue_is_read_by_its_indexes(database: Database, what: str) -> None:
    _many(database, 3000)
    with database.unit() as session:
        session.execute(text("UPDATE outbox SET state = 'sent' WHERE id % 50 <> 0"))
        session.execute(text("UPDATE outbox SET state = 'sending', lease_until = created_at WHERE id % 500 = 0"))
        session.execute(text("ANALYZE"))
    work = {
        "claim": lambda session: sending.claim(session, "x", RATE, NOW, 10),
        "recover": lambda session: sending.recover(session, NOW, 10),
        "expire": lambda session: sending.expire(session, NOW, 10),
        "oldest_due": lambda session: sending.oldest_due(session, ["x"]),
    }[what]
    index = {"recover": "ix_outbox_leased", "expire": "ix_outbox_expires"}.get(what, "ix_outbox_claim")
    said: list[tuple[str, object]] = []

    def hear(_connection, _cursor, statement, parameters, *_rest):
        said.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        with database.unit() as session:
            work(session)
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)
    reads = [(s, p) for s, p in said if s.startswith("SELECT") and "FROM outbox" in s]
    assert reads
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    for statement, parameters in reads[:1]:
        with database.engine.connect() as connection:
            plan = str(connection.exec_driver_sql(explain + statement, parameters).all())
        assert index in plan, plan
