"""诚信计量示范单位: may a shop apply? A checklist, part worked out from what is known, part asked.

The conditions are data (``data/demonstration.yaml``): those seen in notices of creation (Shandong 2023 and others) and the
bureau's own; there is no national rule. Staff decide on papers and a visit; this only says what is still missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from knowledge.casebook import Sourced
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence

FILE = "demonstration.yaml"
OWN = "本局条件"
"""Stands at conditions that are the bureau's own."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a shop. ``pledged_months``: whole months since its pledge was first in force without a break;
    ``mandatory``: its instruments that must be verified, in pieces, ``overdue`` those past their date or without one;
    ``violations``: confirmed in the last twelve months; ``letter``: its class."""

    pledged_months: int
    mandatory: int
    overdue: int
    violations: int
    letter: str


class Condition(Sourced):
    """Worked out when ``fact`` names a field of ``Facts``, else asked and met by yes; ``todo``: what to do when it is not
    met; ``own``: the bureau's own."""

    text: str = Field(min_length=4, max_length=40)
    todo: str = Field(min_length=4, max_length=40)
    ask: str = ""
    fact: Literal["", "pledged_months", "mandatory", "overdue", "violations", "letter"] = ""
    at_least: int | None = None
    at_most: int | None = None
    one_of: tuple[str, ...] = ()
    own: bool = False

    @model_validator(mode="after")
    def _decidable(self) -> Condition:
        if bool(self.fact) == bool(self.ask):
            raise ValueError(f"{self.id}：fact 和 ask 要写一个，也只写一个")
        limits = [self.at_least is not None, self.at_most is not None, bool(self.one_of)]
        if limits.count(True) != bool(self.fact) or (self.fact == "letter") != bool(self.one_of):
            raise ValueError(f"{self.id}：fact 要配一个 at_least、at_most 或 one_of（只用于 letter）")
        return self

    def met(self, facts: Facts, answers: Mapping[str, bool]) -> bool:
        """What is asked and not answered is not met."""
        if not self.fact:
            return answers.get(self.id, False)
        value = getattr(facts, self.fact)
        if self.one_of:
            return bool(value in self.one_of)
        return bool(value >= self.at_least if self.at_least is not None else value <= self.at_most)

    @property
    def shown(self) -> str:
        unsure = "，待核实" if self.confidence is Confidence.LOW else ""
        return f"{self.text}（{OWN}{unsure}）" if self.own else self.text


class Checklist(Sourced):
    """All conditions; ``steps``: what follows an application."""

    id: str = "demonstration"
    title: str
    note: str
    steps: str
    conditions: tuple[Condition, ...] = Field(min_length=1)

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Checklist:
        """``DataError`` names what is wrong."""
        return _load(path)

    @model_validator(mode="after")
    def _each_once(self) -> Checklist:
        ids = [row.id for row in self.conditions]
        if len(set(ids)) < len(ids):
            raise ValueError("conditions 里有重复的 id")
        return self


@cache
def _load(path: Path) -> Checklist:
    try:
        return Checklist.model_validate(load_yaml(path))
    except ValidationError as error:
        raise DataError(f"{path.name}：{error}") from None


@dataclass(frozen=True, slots=True)
class Check:
    """``met``: every condition is; ``missing``: the others, each with what to do; ``text``: all of it for the owner."""

    met: bool
    missing: tuple[str, ...]
    text: str


def questions() -> tuple[Condition, ...]:
    """What must be asked (``ask``, by ``id``), to be answered by yes or no."""
    return tuple(row for row in Checklist.load().conditions if row.ask)


def check(facts: Facts, answers: Mapping[str, bool]) -> Check:
    """Whether a shop may apply, by what is known and its answers to ``questions``; what is not answered is missing."""
    conditions = Checklist.load().conditions
    missing = tuple(_missing(row, answers) for row in conditions if not row.met(facts, answers))
    return Check(not missing, missing, _text(len(conditions), missing))


def _missing(condition: Condition, answers: Mapping[str, bool]) -> str:
    if condition.ask and condition.id not in answers:
        return f"请回答：{condition.ask}"
    return f"{condition.shown}：{condition.todo}。"


def _text(total: int, missing: tuple[str, ...]) -> str:
    known = Checklist.load()
    if not missing:
        return f"{total} 项条件都满足，您可以申报{known.title}。\n{known.steps}\n{known.note}"
    listed = [f"{n}. {text}" for n, text in enumerate(missing, 1)]
    return "\n".join((f"还差 {len(missing)} 项（共 {total} 项），办好就能申报{known.title}：", *listed, known.note))
