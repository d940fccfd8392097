"""A shop's due dates as a calendar file (iCalendar, RFC 5545): the same bytes for the same ledger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, timedelta

from icalendar import Alarm, Calendar, Event, vDuration, vText

from knowledge.calendar_entries import CalendarEntry

PRODUCT = "-//诚信秤//Honest Scale//ZH"
REFRESH = timedelta(hours=12)
ZONE = "Asia/Shanghai"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def ledger_calendar(shop_name: str, entries: Sequence[CalendarEntry]) -> bytes:
    """UTF-8 with CRLF, lines of at most 75 octets. A cancelled entry is told as cancelled: one that is merely missing
    stays where it was taken over."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", vText(_plain(f"{shop_name} 计量器具检定")))
    calendar.add("x-wr-timezone", ZONE)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: CalendarEntry) -> Event:
    event = Event()
    event.add("uid", f"{entry.uid}@honestscale")
    event.add("dtstamp", entry.stamp.astimezone(UTC))
    event.add("dtstart", entry.day)
    event.add("summary", _plain(entry.title))
    event.add("description", _plain(entry.description))
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if not entry.cancelled:
        for days in entry.alarms:
            event.add_component(_alarm(entry, days))
    return event


def _alarm(entry: CalendarEntry, days: int) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _plain(entry.title))
    alarm.add("trigger", timedelta(days=-days))
    return alarm


def _plain(text: str) -> str:
    """Without control characters, which the format does not allow; line breaks it escapes."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))
