"""Taking messages in from platforms that send each one until it is acknowledged.

A turn that fails is tried again at once; one that cannot be worked is parked for a person to look at and acknowledged,
since the platform would send it for ever and keep back everything that the same person says after it.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from bot.app import Service
from bot.turns import OverloadedError
from bot.web.ports import BusyError
from handlers.conversation.messages import Inbound, Numbered, Reply
from handlers.turn import clean, due_at
from storage import contacts, dialogues, outbox, platform
from storage.database import Session, is_away
from storage.outbox import Envelope

log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 3
SORRY = "这条消息没处理好，什么都没有改动，请换个说法再发一次，或回“人工”。"


class FailedError(RuntimeError):
    """It went wrong ``TRIES`` times; the text names the error and where it arose, and quotes nothing."""


async def take(
    service: Service, inbound: Inbound, raw: str, also: Callable[[Session, list[Numbered]], None] | None = None
) -> list[Numbered] | None:
    """The replies to a message once they are committed; None when it was parked, which is committed too.

    ``BusyError``: nothing was kept and the platform is to send the message again. ``raw`` is what it sent.
    """
    try:
        return await attempt(lambda: service.take(inbound, also))
    except FailedError as error:
        await give_up(service, inbound, raw, str(error))
    return None


async def do(service: Service, work: Callable[[Session], T]) -> T:
    """Other work in a transaction of its own; ``BusyError`` as above, any other error is the work's own."""
    return await _once(lambda: service.turns.submit(work))


async def attempt(submit: Callable[[], Future[T]]) -> T:
    """Submit work up to ``TRIES`` times; ``FailedError`` after the last, ``BusyError`` as above."""
    for left in reversed(range(TRIES)):
        try:
            return await _once(submit)
        except BusyError:
            raise
        except Exception as error:
            if not left:
                raise FailedError(_where(error)) from None
    raise AssertionError("the last try returns or raises")


async def give_up(
    service: Service, inbound: Inbound, raw: str, why: str, also: Callable[[Session], object] | None = None
) -> None:
    """Park a message, tell the person, and know it from now on: sent once more it does nothing."""
    log.error("a message on %s is parked: %s", inbound.contact.channel, why)

    def work(session: Session) -> None:
        _park(session, inbound, raw, why)
        _tell(session, inbound)
        if also is not None:
            also(session)

    def only_park(session: Session) -> None:
        _park(session, inbound, raw, why)
        if also is not None:
            also(session)

    try:
        await do(service, work)
    except BusyError:
        raise
    except Exception as error:  # what broke the turn, such as a state that cannot be read, may break the apology too
        log.error("nobody could be told of it: %s", _where(error))  # noqa: TRY400 - the text may quote a message
        await do(service, only_park)
    service.wake()


def storable(raw: str) -> str:
    """What any database can hold of a text."""
    return raw.replace("\x00", "").encode("utf-8", "replace").decode()


async def _once(submit: Callable[[], Future[T]]) -> T:
    try:
        # Shielded: who waits may be cancelled, what was handed to the database may not.
        return await asyncio.shield(asyncio.wrap_future(submit()))
    except OverloadedError as error:
        raise BusyError from error
    except Exception as error:
        if is_away(error):
            raise BusyError from error
        raise


def _park(session: Session, inbound: Inbound, raw: str, why: str) -> None:
    platform.park(session, inbound.contact.channel, inbound.key, why, storable(raw), inbound.at)


def _tell(session: Session, inbound: Inbound) -> None:
    """The apology is the message's reply: a channel that asks again is given it."""
    contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
    contact.address = inbound.address
    if dialogues.find_message(session, contact.id, inbound.key) is None:
        envelope = Envelope(due_at=due_at(inbound))
        row = outbox.new(session, contact, Reply(SORRY).to_json(), inbound.at, envelope)
        session.flush()
        body: dict[str, object] = {"text": clean(inbound.text), "choice": inbound.choice, "files": []}
        dialogues.record_message(session, contact.id, inbound.key, body, inbound.at, [row.id])


def _where(error: Exception) -> str:
    """The kind of error and the line it came from; its text may quote what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{at}"
