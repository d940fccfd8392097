"""举报奖励: what it is, and whether a report may qualify, by a few questions."""

from __future__ import annotations

from typing import Any

from handlers.conversation.forms import Field, Form
from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk
from knowledge import reward

CHECK = Choice("看看我够不够条件", "tips:reward-check")
TIP = Choice("我要举报", "tips:start")


def _reward_form() -> Form:
    """One question a row of the checklist."""
    yes_no = (("是", True), ("不是", False))
    fields = tuple(Field(row.id, ask=row.ask, choices=yes_no) for row in reward.questions())
    return Form("tip-reward", version=1, title="举报奖励", fields=fields, keep=False)


REWARD = _reward_form()


def explain(_talk: Talk, _rest: str = "") -> list[Reply]:
    return [Reply(reward.explain(), (CHECK, TIP))]


def check(talk: Talk, _rest: str = "") -> list[Reply]:
    return talk.open_form(REWARD.name)


def submit(_talk: Talk, answers: dict[str, Any]) -> list[Reply]:
    return [Reply(reward.eligible(answers).text, (TIP, Choice("看菜单", "menu:")))]
