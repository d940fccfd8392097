"""What a card says: the facts of one pledge, and the few sentences that are the same on every card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

TITLE = "诚信计量承诺"
OPENING = "本店向社会承诺"
LIVE = "扫码看实时状态，以网页为准"
VOLUNTARY = "经营者自愿作出承诺，并对承诺内容负责"


@dataclass(frozen=True, slots=True)
class Card:
    """One pledge. ``shop_name`` up to 40 characters, ``points`` up to ten lines of up to 40; the name of the bureau in
    ``office``; ``link`` is the address in the code, with its signature."""

    number: str
    shop_name: str
    district: str
    sector: str
    signed_on: date
    valid_until: date
    points: tuple[str, ...]
    office: str
    hotline: str
    link: str
    title: str = TITLE
    opening: str = OPENING


def details(card: Card) -> tuple[tuple[str, str], ...]:
    """Labels and what stands beside them."""
    return (
        ("承诺日期", _day(card.signed_on)),
        ("有效期至", _day(card.valid_until)),
        ("监督单位", card.office),
        ("监督电话", card.hotline),
    )


def more(points: int, shown: int) -> str:
    """What is said when not all points are on the card."""
    return f"共 {points} 条，扫码看全文" if points > shown else ""


def texts(card: Card) -> tuple[str, ...]:
    """Whatever was written by somebody."""
    return (
        card.title,
        card.shop_name,
        card.district,
        card.sector,
        card.opening,
        *card.points,
        card.office,
        card.hotline,
    )


def _day(day: date) -> str:
    return f"{day.year} 年 {day.month} 月 {day.day} 日"
