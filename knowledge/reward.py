"""Rewards for reports (举报奖励): who may get one, how much, and what to say when a case ends with a penalty.

Rule: 市场监管领域重大违法行为举报奖励暂行办法 (国市监稽规〔2021〕4号, since 2021-12-01). It rewards grave violations only, so
nothing here promises money: the bureau decides, by the rules of the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError

from knowledge.files import DATA, DataError, load_yaml
from knowledge.library import Confidence, Fact

FILE = "reward.yaml"
CENT = Decimal("0.01")


class Sourced(Fact):
    sources: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence


class RewardRule(Sourced):
    name: str
    number: str
    since: date


class Level(Sourced):
    """``percent`` of the fine and what was confiscated (罚没款); never below ``floor_yuan``."""

    level: int = Field(ge=1, le=3)
    name: str
    percent: Decimal = Field(gt=0, lt=100)
    floor_yuan: Decimal = Field(gt=0)
    when: str


class Said(Sourced):
    text: str


class Question(Sourced):
    """``wanted``: the answer that leaves a reward possible; ``otherwise``: what the other answer means."""

    id: str
    ask: str
    wanted: bool
    otherwise: str


class Rewards(Fact):
    """All that is known of rewards."""

    rule: RewardRule
    levels: tuple[Level, ...] = Field(min_length=3, max_length=3)
    cap_yuan: Decimal
    cap_sources: tuple[str, ...] = Field(min_length=1)
    claim: Said
    anonymous: Said
    questions: tuple[Question, ...]

    @classmethod
    def load(cls, path: Path = DATA / FILE) -> Rewards:
        """``DataError`` names what is wrong."""
        return _load(path)

    @property
    def law(self) -> str:
        return f"{self.rule.name}（{self.rule.number}）"


@cache
def _load(path: Path) -> Rewards:
    try:
        return Rewards.model_validate(load_yaml(path))
    except ValidationError as error:
        raise DataError(f"{path.name}：{error}") from None


class Chance(StrEnum):
    POSSIBLE = "possible"
    NONE = "none"
    OPEN = "open"
    """Not all questions are answered and no answer rules it out."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``against``: ids of the questions whose answers rule a reward out; ``text``: the sentence for the reporter."""

    chance: Chance
    against: tuple[str, ...]
    text: str


def questions() -> tuple[Question, ...]:
    """The checklist, each to be answered by yes or no."""
    return Rewards.load().questions


def eligible(answers: Mapping[str, bool]) -> Verdict:
    """Whether a reward is possible, by answers to ``questions`` by their ids; those not answered stay open."""
    asked = questions()
    against = [q for q in asked if q.id in answers and answers[q.id] is not q.wanted]
    if against:
        return Verdict(Chance.NONE, tuple(q.id for q in against), _not_eligible(against))
    missing = [q for q in asked if q.id not in answers]
    if missing:
        return Verdict(Chance.OPEN, (), f"还不能判断，请再回答：{missing[0].ask}")
    return Verdict(Chance.POSSIBLE, (), _possible())


def estimate(taken_yuan: Decimal) -> dict[int, Decimal]:
    """Yuan by level for a fine and confiscation of so many yuan: the percentage, at least the floor (which also holds
    where nothing was fined), at most the cap. ``ValueError`` below 0."""
    if not taken_yuan >= 0:
        raise ValueError("what was fined and confiscated cannot be below 0")
    known = Rewards.load()
    return {
        row.level: min(max((taken_yuan * row.percent / 100).quantize(CENT), row.floor_yuan), known.cap_yuan)
        for row in known.levels
    }


def explain() -> str:
    """举报奖励 in one screen: what is rewarded, how much, who is left out, what an anonymous reporter needs."""
    known = Rewards.load()
    levels = "；".join(
        f"{row.name} {_plain(row.percent)}%，不低于 {_plain(row.floor_yuan)} 元（{row.when}）" for row in known.levels
    )
    return "\n".join(
        (
            "举报奖励只给重大违法行为；一般缺斤短两罚没额小，通常够不上。",
            "重大违法：涉嫌犯罪，或者被停产停业、责令关闭、吊销许可、较大数额罚没等；多大算较大看本地细则。",
            f"按罚没款算：{levels}。没有罚没款的也按这个最低数。每案最多 {_wan(known.cap_yuan)}。",
            "条件：对象明确、有具体事实和关键证据、事先没被掌握、查实并结案。",
            "不给的：市场监管人员和有法定监督、报告义务的人，吃亏的一方及其代理人、利害关系人，违法的人（内部举报人除外），从其他经营者拿过报酬的。",
            f"{known.anonymous.text}。",
            f"{known.claim.text}。",
            f"依据：{known.law}。",
        )
    )


def claim_reminder(number: str) -> str:
    """What a reporter is told when the case of this number has ended with a penalty."""
    known = Rewards.load()
    return (
        f"{number} 已作处罚，您可以问承办人能不能申请举报奖励。\n"
        "只有重大违法行为才有奖励，一般缺斤短两通常够不上；吃亏的一方不给奖励，可以走投诉要求退赔。\n"
        f"请留好举报回执：{known.anonymous.text}。{known.claim.text}。\n"
        f"依据：{known.law}。"
    )


def _not_eligible(against: list[Question]) -> str:
    reasons = "；".join(q.otherwise for q in against)
    return f"按您的回答，这件事拿不到举报奖励：{reasons}。\n线索仍会核查。依据：{Rewards.load().law}。"


def _possible() -> str:
    known = Rewards.load()
    return (
        "您可能符合举报奖励的条件，最后由本局在查实、结案后认定。\n"
        "只奖重大违法行为，一般缺斤短两罚没额小，通常够不上。\n"
        f"请留好举报回执；{known.anonymous.text}。\n依据：{known.law}。"
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _wan(yuan: Decimal) -> str:
    return f"{_plain(yuan / 10000)} 万元"
