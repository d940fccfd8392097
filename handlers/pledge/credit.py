"""信用等级: a shop's class with its reasons, and the way up. What the ledger and the pledge show counts of itself."""

from __future__ import annotations

from datetime import date

from handlers.conversation.messages import Choice, Reply
from handlers.pledge.standing import LIVE
from handlers.talk import Talk
from knowledge.grading import Grade, ScoreEvent, explain, grade
from storage import pledges
from storage.database import Session
from storage.shops import Membership

CONFIRMED_BY = ("staff:", "system", "command")
"""Who adds an entry: staff, or the closing of a case by them. Nobody else can."""


def mine(talk: Talk, place: Membership, _rest: str = "") -> list[Reply]:
    found = grade_of(talk.session, place.shop.id, talk.today)
    choices = (Choice("申诉", "pledge:appeal/score"), Choice("我的承诺", "pledge:mine"))
    return [Reply(f"{place.shop.name}\n{explain(found)}", choices)]


def grade_of(session: Session, shop_id: int, today: date) -> Grade:
    """A shop's class today: its account, and what can be seen of itself."""
    rows = [
        ScoreEvent(row.rule, row.happened_on, row.note, confirmed=row.actor.startswith(CONFIRMED_BY))
        for row in pledges.scores(session, shop_id)
    ]
    return grade([*rows, *_seen(session, shop_id, today)], today)


def _seen(session: Session, shop_id: int, today: date) -> list[ScoreEvent]:
    found = []
    row = pledges.latest(session, shop_id)
    if row is not None and pledges.status_on(row, today) in LIVE:
        found.append(ScoreEvent("pledged", today))
    standing = pledges.standing(session, shop_id, today)
    if standing.must and standing.valid == standing.must:
        found.append(ScoreEvent("verified", today))
    if standing.long_overdue:
        found.append(ScoreEvent("overdue", today, f"{standing.long_overdue} 台"))
    return found
