"""Receipts are made ahead and hashed ahead: no turn waits for a slow hash."""

from __future__ import annotations

import time
from concurrent.futures import Future

import pytest

from bot.receipts import WAITING, ReceiptHasher
from bot.turns import OverloadedError
from handlers.cases.receipts import ReceiptMint
from handlers.conversation.messages import Inbound
from knowledge.receipt_code import with_check
from storage.case_links import digest_of
from storage.vault import KEY_BYTES, Vault
from tests.support import said

VAULT = Vault(bytes(KEY_BYTES))
DIGITS = "4839201177450926"


def done(inbound: Inbound) -> Future[Inbound]:
    future: Future[Inbound] = Future()
    future.set_result(inbound)
    return future


@pytest.fixture
def hasher():
    made = ReceiptHasher(VAULT)
    yield made
    made.close()


def test_a_receipt_is_hashed_before_its_turn(hasher: ReceiptHasher) -> None:
    taken = hasher.ahead(said(f"查 {with_check(DIGITS)}"), done).result()
    assert taken.prepared == digest_of(VAULT, DIGITS)


def test_anything_else_goes_at_once(hasher: ReceiptHasher) -> None:
    for text in ("电子秤要检吗", f"{DIGITS}0", ""):
        future = hasher.ahead(said(text), done)
        assert future.done()
        assert future.result().prepared == ""


def test_what_goes_wrong_in_the_turn_is_passed_on(hasher: ReceiptHasher) -> None:
    def overloaded(_inbound: Inbound) -> Future[Inbound]:
        raise OverloadedError

    def failing(_inbound: Inbound) -> Future[Inbound]:
        future: Future[Inbound] = Future()
        future.set_exception(KeyError("x"))
        return future

    with pytest.raises(OverloadedError):
        hasher.ahead(said(with_check(DIGITS)), overloaded).result()
    with pytest.raises(KeyError):
        hasher.ahead(said(with_check(DIGITS)), failing).result()


def test_no_more_wait_than_there_is_room_for(hasher: ReceiptHasher) -> None:
    def ask_for_more_than_fit() -> None:
        for _ in range(WAITING + 20):
            hasher.ahead(said(with_check(DIGITS)), done)

    with pytest.raises(OverloadedError):
        ask_for_more_than_fit()


def test_receipts_wait_ready_and_are_all_different() -> None:
    mint = ReceiptMint(VAULT)
    mint.fill()
    time.sleep(0.01)
    taken = [mint.take() for _ in range(12)]
    assert len({digits for digits, _ in taken}) == 12
    assert all(digest == digest_of(VAULT, digits) for digits, digest in taken[:2])


def test_another_pepper_gives_another_hash() -> None:
    assert digest_of(VAULT, DIGITS) != digest_of(Vault(b"1" * KEY_BYTES), DIGITS)
