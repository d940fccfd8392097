"""The way out to WeChat users, over a real HTTP platform: windows, notices, and what each error leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels.wechat import tokens
from bot.channels.wechat.client import WechatClient
from bot.channels.wechat.errors import REACTIONS
from bot.channels.wechat.notices import How, Notice, load
from bot.channels.wechat.sender import WechatSender, until_midnight
from bot.settings import SettingsError
from storage import gates, windows
from storage.database import Database
from storage.outbox import SendState
from storage.sending import Outcome
from storage.windows import Consent, CustomerWindow
from tests.fakes.wechat import FakeWechat, links, plain
from tests.support import NOW, local
from tests.wechat import OPENID, Desk, desk, fake

CUSTOM = "message/custom/send"
ANY = "/cgi-bin/getcallbackip"
TEMPLATE_ID = "TEMPLATE-0123456789"
ONCE = Notice("consult-answer", How.ONCE, TEMPLATE_ID, {"thing1": "title", "thing2": "text", "time3": "time"})
TEMPLATE = Notice("consult-answer", How.TEMPLATE, TEMPLATE_ID, {"thing1": "title"})


@pytest.fixture
def api() -> Iterator[FakeWechat]:
    with fake() as api:
        yield api


@pytest.fixture
def at(database: Database, api: FakeWechat) -> Iterator[Desk]:
    with desk(database, api) as made:
        yield made


def wrote(at: Desk, minutes_ago: float = 0) -> None:
    """The user wrote a while ago; both sides know of it."""
    contact = at.contact_id()
    with at.database.unit() as session:
        windows.note_message(session, contact, at.now - timedelta(minutes=minutes_ago))
    at.api.user_sent(OPENID)


# -- customer messages --------------------------------------------------------------------------------------------


def test_a_message_in_the_window_is_sent_with_its_links(at: Desk) -> None:
    wrote(at)
    assert at.send(at.item("有答复了 😀")).state == SendState.SENT
    (sent,) = at.api.sent_to(OPENID)
    assert plain(sent.content) == "有答复了 😀\n1 好的"
    assert links(sent.content) == [("0123456789abcdef-1", "1", "好的")]


def test_five_messages_and_no_more_until_the_user_writes(at: Desk) -> None:
    contact = at.contact_id()
    with at.database.unit() as session:
        windows.note_message(session, contact, at.now)
        assert [windows.take(session, contact, at.now) for _ in range(6)] == [True] * 5 + [False]
        windows.note_message(session, contact, at.now + timedelta(seconds=1))
        assert windows.take(session, contact, at.now + timedelta(seconds=2))


def test_after_a_tap_there_is_one_minute_and_three_messages(at: Desk) -> None:
    contact = at.contact_id()
    with at.database.unit() as session:
        windows.note_tap(session, contact, at.now)
        taken = [windows.take(session, contact, at.now + timedelta(seconds=s)) for s in (1, 2, 3, 4)]
        windows.note_tap(session, contact, at.now + timedelta(seconds=5))
        late = windows.take(session, contact, at.now + timedelta(seconds=66))
    assert taken == [True, True, True, False]
    assert not late


def test_a_message_delivered_twice_opens_no_second_window(at: Desk) -> None:
    contact = at.contact_id()
    with at.database.unit() as session:
        windows.note_message(session, contact, at.now)
        assert windows.take(session, contact, at.now)
        windows.note_message(session, contact, at.now)
        assert session.get_one(CustomerWindow, contact).message_used == 1


def test_without_a_window_nothing_is_tried(at: Desk) -> None:
    item = at.item()
    outcome = at.send(item)
    assert outcome.state == SendState.BLOCKED
    assert at.api.calls_to(CUSTOM) == []
    assert at.finish(item, outcome) == SendState.BLOCKED


@pytest.mark.parametrize("trouble", [{"errcode": -1}, {"http": 200, "garbage": True}])
def test_a_message_that_was_not_taken_uses_nothing_up(at: Desk, trouble: dict[str, Any]) -> None:
    wrote(at)
    at.call(lambda client: client.get(ANY))
    at.api.fault(CUSTOM, **trouble)
    assert at.send(at.item()).state == SendState.RETRY
    with at.database.reading() as session:
        assert session.get_one(CustomerWindow, at.contact_id()).message_used == 0


def test_two_days_later_the_window_is_shut(at: Desk) -> None:
    wrote(at, minutes_ago=48 * 60)
    assert at.send(at.item()).state == SendState.BLOCKED


# -- the table of errors ------------------------------------------------------------------------------------------

EXPECTED = {
    -1: SendState.RETRY,
    40003: SendState.BLOCKED,
    43004: SendState.BLOCKED,
    45015: SendState.BLOCKED,
    45047: SendState.BLOCKED,
    48001: SendState.BLOCKED,
    40200: SendState.BLOCKED,
    45009: SendState.RETRY,
    45011: SendState.RETRY,
    40164: SendState.RETRY,
    40013: SendState.RETRY,
    45002: SendState.DEAD,
    40033: SendState.DEAD,
    47003: SendState.DEAD,
    99999: SendState.RETRY,
}


@pytest.mark.parametrize("code", EXPECTED)
def test_R11_each_error_has_its_consequence(at: Desk, code: int) -> None:
    wrote(at)
    at.api.fault(CUSTOM, errcode=code, times=None)
    item = at.item()
    outcome = at.send(item)
    assert outcome.state == EXPECTED[code]
    assert at.finish(item, outcome) == EXPECTED[code]
    assert len(at.api.calls_to(CUSTOM)) == 1


@pytest.mark.parametrize("code", [45009, 45011, 40164])
def test_R11_slow_down_is_heard_by_everybody(at: Desk, code: int) -> None:
    wrote(at)
    at.api.fault(CUSTOM, errcode=code)
    item = at.item()
    at.finish(item, at.send(item))
    with at.database.reading() as session:
        until = gates.closed_until(session, "wechat")
    assert until is not None
    assert until > at.now


def test_a_user_who_left_is_marked(at: Desk) -> None:
    wrote(at)
    at.api.fault(CUSTOM, errcode=43004)
    assert at.send(at.item()).unreachable == "unfollowed"


def test_the_day_of_the_quota_ends_at_midnight_in_china() -> None:
    assert until_midnight(local("2026-11-24T23:00")) == timedelta(hours=1, minutes=1)


def test_every_code_that_the_issue_of_the_platform_names_is_in_the_table() -> None:
    assert {40001, 40014, 42001, 45009, 45015, 45047, 43004, 43101, -1} <= set(REACTIONS)


# -- tokens -------------------------------------------------------------------------------------------------------


def test_R10_a_killed_token_is_replaced_once_and_no_message_lost_or_doubled(at: Desk) -> None:
    wrote(at)
    at.call(lambda client: client.get(ANY))
    at.api.invalidate_token()
    at.now += timedelta(seconds=31)
    assert at.send(at.item("二")).state == SendState.SENT
    assert [plain(s.content).split("\n")[0] for s in at.api.sent_to(OPENID)] == ["二"]
    assert len(at.api.token_fetches) == 2


@pytest.mark.parametrize("code", [40014, 42001])
def test_R10_a_token_refused_though_it_is_the_platforms_own_brings_a_pause(at: Desk, code: int) -> None:
    wrote(at)
    at.call(lambda client: client.get(ANY))
    at.api.fault(CUSTOM, errcode=code)
    at.now += timedelta(seconds=31)
    outcome = at.send(at.item("一"))
    assert outcome.state == SendState.RETRY
    assert outcome.closes is not None
    assert len(at.api.token_fetches) == 2


def test_R10_a_lasting_refusal_makes_no_storm(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "WAIT_STEPS", 2)
    wrote(at)
    at.api.fault(CUSTOM, errcode=40001, times=None)

    async def many(sender: WechatSender) -> list[Outcome]:
        return [await sender.send(at.item(str(n), openid=f"o{n}")) for n in range(3)]

    for n in range(3):
        contact = at.contact_id(f"o{n}")
        with at.database.unit() as session:
            windows.note_message(session, contact, at.now)
    outcomes = at.run(many)
    assert {o.state for o in outcomes} == {SendState.RETRY}
    assert len(at.api.token_fetches) == 1
    assert len(at.api.calls_to(CUSTOM)) <= 6


def test_twenty_at_once_on_a_cold_start_fetch_one_token(at: Desk) -> None:
    async def all_at_once(client: WechatClient) -> list[object]:
        return await asyncio.gather(*(client.get(ANY) for _ in range(20)))

    assert len(at.call(all_at_once)) == 20
    assert len(at.api.token_fetches) == 1


def test_another_process_uses_the_token_that_is_there(at: Desk) -> None:
    for _ in range(3):
        at.call(lambda client: client.get(ANY))
    assert len(at.api.token_fetches) == 1


# -- no answer ----------------------------------------------------------------------------------------------------


def test_R12_a_reset_after_the_body_leaves_the_outcome_unknown_and_is_sent_once_more(at: Desk) -> None:
    wrote(at)
    at.call(lambda client: client.get(ANY))
    at.api.fault(CUSTOM, reset="after")
    item = at.item()
    outcome = at.send(item)
    assert outcome.state == SendState.UNKNOWN
    assert at.finish(item, outcome) == SendState.RETRY
    assert len(at.api.sent_to(OPENID)) == 1


def test_a_page_instead_of_an_answer_is_no_success(at: Desk) -> None:
    wrote(at)
    at.call(lambda client: client.get(ANY))
    at.api.fault(CUSTOM, garbage=True)
    assert at.send(at.item()).state == SendState.RETRY


# -- notices ------------------------------------------------------------------------------------------------------


def test_outside_the_window_a_notice_goes_and_the_message_waits_to_be_read(at: Desk) -> None:
    contact = at.contact_id()
    at.api.follow(OPENID)
    at.api.consent(OPENID, TEMPLATE_ID)
    with at.database.unit() as session:
        windows.consent(session, contact, TEMPLATE_ID, NOW, standing=False)
    item = at.item("您的咨询 RG-1 有答复了：\n" + "长" * 50, kind="consult-answer")
    outcome = at.send(item, "customer,subscribe-once", (ONCE,))
    assert outcome.state == SendState.BLOCKED
    assert outcome.error == "notice sent: subscribe-once"
    (call,) = at.api.calls_to("message/subscribe/bizsend")
    assert "人工咨询有答复了" in str(call.body)
    with at.database.reading() as session:
        assert session.get_one(Consent, (contact, TEMPLATE_ID)).left == 0


def test_an_agreement_the_platform_does_not_know_is_forgotten(at: Desk) -> None:
    contact = at.contact_id()
    at.api.follow(OPENID)
    with at.database.unit() as session:
        windows.consent(session, contact, TEMPLATE_ID, NOW, standing=True)
    item = at.item(kind="consult-answer")
    standing = Notice("consult-answer", How.STANDING, TEMPLATE_ID, {"thing1": "title"})
    assert at.send(item, "subscribe-standing", (standing,)).error.startswith("nothing may be sent")
    with at.database.reading() as session:
        assert not session.get_one(Consent, (contact, TEMPLATE_ID)).standing


def test_a_template_message_is_the_last_way(at: Desk) -> None:
    at.api.follow(OPENID)
    at.api.template(TEMPLATE_ID, "thing1")
    outcome = at.send(at.item(kind="consult-answer"), "customer,template", (ONCE, TEMPLATE))
    assert outcome.state == SendState.BLOCKED
    assert outcome.platform_id


def test_fields_keep_the_rules_of_their_types() -> None:
    fields = {
        "thing1": "text",
        "short_thing2": "title",
        "phrase3": "title",
        "character_string4": "text",
        "time5": "time",
    }
    values = Notice("consult-answer", How.ONCE, TEMPLATE_ID, fields).values("第一行\n第二行" + "长" * 30, NOW)
    assert len(values["thing1"]) <= 20
    assert "\n" not in values["thing1"]
    assert len(values["short_thing2"]) <= 5
    assert values["phrase3"] == "人工咨询有"
    assert values["character_string4"].isascii()
    assert values["time5"] == "2026-11-24 10:00"


GOOD = "- {kind: consult-answer, how: template, template_id: AbCdEfGhIj, fields: {thing1: title}}\n"


def test_a_notice_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "notices.yaml"
    path.write_text(GOOD, "utf-8")
    assert load(str(path)) == (Notice("consult-answer", How.TEMPLATE, "AbCdEfGhIj", {"thing1": "title"}),)
    assert load("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "- 1",
        GOOD.replace("consult-answer", "birthday"),
        GOOD.replace("how: template", "how: pigeon"),
        GOOD.replace("AbCdEfGhIj", "x"),
        GOOD.replace("{thing1: title}", "{}"),
        GOOD.replace("thing1: title", "thing1: weather"),
        GOOD.replace("thing1", "smell1"),
        "a: [",
    ],
)
def test_a_wrong_notice_file_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notices.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"通知模板第 1 条|NOTICES 不对"):
        load(str(path))
    with pytest.raises(SettingsError, match="读不了"):
        load(str(tmp_path / "none.yaml"))
