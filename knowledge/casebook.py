"""What officers choose from in a case: legal grounds, outcomes, reasons to pause, bodies to transfer to, set phrases.

All rows are data with law, sources and confidence; the wording of grounds depends on the day the case came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Dated

FILE = "cases.yaml"
Kind = Literal["complaint", "report", "any"]
Confidence = Literal["high", "medium", "low"]


class Sourced(Dated):
    id: str
    sources: tuple[str, ...] = ()
    confidence: Confidence = "high"


class Numbered(Sourced):
    """``number``: what officers type to pick it."""

    number: int = Field(gt=0, lt=20)
    kind: Kind


class Ground(Numbered):
    """A legal ground for refusing (不予受理、不予核查)."""

    text: str = Field(min_length=2)
    law: str = Field(min_length=2)


class Outcome(Numbered):
    """How a case may end. ``proof``: a document's number or a photo must go with it; ``confirmed``: a violation was
    found; ``reward``: its reporter is told of rewards."""

    label: str = Field(min_length=2)
    proof: bool = False
    confirmed: bool = False
    reward: bool = False


class PauseReason(Numbered):
    label: str
    law: str


class Body(Numbered):
    """Another body that a case may go to."""

    label: str
    words: tuple[str, ...] = ()


class Template(Sourced):
    """A set phrase; ``{…}`` stands for what is filled in."""

    kind: Kind
    title: str
    text: str = Field(min_length=4, max_length=400)

    def fill(self, **values: str) -> str:
        """``KeyError`` when a value is missing."""
        return self.text.format_map(values)


class Demand(Sourced):
    """What a complaint may ask for."""

    label: str
    law: str


RowT = TypeVar("RowT", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Casebook:
    grounds_: tuple[Ground, ...]
    outcomes_: tuple[Outcome, ...]
    pause_reasons: tuple[PauseReason, ...]
    bodies: tuple[Body, ...]
    templates: tuple[Template, ...]
    demands: tuple[Demand, ...]
    remedies_: Mapping[str, str]

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Casebook:
        """``DataError`` names what is wrong."""
        return _load(path)

    def grounds(self, kind: str, on: date) -> list[Ground]:
        """The grounds that hold for a case that came in on a day."""
        return [row for row in self.grounds_ if row.kind in (kind, "any") and row.holds(on)]

    def ground(self, kind: str, number: int, on: date) -> Ground:
        return _pick(self.grounds(kind, on), number)

    def outcomes(self, kind: str) -> list[Outcome]:
        return [row for row in self.outcomes_ if row.kind in (kind, "any")]

    def outcome(self, kind: str, number: int) -> Outcome:
        return _pick(self.outcomes(kind), number)

    def outcome_named(self, id_: str) -> Outcome | None:
        return next((row for row in self.outcomes_ if row.id == id_), None)

    def pause_reason(self, number: int) -> PauseReason:
        return _pick(list(self.pause_reasons), number)

    def pause_label(self, id_: str) -> str:
        return next((row.label for row in self.pause_reasons if row.id == id_), id_)

    def body(self, text: str) -> Body | None:
        """The body a word means: its number, or a word of its name."""
        said = text.strip()
        return next(
            (b for b in self.bodies if said == str(b.number) or any(w in said for w in (b.label, *b.words))), None
        )

    def template(self, id_: str) -> Template:
        found = next((t for t in self.templates if t.id == id_), None)
        if found is None:
            raise LookupError(id_)
        return found

    def remedies(self, kind: str) -> str:
        """The ways that are left to who is refused or not satisfied."""
        return self.remedies_[kind]


def _pick(rows: list[RowT], number: int) -> RowT:
    """``LookupError`` when no row has this number."""
    found = next((row for row in rows if row.number == number), None)
    if found is None:
        raise LookupError(number)
    return found


@cache
def _load(path: Path) -> Casebook:
    data: dict[str, Any] = load_yaml(path)
    try:
        return Casebook(
            tuple(Ground.model_validate(row) for row in data["grounds"]),
            tuple(Outcome.model_validate(row) for row in data["outcomes"]),
            tuple(PauseReason.model_validate(row) for row in data["pause_reasons"]),
            tuple(Body.model_validate(row) for row in data["bodies"]),
            tuple(Template.model_validate(row) for row in data["templates"]),
            tuple(Demand.model_validate(row) for row in data["demands"]),
            dict(data["remedies"]),
        )
    except (ValidationError, KeyError) as error:
        raise DataError(f"{path.name}：{error}") from None
