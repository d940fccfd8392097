"""Nearest written phrasing: an inverted index over character and sound pairs, bounded per query.

Pairs that stand in very many phrases say little and cost much; they are passed over, so that the work per query does
not grow with the base.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import defaultdict
from dataclasses import dataclass

from knowledge.normalise import Text

COMMON = 400
"""A pair with more phrases than this is looked at only where nothing rarer is left."""


@dataclass(frozen=True, slots=True)
class Near:
    """A phrase's owner with its cosine likeness to the query, 0 to 1."""

    owner: str
    likeness: float


class PhraseIndex:
    def __init__(self) -> None:
        self._owners: list[str] = []
        self._phrases: list[Text] = []
        self._norms = array("f")
        self._postings: dict[str, array[int]] = {}

    def add(self, owner: str, phrase: Text) -> None:
        number = len(self._owners)
        self._owners.append(owner)
        self._phrases.append(phrase)
        for pair in _pairs(phrase):
            self._postings.setdefault(pair, array("I")).append(number)

    def freeze(self) -> None:
        """Fix the pair weights; call once after the last ``add``."""
        self._norms = array("f", (self._norm(_pairs(phrase)) for phrase in self._phrases))

    def nearest(self, query: Text, most: int = 5) -> list[Near]:
        """The best phrase of each owner, most alike first; ties by owner."""
        pairs = _pairs(query)
        known = [p for p in pairs if p in self._postings]
        rare = [p for p in known if len(self._postings[p]) <= COMMON] or known[:2]
        dots: defaultdict[int, float] = defaultdict(float)
        for pair in rare:
            square = self._weight(pair) ** 2
            for number in self._postings[pair][:COMMON]:
                dots[number] += square
        norm = self._norm(pairs)
        best: dict[str, float] = {}
        for number in heapq.nlargest(most * 4, dots, key=lambda n: dots[n] / self._norms[n]):
            owner = self._owners[number]
            full = sum(self._weight(p) ** 2 for p in pairs & _pairs(self._phrases[number]))
            best[owner] = max(best.get(owner, 0.0), full / (norm * self._norms[number]))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        return [Near(owner, likeness) for owner, likeness in ranked[:most]]

    def _norm(self, pairs: frozenset[str]) -> float:
        return math.sqrt(sum(self._weight(p) ** 2 for p in pairs)) or 1.0

    def _weight(self, pair: str) -> float:
        return math.log(1.0 + (len(self._owners) + 1) / (len(self._postings.get(pair, ())) + 1))


def _pairs(text: Text) -> frozenset[str]:
    hanzi, sounds = text.hanzi, text.sounds
    found = {hanzi[i : i + 2] for i in range(len(hanzi) - 1)} | {
        "~" + sounds[i : i + 2] for i in range(len(sounds) - 1)
    }
    return frozenset(found or {hanzi})
