"""The WeChat channel as the platform sees it: sealed messages over real HTTP, answers, pushes, and its bad days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from bot.app import Knowledge, Service
from bot.channels.wechat import web as wechat_web
from bot.server import create_app
from handlers.conversation.messages import Reply
from handlers.outreach import push
from storage import contacts, outbox
from storage.consults import Consult
from storage.contacts import Contact
from storage.database import Session
from storage.dialogues import Dialogue, InboxMessage
from storage.media import MediaFile, MediaState
from storage.outbox import OutboxRow, SendState
from storage.platform import Parked
from storage.windows import Consent
from tests.fakes.serving import Served
from tests.fakes.wechat import FakeWechat, Push, links, plain
from tests.support import picture
from tests.wechat import OPENID, account, fake, platform

CUSTOM = "message/custom/send"


class Stage:
    """A bot with an Official Account on the fake platform, and the platform that delivers to it."""

    def __init__(self, folder: Path, knowledge: Knowledge, api: FakeWechat, **more: Any) -> None:
        self.api = api
        self.service = Service(account(folder, api.url, **more), knowledge)
        self.served = Served(create_app(self.service, clock=False, worker=True))
        self.platform = platform(self.served.url, api)

    def close(self) -> None:
        self.served.close()

    def session(self) -> Any:
        return self.service.database.reading()

    def rows(self, table: Any) -> list[Any]:
        with self.session() as session:
            return list(session.scalars(select(table)))

    def until(self, true: Any, seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.05)


@pytest.fixture
def api() -> Iterator[FakeWechat]:
    with fake() as api:
        yield api


@pytest.fixture
def stage(tmp_path: Path, knowledge: Knowledge, api: FakeWechat) -> Iterator[Stage]:
    made = Stage(tmp_path, knowledge, api)
    yield made
    made.close()


@pytest.fixture
def silent(tmp_path: Path, knowledge: Knowledge, api: FakeWechat) -> Iterator[Stage]:
    """An account that may not send anything by itself."""
    made = Stage(tmp_path, knowledge, api, wechat_abilities="")
    yield made
    made.close()


# -- answers ------------------------------------------------------------------------------------------------------


def test_the_address_verifies(stage: Stage) -> None:
    assert asyncio.run(stage.platform.verify())
    assert not asyncio.run(stage.platform.verify(token="Wrong0"))  # noqa: S106


def test_a_question_is_answered_in_the_same_breath(stage: Stage) -> None:
    got = stage.platform.say(OPENID, "电子秤多久检一次")
    assert (got.tries, got.fault) == (1, False)
    assert got.text is not None
    assert plain(got.text).startswith("电子计价秤") or "12个月" in got.text
    assert links(got.text)


def test_a_tapped_line_and_a_typed_digit_do_the_same(stage: Stage) -> None:
    first = stage.platform.say(OPENID, "秤要检吗")
    tapped = stage.platform.tap(OPENID, links(first.text or "")[0])
    stage.platform.say("oUser-0002", "秤要检吗")
    typed = stage.platform.say("oUser-0002", "1")
    assert plain(tapped.text or "") == plain(typed.text or "") != ""


def test_an_old_line_never_does_its_old_deed(stage: Stage) -> None:
    old = links(stage.platform.say(OPENID, "秤要检吗").text or "")[0]
    stage.platform.say(OPENID, "查秤")
    assert (stage.platform.tap(OPENID, old).text or "").startswith("这个按钮已过期")


def test_following_greets_and_scanning_leads_on(stage: Stage) -> None:
    assert (stage.platform.send(stage.platform.subscribe(OPENID)).text or "").startswith("您好，我是诚信秤")
    got = stage.platform.send(stage.platform.scan(OPENID, "s_A12"))
    assert "A12" in (got.text or "")


@pytest.mark.parametrize("kind", ["video", "shortvideo", "location", "link", "file", "hologram"])
def test_what_cannot_be_read_gets_a_sentence(stage: Stage, kind: str) -> None:
    p = stage.platform
    messages = {
        "video": p.video(OPENID, "M"),
        "shortvideo": p.shortvideo(OPENID, "M"),
        "location": p.location(OPENID, 28.0, 120.6, "城西菜场"),
        "link": p.link(OPENID, "标题", "说明", "https://x.example"),
        "file": p.file(OPENID, "台账.xlsx", 900),
        "hologram": p.message(OPENID, "hologram"),
    }
    got = p.send(messages[kind])
    assert not got.fault
    assert got.text
    assert "系统错误" not in got.text


@pytest.mark.parametrize("kind", ["view", "position", "nonsense", "template", "popup"])
def test_silent_events_are_acknowledged(stage: Stage, kind: str) -> None:
    p = stage.platform
    messages = {
        "view": p.view(OPENID, "https://x.example"),
        "position": p.position(OPENID, 28.0, 120.6),
        "nonsense": p.event(OPENID, "nonsense"),
        "template": p.template_finished(OPENID, 5, "failed:user block"),
        "popup": p.popup(OPENID, {"TEMPLATE-0001": "accept"}),
    }
    got = p.send(messages[kind])
    assert (got.text, got.fault, got.status) == (None, False, 200)


def test_agreeing_to_notices_is_kept(stage: Stage) -> None:
    stage.platform.send(stage.platform.popup(OPENID, {"T-00000001": "accept", "T-00000002": "reject"}))
    assert {(c.template_id, c.left) for c in stage.rows(Consent)} == {("T-00000001", 1), ("T-00000002", 0)}


def test_unfollowing_erases(stage: Stage) -> None:
    stage.platform.say(OPENID, "电子秤多久检一次")
    stage.platform.send(stage.platform.unsubscribe(OPENID))
    stage.until(lambda: not stage.rows(OutboxRow))
    assert stage.rows(Contact) == stage.rows(InboxMessage) == stage.rows(Dialogue) == []


# -- delivered again ----------------------------------------------------------------------------------------------


def test_R1_a_second_delivery_gets_the_same_answer_and_does_nothing(stage: Stage) -> None:
    message = stage.platform.text(OPENID, "人工")
    first, second = stage.platform.send(message), stage.platform.send(message)
    assert first.text == second.text
    assert len(stage.rows(Consult)) == 1
    assert stage.rows(Dialogue)[0].turns == 1


def duplicated_and_shuffled(stage: Stage) -> None:
    people = [f"oUser-{n:04d}" for n in range(20)]
    messages = [stage.platform.text(who, said) for said in ("人工", "电子秤多久检一次", "菜单") for who in people]
    results = asyncio.run(stage.platform.deliver_many(messages, concurrency=16, duplicates=0.5, shuffle=True, seed=7))
    for copies in results:
        assert len({copy.text for copy in copies}) == 1
        assert all(copy.text and not copy.fault for copy in copies)
    assert sorted(row.turns for row in stage.rows(Dialogue)) == [3] * 20
    assert len(stage.rows(Consult)) == 20
    with stage.session() as session:
        twice = select(InboxMessage.contact_id, InboxMessage.key).group_by("contact_id", "key")
        assert session.execute(twice.having(func.count() > 1)).all() == []


def test_R1_R2_duplicated_and_shuffled_deliveries_have_one_effect_each(stage: Stage) -> None:
    duplicated_and_shuffled(stage)


@pytest.mark.postgres
def test_R1_R2_the_same_on_postgresql(
    tmp_path: Path, knowledge: Knowledge, api: FakeWechat, new_postgres: Callable[[], str]
) -> None:
    made = Stage(tmp_path, knowledge, api, database_url=new_postgres())
    duplicated_and_shuffled(made)
    made.platform.say(OPENID, "菜单")
    tell(made, "您的咨询有答复了", "a:1")
    made.until(lambda: len(made.api.sent_to(OPENID)) == 1)
    made.close()


def test_answers_that_went_out_are_not_sent_again(stage: Stage) -> None:
    stage.platform.say(OPENID, "电子秤多久检一次")
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})
    assert stage.api.sent == []


# -- too slow -----------------------------------------------------------------------------------------------------


def slow(stage: Stage, seconds: float) -> None:
    """The next turn takes its time, as a busy database might make it."""
    quick = stage.service.take
    called: list[int] = []

    def take(*args: Any) -> Future[Any]:
        if called:
            return quick(*args)
        called.append(1)
        stage.service.turns.submit(lambda _session: time.sleep(seconds))
        return quick(*args)

    stage.service.take = take  # type: ignore[method-assign]


def test_a_slow_turn_is_acknowledged_and_pushed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat_web, "ANSWER_SECONDS", 0.3)
    slow(stage, 0.8)
    got = stage.platform.say(OPENID, "电子秤多久检一次")
    assert (got.text, got.tries, got.fault) == (None, 1, False)
    stage.until(lambda: len(stage.api.sent_to(OPENID)) == 1)
    assert links(stage.api.sent_to(OPENID)[0].content)
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT})


def test_a_slow_turn_of_an_account_that_cannot_push_is_collected(
    silent: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechat_web, "ANSWER_SECONDS", 0.3)
    silent.platform = platform(silent.served.url, silent.api, patience=0.6)
    slow(silent, 1.0)
    got = silent.platform.say(OPENID, "电子秤多久检一次")
    assert got.tries >= 2
    assert got.text
    assert silent.rows(Dialogue)[0].turns == 1


# -- pushes -------------------------------------------------------------------------------------------------------


def tell(stage: Stage, text: str, key: str) -> None:
    def work(session: Session) -> None:
        contact = contacts.find(session, "wechat", OPENID)
        assert contact is not None
        push(session, contact.id, Reply(text), datetime.now(UTC), "consult-answer", key)

    stage.service.turns.submit(work).result()
    stage.service.wake()


def test_what_may_not_be_sent_is_shown_first_on_the_next_message(silent: Stage) -> None:
    silent.platform.say(OPENID, "菜单")
    tell(silent, "您的咨询有答复了", "a:1")
    silent.until(lambda: any(row.state == SendState.BLOCKED for row in silent.rows(OutboxRow)))
    message = silent.platform.text(OPENID, "电子秤多久检一次")
    got = silent.platform.send(message)
    assert (got.text or "").startswith("（补发上次没送到的）\n您的咨询有答复了\n\n")
    assert silent.platform.send(message).text == got.text
    silent.until(lambda: {row.state for row in silent.rows(OutboxRow)} == {SendState.SENT})
    assert "补发" not in (silent.platform.say(OPENID, "菜单").text or "")


def test_a_push_in_the_window_is_a_customer_message(stage: Stage) -> None:
    stage.platform.say(OPENID, "菜单")
    tell(stage, "您的咨询有答复了", "a:1")
    stage.until(lambda: len(stage.api.sent_to(OPENID)) == 1)
    assert stage.api.sent_to(OPENID)[0].content == "您的咨询有答复了"


def test_the_same_word_again_repeats_the_last_answer(stage: Stage) -> None:
    first = stage.platform.say(OPENID, "秤要检吗").text or ""
    again = stage.platform.say(OPENID, "再看一遍").text or ""
    assert plain(again) == plain(first)


# -- pictures -----------------------------------------------------------------------------------------------------


def test_a_picture_is_fetched_at_once_and_a_consult_can_show_it(stage: Stage) -> None:
    media = stage.api.add_media(picture(), "image/png")
    stage.platform.say(OPENID, "人工")
    got = stage.platform.send(stage.platform.image(OPENID, media))
    assert "记下了" in (got.text or "")
    stage.until(lambda: [row.state for row in stage.rows(MediaFile)] == [MediaState.KEPT])
    kept = stage.rows(MediaFile)[0]
    assert (stage.service.settings.evidence_dir / "sha256" / kept.sha256[:2] / kept.sha256[2:4] / kept.sha256).is_file()
    assert stage.rows(Consult)[0].files == [f"media:{kept.id}"]


def test_a_picture_that_is_gone_is_asked_for_again(stage: Stage) -> None:
    media = stage.api.add_media(picture(), "image/png")
    stage.api.expire_media(media)
    stage.platform.send(stage.platform.image(OPENID, media))
    stage.until(lambda: [row.state for row in stage.rows(MediaFile)] == [MediaState.FAILED])
    stage.until(lambda: len(stage.api.sent_to(OPENID)) == 1)
    assert "再发一次" in stage.api.sent_to(OPENID)[0].content


FILM = bytes(3) + b"\x18ftypisom" + bytes(400)


def test_a_film_is_fetched_from_where_the_platform_says(stage: Stage) -> None:
    media = stage.api.add_media(FILM, "video/mp4")
    stage.platform.send(stage.platform.video(OPENID, media))
    stage.until(lambda: [row.state for row in stage.rows(MediaFile)] == [MediaState.KEPT])
    assert stage.rows(MediaFile)[0].media_type == "video/mp4"


def test_T11_a_film_is_fetched_from_the_platforms_hosts_only(stage: Stage) -> None:
    asked: list[str] = []

    async def trap(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope["type"])

    with Served(trap) as inside:
        port = inside.url.rpartition(":")[2]
        places = (inside.url, f"http://127.0.0.1:{port}", f"http://x.qq.com:{port}", "http://qq.com.example", "ftp://x")
        for n, stage.api.films_at in enumerate(places, 1):
            stage.platform.send(stage.platform.video(OPENID, stage.api.add_media(FILM, "video/mp4")))
            stage.until(lambda n=n: [row.state for row in stage.rows(MediaFile)] == [MediaState.FAILED] * n)
    assert "http" not in asked


def test_T11_the_address_in_a_message_is_never_fetched(stage: Stage) -> None:
    asked: list[str] = []

    async def trap(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope["type"])

    with Served(trap) as inside:
        stage.platform.send(stage.platform.image(OPENID, "NO-SUCH-MEDIA", f"{inside.url}/secret"))
        stage.platform.send(stage.platform.link(OPENID, "x", "y", f"{inside.url}/secret"))
        stage.until(lambda: [row.state for row in stage.rows(MediaFile)] == [MediaState.FAILED])
    assert "http" not in asked


# -- bad requests and bad days ------------------------------------------------------------------------------------


def post(stage: Stage, push: Push) -> int:
    return asyncio.run(stage.platform.post(push)).status_code


def test_T6_forged_replayed_swapped_and_oversized_requests_are_refused(stage: Stage) -> None:
    p = stage.platform
    good = p.sign(p.text(OPENID, "你好"))
    other = p.sign(p.text(OPENID, "人工"))
    assert post(stage, Push({**good.params, "msg_signature": "0" * 40}, good.body)) == 403
    assert post(stage, Push(good.params, other.body)) == 403
    assert post(stage, Push({**good.params, "timestamp": "1700000000"}, good.body)) == 403
    assert post(stage, Push({k: v for k, v in good.params.items() if k != "encrypt_type"}, good.body)) == 403
    assert post(stage, Push(good.params, b"<xml>" + b" " * 65536 + b"</xml>")) == 400
    assert post(stage, Push(good.params, b"<!DOCTYPE x>" + good.body)) == 400
    assert stage.rows(Contact) == []
    assert post(stage, good) == 200


def test_a_message_that_breaks_the_bot_is_parked_and_said_so(stage: Stage) -> None:
    def broken(_talk: object, _text: str) -> list[Reply]:
        raise RuntimeError("no luck")

    sound = stage.service.reception
    stage.service.reception = replace(sound, desk=replace(sound.desk, answer=broken))
    message = stage.platform.text(OPENID, "强检收费吗")
    assert "没处理好" in (stage.platform.send(message).text or "")
    stage.service.reception = sound
    assert [row.channel for row in stage.rows(Parked)] == ["wechat"]
    assert "没处理好" in (stage.platform.send(message).text or "")
    assert len(stage.rows(Parked)) == 1


def test_R19_when_nothing_was_kept_the_platform_is_not_told_success(stage: Stage) -> None:
    stage.service.turns.close()

    def away(*_args: Any) -> Future[Any]:
        raise wechat_web.BusyError

    stage.service.take = away  # type: ignore[method-assign]
    assert post(stage, stage.platform.sign(stage.platform.text(OPENID, "你好"))) == 503


def test_the_notice_page_says_what_can_be_done(stage: Stage, tmp_path: Path, knowledge: Knowledge) -> None:
    page = httpx.get(f"{stage.served.url}/wechat/notices")
    assert page.status_code == 200
    assert "还没有开通订阅通知" in page.text
    file = tmp_path / "notices.yaml"
    entry = "- {kind: consult-answer, how: subscribe-standing, template_id: T-00000001, fields: {thing1: title}}\n"
    file.write_text(entry, "utf-8")
    more = {"wechat_notices": str(file), "wechat_abilities": "customer,subscribe-standing"}
    second = Stage(tmp_path / "b", knowledge, stage.api, public_url="https://jl.example.gov.cn", **more)
    try:
        page = httpx.get(f"{second.served.url}/wechat/notices")
        assert 'template="T-00000001"' in page.text
        assert "人工咨询有答复了" in page.text
        assert "https://res.wx.qq.com" in page.headers["content-security-policy"]
        assert len(stage.api.calls_to("ticket/getticket")) == 1
    finally:
        second.close()


def test_repeated_faults_of_the_platform_do_not_stop_answers(stage: Stage) -> None:
    stage.api.fault(CUSTOM, http=500, times=None)
    stage.platform.say(OPENID, "菜单")
    tell(stage, "一", "a:1")
    stage.until(lambda: len(stage.api.calls_to(CUSTOM)) >= 1)
    assert stage.platform.say(OPENID, "菜单").text
    assert outbox.KINDS["consult-answer"].again
