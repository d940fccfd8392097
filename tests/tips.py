"""People who tell of short weight, as the tests of tip-offs begin with them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import func, select

from handlers.cases import steps
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Reply, Way
from handlers.conversation.state import DialogueState
from handlers.talk import Bench, Office
from handlers.turn import Reception
from knowledge.receipt_code import read
from storage import case_links, cases, contacts, dialogues, identities
from storage.audit import AuditEntry
from storage.base import Base
from storage.cases import Case, CaseEvent, CaseFile
from storage.database import Database, Session
from storage.identities import Holder
from tests.officers import Room
from tests.support import NOW

STORY = "城西菜场A12少称2两"
REASON = "用标准器核称，未发现超差，证据不足以认定"


class QuickMint:
    """Receipts without the slow hash: what is tested with it is not the receipt."""

    def take(self) -> tuple[str, str]:
        digits = f"{secrets.randbelow(10**16):016d}"
        return digits, hashlib.sha256(digits.encode()).hexdigest()


class Town(Room):
    """Reporters on any channel; their photos are files that were kept already."""

    def say(
        self, who: str, text: str, at: datetime = NOW, channel: str = "terminal", photos: int = 0, **more: Any
    ) -> list[Reply]:
        self.count += 1
        ways = {"wechat": Way.PASSIVE, "telegram": Way.PUSH}
        inbound = Inbound(
            ContactRef(channel, who),
            f"k{self.count}",
            at,
            text,
            attachments=tuple(photo(f"{self.count}-{n}") for n in range(photos)),
            way=ways.get(channel, Way.PULL),
        )
        with self.database.unit() as session:
            return [line.reply for line in self.reception.turn(session, replace(inbound, **more))]

    def tell(self, who: str, story: str = STORY, way: str = "1", **more: Any) -> list[Reply]:
        """File a tip in three messages; what is said at the end."""
        self.say(who, story, **more)
        self.say(who, "完成", **more)
        return self.say(who, way, **more)

    def number(self, replies: Sequence[Reply]) -> str:
        found = re.search(r"TS-\d{6}-\d{4}", replies[0].text)
        assert found is not None, replies
        return found[0]

    def receipt(self, replies: Sequence[Reply]) -> str:
        found = read(replies[1].text.partition("，")[0])
        assert found is not None
        assert not found.mistyped
        return replies[1].text.partition("，")[0].removeprefix("回执码 ")

    def row(self, number: str) -> Case:
        return self.case(number[-4:])

    def act(self, who: str, action: str) -> list[Reply]:
        """An action as if its option had been offered: what a forged button would try."""
        self.count += 1
        with self.database.unit() as session:
            inbound = Inbound(ContactRef("terminal", who), f"act{self.count}", NOW, "菜单")
            contact = contacts.get_or_create(session, "terminal", who, NOW)
            dialogue = dialogues.lock(session, contact.person_id, NOW)
            talk = self.reception._talk(session, inbound, contact, dialogue, DialogueState())  # noqa: SLF001 - no option is open
            return self.reception.desk.act(talk, f"tips:{action}")

    def work(self, number: str, *deeds: str, now: datetime = NOW) -> None:
        """What staff do to a case: ``accept``, ``close``, ``refuse``, ``ask``, ``offer``, ``pause``."""

        def do(session: Session) -> None:
            case = cases.by_number(session, number)
            assert case is not None
            desk = steps.Desk(self.bench, session, "staff:1", now, "officer")
            for deed in deeds:
                _DEEDS[deed](desk, case)

        self.do(do)

    def everything(self, *without: str) -> str:
        """All that stands in the database, as text."""
        with self.database.reading() as session:
            return "\n".join(
                str(tuple(row))
                for table in Base.metadata.sorted_tables
                if table.name not in without
                for row in session.execute(select(table))
            )


def _offer(desk: steps.Desk, case: Case) -> None:
    deed = cases.Deed("merchant", "merchant.offered", "愿意退 56 元", detail={"amount": "56"})
    cases.happen(desk.session, case, deed, desk.now)


_DEEDS = {
    "accept": steps.accept,
    "close": lambda desk, case: steps.close(desk, case, desk.bench.casebook.outcome(case.kind, 3), REASON),
    "refuse": lambda desk, case: steps.refuse(desk, case, desk.bench.casebook.ground(case.kind, 1, case.received_on)),
    "ask": lambda desk, case: steps.ask(desk, case, "当时付的是现金还是扫码？"),
    "visit": lambda desk, case: steps.visit(desk, case, "现场复称超差 40 克"),
    "pause": lambda desk, case: steps.pause(desk, case, "verification", "送检"),
    "transfer": lambda desk, case: steps.transfer(desk, case, "公安机关"),
    "offer": _offer,
}


def photo(name: str) -> Attachment:
    return Attachment(AttachmentKind.IMAGE, hashlib.sha256(name.encode()).hexdigest(), "image/png", 10, "x.png")


def custodians(session: Session, count: int = 2) -> list[Holder]:
    keys = [PrivateKey.generate() for _ in range(count)]
    return [
        Holder(identities.appoint(session, f"保管人{n}", bytes(key.public_key), NOW), key) for n, key in enumerate(keys)
    ]


def opened(session: Session, holders: Sequence[Holder], case_id: int) -> list[dict[str, str]]:
    """The identities of a case, as two custodians together see them."""
    reveal = identities.ask_reveal(session, case_id, holders[0], "核对举报人身份以发放奖励", NOW)
    return identities.open_reveal(session, reveal.id, holders[1], NOW)


def town(database: Database, reception: Reception, office: Office | None = None) -> Town:
    if office is None:
        return Town(database, reception)
    return Town(database, replace(reception, bench=_with_office(reception.bench, office)))


def _with_office(bench: Bench, office: Office) -> Bench:
    return Bench(bench.library, bench.matcher, bench.calendar, bench.plans, office, bench.vault, bench.files)


def wants_news(session: Session, case_id: int) -> int:
    """How many ties of a case have somewhere to send news to."""
    found = select(case_links.CaseLink).where(case_links.CaseLink.case_id == case_id)
    return sum(bool(row.address) for row in session.scalars(found))


def labels(replies: list[Reply]) -> list[str]:
    return [choice.label for choice in replies[-1].choices]


def filed(here: Town, who: str = "a", *, news: bool = False) -> str:
    number = here.number(here.tell(who))
    here.say(who, "1" if news else "2")
    return number


def complained(here: Town, who: str = "a") -> str:
    here.do(custodians)
    here.say(who, STORY)
    here.say(who, "完成")
    for word in ("3", "金丝雀", "13912345678"):
        here.say(who, word)
    return here.number(here.say(who, "2"))


def counts(here: Town) -> tuple[int, ...]:
    with here.database.reading() as session:
        tables = (CaseEvent.id, AuditEntry.seq, CaseFile.id, case_links.CaseLink.id)
        return tuple(session.scalar(select(func.count(column))) or 0 for column in tables)
