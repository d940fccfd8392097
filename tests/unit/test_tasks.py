"""Slow work: done once, told once, whatever happens in between."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import tasks as worker
from bot.media import pause
from bot.tasks import GAVE_UP, Kind, TaskWorker
from bot.turns import Turns, turns_for
from handlers.conversation.messages import Reply
from handlers.outreach import push
from storage import contacts, evidence, media, tasks
from storage.database import Database, Session
from storage.media import MediaFile, MediaState
from storage.outbox import OutboxRow
from storage.tasks import LEASE, MOST_TRIES, Claimed, Task, TaskState
from tests.support import NOW


class BadFileError(ValueError):
    """What a reader says of a file it cannot read."""


class Room:
    """Tasks, the files they are about, and what came of them; ``slow`` may be given another way to work."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.turns: Turns = turns_for(database, 4)
        self.now = NOW
        self.read: list[str] = []
        self.woken = 0
        self.slow: Callable[[str], str] = lambda text: text
        self.more: dict[str, Kind] = {}

    def ask(self, *texts: str, kind: str = "read", file: str = "") -> list[int]:
        with self.database.unit() as session:
            who = contacts.get_or_create(session, "wechat", "a", NOW)
            return [
                tasks.ask(session, kind, who.id, {"file": file or evidence.keep(self.folder, text.encode())}, self.now)
                for text in texts
            ]

    def worker(self) -> TaskWorker:
        kind = Kind(self._read, failed=self.say, done=self.say, refusals=(BadFileError,))
        return TaskWorker(self.turns, {"read": kind, **self.more}, self.folder, self._due, lambda: self.now, self._wake)

    def _due(self) -> bool:
        with self.database.reading() as session:
            return tasks.any_due(session, self.now)

    def work(self) -> int:
        """Everything that is due."""
        working, done = self.worker(), 0
        while working.one():
            done += 1
        return done

    def _read(self, _claimed: Claimed, data: bytes) -> str:
        self.read.append(data.decode())
        return self.slow(data.decode())

    def say(self, session: Session, claimed: Claimed, text: str, now: datetime) -> None:
        push(session, claimed.contact_id, Reply(text), now, "media", f"task:{claimed.id}")

    def _wake(self) -> None:
        self.woken += 1

    @property
    def told(self) -> list[str]:
        with self.database.reading() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id))
            return [Reply.from_json(row.payload).text for row in rows]

    @property
    def rows(self) -> list[Task]:
        with self.database.reading() as session:
            return list(session.scalars(select(Task).order_by(Task.id)))

    @property
    def states(self) -> list[str]:
        return [row.state for row in self.rows]


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Iterator[Room]:
    room = Room(database, tmp_path / "evidence")
    yield room
    room.turns.close()


def test_a_file_is_read_and_its_sender_told(room: Room) -> None:
    room.ask("台账", "证书")
    assert room.work() == 2
    assert room.told == ["台账", "证书"]
    assert room.states == [TaskState.DONE] * 2
    assert room.woken == 2
    assert room.work() == 0


def test_what_a_service_keeps_of_it_stays(room: Room) -> None:
    def done(session: Session, claimed: Claimed, made: Any, now: datetime) -> None:
        tasks.finish(session, claimed, {"read": made, "at": now.isoformat()})

    room.more["keep"] = Kind(lambda _claimed, data: len(data), failed=room.say, done=done)
    room.ask("abc", kind="keep")
    room.work()
    assert [row.result for row in room.rows] == [{"read": 3, "at": NOW.isoformat()}]


def test_a_file_that_cannot_be_read_is_refused_in_the_readers_words(room: Room) -> None:
    def refuse(_text: str) -> str:
        raise BadFileError("这个表格加了密码，请去掉密码再发。")

    room.slow = refuse
    room.ask("x")
    assert room.work() == 1
    assert room.told == ["这个表格加了密码，请去掉密码再发。"]
    assert room.states == [TaskState.FAILED]


def test_trouble_is_tried_again_later_and_in_the_end_told(room: Room) -> None:
    def trouble(text: str) -> str:
        return str(int(text))  # a ValueError, but not one that is written for people

    room.slow = trouble
    room.ask("x")
    for tries in range(1, MOST_TRIES):
        assert room.work() == 1
        assert room.told == []
        assert room.rows[0].due_at == room.now + pause(tries)
        room.now += pause(tries)
    room.work()
    assert (room.told, room.states) == ([GAVE_UP], [TaskState.FAILED])
    assert len(room.read) == MOST_TRIES


def test_a_file_that_is_gone_from_the_disk_is_no_reason_to_stop(room: Room) -> None:
    room.ask("", file="0" * 64)
    room.ask("证书")
    assert room.work() == 2
    assert room.told == ["证书"]
    assert room.states == [TaskState.TODO, TaskState.DONE]


def _fetch(room: Room, state: MediaState) -> str:
    """A file that a platform has; the name by which the conversation knows it."""
    digest = evidence.keep(room.folder, "照片".encode())
    with room.database.unit() as session:
        who = contacts.get_or_create(session, "wechat", "a", NOW)
        name = media.want(session, who, "ref", "image", "", NOW)
        row = session.get_one(MediaFile, int(name.removeprefix(media.PREFIX)))
        row.state, row.sha256 = state, digest if state == MediaState.KEPT else ""
    return name


