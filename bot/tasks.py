"""Does the slow work that turns only ask for: one piece at a time, in a thread beside the conversations.

A piece is claimed, its file read outside any transaction, and finished in one transaction with what is told to the
person. Files of strangers are opened in limited child processes by the functions of the kinds, never here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot.media import pause
from bot.times import utc_now
from bot.turns import Turns
from storage import evidence, media, tasks
from storage.database import Session
from storage.failpoints import reach
from storage.media import MediaFile, MediaState
from storage.tasks import Claimed

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_SECONDS = 0.5
TROUBLE_SECONDS = 1.0
DRAIN_SECONDS = 10.0
STILL_COMING = timedelta(seconds=1)
"""How soon a file that is being fetched from its platform is looked for again."""
UNKNOWN_KIND = timedelta(minutes=1)
"""A kind this process does not know is another version's; it is left to it."""
GAVE_UP = "这个文件没读出来，请换一个格式或重新拍一张再发。"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of task is done.

    ``slow`` makes something of the file's bytes, outside any transaction. ``done`` tells what came of it; it may keep
    a result with ``tasks.finish``, else the task is finished without one. What would hold the database for long is
    done by ``steps`` bit by bit: step 0 first, then the step it names, until it names none; each is a transaction of
    its own, and after a crash it begins at step 0 again. ``after`` clears up once all is recorded. ``failed`` tells a sentence: why the file could not be read,
    which is the text of the error if it is one of ``refusals``. The last parameter is the time.
    """

    slow: Callable[[Claimed, bytes], Any]
    failed: Callable[[Session, Claimed, str, datetime], None]
    done: Callable[[Session, Claimed, Any, datetime], None] | None = None
    steps: Callable[[Session, Claimed, Any, int, datetime], int | None] | None = None
    after: Callable[[Claimed, Any], None] | None = None
    refusals: tuple[type[ValueError], ...] = ()


class LostError(Exception):
    """Another worker holds the task by now; nothing is to be told."""


class TaskWorker:
    """All kinds of tasks. ``due`` looks whether there is any, without taking the one writer's time; ``told`` is called
    when somebody is to be told something."""

    def __init__(
        self,
        turns: Turns,
        kinds: Mapping[str, Kind],
        evidence_dir: Path,
        due: Callable[[], bool],
        clock: Callable[[], datetime] = utc_now,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._turns = turns
        self._kinds = kinds
        self._evidence_dir = evidence_dir
        self._clock = clock
        self._due = due
        self._told = told
        self._stopping = threading.Event()
        # A daemon, unlike the threads of a pool: a process that stops does not wait minutes for a scan to be read.
        self._thread = threading.Thread(target=self._run, name="tasks", daemon=True)

    async def start(self) -> None:
        self._thread.start()

    async def stop(self) -> None:
        """Claim nothing more and let what is under way end; what does not is done by whoever is there then."""
        self._stopping.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, DRAIN_SECONDS)

    def one(self) -> bool:
        """Work off one task that is due, if there is one; whether there was."""
        if not self._due():
            return False
        found = self._do(self._claim)
        if found is None:
            return False
        claimed, digest = found
        reach("task.claimed")
        try:
            self._settle(self._kinds[claimed.kind], claimed, evidence.path_of(self._evidence_dir, digest))
        except LostError:
            log.warning("task %d was taken over by another worker", claimed.id)
        reach("task.finished")
        self._told()
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                idle = 0.0 if self.one() else POLL_SECONDS
            except Exception as error:
                log.warning("what became of a task was not recorded: %s", type(error).__name__)
                idle = TROUBLE_SECONDS
            self._stopping.wait(idle)

    # -- claiming ---------------------------------------------------------------------------------------------

    def _claim(self, session: Session) -> tuple[Claimed, str] | None:
        """The next task whose file is there, with the file's name; what must wait is put off on the way."""
        now = self._clock()
        while found := tasks.claim(session, now):
            (claimed,) = found
            if claimed.kind not in self._kinds:
                tasks.wait(session, claimed, now + UNKNOWN_KIND)
                continue
            (name,) = media.resolve(session, [claimed.request.get("file", "")])
            if not name.startswith(media.PREFIX):
                return claimed, name
            if _is_coming(session, name):
                tasks.wait(session, claimed, now + STILL_COMING)
            else:  # the person was told when it could not be fetched
                tasks.finish(session, claimed, None, failed=True)
        return None

    # -- working ----------------------------------------------------------------------------------------------

    def _settle(self, kind: Kind, claimed: Claimed, path: Path) -> None:
        if claimed.spent:
            self._fail(kind, claimed, GAVE_UP)
            return
        try:
            made = kind.slow(claimed, path.read_bytes())
            reach("task.worked")
            self._record(kind, claimed, made)
            if kind.after is not None:
                kind.after(claimed, made)
        except LostError:
            raise
        except Exception as error:
            if self._stopping.is_set():  # the same signal may have ended the child process
                self._do(lambda session: tasks.wait(session, claimed, self._clock()))
            elif isinstance(error, kind.refusals):
                self._fail(kind, claimed, str(error))
            elif claimed.last:
                log.warning("task %d (%s) is given up: %s", claimed.id, claimed.kind, type(error).__name__)
                self._fail(kind, claimed, GAVE_UP)
            else:
                log.warning("task %d (%s) is tried again: %s", claimed.id, claimed.kind, type(error).__name__)
                self._do(lambda session: self._put_off(session, claimed))

    def _record(self, kind: Kind, claimed: Claimed, made: Any) -> None:
        step: int | None = 0
        while step is not None:
            step = self._advance(kind, claimed, made, step)
            reach("task.stepped")

    def _advance(self, kind: Kind, claimed: Claimed, made: Any, step: int) -> int | None:
        """One transaction: the next step, or None when the task is finished with it."""

        def work(session: Session) -> int | None:
            _demand_held(session, claimed)
            now = self._clock()
            following = kind.steps(session, claimed, made, step, now) if kind.steps is not None else None
            if following is None:
                if kind.done is not None:
                    kind.done(session, claimed, made, now)
                tasks.finish(session, claimed, None)
            return following

        return self._do(work)

    def _fail(self, kind: Kind, claimed: Claimed, sentence: str) -> None:
        def work(session: Session) -> None:
            _demand_held(session, claimed)
            kind.failed(session, claimed, sentence, self._clock())
            tasks.finish(session, claimed, None, failed=True)

        self._do(work)

    def _put_off(self, session: Session, claimed: Claimed) -> None:
        row = tasks.held(session, claimed)
        if row is not None:
            tasks.put_off(session, claimed, self._clock() + pause(row.tries))

    def _do(self, work: Callable[[Session], T]) -> T:
        return self._turns.submit(work).result()


def _is_coming(session: Session, name: str) -> bool:
    row = session.get(MediaFile, int(name.removeprefix(media.PREFIX)))
    return row is not None and row.state != MediaState.FAILED


def _demand_held(session: Session, claimed: Claimed) -> None:
    if tasks.held(session, claimed) is None:
        raise LostError
