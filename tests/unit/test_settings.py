from __future__ import annotations

import re
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from bot.settings import SECRETS, Settings, SettingsError, load_settings
from handlers.talk import Office


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)


def test_the_defaults_serve_one_machine(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path / 'honestscale.db'}"
    assert settings.evidence_dir == tmp_path / "evidence"
    office = settings.office()
    assert office.without_files == {"wechat"}
    assert replace(office, channel_names=Office().channel_names, without_files=Office().without_files) == Office()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONESTSCALE_DATABASE_URL", "postgresql+psycopg://a@b/c")
    monkeypatch.setenv("HONESTSCALE_OFFICE_OPENS", "08:30")
    monkeypatch.setenv("HONESTSCALE_BUREAU_NAME", "江城市市场监督管理局")
    settings = load_settings()
    assert settings.database == "postgresql+psycopg://a@b/c"
    assert settings.office().opens == time(8, 30)
    assert settings.office().name == "江城市市场监督管理局"


WECHAT = {"WECHAT_APP_ID": "wx0123456789abcdef", "WECHAT_TOKEN": "abc", "WECHAT_AES_KEY": "k" * 43}
TELEGRAM = {
    "TELEGRAM_MODE": "webhook",
    "TELEGRAM_TOKEN": f"123456:{'A' * 35}",
    "TELEGRAM_WEBHOOK_SECRET": "s" * 32,
}


def given(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"HONESTSCALE_{name}", value)


def complaint(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> str:
    given(monkeypatch, values)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("DATABASE_URL", "mysql://x", "只支持 sqlite:///"),
        ("OFFICE_CLOSES", "09:00", "17:30"),
        ("OFFICE_OPENS", "25:00", "09:00"),
        ("OFFICE_OPENS", "nine", "09:00"),
        ("ANSWER_BY", "", "09:00"),
        ("WORKER_THREADS", "0", "1 到 64"),
        ("WORKER_THREADS", "65", "1 到 64"),
        ("WORKER_THREADS", "many", "1 到 64"),
        ("WORKER_THREADS", "8.5", "1 到 64"),
        ("WORKER_THREADS", "9" * 5000, "1 到 64"),
        ("HOTLINE", "电话", "3 到 20 位"),
        ("BUREAU_NAME", "", "2 到 30 个字"),
        ("BUREAU_NAME", "局" * 31, "2 到 30 个字"),
        ("WECHAT_APP_ID", "gh_1234", "wx 加 16 位"),
        ("WECHAT_MODE", "aes", "safe、plain"),
        ("TELEGRAM_MODE", "on", "off、webhook、polling"),
        ("TELEGRAM_STAFF", "@wang", "数字 ID"),
        ("PUBLIC_URL", "jl.example.gov.cn", "https://主机"),
        ("PUBLIC_URL", "http://jl.example.gov.cn", "https"),
        ("PUBLIC_URL", "https://[::1", "https://主机"),
        ("WECHAT_API_BASE", "ftp://x", "https://主机"),
    ],
)
def test_nonsense_stops_the_start_and_is_named_in_chinese(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    told = complaint(monkeypatch, {name: value})
    assert told.startswith(f"HONESTSCALE_{name} 不对：")
    assert hint in told
    assert not re.search(r"[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}", told), "English words"


def test_several_wrong_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    told = complaint(monkeypatch, {"HOTLINE": "x", "WORKER_THREADS": "x"})
    assert [line.partition(" ")[0] for line in told.splitlines()] == [
        "HONESTSCALE_HOTLINE",
        "HONESTSCALE_WORKER_THREADS",
    ]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"WECHAT_TOKEN": ""}, "WECHAT_TOKEN"),
        ({"WECHAT_TOKEN": "a b"}, "WECHAT_TOKEN"),
        ({"WECHAT_AES_KEY": ""}, "WECHAT_AES_KEY"),
        ({"WECHAT_AES_KEY": "k" * 42}, "WECHAT_AES_KEY"),
        ({"WECHAT_AES_KEY_PREVIOUS": "canary"}, "WECHAT_AES_KEY_PREVIOUS"),
        ({"WECHAT_ABILITIES": "customer,fly"}, "WECHAT_ABILITIES"),
        ({"WECHAT_MODE": "plain", "PUBLIC_URL": "https://jl.example.gov.cn"}, "WECHAT_MODE"),
    ],
)
def test_T6_an_incomplete_wechat_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], named: str
) -> None:
    assert f"HONESTSCALE_{named}" in complaint(monkeypatch, WECHAT | wrong)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"TELEGRAM_TOKEN": ""}, "TELEGRAM_TOKEN"),
        ({"TELEGRAM_TOKEN": "canary"}, "TELEGRAM_TOKEN"),
        ({"TELEGRAM_WEBHOOK_SECRET": ""}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"TELEGRAM_WEBHOOK_SECRET": "s" * 31}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"TELEGRAM_WEBHOOK_SECRET": "密" * 32}, "TELEGRAM_WEBHOOK_SECRET"),
    ],
)
def test_T7_telegram_does_not_start_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], named: str
) -> None:
    told = complaint(monkeypatch, TELEGRAM | wrong)
    assert f"HONESTSCALE_{named}" in told
    assert TELEGRAM["TELEGRAM_TOKEN"] not in told


