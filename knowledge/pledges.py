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
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from pydantic import ValidationError

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Dated
from knowledge.pledge_rows import Cause, Declared, Point, Process, Sector, Template, Validity

FILE = "pledge_texts.yaml"
MOST_TEXT = 1200
"""Characters of a whole text."""
LAWFUL, PROPOSED = "法定要求", "倡议"

TemplateId = Literal["honest", "capability"]


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
    def reference(self) -> str:
        """Names text and version: ``honest-fuel/1``."""
        return f"{self.id}/{self.version}"

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
        held = [
            point for id_ in kind.points or whose.points for point in self.points if point.id == id_ and point.holds(on)
        ]
        months = self.validity.months
        return PledgeText(
            id=f"{kind.id}-{whose.id}",
            version=next(row.version for row in kind.versions if row.holds(on)),
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
                yield from (self.text_for(_kind(template), sector.id, day) for sector in self.sectors_)

    def changed_silently(self, signed: Iterable[tuple[str, str]]) -> list[str]:
        """Of texts signed (``reference``, hash), those that now read differently although their version is the same."""
        now = {text.reference: text_hash(text) for text in self.texts()}
        return sorted({reference for reference, digest in signed if now.get(reference, digest) != digest})


def full_text(text: PledgeText) -> str:
    """The whole text as it is shown and signed, at most ``MOST_TEXT`` characters."""
    laws = "；".join(_laws(text.lawful))
    return "\n".join(
        (
            f"{text.title}（{text.sector_title}）",
            text.opening,
            *_section(LAWFUL, text.lawful),
            *([f"依据：{laws}。"] if laws else []),
            *_section(PROPOSED, text.proposed),
            *([f"另附声明内容：{'、'.join(row.label for row in text.fields)}。"] if text.fields else []),
            text.closing,
            f"文本编号：{text.reference}",
        )
    )


def text_hash(text: PledgeText) -> str:
    """SHA-256 in hex over the whole text: UTF-8, NFC, lines ended by a line feed."""
    return hashlib.sha256(unicodedata.normalize("NFC", full_text(text)).encode()).hexdigest()


def _laws(points: Sequence[Point]) -> list[str]:
    """Each once, without those that another one already names."""
    named = list(dict.fromkeys(point.law for point in points))
    return [law for law in named if not any(law != other and law in other.split("、") for other in named)]


def _section(title: str, points: Sequence[Point]) -> list[str]:
    return [f"【{title}】", *(f"{n}. {point.text}" for n, point in enumerate(points, 1))] if points else []


RowT = TypeVar("RowT", Template, Declared, Cause)


def _named(rows: Sequence[RowT], id_: str) -> RowT:
    found = next((row for row in rows if row.id == id_), None)
    if found is None:
        raise LookupError(id_)
    return found


def _kind(template: Template) -> TemplateId:
    return cast(TemplateId, template.id)


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
    for problems in (_unlinked, _doubled, _unversioned):
        problem = next(problems(book), None)
        if problem is not None:
            raise DataError(f"{path.name}：{problem}")
    return book


def _unlinked(book: PledgeBook) -> Iterator[str]:
    """Names that lead nowhere."""
    points, fields = {row.id for row in book.points}, {row.id for row in book.fields}
    if [row.fallback for row in book.sectors_].count(True) != 1:
        yield "sectors 里要有一行、也只能有一行 fallback。"
    owners: list[Sector | Template] = [*book.sectors_, *book.templates_]
    for owner in owners:
        yield from (f"{owner.id}：points 写了不存在的“{name}”。" for name in owner.points if name not in points)
    for template in book.templates_:
        yield from (f"{template.id}：fields 写了不存在的“{name}”。" for name in template.fields if name not in fields)


def _doubled(book: PledgeBook) -> Iterator[str]:
    """Names or numbers that mean two things at once."""
    ids = [*(row.id for row in book.sectors_), *(trade for row in book.sectors_ for trade in row.trades)]
    yield from (f"sectors：“{name}”写了两次。" for name in set(ids) if ids.count(name) > 1)
    numbers = [row.number for row in book.causes_]
    yield from (f"causes：编号 {number} 写了两次。" for number in set(numbers) if numbers.count(number) > 1)
    for n, row in enumerate(book.points):
        if any(row.id == other.id and _meet(row, other) for other in book.points[:n]):
            yield f"points：{row.id} 有两行在同一天有效，请改 since、until。"


def _unversioned(book: PledgeBook) -> Iterator[str]:
    """Days without one version, and days on which a wording changes but its version does not."""
    days = _turns(book)
    for template in book.templates_:
        if any(sum(row.holds(day) for row in template.versions) != 1 for day in days):
            yield f"{template.id}：versions 的日期有空缺或重叠。"
            return
        for sector in book.sectors_:
            texts = [book.text_for(_kind(template), sector.id, day) for day in days]
            if any(a.version == b.version and full_text(a) != full_text(b) for a, b in pairwise(texts)):
                yield f"{template.id}：{sector.id} 的文字到日子会变，versions 也要加一行。"
        yield from (f"{text.id}：文字太长，请删几条。" for text in book.texts() if len(full_text(text)) > MOST_TEXT)


def _turns(book: PledgeBook) -> list[date]:
    """A day of each stretch of time in which nothing changes."""
    rows: list[Dated] = [*book.points, *(row for template in book.templates_ for row in template.versions)]
    starts = {row.since for row in rows if row.since} | {row.until + timedelta(days=1) for row in rows if row.until}
    return [date.min, *sorted(starts)]


def _meet(one: Dated, other: Dated) -> bool:
    """Whether there is a day on which both hold."""
    first = max(one.since or date.min, other.since or date.min)
    return first <= min(one.until or date.max, other.until or date.max)
