"""Until when a verification holds, by the rule valid on the day it was made.

Certificates count the day of verification in: made on 2026-05-20 for twelve months, it holds through 2027-05-19, the
day before the corresponding day; where that month has no such day, through its last day (民法典 art. 201 and 202 by
analogy, and the safe side). The date that a certificate itself names goes before any computation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from knowledge.dates import add_months
from knowledge.library import Catalogue, Confidence, Instrument, Verification

FAR_TOO_LONG = 2
"""A certificate that reaches further than so many periods is a slip of the pen."""


class Basis(StrEnum):
    """Where a last valid day comes from."""

    CERTIFICATE = "certificate"
    """Named by the certificate or the owner."""
    PERIOD = "period"
    """Computed by the period of the kind (周期检定)."""
    REPLACEMENT = "replacement"
    """The day by which the instrument itself is to be replaced (首次强制检定，限期使用，到期轮换)."""
    NONE = "none"
    """Nothing falls due: first verification only (失准报废), or no mandatory verification."""
    UNKNOWN = "unknown"
    """The period is not known, or nobody said when it was verified: the certificate's own date is asked for."""


@dataclass(frozen=True, slots=True)
class Validity:
    """``day`` is the last valid one. ``sure``: whether duty and period are well sourced."""

    day: date | None
    basis: Basis
    months: int | None
    sure: bool


def validity(thing: Instrument, verified_on: date | None, due_on: date | None) -> Validity:
    """``due_on`` is what a certificate says, if anything."""
    months = thing.period_on(verified_on) if verified_on else thing.period_months
    sure = thing.catalogue is not Catalogue.UNSURE and thing.confidence.period is not Confidence.LOW
    if due_on is not None:
        return Validity(due_on, Basis.CERTIFICATE, months, sure=True)
    if thing.verification in (Verification.FIRST_THEN_SCRAP, Verification.NONE):
        return Validity(None, Basis.NONE, None, sure)
    if verified_on is None or months is None:
        return Validity(None, Basis.UNKNOWN, months, sure)
    rotates = thing.verification is Verification.FIRST_THEN_ROTATION
    return Validity(last_day(verified_on, months), Basis.REPLACEMENT if rotates else Basis.PERIOD, months, sure)


def last_day(start: date, months: int) -> date:
    """The last of so many months that begin with ``start``."""
    corresponding = add_months(start, months)
    return corresponding - timedelta(days=1) if corresponding.day == start.day else corresponding


def doubts(thing: Instrument | None, verified_on: date | None, due_on: date | None, today: date) -> list[str]:
    """What cannot be right about the dates, each as a sentence that says what to look at."""
    return list(_doubts(thing, verified_on, due_on, today))


def _doubts(thing: Instrument | None, verified_on: date | None, due_on: date | None, today: date) -> Iterator[str]:
    if verified_on and verified_on > today:
        yield f"检定日期 {verified_on} 还没到，请核对。"
    if verified_on and due_on and due_on <= verified_on:
        yield f"有效期 {due_on} 不在检定日期 {verified_on} 之后，请核对。"
    months = thing.period_on(verified_on) if thing and verified_on else None
    if months and verified_on and due_on and due_on > last_day(verified_on, months * FAR_TOO_LONG):
        yield f"有效期 {due_on} 太长了：{thing.name if thing else ''}一般 {months} 个月检一次，请核对。"
