"""Delivery against platforms that answer, stall, fail and come back, on both databases."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot import delivery
from bot.delivery import HELD, IN_FLIGHT, Breaker, Delivery, utc_now
from bot.turns import turns_for
from storage import contacts, gates, outbox, sending
from storage.database import Database
from storage.gates import Rate
from storage.outbox import OutboxRow, SendState
from storage.sending import LEASE, Item, Outcome
from tests.support import NOW

SENT = Outcome(SendState.SENT)
DOWN = Outcome(SendState.RETRY, "503")
FAST = Rate(1000, 1000)
CANARY = "123456:AAcanaryCANARYcanary"


class Platform:
    """Answers each message with what ``answer`` says, and remembers what came when."""

    def __init__(self, answer: Callable[[Item], Awaitable[Outcome]], channel: str = "x", rate: Rate = FAST) -> None:
        self.channel = channel
        self.rate = rate
        self.came: list[tuple[float, str]] = []
        self.under_way = self.most = 0
        self._answer = answer

    async def send(self, item: Item) -> Outcome:
        self.came.append((time.monotonic(), item.payload["text"]))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._answer(item)
        finally:
            self.under_way -= 1

    @property
    def texts(self) -> list[str]:
        return [words for _, words in self.came]


async def fine(_item: Item) -> Outcome:
    return SENT


async def slow(_item: Item) -> Outcome:
    await asyncio.sleep(0.05)
    return SENT


def _queue(
    database: Database, count: int = 1, channel: str = "x", who: str | None = None, now: datetime | None = None
) -> None:
    now = now or utc_now()
    with database.unit() as session:
        for n in range(count):
            contact = contacts.get_or_create(session, channel, who or f"p{n}", now)
            outbox.new(session, contact, {"text": f"{n}"}, now)


def _states(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return dict(session.execute(select(OutboxRow.state, func.count()).group_by(OutboxRow.state)).all())


@asynccontextmanager
async def _working(
    database: Database, *platforms: Platform, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Delivery]:
    turns = turns_for(database, 4)
    work = Delivery(turns, platforms, clock, listen_to=database)
    await work.start()
    try:
        yield work
    finally:
        await work.stop()
        await asyncio.to_thread(turns.close)


async def _until(holds: Callable[[], bool], seconds: float = 8.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it did not come about"
        await asyncio.sleep(0.005)


def test_everything_is_sent_once_and_counted(database: Database) -> None:
    _queue(database, 200)
    _queue(database, 50, "y")
    one, other = Platform(fine), Platform(fine, "y")

    async def run() -> Delivery:
        async with _working(database, one, other) as work:
            await _until(lambda: work.stats.total() == 250)
            return work

    work = asyncio.run(run())
    assert work.stats == {("x", "sent"): 200, ("y", "sent"): 50}
    assert sorted(one.texts, key=int) == [str(n) for n in range(200)]
    assert _states(database) == {SendState.SENT: 250}


def test_few_calls_are_under_way_and_few_messages_held(database: Database) -> None:
    _queue(database, 100)
    platform = Platform(slow)
    held = []

    async def run() -> None:
        async with _working(database, platform) as work:
            while work.stats["x", "sent"] < 100:
                held.append(_states(database).get(SendState.SENDING, 0))
                await asyncio.sleep(0.01)

    asyncio.run(run())
    assert platform.most == IN_FLIGHT
    assert IN_FLIGHT < max(held) <= HELD


def test_one_chat_is_written_to_in_order(database: Database) -> None:
    _queue(database, 12, who="one")
    platform = Platform(fine)

    async def run() -> None:
        async with _working(database, platform) as work:
            await _until(lambda: work.stats["x", "sent"] == 12)

    asyncio.run(run())
    assert platform.texts == [str(n) for n in range(12)]
    assert platform.most == 1
    assert platform.came[-1][0] - platform.came[0][0] < 12 * delivery.POLL_SECONDS / 4, "each result wakes the next"


def test_the_pause_between_messages_to_a_chat_is_kept_and_not_much_longer(database: Database) -> None:
    _queue(database, 4, who="one")
    platform = Platform(fine, rate=Rate(1000, 1000, per_chat=timedelta(seconds=0.2)))

    async def run() -> None:
        async with _working(database, platform) as work:
            await _until(lambda: work.stats["x", "sent"] == 4)

    asyncio.run(run())
    times = [at for at, _ in platform.came]
    assert all(0.19 < later - at < 0.45 for at, later in pairwise(times))


def test_the_rate_holds_over_two_workers(database: Database) -> None:
    _queue(database, 60)
    rate = Rate(50, 5)
    one, other = Platform(fine, rate=rate), Platform(fine, rate=rate)

    async def run() -> None:
        async with _working(database, one) as work, _working(database, other) as more:
            await _until(lambda: (work.stats + more.stats)["x", "sent"] == 60)

    asyncio.run(run())
    times = sorted(at for at, _ in one.came + other.came)
    assert max(sum(start <= at < start + 1 for at in times) for start in times) <= 60
    assert 0.95 < times[-1] - times[0] < 2.2


def test_a_new_message_goes_at_once_when_woken_and_soon_when_not(database: Database) -> None:
    platform = Platform(fine)

    async def run() -> None:
        async with _working(database, platform) as work:
            await asyncio.sleep(0.1)
            for wake in (True, False):
                begun, before = time.monotonic(), len(platform.came)
                await asyncio.to_thread(_queue, database)
                if wake:
                    await asyncio.to_thread(work.wake)
                await _until(lambda before=before: len(platform.came) > before)
                waited = platform.came[-1][0] - begun
                assert waited < (0.4 if wake else 1.5)

    asyncio.run(run())


def test_waking_before_the_start_and_after_the_end_does_no_harm(database: Database) -> None:
    work = Delivery(turns_for(database, 1), [Platform(fine)])
    work.wake()

    async def run() -> None:
        await work.start()
        await work.stop()

    asyncio.run(run())
    work.wake()
    work._turns.close()  # noqa: SLF001 - made here, and nobody else has it


# -- failures -----------------------------------------------------------------------------------------------------


def test_an_error_nobody_foresaw_is_tried_again_and_not_told(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_item: Item) -> Outcome:
        raise ValueError(f"https://api.telegram.org/bot{CANARY}/sendMessage")

    _queue(database)

    async def run() -> None:
        async with _working(database, Platform(broken)) as work:
            await _until(lambda: work.stats["x", "retried"] == 1)

    with caplog.at_level(logging.DEBUG, "bot"):
        asyncio.run(run())
    with database.reading() as session:
        row = session.scalars(select(OutboxRow)).one()
    assert (row.state, row.error) == (SendState.RETRY, "ValueError")
    assert "ValueError at" in caplog.text
    assert CANARY not in caplog.text


def test_a_platform_that_keeps_silent_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CALL_SECONDS", 0.1)

    async def silent(_item: Item) -> Outcome:
        await asyncio.sleep(60)
        return SENT

    _queue(database)

    async def run() -> None:
        async with _working(database, Platform(silent)) as work:
            await _until(lambda: work.stats["x", "retried"] == 1)

    asyncio.run(run())
    with database.reading() as session:
        row = session.scalars(select(OutboxRow)).one()
    assert (row.unknowns, row.error) == (1, "no answer in time")


def test_R11_a_platform_that_is_down_is_left_alone_and_probed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_CLOSING", timedelta(seconds=0.4))
    up = False

    async def answer(_item: Item) -> Outcome:
        return SENT if up else DOWN

    _queue(database, 60)
    _queue(database, 20, "y")
    down, other = Platform(answer), Platform(fine, "y")
    counts = []

    async def run() -> None:
        nonlocal up
        async with _working(database, down, other) as work, _working(database, Platform(answer)) as second:
            await _until(lambda: gates_closed(database))
            await asyncio.sleep(0.2)
            counts.append(len(down.came))
            await asyncio.sleep(1.0)
            counts.append(len(down.came))
            assert work.stats["y", "sent"] == 20
            up = True
            await _until(lambda: (work.stats + second.stats)["x", "sent"] == 60, 15)

    asyncio.run(run())
    assert counts[0] <= HELD
    assert counts[1] - counts[0] <= 3, "one probe at a time"
    assert _states(database) == {SendState.SENT: 80}


def gates_closed(database: Database) -> bool:
    with database.reading() as session:
        return gates.closed_until(session, "x") is not None


def _item(*, probe: bool = False) -> Item:
    return Item(1, "l", "x", 1, "p", "reply", {}, "", "", 1, NOW, probe)


def test_R11_the_fifth_failure_in_a_row_closes_and_each_failed_probe_closes_for_longer() -> None:
    breaker = Breaker()
    assert [breaker.judge(_item(), DOWN).closes for _ in range(4)] == [None] * 4
    assert breaker.judge(_item(), SENT) == SENT
    closings = [breaker.judge(_item(), DOWN).closes for _ in range(6)]
    assert closings == [None] * 4 + [timedelta(seconds=5), timedelta(seconds=10)]
    probes = [breaker.judge(_item(probe=True), DOWN).closes for _ in range(5)]
    assert [p.total_seconds() for p in probes if p] == [10, 20, 40, 60, 60]
    breaker.judge(_item(probe=True), SENT)
    assert breaker.judge(_item(probe=True), DOWN).closes == timedelta(seconds=5)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(SendState.RETRY, "429", closes=timedelta(seconds=3)),
        Outcome(SendState.RETRY, pause=timedelta(seconds=3)),
        Outcome(SendState.BLOCKED),
        Outcome(SendState.DEAD),
    ],
)
def test_what_the_platform_itself_decided_is_no_sign_of_its_absence(outcome: Outcome) -> None:
    breaker = Breaker()
    assert [breaker.judge(_item(), outcome) for _ in range(9)] == [outcome] * 9


def test_a_message_that_always_breaks_the_sender_does_not_hold_up_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_CLOSING", timedelta(seconds=0.02))
    monkeypatch.setattr(sending, "FIRST_PAUSE", timedelta(seconds=0.01))

    async def breaks(item: Item) -> Outcome:
        return SENT if item.payload["text"] != "0" else {}["no such key"]

    _queue(database, 1)

    async def run() -> None:
        async with _working(database, Platform(breaks)) as work:
            await _until(lambda: work.stats["x", "dead"] == 1)
            await asyncio.to_thread(_queue, database, 5)
            await _until(lambda: work.stats["x", "sent"] == 4)

    asyncio.run(run())
    assert _states(database)[SendState.DEAD] == 1


# -- stopping, dying, waking up -----------------------------------------------------------------------------------


def test_R21_a_graceful_stop_ends_what_is_under_way_and_gives_the_rest_back(database: Database) -> None:
    _queue(database, 100)
    platform = Platform(slow)

    async def run() -> None:
        async with _working(database, platform):
            await _until(lambda: len(platform.came) >= 20)

    asyncio.run(run())
    states = _states(database)
    assert states == {SendState.SENT: len(platform.came), SendState.TODO: 100 - len(platform.came)}
    with database.reading() as session:
        assert set(session.scalars(select(OutboxRow.attempts).where(OutboxRow.state == SendState.TODO))) == {0}


def test_a_stop_does_not_wait_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "DRAIN_SECONDS", 0.2)

    async def silent(_item: Item) -> Outcome:
        await asyncio.sleep(60)
        return SENT

    _queue(database, 3)
    platform = Platform(silent)

    async def run() -> None:
        async with _working(database, platform):
            await _until(lambda: len(platform.came) == 3)

    begun = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - begun < 5
    assert _states(database) == {SendState.SENDING: 3}


def test_what_a_lost_worker_held_is_taken_up(database: Database) -> None:
    _queue(database, 3)
    with database.unit() as session:
        sending.claim(session, "x", Rate(10, 10), utc_now() - LEASE - timedelta(seconds=5), 10)
        rows = session.scalars(select(OutboxRow)).all()
        for row in rows:
            row.state, row.lease, row.lease_until = SendState.SENDING, "lost", utc_now() - timedelta(seconds=1)
    platform = Platform(fine)

    async def run() -> None:
        async with _working(database, platform) as work:
            await _until(lambda: work.stats["x", "sent"] == 3, 10)

    asyncio.run(run())
    assert len(platform.came) == 3


def test_R7_a_worker_that_slept_past_its_lease_calls_nobody(database: Database) -> None:
    """As after SIGSTOP: the messages were claimed, and when the calls would begin the clock is far ahead."""
    _queue(database, 5)
    asleep = timedelta(0)
    leases: list[str] = []

    def clock() -> datetime:
        return utc_now() + asleep

    async def sleeps(item: Item) -> Outcome:
        nonlocal asleep
        asleep = 2 * LEASE
        leases.append(item.lease)
        return SENT

    async def run() -> None:
        async with _working(database, Platform(sleeps), clock=clock) as work:
            await _until(lambda: work.stats["x", "sent"] == 5)

    asyncio.run(run())
    assert len(leases) == 5
    assert leases[0] not in leases[1:], "they were claimed anew before they were sent"


def test_results_outlast_a_database_that_is_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TROUBLE_SECONDS", 0.02)
    _queue(database, 5)
    away = 3
    record = sending.finish_all

    def fails(*args):
        nonlocal away
        away -= 1
        if away >= 0:
            raise ConnectionError
        return record(*args)

    monkeypatch.setattr(sending, "finish_all", fails)
    platform = Platform(fine)

    async def run() -> None:
        async with _working(database, platform) as work:
            await _until(lambda: work.stats["x", "sent"] == 5)

    asyncio.run(run())
    assert len(platform.came) == 5


# -- the power goes -----------------------------------------------------------------------------------------------

CHILD = """
import asyncio, os, sys
from bot.delivery import Delivery
from bot.turns import turns_for
from storage.database import Database
from storage.gates import Rate
from storage.outbox import SendState
from storage.sending import Outcome

