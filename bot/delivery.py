"""Sends what is queued: claims due messages, calls the platforms, records what became of each.

A few calls are under way on each channel at a time; claims and results go to the database in batches, since commits are
what costs. After a crash each message whose call was under way may be sent once more, and none is lost.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.times import utc_now
from bot.turns import Turns
from storage import gates, sending
from storage.database import Database, Session
from storage.failpoints import reach
from storage.gates import Rate
from storage.outbox import SendState
from storage.sending import LEASE, Item, Outcome
from storage.wakeup import Listener

log = logging.getLogger(__name__)
T = TypeVar("T")

IN_FLIGHT = 16
"""Calls under way on one channel."""
HELD = 2 * IN_FLIGHT
"""Messages claimed and not yet recorded, so that calls need not wait for commits: what a crash may double, at most."""
CALL_SECONDS = 10.0
POLL_SECONDS = 0.5
SHORTEST_WAIT = 0.02
FLUSH_SECONDS = 0.01
FLUSH_COUNT = 32
SWEEP_SECONDS = 5.0
SWEEP_BATCH = 500
TROUBLE_SECONDS = 1.0
DRAIN_SECONDS = 15.0
"""Longer than a call may take, and shorter than a process may take to stop."""
FAILURES = 5
"""So many calls in a row that came to nothing mean that the platform, not the message, is at fault."""
FIRST_CLOSING = timedelta(seconds=5)
LONGEST_CLOSING = timedelta(minutes=1)

COUNTED = {
    SendState.SENT: "sent",
    SendState.RETRY: "retried",
    SendState.BLOCKED: "blocked",
    SendState.UNKNOWN: "unknown",
    SendState.DEAD: "dead",
    None: "lost",
}
"""Under which name an outcome is counted; ``lost``: too late, the message had gone to another worker."""


class Sender(Protocol):
    """One platform. ``send`` is called once for each message; an error it does not turn into an ``Outcome`` is tried
    again later."""

    @property
    def channel(self) -> str: ...

    @property
    def rate(self) -> Rate: ...

    async def send(self, item: Item) -> Outcome: ...


class Breaker:
    """Closes a channel whose platform is unreachable, each time for longer, until a call gets through."""

    def __init__(self) -> None:
        self._failures = 0
        self._closing = FIRST_CLOSING

    def judge(self, item: Item, outcome: Outcome) -> Outcome:
        if outcome.closes is not None:  # the platform's own word, and it is reachable
            return outcome
        if not outcome.failed:
            self._failures, self._closing = 0, FIRST_CLOSING
            return outcome
        self._failures += 1
        if not item.probe and self._failures < FAILURES:
            return outcome
        closes = self._closing
        if item.probe or self._failures == FAILURES:  # the calls that were under way as it closed say nothing new
            self._closing = min(self._closing * 2, LONGEST_CLOSING)
            log.warning("%s cannot be reached, nothing is sent for %s: %s", item.channel, closes, outcome.error)
        return replace(outcome, closes=closes)


class Delivery:
    """All channels' messages. ``stats`` counts outcomes by channel and by the names in ``COUNTED``."""

    def __init__(
        self,
        turns: Turns,
        senders: Sequence[Sender],
        clock: Callable[[], datetime] = utc_now,
        listen_to: Database | None = None,
        opened: Callable[[Item], Item] = lambda item: item,
    ) -> None:
        """``opened`` opens what lies sealed, just before it is sent."""
        self.stats: Counter[tuple[str, str]] = Counter()
        self._turns = turns
        self._clock = clock
        self._listen_to = listen_to
        self._lanes = [_Lane(sender, turns, clock, self.stats, opened) for sender in senders]
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._lanes]
        self._tasks.append(asyncio.create_task(self._sweep()))
        if self._listen_to is not None and not self._listen_to.is_sqlite:
            self._listener = Listener(self._listen_to, self.wake)

    async def stop(self) -> None:
        """Claim nothing more and let the calls under way end; what is not done by then stays leased."""
        for lane in self._lanes:
            lane.stop()
        if self._tasks:
            self._tasks[-1].cancel()
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            await asyncio.to_thread(self._listener.close)

    def wake(self) -> None:
        """Something new was committed; may be called in any thread."""
        loop = self._loop
        if loop is None or loop.is_closed() or all(lane.awake for lane in self._lanes):
            return
        try:
            loop.call_soon_threadsafe(self._wake_all)
        except RuntimeError:  # the loop was closed just now: nobody is left to be woken
            log.debug("woken after the end")

    def _wake_all(self) -> None:
        for lane in self._lanes:
            lane.wake()

    async def _sweep(self) -> None:
        """Settle what other workers left behind, and close what is no longer worth sending."""
        while True:
            for sweep in (sending.recover, sending.expire):
                while await self._swept(sweep) == SWEEP_BATCH:
                    pass
            await asyncio.sleep(SWEEP_SECONDS)

    async def _swept(self, sweep: Callable[[Session, datetime, int], int]) -> int:
        try:
            count = await _do(self._turns, lambda session: sweep(session, self._clock(), SWEEP_BATCH))
        except Exception as error:
            log.warning("the outbox could not be swept: %s", type(error).__name__)
            return 0
        if count and sweep is sending.recover:
            log.warning("%d sends were left behind by a worker that is gone", count)
        return count


