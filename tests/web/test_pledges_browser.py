"""The pages of pledges in a real browser: on a phone, without scripts, on paper; and from the page into the chat."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bot.app import Knowledge
from bot.times import utc_now
from knowledge.pledge_number import numbered
from storage.pledges import PledgeState
from tests.support import service_at
from tests.web.page_basics import ARGS, BASICS, CHROMIUM
from tests.web.pledged import Served, Traits, become, card_link, pledged

pytestmark = pytest.mark.browser

SHOP = "鲜达超市"
LONG = "温州市鹿城区城西菜场北门老王水产鲜活批发部（二店）WangsSeafoodMarket"
UNKNOWN = numbered(2026, 999_999)
WIDTHS = (320, 360, 768)
TWO_METRES = 55
"""Pixels of a character that is still read from there on a phone 360 wide, 65 mm: a centimetre of lettering."""


class Wall(Served):
    """The application with pledges in each state."""

    def put(self) -> None:
        now = utc_now()
        with self.service.database.unit() as session:
            make = lambda *traits: pledged(self.bench, session, now, Traits(*traits)).number  # noqa: E731 - said five times
            self.valid = make(SHOP, "鹿城区", "trade-supermarket", (200, 300))
            self.late = make("老王水产", "龙湾区", "trade-seafood", (200, 100, -31), "honest", "li")
            self.revoked = make("阿福肉铺", "瓯海区", "trade-meat", (), "honest", "fu")
            self.long = make(LONG, "高新技术产业开发区", "trade-seafood", (-3, 90), "honest", "zhao")
            soon = Traits("快到期的店", due_days=(500,), who="sun")
            self.expiring = pledged(self.bench, session, now - timedelta(days=340), soon).number
            become(session, self.revoked, PledgeState.REVOKED, now, "false")
            self.query = card_link(self.bench, session, self.valid).rpartition("?")[2]

    def of(self, number: str, query: str = "") -> str:
        return f"{self.url}/v/{number}{'?' if query else ''}{query}"

    def addresses(self) -> dict[str, str]:
        """Every kind of page there is."""
        return {
            "valid": self.of(self.valid, self.query),
            "expiring": self.of(self.expiring),
            "paused": self.of(self.late),
            "revoked": self.of(self.revoked),
            "long": self.of(self.long),
            "forged": self.of(self.valid, "s=x"),
            "unknown": self.of(UNKNOWN),
            "mistyped": self.of("CXJL-2026-000001-6"),
            "form": f"{self.url}/v",
            "list": f"{self.url}/pledges",
            "none": f"{self.url}/pledges?district=x",
        }


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory, empty_file: Path, knowledge: Knowledge) -> Iterator[Wall]:
    service = service_at(tmp_path_factory.mktemp("pledges"), empty_file, knowledge)
    running = Wall(service)
    running.put()
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
        viewport={"width": 360, "height": 740}, locale="zh-CN", java_script_enabled=request.param, device_scale_factor=2
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"pledge-{name}.png"), full_page=True)


def test_the_state_is_said_large_and_the_facts_below_it(page: Page, wall: Wall) -> None:
    page.goto(wall.of(wall.valid, wall.query))
    expect(page.get_by_role("status")).to_have_text("有效")
    expect(page.get_by_role("heading", level=1)).to_have_text(SHOP)
    for shown in ("100%", "0 件", wall.valid, "本局签发，核对无误", "称前清零去皮"):
        expect(page.get_by_text(shown).first).to_be_visible()
    expect(page.get_by_role("link", name="对秤，或反映问题")).to_have_attribute("href", f"/?p={wall.valid}")


def test_the_last_month_is_said_below_the_state(page: Page, wall: Wall) -> None:
    page.goto(wall.of(wall.expiring))
    expect(page.get_by_role("status")).to_have_text(re.compile(r"有效\s+即将到期"))


def test_a_number_is_typed_wrong_then_right(page: Page, wall: Wall) -> None:
    page.goto(f"{wall.url}/v")
    page.get_by_label("承诺编号").fill("CXJL-2026-000001-6")
    page.get_by_role("button", name="查这个编号").click()
    expect(page.get_by_role("alert")).to_contain_text("请对照卡片再输一次")
    assert page.get_by_label("承诺编号").get_attribute("aria-describedby") == "problem"
    page.get_by_label("承诺编号").fill(wall.valid)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(SHOP)


def test_the_list_is_filtered_by_trade_and_leads_to_a_pledge(page: Page, wall: Wall) -> None:
    page.goto(f"{wall.url}/pledges")
    page.get_by_label("行业").select_option("水产海鲜")
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_label("行业")).to_have_value("trade-seafood")
    page.get_by_role("link", name=LONG).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)


@pytest.mark.parametrize("width", WIDTHS)
def test_names_contrast_and_width(browser: Browser, wall: Wall, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 740}, locale="zh-CN", device_scale_factor=2)
    for name, address in wall.addresses().items():
        page.goto(address)
        assert page.evaluate(BASICS) == [], name
        assert page.evaluate("document.documentElement.scrollWidth > innerWidth") is False, name
        wide = "[...document.querySelectorAll('main *')].filter((n) => n.scrollWidth > n.clientWidth + 1 && n.clientWidth).map((n) => n.outerHTML)"
        assert page.evaluate(wide) == [], name
        unlabelled = (
            "[...document.querySelectorAll('select, [role=img]')].filter((n) => !n.labels?.length && !n.ariaLabel)"
        )
        assert page.evaluate(f"{unlabelled}.length") == 0, name
        shoot(page, f"{name}-{width}")
    page.close()


def test_the_state_is_read_from_two_metres(browser: Browser, wall: Wall) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    for name in ("valid", "expiring", "paused", "revoked", "forged", "unknown"):
        page.goto(wall.addresses()[name])
        word = page.locator(".state .word")
        assert word.evaluate("(n) => parseFloat(getComputedStyle(n).fontSize)") >= TWO_METRES, name
        assert word.evaluate("(n) => n.getClientRects().length") == 1, name
        box = word.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 220, name  # at the top, before anything is scrolled
    page.close()


def test_the_state_is_told_by_more_than_its_colour(browser: Browser, wall: Wall) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    drawn = []
    for name in ("valid", "paused"):
        page.goto(wall.addresses()[name])
        drawn.append(page.locator(".state path").get_attribute("d"))
    assert drawn[0] != drawn[1]
    page.close()


def test_on_paper(browser: Browser, wall: Wall) -> None:
    page = browser.new_page(viewport={"width": 794, "height": 1123}, locale="zh-CN")
    page.emulate_media(media="print")
    for name, address in wall.addresses().items():
        page.goto(address)
        expect(page.get_by_role("button")).to_have_count(0)
        expect(page.locator("a.button:visible")).to_have_count(0)
        assert page.evaluate(BASICS) == [], name
        shoot(page, f"paper-{name}")
    page.goto(wall.addresses()["valid"])
    for shown in ("有效", "称前清零去皮", "查询时间"):
        expect(page.get_by_text(shown).first).to_be_visible()
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 1
    page.close()


# -- into the chat ------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def test_from_the_page_to_a_report_on_this_shop(phone: Page, wall: Wall) -> None:
    phone.goto(wall.of(wall.valid))
    phone.get_by_role("link", name="对秤，或反映问题").click()
    expect(phone.locator(".row.me .bubble")).to_have_text(wall.valid)
    expect(phone.locator(".row.bot .bubble").last).to_contain_text(f"✔ 真实有效：{SHOP}")
    assert phone.url == f"{wall.url}/"  # a reload does not ask again
    expect(phone.get_by_role("button", name="测测这家的秤")).to_be_visible()
    shoot(phone, "chat")
    phone.get_by_role("button", name="反映问题").click()
    expect(phone.locator(".row.bot .bubble").last).to_contain_text(f"鹿城区{SHOP}，是什么事？")
    shoot(phone, "report")


def test_from_the_page_to_the_scale_check(phone: Page, wall: Wall) -> None:
    phone.goto(f"{wall.url}/?p={wall.valid}")
    phone.get_by_role("button", name="测测这家的秤").click()
    expect(phone.locator(".row.me")).to_have_count(2)
    expect(phone.locator(".row.bot .bubble").last).to_contain_text("秤")
    shoot(phone, "scale")


def test_a_number_nobody_signed_leads_to_a_report_of_it(phone: Page, wall: Wall) -> None:
    phone.goto(wall.of(UNKNOWN))
    phone.get_by_role("link", name="去对话里反馈").click()
    expect(phone.locator(".row.bot .bubble").last).to_contain_text("疑似伪造")
    expect(phone.get_by_role("button", name="反馈假承诺")).to_be_visible()


@pytest.mark.parametrize("said", ["举报", "CXJL-2026-000001", "CXJL-2026-000001-5 举报", "<b>", ""])
def test_nothing_else_in_an_address_is_said(phone: Page, wall: Wall, said: str) -> None:
    phone.goto(f"{wall.url}/?p={said}")
    phone.wait_for_load_state("networkidle")
    expect(phone.locator("#box")).to_be_visible()
    expect(phone.locator(".row.me")).to_have_count(0)


def test_a_number_is_asked_about_once(phone: Page, wall: Wall) -> None:
    phone.goto(f"{wall.url}/?p={wall.valid}")
    expect(phone.locator(".row.bot .bubble").last).to_contain_text("真实有效")
    phone.reload()
    expect(phone.locator(".row.bot .bubble").last).to_contain_text("真实有效")
    expect(phone.locator(".row.me")).to_have_count(1)
