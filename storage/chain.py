"""A chain of hashes over records, and how to tell that one was touched. Pure: nothing is read or written here.

Each hash covers the one before it: SHA-256(previous || length || canonical record). Whoever alters, drops, inserts or
swaps a record breaks the chain; whoever builds it anew from there on no longer meets the hashes that were anchored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

START = "0" * 64
"""What stands before the first record."""


def canonical(record: Mapping[str, Any]) -> bytes:
    """One spelling for one record: sorted keys, no blanks, no floats (``TypeError``: their spelling is not one)."""
    _demand_no_float(record)
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def link(previous: str, body: bytes) -> str:
    """The hash of a canonical record that follows the one with hash ``previous``."""
    return hashlib.sha256(bytes.fromhex(previous) + len(body).to_bytes(8, "big") + body).hexdigest()


@dataclass(frozen=True, slots=True)
class Linked:
    """A canonical record with its place in the chain. ``seq`` counts from 1 without gaps."""

    seq: int
    at: datetime | None
    body: bytes
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends; ``seq`` 0: it is empty."""

    seq: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True)
class Fault:
    """The first record that is not as it was written, and what is wrong with it."""

    seq: int
    what: str


CUT_OFF = "锚点记下过这一条，现在没有了（末尾被截掉）"


def first_fault(
    rows: Iterable[Linked], anchored: Iterable[tuple[int, str]] = (), head: Head | None = None
) -> Fault | Head:
    """Walk a whole chain: its first fault, or where it ends.

    ``anchored`` are numbers and hashes as they were written down elsewhere, in order; ``head`` is where the chain is
    said to end.
    """
    last, marks = Head(), _Marks(anchored)
    for row in rows:
        what = _wrong(row, last) or marks.wrong(row)
        if what:
            return Fault(last.seq + 1, what)
        last = Head(row.seq, row.hash)
    if marks.left(last.seq):
        return Fault(last.seq + 1, CUT_OFF)
    return last if head is None or head == last else _other_end(last, head)


def _other_end(last: Head, head: Head) -> Fault:
    if head.seq == last.seq:
        return Fault(last.seq, "和登记的末条摘要不同")
    return Fault(min(last.seq, head.seq) + 1, f"末尾登记的是第 {head.seq} 条，实际到第 {last.seq} 条")


def _wrong(row: Linked, last: Head) -> str:
    if row.seq > last.seq + 1:
        return "缺了这一条"
    if row.seq != last.seq + 1:
        return f"这里多出一条，编号是 {row.seq}"
    if row.previous != last.hash:
        return "和前一条接不上"
    return "" if link(last.hash, row.body) == row.hash else "内容和当时的摘要不符"


class _Marks:
    """Goes along the anchored hashes beside the chain."""

    def __init__(self, anchored: Iterable[tuple[int, str]]) -> None:
        self._rest: Iterator[tuple[int, str]] = iter(anchored)
        self._next = next(self._rest, None)

    def wrong(self, row: Linked) -> str:
        mark = self._from(row.seq)
        if mark is None or mark == (row.seq, row.hash) or mark[0] != row.seq:
            return ""
        return "和锚点记下的摘要不同（从这一条起被重写过）"

    def left(self, seq: int) -> bool:
        """Whether something behind this number is written down."""
        return self._from(seq + 1) is not None

    def _from(self, seq: int) -> tuple[int, str] | None:
        while self._next is not None and self._next[0] < seq:
            self._next = next(self._rest, None)
        return self._next


def merkle_root(hashes: Sequence[str]) -> str:
    """The root over the hashes of a day; an odd one is carried up as it is. Leaves and nodes are told apart by a first
    byte, so that a node cannot pass for a leaf (RFC 6962)."""
    level = [hashlib.sha256(b"\0" + bytes.fromhex(h)).digest() for h in hashes]
    if not level:
        return START
    while len(level) > 1:
        paired = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0].hex()


def _demand_no_float(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no one spelling: write it as text")
    if isinstance(value, Mapping):
        for part in value.values():
            _demand_no_float(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _demand_no_float(part)
