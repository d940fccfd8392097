"""/t and /t/verify: what a receipt shows, what it never shows, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import Response
from sqlalchemy import select

from bot.app import Knowledge, Service
from bot.progress import ProgressDesk
from bot.server import create_app
from bot.web.progress import create_progress_router
from handlers.cases import steps
from handlers.cases.steps import Desk
from knowledge.receipt_code import with_check
from storage import case_links, cases
from storage.case_links import GUESSES_A_DAY, ReceiptGuess
from storage.cases import Case, CaseKind, CaseState
from tests.cases import RECEIPT, filed, with_receipt
from tests.support import NOW, Browser, StandingClock, service_at

WRITTEN = with_check(RECEIPT)
WRONG = with_check("1111222233334444")
CANARIES = ("canary-told", "canary-market", "canary-stall", "canary-shop", "canary-matter", "canary-goods")


class Desktop:
    """A service with one case, and a browser before its pages."""

    def __init__(self, service: Service, clock: StandingClock) -> None:
        self.service, self.clock = service, clock
        self.bench = service.reception.bench
        told, market, stall, shop, matter, goods = CANARIES
        with service.database.unit() as session:
            case = filed(
                self.bench,
                session,
                NOW,
                told=told,
                market=market,
                stall_no=stall,
                shop=shop,
                matter=matter,
                goods=goods,
            )
            with_receipt(self.bench, session, case)
            self.case_id = case.id
        self.browser = Browser(create_app(service, clock=False, worker=False))

    def look(self, code: str = WRITTEN) -> Response:
        return self.browser.post("/t", data={"code": code})

    def step(self, deed: str, *given: object) -> None:
        with self.service.database.unit() as session:
            case = session.get_one(Case, self.case_id)
            getattr(steps, deed)(Desk(self.bench, session, "staff:1", self.clock.now), case, *given)

    def case(self) -> Case:
        with self.service.database.reading() as session:
            return session.get_one(Case, self.case_id)


@pytest.fixture
def desk(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Desktop]:
    service = service_at(tmp_path / "data", empty_file, knowledge)
    with StandingClock() as clock:
        made = Desktop(service, clock)
        yield made
        made.browser.close()
    service.close()


def ticket_in(page: str) -> str:
    return page.split('name="ticket" value="')[1].split('"', maxsplit=1)[0]


def test_a_receipt_shows_where_the_case_stands_and_nothing_of_what_it_is_about(desk: Desktop) -> None:
    desk.step("accept")
    desk.step("ask", "当时付的是现金还是扫码？")
    page = desk.look()
    assert page.status_code == 200
    for shown in ("核查中", "收到", "已受理", "最迟 2026-12-15", "为什么是这个日期", "当时付的是现金还是扫码？"):
        assert shown in page.text
    for canary in (*CANARIES, RECEIPT, WRITTEN):
        assert canary not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "10:00" not in page.text  # days only: an hour could tell the other side who was there


def test_a_slip_of_the_finger_is_told_without_costing_a_guess(desk: Desktop) -> None:
    page = desk.look(WRITTEN[:-1] + str((int(WRITTEN[-1]) + 1) % 10))
    assert (page.status_code, "有一位输错了" in page.text) == (400, True)
    assert desk.look("你好").status_code == 400
    with desk.service.database.reading() as session:
        assert session.scalars(select(ReceiptGuess)).all() == []


def test_T4_wrong_missing_and_lapsed_receipts_are_answered_alike(desk: Desktop) -> None:
    wrong = desk.look(WRONG)
    desk.step("refuse", desk.bench.casebook.ground("report", 1, NOW.date()))
    desk.clock.now = NOW + timedelta(days=91)
    lapsed = desk.look()
    assert wrong.status_code == lapsed.status_code == 404
    assert wrong.text == lapsed.text


def test_T4_the_guess_budget_holds_for_everybody(desk: Desktop) -> None:
    with desk.service.database.unit() as session:
        session.add(ReceiptGuess(day=NOW.date(), count=GUESSES_A_DAY - 1))
    assert desk.look(WRONG).status_code == 404
    over = desk.look()
    assert over.status_code == 429
    assert "暂停到明天" in over.text
    desk.clock.now = NOW + timedelta(days=1)
    assert desk.look().status_code == 200


def test_an_answer_reaches_the_thread(desk: Desktop) -> None:
    ticket = ticket_in(desk.look().text)
    page = desk.browser.post("/t/answer", data={"ticket": ticket, "text": "扫码付的 <b>"})
    assert "已提交" in page.text
    with desk.service.database.reading() as session:
        last = cases.events(session, desk.case_id)[-1]
    assert (last.actor, last.action, last.text) == ("reporter", "case.answered", "扫码付的 <b>")
    assert desk.browser.post("/t/answer", data={"ticket": ticket, "text": " "}).status_code == 400


def test_T5_a_ticket_is_for_its_case_and_its_time_only(desk: Desktop) -> None:
    ticket = ticket_in(desk.look().text)
    broken = ticket[:-4] + ("AAAA" if not ticket.endswith("AAAA") else "BBBB")
    for wrong in ("", "nonsense", broken):
        assert desk.browser.post("/t/answer", data={"ticket": wrong, "text": "话"}).status_code == 403
    desk.clock.now = NOW + timedelta(minutes=21)
    assert desk.browser.post("/t/answer", data={"ticket": ticket, "text": "话"}).status_code == 403
    with desk.service.database.reading() as session:
        assert [e.action for e in cases.events(session, desk.case_id)] == ["case.filed"]


def test_not_satisfied_is_taken_up_again_within_fifteen_days(desk: Desktop) -> None:
    desk.step("accept")
    desk.step("close", desk.bench.casebook.outcome("report", 3), "现场核查两次，均未发现短秤。")
    page = desk.look()
    assert "经核查未发现违法" in page.text
    data = {"ticket": ticket_in(page.text), "satisfied": "no", "reason": "查的不是那个摊位"}
    assert "核查中" in desk.browser.post("/t/judge", data=data).text
    assert (desk.case().state, desk.case().reopened, desk.case().satisfied) == (CaseState.ACCEPTED, 1, 1)


def test_after_fifteen_days_the_way_is_told(desk: Desktop) -> None:
    desk.step("accept")
    desk.step("close", desk.bench.casebook.outcome("report", 3), "现场核查两次，均未发现短秤。")
    desk.clock.now = NOW + timedelta(days=16)
    page = desk.look()
    assert "退回重办" not in page.text
    data = {"ticket": ticket_in(page.text), "satisfied": "no", "reason": "查的不是那个摊位"}
    assert "不能再退回" in desk.browser.post("/t/judge", data=data).text
    assert desk.case().state == CaseState.CLOSED


def test_satisfied_is_noted_once(desk: Desktop) -> None:
    desk.step("accept")
    desk.step("close", desk.bench.casebook.outcome("report", 3), "现场核查两次，均未发现短秤。")
    page = desk.browser.post("/t/judge", data={"ticket": ticket_in(desk.look().text), "satisfied": "yes"})
    assert 'value="yes"' not in page.text
    assert (desk.case().state, desk.case().satisfied) == (CaseState.CLOSED, 5)


def test_D5_a_receipt_is_proven_without_its_content(desk: Desktop) -> None:
    number = desk.case().number
    page = desk.browser.get(f"/t/verify?number={number}&code=9F3A61C2")
    assert page.status_code == 200
    for shown in ("该回执真实", number, "2026-11-24", "9f3a61c2"):
        assert shown in page.text
    assert not any(canary in page.text for canary in CANARIES)
    missing = desk.browser.get("/t/verify?number=TS-261124-9999&code=9f3a61c2")
    foreign = desk.browser.get(f"/t/verify?number={number}&code=00000000")
    assert (missing.status_code, missing.text) == (foreign.status_code, foreign.text)
    assert missing.status_code == 404


def test_a_complaint_has_no_hours_either(desk: Desktop) -> None:
    with desk.service.database.unit() as session:
        case = filed(desk.bench, session, NOW, CaseKind.COMPLAINT)
        with_receipt(desk.bench, session, case, "9876543210987654")
    page = desk.look(with_check("9876543210987654"))
    assert "等待受理决定" in page.text
    assert "最迟 2026-12-03" in page.text


def test_more_than_a_client_may_look_up(desk: Desktop) -> None:
    app = FastAPI()
    app.include_router(create_progress_router(ProgressDesk(desk.service), a_minute=2))
    browser = Browser(app)
    codes = [browser.post("/t", data={"code": WRONG}).status_code for _ in range(4)]
    browser.close()
    assert codes[:2] == [404, 404]
    assert 429 in codes[2:]


def test_the_receipt_is_nowhere_in_the_database(desk: Desktop) -> None:
    desk.look()
    with desk.service.database.reading() as session:
        assert case_links.guesses_left(session, NOW.date())
    data = b"".join(p.read_bytes() for p in desk.service.settings.data_dir.glob("honestscale.db*"))
    assert RECEIPT.encode() not in data
    assert WRITTEN.encode() not in data
