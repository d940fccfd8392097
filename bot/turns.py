"""Turns are taken here: by one writer in small groups on SQLite, side by side on PostgreSQL.

On SQLite, threads that fight for the one write lock cost seconds at the 99th percentile; one thread that commits
several turns at once does not. When one of a group fails the group is rolled back and each is done on its own: a
savepoint around every turn would cost all of them for the sake of the rare one.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from storage.database import Database, Session, is_away, is_conflict
from storage.failpoints import reach

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Session], T]
Piece = tuple[Callable[[Session], object], Future[object]]
GROUP = 16
WAITING = 2000
ATTEMPTS = 5


class OverloadedError(RuntimeError):
    """More work is waiting than can be done in time; nothing was kept."""


class Turns(Protocol):
    def submit(self, work: Work[T]) -> Future[T]:
        """Run ``work`` in a transaction; the future is done only after the commit."""

    def close(self) -> None: ...


class SingleWriter:
    """One thread, one transaction per group of up to ``GROUP`` pieces of work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.Queue[Piece | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        try:
            self._waiting.put_nowait((work, future))  # type: ignore[arg-type]  # the pair's types agree with each other
        except queue.Full:
            raise OverloadedError from None
        return future

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            stop = False
            while len(group) < GROUP:
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    stop = True
                    break
                group.append(item)
            # From here on a piece can no longer be called off; one that was is not begun.
            self._commit([piece for piece in group if piece[1].set_running_or_notify_cancel()])
            if stop:
                return

    def _commit(self, group: list[Piece]) -> None:
        if not group:
            return
        try:
            with self._database.unit() as session:
                results = [work(session) for work, _ in group]
        except Exception as error:
            self._failed(group, error)
            return
        reach("turn.committed")
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _failed(self, group: list[Piece], error: Exception) -> None:
        """Nothing of the group was kept. One piece of work that fails must not harm the others: each on its own."""
        if len(group) > 1 and not is_away(error):
            for piece in group:
                self._commit([piece])
            return
        for _, future in group:
            future.set_exception(error)


class SideBySide:
    """A bounded pool; a conflict (two first messages of one person, a lost connection) is simply tried again."""

    def __init__(self, database: Database, threads: int) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="turn")
        self._room = threading.Semaphore(WAITING)

    def submit(self, work: Work[T]) -> Future[T]:
        if not self._room.acquire(blocking=False):
            raise OverloadedError
        future = self._pool.submit(self._attempt, work)
        future.add_done_callback(lambda _: self._room.release())
        return future

    def close(self) -> None:
        self._pool.shutdown(wait=True)

    def _attempt(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._database.unit() as session:
                    result = work(session)
            except Exception as error:
                if attempt == ATTEMPTS or not is_conflict(error):
                    raise
            else:
                reach("turn.committed")
                return result
        raise AssertionError("the last attempt returns or raises")


def turns_for(database: Database, threads: int) -> Turns:
    return SingleWriter(database) if database.is_sqlite else SideBySide(database, threads)
