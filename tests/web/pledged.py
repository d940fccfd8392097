"""Shops that have pledged, as the tests of the public pages begin with them; and the whole application served."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from httpx import Response

from bot.app import Knowledge, Service
from bot.server import create_app
from handlers.cases import steps
from handlers.cases.steps import Desk
from handlers.pledge import cards
from handlers.talk import SHANGHAI, Bench
from knowledge.due_dates import last_day
from knowledge.pledge_number import numbered
from knowledge.pledges import full_text, text_hash
from storage import contacts, links, pledges
from storage.cases import Case, Stall
from storage.database import Session
from storage.ledger import LedgerItem
from storage.pledges import Deed, Pledge, PledgeState
from storage.shops import Shop
from tests.cases import filed
from tests.shops import add, shop
from tests.support import NOW, Browser, StandingClock, service_at

SIGNED = NOW.astimezone(SHANGHAI).date()
LAST = date(2027, 11, 23)
"""The last day of what is signed then."""
OTHER = numbered(2026, 999)
"""A number that was never given out."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a test wants of a shop; ``due_days`` from the day of signing, one instrument each."""

    name: str = "鲜达超市"
    district: str = "鹿城区"
    sector: str = "trade-supermarket"
    due_days: tuple[int, ...] = (200, 200)
    template: str = "honest"
    who: str = "wang"
    more: dict[str, Any] = field(default_factory=dict)


def pledged(bench: Bench, session: Session, now: datetime, traits: Traits | None = None) -> Pledge:
    """A shop with its ledger that signed today."""
    wanted = traits or Traits()
    today = now.astimezone(SHANGHAI).date()
    place = shop(session, now, wanted.who, wanted.name)
    place.district, place.sector = wanted.district, wanted.sector
    for key, value in wanted.more.items():
        setattr(place, key, value)
    for number, days in enumerate(wanted.due_days):
        add(bench, session, place.id, today + timedelta(days=days), now, (f"S{place.id}-{number}",))
    return sign(bench, session, place, now, wanted.template)


def sign(bench: Bench, session: Session, place: Shop, now: datetime, template: str = "honest") -> Pledge:
    today = now.astimezone(SHANGHAI).date()
    kind: Any = template
    text = bench.pledge_book.text_for(kind, place.sector, today)
    row = Pledge(
        number=numbered(today.year, pledges.next_serial(session, today.year)),
        shop_id=place.id,
        shop_name=place.name,
        template=template,
        text_version=text.reference,
        text_hash=text_hash(text),
        text=full_text(text),
        declared={},
        contact_id=None,
        signed_on=today,
        valid_until=last_day(today, text.valid_months),
    )
    return pledges.sign(session, row, now)


def become(session: Session, number: str, to: PledgeState, now: datetime, cause: str = "", text: str = "") -> None:
    found = pledges.by_number(session, number)
    assert found is not None
    pledges.move(session, found[0], to, Deed("staff:1", f"pledge.{to}", text, cause), now)


def card_link(bench: Bench, session: Session, number: str) -> str:
    """The address in the code of the pledge's card."""
    found = pledges.by_number(session, number)
    assert found is not None
    return cards.printed(bench, session, *found).link


def card_token(session: Session, number: str, size: str, who: str, now: datetime) -> str:
    """What stands behind ``/files/`` in the link to a card, as its owner is given it."""
    found = pledges.by_number(session, number)
    assert found is not None
    owner = contacts.get_or_create(session, "terminal", who, now)
    about = {"shop": found[1].id, "pledge": found[0].id, "size": size}
    return links.new(session, cards.CARD, owner.id, about, now)


def confirm_violation(bench: Bench, session: Session, shop_id: int, now: datetime, who: str = "", **told: str) -> Case:
    """A report on a shop, taken in and closed: it was right."""
    stall = Stall(name="城西菜场 A12", shop_id=shop_id, created_at=now)
    session.add(stall)
    session.flush()
    case = filed(bench, session, now, who=who, stall_id=stall.id, **told)
    desk = Desk(bench, session, "staff:1", now)
    steps.accept(desk, case)
    steps.close(desk, case, bench.casebook.outcome("report", 1), "现场核查属实，已处罚。", "市监罚〔2026〕1号")
    return case


class Served:
    """The whole application on a free loopback port, its cards' codes leading to it."""

    def __init__(self, service: Service) -> None:
        self.service, self.bench = service, service.reception.bench
        app = create_app(service, clock=False, worker=False)
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


class Wall:
    """A service with one pledge on a wall, and a browser before its page."""

    def __init__(self, service: Service, clock: StandingClock) -> None:
        self.service, self.clock = service, clock
        self.bench = service.reception.bench
        self.number, self.shop_id = self.pledge()
        with service.database.unit() as session:
            self.link = card_link(self.bench, session, self.number)
        self.signature = urlsplit(self.link).query.removeprefix("s=")
        self.browser = Browser(create_app(service, clock=False, worker=False))

    def pledge(self, traits: Traits | None = None) -> tuple[str, int]:
        with self.service.database.unit() as session:
            row = pledged(self.bench, session, self.clock.now, traits)
            return row.number, row.shop_id

    def look(self, number: str = "", query: str = "") -> Response:
        return self.browser.get(f"/v/{number or self.number}{query}")

    def on(self, day: date) -> None:
        self.clock.now = NOW + (day - SIGNED)

    def become(self, to: PledgeState, cause: str = "", text: str = "") -> None:
        with self.service.database.unit() as session:
            become(session, self.number, to, self.clock.now, cause, text)

    def verify_again(self, days: int) -> None:
        """Every instrument of the shop gets a new date."""
        today = self.clock.now.astimezone(SHANGHAI).date()
        with self.service.database.unit() as session:
            for row in session.query(LedgerItem).filter_by(shop_id=self.shop_id):
                row.due_on = today + timedelta(days=days)


@contextmanager
def hung(folder: Path, template: Path, knowledge: Knowledge) -> Iterator[Wall]:
    """A wall on a fresh database, with the clock standing still."""
    service = service_at(folder, template, knowledge)
    with StandingClock() as clock:
        wall = Wall(service, clock)
        yield wall
        wall.browser.close()
    service.close()


def state_of(page: Response) -> str:
    """The large word, and what is said below it."""
    head = page.text.split('role="status"')[1].split("</div>")[0]
    return " ".join(re.findall(r'class="(?:word|soon)">([^<]*)<', head))
