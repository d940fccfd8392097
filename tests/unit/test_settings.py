from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings
from handlers.talk import Office


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)


def test_the_defaults_serve_one_machine(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path / 'honestscale.db'}"
    assert settings.evidence_dir == tmp_path / "evidence"
    assert settings.office() == Office()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONESTSCALE_DATABASE_URL", "postgresql+psycopg://a@b/c")
    monkeypatch.setenv("HONESTSCALE_OFFICE_OPENS", "08:30")
    monkeypatch.setenv("HONESTSCALE_BUREAU_NAME", "江城市市场监督管理局")
    settings = load_settings()
    assert settings.database == "postgresql+psycopg://a@b/c"
    assert settings.office().opens == time(8, 30)
    assert settings.office().name == "江城市市场监督管理局"


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("DATABASE_URL", "mysql://x", "只支持 sqlite:///"),
        ("OFFICE_CLOSES", "09:00", "17:30"),
        ("OFFICE_OPENS", "25:00", ""),
        ("WORKER_THREADS", "0", ""),
        ("HOTLINE", "电话", ""),
        ("BUREAU_NAME", "", ""),
    ],
)
def test_nonsense_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    monkeypatch.setenv(f"HONESTSCALE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert f"HONESTSCALE_{name} 不对" in str(caught.value)
    assert hint in str(caught.value)


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
