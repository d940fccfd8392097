"""Receipts made ahead: their slow hash must not hold up a turn."""

from __future__ import annotations

import secrets
import threading
from collections import deque

from storage.case_links import digest_of
from storage.vault import Vault

DIGITS = 16
READY = 4


class ReceiptMint:
    """Gives out fresh receipts, each with its digest; a few wait ready, made by a thread of its own."""

    def __init__(self, vault: Vault, ready: int = READY) -> None:
        self._vault = vault
        self._most = ready
        self._ready: deque[tuple[str, str]] = deque()
        self._filling = threading.Lock()

    def take(self) -> tuple[str, str]:
        """Sixteen digits and their digest. Only when more are asked for than are ready is one made here and now."""
        try:
            taken = self._ready.popleft()
        except IndexError:
            taken = self._make()
        self.fill()
        return taken

    def fill(self) -> None:
        """Make what is missing, beside whoever asked."""
        if not self._filling.locked():
            threading.Thread(target=self._fill, name="receipts", daemon=True).start()

    def _fill(self) -> None:
        if not self._filling.acquire(blocking=False):
            return
        try:
            while len(self._ready) < self._most:
                self._ready.append(self._make())
        finally:
            self._filling.release()

    def _make(self) -> tuple[str, str]:
        digits = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
        return digits, digest_of(self._vault, digits)
