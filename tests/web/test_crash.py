"""kill -9 of the whole bot at each named point of taking in, answering, sending and fetching; then the books are read.

Both platforms are real servers that live on while the bot dies: what they were not acknowledged they deliver again.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from storage import evidence
from storage.contacts import Contact
from storage.database import Database
from storage.dialogues import Dialogue, InboxMessage
from storage.failpoints import NAMES
from storage.media import MediaFile, MediaState
from storage.outbox import OutboxRow, SendState
from storage.platform import AlbumPart, PlatformToken
from tests import telegram, wechat
from tests.fakes.telegram import FakeTelegram, Json, Retries
from tests.fakes.wechat import FakeWechat, Message
from tests.processes import ROOT, free_port
from tests.support import picture

KILLS = 20
ELSEWHERE = ("remind.", "task.", "case.", "deadline.", "pledge.")
"""Points of work without a platform: unit/test_reminder_crash.py, test_task_crash.py and test_filing_crash.py die there."""
OWN = {name for name in NAMES if not name.startswith(ELSEWHERE)}
READY_SECONDS = 5.0
PEOPLE = 9
SAID = ("菜单", "强检收费吗", "人工", "电子秤多久检一次", "取消", "查秤", "2", "取消")


class Nursery:
    """The process that forks servers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def start(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait_gone(self) -> None:
        assert self._line() == "gone"

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()


@dataclass
class World:
    """The platforms, the bot's data, and what the platforms know to be acknowledged."""

    folder: Path
    nursery: Nursery
    wechat: FakeWechat
    telegram: FakeTelegram
    port: int = field(default_factory=free_port)
    acked: Counter[str] = field(default_factory=Counter)
    owed: list[Message | Json] = field(default_factory=list)
    number: int = 0
    slowest: float = 0.0

    def __post_init__(self) -> None:
        self.platform = wechat.platform(f"http://127.0.0.1:{self.port}", self.wechat, patience=3.0)
        self.telegram.deliver_to(f"http://127.0.0.1:{self.port}/telegram", telegram.SECRET)
        self.database = Database(f"sqlite:///{self.folder / 'honestscale.db'}")

    def start(self, failpoint: str = "") -> int:
        given = wechat.account(self.folder, self.wechat.url).model_dump(mode="json", include=WECHAT_SETTINGS)
        given |= {
            "data_dir": str(self.folder),
            "wechat_app_secret": wechat.SECRET,
            "wechat_token": wechat.TOKEN,
            "wechat_aes_key": wechat.AES_KEY,
            "telegram_mode": "webhook",
            "telegram_token": telegram.BOT_TOKEN,
            "telegram_api_base": self.telegram.url,
            "telegram_webhook_secret": telegram.SECRET,
            "telegram_assessment_ref": "评估〔2026〕1号",
        }
        log = str(self.folder / "server.log")
        begun = time.monotonic()
        pid = self.nursery.start({"settings": given, "port": self.port, "failpoint": failpoint, "log": log})
        while not self._answers():
            took = time.monotonic() - begun
            assert took < READY_SECONDS, (self.folder / "server.log").read_text()[-3000:]
            time.sleep(0.01)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        return pid

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            return False
        return True

    # -- what people do ---------------------------------------------------------------------------------------

    def next_wechat(self, *, file: bool) -> Message:
        self.number += 1
        who = f"oUser-{self.number % PEOPLE:04d}"
        if file:
            return self.platform.image(who, self.wechat.add_media(picture(), "image/png"))
        return self.platform.text(who, SAID[self.number % len(SAID)])

    def next_telegram(self, *, file: bool) -> list[Json]:
        self.number += 1
        person = self.telegram.person(7000 + self.number % PEOPLE, started=True)
        if file:
            return person.album([picture(), picture()])
        return [person.text(SAID[self.number % len(SAID)])]

    def deliver(self, one: Message | Json) -> bool:
        """Once, as the platform does in all its tries; what is not acknowledged is owed."""
        if isinstance(one, Message):
            ok = not self.platform.send(one).fault
            name = f"m:{one.msg_id}"
        else:
            ok = self.telegram.deliver(one) == 200
            name = f"{'a' if 'media_group_id' in one.get('message', {}) else 'u'}:{one['update_id']}"
        if ok:
            self.acked[name] += 1
        elif one not in self.owed:
            self.owed.append(one)
        return ok

    def pay(self) -> None:
        """Everything owed is delivered again, in its order."""
        owed, self.owed = self.owed, []
        for one in owed:
            self.deliver(one)


WECHAT_SETTINGS = {"wechat_app_id", "wechat_api_base", "wechat_abilities", "database_url"}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def world(tmp_path: Path, nursery: Nursery) -> Iterator[World]:
    retries = Retries(attempts=1, first_delay=0.01, longest_delay=0.01, timeout=5.0)
    with wechat.fake() as on_wechat, FakeTelegram(enforce_flood=False, retries=retries) as on_telegram:
        made = World(tmp_path, nursery, on_wechat, on_telegram)
        yield made
        made.database.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("point", sorted(OWN))
def test_R3_kill_at_every_point(world: World, point: str) -> None:
    rng = random.Random(point)  # noqa: S311 - a seed, so that a failure comes again
    for _ in range(KILLS):
        # What happens once in a process's life is killed the first time; the rest also in the middle of things.
        count = 1 if point.startswith(("token.", "album.", "media.")) else rng.randint(1, 3)
        pid = world.start(f"{point}:{count}")
        world.pay()
        drive_until_dead(world, pid, point)
        world.nursery.wait_gone()
        if point.startswith("token."):
            forget_token(world)
    pid = world.start()
    world.pay()
    settle(world)
    os.kill(pid, signal.SIGTERM)
    world.nursery.wait_gone()
    audit(world)
    assert world.slowest < READY_SECONDS


def drive_until_dead(world: World, pid: int, point: str) -> None:
    until = time.monotonic() + 10.0
    while alive(pid):
        assert time.monotonic() < until, f"{point} was not reached"
        file = point.startswith(("media.", "album.", "token."))
        if point.startswith(("delivery.", "album.")):
            for update in world.next_telegram(file=file):
                world.deliver(update)
        else:
            world.deliver(world.next_wechat(file=file))
        if file or point.startswith("delivery.") or point == "answer.noted":
            time.sleep(0.1)


def forget_token(world: World) -> None:
    """As if it had run out, so that the next process asks for one."""
    with world.database.unit() as session:
        for row in session.scalars(select(PlatformToken)):
            session.delete(row)


def rows(world: World, table: Any) -> list[Any]:
    with world.database.reading() as session:
        return list(session.scalars(select(table)))


def settle(world: World) -> None:
    """Until nothing is left to do: nothing open or under way, no album lying about, no file to fetch."""
    until = time.monotonic() + 40.0
    busy = (SendState.TODO, SendState.SENDING, SendState.RETRY)
    while True:
        left = [row for row in rows(world, OutboxRow) if row.state in busy]
        left += rows(world, AlbumPart) + [f for f in rows(world, MediaFile) if f.state == MediaState.TODO]
        if not left and not world.owed:
            return
        assert time.monotonic() < until, [(type(r).__name__, r.id) for r in left] + world.owed
        world.pay()
        time.sleep(0.2)


def audit(world: World) -> None:
    messages, sent = rows(world, InboxMessage), rows(world, OutboxRow)
    # Nothing acknowledged is lost, nothing happened twice.
    keys = Counter(m.key for m in messages if not m.key.startswith("album:"))
    assert max(keys.values(), default=1) == 1
    assert world.acked
    assert {k for k in world.acked if k[0] in "mu"} <= set(keys)
    with world.database.reading() as session:
        people = {c.id: c.person_id for c in session.scalars(select(Contact))}
        turns = {d.person_id: d.turns for d in session.scalars(select(Dialogue))}
    counted = Counter(people[m.contact_id] for m in messages)
    assert turns == dict(counted)
    # Every reply belongs to a message.
    replies = {row.id for row in sent if row.kind == "reply"}
    assert replies == {n for m in messages for n in m.reply_ids}
    # What was to be sent was: once, or twice when a crash left its outcome unknown.
    to_telegram = [row for row in sent if row.channel == "telegram"]
    assert {row.state for row in to_telegram} <= {SendState.SENT, SendState.UNKNOWN}
    arrived = sum(len(chat) + sum(len(m.edits) for m in chat) for chat in world.telegram.messages.values())
    unknowns = sum(row.unknowns for row in to_telegram)
    final = sum(row.state == SendState.UNKNOWN for row in to_telegram)
    assert len(to_telegram) - final <= arrived <= len(to_telegram) + unknowns
    # Every file is there, whole.
    for file in rows(world, MediaFile):
        assert file.state == MediaState.KEPT
        data = evidence.path_of(world.folder / "evidence", file.sha256).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file.sha256
