"""T19: a secret in every slot, every way in which a platform can fail, and none of them in anything the bot shows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import logs
from bot.__main__ import main
from bot.app import Knowledge
from bot.logs import ScrubbingFormatter
from handlers.conversation.messages import Reply
from handlers.outreach import push
from storage import contacts, windows
from storage.database import Database
from tests.conftest import CACHE
from tests.fakes.telegram import BOT_ID, FakeTelegram
from tests.fakes.wechat import FakeWechat
from tests.processes import Server, serving

APP_ID = "wx0123456789abcdef"
SECRETS = {
    "wechat_app_secret": "canary0a0123456789abcdef01234567",
    "wechat_token": "canary1b",
    "wechat_aes_key": f"canary2c{'k' * 35}",
    "wechat_aes_key_previous": f"canary3d{'p' * 35}",
    "telegram_token": f"{BOT_ID}:canary4e_{'A' * 26}",
    "telegram_webhook_secret": f"canary5f_{'s' * 32}",
}
SEND = "/cgi-bin/message/custom/send"
PEOPLE = 5


@pytest.fixture
def wechat() -> Iterator[FakeWechat]:
    with FakeWechat(APP_ID, SECRETS["wechat_app_secret"]) as api:
        yield api


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram(SECRETS["telegram_token"]) as api:
        yield api


@pytest.fixture
def environment(tmp_path: Path, knowledge: Knowledge, wechat: FakeWechat, telegram: FakeTelegram) -> dict[str, str]:  # noqa: ARG001 - the facts fill the cache
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, value in SECRETS.items():
        (folder / name).write_text(value, "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    (data / "cache").symlink_to(CACHE.absolute())
    return {
        "HONESTSCALE_DATA_DIR": str(data),
        "HONESTSCALE_SECRETS_DIR": str(folder),
        "HONESTSCALE_PUBLIC_URL": "https://jl.example.gov.cn",
        "HONESTSCALE_WECHAT_APP_ID": APP_ID,
        "HONESTSCALE_WECHAT_API_BASE": wechat.url,
        "HONESTSCALE_WECHAT_ABILITIES": "customer",
        "HONESTSCALE_TELEGRAM_MODE": "webhook",
        "HONESTSCALE_TELEGRAM_API_BASE": telegram.url,
    }


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def spoil(wechat: FakeWechat, telegram: FakeTelegram) -> None:
    """One of each: answers that are none, gateways, connections that break, refusals, a platform that echoes the token."""
    wechat.fault(SEND, errcode=45002)
    wechat.fault(SEND, http=502)
    wechat.fault(SEND, garbage=True)
    wechat.fault(SEND, reset="after")
    telegram.fault("getMe", http=502)
    telegram.fault("sendMessage", reset="before")
    telegram.fault("sendMessage", http=502)
    telegram.fault("sendMessage", garbage=True)
    telegram.fault("sendMessage", error_code=400, description=f"Bad Request: {SECRETS['telegram_token']}")


def queue(environment: dict[str, str], wechat: FakeWechat, telegram: FakeTelegram) -> None:
    """Something to send to several people on both platforms."""
    database = Database(f"sqlite:///{environment['HONESTSCALE_DATA_DIR']}/honestscale.db")
    now = datetime.now(UTC)
    for number in range(PEOPLE):
        telegram.person(800 + number, started=True)
        wechat.follow(f"oPerson{number}")
        wechat.user_sent(f"oPerson{number}")
        with database.unit() as session:
            for channel, name in (("wechat", f"oPerson{number}"), ("telegram", f"{800 + number}")):
                contact = contacts.get_or_create(session, channel, name, now)
                windows.note_message(session, contact.id, now)
                push(session, contact.id, Reply("您好"), now, "consult-answer", f"{channel}:{number}")
    database.close()


def knock(url: str) -> Iterator[httpx.Response]:
    """Callbacks that are not genuine, with secrets where a log might quote them."""
    token = SECRETS["wechat_token"]
    for path in (f"/wechat?signature={token}&timestamp=1&nonce=2", f"/telegram?secret={token}", f"/{token}"):
        for body in (b"", b"<xml>", b"{", token.encode()):
            headers = {"X-Telegram-Bot-Api-Secret-Token": f"{SECRETS['telegram_webhook_secret']}x"}
            yield httpx.post(url + path, content=body, headers=headers)
    yield httpx.get(f"{url}/wechat?signature={token}&echostr={token}")


def test_T19_no_secret_leaves_a_server_whose_platforms_fail(
    environment: dict[str, str], tmp_path: Path, wechat: FakeWechat, telegram: FakeTelegram
) -> None:
    spoil(wechat, telegram)
    log = tmp_path / "log"
    with serving(log, environment) as server:
        queue(environment, wechat, telegram)
        assert {answer.status_code for answer in knock(server.url)} <= {400, 403, 404, 405}
        until(lambda: len(wechat.calls_to(SEND)) > 4)
        until(lambda: sum(call.method == "sendMessage" for call in telegram.calls) > 4)
        until(lambda: 'honestscale_deliveries_total{channel="wechat",what="sent"}' in metrics(server))
        shown = metrics(server) + httpx.get(f"{server.url}/readyz").text
    shown += log.read_text("utf-8")
    assert "WARNING" in shown, "nothing was said of what went wrong"
    assert leaked(shown, wechat) == []


def metrics(server: Server) -> str:
    return httpx.get(f"{server.url}/metrics").text


def leaked(shown: str, wechat: FakeWechat) -> list[str]:
    tokens = [fetch.token for fetch in wechat.token_fetches]
    assert tokens
    return [s for s in (*SECRETS.values(), *tokens) if s in shown] + ["canary"] * shown.count("canary")


COMMANDS = ("wechat check", "wechat menu", "wechat qr s_A12", "telegram setup", "telegram check")
PATHS = ("getcallbackip", "menu/create", "qrcode/create", "openapi/quota/get")
FAULTS = {
    "nothing": {},
    "a gateway": {"http": 502},
    "a connection": {"reset": "before"},
    "the answers": {"garbage": True},
}


@pytest.fixture
def told(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Callable[[str], str]:
    """Runs a command here: what it says, and what the log of its process would hold."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(logs, "_lasting", set())
    caplog.set_level(logging.INFO)

    def run(command: str) -> str:
        assert main(command.split()) == 0
        said = "".join(capsys.readouterr())
        assert said.strip()
        logged = map(ScrubbingFormatter().format, caplog.records)
        return said + "\n".join(logged)

    return run


@pytest.mark.parametrize("fails", FAULTS)
def test_T19_no_secret_is_shown_by_a_command(
    told: Callable[[str], str], wechat: FakeWechat, telegram: FakeTelegram, fails: str
) -> None:
    if how := FAULTS[fails]:
        telegram.fault("*", times=None, **how)
        for path in PATHS:
            wechat.fault(f"/cgi-bin/{path}", times=None, **how)
    assert leaked("".join(map(told, COMMANDS)), wechat) == []


@pytest.mark.parametrize("how", [{"reset": "after"}, {"garbage": True}, {"http": 502}, {"errcode": 40125}])
def test_T19_no_secret_is_shown_when_no_token_is_to_be_had(
    told: Callable[[str], str], wechat: FakeWechat, how: dict[str, Any]
) -> None:
    wechat.fault("/cgi-bin/stable_token", **how)
    shown = told("wechat check")
    assert "凭据不能用" in shown
    assert "canary" not in shown