class Platform:
    channel, rate = "x", Rate(1000, 1000)
    out = os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    async def send(self, item):
        os.write(self.out, f"{item.payload['text']}\\n".encode())
        return Outcome(SendState.SENT)

async def main():
    work = Delivery(turns_for(Database(f"sqlite:///{sys.argv[1]}"), 1), [Platform()])
    await work.start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("point", "doubled"),
    [("claimed:2", False), ("calling:20", True), ("called:20", True), ("finishing:2", True), ("finished:2", False)],
)
def test_R3_killed_at_any_step_nothing_is_lost_and_little_doubled(
    tmp_path: Path, empty_file: Path, point: str, *, doubled: bool
) -> None:
    path, said = tmp_path / "x.db", tmp_path / "said"
    shutil.copy(empty_file, path)
    database = Database(f"sqlite:///{path}")
    _queue(database, 100)
    killed = subprocess.run(  # noqa: S603 - a program of this file
        [sys.executable, "-c", CHILD, str(path), str(said)],
        env=os.environ | {"HONESTSCALE_FAILPOINT": f"delivery.{point}"},
        timeout=30,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    sent = said.read_text().split() if said.exists() else []
    with database.unit() as session:
        held = session.scalars(select(OutboxRow).where(OutboxRow.state == SendState.SENDING)).all()
        for row in held:
            row.lease_until = utc_now() - timedelta(seconds=1)
    platform = Platform(fine)

    async def run() -> None:
        async with _working(database, platform) as work:
            await _until(lambda: _states(database) == {SendState.SENT: 100}, 15)
            assert work.stats.total() >= len(held)

    asyncio.run(run())
    database.close()
    times = Counter(sent + platform.texts)
    assert sorted(times, key=int) == [str(n) for n in range(100)]
    assert max(times.values()) <= 2
    twice = sum(count == 2 for count in times.values())
    assert twice <= min(len(held), HELD)
    assert doubled or not twice
