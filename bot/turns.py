"""Turns are taken here: by one writer in small groups on SQLite, side by side on PostgreSQL.

On SQLite, threads that fight for the one write lock cost seconds at the 99th percentile; one thread that commits
several turns at once does not. A turn that fails is rolled back to its savepoint and harms no other.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from storage.database import Database, Session, is_conflict
from storage.failpoints import reach

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Session], T]
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
        self._waiting: queue.Queue[tuple[Work[object], Future[object]] | None] = queue.Queue(WAITING)
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
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[tuple[Work[object], Future[object]]]) -> None:
        done: list[tuple[Future[object], object]] = []
        try:
            with self._database.unit() as session:
                for work, future in group:
                    try:
                        with session.begin_nested():
                            result = work(session)
                    except Exception as error:
                        future.set_exception(error)
                    else:
                        done.append((future, result))
        except Exception as error:
            log.exception("a group of turns could not be committed")
            for future, _ in done:
                future.set_exception(error)
            return
        reach("turn.committed")
        for future, result in done:
            future.set_result(result)


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
