"""Ten thousand damaged updates: the bot takes each for what it is, and never stumbles."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.app import Knowledge
from bot.channels.telegram.web import SECRET_HEADER
from storage.platform import Parked
from tests.fakes.telegram import FakeTelegram, Json, Person
from tests.mutate import mutated_json
from tests.support import picture
from tests.telegram import ASSESSED, QUESTION, SECRET, Stage, running

COUNT = 10_000
AT_ONCE = 32
SEED = 20261125


def seeds(fake: FakeTelegram, wang: Person) -> list[Json]:
    """An update of every kind."""
    market = fake.group(-7)
    here = market.member(wang)
    ours = fake.received(market.chat, {"from": fake.bot}, {"text": "电子秤要检。"})
    shown = fake.received(wang.chat, {"from": fake.bot}, {"text": "?"})
    tap = {"id": "9", "from": wang.user, "chat_instance": "1", "message": shown, "data": "v1:0123456789abcdef:1"}
    _, moved = fake.group(-8).migrate(-(10**12) - 8, wang)
    return [
        wang.text(QUESTION),
        wang.text("人工"),
        wang.text("2斤排骨28一斤，称得1斤8两"),
        wang.command("start", "s_A12"),
        wang.photo(picture(), "这台秤"),
        *wang.album([picture(), picture()], "两张"),
        wang.document(b"%PDF-1.7", "证书.pdf"),
        wang.voice(b"OggS"),
        wang.location(28.0, 120.6),
        wang.contact("13800138000"),
        wang.sticker(),
        wang.edited(QUESTION),
        wang.member_update("member", "kicked"),
        fake.update("callback_query", tap),
        here.text(f"@honest_scale_bot {QUESTION}"),
        here.text("多久一次", reply_to=ours["message_id"]),
        *moved,
        fake.channel(-9).post("通知"),
        fake.poll_update(),
    ]


def damaged(originals: Sequence[Json]) -> list[bytes]:
    rng = random.Random(SEED)  # noqa: S311 - the same damage in every run
    bodies = []
    for n in range(COUNT):
        update = originals[n % len(originals)] | {"update_id": 1_000_000 + n}
        bodies.append(mutated_json(json.dumps(update, ensure_ascii=False).encode(), rng))
    return bodies


async def post_all(url: str, bodies: Sequence[bytes]) -> Counter[int]:
    """By hand over a few connections: an HTTP client would take most of the time."""
    statuses: Counter[int] = Counter()
    left = iter(bodies)
    address = urlsplit(url)

    async def post() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for body in left:
            head = (
                f"POST {address.path} HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: {SECRET}\r\nContent-Length: {len(body)}"
            )
            writer.write(f"{head}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")  # it has no body
            statuses[int(answer.split()[1])] += 1
        writer.close()

    await asyncio.gather(*(post() for _ in range(AT_ONCE)))
    return statuses


def test_ten_thousand_damaged_updates(
    tmp_path: Path, empty_file: Path, knowledge: Knowledge, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        FakeTelegram() as fake,
        running(tmp_path / "bot", empty_file, knowledge, fake, worker=False, **ASSESSED) as bot,
    ):
        wang = fake.person(5)
        statuses = asyncio.run(post_all(bot.url, damaged(seeds(fake, wang))))
        assert statuses == {200: COUNT}
        assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []
        stage = Stage(bot, fake)
        parked = stage.rows(Parked)
        assert 0.1 * COUNT < len(parked) < 0.9 * COUNT  # else the damage is too great, or none
        assert all(row.reason.startswith("unreadable: ") for row in parked)
        assert wang.say(QUESTION) == 200
