"""Slips (线索单): what of a case may leave the house, to another body or to the reported party.

Reporters are given away where cases are handed on, so nothing is blacked out here: a slip has no place in which to put
who reported. It is made from the few columns of a case that are named below; coordinates, hours and accounts are not
among them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.private_words import hide
from storage.cases import Case, CaseKind

NAMES = {CaseKind.COMPLAINT: "投诉", CaseKind.REPORT: "举报"}
CLOSING = "本单只写线索本身，不含提供线索的人的任何信息，也请勿推测、打听。"


@dataclass(frozen=True, slots=True)
class Slip:
    """One document about the matter alone. ``category`` and ``basis`` are words for people, ``day`` the day on which
    the case came in: an hour would tell who stood at the stall then."""

    number: str
    kind: CaseKind
    category: str
    place: str
    goods: str
    facts: tuple[str, ...]
    day: date
    basis: str
    text: str = ""


def for_body(case: Case, category: str, basis: str, facts: Sequence[str] = ()) -> Slip:
    """For a body that takes the case over: with the story, out of which what names its teller was taken at filing."""
    return _slip(case, category, basis, facts, case.told)


def for_party(case: Case, category: str, basis: str, facts: Sequence[str] = ()) -> Slip:
    """For the reported party: without the story, whose turn of phrase is enough to be known by."""
    return _slip(case, category, basis, facts, "")


def render(slip: Slip) -> str:
    """The slip as text, one line for each thing; what is empty is left out."""
    rows = (
        ("编号", slip.number),
        ("类别", slip.category),
        ("地点", slip.place),
        ("商品", slip.goods),
        *((f"事实{number}", fact) for number, fact in enumerate(slip.facts, 1)),
        ("内容", slip.text),
        ("依据", slip.basis),
        ("登记日期", f"{slip.day:%Y-%m-%d}"),
    )
    lines = [f"{label}：{_one_line(value)}" for label, value in rows if _one_line(value)]
    return "\n".join([f"{NAMES[slip.kind]}线索单", *lines, CLOSING])


def _slip(case: Case, category: str, basis: str, facts: Sequence[str], text: str) -> Slip:
    return Slip(
        number=case.number,
        kind=CaseKind(case.kind),
        category=category,
        place=_hidden(_place(case)),
        goods=_hidden(case.goods),
        facts=tuple(_hidden(fact) for fact in (case.matter, *facts) if fact),
        day=case.received_on,
        basis=basis,
        text=_hidden(text),
    )


def _hidden(text: str) -> str:
    """Once more at the door: an officer's own words may name whom the filing had taken out."""
    return hide(text).text


def _place(case: Case) -> str:
    """The most exact words there are for where it was; never coordinates, which are where somebody's phone was."""
    stall = " ".join(part for part in (case.district, case.market, case.stall_no, case.shop) if part)
    return stall or case.place


def _one_line(text: str) -> str:
    """Nothing that was typed can look like a line of the slip's own, or turn its writing round."""
    return " ".join("".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C").split())
