"""Accounts that join, part and are erased all at once: nobody waits in a circle, and no row is left without its person."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

from sqlalchemy import select

from bot.turns import turns_for
from handlers.conversation.messages import ContactRef
from handlers.turn import Reception
from storage.contacts import Contact, Person
from storage.database import Database
from storage.dialogues import Dialogue
from tests.support import said

ACCOUNTS = ("甲", "乙", "丙")
Say = Callable[[str, str], str]


def live(say: Say, seed: int) -> int:
    """One restless person at all three accounts; how often two of them were joined."""
    chance, joined = random.Random(seed), 0  # noqa: S311 - the same life every run
    for _ in range(15):
        who, other = chance.sample(ACCOUNTS, 2)
        deed = chance.choice(("join", "join", "join", "part", "erase", "ask"))
        if deed == "join":
            # Somebody else may have a question open there, to which 绑定 is the answer.
            code = re.search(r"\d{6}", say(other, "绑定"))
            say(who, f"绑定 {code[0] if code else '000000'}")
            joined += say(who, "1").startswith("绑好了")
        elif deed == "ask":
            say(who, "强检收费吗")
        else:
            say(who, {"part": "解绑", "erase": "删除我的数据"}[deed])
            say(who, "1")
    return joined


def test_nobody_waits_in_a_circle_and_nothing_is_left_over(database: Database, reception: Reception) -> None:
    turns, numbers = turns_for(database, 6), count()

    def say(who: str, text: str) -> str:
        inbound = replace(said(text, f"k{next(numbers)}"), contact=ContactRef("terminal", who))
        return turns.submit(lambda session: reception.turn(session, inbound)).result(30)[-1].reply.text

    with ThreadPoolExecutor(4) as pool:
        joined = sum(pool.map(lambda seed: live(say, seed), range(4)))
    turns.close()
    assert joined > 0
    with database.reading() as session:
        people = set(session.scalars(select(Person.id)))
        assert set(session.scalars(select(Contact.person_id))) == people
        assert set(session.scalars(select(Dialogue.person_id))) <= people
