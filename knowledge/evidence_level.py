"""How strong the evidence of a shortage is, 1 to 5, and what makes it stronger. A low level is never refused.

The steps follow the ways of weighing again (核称) of 零售商品称重计量监督管理办法: on the same scale, on a finer one, on
another of the same class such as the market's fair scale (公平秤).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from knowledge.tip_categories import Method, Step, TipBook

HIGHEST = 5


class Artefact(StrEnum):
    """What a reporter can have."""

    HOME_SCALE_PHOTO = "home-scale-photo"
    OTHER_SCALE = "other-scale"
    FAIR_SCALE_PHOTO = "fair-scale-photo"
    FAIR_SCALE_NUMBER = "fair-scale-number"
    FAIR_SCALE_TICKET = "fair-scale-ticket"
    RECEIPT = "receipt"
    GOODS_UNTOUCHED = "goods-untouched"
    STALL_PHOTO = "stall-photo"
    SCALE_MARK_PHOTO = "scale-mark-photo"


FAIR_SCALE_STEPS: tuple[Step, ...] = TipBook.load().steps
RECHECK_METHODS: tuple[Method, ...] = TipBook.load().methods
_GO = "商品别动，去附近公平秤去袋复称，连秤的编号一起拍下来。"
_MISSING = {
    Artefact.RECEIPT: "补一张小票或付款截图",
    Artefact.GOODS_UNTOUCHED: "确认商品没有吃、切、拆过",
}
_HELPFUL = {
    Artefact.STALL_PHOTO: "摊位号的照片",
    Artefact.SCALE_MARK_PHOTO: "摊主秤上合格标志的照片",
}


@dataclass(frozen=True, slots=True)
class Level:
    """``number`` of ``HIGHEST``; ``label`` what it stands for; ``next`` what raises it, or what to keep at the top."""

    number: int
    label: str
    next: str


def level(artefacts: Collection[str], *, left: bool = False) -> Level:
    """The level of the evidence there is, in whatever order it came; unknown names count for nothing.

    ``left``: the buyer is no longer near the scale, so that only what can be done from afar is advised.
    """
    number = _number(artefacts)
    return Level(number, TipBook.load().levels[number], _next(number, artefacts, left=left))


def _number(have: Collection[str]) -> int:
    if _fair(have):
        return 5 if not _lacking(have) else 4
    if Artefact.OTHER_SCALE in have or Artefact.FAIR_SCALE_PHOTO in have:
        return 3
    return 2 if Artefact.HOME_SCALE_PHOTO in have else 1


def _fair(have: Collection[str]) -> bool:
    """The fair scale says which one it was: by its ticket or code, or its number in the photo."""
    photo = Artefact.FAIR_SCALE_PHOTO in have and Artefact.FAIR_SCALE_NUMBER in have
    return photo or Artefact.FAIR_SCALE_TICKET in have


def _lacking(have: Collection[str]) -> list[str]:
    return [words for artefact, words in _MISSING.items() if artefact not in have]


def _next(number: int, have: Collection[str], *, left: bool) -> str:
    if number == HIGHEST:
        return _keep(have)
    if number == 4:
        return f"再{'，并'.join(_lacking(have))}，可以到 5/5。"
    if Artefact.FAIR_SCALE_PHOTO in have:
        return "请补拍公平秤上的编号或二维码，可以到 4/5。"
    if left:
        return "这样也可以举报。商品原样留着，补一张小票或付款截图，执法人员可以用标准器核称。"
    return f"{_GO}可以到 4/5；去不了也可以先举报。"


def _keep(have: Collection[str]) -> str:
    helpful = [words for artefact, words in _HELPFUL.items() if artefact not in have]
    more = f"有{'、'.join(helpful)}也可以发。" if helpful else ""
    return f"证据已经很完整，商品和票据请原样留到办结。{more}"
