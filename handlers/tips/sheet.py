"""The tip as it stands in the form: what was told, put together from all its parts, and what that makes of it.

A form sees only answers, no clock: the day the form was opened is one of them, so that 昨天 keeps its meaning in a draft.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain

from handlers.conversation.forms import Answers
from handlers.conversation.messages import Place
from handlers.tips import parts
from handlers.tips.parts import Part
from knowledge import evidence_level
from knowledge.evidence_level import Artefact, Level
from knowledge.judging import Judgement, Verdict, judge
from knowledge.private_words import hide
from knowledge.tip_categories import TipBook
from knowledge.tips import Category, Told, merge, read_tip, read_where

SOME_DAY = date(2026, 11, 22)
"""For a form begun anew, which was not told the day: it only decides what to ask next."""
SEEN = "（见照片）"
OTHER = "other"
WEIGHED = frozenset(("short-weight", "cheating-scale", "no-mark", "units"))
"""Categories in which weighing again on another scale makes evidence."""
MOST_MATTER = 200
PACKING = {"net": "称的时候去了袋子和冰", "gross": "连袋一起称的"}
_BEFORE_MORE = ("sent", "story", "first", "where", "what")
_ARTEFACTS = {
    Artefact.FAIR_SCALE_TICKET: ("公平秤票", "公平秤小票", "复秤票", "复秤单", "复秤小票"),
    Artefact.FAIR_SCALE_NUMBER: ("公平秤编号", "秤的编号", "秤编号"),
    Artefact.FAIR_SCALE_PHOTO: ("公平秤",),
    Artefact.OTHER_SCALE: ("另一台", "别的秤", "隔壁的秤", "隔壁摊", "其他摊"),
    Artefact.RECEIPT: ("小票", "付款截图", "付款记录", "收据", "发票", "支付截图"),
    Artefact.GOODS_UNTOUCHED: ("没动", "未动", "没拆", "原样"),
}
"""Words by which a person says what their pictures show."""


@dataclass(frozen=True)
class Sheet:
    """``day``: when the story was told. ``given``: every part in the order it came."""

    told: Told
    day: date
    given: tuple[Part, ...]
    extras: tuple[str, ...]
    said: str
    """The answer to what it is about, when it was asked for."""
    shown: tuple[str, ...] = ()
    """Artefacts of evidence that a guided weighing established."""

    @cached_property
    def files(self) -> list[tuple[str, str]]:
        return parts.files(self.given)

    @cached_property
    def point(self) -> Place | None:
        return parts.point(self.given)

    @cached_property
    def words(self) -> list[str]:
        return [*parts.texts(self.given), *self.extras]

    @cached_property
    def where(self) -> str:
        """In words, with the point on the map where nothing else was said."""
        if self.told.where:
            return hide(self.told.where).text
        return (self.point.label or "地图上的位置") if self.point is not None else ""

    @cached_property
    def category(self) -> Category:
        return TipBook.load().category(self.told.category or OTHER)

    @cached_property
    def matter(self) -> str:
        """What it is about in a few words; a person's own words where none of ours fit."""
        return self.told.what or self.said

    @cached_property
    def judgement(self) -> Judgement | None:
        """The verdict on the figures told; None when there are not enough of them."""
        found = judge(self.told.sale, self.day)
        return None if found.verdict is Verdict.INCOMPLETE else found

    @cached_property
    def level(self) -> Level:
        return evidence_level.level(self.artefacts)

    @property
    def stronger(self) -> str:
        """What would raise the level; a scale helps with what is weighed loose only."""
        return self.level.next if self.category.id in WEIGHED else "有票据、付款截图也可以发。"

    @cached_property
    def artefacts(self) -> frozenset[str]:
        """What there is to show. Words make evidence only of what was also sent: a claim alone stays level 1."""
        if not any(kind in ("image", "video", "file") for _, kind in self.files):
            return frozenset(self.shown)
        said = "。".join(self.words)
        named = {name for name, words in _ARTEFACTS.items() if any(word in said for word in words)}
        return frozenset({*named, *self.shown} or {Artefact.HOME_SCALE_PHOTO})


def sheet(answers: Answers, today: date | None = None) -> Sheet:
    """``today`` counts where the form was not told the day."""
    day = date.fromisoformat(answers["day"]) if answers.get("day") else today or SOME_DAY
    given = tuple(chain(*(answers.get(name) or () for name in (*_BEFORE_MORE, "more"))))
    extras = tuple(str(answers[name]) for name in ("extra1", "extra2") if answers.get(name))
    packing = PACKING.get(str(answers.get("packing") or ""))
    return Sheet(
        _told(answers, day),
        day,
        given,
        (*extras, packing) if packing else extras,
        (parts.texts(answers["what"]) or [SEEN])[0][:MOST_MATTER] if answers.get("what") else "",
        tuple(answers.get("shown") or ()),
    )


def _told(answers: Answers, day: date) -> Told:
    story = [text for name in ("story", "first", "what") for text in parts.texts(answers.get(name) or ())]
    told = read_tip("，".join(story), day)
    return merge(told, _where(answers["where"])) if answers.get("where") else told


def _where(given: list[Part]) -> Told:
    """The answer to where: in words, on the map, or only to be seen on a photo."""
    said = "，".join(parts.texts(given))
    place = parts.point(given)
    return read_where(said or (place.label if place is not None else "") or SEEN)


# -- what is still to be asked ------------------------------------------------------------------------------------


def is_silent(answers: Answers) -> bool:
    """The story came as pictures only: words may follow with more of them."""
    return bool(answers.get("story")) and not parts.texts(answers["story"])


def lacks_where(answers: Answers) -> bool:
    return not sheet({k: v for k, v in answers.items() if k != "where"}).where


def is_placeless(answers: Answers) -> bool:
    """Where was asked and nobody could say: nothing more is asked, for nobody could go and look."""
    return "where" in answers and not answers["where"] and lacks_where(answers)


def lacks_what(answers: Answers) -> bool:
    return not sheet({k: v for k, v in answers.items() if k != "what"}).matter
