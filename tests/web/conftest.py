"""A bot on the fake Telegram with one person talking to it, for the tests of that channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import Knowledge
from tests.fakes.telegram import FakeTelegram, Person, Retries
from tests.telegram import ASSESSED, Stage, running


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram(retries=Retries(first_delay=0.05)) as fake:
        yield fake


@pytest.fixture
def stage(fake: FakeTelegram, tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Stage]:
    with running(tmp_path / "bot", empty_file, knowledge, fake, **ASSESSED) as bot:
        yield Stage(bot, fake)


@pytest.fixture
def wang(stage: Stage) -> Person:
    return stage.person()