def test_a_file_that_is_still_being_fetched_is_waited_for(room: Room) -> None:
    name = _fetch(room, MediaState.TODO)
    room.ask("", file=name)
    for _ in range(MOST_TRIES + 2):
        assert room.work() == 0
        room.now += worker.STILL_COMING
    with room.database.unit() as session:
        row = session.get_one(MediaFile, int(name.removeprefix(media.PREFIX)))
        row.state, row.sha256 = MediaState.KEPT, evidence.keep(room.folder, "照片".encode())
    assert room.work() == 1
    assert room.told == ["照片"]
    assert room.rows[0].tries == 1


def test_what_waits_holds_up_nobody(room: Room) -> None:
    room.ask("", file=_fetch(room, MediaState.TODO))
    room.ask("台账")
    assert room.work() == 1
    assert room.told == ["台账"]


def test_nothing_more_is_said_of_a_file_that_could_not_be_fetched(room: Room) -> None:
    room.ask("", file=_fetch(room, MediaState.FAILED))
    assert room.work() == 0
    assert (room.told, room.states) == ([], [TaskState.FAILED])


def test_another_versions_kind_is_left_to_it(room: Room) -> None:
    room.ask("x", kind="of-tomorrow")
    room.ask("台账")
    assert room.work() == 1
    (other, _) = room.rows
    assert (other.state, other.tries, other.due_at) == (TaskState.TODO, 0, NOW + worker.UNKNOWN_KIND)


# -- many steps ---------------------------------------------------------------------------------------------------


def _stepwise(room: Room, fails_at: list[int]) -> list[int]:
    """Three steps, each of which tells something; the steps that were begun."""
    begun: list[int] = []

    def step(session: Session, claimed: Claimed, made: Any, number: int, now: datetime) -> int | None:
        begun.append(number)
        push(session, claimed.contact_id, Reply(f"{made}{number}"), now, "media", f"{claimed.id}:{number}")
        if fails_at and fails_at[0] == number:
            fails_at.pop()
            raise RuntimeError("no luck")
        return number + 1 if number < 2 else None

    room.more["steps"] = Kind(lambda _claimed, data: data.decode(), failed=room.say, steps=step)
    return begun


def test_steps_are_transactions_of_their_own(room: Room) -> None:
    begun = _stepwise(room, [])
    room.ask("行", kind="steps")
    assert room.work() == 1
    assert begun == [0, 1, 2]
    assert (room.told, room.states) == (["行0", "行1", "行2"], [TaskState.DONE])


def test_after_a_failed_step_all_is_done_again_and_nothing_twice(room: Room) -> None:
    begun = _stepwise(room, [1])
    room.ask("行", kind="steps")
    room.work()
    assert (room.told, room.states) == (["行0"], [TaskState.TODO])
    room.now += pause(1)
    room.work()
    assert begun == [0, 1, 0, 1, 2]
    assert (room.told, room.states) == (["行0", "行1", "行2"], [TaskState.DONE])


# -- several workers ----------------------------------------------------------------------------------------------


def test_a_worker_that_is_too_late_tells_nothing(room: Room) -> None:
    (number,) = room.ask("台账")

    def overtaken(text: str) -> str:
        room.slow = lambda text: f"{text}，另一个进程读的"
        room.now += LEASE + timedelta(seconds=1)
        assert room.work() == 1  # the other process, while this one still reads
        return text

    room.slow = overtaken
    assert room.work() == 1
    assert room.told == ["台账，另一个进程读的"]
    assert (room.states, room.rows[0].id) == ([TaskState.DONE], number)


def test_two_workers_share_the_work(room: Room) -> None:
    room.ask(*(f"{n}号" for n in range(24)))

    async def run() -> None:
        both = [room.worker(), room.worker()]
        await asyncio.gather(*(one.start() for one in both))
        limit = time.monotonic() + 8
        while TaskState.TODO in room.states:
            assert time.monotonic() < limit, "they did not come to an end"
            await asyncio.sleep(0.02)
        await asyncio.gather(*(one.stop() for one in both))

    asyncio.run(run())
    assert sorted(room.told) == sorted(f"{n}号" for n in range(24))
    assert len(room.read) == 24


def test_work_that_the_end_of_the_process_broke_off_is_not_blamed_on_the_file(room: Room) -> None:
    reading, ended = threading.Event(), threading.Event()

    def broken_off(_text: str) -> str:
        reading.set()
        ended.wait(5)
        raise BadFileError("这个文件读不下来。")

    room.slow = broken_off
    room.ask("x")

    async def run() -> None:
        working = room.worker()
        await working.start()
        await asyncio.to_thread(reading.wait, 5)
        stopping = asyncio.create_task(working.stop())
        await asyncio.sleep(0.05)
        ended.set()
        await stopping

    asyncio.run(run())
    assert (room.told, room.states, room.rows[0].tries) == ([], [TaskState.TODO], 0)
    room.slow = lambda text: text
    room.work()
    assert room.told == ["x"]


def test_a_worker_outlives_a_database_that_is_away(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TROUBLE_SECONDS", 0.01)
    claim, fails = tasks.claim, [RuntimeError("away"), RuntimeError("still away")]

    def claiming(session: Session, now: datetime) -> list[Claimed]:
        if fails:
            raise fails.pop()
        return claim(session, now)

    monkeypatch.setattr(tasks, "claim", claiming)
    room.ask("台账")

    async def run() -> None:
        working = room.worker()
        await working.start()
        limit = time.monotonic() + 5
        while not room.told:
            assert time.monotonic() < limit
            await asyncio.sleep(0.01)
        await working.stop()

    asyncio.run(run())
    assert fails == []
