"""What is being asked: a linear classifier over the grams of a message, learnt from the written phrasings.

Passive-aggressive multiclass learning with averaged weights (Crammer et al., JMLR 2006): a few passes, no numeric
library, the same weights every time, and every decision can be read back as "these n-grams spoke for that label".
"""

from __future__ import annotations

import json
import math
import random
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Grams = tuple[str, ...]
MIN_WEIGHT = 0.008
"""Averaged weights below this change no decision and are most of the size."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A label with its share of the belief, 0 to 1."""

    label: str
    share: float


class IntentModel:
    """Weights in three flat arrays: gram ``n`` speaks for ``labels[where[n]:where[n + 1]]`` with the same ``weights``.

    Flat, because the model is read at every start: a few arrays load in a hundredth of the time of a dictionary.
    """

    def __init__(
        self, labels: Sequence[str], rows: Mapping[str, Sequence[tuple[int, float]]], sharpness: float = 7.0
    ) -> None:
        where, numbers, weights = array("I", [0]), array("H"), array("f")
        for row in rows.values():
            numbers.extend(n for n, _ in row)
            weights.extend(w for _, w in row)
            where.append(len(numbers))
        self._set(labels, list(rows), where, numbers, weights, sharpness)

    def _set(
        self,
        labels: Sequence[str],
        grams: list[str],
        where: array[int],
        numbers: array[int],
        weights: array[float],
        sharpness: float,
    ) -> None:
        self.labels = tuple(labels)
        self.sharpness = sharpness
        self._grams = {gram: n for n, gram in enumerate(grams)}
        self._where, self._numbers, self._weights = where, numbers, weights

    def guesses(self, grams: Grams, most: int = 6) -> list[Guess]:
        """The labels that scored most, most believed first; ties in the order of the labels."""
        scores = self._scores(grams)
        top = max(scores)
        grown = [math.exp(self.sharpness * (s - top)) for s in scores]
        total = sum(grown)
        order = sorted(range(len(scores)), key=lambda n: (-scores[n], n))
        return [Guess(self.labels[n], grown[n] / total) for n in order[:most]]

    def explain(self, grams: Grams, label: str, most: int = 5) -> list[tuple[str, float]]:
        """The grams that spoke loudest for a label."""
        wanted = self.labels.index(label)
        votes = [(g, w) for g in grams for n, w in self._row(g) if n == wanted and w > 0]
        return sorted(votes, key=lambda v: -v[1])[:most]

    def to_bytes(self) -> bytes:
        """For this kind of machine only: the arrays are written as they lie in memory."""
        head = {
            "labels": self.labels,
            "grams": list(self._grams),
            "sharpness": self.sharpness,
            "sizes": [len(self._where), len(self._numbers)],
        }
        line = json.dumps(head, ensure_ascii=False).encode()
        return line + b"\n" + self._where.tobytes() + self._numbers.tobytes() + self._weights.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> IntentModel:
        """Raises ``ValueError`` (or a subclass) when the bytes are not whole."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        where, numbers, weights = array("I"), array("H"), array("f")
        ends = [0]
        for part, size in ((where, head["sizes"][0]), (numbers, head["sizes"][1]), (weights, head["sizes"][1])):
            ends.append(ends[-1] + size * part.itemsize)
            part.frombytes(rest[ends[-2] : ends[-1]])
        if len(rest) != ends[-1]:
            raise ValueError("the kept model is cut short")
        model = cls(head["labels"], {}, head["sharpness"])
        model._set(head["labels"], head["grams"], where, numbers, weights, head["sharpness"])
        return model

    def _row(self, gram: str) -> Iterator[tuple[int, float]]:
        n = self._grams.get(gram)
        if n is not None:
            for at in range(self._where[n], self._where[n + 1]):
                yield self._numbers[at], self._weights[at]

    def _scores(self, grams: Grams) -> list[float]:
        scores = [0.0] * len(self.labels)
        index, where, numbers, weights = self._grams.get, self._where, self._numbers, self._weights
        for gram in grams:
            n = index(gram)
            if n is not None:
                for at in range(where[n], where[n + 1]):
                    scores[numbers[at]] += weights[at]
        scale = 1.0 / math.sqrt(len(grams) or 1)
        return [s * scale for s in scores]


def train(
    examples: Iterable[tuple[Grams, str]], passes: int = 4, aggressiveness: float = 0.6, seed: int = 20
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
