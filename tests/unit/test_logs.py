"""T19: no secret reaches a log, whatever went wrong."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import deque
from urllib.parse import quote

import pytest

from bot import logs
from bot.logs import HIDDEN, ScrubbingFormatter, scrub
from bot.settings import Settings

CANARY = "canary/+ 'secret"
SHAPES = {
    "https://h/cgi-bin/x?access_token=AbC-123_x&openid=oUser1": ("AbC-123_x", "oUser1"),
    "https://h/token?appid=wx1&secret=0123abcd": ("0123abcd",),
    '{"access_token":"AbC123","expires_in":7200}': ("AbC123",),
    "{'secret': 'AbC123', 'appid': 'wx1'}": ("AbC123",),
    "POST https://api.telegram.org/bot123456:AAE_abcdefghijklmnopqrstu/sendMessage": ("AAE_abcdefghijklmnopqrstu",),
    "https://h/file/bot123456%3AAAE_abcdefghijklmnopqrstu/a.jpg": ("AAE_abcdefghijklmnopqrstu",),
    "token 123456:AAE_abcdefghijklmnopqrstu refused": ("AAE_abcdefghijklmnopqrstu",),
    "postgresql+psycopg://bot:pa55@db/main": ("pa55",),
    "redis://:pa55@db/0": ("pa55",),
}


@pytest.fixture(autouse=True)
def _hidden_for_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_lasting", set())
    monkeypatch.setattr(logs, "_recent", deque(maxlen=logs.RECENT))


@pytest.mark.parametrize("text", SHAPES)
def test_T19_what_looks_like_a_credential_is_hidden_by_its_shape(text: str) -> None:
    shown = scrub(text)
    assert HIDDEN in shown
    assert [secret for secret in SHAPES[text] if secret in shown] == []


@pytest.mark.parametrize(
    "text",
    [
        "2斤排骨28一斤称得1斤8两",
        "https://jl.example.gov.cn/wechat?signature=1",
        "12:30:15 to 18:00",
        "tokens: 3 fetched",
    ],
)
def test_what_is_no_credential_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize("spell", [str, lambda s: quote(s, safe=""), lambda s: repr([s]), lambda s: f"x{s}y"])
def test_T19_a_hidden_value_is_hidden_in_every_spelling(spell) -> None:
    logs.hide(CANARY)
    assert "canary" not in scrub(spell(CANARY))


def test_T19_the_secrets_of_the_settings_stay_hidden_however_many_tokens_come() -> None:
    secret = "canary-app"  # noqa: S105 - nobody's
    settings = Settings(wechat_app_secret=secret, database_url="postgresql+psycopg://u:canary%2F@h/d")
    logs.hide_for_good(settings.secrets())
    for number in range(2 * logs.RECENT):
        logs.hide(f"token-number-{number}")
    assert "canary" not in scrub("canary-app canary/ canary%2F")
    assert scrub("token-number-0") == "token-number-0"
    assert scrub(f"token-number-{2 * logs.RECENT - 1}") == HIDDEN


def test_T19_values_too_short_to_be_told_from_words_do_not_hide_the_log() -> None:
    logs.hide("a")
    logs.hide("")
    assert scrub("a cat") == "a cat"


def test_T19_a_traceback_is_scrubbed_whole() -> None:
    logs.hide(CANARY)
    error = RuntimeError(f"outer access_token={'x' * 20}")
    error.__cause__ = ValueError(CANARY)
    record = logging.LogRecord("n", logging.ERROR, __file__, 1, "went wrong", None, (type(error), error, None))
    shown = ScrubbingFormatter("%(message)s").format(record)
    assert "canary" not in shown
    assert "x" * 20 not in shown
    assert "ValueError" in shown
    assert "went wrong" in shown


PATHS = {
    "logged": "logging.getLogger('a').error('said %s', CANARY)",
    "wrongly logged": "logging.getLogger('a').error('said %d', CANARY)",
    "wrongly logged words": "logging.getLogger('a').error(f'{CANARY} %d', 'x')",
    "uncaught": "raise RuntimeError(CANARY)",
    "a thread": "t = threading.Thread(target=lambda: bad(CANARY)); t.start(); t.join()",
    "a task nobody awaits": "asyncio.run(forgotten())",
    "a callback of the loop": "asyncio.run(callback())",
    "a finaliser": "Finalised()",
    "a warning": "warnings.warn(CANARY)",
    "httpx at INFO": "logging.getLogger('httpx').info('GET https://h/?x=%s', CANARY)",
}
SCRIPT = f"""
import asyncio, gc, logging, threading, warnings
from bot import logs
CANARY = {CANARY!r}
def bad(text): raise ValueError(text)
async def bad_later(): bad(CANARY)
async def forgotten():
    task = asyncio.ensure_future(bad_later())
    await asyncio.sleep(0); await asyncio.sleep(0)
    del task; gc.collect()
async def callback():
    asyncio.get_running_loop().call_soon(bad, CANARY)
    await asyncio.sleep(0.01)
class Finalised:
    def __del__(self): bad(CANARY)
logs.configure()
logs.hide(CANARY)
"""


@pytest.mark.parametrize("path", PATHS)
def test_T19_every_way_an_error_leaves_a_process_is_scrubbed(path: str) -> None:
    shown = shown_by(f"{SCRIPT}\n{PATHS[path]}\nlogging.getLogger('a').warning('the end')")
    assert "canary" not in shown
    assert ("the end" in shown) is (path != "uncaught")
    if path != "httpx at INFO":
        assert len(shown.splitlines()) > 1 or path == "uncaught", "nothing was said of what went wrong"
    assert "Logging error" not in shown


def test_chatty_libraries_are_quiet() -> None:
    names = ("httpx", "httpcore", "urllib3", "telegram.ext")
    script = "import logging; from bot import logs; logs.configure()"
    levels = f"[logging.getLogger(name).isEnabledFor(logging.INFO) for name in {names}]"
    assert shown_by(f"{script}; print({levels})").strip() == str([False] * 4)


def shown_by(script: str) -> str:
    """All that a process of its own writes."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own
    return done.stdout + done.stderr
