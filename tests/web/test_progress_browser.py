"""The progress pages in a real browser: on a phone, without scripts, on paper, by keyboard."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bot.app import Knowledge, Service
from bot.server import create_app
from handlers.cases import steps
from handlers.cases.steps import Desk
from storage.cases import Case
from tests.cases import filed, with_receipt
from tests.support import service_at
from tests.web.page_basics import ARGS, BASICS, CHROMIUM

pytestmark = pytest.mark.browser

QUESTION = "当时付的是现金还是扫码？"


class Served:
    """The whole application on a free loopback port, with one case of which something was asked."""

    def __init__(self, service: Service) -> None:
        bench, now = service.reception.bench, datetime.now(UTC)
        with service.database.unit() as session:
            case = filed(bench, session, now)
            self.receipt, self.number = with_receipt(bench, session, case), case.number
            self.case_id = case.id
            steps.accept(Desk(bench, session, "staff:1", now), case)
        self.service = service
        app = create_app(service, clock=False, worker=False)
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def ask(self, question: str) -> None:
        with self.service.database.unit() as session:
            desk = Desk(self.service.reception.bench, session, "staff:1", datetime.now(UTC))
            steps.ask(desk, session.get_one(Case, self.case_id), question)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, empty_file: Path, knowledge: Knowledge) -> Iterator[Served]:
    service = service_at(tmp_path_factory.mktemp("progress"), empty_file, knowledge)
    running = Served(service)
    yield running
    running.stop()
    service.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium at /usr/bin/chromium: install the chromium package to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="zh-CN", java_script_enabled=request.param
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"progress-{name}.png"), full_page=True)


def test_from_the_receipt_to_an_answer(page: Page, served: Served) -> None:
    served.ask(QUESTION)
    page.goto(f"{served.url}/t")
    page.get_by_label("回执码").fill(served.receipt)
    page.get_by_role("button", name="查进度").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("核查中")
    expect(page.get_by_text(QUESTION)).to_be_visible()
    page.get_by_text("为什么是这个日期").click()
    expect(page.get_by_text("当天不算")).to_be_visible()
    shoot(page, "case")
    page.get_by_label("回答或补充").fill("扫码付的")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status")).to_contain_text("已提交")
    assert served.receipt not in page.content()
    assert served.receipt not in page.url


def test_a_wrong_code_is_said_beside_its_field(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/t")
    page.get_by_label("回执码").fill("123")
    page.get_by_role("button", name="查进度").click()
    expect(page.get_by_role("alert")).to_contain_text("17 位")
    assert page.get_by_label("回执码").get_attribute("aria-describedby") == "problem how"


def test_a_receipt_is_proven(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/t/verify")
    page.get_by_label("编号").fill(served.number)
    page.get_by_label("存证码").fill("9f3a61c2")
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("该回执真实")
    shoot(page, "proof")


def test_names_contrast_width_and_paper(browser: Browser, served: Served) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 640})
    page.goto(f"{served.url}/t")
    assert page.evaluate(BASICS) == []
    page.get_by_label("回执码").fill(served.receipt)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("核查中")
    assert page.evaluate(BASICS) == []
    assert page.evaluate("document.documentElement.scrollWidth > innerWidth") is False
    page.emulate_media(media="print")
    expect(page.get_by_role("button")).to_have_count(0)
    shoot(page, "paper")
    page.close()
