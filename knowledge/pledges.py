"""What is pledged: 诚信计量承诺 by sector, 企业计量能力自我声明, how long it holds, and why it may be paused or revoked.

No law prescribes these texts; they are data of the bureau (``data/pledge_texts.yaml``). Points that rest on law
(法定要求) are kept apart from those that are only proposed (倡议). A version stands for one text of each sector: wording
that changes on a date needs a new version from that date, or the file is refused.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from knowledge.casebook import Sourced
from knowledge.dates import add_months
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Dated, Fact
from knowledge.stages import Plan

FILE = "pledge_texts.yaml"
MOST_POINTS = 10
MOST_TEXT = 1200
"""Characters of a whole text."""
OWN_RULE = "本局办法"
"""What stands at every rule of the bureau's own that no law prescribes."""
BOASTS = ("保证", "第一", "最")
"""Words no pledge may use: they promise or boast more than a shop can answer for."""
LAWFUL, PROPOSED = "法定要求", "倡议"

TemplateId = Literal["honest", "capability"]
PointKind = Literal["sourced", "proposed"]


def _modest(text: str) -> str:
    found = next((word for word in BOASTS if word in text), None)
    if found is not None:
        raise ValueError(f"承诺书里不写“{found}”")
    return text


class Point(Sourced):
    """One thing pledged. ``kind`` sourced: it rests on ``law``; proposed: only a good habit, ``law`` is empty."""

    kind: PointKind
    text: str = Field(min_length=4, max_length=40)
    law: str = ""

    @field_validator("text")
    @classmethod
    def _without_boasts(cls, text: str) -> str:
        return _modest(text)

    @model_validator(mode="after")
    def _as_sure_as_shown(self) -> Point:
        if (self.kind == "sourced") != bool(self.law):
            raise ValueError(f"{self.id}：sourced 要写 law，proposed 不写")
        if self.kind == "sourced" and self.confidence is Confidence.LOW:
            raise ValueError(f"{self.id}：没把握的不能写成法定要求")
        return self


class Version(Dated):
    version: int = Field(ge=1)


class Template(Sourced):
    """``points``: of every sector's text when the template has its own; ``fields``: ids of what is to be filled in."""

    title: str = Field(min_length=4, max_length=20)
    opening: str
    closing: str
    versions: tuple[Version, ...] = Field(min_length=1)
    points: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @field_validator("title", "opening", "closing")
    @classmethod
    def _without_boasts(cls, text: str) -> str:
        return _modest(text)


class Sector(Fact):
    """``trades``: ids of trades.yaml that pledge by this text; ``fallback``: for shops of any other trade."""

    id: str = Field(pattern=r"^[a-z-]+$")
    title: str = Field(min_length=2, max_length=12)
    points: tuple[str, ...] = Field(min_length=6, max_length=MOST_POINTS)
    trades: tuple[str, ...] = ()
    fallback: bool = False


class Declared(Fact):
    """Something the declarant fills in; ``choices`` only for ``choice``."""

    id: str
    label: str
    ask: str
    kind: Literal["text", "number", "choice"]
    choices: tuple[str, ...] = ()


class Validity(Sourced):
    """``reminders``: days before the end on which renewal is offered; ``sign_again``: changes that end it early."""

    id: str = "validity"
    months: int = Field(ge=1, le=60)
    reminders: Plan
    sign_again: tuple[str, ...]

    def last_day(self, signed_on: date) -> date:
        """The last day on which a pledge of that day holds: 2026-03-12 gives 2027-03-11."""
        return add_months(signed_on, self.months) - timedelta(days=1)


class Cause(Sourced):
    """Why a pledge stops. ``by`` rule: the service may pause by itself when it is so (``days`` overdue); officer: only a
    person decides, after a hearing. All are the bureau's own rules."""

    number: int = Field(gt=0, lt=100)
    effect: Literal["pause", "revoke", "withdraw"]
    by: Literal["rule", "officer"]
    text: str = Field(min_length=4, max_length=40)
    kind: Literal["proposal"]
    days: int = 0

    @model_validator(mode="after")
    def _people_revoke(self) -> Cause:
        if self.effect == "revoke" and self.by != "officer":
            raise ValueError(f"{self.id}：撤销只能由工作人员决定")
        return self

    @property
    def support(self) -> tuple[str, ...]:
        """Ids of the sources it leans on."""
        return self.sources

    @property
    def shown(self) -> str:
        return f"{self.text}（{OWN_RULE}）"


class Process(Sourced):
    id: str = "process"
    hearing_days: int = Field(ge=1)
    """Working days to be heard before a pledge is revoked."""
    text: str

    @property
    def shown(self) -> str:
        return f"{self.text.format(days=self.hearing_days)}（{OWN_RULE}）"


@dataclass(frozen=True, slots=True)
class PledgeText:
    """One text as it is signed. ``points`` hold all, the lawful ones first; ``id`` names template and sector."""

    id: str
    version: int
    title: str
    sector_title: str
    opening: str
    points: tuple[Point, ...]
    closing: str
    fields: tuple[Declared, ...] = ()
    valid_months: int = 12

    @property
    def lawful(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.kind == "sourced")

    @property
    def proposed(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.kind == "proposed")


