"""R13: ten thousand mutated bodies, sealed as WeChat seals them and unsealed: never a 5xx, never an unhandled error."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from bot.app import Knowledge, Service
from bot.server import create_app
from tests.fakes.wechat import Message, Platform, Push
from tests.fakes.wechat_crypto import Crypto
from tests.mutate import mutated_xml
from tests.wechat import AES_KEY, APP_ID, TOKEN, account

INNER, OUTER, AT_ONCE = 7_000, 3_000, 8


def seeds(p: Platform) -> list[Message]:
    return [
        p.text("o1", "电子秤多久检一次"),
        p.text("o2", "1", menu_id="0123456789abcdef-1"),
        p.image("o3", "MEDIA"),
        p.voice("o4", "MEDIA", "秤要检吗"),
        p.location("o5", 28.0, 120.6, "城西菜场"),
        p.subscribe("o6", scene="s_A12"),
        p.click("o7", "say:当场判定"),
        p.popup("o8", {"TEMPLATE-0001": "accept", "TEMPLATE-0002": "reject"}),
        p.template_finished("o9", 5, "failed:user block"),
        p.unsubscribe("o10"),
    ]


def test_R13_ten_thousand_mutated_bodies(
    tmp_path: Path, knowledge: Knowledge, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(20261124)  # noqa: S311 - a seed, so that a failure comes again
    service = Service(account(tmp_path, "http://127.0.0.1:9", wechat_abilities=""), knowledge)
    plain = Platform("http://bot", APP_ID, TOKEN, AES_KEY, "plain")
    sealing = Platform("http://bot", APP_ID, TOKEN, AES_KEY)
    inner = [plain.sign(message).body for message in seeds(plain)]
    pushes = [sealed(mutated_xml(rng.choice(inner), rng), n) for n in range(INNER)]
    for _ in range(OUTER):
        push = sealing.sign(rng.choice(seeds(sealing)))
        pushes.append(Push(push.params, mutated_xml(push.body, rng)))
    rng.shuffle(pushes)
    with caplog.at_level(logging.WARNING):
        statuses = asyncio.run(post_all(service, pushes))
    service.close()
    assert set(statuses) <= {200, 400, 403}
    assert statuses[200] > 1000
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def sealed(xml: bytes, number: int) -> Push:
    """Damaged inside, sound outside: what gets past the envelope."""
    timestamp, nonce = str(int(time.time())), str(10**8 + number)
    seal = Crypto(TOKEN, AES_KEY, APP_ID).seal(xml.decode(errors="replace"), timestamp, nonce)
    params = {"timestamp": timestamp, "nonce": nonce, "encrypt_type": "aes", "msg_signature": seal.signature}
    return Push(params, f"<xml><Encrypt><![CDATA[{seal.encrypted}]]></Encrypt></xml>".encode())


async def post_all(service: Service, pushes: list[Push]) -> Counter[int]:
    found: Counter[int] = Counter()
    waiting = iter(pushes)
    transport = httpx.ASGITransport(create_app(service, clock=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:

        async def one_after_another() -> None:
            for push in waiting:
                answer = await client.post("/wechat", params=push.params, content=push.body)
                found[answer.status_code] += 1

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return found
