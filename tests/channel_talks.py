"""The conversations of ``flows/`` on WeChat and Telegram: sealed XML and JSON over real HTTP to the whole bot."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.app import Knowledge, Service
from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.sender import TelegramSender
from bot.channels.terminal import render
from bot.channels.wechat import shown
from bot.server import create_app
from handlers.conversation.messages import ContactRef
from storage import sending
from storage.gates import Rate
from tests import telegram, wechat
from tests.fakes.serving import Served
from tests.fakes.telegram import FakeTelegram, SentMessage
from tests.fakes.wechat import Delivered, FakeWechat, Message, links, plain
from tests.support import NOW, StandingClock, picture
from tests.talks import OPTIONS_OPEN, Talk, fits, work_off

ENDING_OPTIONS = re.compile(r"(?:^|\n)\d{1,2} [^\n]*$")


class WechatStage:
    """One person on WeChat. Answers come back with the request, several bubbles as one text."""

    def __init__(
        self, folder: Path, template: Path, knowledge: Knowledge, api: FakeWechat, clock: StandingClock
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, folder / "honestscale.db")
        self.service = Service(wechat.account(folder, api.url, wechat_abilities=""), knowledge)
        self.served = Served(create_app(self.service, clock=False))
        self.clock = clock
        self.platform = wechat.platform(self.served.url, now=self._now)
        self.taps = False
        self.last = ""
        self.shown_at = NOW

    def close(self) -> None:
        self.served.close()

    def _now(self) -> float:
        return self.clock.now.timestamp()

    def open(self, at: datetime) -> str:
        return self._send(self.platform.subscribe(wechat.OPENID), at)

    def say(self, text: str, at: datetime) -> str:
        number = unicodedata.normalize("NFKC", text)
        offered = {said: menu_id for menu_id, said, _ in links(self.last)}
        tapped = offered.get(number) if self.taps and at - self.shown_at <= OPTIONS_OPEN else None
        return self._send(self.platform.text(wechat.OPENID, text, menu_id=tapped), at)

    def wait(self, at: datetime) -> str:
        """What would be sent by notice, or shown with the next answer: taken as delivered."""
        self.clock.now = at
        work_off(self.service, at)
        rows = self.service.waiting(ContactRef("wechat", wechat.OPENID), at)
        self.last, self.shown_at = "", at
        return joined([render(row.reply) for row in rows])

    def send_file(self, _name: str, at: datetime) -> str:
        return self._send(self.platform.image(wechat.OPENID, "MEDIA"), at)

    def _send(self, message: Message, at: datetime) -> str:
        self.clock.now = at
        message = _at(message, at)
        got: Delivered = self.platform.send(message)
        assert not got.fault, got
        self.last, self.shown_at = got.text or "", at
        time.sleep(shown.EVERY_SECONDS * 4)  # what was shown is noted before the next message
        return plain(self.last)


def _at(message: Message, at: datetime) -> Message:
    return replace(message, created=int(at.timestamp()))


def wechat_difference(talk: Talk, number: int, actual: str) -> str | None:
    """None when the one text is the turn's bubbles in order, of which the last with options shows them."""
    turn = talk.turns[number]
    expected = joined(turn.bubbles)
    if fits(expected, actual):
        return None
    return f"{talk.path.name}:{turn.line} 《{talk.title}》 用户：{turn.deed}\n应是：\n{expected}\n实际：\n{actual}"


def joined(bubbles: Sequence[str]) -> str:
    offering = [n for n, bubble in enumerate(bubbles) if ENDING_OPTIONS.search(bubble)]
    open_one = offering[-1] if offering else -1
    return "\n\n".join(b if n == open_one else without_options(b) for n, b in enumerate(bubbles))


def without_options(bubble: str) -> str:
    lines = bubble.split("\n")
    while len(lines) > 1 and re.match(r"\d{1,2} ", lines[-1]):
        lines.pop()
    return "\n".join(lines)


class TelegramStage:
    """One person on Telegram. What is queued for them is sent here at once: the worker's pace is another test's matter."""

    RATE = Rate(per_second=1000, burst=1000)

    def __init__(
        self, folder: Path, template: Path, knowledge: Knowledge, fake: FakeTelegram, clock: StandingClock
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, folder / "honestscale.db")
        settings = telegram.account(folder, fake.url, telegram_assessment_ref="评估〔2026〕1号")
        self.service = Service(settings, knowledge)
        self.served = Served(create_app(self.service, clock=False))
        self.fake = fake
        self.clock = clock
        fake.deliver_to(f"{self.served.url}/telegram", telegram.SECRET)
        self.person = fake.person(7001, started=True)
        self.taps = False
        self._loop = asyncio.Runner()
        self._client = TelegramClient(settings)
        self._sender = TelegramSender(self._client)
        self._last: SentMessage | None = None
        self.shown_at = NOW

    def close(self) -> None:
        self._loop.run(self._client.close())
        self._loop.close()
        self.served.close()

    def open(self, at: datetime) -> list[str]:
        self.clock.now = at
        self.person.start("")
        return self._pump(at)

    def say(self, text: str, at: datetime) -> list[str]:
        self.clock.now = at
        button = self._button(unicodedata.normalize("NFKC", text)) if self.taps else None
        if button is not None and at - self.shown_at <= OPTIONS_OPEN:
            assert self.person.tap(button, self._last) == 200
        else:
            assert self.person.say(text) == 200
        return self._pump(at)

    def wait(self, at: datetime) -> list[str]:
        self.clock.now = at
        work_off(self.service, at)
        return self._pump(at)

    def send_file(self, _name: str, at: datetime) -> list[str]:
        self.clock.now = at
        assert self.person.send(self.person.photo(picture())) == 200
        return self._pump(at)

    def _button(self, number: str) -> str | None:
        labels = self._last.labels if self._last else []
        return next((label for label in labels if label.startswith(f"{number} ")), None)

    def _pump(self, at: datetime) -> list[str]:
        bubbles: list[str] = []
        while True:
            with self.service.database.unit() as session:
                items = sending.claim(session, "telegram", self.RATE, at, 1)
            if not items:
                return bubbles
            outcome = self._loop.run(self._sender.send(self.service.opened(items[0])))
            assert outcome.state == "sent", outcome
            with self.service.database.unit() as session:
                sending.finish(session, items[0], outcome, self.RATE, at)
            sent = self.fake.messages[self.person.chat_id]
            self._last = next(m for m in sent if str(m.message_id) == outcome.platform_id)
            self.shown_at = at
            bubbles.append(telegram.read(self._last))
