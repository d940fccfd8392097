"""What officers choose from in a case: legal grounds, outcomes, reasons to pause, bodies to transfer to, set phrases.

All rows are data with law, sources and confidence; the wording of grounds depends on the day the case came in
(总局令第121号 since 2026-04-15, 总局令第20号 before).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Dated

FILE = "cases.yaml"
MOST = 300
"""Characters of a notice: one screen of the narrowest channel."""
Kind = Literal["complaint", "report", "any"]


class Sourced(Dated):
    id: str
    sources: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence


class Numbered(Sourced):
    """``number``: what officers type to pick it."""

    number: int = Field(gt=0, lt=20)
    kind: Kind

    def meets(self, other: Numbered) -> bool:
        """Whether both could be meant by one number in one case."""
        first = max(self.since or date.min, other.since or date.min)
        together = first <= min(self.until or date.max, other.until or date.max)
        return (
            together and self.number == other.number and (self.kind == other.kind or "any" in (self.kind, other.kind))
        )


class Ground(Numbered):
    """A legal ground for refusing (不予受理、不予核查) or for ending a mediation (终止调解)."""

    text: str = Field(min_length=2)
    law: str = Field(min_length=2)


class Outcome(Numbered):
    """How a case may end. ``proof``: a document's number or a photo must go with it; ``confirmed``: a violation was
    found; ``reward``: its reporter is told of rewards; ``remedies``: id of the ways told with it."""

    label: str = Field(min_length=2)
    remedies: str
    proof: bool = False
    confirmed: bool = False
    reward: bool = False


class PauseReason(Numbered):
    """Why a term may stand still; ``stops``: ids of the terms that the law lets stand still for it, and no others."""

    label: str
    law: str
    stops: tuple[str, ...] = Field(min_length=1)


class Body(Numbered):
    """Another body that a case may go to; ``words``: how it or its matter is spoken of."""

    label: str
    words: tuple[str, ...] = ()

    def match(self, said: str) -> int:
        """Length of the longest of its words in what was said; 0 for none."""
        return max((len(word) for word in (self.label, *self.words) if word in said), default=0)


class Template(Sourced):
    """A set phrase; ``{…}`` stands for what is filled in."""

    kind: Kind
    title: str
    text: str = Field(min_length=4, max_length=MOST)

    @field_validator("text")
    @classmethod
    def _plain_names(cls, text: str) -> str:
        if not all(name.isidentifier() for name in _blanks(text)):
            raise ValueError("only plain names may stand in braces")
        return text

    @property
    def blanks(self) -> list[str]:
        """Names of what is to be filled in, in the order of the text."""
        return list(dict.fromkeys(_blanks(self.text)))

    def fill(self, **values: str) -> str:
        """``KeyError`` when a value is missing."""
        return self.text.format_map(values)


class Demand(Sourced):
    """What a complaint may ask for."""

    label: str
    law: str


class Remedy(Sourced):
    """The ways that are left to who is refused or not satisfied (救济途径)."""

    text: str = Field(min_length=4)
    law: str


@dataclass(frozen=True, slots=True)
class Casebook:
    """All rows. Numbers mean one row at a time: of the kind of the case and the day it came in."""

    grounds_: tuple[Ground, ...]
    mediation_ends_: tuple[Ground, ...]
    outcomes_: tuple[Outcome, ...]
    pause_reasons: tuple[PauseReason, ...]
    bodies: tuple[Body, ...]
    templates: tuple[Template, ...]
    demands: tuple[Demand, ...]
    remedies_: tuple[Remedy, ...]

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Casebook:
        """``DataError`` names what is wrong."""
        return _load(path)

    def grounds(self, kind: str, on: date) -> list[Ground]:
        """The grounds that hold for a case that came in on a day."""
        return [row for row in self.grounds_ if row.kind in (kind, "any") and row.holds(on)]

    def ground(self, kind: str, number: int, on: date) -> Ground:
        """``LookupError`` when there is none of that number."""
        return _pick(self.grounds(kind, on), number)

    def mediation_ends(self, on: date) -> list[Ground]:
        """The grounds on which the mediation of a complaint that came in on a day may be ended."""
        return [row for row in self.mediation_ends_ if row.holds(on)]

    def mediation_end(self, number: int, on: date) -> Ground:
        """``LookupError`` when there is none of that number."""
        return _pick(self.mediation_ends(on), number)

    def outcomes(self, kind: str) -> list[Outcome]:
        return [row for row in self.outcomes_ if row.kind in (kind, "any")]

    def outcome(self, kind: str, number: int) -> Outcome:
        """``LookupError`` when there is none of that number."""
        return _pick(self.outcomes(kind), number)

    def outcome_named(self, id_: str) -> Outcome | None:
        return next((row for row in self.outcomes_ if row.id == id_), None)

    def pause_reason(self, number: int) -> PauseReason:
        """``LookupError`` when there is none of that number."""
        return _pick(self.pause_reasons, number)

    def pause_label(self, id_: str) -> str:
        return next((row.label for row in self.pause_reasons if row.id == id_), id_)

    def body(self, text: str) -> Body | None:
        """The body a word means: its number, else the one of the longest word that was said of it."""
        said = text.strip()
        numbered = next((body for body in self.bodies if said == str(body.number)), None)
        found = numbered or max(self.bodies, key=lambda body: body.match(said))
        return found if numbered or found.match(said) else None

    def template(self, id_: str) -> Template:
        """``LookupError`` for an unknown id."""
        return _named(self.templates, id_)

    def remedies(self, kind: str, on: date | None = None) -> str:
        """The ways that are left after a refusal (``complaint``, ``report``) or an outcome (its ``remedies``), as the
        law stood on a day; ``LookupError`` when none is known."""
        return _named([row for row in self.remedies_ if on is None or row.holds(on)], kind).text


RowT = TypeVar("RowT", bound=Numbered)
NamedT = TypeVar("NamedT", bound=Sourced)


def _pick(rows: Sequence[RowT], number: int) -> RowT:
    """``LookupError`` when no row has this number."""
    found = next((row for row in rows if row.number == number), None)
    if found is None:
        raise LookupError(number)
    return found


def _named(rows: Sequence[NamedT], id_: str) -> NamedT:
    found = next((row for row in rows if row.id == id_), None)
    if found is None:
        raise LookupError(id_)
    return found


def _blanks(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


@cache
def _load(path: Path) -> Casebook:
    data: dict[str, Any] = load_yaml(path)
    try:
        book = Casebook(
            tuple(Ground.model_validate(row) for row in data["grounds"]),
            tuple(Ground.model_validate(row) for row in data["mediation_ends"]),
            tuple(Outcome.model_validate(row) for row in data["outcomes"]),
            tuple(PauseReason.model_validate(row) for row in data["pause_reasons"]),
            tuple(Body.model_validate(row) for row in data["bodies"]),
            tuple(Template.model_validate(row) for row in data["templates"]),
            tuple(Demand.model_validate(row) for row in data["demands"]),
            tuple(Remedy.model_validate(row) for row in data["remedies"]),
        )
    except (ValidationError, KeyError) as error:
        raise DataError(f"{path.name}：{error}") from None
    _demand_sound(book, path)
    return book


def _demand_sound(book: Casebook, path: Path) -> None:
    """One number, one row; and what an outcome names is there."""
    for rows in (book.grounds_, book.mediation_ends_, book.outcomes_, book.pause_reasons, book.bodies):
        for n, row in enumerate(rows):
            if any(row.meets(other) for other in rows[:n]):
                raise DataError(f"{path.name}：{row.id}：编号 {row.number} 与另一行重复，请改 number。")
    known = {row.id for row in book.remedies_}
    for outcome in book.outcomes_:
        if outcome.remedies not in known:
            raise DataError(f"{path.name}：{outcome.id}：remedies 写了不存在的“{outcome.remedies}”。")
