"""Anchors of the audit log: once a day what it holds, in a file of its own, stamped if an authority is set.

A file is written once and never again, and each covers the one before it. Copied elsewhere, printed or stamped, they
show where a log was cut off or built anew. What was added since the last one has only the chain itself to speak for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from storage import audit, chain
from storage.database import Session

BEHIND = timedelta(minutes=10)
"""By how much the clocks of honest machines may differ."""


class AnchorError(ValueError):
    """No anchor can be made; the text says in Chinese why."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a day's file says: the hashes of all entries since the anchor before, which ended with number ``after``;
    ``head`` is the hash of the last entry of all, ``previous`` the SHA-256 of that anchor's file."""

    day: date
    after: int
    entries: tuple[str, ...]
    head: str
    previous: str
    made_at: datetime

    @property
    def seq(self) -> int:
        """The number of the last entry."""
        return self.after + len(self.entries)

    def to_bytes(self) -> bytes:
        data = {
            "day": self.day.isoformat(),
            "seq": self.seq,
            "head": self.head,
            "count": len(self.entries),
            "root": chain.merkle_root(self.entries),
            "previous": self.previous,
            "made_at": self.made_at.astimezone(UTC).isoformat(timespec="seconds"),
            "entries": list(self.entries),
        }
        return chain.canonical(data) + b"\n"


def make(session: Session, folder: Path, day: date, now: datetime) -> Path:
    """The file of a day; one that is there already stays as it is. ``AnchorError``: the log is not what the last anchor
    says, or the day is not after the last one's."""
    path = folder / f"{day.isoformat()}.json"
    if path.exists():
        return path
    last = files(folder)[-1:]
    if last and last[0].stem > path.stem:
        raise AnchorError(f"已有 {last[0].stem} 的锚点，不能再补 {path.stem} 的。请检查本机时钟和 --on 的日期。")
    before = _readable(last[0]) if last else None
    after, head = (before.seq, before.head) if before else (0, chain.START)
    entries = tuple(hash_ for _, hash_ in audit.hashes_after(session, after))
    head = entries[-1] if entries else head
    if audit.head(session) != chain.Head(after + len(entries), head):
        raise AnchorError("审计日志的末尾和登记的不符，没有做锚点。请先运行 audit verify 查明哪一条不对。")
    previous = hashlib.sha256(last[0].read_bytes()).hexdigest() if last else chain.START
    _write(path, Anchor(day, after, entries, head, previous, now).to_bytes())
    return path


def files(folder: Path) -> list[Path]:
    """All anchors, the oldest first."""
    return sorted(folder.glob("????-??-??.json")) if folder.is_dir() else []


def load(path: Path) -> Anchor:
    """``ValueError`` when it is not as it was written."""
    data = path.read_bytes()
    try:
        told: dict[str, Any] = json.loads(data)
        entries = tuple(told["entries"])
        anchor = Anchor(
            date.fromisoformat(told["day"]),
            told["seq"] - len(entries),
            entries,
            told["head"],
            told["previous"],
            datetime.fromisoformat(told["made_at"]),
        )
        same = anchor.to_bytes() == data and path.stem == anchor.day.isoformat()
        same = same and entries[-1:] in ((), (anchor.head,))
    except (KeyError, TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise ValueError("内容被动过")
    return anchor


def anchored(folder: Path) -> Iterator[tuple[int, str]]:
    """Number and hash of every entry that the anchors tell of, in order."""
    seq = 0
    for path in files(folder):
        try:
            anchor = load(path)
        except ValueError:  # said by ``faults``
            continue
        for number, hash_ in enumerate(anchor.entries, anchor.after + 1):
            if number > seq:
                seq = number
                yield seq, hash_


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with the anchors among themselves."""
    previous, seq, before = chain.START, 0, None
    for path in files(folder):
        try:
            anchor = load(path)
        except ValueError as error:
            yield f"锚点 {path.name} {error}。"
        else:
            if (anchor.previous, anchor.after) != (previous, seq):
                yield f"锚点 {path.name} 和前一个接不上：前一个被换过，或者缺了一个。"
            if before is not None and anchor.made_at < before - BEHIND:
                yield f"锚点 {path.name} 的时间比前一个还早：时钟被拨回过。"
            seq, before = anchor.seq, anchor.made_at
        previous = hashlib.sha256(path.read_bytes()).hexdigest()


def _readable(path: Path) -> Anchor:
    try:
        return load(path)
    except ValueError as error:
        raise AnchorError(f"前一个锚点 {path.name} {error}，没有做新的。请从备份里找回它。") from None


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and never over another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{secrets.token_hex(8)}"
    try:
        with aside.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.link(aside, path)
    except FileExistsError:
        pass  # another process was first: its anchor holds
    finally:
        aside.unlink(missing_ok=True)