@pytest.mark.parametrize(
    "values", [WECHAT, TELEGRAM, {"TELEGRAM_MODE": "polling"} | {"TELEGRAM_TOKEN": TELEGRAM["TELEGRAM_TOKEN"]}]
)
def test_a_complete_channel_starts(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    given(monkeypatch, values)
    assert load_settings().secrets()


# -- secrets ------------------------------------------------------------------------------------------------------


def canaries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Every secret, each in a file of its own."""
    values = {
        "database_url": "postgresql+psycopg://bot:canary0%2F@db/scale?password=canary1",
        "wechat_app_secret": "canary2",
        "wechat_token": "canary3",
        "wechat_aes_key": f"canary4{'k' * 36}",
        "wechat_aes_key_previous": f"canary5{'k' * 36}",
        "telegram_token": f"123456:canary6{'A' * 28}",
        "telegram_webhook_secret": f"canary7{'s' * 32}",
    }
    assert set(values) == set(SECRETS)
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n", "utf-8")
    given(
        monkeypatch,
        {"SECRETS_DIR": str(tmp_path), "WECHAT_APP_ID": WECHAT["WECHAT_APP_ID"], "TELEGRAM_MODE": "webhook"},
    )
    return list(values.values())


def test_each_secret_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = canaries(monkeypatch, tmp_path)
    settings = load_settings()
    assert settings.database == values[0]
    assert set(values[1:]) <= set(settings.secrets())
    assert {"canary0%2F", "canary0/", "canary1"} <= set(settings.secrets())


def test_T19_no_secret_is_shown_by_the_settings_or_a_complaint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    canaries(monkeypatch, tmp_path)
    shown = load_settings().model_dump_json(exclude={"database_url"})
    for name in Settings.model_fields.keys() - {"data_dir", "secrets_dir", *SECRETS}:
        with monkeypatch.context() as once:
            once.setenv(f"HONESTSCALE_{name.upper()}", "\x01")
            try:
                load_settings()
            except SettingsError as error:
                shown += str(error)
    for name in SECRETS:
        kept = (tmp_path / name).read_text("utf-8")
        (tmp_path / name).write_text("canary-wrong canary", "utf-8")
        try:
            load_settings()
        except SettingsError as error:
            shown += str(error)
        (tmp_path / name).write_text(kept, "utf-8")
    assert "WECHAT_AES_KEY" in shown
    assert "canary" not in shown


@pytest.mark.parametrize("what", ["no folder", "no text"])
def test_a_secret_that_cannot_be_read_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    (tmp_path / "wechat_token").write_bytes(b"\xff\xfe")
    folder = tmp_path if what == "no text" else tmp_path / "elsewhere"
    told = complaint(monkeypatch, {"SECRETS_DIR": str(folder)})
    assert ("wechat_token" if what == "no text" else "HONESTSCALE_SECRETS_DIR") in told


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
