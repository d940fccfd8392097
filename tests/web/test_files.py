"""Files by links: only for whom they are meant, only for a while, and nothing lost on the page that takes them."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi import FastAPI
from icalendar import Calendar
from openpyxl import load_workbook
from sqlalchemy import select

from bot.app import Service
from bot.server import create_app
from bot.task_kinds import run_due
from bot.web import files
from handlers.conversation.messages import ContactRef, Inbound, Reply
from storage import contacts, evidence, ledger, links, shops
from storage.contacts import Contact, hashed
from storage.dialogues import InboxMessage
from storage.ledger import LedgerItem
from storage.outbox import OutboxRow, SendState
from storage.shops import Role, Shop
from tests.sent_files import small_ledger
from tests.support import NOW, StandingClock, picture

FEED = "feed-token"


class House:
    """Wang's shop with one instrument in its ledger, and the pages as a browser gets them."""

    def __init__(self, service: Service, clock: StandingClock) -> None:
        self.service = service
        self.clock = clock
        self.app: FastAPI = create_app(service, clock=False)
        with service.database.unit() as session:
            wang = contacts.get_or_create(session, "wechat", "wang", NOW)
            place = shops.found(
                session, Shop(name="老王水产", created_at=NOW, feed_hash=hashed(FEED)), wang.person_id, NOW
            )
            self.shop = place.shop.id
            item = LedgerItem(
                shop_id=self.shop, kind="electronic-price-scale", name="电子计价秤", serial="0917", serial_key="0917"
            )
            item.verified_on, item.due_on = date(2026, 5, 20), date(2027, 5, 19)
            ledger.add(session, item, wang.person_id, NOW)

    def link(self, kind: str, who: str = "wang", channel: str = "wechat", **about: Any) -> str:
        with self.service.database.unit() as session:
            contact = contacts.get_or_create(session, channel, who, NOW)
            return links.new(session, kind, contact.id, {"shop": self.shop, **about}, NOW)

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://files") as client:
                return await client.request(method, path, **more)

        return asyncio.run(go())

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def hand_in(self, token: str, data: bytes, name: str = "台账.xlsx") -> httpx.Response:
        return self("POST", f"/upload/{token}", files={"file": (name, data)})

    def rows(self, table: Any) -> list[Any]:
        with self.service.database.reading() as session:
            return list(session.scalars(select(table)))

    @property
    def messages(self) -> list[InboxMessage]:
        return self.rows(InboxMessage)


@pytest.fixture
def house(service: Service) -> Iterator[House]:
    with StandingClock() as clock:
        yield House(service, clock)


def told_to_ask_again(answer: httpx.Response) -> bool:
    return answer.status_code == 404 and "请回到和诚信秤的对话里再要一次" in answer.text and "<h1>" in answer.text


# -- files to fetch -----------------------------------------------------------------------------------------------


def test_the_ledger_comes_as_a_file_with_a_chinese_name(house: House) -> None:
    answer = house.get(f"/files/{house.link('ledger')}")
    assert answer.status_code == 200
    assert "0917" in str(list(load_workbook(io.BytesIO(answer.content)).worksheets[0].values))
    named = re.fullmatch(
        r'attachment; filename="file\.xlsx"; filename\*=UTF-8\'\'(\S+)', answer.headers["content-disposition"]
    )
    assert named is not None
    assert unquote(named[1]) == "老王水产台账.xlsx"


def test_nothing_of_it_stays_or_runs_in_the_browser(house: House) -> None:
    headers = house.get(f"/files/{house.link('ledger')}").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "sandbox" in headers["content-security-policy"]


def test_the_calendar_comes_once_as_a_file(house: House) -> None:
    answer = house.get(f"/files/{house.link('calendar')}")
    assert answer.headers["content-type"].startswith("text/calendar")
    days = [event.decoded("dtstart") for event in Calendar.from_ical(answer.content).walk("VEVENT")]
    assert date(2027, 5, 19) in days


def test_the_rows_with_mistakes_come_back(house: House) -> None:
    sheet = "器具名称,出厂编号,检定日期\n电子计价秤,0917,2026.13.5\n电子计价秤,0918,2026-05-20\n".encode()
    digest = evidence.keep(house.service.settings.evidence_dir, sheet)
    answer = house.get(f"/files/{house.link('errors', file=digest, name='台账.csv')}")
    rows = list(load_workbook(io.BytesIO(answer.content)).worksheets[0].values)
    assert rows[0][-1] == "错误原因"
    assert [row[1] for row in rows[1:]] == ["0917"]


