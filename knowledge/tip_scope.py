"""What is not for metrology officers (食品安全, 价格, 工资 …): to whom it goes instead, and words to take there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Fact
from knowledge.private_words import hide
from knowledge.tip_text import fold

if TYPE_CHECKING:
    from knowledge.tips import Told

FILE = "tip_scope.yaml"
MAX_WORDS = 300


class Handover(Fact):
    """Another body: ``route`` is the number to call, ``sentence`` what to tell the person."""

    id: str
    label: str
    route: str = Field(pattern=r"^[0-9]{3,5}$")
    sentence: str = Field(min_length=8, max_length=80)
    words: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    urgent: bool = False
    sources: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence

    @property
    def phone(self) -> str:
        """The number as it may be shown: an unsure one says so, and gives 12345 beside it."""
        unsure = self.confidence is Confidence.LOW
        return f"{self.route}（待核实，打不通请打 12345）" if unsure else self.route

    @property
    def advice(self) -> str:
        """The sentence, with the number where it does not name one."""
        return (
            self.sentence
            if self.route in self.sentence or "12345" in self.sentence
            else f"{self.sentence}请打 {self.phone}。"
        )


@dataclass(frozen=True, slots=True)
class _Scope:
    bodies: tuple[Handover, ...]
    words: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str] | None, ...]
    metrology: re.Pattern[str]
    kinds_of_place: re.Pattern[str]

    def elsewhere(self, folded: str) -> Handover | None:
        folded = self.kinds_of_place.sub("", folded)
        rows = zip(self.bodies, self.words, self.unless, strict=True)
        return next((b for b, words, no in rows if words.search(folded) and not (no and no.search(folded))), None)


def out_of_scope(text: str) -> Handover | None:
    """Who deals with it, when none of it is metrology; None for metrology, and for what is not recognised."""
    folded, scope = fold(text), _load()
    return None if scope.metrology.search(folded) else scope.elsewhere(folded)


def also_elsewhere(text: str) -> Handover | None:
    """Who deals with the other half of a story that is metrology too (缺斤短两 and 过期): a hint beside the tip-off."""
    folded, scope = fold(text), _load()
    return scope.elsewhere(folded) if scope.metrology.search(folded) else None


def handover_text(handover: Handover, told: Told, words: str) -> str:
    """A block to copy: to whom, and what was already said. Nobody's identity is in it."""
    rows = (
        ("反映给", f"{handover.label}，电话 {handover.phone}"),
        ("事情", hide(words or told.words).text.strip()[:MAX_WORDS]),
        ("地点", hide(told.where).text),
        ("商品", told.goods),
        ("时间", " ".join(p for p in (told.day.isoformat() if told.day else "", told.hour) if p)),
    )
    return "\n".join(f"{name}：{value}" for name, value in rows if value)


@cache
def _load(path: Path = DATA / FILE) -> _Scope:
    data = load_yaml(path)
    try:
        bodies = tuple(Handover.model_validate(row) for row in data["bodies"])
        return _Scope(
            bodies,
            tuple(_any(b.words) for b in bodies),
            tuple(_any(b.unless) if b.unless else None for b in bodies),
            _any(data["metrology"]),
            re.compile(data["kinds_of_place"]),
        )
    except (ValidationError, KeyError, re.error) as error:
        raise DataError(f"{path.name}：{error}") from None


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)
