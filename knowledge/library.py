"""The facts: loaded, validated, indexed. A bad entry is an error that names file, entry and field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from knowledge.files import DATA, DataError, load_yaml

STALE_AFTER_DAYS = 366

__all__ = ["DataError", "Library"]


class Confidence(StrEnum):
    """How far a fact may be relied on: read in the source / one good source / memory or conflicting sources."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Catalogue(StrEnum):
    """Whether the kind stands in 实施强制管理的计量器具目录 (总局公告2020年第42号)."""

    LISTED = "listed"
    UNLISTED = "unlisted"
    UNSURE = "unsure"


class Control(StrEnum):
    """监管方式 of the catalogue."""

    BOTH = "type-approval+verification"
    VERIFICATION = "verification"
    TYPE_APPROVAL = "type-approval"
    NONE = "none"


class Verification(StrEnum):
    """强检方式: periodic; first only, then replaced at the end of its life; first only, then scrapped when wrong."""

    CYCLIC = "cyclic"
    FIRST_THEN_ROTATION = "first-then-rotation"
    FIRST_THEN_SCRAP = "first-then-scrap"
    NONE = "none"


class Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dated(Fact):
    """Something that holds between two dates, both included; open when absent."""

    since: date | None = None
    until: date | None = None

    def holds(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


class Note(Dated):
    text: str = Field(min_length=2)


class Period(Dated):
    """A verification period for what is verified within these dates, where a rule changed it."""

    months: int = Field(gt=0)


class Tolerance(Fact):
    text: str
    sources: list[str]
    confidence: Confidence


class Trust(Fact):
    overall: Confidence
    catalogue: Confidence
    period: Confidence
    regulation: Confidence


class Source(Fact):
    title: str
    url: str | None = None


Words = Annotated[list[str], Field(min_length=0)]


class Instrument(Fact):
    id: str
    name: str
    name_en: str
    category: str
    catalogue: Catalogue
    catalogue_no: int | str | None = None
    control: Control
    verification: Verification
    period_months: int | None
    periods: list[Period] = []
    period_note: str
    regulations: list[Note]
    uses: Words
    sectors: Words
    aliases: Words
    dialect: Words
    related: Words
    notes: list[Note]
    tolerance: list[Tolerance]
    sources: list[str] = Field(min_length=1)
    confidence: Trust
    reviewed: date

    def period_on(self, day: date) -> int | None:
        """The period in months for what is verified on a day."""
        return next((p.months for p in self.periods if p.holds(day)), self.period_months)

    @property
    def must_verify(self) -> bool:
        """Whether users of the kind must have it verified, as far as we know."""
        return self.catalogue is Catalogue.LISTED and self.control in (Control.BOTH, Control.VERIFICATION)


class Variant(Dated):
    """The wording of an answer within its dates."""

    answer: str
    details: list[str] = []
    law: str | None = None


class Faq(Dated):
    id: str
    question: str
    alternatives: Words
    answer: str
    law: str
    topic: str
    audience: str
    sources: list[str] = Field(min_length=1)
    confidence: Confidence
    reviewed: date
    prompted_by: list[str] = []
    variants: list[Variant] = []

    @property
    def name(self) -> str:
        return self.question


class Topic(Dated):
    id: str
    name: str
    question: str
    answer: str
    details: list[str]
    next_step: str
    law: str
    ask: list[str] = []
    faq: list[str] = []
    audience: str
    sources: list[str] = Field(min_length=1)
    confidence: Confidence
    reviewed: date
    variants: list[Variant] = []


class UseChoice(Fact):
    label: str = Field(max_length=16)
    entry: str


class Ambiguity(Fact):
    """A word that names several things: the use is asked first."""

    term: str
    aliases: list[str] = []
    ask: str
    choices: list[UseChoice] = Field(min_length=2, max_length=3)
    default: str | None = None
    """The reading meant when the question takes the duty for granted (how often, how much error)."""


class Question(Fact):
    """One quiz question: four options, one right."""

    id: str
    topic: str
    question: str
    options: dict[str, str] = Field(min_length=4, max_length=4)
    answer: str
    explanation: str
    law: str | None
    sources: list[str] = Field(min_length=1)
    confidence: Confidence

    @model_validator(mode="after")
    def _answerable(self) -> Question:
        if self.answer not in self.options:
            raise ValueError("answer 不在 options 里")
        return self


class Unclear(Fact):
    """A short message that can mean several things within the field: it is asked back."""

    say: str
    also: list[str] = []
    ask: str
    choices: list[UseChoice] = Field(min_length=2, max_length=3)


Entry = Instrument | Faq | Topic
FactT = TypeVar("FactT", bound=Fact)
Link = tuple[str, str, str, str, Iterable[str]]
"""File, entry, field, the id it names, and the ids that exist."""


@dataclass(frozen=True)
class Library:
    instruments: dict[str, Instrument]
    topics: dict[str, Topic]
    faqs: dict[str, Faq]
    sources: dict[str, Source]
    ambiguities: list[Ambiguity]
    phrasings: dict[str, list[str]]
    unclear: list[Unclear]
    descriptions: dict[str, list[str]]
    settings: list[str]
    phrasing_things: dict[str, list[str]]

    @classmethod
    def load(cls, root: Path = DATA) -> Library:
        phrasings: dict[str, list[str]] = {}
        for path in sorted((root / "phrasings").glob("*.yaml")):
            for label, sentences in load_yaml(path).items():
                phrasings.setdefault(label, []).extend(sentences)
        library = cls(
            instruments=_by_id(root / "instruments.yaml", Instrument),
            topics=_by_id(root / "topics.yaml", Topic),
            faqs=_by_id(root / "faq.yaml", Faq),
            sources={k: _fact("sources.yaml", k, Source, v) for k, v in load_yaml(root / "sources.yaml").items()},
            ambiguities=[
                _fact("ambiguous.yaml", e.get("term"), Ambiguity, e) for e in load_yaml(root / "ambiguous.yaml")
            ],
            phrasings=phrasings,
            unclear=[_fact("unclear.yaml", e.get("say"), Unclear, e) for e in load_yaml(root / "unclear.yaml")],
            descriptions=load_yaml(root / "descriptions.yaml"),
            settings=load_yaml(root / "settings.yaml"),
            phrasing_things=load_yaml(root / "phrasing_things.yaml"),
        )
        library.check_links()
        return library

    def entry(self, id_: str) -> Entry | None:
        return self.instruments.get(id_) or self.topics.get(id_) or self.faqs.get(id_)

    @cached_property
    def topic_of_faq(self) -> dict[str, str]:
        return {faq: topic.id for topic in self.topics.values() for faq in topic.faq}

    def check_links(self) -> None:
        """Every id that an entry names must exist."""
        for file, entry, field, wanted, known in self._links():
            if wanted not in known:
                raise DataError(f"{file}：{entry} 的 {field} 写了不存在的“{wanted}”。")

    def _links(self) -> Iterable[Link]:
        for file, entries in (
            ("instruments.yaml", self.instruments),
            ("topics.yaml", self.topics),
            ("faq.yaml", self.faqs),
        ):
            for entry in entries.values():
                yield from ((file, entry.id, "sources", code, self.sources) for code in entry.sources)
        for thing in self.instruments.values():
            yield from (("instruments.yaml", thing.id, "related", other, self.instruments) for other in thing.related)
        for topic in self.topics.values():
            yield from (("topics.yaml", topic.id, "faq", faq, self.faqs) for faq in topic.faq)
        for word in self.ambiguities:
            yield from (("ambiguous.yaml", word.term, "choices", c.entry, self.instruments) for c in word.choices)
        for vague in self.unclear:
            yield from (
                ("unclear.yaml", vague.say, "choices", c.entry, self.topics | self.instruments) for c in vague.choices
            )
        for label, things in self.phrasing_things.items():
            yield from (("phrasing_things.yaml", label, "◇", thing, self.instruments) for thing in things)
        yield from (("descriptions.yaml", id_, "id", id_, self.instruments) for id_ in self.descriptions)


def load_quiz(root: Path = DATA) -> dict[str, Question]:
    return _by_id(root / "quiz.yaml", Question)


def sources_named(data: Any) -> Iterable[str]:
    """Every source code a nested fact file names, wherever it stands."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "sources" or str(key).endswith("_source"):
                yield from value if isinstance(value, list) else ()
            else:
                yield from sources_named(value)
    elif isinstance(data, list):
        for item in data:
            yield from sources_named(item)


def variant(entry: Faq | Topic, on: date) -> Variant | None:
    """The dated wording that holds on a day, if the entry has one."""
    return next((v for v in entry.variants if v.holds(on)), None)


def _by_id(path: Path, kind: type[FactT]) -> dict[str, FactT]:
    found: dict[str, FactT] = {}
    for position, data in enumerate(load_yaml(path), 1):
        id_ = data.get("id", f"第{position}条") if isinstance(data, dict) else f"第{position}条"
        if id_ in found:
            raise DataError(f"{path.name}：{id_} 重复。")
        found[id_] = _fact(path.name, id_, kind, data)
    return found


def _fact(file: str, entry: Any, kind: type[FactT], data: Any) -> FactT:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise DataError("\n".join(_explain(file, entry, e) for e in error.errors())) from None


def _explain(file: str, entry: Any, error: Any) -> str:
    place: Sequence[Any] = error["loc"]
    return f"{file}：{entry} 的 {'.'.join(map(str, place))} 不对：{error['msg']}"
