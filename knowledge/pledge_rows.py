"""The rows of ``data/pledge_texts.yaml``: what a point, a text, a sector, a cause must be like.

The bureau edits the file; what would promise too much, or call law what is only a wish, is refused.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from knowledge.casebook import Sourced
from knowledge.dates import add_months
from knowledge.library import Confidence, Dated, Fact
from knowledge.stages import Plan

MOST_POINTS = 10
OWN_RULE = "本局办法"
"""What stands at every rule of the bureau's own that no law prescribes."""
BOASTS = ("保证", "第一", "最")
"""Words no pledge may use: they promise or boast more than a shop can answer for."""
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
