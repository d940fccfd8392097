"""T24: officers' time. Ten thousand tips of five hundred accounts leave three a day of each, and room for a real one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from time import perf_counter
from typing import Any

from sqlalchemy import func, select

from bot.app import Knowledge
from handlers.conversation.messages import ContactRef, Inbound
from handlers.conversation.state import DialogueState
from handlers.desk import build_desk
from handlers.talk import Talk
from handlers.tips import opening
from handlers.tips.filing import MOST_A_DAY
from handlers.turn import Reception
from storage import contacts, dialogues
from storage.cases import Case
from storage.contacts import Contact
from storage.database import Database, Session
from storage.dialogues import Dialogue
from tests.support import NOW, bench_of
from tests.tips import QuickMint, Town

USERS = {"sqlite": 500, "postgresql": 40}
"""The same rule on both; the ten thousand where they take the least time."""
EACH, AT_ONCE = 20, 20
SOON = 2.0
"""Seconds in which a real tip is taken in the middle of it."""


def test_T24_a_flood_is_cut_off_and_a_real_tip_gets_through(database: Database, knowledge: Knowledge) -> None:
    bench = bench_of(knowledge)
    object.__setattr__(bench, "receipts", QuickMint())
    reception = Reception(build_desk(), bench)
    users = USERS[database.engine.dialect.name]
    refused = sum(_flood(database, reception, range(first, first + AT_ONCE)) for first in range(0, users, AT_ONCE))
    assert refused == users * (EACH - MOST_A_DAY)
    with database.reading() as session:
        assert session.scalar(select(func.count(Case.id))) == users * MOST_A_DAY
    here = Town(database, reception)
    begun = perf_counter()
    assert here.tell("real", at=NOW + timedelta(seconds=1))[0].text.startswith("已收到 ✔")
    assert perf_counter() - begun < SOON


def _flood(database: Database, reception: Reception, who: range) -> int:
    """Everybody hands in as often as they can; how many were turned away."""
    with database.unit() as session:
        people = [(n, *_person(session, f"fake{n}")) for n in who]
        said = [
            opening.submit(_talk(reception, session, person), _answers(f"第{n % 40}菜场{turn}号摊少称2两"))
            for turn in range(EACH)
            for n, *person in people
        ]
    return sum(replies[0].text.startswith("您今天已有 3 件在办") for replies in said)


def _person(session: Session, name: str) -> tuple[Contact, Dialogue]:
    contact = contacts.get_or_create(session, "terminal", name, NOW)
    return contact, dialogues.lock(session, contact.person_id, NOW)


def _talk(reception: Reception, session: Session, person: Sequence[Any]) -> Talk:
    contact, row = person
    inbound = Inbound(ContactRef(contact.channel, contact.external_id), "flood", NOW, "1")
    return reception._talk(session, inbound, contact, row, DialogueState())  # noqa: SLF001 - ten thousand whole turns take minutes


def _answers(story: str) -> dict[str, object]:
    return {"day": "2026-11-24", "story": [{"text": story}], "kind": "anonymous"}
