"""Receipts in messages are hashed before their turn: slow on purpose, two at a time, and nobody's turn waits for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Semaphore
from typing import TypeVar

from bot.turns import OverloadedError
from handlers.conversation.messages import Inbound
from knowledge import receipt_code
from storage.case_links import digest_of
from storage.vault import Vault

T = TypeVar("T")
AT_ONCE, WAITING = 2, 100


class ReceiptHasher:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="receipt")
        self._room = Semaphore(WAITING)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ahead(self, inbound: Inbound, take: Callable[[Inbound], Future[T]]) -> Future[T]:
        """``take`` the message at once, or, when it holds a receipt, once its hash is made."""
        read = receipt_code.read(inbound.text) if inbound.text and not inbound.prepared else None
        if read is None or read.mistyped:
            return take(inbound)
        if not self._room.acquire(blocking=False):
            raise OverloadedError
        outcome: Future[T] = Future()
        self._pool.submit(self._hash, inbound, read.digits, take, outcome)
        return outcome

    def _hash(self, inbound: Inbound, digits: str, take: Callable[[Inbound], Future[T]], outcome: Future[T]) -> None:
        self._room.release()
        try:
            taken = take(replace(inbound, prepared=digest_of(self._vault, digits)))
        except Exception as error:
            outcome.set_exception(error)
            return
        taken.add_done_callback(lambda done: _pass_on(done, outcome))


def _pass_on(done: Future[T], outcome: Future[T]) -> None:
    error = done.exception()
    if error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(done.result())
