"""How the ledger speaks: a day, an instrument on one line, what its colour means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from knowledge.due_dates import Basis
from storage.ledger import ItemState, LedgerItem, Summary

SOON_DAYS = 60
URGENT_DAYS = 30
PROVISIONAL = "（暂估，次年放假安排未发布）"
STATES = {ItemState.BOOKED: "已预约", ItemState.SUBMITTED: "已送检", ItemState.RETIRED: "已停用"}


def short_day(day: date, today: date) -> str:
    """12-31 within this year, else with its year."""
    return f"{day:%m-%d}" if day.year == today.year else f"{day:%Y-%m-%d}"


def pieces(item: LedgerItem) -> str:
    return f"×{item.count}" if item.count > 1 else ""


def title(item: LedgerItem) -> str:
    """电子秤 ACS-30 0917×3: what it is called, and the signs by which its owner knows it."""
    return " ".join(filter(None, (item.name, item.model, item.serial))) + pieces(item)


def colour(item: LedgerItem, today: date) -> str:
    """A coloured sign with the word it stands for: nobody has to see the colour."""
    if item.state == ItemState.RETIRED:
        return "⚪停用"
    if item.due_on is None:
        return "⚪不用定期检" if item.basis == Basis.NONE else "❔缺日期"
    left = (item.due_on - today).days
    if left < 0:
        return f"🔴逾期{-left}天"
    if item.state in STATES:
        return f"🔵{STATES[ItemState(item.state)]}"
    if left <= URGENT_DAYS:
        return f"🟠还有{left}天"
    return f"🟡还有{left}天" if left <= SOON_DAYS else "🟢有效"


def line(item: LedgerItem, today: date) -> str:
    """One row of the list."""
    until = f" 到{short_day(item.due_on, today)}" if item.due_on and item.state != ItemState.RETIRED else ""
    return f"{colour(item, today)} {title(item)}{until}"


LABEL = 20
"""Characters of an option: more are cut off on a phone."""


def labels(items: Sequence[LedgerItem], today: date) -> list[str]:
    """One short line for each instrument, no two alike: how it stands, what it is called, its number or model."""
    found: list[str] = []
    for item in items:
        label = _label(item, today, LABEL)
        twins = sum(other.startswith(label[: LABEL - 2]) for other in found)
        found.append(f"{_label(item, today, LABEL - 2)}·{twins + 1}" if twins else label)
    return found


def _label(item: LedgerItem, today: date, most: int) -> str:
    state = colour(item, today)
    if item.due_on and state.endswith("有效"):
        state = state.removesuffix("有效") + f"{item.due_on:%y-%m-%d}"
    sign = (item.serial or item.model)[:8]
    room = most - len(state) - len(sign) - len(pieces(item)) - 2
    return f"{state} {item.name[: max(room, 2)]} {sign}".rstrip()[: most - len(pieces(item))] + pieces(item)


def coverage(found: Summary) -> str:
    """受检率 with what it is made of."""
    if found.coverage is None:
        return "没有必须强检的器具。"
    percent = int(found.coverage * 1000) / 10  # never rounded up: 97.96 % is not yet 98 %
    return f"受检率 {percent:g}%（在有效期 {found.valid} ÷ 应检 {found.must}）"


def counts(found: Summary) -> str:
    """How many stand where, leaving out what there is none of."""
    told = (
        ("🔴逾期", found.overdue),
        (f"🟠{SOON_DAYS}天内到期", found.soon),
        ("❔缺日期", found.undated),
        ("⚪不用定期检", found.free),
        ("停用", found.retired),
    )
    return " · ".join(f"{word} {number}" for word, number in told if number)