def test_somebody_elses_shop_is_not_given(house: House) -> None:
    assert told_to_ask_again(house.get(f"/files/{house.link('ledger', who='li')}"))
    assert told_to_ask_again(house.get(f"/files/{house.link('calendar', who='li')}"))


def test_who_has_left_the_shop_gets_nothing_by_an_old_link(house: House) -> None:
    token = house.link("ledger", who="zhang")
    with house.service.database.unit() as session:
        person = contacts.get_or_create(session, "wechat", "zhang", NOW).person_id
        code = shops.invite(session, house.shop, Role.CLERK, NOW)
        assert shops.accept(session, code, person, NOW) is not None
    assert house.get(f"/files/{token}").status_code == 200
    with house.service.database.unit() as session:
        place = shops.membership(session, person, house.shop)
        assert place is not None
        shops.leave(session, place.member)
    assert told_to_ask_again(house.get(f"/files/{token}"))


@pytest.mark.parametrize("token", ["x", "A" * 32, "../../etc/passwd", "%00", "秤"])
def test_a_wrong_link_says_what_to_do(house: House, token: str) -> None:
    assert house.get(f"/files/{token}").status_code == 404
    assert house.get(f"/upload/{token}").status_code == 404


def test_a_link_is_good_for_a_day(house: House) -> None:
    given, taken = house.link("ledger"), house.link("upload")
    house.clock.now = NOW + links.LIFE - timedelta(seconds=1)
    assert house.get(f"/files/{given}").status_code == 200
    assert house.get(f"/upload/{taken}").status_code == 200
    house.clock.now = NOW + links.LIFE
    assert told_to_ask_again(house.get(f"/files/{given}"))
    assert told_to_ask_again(house.get(f"/upload/{taken}"))
    assert told_to_ask_again(house.hand_in(taken, small_ledger()))
    assert house.messages == []


def test_a_link_is_for_one_thing(house: House) -> None:
    assert told_to_ask_again(house.get(f"/files/{house.link('upload')}"))
    assert told_to_ask_again(house.hand_in(house.link("ledger"), small_ledger()))


def test_a_link_that_is_opened_without_end_is_slowed_down(house: House) -> None:
    token = house.link("calendar")
    found = [house.get(f"/files/{token}").status_code for _ in range(11)]
    assert found == [200] * 10 + [429]
    assert house.get(f"/files/{house.link('calendar')}").status_code == 200


# -- the calendar that is subscribed to ---------------------------------------------------------------------------


def test_a_feed_is_asked_for_again_without_being_sent_again(house: House) -> None:
    first = house.get(f"/c/{FEED}/ledger.ics")
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["cache-control"] == "private, max-age=3600"
    again = house.get(f"/c/{FEED}/ledger.ics", if_none_match=f'W/{first.headers["etag"]}, "other"')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    with house.service.database.unit() as session:
        (item,) = ledger.everything(session, house.shop)
        item.due_on = date(2027, 6, 1)
    changed = house.get(f"/c/{FEED}/ledger.ics", if_none_match=first.headers["etag"])
    assert changed.status_code == 200
    assert b"20270601" in changed.content


def test_a_feed_that_was_revoked_is_gone(house: House) -> None:
    with house.service.database.unit() as session:
        session.get_one(Shop, house.shop).feed_hash = ""
    assert told_to_ask_again(house.get(f"/c/{FEED}/ledger.ics"))
    assert told_to_ask_again(house.get("/c/x/ledger.ics"))


def test_programs_may_ask_for_the_head_only_and_not_without_end(house: House) -> None:
    assert house("HEAD", f"/c/{FEED}/ledger.ics").headers["etag"]
    found = [house.get(f"/c/{FEED}/ledger.ics") for _ in range(30)]
    assert [answer.status_code for answer in found] == [200] * 29 + [429]
    assert int(found[-1].headers["retry-after"]) > 0


# -- files to hand in ---------------------------------------------------------------------------------------------


def test_a_table_handed_in_is_a_message_of_whoever_was_given_the_link(house: House) -> None:
    token = house.link("upload")
    page = house.hand_in(token, small_ledger())
    assert page.status_code == 200
    assert "收到了，请回微信看结果" in page.text
    (message,) = house.messages
    assert [file["label"] for file in message.body["files"]] == ["台账.xlsx"]
    (contact,) = house.rows(Contact)
    assert (message.contact_id, contact.external_id) == (contact.id, "wang")
    answer, *_ = house.rows(OutboxRow)
    assert answer.state == SendState.TODO  # sent to the conversation, since no page waits for it
    assert run_due(house.service, lambda: NOW) == 1
    assert "3 行" in Reply.from_json(house.rows(OutboxRow)[-1].payload).text