@dataclass(frozen=True, slots=True)
class PledgeBook:
    """All texts and the rules about them."""

    templates_: tuple[Template, ...]
    sectors_: tuple[Sector, ...]
    points: tuple[Point, ...]
    fields: tuple[Declared, ...]
    validity: Validity
    causes_: tuple[Cause, ...]
    process: Process

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> PledgeBook:
        """``DataError`` names what is wrong."""
        return _load(path)

    def templates(self) -> tuple[Template, ...]:
        return self.templates_

    def sectors(self) -> tuple[Sector, ...]:
        return self.sectors_

    def sector(self, name: str) -> Sector:
        """By its own id or a trade's; the common one for anything else ("" included)."""
        named = (row for row in self.sectors_ if name == row.id or name in row.trades)
        return next(named, None) or next(row for row in self.sectors_ if row.fallback)

    def text_for(self, template: TemplateId, sector: str, on: date) -> PledgeText:
        """The text that is signed on a day; ``sector`` as a shop has it. ``LookupError``: no such template."""
        kind, whose = _named(self.templates_, template), self.sector(sector)
        held = [point for id_ in kind.points or whose.points for point in self.points if _is(point, id_, on)]
        months = self.validity.months
        return PledgeText(
            id=f"{kind.id}-{whose.id}",
            version=_holding(kind.versions, on).version,
            title=kind.title,
            sector_title=whose.title,
            opening=kind.opening,
            points=tuple(sorted(held, key=lambda point: point.kind != "sourced")),
            closing=kind.closing.format(months=months),
            fields=tuple(_named(self.fields, id_) for id_ in kind.fields),
            valid_months=months,
        )

    def causes(self, effect: str = "") -> tuple[Cause, ...]:
        """Why a pledge may stop; only those of one effect (pause, revoke, withdraw) when it is named."""
        return tuple(row for row in self.causes_ if effect in ("", row.effect))

    def cause(self, id_: str) -> Cause:
        """``LookupError`` for an unknown id."""
        return _named(self.causes_, id_)

    def texts(self) -> Iterator[PledgeText]:
        """Every text of every version, once."""
        for template in self.templates_:
            for row in template.versions:
                day = row.since or row.until or date.min
                yield from (self.text_for(_template_id(template), sector.id, day) for sector in self.sectors_)

    def changed_silently(self, signed: Iterable[tuple[str, int, str]]) -> list[str]:
        """Ids of the texts that were signed (id, version, hash) and now read differently under the same version."""
        now = {(text.id, text.version): text_hash(text) for text in self.texts()}
        return sorted({id_ for id_, version, digest in signed if now.get((id_, version), digest) != digest})


def full_text(text: PledgeText) -> str:
    """The whole text as it is shown and signed, at most ``MOST_TEXT`` characters."""
    laws = "；".join(dict.fromkeys(point.law for point in text.lawful))
    return "\n".join(
        (
            f"{text.title}（{text.sector_title}）",
            text.opening,
            *_section(LAWFUL, text.lawful),
            *([f"依据：{laws}。"] if laws else []),
            *_section(PROPOSED, text.proposed),
            *([f"另附声明内容：{'、'.join(row.label for row in text.fields)}。"] if text.fields else []),
            text.closing,
            f"文本 {text.id}，版本 {text.version}",
        )
    )


def text_hash(text: PledgeText) -> str:
    """SHA-256 in hex over the whole text: UTF-8, NFC, lines ended by a line feed."""
    return hashlib.sha256(unicodedata.normalize("NFC", full_text(text)).encode()).hexdigest()


def _section(title: str, points: Sequence[Point]) -> list[str]:
    return [f"【{title}】", *(f"{n}. {point.text}" for n, point in enumerate(points, 1))] if points else []


RowT = TypeVar("RowT", Template, Declared, Cause)
DatedT = TypeVar("DatedT", bound=Dated)


def _named(rows: Sequence[RowT], id_: str) -> RowT:
    found = next((row for row in rows if row.id == id_), None)
    if found is None:
        raise LookupError(id_)
    return found


def _holding(rows: Sequence[DatedT], on: date) -> DatedT:
    return next(row for row in rows if row.holds(on))


def _is(point: Point, id_: str, on: date) -> bool:
    return point.id == id_ and point.holds(on)


def _template_id(template: Template) -> TemplateId:
    return "capability" if template.id == "capability" else "honest"


@cache
def _load(path: Path) -> PledgeBook:
    data: dict[str, Any] = load_yaml(path)
    try:
        book = PledgeBook(
            tuple(Template.model_validate(row) for row in data["templates"]),
            tuple(Sector.model_validate(row) for row in data["sectors"]),
            tuple(Point.model_validate(row) for row in data["points"]),
            tuple(Declared.model_validate(row) for row in data["fields"]),
            Validity.model_validate(data["validity"]),
            tuple(Cause.model_validate(row) for row in data["causes"]),
            Process.model_validate(data["process"]),
        )
    except (ValidationError, KeyError) as error:
        raise DataError(f"{path.name}：{error}") from None
    problem = next(_problems(book), None)
    if problem is not None:
        raise DataError(f"{path.name}：{problem}")
    return book
