"""What a calendar is to show: dated entries without a word about persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One whole day. ``uid`` names it for good, ``sequence`` grows with every change, ``stamp`` is the instant of the
    last one. ``cancelled``: it is to vanish where it was shown. ``alarms`` are days of warning before it: ``(30, 7)``.
    """

    uid: str
    day: date
    title: str
    description: str
    sequence: int
    cancelled: bool
    alarms: tuple[int, ...]
    stamp: datetime
