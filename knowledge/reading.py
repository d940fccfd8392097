"""A message as the matcher sees it: its things, what is said about them, and the features the intent model learns from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from knowledge.normalise import Normaliser, Text
from knowledge.spotter import Likeness, Span, Spotter, mask

MARK = "◇"
CUE, DECOY, ASK_USE = "!", "-", "?"
"""First characters of spans that are no entry: evidence words, look-alike words, words whose use must be asked."""
PARTICLES = frozenset("的了呢吗啊呀吧嘛么哦噢喔哈那这个种台有我要想问下是和跟与及换成")


@dataclass(frozen=True)
class Reading:
    """``things`` are spans of instruments, trades and ambiguous words; ``cues`` are words that prove the field."""

    text: Text
    things: tuple[Span, ...]
    cues: tuple[Span, ...]
    kinds: dict[str, str] = field(default_factory=dict, compare=False)

    @cached_property
    def masked(self) -> Text:
        """Things as one mark, runs of digits as one digit: what is asked does not depend on which or how many."""
        return _one_digit(mask(self.text, self.things, MARK))

    @cached_property
    def rest(self) -> str:
        """What is left beside the things and the small words: empty when only a thing was named."""
        return "".join(c for c in self.masked.hanzi if c != MARK and c not in PARTICLES)

    @cached_property
    def grams(self) -> tuple[str, ...]:
        """Features: pairs as written; one to three characters with things masked; how that sounds; kinds of things.

        Which instrument it is stays out on purpose: what is asked of one is asked of all.
        """
        raw, masked, sounds = f"^{self.text.hanzi}$", f"^{self.masked.hanzi}$", f"^{self.masked.sounds}$"
        found = _grams("", raw, (2,)) | _grams("#", masked, (1, 2, 3)) | _grams("~", sounds, (2, 3))
        found.update("@" + self.kinds[entry] for thing in self.things for entry in thing.ids if entry in self.kinds)
        return tuple(sorted(found))


class Reader:
    """Spots what it was taught. ``kinds`` gives each entry's category, so that rare things learn from common ones."""

    def __init__(self, normaliser: Normaliser) -> None:
        self.normaliser = normaliser
        self._spotter = Spotter()
        self._kinds: dict[str, str] = {}

    def teach(self, entry: str, names: Iterable[str], kind: str = "") -> None:
        for name in names:
            term = self.normaliser.term(name)
            if len(term) > 1 or entry[0] in (ASK_USE, CUE):
                self._spotter.add(term, entry)
        if kind:
            self._kinds[entry] = kind

    def read(self, raw: str) -> Reading:
        return self.read_text(self.normaliser.message(raw))

    def read_text(self, text: Text) -> Reading:
        spans = self._spotter.find(text)
        things = tuple(s for s in spans if s.ids[0][0] not in (CUE, DECOY))
        cues = tuple(s for s in spans if s.ids[0][0] == CUE)
        return Reading(text, things, cues, self._kinds)


def _one_digit(text: Text) -> Text:
    keep = [i for i, c in enumerate(text.hanzi) if not (c.isdigit() and i and text.hanzi[i - 1].isdigit())]
    hanzi, sounds = (
        "".join("0" if string[i].isdigit() else string[i] for i in keep) for string in (text.hanzi, text.sounds)
    )
    return Text(hanzi, sounds, tuple(text.typed[i] for i in keep))


def best_thing(things: Sequence[Span]) -> Span | None:
    """The thing a message is about: the surest, then the longest, then the last named."""
    return max(things, key=lambda s: (s.likeness is Likeness.WRITTEN, len(s), s.likeness, s.start), default=None)


def _grams(prefix: str, string: str, sizes: tuple[int, ...]) -> set[str]:
    return {prefix + string[i : i + size] for size in sizes for i in range(len(string) - size + 1)}
