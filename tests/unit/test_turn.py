"""One message is one transaction: whatever is sent, however often, from however many sides, and when the power goes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from bot.app import Service
from bot.turns import OverloadedError, SingleWriter, turns_for
from handlers.conversation.messages import Attachment, AttachmentKind, Numbered, Reply, Way
from handlers.conversation.paging import SCREEN_BYTES
from handlers.conversation.state import DialogueState
from handlers.outreach import push
from handlers.turn import MAX_TEXT, Reception, clean
from storage import contacts, outbox
from storage.consults import Consult
from storage.contacts import Contact
from storage.database import Database, Session
from storage.dialogues import Dialogue, InboxMessage
from storage.outbox import OutboxRow, SendState
from tests.support import NOW, said

ROOT = Path(__file__).parents[2]


def count(session: Session, column: object) -> int:
    return session.scalar(select(func.count(column))) or 0


def test_the_same_key_gets_the_same_replies_and_changes_nothing(database: Database, reception: Reception) -> None:
    def take(message: str) -> list[Numbered]:
        with database.unit() as session:
            return reception.turn(session, said(message, "k1"))

    first = take("人工")
    assert take("人工") == first
    assert take("菜单") == first
    with database.reading() as session:
        assert (count(session, Consult.id), count(session, InboxMessage.id)) == (1, 1)
        assert count(session, OutboxRow.id) == len(first)
        assert session.scalars(select(Dialogue)).one().turns == 1


def test_a_turn_that_fails_leaves_nothing(database: Database, reception: Reception) -> None:
    broken = replace(reception, desk=replace(reception.desk, menu=lambda _talk: 1 / 0))

    def fail() -> None:
        with database.unit() as session:
            broken.turn(session, said("菜单", "k1"))

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as session:
        assert count(session, InboxMessage.id) == count(session, Contact.id) == 0
    with database.unit() as session:
        assert reception.turn(session, said("菜单", "k1"))


def test_a_turn_that_fails_harms_none_of_its_group(database: Database, reception: Reception) -> None:
    turns = turns_for(database, 4)

    def bad(_session: Session) -> None:
        raise KeyError

    futures = [
        turns.submit(bad if n % 3 == 0 else lambda s, n=n: reception.turn(s, said("菜单", f"k{n}", who=f"p{n}")))
        for n in range(12)
    ]
    assert [isinstance(f.exception(), KeyError) for f in futures] == [n % 3 == 0 for n in range(12)]
    turns.close()
    with database.reading() as session:
        assert count(session, InboxMessage.id) == 8


def test_a_channel_that_is_asked_has_its_replies_delivered_others_wait(
    database: Database, reception: Reception
) -> None:
    inbound = said("菜单", "k1")
    with database.unit() as session:
        reception.turn(session, inbound)
        elsewhere = replace(inbound.contact, channel="wechat")
        reception.turn(session, replace(inbound, contact=elsewhere, way=Way.PUSH))
    with database.reading() as session:
        states = {row.state for row in session.scalars(select(OutboxRow))}
        assert states == {SendState.SENT, SendState.TODO}


def test_the_welcome_comes_once(database: Database, reception: Reception) -> None:
    with database.unit() as session:
        first = reception.welcome(session, said("", "open"))
        assert [len(line.reply.text.split("\n")) + len(line.reply.choices) for line in first] == [5]
        assert reception.welcome(session, said("", "open")) == []


def test_a_push_fits_a_screen_and_goes_once(database: Database) -> None:
    with database.unit() as session:
        who = contacts.get_or_create(session, "wechat", "a", NOW).id
        for _ in range(2):
            push(session, who, Reply("答复。" * 900), NOW, "consult-answer", "consult:1")
        rows = outbox.waiting(session, who)
        assert len(rows) == 1
        assert len(rows[0].payload["text"].encode()) <= SCREEN_BYTES
        assert rows[0].payload["more"]


def test_too_much_work_is_refused_not_kept(empty_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.turns.WAITING", 1)
    shutil.copy(empty_file, tmp_path / "x.db")
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    turns, gate, begun = SingleWriter(database), threading.Event(), threading.Event()

    def slow(_session: Session) -> None:
        begun.set()
        gate.wait(5)

    held = turns.submit(slow)
    begun.wait(5)
    waits = turns.submit(lambda _session: None)
    with pytest.raises(OverloadedError):
        turns.submit(lambda _session: None)
    gate.set()
    held.result(5)
    waits.result(5)
    turns.close()
    database.close()


# -- duplicates ---------------------------------------------------------------------------------------------------


@contextmanager
def fresh(empty_file: Path) -> Iterator[Database]:
    with TemporaryDirectory() as folder:
        shutil.copy(empty_file, Path(folder) / "x.db")
        database = Database(f"sqlite:///{Path(folder) / 'x.db'}")
        with database.engine.connect() as connection:
            connection.connection.dbapi_connection.execute("PRAGMA synchronous=OFF")
        yield database
        database.close()


WORDS = ["人工", "查秤", "2", "菜单", "1", "取消", "继续", "判定", "2斤排骨28一斤称得1斤8两", "返回"]
SENT = st.lists(st.tuples(st.sampled_from("甲乙丙"), st.sampled_from(WORDS)), min_size=1, max_size=8)


def test_however_often_messages_come_each_takes_effect_once(reception: Reception, empty_file: Path) -> None:
    @settings(max_examples=40)
    @given(sent=SENT, data=st.data())
    def holds(sent: list[tuple[str, str]], data: st.DataObject) -> None:
        messages = [(n, who, words) for n, (who, words) in enumerate(sent)]
        echoes = data.draw(st.lists(st.sampled_from(messages), max_size=12))
        # A repetition may come at any time after its first delivery, also between messages of other people.
        order = list(messages)
        for echo in echoes:
            order.insert(data.draw(st.integers(order.index(echo) + 1, len(order))), echo)
        with fresh(empty_file) as once, fresh(empty_file) as often:
            expected = {n: _texts(once, reception, n, who, words) for n, who, words in messages}
            first: dict[int, list[int]] = {}
            for n, who, words in order:
                lines = _take(often, reception, n, who, words)
                assert [line.reply.text for line in lines] == expected[n]
                assert first.setdefault(n, [line.id for line in lines]) == [line.id for line in lines]
            assert _effects(often) == _effects(once)

    holds()


def _take(database: Database, reception: Reception, n: int, who: str, words: str) -> list[Numbered]:
    with database.unit() as session:
        return reception.turn(session, said(words, f"k{n}", who))


def _texts(database: Database, reception: Reception, n: int, who: str, words: str) -> list[str]:
    return [line.reply.text for line in _take(database, reception, n, who, words)]


def _effects(database: Database) -> list[object]:
    with database.reading() as session:
        counts: list[object] = [count(session, c.id) for c in (Contact, InboxMessage, OutboxRow, Consult)]
        return [*counts, *session.scalars(select(Dialogue.turns).order_by(Dialogue.person_id))]


def test_one_key_from_many_sides_at_once(database: Database, reception: Reception) -> None:
    turns = turns_for(database, 8)
    gate = threading.Barrier(2)

    def deliver(key: str, who: str) -> list[Numbered]:
        gate.wait()
        return turns.submit(lambda session: reception.turn(session, said("人工", key, who))).result()

    with ThreadPoolExecutor(2) as pool:
        for n in range(15):
            # A new person each time: also the contact and the dialogue are made by both at once.
            one, other = pool.map(deliver, [f"k{n}"] * 2, [f"p{n}"] * 2)
            assert one == other
    turns.close()
    with database.reading() as session:
        rows = session.execute(
            select(InboxMessage.contact_id, InboxMessage.key, func.count()).group_by("contact_id", "key")
        )
        assert sorted(number for *_, number in rows) == [1] * 15
        assert count(session, Consult.id) == 15


def test_messages_of_one_person_side_by_side_are_all_answered(database: Database, reception: Reception) -> None:
    turns = turns_for(database, 8)
    futures = [
        turns.submit(lambda s, n=n: reception.turn(s, said(WORDS[n % len(WORDS)], f"k{n}", "one"))) for n in range(30)
    ]
    assert all(future.result() for future in futures)
    turns.close()
    with database.reading() as session:
        assert session.scalars(select(Dialogue)).one().turns == 30


# -- whatever people send -----------------------------------------------------------------------------------------

NASTY = st.text(st.characters(exclude_categories=[]), max_size=60) | st.text(
    st.sampled_from("秤斤两元升多少检定一二12.，？\x00\ud83d\ude00\u202e\u200b😀🇨🇳\n "), max_size=60
)


def test_no_text_breaks_a_turn(reception: Reception, empty_file: Path) -> None:
    @settings(max_examples=120)
    @given(messages=st.lists(NASTY | st.sampled_from(WORDS), min_size=1, max_size=5))
    @example(messages=["\x00", "\ud83d", "😀" * 10_000, "秤" * 10_000, "1" * 10_000, "2斤" * 5_000])
    @example(
        messages=["判定", "\x00", "\ud83d半个", "\u202e反过来", "斤" * 10_000, "9" * 400 + "斤", "-0.0000000001斤"]
    )
    @example(messages=["查秤", "1", "9" * 500 + " " + "9" * 500 + " 1", "1e999公斤的秤 放菜1 加手机2 手机3", "0 0 0"])
    @example(messages=["人工", "\x00\ud800" * 3000, "人工", "🫠", "菜单", "   ", ""])
    def holds(messages: list[str]) -> None:
        with fresh(empty_file) as database:
            for n, message in enumerate(messages):
                with database.unit() as session:
                    lines = reception.turn(session, said(message, f"k{n}"))
                    state = session.scalars(select(Dialogue)).one().state
                assert lines
                assert all(line.reply.text.strip() for line in lines)
                assert json.loads(json.dumps(DialogueState.from_json(state).to_json())) == state

    holds()


def test_both_databases_hold_what_people_send(database: Database, reception: Reception) -> None:
    for n, message in enumerate(["\x00零", "\ud83d半个", "😀" * 3000, "𠮷野家", "\u202e反", "人工", "\x00\ud800问题"]):
        with database.unit() as session:
            assert reception.turn(session, said(message, f"k{n}"))
    with database.reading() as session:
        kept = [row.body["text"] for row in session.scalars(select(InboxMessage).order_by(InboxMessage.id))]
        assert kept[0] == "零"
        assert len(kept[2]) == MAX_TEXT
        assert kept[3] == "𠮷野家"


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_clean_text_can_be_kept(dirty: str) -> None:
    kept = clean(dirty)
    assert "\x00" not in kept
    assert kept.encode().decode() == kept
    assert clean(kept) == kept
    assert clean(dirty * 50) == clean((dirty * 50)[:MAX_TEXT])


def test_attachments_of_every_kind_are_answered(service: Service) -> None:
    files = (Attachment(AttachmentKind.FILE, "b" * 64, "application/pdf", 9, "证书.pdf"),) * 12
    assert service.talk(replace(said("", "1"), attachments=files))[0].reply.text.startswith("收到 9 个文件")
    assert service.talk(replace(said("这是什么", "2"), attachments=files[:1]))


@pytest.mark.parametrize("field", ["text", "choice"])
def test_a_message_without_anything_is_answered(service: Service, field: str) -> None:
    assert service.talk(replace(said("", "1"), **{field: ""}))


# -- the power goes -----------------------------------------------------------------------------------------------


class Nursery:
    """A process that starts others to be killed, so that Python itself starts only once."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.acknowledged: dict[str, list[int]] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash_child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live_and_die(self, name: str, again: list[str], after: float, *, early: bool) -> None:
        """``after`` seconds from the first acknowledgement, or from the start when ``early``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        file = self.database.with_suffix(f".{name}")
        order = {"database": str(self.database), "name": name, "again": again, "file": str(file)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        limit = time.monotonic() + 20
        while not (file.exists() and (early or file.stat().st_size)) and time.monotonic() < limit:
            time.sleep(0.002)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        assert self._process.stdout.readline() == "gone\n"
        for line in file.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                key, ids = json.loads(line)
                assert self.acknowledged.setdefault(key, ids) == ids, f"{key} answered twice, differently"

    def close(self) -> None:
        self._process.communicate()


def test_kill_minus_nine_loses_nothing_that_was_acknowledged(tmp_path: Path, empty_file: Path) -> None:
    chance = random.Random(20261124)  # noqa: S311 - the same moments every run
    path = tmp_path / "x.db"
    shutil.copy(empty_file, path)
    nursery = Nursery(path)
    for n in range(20):
        again = chance.sample(sorted(nursery.acknowledged), min(5, len(nursery.acknowledged)))
        nursery.live_and_die(str(n), again, chance.uniform(0.0, 0.12), early=n % 4 == 0)
    nursery.close()
    assert len(nursery.acknowledged) > 10  # fewer lives long enough on a busy machine
    database = Database(f"sqlite:///{path}")
    with database.reading() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        rows = list(session.scalars(select(InboxMessage)))
        replies = set(session.scalars(select(OutboxRow.id)))
        turns = sum(session.scalars(select(Dialogue.turns)))
    database.close()
    kept = {row.key: row.reply_ids for row in rows}
    assert len(kept) == len(rows) == turns
    assert {key: kept.get(key) for key in nursery.acknowledged} == nursery.acknowledged
    used = [number for ids in kept.values() for number in ids]
    assert len(used) == len(set(used))
    assert set(used) == replies
    assert all(kept.values())
