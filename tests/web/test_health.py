"""The pages for whoever runs the bot: alive, ready or why not, numbers; and one sentence for every wrong address."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot import metrics
from bot.app import Service
from bot.server import create_app
from bot.turns import OverloadedError
from bot.web import health
from bot.web.headers import SECURITY_HEADERS
from bot.web.health import Asked, Count, Health, create_health_router
from handlers.conversation.messages import Reply
from handlers.outreach import push
from storage import contacts, media, platform
from tests.support import Browser

Get = Callable[[str], httpx.Response]


def pages_of(app: FastAPI) -> Iterator[Browser]:
    browser = Browser(app)
    yield browser
    browser.close()


@pytest.fixture
def pages(service: Service) -> Iterator[Browser]:
    """The whole application, no channel set up."""
    yield from pages_of(create_app(service, clock=False))


@pytest.fixture
def wechat(service: Service) -> Iterator[Browser]:
    """The health pages of a process that also sends to WeChat."""
    app = FastAPI()
    counted = [
        Count("seen", "wechat", "text", 3),
        Count("delivered", "wechat", "sent", 2),
        Count("fetched", "wechat", "token", 1),
    ]
    app.include_router(create_health_router(Health(service, ("wechat",), lambda: counted)))
    yield from pages_of(app)


def file_of(service: Service) -> sqlite3.Connection:
    return sqlite3.connect(service.settings.database.removeprefix("sqlite:///"), isolation_level=None)


def sample(text: str, name: str) -> float:
    """The value of one line of the metrics page."""
    found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
    assert len(found) == 1, f"{name}: {found}"
    return float(found[0])


def test_a_running_process_is_alive_and_ready(pages: Browser) -> None:
    assert pages.get("/healthz").json() == {"alive": True}
    answer = pages.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {"database": True, "migrations": True, "writer": True},
        "oldest_due_seconds": 0.0,
        "oldest_turn_seconds": 0.0,
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nothing", "/static/nothing.js"])
def test_every_answer_carries_the_headers(pages: Browser, path: str) -> None:
    headers = pages.get(path).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def failed(pages: Browser) -> set[str]:
    answer = pages.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["ready"]
    return {name for name, good in answer.json()["checks"].items() if not good}


def test_a_database_of_another_release_is_not_ready(pages: Browser, service: Service) -> None:
    connection = file_of(service)
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    assert failed(pages) == {"migrations"}


def test_a_database_that_cannot_be_read_is_not_ready(
    pages: Browser, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    connection = file_of(service)
    connection.execute("ALTER TABLE media_files RENAME TO elsewhere")
    connection.close()
    assert failed(pages) == {"database", "migrations"}
    assert pages.get("/metrics").status_code == 503
    assert "OperationalError" in caplog.text


def test_a_writer_that_cannot_write_is_not_ready_and_recovers(
    pages: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ASKING_SECONDS", 0.3)
    connection = file_of(service)
    connection.execute("BEGIN EXCLUSIVE")
    assert failed(pages) == {"writer"}
    assert failed(pages) == {"writer"}
    connection.execute("ROLLBACK")
    connection.close()
    monkeypatch.setattr(health, "ASKING_SECONDS", 5.0)
    assert pages.get("/readyz").status_code == 200


def test_however_many_ask_a_silent_database_is_asked_once() -> None:
    asked: list[Future[int]] = []

    def ask() -> Future[int]:
        asked.append(Future())
        return asked[-1]

    async def go() -> list[int]:
        question = Asked(ask)
        waiting = [asyncio.create_task(question.answer()) for _ in range(50)]
        await asyncio.sleep(0.01)
        waiting.pop().cancel()  # somebody hung up
        asked[0].set_result(7)
        answers = await asyncio.gather(*waiting)
        later = asyncio.create_task(question.answer())
        await asyncio.sleep(0.01)
        asked[1].set_result(8)
        return [*answers, await later]

    assert asyncio.run(go()) == [7] * 49 + [8]
    assert len(asked) == 2


# -- metrics ------------------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_tables(wechat: Browser, service: Service) -> None:
    now = datetime.now(UTC)
    with service.database.unit() as session:
        wang = contacts.get_or_create(session, "wechat", "oWangSecretOpenid", now)
        for number in range(3):
            push(session, wang.id, Reply(f"私话{number}"), now - timedelta(minutes=5), "consult-answer", f"k{number}")
        media.want(session, wang, "media-ref-secret", "image", "label-secret", now)
        platform.park(session, "wechat", "key-secret", "unreadable", "body-secret", now)
    shown = wechat.get("/metrics").text
    assert sample(shown, 'honestscale_outbox{channel="wechat",state="todo"}') == 3
    assert sample(shown, 'honestscale_media_waiting{channel="wechat"}') == 1
    assert sample(shown, "honestscale_parked") == 1
    assert 300 <= sample(shown, "honestscale_outbox_oldest_due_seconds") < 360
    assert 300 <= wechat.get("/readyz").json()["oldest_due_seconds"] < 360
    assert sample(shown, 'honestscale_platform_pushes_total{channel="wechat",what="text"}') == 3
    assert sample(shown, 'honestscale_deliveries_total{channel="wechat",what="sent"}') == 2
    assert sample(shown, 'honestscale_fetches_total{channel="wechat",what="token"}') == 1
    assert [word for word in ("Wang", "secret", "私话", "unreadable") if word in shown] == []


def inbound(channel: str, result: str) -> float:
    labels = {"channel": channel, "result": result}
    return metrics.REGISTRY.get_sample_value("honestscale_inbound_messages_total", labels) or 0.0


def test_a_turn_is_counted_by_what_became_of_it(service: Service) -> None:
    def fails(_session: Any) -> None:
        raise ValueError

    def refuses() -> Future[None]:
        raise OverloadedError

    before = {result: inbound("c", result) for result in ("answered", "failed", "busy")}
    metrics.follow("c", lambda: service.turns.submit(lambda _session: 1)).result(5)
    assert isinstance(metrics.follow("c", lambda: service.turns.submit(fails)).exception(5), ValueError)
    with pytest.raises(OverloadedError):
        metrics.follow("c", refuses)
    assert {result: inbound("c", result) - count for result, count in before.items()} == {
        "answered": 1,
        "failed": 1,
        "busy": 1,
    }


def test_the_oldest_turn_is_the_one_that_waits_longest(service: Service) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def waits(_session: Any) -> None:
        begun.set()
        go_on.wait(10)

    first = metrics.follow("c", lambda: service.turns.submit(waits))
    second = metrics.follow("c", lambda: service.turns.submit(lambda _session: None))
    begun.wait(5)
    earlier = metrics.oldest_turn_seconds()
    assert 0 < earlier <= metrics.oldest_turn_seconds()
    go_on.set()
    first.result(5)
    second.result(5)
    assert metrics.oldest_turn_seconds() == 0.0


def test_a_message_on_the_page_is_counted(pages: Browser) -> None:
    before = inbound("web", "answered")
    pages.headers["Authorization"] = f"Bearer {pages.post('/chat/session').json()['token']}"
    assert pages.post("/chat/messages", json={"key": "key-00000001", "text": "菜单"}).status_code == 200
    assert inbound("web", "answered") == before + 1
    assert sample(pages.get("/metrics").text, "honestscale_turn_seconds_count") >= 1


# -- wrong addresses ----------------------------------------------------------------------------------------------


def test_a_wrong_address_or_method_is_answered_with_a_sentence(pages: Browser) -> None:
    for answer, status in (
        (pages.get("/nothing"), 404),
        (pages.get("/static/nothing.js"), 404),
        (pages.post("/"), 405),
        (pages.post("/readyz"), 405),
    ):
        assert answer.status_code == status
        assert answer.json()["error"].endswith("重新开始。")


def test_what_nobody_caught_is_answered_with_a_sentence_and_the_headers(service: Service) -> None:
    app = create_app(service, clock=False)

    async def broken() -> None:
        raise RuntimeError("inside")

    app.get("/broken")(broken)

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat") as client:
            return await client.get("/broken")

    answer = asyncio.run(go())
    assert answer.status_code == 500
    assert "请过一分钟再发一次" in answer.json()["error"]
    assert "inside" not in answer.text
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
