"""Where no webhook can reach the bot it asks for updates itself, one process at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.app import Knowledge
from bot.channels.telegram import polling
from bot.turns import OverloadedError
from storage import platform
from storage.database import Session
from storage.dialogues import Dialogue
from storage.platform import Lease
from tests.fakes.telegram import FakeTelegram, Retries
from tests.telegram import QUESTION, Stage, numbers, running


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram(retries=Retries(first_delay=0.05)) as fake:
        yield fake


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "RENEW_SECONDS", "FIRST_PAUSE"):
        monkeypatch.setattr(polling, name, 0.2)


POLLING = {"telegram_mode": "polling", "telegram_webhook_secret": ""}


def asked(fake: FakeTelegram) -> int:
    return len(fake.called("getUpdates"))


@pytest.mark.usefixtures("hasty")
def test_polling(fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> None:
    wang = fake.person(next(numbers))
    early = wang.text(QUESTION)
    fake.deliver(early)
    with running(tmp_path / "bot", empty_file, knowledge, fake, **POLLING) as bot:
        stage = Stage(bot, fake)
        (answer,) = wang.replies()
        assert not fake.called("deleteWebhook")[0].params.get("drop_pending_updates")
        wang.tap(0, answer)
        wang.replies()
        stage.until(lambda: fake.pending == [])
        assert stage.post(b"{}") == 404
        assert [lease.name for lease in stage.rows(Lease)] == [polling.NAME]
    assert fake.called("getUpdates")[0].params["allowed_updates"] == [
        *("message", "edited_message", "callback_query", "my_chat_member")
    ]


@pytest.mark.postgres
@pytest.mark.usefixtures("hasty")
def test_of_two_processes_one_polls_and_the_other_takes_over(
    fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge, new_postgres: Callable[[], str]
) -> None:
    more = {**POLLING, "database_url": new_postgres()}
    wang = fake.person(next(numbers))
    with running(tmp_path / "b", empty_file, knowledge, fake, **more) as second:
        with running(tmp_path / "a", empty_file, knowledge, fake, **more) as first:
            stage = Stage(first, fake)
            for n in range(3):
                wang.say(f"{QUESTION}{'？' * n}")
                assert len(wang.replies()) == 1
            time.sleep(1.0)
            assert len(stage.rows(Lease)) == 1
            conflicts = [c for c in fake.called("getUpdates") if c.answer and not c.ok]
            assert conflicts == []
        wang.say(QUESTION)
        assert len(wang.replies(timeout=10)) == 1
        stage = Stage(second, fake)
        assert stage.rows(Dialogue)[0].turns == 4


@pytest.mark.usefixtures("hasty")
def test_what_could_not_be_kept_is_asked_for_again(
    fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge
) -> None:
    with running(tmp_path / "bot", empty_file, knowledge, fake, **POLLING) as bot:
        sound, refused = bot.service.take, []

        def busy(*args: Any) -> Any:
            if len(refused) < 2:
                refused.append(1)
                raise OverloadedError
            return sound(*args)

        bot.service.take = busy  # type: ignore[method-assign]
        wang = fake.person(next(numbers))
        wang.say(QUESTION)
        assert len(wang.replies(timeout=10)) == 1
        assert len(refused) == 2
        Stage(bot, fake).until(lambda: fake.pending == [])


@pytest.mark.usefixtures("hasty")
def test_polling_gets_over_errors_and_conflicts(
    fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge
) -> None:
    fake.fault("getUpdates", http=502)
    fake.fault("getUpdates", garbage=True)
    fake.fault("getUpdates", reset="before")
    wang = fake.person(next(numbers))
    with running(tmp_path / "bot", empty_file, knowledge, fake, **POLLING) as bot:
        wang.say(QUESTION)
        assert len(wang.replies(timeout=15)) == 1
        httpx.post(f"{fake.url}/bot{fake.token}/setWebhook", json={"url": f"{bot.url}"})
        stage = Stage(bot, fake)
        stage.until(lambda: fake.mailbox.webhook is None, 15)
        wang.say("菜单")
        assert len(wang.replies(timeout=15)) == 1


@pytest.mark.usefixtures("hasty")
def test_somebody_else_holds_the_lease(
    fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge
) -> None:
    with running(tmp_path / "bot", empty_file, knowledge, fake, telegram_mode="webhook") as bot:
        fake.mailbox.override = None

        def hold(session: Session) -> bool:
            return platform.hold(session, polling.NAME, "somebody", datetime.now(UTC), polling.LEASE)

        assert bot.service.turns.submit(hold).result()
        url = bot.service.settings.database
        with running(tmp_path / "bot", empty_file, knowledge, fake, **POLLING, database_url=url):
            time.sleep(1.0)
            assert asked(fake) == 0
            bot.service.turns.submit(lambda s: platform.let_go(s, polling.NAME, "somebody")).result()
            fake.wait_until(lambda: asked(fake) > 0)