class _Lane:
    """One channel: claims, calls side by side, results in batches."""

    def __init__(
        self,
        sender: Sender,
        turns: Turns,
        clock: Callable[[], datetime],
        stats: Counter[tuple[str, str]],
        opened: Callable[[Item], Item],
    ) -> None:
        self._opened = opened
        self._sender = sender
        self._turns = turns
        self._clock = clock
        self._stats = stats
        self._breaker = Breaker()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._calls: set[asyncio.Task[None]] = set()
        self._results: list[tuple[Item, Outcome]] = []
        self._held = 0
        self._woken = asyncio.Event()
        self._finished = asyncio.Event()
        self._stopping = False

    @property
    def awake(self) -> bool:
        return self._woken.is_set()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopping = True
        self.wake()
        self._finished.set()

    async def run(self) -> None:
        flushing = asyncio.create_task(self._flush())
        try:
            while not self._stopping:
                await self._step()
            await asyncio.gather(*self._calls)
            self._finished.set()
            await flushing
        finally:
            flushing.cancel()
            for call in self._calls:
                call.cancel()

    async def _step(self) -> None:
        self._woken.clear()
        room = HELD - self._held
        if room < IN_FLIGHT:  # half a batch is not worth a transaction; the next result wakes us
            await self._woken.wait()
            return
        try:
            latest = self._clock() + LEASE - timedelta(seconds=CALL_SECONDS)
            items, wait = await _do(self._turns, lambda session: self._claim(session, room))
        except Exception as error:
            log.warning("nothing could be claimed for %s: %s", self._sender.channel, type(error).__name__)
            await asyncio.sleep(TROUBLE_SECONDS)
            return
        if items:
            reach("delivery.claimed")
            self._begin(items, latest)
        if len(items) < room // 2:  # else there may be more; half a batch is all that bulk messages get
            await self._wait(wait)

    def _claim(self, session: Session, limit: int) -> tuple[list[Item], float]:
        """Messages, and the seconds until it is worth looking again if there were few."""
        channel, rate, now = self._sender.channel, self._sender.rate, self._clock()
        claimed = sending.claim(session, channel, rate, now, limit)
        items = [self._opened(item) for item in claimed]
        opens = (gates.opens_at(session, channel, rate, now) - now).total_seconds()
        return items, min(max(opens, SHORTEST_WAIT), POLL_SECONDS) if opens > 0 else POLL_SECONDS

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _begin(self, items: Sequence[Item], latest: datetime) -> None:
        """``latest``: a call that began later could outlast the lease."""
        self._held += len(items)
        for item in items:
            call = asyncio.create_task(self._call(item, latest))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    # -- calls ------------------------------------------------------------------------------------------------

    async def _call(self, item: Item, latest: datetime) -> None:
        async with self._slots:
            if self._stopping or self._clock() > latest:
                await self._release(item)
                return
            reach("delivery.calling")
            outcome = await self._outcome(item)
            reach("delivery.called")
        self._results.append((item, outcome))
        self._finished.set()

    async def _outcome(self, item: Item) -> Outcome:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                outcome = await self._sender.send(item)
        except TimeoutError:
            outcome = Outcome(SendState.UNKNOWN, "no answer in time")
        except Exception as error:
            # The text of an error may hold a token or what somebody wrote; where it arose cannot.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            name = type(error).__name__
            log.error("sending on %s raised %s at %s:%s", item.channel, name, frame.filename, frame.lineno)  # noqa: TRY400
            return self._raised(item, name)
        return self._breaker.judge(item, outcome)

    def _raised(self, item: Item, name: str) -> Outcome:
        """It may be the message that is at fault, so this attempt counts even while the channel is closed."""
        judged = self._breaker.judge(item, Outcome(SendState.RETRY, name))
        return judged if item.attempts < sending.ATTEMPTS else replace(judged, state=SendState.DEAD)

    async def _release(self, item: Item) -> None:
        """It waited too long for its turn: by now it may be somebody else's."""
        try:
            await _do(self._turns, lambda session: sending.release(session, [item], self._clock()))
        except Exception as error:
            log.warning("a message stays leased: %s", type(error).__name__)
        self._let_go(1)

    def _let_go(self, count: int) -> None:
        self._held -= count
        self.wake()
        self._finished.set()

    # -- results ----------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        while self._held or not self._stopping:
            await self._finished.wait()
            if len(self._results) < min(FLUSH_COUNT, self._held):
                await asyncio.sleep(FLUSH_SECONDS)
            self._finished.clear()
            results, self._results = self._results, []
            if results:
                await self._finish(results)

    async def _finish(self, results: list[tuple[Item, Outcome]]) -> None:
        reach("delivery.finishing")
        states = await self._recorded(results)
        reach("delivery.finished")
        for (item, _), state in zip(results, states, strict=True):
            self._stats[item.channel, COUNTED[state]] += 1
        self._let_go(len(results))
        pause = self._sender.rate.per_chat.total_seconds()
        if pause:  # then the same chats may be written to again
            asyncio.get_running_loop().call_later(pause, self.wake)

    async def _recorded(self, results: list[tuple[Item, Outcome]]) -> Sequence[SendState | None]:
        """Tried until the leases have run out: the calls were made, and forgetting them would repeat them."""
        rate, latest = self._sender.rate, self._clock() + LEASE
        while True:
            try:
                return await _do(self._turns, lambda session: sending.finish_all(session, results, rate, self._clock()))
            except Exception as error:
                log.warning("%d results could not be recorded: %s", len(results), type(error).__name__)
                if self._clock() > latest:
                    return [None] * len(results)
                await asyncio.sleep(TROUBLE_SECONDS)


async def _do(turns: Turns, work: Callable[[Session], T]) -> T:
    # Shielded: who waits may be cancelled, what was handed to the database may not.
    return await asyncio.shield(asyncio.wrap_future(turns.submit(work)))
