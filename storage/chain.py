"""A chain of hashes over records, and how to tell that one was touched. Pure: nothing is read or written here.

Each hash covers the one before it: SHA-256(previous || length || canonical record). Whoever alters, drops, inserts or
swaps a record breaks the chain; whoever builds it anew from there on no longer meets the head that was anchored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

START = "0" * 64
"""What stands before the first record."""


def canonical(record: Mapping[str, Any]) -> bytes:
    """One spelling for one record: sorted keys, no blanks, no floats (``TypeError``: their spelling is not one)."""
    _demand_no_float(record)
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def link(previous: str, record: Mapping[str, Any]) -> str:
    body = canonical(record)
    return hashlib.sha256(bytes.fromhex(previous) + len(body).to_bytes(8, "big") + body).hexdigest()


@dataclass(frozen=True, slots=True)
class Linked:
    """A record with its place in the chain. ``seq`` counts from 1 without gaps."""

    seq: int
    record: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The first record that is not as it was written, and what is wrong with it."""

    seq: int
    what: str


def first_fault(rows: Iterable[Linked], seq: int = 0, head: str = START) -> Fault | tuple[int, str]:
    """Walk a chain on from ``seq`` and ``head``: its first fault, or the last number and hash."""
    for row in rows:
        if row.seq != seq + 1:
            missing = row.seq > seq + 1
            return Fault(seq + 1, "缺了这一条" if missing else f"顺序不对，这里出现了第 {row.seq} 条")
        if row.previous != head:
            return Fault(row.seq, "和前一条接不上")
        if link(head, row.record) != row.hash:
            return Fault(row.seq, "内容和当时的摘要不符")
        seq, head = row.seq, row.hash
    return seq, head


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
