"""计量信用分级: a class A to D from points, with every reason and the way up.

The table is the bureau's own (``data/grading.yaml``); no national rule exists. A tip that nobody has confirmed counts
for nothing, points end after their months, and D follows only from what an officer has confirmed. Classes serve the
planning of inspections; nothing here publishes them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from knowledge.casebook import Sourced
from knowledge.dates import add_months
from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Fact

FILE = "grading.yaml"
FULL = 100
"""Most points; the least are 0."""
MOST_REASONS = 12
"""Shown to an owner at a time."""
Letter = Literal["A", "B", "C", "D"]
ORDER: tuple[Letter, ...] = ("A", "B", "C", "D")


class Rule(Sourced):
    """A row of the points table. ``months``: how long it counts; ``ceiling``: the best class meanwhile; ``advice``: how to
    earn it, or how to mend it; ``by`` officer: it counts only once an officer has confirmed it."""

    kind: Literal["merit", "fault"]
    by: Literal["ledger", "officer"]
    points: int
    months: int = Field(ge=1, le=60)
    text: str = Field(min_length=4, max_length=40)
    advice: str = Field(min_length=4, max_length=40)
    basis: str = Field(min_length=2)
    ceiling: Letter = "A"

    @model_validator(mode="after")
    def _fair(self) -> Rule:
        if (self.kind == "merit") != (self.points > 0):
            raise ValueError(f"{self.id}：merit 加分，fault 扣分")
        if self.kind == "merit" and self.ceiling != "A":
            raise ValueError(f"{self.id}：加分项不能限档")
        if self.ceiling == "D" and self.by != "officer":
            raise ValueError(f"{self.id}：D 要工作人员确认")
        return self

    def last_day(self, on: date) -> date:
        """The last day on which an event of that day counts."""
        return add_months(on, self.months) - timedelta(days=1)


class Class(Fact):
    """``least``: points from which on; D has none, for no number of points leads there; ``weight``: in the draw."""

    letter: Letter
    least: int | None = None
    needs: tuple[str, ...] = ()
    weight: float = Field(gt=0)
    meaning: str


class Scheme(Fact):
    """The whole table."""

    label: str
    about: str
    sources: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence
    start: int = Field(ge=0, le=FULL)
    classes: tuple[Class, ...]
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Scheme:
        if tuple(row.letter for row in self.classes) != ORDER:
            raise ValueError("classes 要按 A、B、C、D 写全")
        limits = [row.least for row in self.classes]
        if limits[-2:] != [0, None] or None in limits[:-1] or limits[:-1] != sorted(limits[:-1], key=_down):
            raise ValueError("least 要从大到小，C 是 0，D 不写")
        weights = [row.weight for row in self.classes]
        if weights != sorted(weights):
            raise ValueError("weight 要从小到大")
        self._demand_known()
        return self

    def _demand_known(self) -> None:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError("rules 里有重复的 id")
        merits = {rule.id: rule.points for rule in self.rules if rule.kind == "merit"}
        if not {name for row in self.classes for name in row.needs} <= merits.keys():
            raise ValueError("needs 只能写加分项的 id")
        best = self.of("A")
        if self.start + sum(merits[name] for name in best.needs) < (best.least or 0):
            raise ValueError("做到 A 的 needs 还不够 A 的分数，谁也升不上去")

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Scheme:
        """``DataError`` names what is wrong."""
        return _load(path)

    def rule(self, id_: str) -> Rule:
        """``LookupError`` for an unknown id."""
        found = next((rule for rule in self.rules if rule.id == id_), None)
        if found is None:
            raise LookupError(id_)
        return found

    def of(self, letter: Letter) -> Class:
        return self.classes[ORDER.index(letter)]


def _down(limit: int | None) -> int:
    return -(limit or 0)


@cache
def _load(path: Path) -> Scheme:
    try:
        return Scheme.model_validate(load_yaml(path))
    except ValidationError as error:
        raise DataError(f"{path.name}：{error}") from None


@dataclass(frozen=True, slots=True)
class ScoreEvent:
    """Something that happened by a rule's id. ``confirmed``: an officer has confirmed it; rules of ``officer`` need it."""

    rule: str
    on: date
    note: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why so many points; it counts through ``until``."""

    text: str
    points: int
    until: date


@dataclass(frozen=True, slots=True)
class Grade:
    """``points`` 0 to 100; ``upgrade``: 怎么升级, what to do, never empty."""

    letter: Letter
    points: int
    reasons: tuple[Reason, ...]
    upgrade: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Counted:
    rule: Rule
    event: ScoreEvent

    @property
    def until(self) -> date:
        return self.rule.last_day(self.event.on)


def grade(events: Sequence[ScoreEvent], on: date) -> Grade:
    """The class on a day. Events to come, run out or unconfirmed do not count; the order of events means nothing.

    ``LookupError`` for an event of an unknown rule.
    """
    scheme = Scheme.load()
    counted = _counting(scheme, events, on)
    letter, points = _placed(scheme, counted)
    reasons = tuple(Reason(_told(row), row.rule.points, row.until) for row in counted)
    return Grade(letter, points, reasons, _way_up(scheme, counted, letter))


def weight(letter: Letter) -> float:
    """How much more often than B a shop of this class is drawn for inspection."""
    return Scheme.load().of(letter).weight


def explain(found: Grade) -> str:
    """For the owner: the class, why, and how to rise."""
    scheme = Scheme.load()
    more = len(found.reasons) - MOST_REASONS
    lines = [
        f"计量信用 {found.letter} 档（{found.points} 分）：{scheme.of(found.letter).meaning}。",
        f"起始 {scheme.start} 分，{'加减如下：' if found.reasons else '现在没有加减。'}",
        *(f"{row.points:+d} {row.text}，计到 {row.until:%Y-%m-%d}" for row in found.reasons[:MOST_REASONS]),
        *([f"另有 {more} 条，请问工作人员。"] if more > 0 else []),
        "怎么升级：" if found.letter != "A" else "怎么保持：",
        *(f"{n}. {text}" for n, text in enumerate(found.upgrade, 1)),
        f"{scheme.label}。{scheme.about}有异议可以申诉。",
    ]
    return "\n".join(lines)


# -- counting -----------------------------------------------------------------------------------------------------


def _counting(scheme: Scheme, events: Sequence[ScoreEvent], on: date) -> list[_Counted]:
    """What counts on a day, what weighs most first; of each merit only the latest."""
    rows = [_Counted(scheme.rule(event.rule), event) for event in events]
    live = sorted((row for row in rows if _counts(row, on)), key=lambda row: (row.event.on, row.event.note))
    merits = {row.rule.id: row for row in live if row.rule.kind == "merit"}
    faults = [row for row in live if row.rule.kind == "fault"]
    return sorted([*faults, *merits.values()], key=lambda row: (row.rule.points, row.rule.id, row.event.on))


def _counts(row: _Counted, on: date) -> bool:
    sure = row.event.confirmed or row.rule.by == "ledger"
    return sure and row.event.on <= on <= row.until


def _placed(scheme: Scheme, counted: Collection[_Counted]) -> tuple[Letter, int]:
    points = min(FULL, max(0, scheme.start + sum(row.rule.points for row in counted)))
    ids = {row.rule.id for row in counted}
    reached = next(
        c.letter for c in scheme.classes if c.least is not None and points >= c.least and ids.issuperset(c.needs)
    )
    return max([reached, *(row.rule.ceiling for row in counted)], key=ORDER.index), points


def _told(row: _Counted) -> str:
    return f"{row.rule.text}（{row.event.note}）" if row.event.note else row.rule.text


# -- the way up ---------------------------------------------------------------------------------------------------


def _way_up(scheme: Scheme, counted: list[_Counted], letter: Letter) -> tuple[str, ...]:
    """What to mend, what to earn, and when the class rises by itself; for A what keeps it."""
    ids = {row.rule.id for row in counted}
    wanted = scheme.of("A").needs
    if letter == "A":
        return tuple(scheme.rule(name).advice for name in wanted)
    mend = dict.fromkeys(row.rule.advice for row in counted if row.rule.kind == "fault")
    earn = [scheme.rule(name).advice for name in wanted if name not in ids]
    rise = _rise(scheme, counted, letter)
    return (*mend, *earn, *([rise] if rise else []))


def _rise(scheme: Scheme, counted: list[_Counted], letter: Letter) -> str:
    """The first day on which the class is better, if merits are kept up and nothing new happens; "" if none comes."""
    faults = [row for row in counted if row.rule.kind == "fault"]
    merits = [row for row in counted if row.rule.kind == "merit"]
    for day in sorted({row.until + timedelta(days=1) for row in faults}):
        better, _ = _placed(scheme, [*merits, *(row for row in faults if row.until >= day)])
        if better < letter:
            return f"加分项保持住、不再有新的扣分，{day:%Y-%m-%d} 起升为 {better} 档"
    return ""
