"""What is being asked: a linear classifier over the grams of a message, learnt from the written phrasings.

Passive-aggressive multiclass learning with averaged weights (Crammer et al., JMLR 2006): a few passes, no numeric
library, the same weights every time, and every decision can be read back as "these n-grams spoke for that label".
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Grams = tuple[str, ...]
MIN_WEIGHT = 0.004
"""Averaged weights below this change no decision and are most of the size."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A label with its share of the belief, 0 to 1."""

    label: str
    share: float


class IntentModel:
    """``weights[gram]`` lists (label number, weight); grams that never decided anything are not kept."""

    def __init__(
        self, labels: Sequence[str], weights: dict[str, tuple[tuple[int, float], ...]], sharpness: float = 6.0
    ) -> None:
        self.labels = tuple(labels)
        self._weights = weights
        self._sharpness = sharpness

    def guesses(self, grams: Grams, most: int = 6) -> list[Guess]:
        """All labels that scored, most believed first; ties in the order of the labels."""
        scores = self._scores(grams)
        top = max(scores)
        grown = [math.exp(self._sharpness * (s - top)) for s in scores]
        total = sum(grown)
        order = sorted(range(len(scores)), key=lambda n: (-scores[n], n))
        return [Guess(self.labels[n], grown[n] / total) for n in order[:most]]

    def to_json(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "weights": {
                g: [x for pair in row for x in (pair[0], round(pair[1], 4))] for g, row in self._weights.items()
            },
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> IntentModel:
        weights = {g: tuple(zip(row[::2], row[1::2], strict=True)) for g, row in data["weights"].items()}
        return cls(data["labels"], weights)

    def explain(self, grams: Grams, label: str, most: int = 5) -> list[tuple[str, float]]:
        """The grams that spoke loudest for a label."""
        number = self.labels.index(label)
        votes = [(g, w) for g in grams for n, w in self._weights.get(g, ()) if n == number and w > 0]
        return sorted(votes, key=lambda v: -v[1])[:most]

    def _scores(self, grams: Grams) -> list[float]:
        scores = [0.0] * len(self.labels)
        get = self._weights.get
        for gram in grams:
            for number, weight in get(gram, ()):
                scores[number] += weight
        scale = 1.0 / math.sqrt(len(grams) or 1)
        return [s * scale for s in scores]


def train(
    examples: Iterable[tuple[Grams, str]], passes: int = 5, aggressiveness: float = 0.6, seed: int = 20
) -> IntentModel:
    """Learn from (grams, label) pairs. Deterministic: the order of each pass comes from ``seed``."""
    pairs = list(examples)
    labels = sorted({label for _, label in pairs})
    number = {label: n for n, label in enumerate(labels)}
    vocabulary: dict[str, int] = {}
    data = [
        ([vocabulary.setdefault(g, len(vocabulary)) for g in grams], number[label], 1.0 / math.sqrt(len(grams) or 1))
        for grams, label in pairs
    ]
    weights: list[dict[int, float]] = [{} for _ in vocabulary]
    summed: list[dict[int, float]] = [{} for _ in vocabulary]
    order = list(range(len(data)))
    chance = random.Random(seed)  # noqa: S311 - an order of study, not a secret
    step = 0
    for _ in range(passes):
        chance.shuffle(order)
        for n in order:
            step += 1
            grams, right, scale = data[n]
            wrong, loss = _violation(weights, grams, right, scale, len(labels))
            if loss > 0:
                _learn(weights, summed, grams, right, wrong, min(aggressiveness, loss / 2) * scale, step)
    return IntentModel(labels, _averaged(vocabulary, weights, summed, step))


def _violation(
    weights: list[dict[int, float]], grams: list[int], right: int, scale: float, count: int
) -> tuple[int, float]:
    """The strongest wrong label and by how much the right one misses its margin of 1 over it."""
    scores = [0.0] * count
    for gram in grams:
        for n, w in weights[gram].items():
            scores[n] += w
    mine = scores[right]
    scores[right] = -math.inf
    best = max(scores)
    return scores.index(best), 1.0 - (mine - best) * scale


def _learn(
    weights: list[dict[int, float]],
    summed: list[dict[int, float]],
    grams: list[int],
    right: int,
    wrong: int,
    change: float,
    step: int,
) -> None:
    weighed = step * change
    for gram in grams:
        row, total = weights[gram], summed[gram]
        row[right] = row.get(right, 0.0) + change
        row[wrong] = row.get(wrong, 0.0) - change
        total[right] = total.get(right, 0.0) + weighed
        total[wrong] = total.get(wrong, 0.0) - weighed


def _averaged(
    vocabulary: dict[str, int], weights: list[dict[int, float]], summed: list[dict[int, float]], steps: int
) -> dict[str, tuple[tuple[int, float], ...]]:
    """The mean of the weights over all steps, which is steadier than the last; near-zeros left out."""
    result: dict[str, tuple[tuple[int, float], ...]] = {}
    for gram, n in vocabulary.items():
        means = ((label, w - summed[n][label] / steps) for label, w in weights[n].items())
        row = tuple((label, mean) for label, mean in means if abs(mean) > MIN_WEIGHT)
        if row:
            result[gram] = row
    return result