def test_an_impatient_finger_hands_in_once(house: House) -> None:
    token, table = house.link("upload"), small_ledger()  # a table made a second later would be another file
    assert [house.hand_in(token, table).status_code for _ in range(3)] == [200] * 3
    assert len(house.messages) == 1
    house.hand_in(house.link("upload"), table)  # asked for and sent anew
    assert len(house.messages) == 2


def test_on_the_web_the_answer_is_fetched(house: House) -> None:
    house.service.talk(Inbound(ContactRef("web", "browser"), "k1", NOW, "你好"))
    page = house.hand_in(house.link("upload", "browser", "web"), picture(), "证书.png")
    assert "收到了，请回网页看结果" in page.text
    assert {row.state for row in house.rows(OutboxRow)} == {SendState.SENT}


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"MZ" + bytes(100), "台账.xlsx", "“台账.xlsx”不是照片、视频、PDF 或表格，换一个格式再发。"),
        (b"", "台账.xlsx", "“台账.xlsx”是空的，请重新选。"),
        (b"", "", files.NONE),
        (b"MZ", "../../<b>.exe", "“&lt;b&gt;.exe”不是照片、视频、PDF 或表格，换一个格式再发。"),
        (b"%PDF-1.7\n" + bytes(10 * 1024 * 1024), "证书.pdf", "“证书.pdf”超过 10 MB，请压缩后再发，或只拍要紧的部分。"),
    ],
)
def test_a_wrong_file_is_said_on_the_same_page(house: House, data: bytes, name: str, why: str) -> None:
    token = house.link("upload")
    page = house.hand_in(token, data, name)
    assert page.status_code == 400
    assert f'role="alert">{why}</p>' in page.text
    assert 'type="file"' in page.text
    assert house.messages == []
    assert house.hand_in(token, small_ledger()).status_code == 200


def test_what_is_no_form_or_far_too_large_is_said_as_well(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = house.link("upload")
    assert files.NONE in house("POST", f"/upload/{token}").text
    assert files.NONE in house("POST", f"/upload/{token}", data={"file": "no file at all"}).text
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert house("POST", f"/upload/{token}", headers=broken, content=b"--y\r\nnonsense").status_code == 400
    monkeypatch.setattr(files, "BODY_LIMIT", 1000)
    page = house.hand_in(token, bytes(3000))
    assert (page.status_code, files.TOO_LARGE in page.text) == (413, True)


def test_trouble_of_ours_is_said_and_the_file_can_be_sent_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_session: object, _inbound: Inbound) -> list[Any]:
        raise KeyError("no luck")

    token = house.link("upload")
    with monkeypatch.context() as patched:
        patched.setattr(type(house.service.reception), "turn", broken)
        page = house.hand_in(token, small_ledger())
    assert (page.status_code, files.FAILED in page.text, "no luck" in page.text) == (500, True, False)
    assert house.hand_in(token, small_ledger()).status_code == 200


def test_handing_in_without_end_is_slowed_down(house: House) -> None:
    token = house.link("upload")
    found = [house("POST", f"/upload/{token}").status_code for _ in range(7)]
    assert found == [400] * 6 + [429]


def test_the_page_is_plain_and_without_script(house: House) -> None:
    answer = house.get(f"/upload/{house.link('upload')}")
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for forbidden in ("<script", "<style", "style=", "onclick"):
        assert forbidden not in answer.text
    assert '<label for="file">' in answer.text
    assert 'lang="zh-CN"' in answer.text


def test_where_no_personal_matters_may_be_kept_no_file_is_taken(house: House) -> None:
    token = house.link("upload", "7", "telegram")
    closed = house.service.settings.model_copy(update={"telegram_assessment_ref": ""})
    assert "telegram" in closed.public_only
    house.service.settings = closed
    assert told_to_ask_again(house.hand_in(token, small_ledger()))


def test_the_answer_goes_where_the_account_is_written_to(house: House) -> None:
    """A file handed in does not move the account to another address."""
    token = house.link("upload", "7", "wechat")
    with house.service.database.unit() as session:
        contact = contacts.find(session, "wechat", "7")
        assert contact is not None
        contact.address = "elsewhere"
    house.hand_in(token, small_ledger())
    assert [c.address for c in house.rows(Contact) if c.external_id == "7"] == ["elsewhere"]
