"""The pledge as one service of the desk, on the shop's side: its words, its forms, and which role each action needs."""

from __future__ import annotations

from typing import Any

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.router import Service
from handlers.ledger import members
from handlers.ledger.files import current
from handlers.ledger.service import GOES_ON, TOO_LOW
from handlers.ledger.shops import register
from handlers.pledge import applying, signing
from handlers.pledge.actions import ACTIONS
from handlers.talk import Talk
from storage import pledges, shops
from storage.shops import Membership, Role, use

WORDS = {
    "start": ("承诺", "诚信承诺", "签承诺", "诚信计量承诺", "/pledge"),
    "declare": ("能力声明", "计量能力声明", "企业计量能力自我声明"),
    "mine": ("我的承诺", "承诺状态"),
    "grade": ("信用等级", "我的等级", "信用分", "怎么升级"),
    "demonstration": ("示范单位", "申请示范单位", "申报示范单位"),
}
FIRST = frozenset(WORDS)
"""What can be begun with; the rest is about a pledge that is there."""


def act(talk: Talk, action: str) -> list[Reply]:
    verb, _, rest = action.partition("/")
    place = _place(talk, verb, rest)
    if place is None:
        return register(talk, then=f"{GOES_ON}{verb}" if verb in FIRST else "")
    least, work = ACTIONS[verb]
    if not place.role.covers(least):
        text = TOO_LOW.format(members.ROLES[least], place.shop.name, members.ROLES[place.role])
        return [Reply(text, (Choice("我的承诺", "pledge:mine"),))]
    return work(talk, place, rest)


def _place(talk: Talk, verb: str, rest: str) -> Membership | None:
    """The shop whose pledge is named, if the person belongs to it; else the shop used last."""
    number = rest.partition("/")[0]
    if verb in ("renew", "appeal", "card", "end") and number.isdecimal():
        shop_id = pledges.shop_of(talk.session, int(number))
        place = shops.membership(talk.session, talk.person_id, shop_id) if shop_id is not None else None
        if place is not None:
            use(talk.session, place.member, talk.now)
            return place
    return current(talk)


def submit(talk: Talk, form: str, answers: dict[str, Any]) -> list[Reply]:
    named = answers.get("shop")
    place = shops.membership(talk.session, talk.person_id, named) if named else current(talk)
    if place is None or not place.role.covers(Role.MANAGER):
        return [Reply("您现在不能代表这家店签，请找店主。")]
    if form == applying.APPEAL.name:
        return applying.appealed(talk, place, answers)
    if form == applying.APPLY.name:
        return applying.applied(talk, place, answers)
    return signing.signed(talk, place, form, answers)


SERVICE: Service[Talk] = Service(
    "pledge",
    act,
    forms=(signing.PLEDGE, signing.DECLARE, applying.APPEAL, applying.APPLY),
    submit=submit,
    commands={word: verb for verb, words in WORDS.items() for word in words},
    personal=True,
)
