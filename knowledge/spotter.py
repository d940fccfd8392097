"""Finding names in a message: instruments, trades, topics' own words. Cost grows with the message, not the base.

Every substring of a message is looked up in three tables: as written; by sound (homophone slips, typed pinyin); and
by the part of it that one wrong character leaves whole (typing slips). No scan over the names takes place, so a hundred thousand names cost the same
as a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from knowledge.normalise import Text

MAX_ALIAS = 14
MIN_OPEN, MAX_OPEN = 3, 7
"""Lengths of names in which one wrong character is forgiven."""
HOLE = "*"
MOST_ALIKE = 40
"""Names looked at for one part of a name; more share only parts that say nothing, such as 电子."""


class Likeness(IntEnum):
    """How a name was recognised, best first."""

    WRITTEN = 3
    SOUND = 2
    SLIP = 1


@dataclass(frozen=True, slots=True)
class Span:
    """A name found at ``start:end``; ``ids`` are the entries that bear it."""

    start: int
    end: int
    alias: str
    ids: tuple[str, ...]
    likeness: Likeness

    def __len__(self) -> int:
        return self.end - self.start


class Spotter:
    def __init__(self) -> None:
        self._written: dict[str, tuple[str, ...]] = {}
        self._sounds: dict[str, tuple[str, ...]] = {}
        self._slips: dict[str, tuple[str, ...]] = {}
        self._lengths: set[int] = set()
        self._slip_lengths: set[int] = set()

    def add(self, alias: Text, entry: str) -> None:
        """Teach one name. The same name on several entries is ambiguous and stays so."""
        name = alias.hanzi
        if not name or len(name) > MAX_ALIAS:
            return
        known = self._written.get(name, ())
        if entry in known:
            return
        self._written[name] = (*known, entry)
        if known:
            return
        self._lengths.add(len(name))
        if len(name) > 1 and alias.sounds != name:
            _put(self._sounds, alias.sounds, name)
        if MIN_OPEN <= len(name) <= MAX_OPEN and not name.isascii():
            self._slip_lengths.add(len(name))
            for key in _slip_keys(name):
                _put(self._slips, key, name)

    def find(self, text: Text) -> list[Span]:
        """Names in the message, left to right, none inside another; longer and better likeness win."""
        found = [*self._as_written(text), *self._by_sound(text), *self._with_slip(text)]
        found.sort(key=lambda s: (-(len(s) + s.likeness), -s.likeness, -len(s), s.start, s.alias))
        taken: list[Span] = []
        for span in found:
            if all(span.end <= t.start or span.start >= t.end for t in taken):
                taken.append(span)
        return sorted(taken, key=lambda s: s.start)

    def _windows(self, string: str, lengths: Iterable[int]) -> Iterable[tuple[int, int, str]]:
        size = len(string)
        for length in lengths:
            for start in range(size - length + 1):
                yield start, start + length, string[start : start + length]

    def _as_written(self, text: Text) -> Iterable[Span]:
        for start, end, piece in self._windows(text.hanzi, self._lengths):
            ids = self._written.get(piece)
            if ids:
                yield Span(start, end, piece, ids, Likeness.WRITTEN)

    def _by_sound(self, text: Text) -> Iterable[Span]:
        for start, end, piece in self._windows(text.sounds, self._lengths):
            for alias in self._sounds.get(piece, ()):
                same = sum(a == b for a, b in zip(alias, text.hanzi[start:end], strict=True))
                typed = sum(text.typed[start:end])
                # Two short words of the same sound are usually two different words: one character must agree.
                if same + typed and same < end - start and (typed or same * 2 >= end - start or end - start > 3):
                    yield Span(start, end, alias, self._written[alias], Likeness.SOUND)

    def _with_slip(self, text: Text) -> Iterable[Span]:
        for length in self._slip_lengths:
            for start in range(len(text) - length + 1):
                piece = text.hanzi[start : start + length]
                for key in _slip_keys(piece):
                    for alias in self._slips.get(key, ())[:MOST_ALIKE]:
                        if _one_apart(alias, piece):
                            yield Span(start, start + length, alias, self._written[alias], Likeness.SLIP)


def _slip_keys(name: str) -> tuple[str, ...]:
    """Parts of a name of which at least one survives any single wrong character.

    Two halves do; a name of three is too short for that and is kept with each character open in turn.
    """
    size = len(name)
    if size == MIN_OPEN:
        return tuple(name[:i] + HOLE + name[i + 1 :] for i in range(size))
    half = size // 2
    return f"{size}<{name[:half]}", f"{size}>{name[half:]}"


def _one_apart(alias: str, piece: str) -> bool:
    return sum(a != b for a, b in zip(alias, piece, strict=True)) == 1


def _put(table: dict[str, tuple[str, ...]], key: str, name: str) -> None:
    table[key] = (*table.get(key, ()), name)


def mask(text: Text, spans: Iterable[Span], mark: str) -> Text:
    """The message with each span replaced by one mark: what is said *about* the thing."""
    edges = [0, *(e for s in spans for e in (s.start, s.end)), len(text)]
    pieces = list(pairwise(edges))
    hanzi, sounds, typed = "", "", ()  # type: tuple[str, str, tuple[bool, ...]]
    for n, (start, end) in enumerate(pieces):
        if n % 2:
            hanzi, sounds, typed = hanzi + mark, sounds + mark, (*typed, False)
        else:
            hanzi, sounds, typed = (
                hanzi + text.hanzi[start:end],
                sounds + text.sounds[start:end],
                typed + text.typed[start:end],
            )
    return Text(hanzi, sounds, typed)
