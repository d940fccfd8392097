"""The conversations of ``flows/officers/`` on every channel: who talks in them is staff, or has a shop that was told.

They are apart from the others because somebody must have enrolled the person, and filed the cases, before they begin.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import Knowledge, Service
from handlers.cases import steps
from handlers.conversation.messages import ContactRef, Inbound
from handlers.conversation.paging import CHOICE_BYTES, SCREEN_BYTES, size
from handlers.conversation.state import DialogueState
from handlers.officers.access import Duty
from handlers.officers.notifying import notify
from storage import contacts, dialogues, shops, staff
from storage.cases import Case, CaseKind
from storage.contacts import Contact
from storage.database import Session
from storage.shops import Shop
from storage.staff import StaffRole
from tests import test_flows
from tests.officers import case
from tests.support import service_at
from tests.talks import FLOWS, Terminal, Web, check, parse, play

clock, web, wechat_api, telegram_api = test_flows.clock, test_flows.web, test_flows.wechat_api, test_flows.telegram_api
on_wechat, on_telegram = test_flows.on_wechat, test_flows.on_telegram

Scene = Callable[[Service, Session, Contact, datetime], None]
NAMES = (("张三", "城西所"), ("李四", "城东所"))


# -- before they begin --------------------------------------------------------------------------------------------


def _officers(session: Session, now: datetime) -> list[staff.StaffMember]:
    return [staff.add(session, name, office, StaffRole.OFFICER, now) for name, office in NAMES]


def leader(tips: int) -> Scene:
    """The person leads two officers; so many tips have come in."""

    def scene(service: Service, session: Session, person: Contact, now: datetime) -> None:
        _officers(session, now)
        staff.add(session, "王五", "", StaffRole.LEADER, now).contact_id = person.id
        for n in range(1, tips + 1):
            case(session, service.reception.bench, now=now, market=f"城{'东西'[n % 2]}菜场", stall_no=f"A{n}")

    return scene


def officer(service: Service, session: Session, person: Contact, now: datetime) -> None:
    """The person is 张三, who has one tip."""
    zhang, _ = _officers(session, now)
    zhang.contact_id = person.id
    case(session, service.reception.bench, now=now, stall_no="A1").officer_id = zhang.id


def merchant(service: Service, session: Session, person: Contact, now: datetime) -> None:
    """The person has a shop that was told of a complaint, which 张三 accepted."""
    zhang, _ = _officers(session, now)
    account = contacts.get_or_create(session, "terminal", "zhang", now)
    zhang.contact_id = account.id
    shops.found(session, Shop(name="鲜达超市", created_at=now), person.person_id, now)
    row = case(session, service.reception.bench, CaseKind.COMPLAINT, now=now, stall_no="A1")
    row.officer_id = zhang.id
    inbound = Inbound(ContactRef(account.channel, account.external_id), "notify", now, "")
    dialogue = dialogues.lock(session, account.person_id, now)
    talk = service.reception._talk(session, inbound, account, dialogue, DialogueState())  # noqa: SLF001 - a turn by hand
    duty = Duty(talk, zhang)
    steps.accept(duty.desk, session.get_one(Case, row.id))
    notify(duty, row, "鲜达超市")


SCENES: dict[str, Scene] = {
    "t1-triage": leader(10),
    "t1-why": leader(2),
    "t2-accept": officer,
    "t2-refuse": officer,
    "t3-close": officer,
    "t3-close-in-two": officer,
    "t3-close-proof": officer,
    "merchant-explain": merchant,
    "merchant-offer": merchant,
}
TALKS = [pytest.param(path, id=path.stem) for path in sorted((FLOWS / "officers").glob("*.talk"))]


def set_up(path: Path, stage: Any) -> Any:
    """The scene is set as soon as the person has opened the conversation and so is known."""
    opened = stage.open

    def open_(at: datetime) -> Any:
        shown = opened(at)
        with stage.service.database.unit() as session:
            person = session.scalars(select(Contact).order_by(Contact.id)).first() or _met(session, stage, at)
            SCENES[path.stem](stage.service, session, person, at)
        return shown

    stage.open = open_
    return stage


def _met(session: Session, stage: Terminal, at: datetime) -> Contact:
    return contacts.get_or_create(session, stage.person.channel, stage.person.external_id, at)


# -- on every channel ---------------------------------------------------------------------------------------------


def test_every_conversation_has_a_scene() -> None:
    assert sorted(SCENES) == sorted(path.stem for path in (FLOWS / "officers").glob("*.talk"))


@pytest.fixture
def terminal(tmp_path: Path, empty_file: Path, knowledge: Knowledge):
    service = service_at(tmp_path / "data", empty_file, knowledge)
    yield Terminal(service)
    service.close()


@pytest.mark.parametrize("path", TALKS)
def test_in_the_terminal_and_within_the_narrowest_screen(path: Path, terminal: Terminal) -> None:
    talk = parse(path)
    played = list(play(talk, set_up(path, terminal)))
    check(talk, played)
    for reply in (reply for one in played for reply in one.replies):
        labels = [choice.label for choice in reply.choices]
        assert size(reply.text) + sum(size(label) + CHOICE_BYTES for label in labels) <= SCREEN_BYTES, reply.text
        assert len(set(labels)) == len(labels)
        assert all(0 < len(label) <= 20 for label in labels), labels


@pytest.mark.parametrize("taps", [False, True])
@pytest.mark.parametrize("path", TALKS)
def test_in_the_web_chat(path: Path, web: Web, taps: bool) -> None:  # noqa: FBT001 - a parameter of the test
    talk = parse(path)
    web.taps = taps
    check(talk, play(talk, set_up(path, web)))


@pytest.mark.parametrize("path", TALKS)
def test_on_wechat(path: Path, on_wechat: Any) -> None:
    test_flows.check_on_wechat(parse(path), set_up(path, on_wechat))


@pytest.mark.parametrize("path", TALKS)
def test_on_telegram(path: Path, on_telegram: Any) -> None:
    test_flows.check_on_telegram(parse(path), set_up(path, on_telegram))
