"""The command line as processes: starting, refusing to start, stopping."""

from __future__ import annotations

import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bot import logs
from bot.__main__ import main
from bot.app import Knowledge
from bot.running import DRAIN_SECONDS
from bot.settings import Settings
from tests.conftest import CACHE
from tests.processes import Server, free_port, serving

PASSWORD = "canary-pass"  # noqa: S105 - nobody's
PLAIN = {"WECHAT_APP_ID": "wx0123456789abcdef", "WECHAT_TOKEN": "token", "WECHAT_MODE": "plain"}
TELEGRAM_TOKEN = f"123456:{'A' * 35}"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(logs, "_lasting", set())  # a command hides its secrets for the life of the process


@pytest.fixture
def data(tmp_path: Path, knowledge: Knowledge) -> Path:  # noqa: ARG001 - has filled the cache
    """A data folder whose matcher is ready."""
    (tmp_path / "cache").symlink_to(CACHE.absolute())
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one sentence with which a command gives up."""
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert err.count("\n") == 1
    return err.strip()


# -- refusing to start --------------------------------------------------------------------------------------------


def test_a_taken_port_is_said_before_anything_is_loaded(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        assert f"端口 {port} 已经有程序在用" in refused(capsys, "serve", "--port", port)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("host", "hint"), [("203.0.113.7", "这台机器没有"), ("no such host", "不认识 --host")])
def test_an_address_this_machine_has_not_is_said(capsys: pytest.CaptureFixture[str], host: str, hint: str) -> None:
    assert hint in refused(capsys, "serve", "--host", host, "--port", "0")


@pytest.mark.parametrize("port", ["65536", "-1", "x"])
def test_a_port_there_cannot_be_is_said(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["serve", f"--port={port}"])
    assert stopped.value.code == 2
    assert "0 到 65535" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "jl.example.gov.cn"])  # noqa: S104
def test_T6_plaintext_is_served_to_this_machine_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name, value in PLAIN.items():
        monkeypatch.setenv(f"HONESTSCALE_{name}", value)
    told = refused(capsys, "serve", "--host", host, "--port", "0")
    assert "HONESTSCALE_WECHAT_MODE=plain" in told
    assert "safe" in told


@pytest.mark.parametrize("command", [["migrate"], ["clock"], ["consults"], ["serve", "--port", "0"]])
def test_a_postgresql_that_is_not_there_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str], data: Path
) -> None:
    monkeypatch.setenv("HONESTSCALE_DATABASE_URL", f"postgresql+psycopg://bot:{PASSWORD}@127.0.0.1:{free_port()}/scale")
    told = refused(capsys, *command)
    assert "连不上 127.0.0.1 上的库 scale" in told
    assert PASSWORD not in told
    assert list(data.glob("*.db")) == []


def test_a_file_that_is_no_place_for_a_database_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "folder.db").mkdir()
    monkeypatch.setenv("HONESTSCALE_DATABASE_URL", f"sqlite:///{tmp_path / 'folder.db'}")
    assert "打不开数据库文件" in refused(capsys, "migrate")


def test_a_worker_without_a_channel_has_nothing_to_do(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    assert "没有要送的渠道" in refused(capsys, "worker")
    assert data.exists()


@pytest.mark.parametrize("secret", ["", "short", "ä" * 40])
def test_T7_telegram_is_not_served_without_its_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("HONESTSCALE_TELEGRAM_MODE", "webhook")
    monkeypatch.setenv("HONESTSCALE_TELEGRAM_TOKEN", TELEGRAM_TOKEN)
    monkeypatch.setenv("HONESTSCALE_TELEGRAM_WEBHOOK_SECRET", secret)
    told = refused(capsys, "serve", "--port", "0")
    assert "HONESTSCALE_TELEGRAM_WEBHOOK_SECRET" in told
    assert TELEGRAM_TOKEN not in told


@pytest.mark.parametrize("words", [["wechat", "menu"], ["wechat", "check"], ["wechat", "qr", "s_A12"]])
def test_a_wechat_command_without_an_account_says_what_to_set(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert "HONESTSCALE_WECHAT_APP_ID" in refused(capsys, *words)


# -- running and stopping -----------------------------------------------------------------------------------------


@pytest.fixture
def environment(data: Path) -> dict[str, str]:
    return {"HONESTSCALE_DATA_DIR": str(data)}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_R21_a_server_stops_when_told(environment: dict[str, str], tmp_path: Path, how: int) -> None:
    log = tmp_path / "log"
    with serving(log, environment) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        began = time.monotonic()
        assert server.stop(how) == 0
        assert time.monotonic() - began < DRAIN_SECONDS
    told = log.read_text("utf-8")
    assert f"http://127.0.0.1:{server.port}/" in told
    assert "Traceback" not in told


def talk(url: str, stop: threading.Event, answered: list[str], name: str) -> None:
    """Says things until the server is gone; ``answered`` are the keys of what it took."""
    with httpx.Client(base_url=url, timeout=10) as client:
        client.headers["Authorization"] = f"Bearer {client.post('/chat/session').json()['token']}"
        for number in range(10_000):
            if stop.is_set():
                return
            key = f"{name}-{number:08d}"
            try:
                if client.post("/chat/messages", json={"key": key, "text": "菜单"}).status_code == 200:
                    answered.append(f"web:{key}")
            except httpx.HTTPError:
                return
            time.sleep(0.05)  # under the limit for one person


def test_R21_what_was_answered_while_stopping_is_kept(environment: dict[str, str], data: Path, tmp_path: Path) -> None:
    answered: list[str] = []
    stop = threading.Event()
    with serving(tmp_path / "log", environment) as server:
        people = [threading.Thread(target=talk, args=(server.url, stop, answered, f"p{n}")) for n in range(8)]
        for person in people:
            person.start()
        time.sleep(1.5)
        assert server.stop() == 0
        stop.set()
        for person in people:
            person.join()
    with closing(sqlite3.connect(data / "honestscale.db")) as connection:
        kept = {key for (key,) in connection.execute("SELECT key FROM inbox")}
    assert len(answered) > 20
    assert set(answered) <= kept


def test_a_clock_alone_does_the_days_work(environment: dict[str, str], data: Path, tmp_path: Path) -> None:
    clock = Server(tmp_path / "log", environment, 0, "clock")
    try:
        assert jobs_done(data) >= {"retention", "holiday-notice"}
    finally:
        assert clock.stop() == 0
    assert "定时任务进程已启动" in (tmp_path / "log").read_text("utf-8")


def test_without_its_clock_a_server_leaves_the_days_work(
    environment: dict[str, str], data: Path, tmp_path: Path
) -> None:
    with serving(tmp_path / "log", environment, 0, "serve", "--no-clock", "--no-worker"):
        time.sleep(0.3)
    assert set(slots(data)) == set()


def jobs_done(data: Path) -> set[str]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if len(found := set(slots(data))) > 1:
            return found
        time.sleep(0.1)
    return set(slots(data))


def slots(data: Path) -> Iterator[str]:
    file = data / "honestscale.db"
    if not file.exists():
        return
    with closing(sqlite3.connect(file)) as connection:
        try:
            yield from [job for (job,) in connection.execute("SELECT job FROM job_slots")]
        except sqlite3.OperationalError:  # not migrated yet
            return
