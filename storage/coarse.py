"""Instants made coarse, where an exact one would tie a case to the account that was talking at that moment.

The same turn writes messages of an account and rows of a case. Were their instants the same, the database alone would
tell who filed what; so rows of reporters carry the day only, and news to them the hour.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day_of(at: datetime) -> datetime:
    """The beginning of the day in China."""
    return at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
