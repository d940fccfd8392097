"""The kinds of tip-off: how each is told, what to photograph for it, and what else is asked (枪号, 桩号)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Fact

FILE = "tip_categories.yaml"


class Extra(Fact):
    """A further question of one category; ``pattern``: how the answer stands in a story, in its first filled group."""

    name: str = Field(pattern=r"^[a-z]+$")
    ask: str = Field(min_length=4, max_length=60)
    pattern: str = ""

    def said(self, folded: str) -> str:
        """What a folded story already says of it, "" when nothing."""
        found = re.search(self.pattern, folded, re.IGNORECASE) if self.pattern else None
        return next((g.strip() for g in found.groups() if g), "") if found else ""


class Category(Fact):
    """``matter``: the words of a summary; ``measured``: those before an amount (称重少2两); ``route`` ``appeal``: not a tip-off but a request for verification (申请检定),
    as ``advice`` tells."""

    id: str
    label: str = Field(min_length=2, max_length=16)
    matter: str
    measured: str = ""
    route: Literal["report", "appeal"]
    advice: str = ""
    words: tuple[str, ...] = Field(min_length=1)
    evidence: tuple[str, ...] = Field(min_length=3, max_length=5)
    extra: tuple[Extra, ...] = Field(max_length=2)
    law: str
    sources: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence


class Method(Fact):
    """A lawful way of weighing again (核称): the shortage counts when over ``times`` the limit."""

    id: str
    name: str
    text: str
    times: int = Field(ge=1, le=2)
    sources: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence


class Step(Fact):
    """One step at the fair scale (公平秤) and the artefacts it gives."""

    id: str
    text: str
    artefacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TipBook:
    """All categories in the order in which they are recognised, and the words round them."""

    categories: tuple[Category, ...]
    methods: tuple[Method, ...]
    steps: tuple[Step, ...]
    levels: Mapping[int, str]
    wrongs: re.Pattern[str]
    denials: re.Pattern[str]
    reports: re.Pattern[str]
    rule_questions: re.Pattern[str]
    how_questions: re.Pattern[str]
    owners: re.Pattern[str]
    spotted: tuple[tuple[str, re.Pattern[str]], ...]

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> TipBook:
        """``DataError`` names what is wrong."""
        return _load(path)

    def category(self, id_: str) -> Category:
        """``LookupError`` when there is none."""
        found = next((c for c in self.categories if c.id == id_), None)
        if found is None:
            raise LookupError(id_)
        return found

    def spot(self, folded: str) -> str:
        """The id of the first category whose words a folded text has, "" when none."""
        return next((id_ for id_, words in self.spotted if words.search(folded)), "")


def categories() -> tuple[Category, ...]:
    """In the order in which they are recognised; ``other`` is last."""
    return TipBook.load().categories


@cache
def _load(path: Path) -> TipBook:
    data: dict[str, Any] = load_yaml(path)
    try:
        rows = tuple(Category.model_validate(row) for row in data["categories"])
        return TipBook(
            rows,
            tuple(Method.model_validate(row) for row in data["fair_scale"]["methods"]),
            tuple(Step.model_validate(row) for row in data["fair_scale"]["steps"]),
            {row["number"]: row["label"] for row in data["evidence_levels"]},
            re.compile("|".join(data["wrongs"]), re.IGNORECASE),
            re.compile(data["denials"]),
            re.compile(data["report_words"]),
            re.compile(data["rule_questions"]),
            re.compile(data["how_questions"]),
            re.compile(data["owner_words"]),
            tuple((row.id, re.compile("|".join(row.words), re.IGNORECASE)) for row in rows),
        )
    except (ValidationError, KeyError, re.error) as error:
        raise DataError(f"{path.name}：{error}") from None
