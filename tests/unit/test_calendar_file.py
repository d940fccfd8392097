"""Calendar files, read back by a strict parser and by their bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from bot.calendar_file import ledger_calendar
from knowledge.calendar_entries import CalendarEntry

STAMP = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
DUE = CalendarEntry(
    "0123abcd",
    date(2027, 5, 19),
    "检定到期：电子计价秤 2 台",
    "老王水产\n· 电子计价秤 0917；\n· 电子计价秤 0918, 收货口",
    sequence=3,
    cancelled=False,
    alarms=(30, 7),
    stamp=STAMP,
)
BOOK = replace(DUE, uid="4567cdef", day=date(2027, 4, 26), title="最晚预约日：电子计价秤 2 台", alarms=(7,))


def _read(data: bytes) -> Any:
    """Only what has no errors at all is accepted."""
    calendar = Calendar.from_ical(data)
    assert calendar.errors == []
    assert all(part.errors == [] for part in calendar.walk())
    return calendar


def _events(data: bytes) -> list[Any]:
    return list(_read(data).walk("VEVENT"))


def test_a_due_date_is_a_whole_day_with_its_list() -> None:
    (event,) = _events(ledger_calendar("老王水产", [DUE]))
    assert event.decoded("dtstart") == date(2027, 5, 19)
    assert event["dtstart"].params == {"VALUE": "DATE"}
    assert str(event["summary"]) == DUE.title
    assert str(event["description"]) == DUE.description
    assert event.decoded("dtstamp") == STAMP
    assert (str(event["uid"]), int(event["sequence"]), str(event["status"])) == ("0123abcd@honestscale", 3, "CONFIRMED")


def test_it_warns_thirty_and_seven_days_before() -> None:
    first, second = _events(ledger_calendar("店", [DUE, BOOK]))
    assert [a.decoded("trigger") for a in first.walk("VALARM")] == [timedelta(days=-30), timedelta(days=-7)]
    assert [a.decoded("trigger") for a in second.walk("VALARM")] == [timedelta(days=-7)]
    data = ledger_calendar("店", [DUE])
    assert b"TRIGGER:-P30D\r\n" in data
    assert b"TRIGGER:-P7D\r\n" in data


def test_what_is_no_more_is_told_as_cancelled_and_warns_no_longer() -> None:
    gone = replace(DUE, cancelled=True, sequence=4)
    events = _events(ledger_calendar("店", [gone, BOOK]))
    assert [(str(e["status"]), int(e["sequence"])) for e in events] == [("CANCELLED", 4), ("CONFIRMED", 3)]
    assert events[0].walk("VALARM") == []
    assert str(events[0]["uid"]) == "0123abcd@honestscale"


def test_the_same_ledger_is_the_same_bytes() -> None:
    assert ledger_calendar("店", [DUE, BOOK]) == ledger_calendar("店", [DUE, BOOK])


def test_the_calendar_says_whose_it_is_and_how_often_to_ask() -> None:
    data = ledger_calendar("老王水产;分店", [])
    calendar = _read(data)
    assert str(calendar["version"]) == "2.0"
    assert "Honest Scale" in calendar["prodid"]
    assert "X-WR-CALNAME:老王水产\\;分店 计量器具检定\r\n".encode() in data
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n" in data


def test_a_name_cannot_smuggle_in_lines_of_its_own() -> None:
    sly = replace(DUE, title="秤\r\nATTENDEE:mailto:x@example.org", description="\x00\x1b一\x7f")
    data = ledger_calendar("店\r\nX-EVIL:1", [sly])
    (event,) = _events(data)
    assert "attendee" not in event
    assert str(event["description"]) == "一"
    assert b"\r\nX-EVIL" not in data


_WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=200)


@settings(max_examples=60)
@given(title=_WORDS, lines=st.lists(_WORDS, max_size=6), shop=_WORDS)
def test_whatever_is_written_comes_back_in_lines_of_75_octets(title: str, lines: list[str], shop: str) -> None:
    entry = replace(DUE, title=title, description="\n".join(lines))
    data = ledger_calendar(shop, [entry])
    (event,) = _events(data)
    assert str(event["summary"]) == title
    assert str(event["description"]) == "\n".join(lines)
    for line in data.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 75
        assert b"\n" not in line
        assert b"\r" not in line
        line.decode()  # no character is cut in two
