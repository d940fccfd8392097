"""The chat page in a real browser: hands, keyboard, files, lost network, zoom, paper, and nothing foreign."""

from __future__ import annotations

import os
import re
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bot.web.limits import ChatSettings
from bot.web.pages import install
from handlers.conversation.messages import ContactRef, Reply
from tests.web.chat_fake import FakePort
from tests.web.page_basics import ARGS, BASICS, CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

NOT_SENT = "没发出去，点这里重发"
PHONE = {"width": 390, "height": 844}

# Without a Chinese font the stand-in glyphs are too narrow, and nothing would ever overflow: space them out.
AS_WIDE_AS_HANZI = """document.addEventListener('DOMContentLoaded', () => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = getComputedStyle(document.body).font;
  const missing = 1 - pen.measureText('秤').width / 16;
  if (missing < .05) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { letter-spacing: ${missing.toFixed(2)}em !important }`);
  document.adoptedStyleSheets = [sheet];
});"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium at /usr/bin/chromium: install the chromium package to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        browser.close()


class Served:
    """The page served by a real server on a free loopback port."""

    def __init__(self) -> None:
        self.port = FakePort()
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        install(app, self.port, ChatSettings(max_file_bytes=50_000))
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run)

    def start(self) -> None:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}/"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    served.start()
    yield served
    served.stop()


@pytest.fixture
def context(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, locale="zh-CN", timezone_id="Asia/Shanghai", has_touch=True)
    foreign: list[str] = []
    trouble: list[str] = []

    def watch(page: Page) -> None:
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("console", lambda said: trouble.append(said.text) if "Content Security Policy" in said.text else None)

    context.add_init_script(AS_WIDE_AS_HANZI)
    context.on("page", watch)
    context.on("request", lambda r: foreign.append(r.url) if not r.url.startswith((served.url, "blob:")) else None)
    yield context
    context.close()
    assert foreign == []
    assert trouble == []


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    page = context.new_page()
    page.set_default_timeout(6000)
    page.goto(served.url)
    return page


def say(page: Page, text: str) -> None:
    page.get_by_label("写给小助手的话").fill(text)
    page.get_by_role("button", name="发送").click()


def bubbles(page: Page, kind: str) -> list[str]:
    return page.locator(f".row.{kind}:not(#welcome) .bubble").all_inner_texts()


def expect_reply(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator(".row.bot .bubble").last).to_contain_text(text)


def png(path: Path, colour: str = "#c8a415") -> Path:
    out = BytesIO()
    Image.new("RGB", (120, 90), colour).save(out, "PNG")
    path.write_bytes(out.getvalue())
    return path


def shoot(page: Page, name: str) -> None:
    """Pictures for the eye, only when ``CHAT_SHOTS`` names a folder."""
    if folder := os.environ.get("CHAT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


# ---- talking


def test_asking_and_reading_the_answer(page: Page, served: Served) -> None:
    shoot(page, "first")
    assert served.port.sessions == {}  # looking at the page leaves nothing behind
    say(page, "秤")
    expect_reply(page, "每年一次")
    assert bubbles(page, "me") == ["秤"]
    assert "\n" in bubbles(page, "bot")[0]
    link = page.locator(".row.bot .bubble a")
    assert link.get_attribute("href") == "https://example.gov.cn/jl?id=1"
    assert "noopener" in (link.get_attribute("rel") or "")
    assert page.locator(".row.bot .lead").inner_text().endswith("不收费。")
    expect(page.locator("#typing")).to_be_hidden()
    page.get_by_label("写给小助手的话").fill("第一行")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("第二行")
    page.keyboard.press("Enter")
    expect_reply(page, "第二行")
    assert served.port.inbounds[-1].text == "第一行\n第二行"
    shoot(page, "answer")


def test_the_quick_bar_sends_its_words(page: Page, served: Served) -> None:
    for word in ("查义务", "当场判定", "人工"):
        page.get_by_role("button", name=word, exact=True).click()
        expect(page.locator(".row.me .bubble").last).to_have_text(word)
    expect_reply(page, "工作人员")
    assert [i.text for i in served.port.inbounds] == ["查义务", "当场判定", "人工"]


def test_coming_back_shows_the_same_dialogue_and_the_last_options(page: Page, served: Served) -> None:
    say(page, "查义务")
    expect(page.locator("button.chip")).to_have_count(3)
    before = page.locator(".row .bubble").all_inner_texts()
    page.reload()
    expect(page.locator("button.chip")).to_have_count(3)
    assert page.locator(".row .bubble").all_inner_texts() == before
    page.locator("button.chip").nth(2).click()
    expect_reply(page, "第 3 个")
    assert len(served.port.sessions) == 1


def test_news_appears_when_the_page_is_looked_at_again(page: Page, served: Served) -> None:
    say(page, "你好")
    expect_reply(page, "你好")
    served.port.say(ContactRef("web", "s0"), Reply("您的电子秤 2026-12-08 到期。"))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_reply(page, "2026-12-08 到期")


# ---- options


def test_options_by_mouse_and_then_only_as_text(page: Page, served: Served) -> None:
    say(page, "查义务")
    page.get_by_role("button", name="2 汽车衡、地磅").click()
    expect_reply(page, "第 2 个")
    assert re.fullmatch(r"[0-9a-f]{8}:2", served.port.inbounds[1].choice or "")
    assert bubbles(page, "me") == ["查义务", "汽车衡、地磅"]
    expect(page.locator("button.chip")).to_have_count(0)
    expect(page.locator(".old li")).to_have_count(3)


def test_options_by_a_digit_with_and_without_the_box_in_focus(page: Page, served: Served) -> None:
    say(page, "查义务")
    expect(page.locator("button.chip")).to_have_count(3)
    page.locator("#log").focus()
    page.keyboard.press("1")
    expect_reply(page, "第 1 个")
    say(page, "查义务")
    expect(page.locator("button.chip")).to_have_count(3)
    page.locator("#box").focus()
    page.keyboard.press("3")
    expect_reply(page, "第 3 个")
    assert page.locator("#box").input_value() == ""
    page.keyboard.press("2")  # nothing to choose: an ordinary character
    assert page.locator("#box").input_value() == "2"
    assert len(served.port.inbounds) == 4


def test_a_weight_typed_into_the_empty_box_is_not_taken_for_an_option(page: Page, served: Served) -> None:
    say(page, "查义务")
    expect(page.locator("button.chip")).to_have_count(3)
    page.locator("#box").focus()
    page.keyboard.type("2斤排骨少1两")
    page.wait_for_timeout(900)
    assert page.locator("#box").input_value() == "2斤排骨少1两"
    page.keyboard.press("Enter")
    expect_reply(page, "2斤排骨少1两")
    assert len(served.port.inbounds) == 2


def test_several_options_are_marked_and_sent_together(page: Page, served: Served) -> None:
    say(page, "几个")
    expect(page.get_by_role("button", name="选好了")).to_be_disabled()
    page.locator("button.chip").nth(0).click()
    page.locator("button.chip").nth(2).click()
    shoot(page, "several")
    page.get_by_role("button", name="选好了").click()
    expect_reply(page, "电子秤、血压计")
    assert served.port.inbounds[1].text == "1 3"


# ---- files


def test_a_picture_is_shown_and_sent(page: Page, served: Served, tmp_path: Path) -> None:
    page.get_by_role("button", name="发照片或文件").click()
    shoot(page, "tray")
    page.locator("#album").set_input_files([png(tmp_path / "秤.png"), png(tmp_path / "标签.png", "#4477aa")])
    expect_reply(page, "收到 2 个文件")
    expect(page.get_by_alt_text("照片：秤.png")).to_be_visible()
    assert page.get_by_alt_text("照片：秤.png").evaluate("i => i.naturalWidth") == 120
    assert [a.label for a in served.port.inbounds[0].attachments] == ["秤.png", "标签.png"]
    shoot(page, "picture")
    page.reload()
    expect(page.locator(".paperclip")).to_have_count(2)


def test_files_that_cannot_be_sent_are_explained(page: Page, served: Served, tmp_path: Path) -> None:
    page.get_by_role("button", name="发照片或文件").click()
    big = tmp_path / "big.csv"
    big.write_bytes(b"1" * 60_000)
    page.locator("#files").set_input_files(big)
    expect(page.get_by_role("status").first).to_contain_text("big.csv")
    big.write_bytes(b"1,2")
    page.locator("#files").set_input_files(big)
    expect(page.locator(".fail")).to_contain_text("请换一个")
    expect(page.locator(".fail button")).to_have_count(0)
    assert served.port.inbounds == []


# ---- trouble


def test_a_lost_network_keeps_the_text_and_the_key(page: Page, context: BrowserContext) -> None:
    say(page, "你好")
    expect_reply(page, "你好")
    context.set_offline(offline=True)
    say(page, "少了2两")
    expect(page.get_by_role("button", name=NOT_SENT)).to_be_visible()
    shoot(page, "offline")
    context.set_offline(offline=False)  # the page notices by itself
    expect_reply(page, "少了2两")
    expect(page.get_by_role("button", name=NOT_SENT)).to_have_count(0)
    assert bubbles(page, "me") == ["你好", "少了2两"]


def test_a_lost_answer_is_asked_for_again_and_happens_once(page: Page, served: Served) -> None:
    sent: list[str] = []

    def lose_the_answer(route) -> None:
        sent.append(route.request.post_data_json["key"])
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(lambda url: url.endswith("/chat/messages"), lose_the_answer)
    say(page, "少了2两")
    page.get_by_role("button", name=NOT_SENT).click()
    expect_reply(page, "少了2两")
    assert sent[0] == sent[1]
    assert bubbles(page, "me") == ["少了2两"]
    assert len(served.port.lines["s0"]) == 2


def test_what_was_not_sent_survives_a_reload(page: Page, served: Served) -> None:
    page.route("**/chat/messages", lambda route: route.abort())
    say(page, "少了2两")
    expect(page.get_by_role("button", name=NOT_SENT)).to_be_visible()
    page.unroute("**/chat/messages")
    page.reload()
    page.get_by_role("button", name=NOT_SENT).click()
    expect_reply(page, "少了2两")
    page.reload()
    expect_reply(page, "少了2两")
    assert bubbles(page, "me") == ["少了2两"]
    assert len(served.port.lines["s0"]) == 2


def test_a_message_that_did_arrive_is_not_shown_twice_after_a_reload(page: Page, served: Served) -> None:
    def lose_the_answer(route) -> None:
        route.fetch()
        route.abort()

    posting = "**/chat/messages"
    page.route(posting, lose_the_answer)
    say(page, "少了2两")
    expect(page.get_by_role("button", name=NOT_SENT)).to_be_visible()
    page.unroute(posting)
    page.reload()
    page.get_by_role("button", name=NOT_SENT).click()
    expect(page.get_by_role("button", name=NOT_SENT)).to_have_count(0)
    expect(page.locator(".row.me")).to_have_count(1)
    assert len(served.port.lines["s0"]) == 2


def test_a_forgotten_session_is_replaced_without_a_word(page: Page, served: Served) -> None:
    say(page, "你好")
    expect_reply(page, "你好")
    served.port.sessions.clear()
    say(page, "还在吗")
    expect_reply(page, "还在吗")
    assert bubbles(page, "me") == ["你好", "还在吗"]
    assert len(served.port.sessions) == 1


def test_busy_says_what_to_do_and_goes_through_later(page: Page, served: Served) -> None:
    served.port.busy = True
    say(page, "秤")
    expect(page.locator(".fail")).to_contain_text("半分钟")
    served.port.busy = False
    page.get_by_role("button", name=NOT_SENT).click()
    expect_reply(page, "每年一次")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        '"><svg onload=alert(1)>',
        "javascript:alert(1)",
        "<a href='javascript:alert(1)'>看这里</a>",
        "{{7*7}} ${7*7}",
    ],
)
def test_whatever_is_written_stays_text(page: Page, served: Served, text: str) -> None:
    served.port.open_session()
    say(page, text)
    expect_reply(page, text)
    page.reload()
    expect_reply(page, text)
    assert bubbles(page, "me") == [text]
    assert page.locator(".row .bubble a, .row .bubble img, .row .bubble svg, .row script").count() == 0


def test_storage_may_be_forbidden(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }})")
    page.goto(served.url)
    say(page, "秤")
    expect_reply(page, "每年一次")
    say(page, "你好")
    expect_reply(page, "你好")
    assert len(served.port.sessions) == 1


# ---- another device


def test_going_on_elsewhere_with_a_code(page: Page, browser: Browser, served: Served) -> None:
    say(page, "秤")
    expect_reply(page, "每年一次")
    page.get_by_role("button", name="换设备继续").click()
    page.get_by_role("button", name="在这台取一个码").click()
    expect(page.locator("#code strong")).to_have_text(re.compile(r"^\d{6}$"))
    code = page.locator("#code strong").inner_text()
    shoot(page, "code")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.get_by_role("button", name="换设备继续")).to_be_focused()

    other = browser.new_page(viewport={"width": 1280, "height": 900})
    other.add_init_script(AS_WIDE_AS_HANZI)
    other.goto(served.url)
    other.get_by_role("button", name="换设备继续").click()
    other.get_by_label("我已经有 6 位码").fill("999999")
    other.get_by_role("button", name="接着聊").click()
    expect(other.get_by_role("alert")).to_contain_text("重新取一个")
    other.get_by_label("我已经有 6 位码").fill(code)
    other.get_by_role("button", name="接着聊").click()
    expect_reply(other, "每年一次")
    shoot(other, "desktop")

    other.get_by_role("button", name="换设备继续").click()
    shoot(other, "desktop-panel")
    other.get_by_role("button", name="从这台设备退出").click()
    expect(other.locator(".row:not(#welcome)")).to_have_count(0)
    other.reload()
    expect(other.locator(".row:not(#welcome)")).to_have_count(0)
    other.close()


# ---- for everyone


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 640), (640, 400), (320, 256), (844, 390)],
    ids=["narrow phone", "1280x800 at 200 %", "1280x1024 at 400 %", "phone on its side"],
)
@pytest.mark.parametrize("big", [False, True], ids=["normal", "large type"])
def test_no_sideways_scrolling_and_everything_in_reach(page: Page, width: int, height: int, *, big: bool) -> None:
    page.set_viewport_size({"width": width, "height": height})
    if big:
        page.get_by_role("button", name="大字").click()
        assert page.get_by_role("button", name="大字").get_attribute("aria-pressed") == "true"
    say(page, "秤")
    expect(page.locator("button.chip")).to_have_count(3)
    wide = "document.documentElement.scrollWidth > innerWidth || log.scrollWidth > log.clientWidth"
    assert page.evaluate(wide) is False
    for name in ("发送", "发照片或文件", "换设备继续", "大字"):
        page.get_by_role("button", name=name).scroll_into_view_if_needed()
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=0.9)
    shoot(page, f"{width}x{height}{'-big' if big else ''}")
    page.locator("button.chip").first.click()
    expect_reply(page, "第 1 个")


def test_names_roles_contrast_and_size_of_everything(page: Page, served: Served) -> None:
    say(page, "几个")
    expect(page.locator("button.chip")).to_have_count(4)
    page.locator("button.chip").first.click()
    page.get_by_role("button", name="发照片或文件").click()
    served.port.busy = True
    say(page, "秤")
    expect(page.locator(".fail")).to_be_visible()
    assert page.evaluate(BASICS) == []
    page.get_by_role("button", name="换设备继续").click()
    assert page.evaluate(BASICS) == []


def test_the_keyboard_reaches_everything_in_reading_order_and_shows_where_it_is(page: Page) -> None:
    order = []
    for _ in range(13):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        if order[-1] == "move":
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    offered = ["1查义务", "2当场判定"]
    assert order[:12] == ["big", "move", "log", "12315", *offered, "查义务", "当场判定", "人工", "plus", "box", "send"]


def test_still_for_those_who_want_it_still(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(served.url)
    assert page.locator(".dots i").first.evaluate("n => getComputedStyle(n).animationName") == "none"


def test_paper_shows_the_conversation_only(page: Page) -> None:
    say(page, "查义务")
    expect(page.locator("button.chip")).to_have_count(3)
    page.emulate_media(media="print")
    for gone in ("#box", "#quick", "#big", "button.chip"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".row.me .bubble")).to_be_visible()
    shoot(page, "print")


def test_the_description_of_the_interface_is_readable(page: Page, served: Served) -> None:
    page.goto(served.url + "api/docs")
    expect(page.get_by_role("heading", name="GET /api/ask")).to_be_visible()
    shoot(page, "docs")
