"""Telegram on its bad days: limits, lost connections, a token that is not good, and no secret in any log."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import httpx
import pytest

from bot.app import Knowledge
from storage.consults import Consult
from storage.media import MediaFile
from storage.outbox import OutboxRow, SendState
from tests.fakes.telegram import FakeTelegram, Person, SentMessage
from tests.processes import free_port
from tests.support import picture
from tests.telegram import ASSESSED, QUESTION, SECRET, Stage, numbers, running


def times(messages: list[SentMessage]) -> list[float]:
    return [message.when for message in messages]


def test_slow_down_is_obeyed_for_everybody(stage: Stage) -> None:
    people = [stage.person() for _ in range(4)]
    stage.fake.fault("sendMessage", retry_after=2)
    began = time.time()
    people[0].say(QUESTION)
    stage.until(lambda: len(stage.fake.called("sendMessage")) == 1)
    for person in people[1:]:
        person.say(QUESTION)
    shown = [person.replies(timeout=10)[0] for person in people]
    assert min(times(shown)) >= began + 2
    assert len(stage.fake.called("sendMessage")) == 5


def test_messages_keep_the_pace_the_platform_wants(stage: Stage) -> None:
    people = [stage.person() for _ in range(40)]
    updates = [person.text(said) for person in people for said in ("菜单", "判定")]
    asyncio.run(stage.fake.deliver_many(updates))
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT}, 30)
    # The pace is kept at departure; a machine that is busy lets a few arrive closer together, and those are sent again.
    assert len(stage.fake.flood_violations) <= 3
    for person in people:
        first, second = person.chat.sent
        assert second.when - first.when >= 0.7  # a second apart when they left; the way takes each its own time
        assert "一句话发我" in second.text
    when = sorted(message.when for person in people for message in person.chat.sent)
    assert when[-1] - when[0] >= (len(when) - 2) / 25 - 0.3


@pytest.mark.parametrize(("how", "most"), [("before", 1), ("after", 2)])
def test_a_connection_that_breaks_loses_nothing(stage: Stage, wang: Person, how: str, most: int) -> None:
    stage.fake.fault("sendMessage", reset=how)
    wang.say(QUESTION)
    stage.until(lambda: {row.state for row in stage.rows(OutboxRow)} == {SendState.SENT}, 15)
    assert 1 <= len(wang.chat.sent) <= most


def test_a_message_that_is_gone_is_written_anew(wang: Person) -> None:
    wang.say("/checkup")
    (form,) = wang.replies()
    tap = wang.callback(0, form)
    form.deleted = True
    wang.send(tap)
    (anew,) = wang.replies()
    assert "第1步" in anew.text


@pytest.mark.parametrize("api", ["closed", "wrong token"])
def test_a_platform_that_is_away_stops_nothing(
    api: str, fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge
) -> None:
    more = {
        "closed": {"telegram_api_base": f"http://127.0.0.1:{free_port()}"},
        "wrong token": {"telegram_token": fake.token.replace("AAF", "AAG")},
    }[api]
    with running(tmp_path / "bot", empty_file, knowledge, fake, **ASSESSED, **more) as bot:
        wang = fake.person(next(numbers))
        assert wang.say("人工") == 200
        assert httpx.get(bot.url.replace("/telegram", "/readyz")).status_code == 200
        stage = Stage(bot, fake)
        assert len(stage.rows(Consult)) == 1
        assert {row.state for row in stage.rows(OutboxRow)} & {SendState.TODO, SendState.RETRY, SendState.SENDING}


def test_no_secret_is_in_any_log(
    stage: Stage, wang: Person, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for how in (
        {"reset": "after"},
        {"http": 502},
        {"garbage": True},
        {"error_code": 401, "description": "Unauthorized"},
    ):
        stage.fake.fault("sendMessage", **how)
        stage.person().say(QUESTION)
        stage.until(lambda: not stage.fake.faults or all(f.times == 0 for f in stage.fake.faults), 12)
    stage.fake.fault("file", reset="before")
    wang.send(wang.photo(picture()))
    stage.post(b"not json")
    stage.until(lambda: any(row.tries for row in stage.rows(MediaFile)))
    # The fake platform runs in this process too, and its server logs the addresses it is asked for.
    logged = [record.getMessage() for record in caplog.records if record.name != "uvicorn.access"]
    out = "\n".join(logged) + "".join(capfd.readouterr())
    assert "refuses the token" in out
    assert stage.fake.token not in out
    assert stage.fake.token.partition(":")[2] not in out
    assert SECRET not in out
