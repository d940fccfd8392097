"""``python -m bot tick``: everything that is due, once."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.__main__ import main
from bot.app import Knowledge, Service
from bot.settings import Settings
from bot.ticking import TickError, tick
from handlers.ledger.sheets import IMPORT
from storage import contacts, tasks
from storage.database import Database
from storage.ledger import LedgerItem
from storage.outbox import OutboxRow, SendState
from tests.conftest import CACHE
from tests.shops import add, shop
from tests.support import NOW, local, service_at

TUESDAY = local("2026-12-01T09:00")
TABLE = "器具名称,出厂编号,检定日期\n电子计价秤,N1,2026-05-20\n".encode()


@pytest.fixture
def settings(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Settings:
    """A shop with a scale that is due in thirty days, and a table that waits to be imported."""
    service = service_at(tmp_path / "data", empty_file, knowledge)
    with service.database.unit() as session:
        mine = shop(session, NOW)
        add(service.reception.bench, session, mine.id, date(2026, 12, 31), NOW, ("0917",))
        file = service.keep_file(TABLE, "a.csv")
        owner = contacts.get_or_create(session, "terminal", "wang", NOW)
        tasks.ask(session, IMPORT, owner.id, {"file": file.name, "name": "a.csv", "shop": mine.id}, NOW)
    service.close()
    return service.settings


def reminded(settings: Settings) -> int | None:
    database = Database(settings.database)
    with database.reading() as session:
        found = session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.kind == "reminder"))
    database.close()
    return found


def test_everything_that_is_due_is_done_once(settings: Settings, knowledge: Knowledge) -> None:
    assert tick(settings, TUESDAY, knowledge) == (
        [
            "retention：做了",
            "holiday-notice：做了",
            "reminders：做了，提醒了 1 家店",
            "unreached：做了，0 家店逾期没有动静",
            "case-terms：做了，提醒了 0 个案件期限",
            "case-digest：做了，给 0 名工作人员发了今日清单",
            "pledges：做了，0 份承诺暂停或恢复",
            "pledge-renewals：做了，提醒了 0 份承诺续签",
            "reveals：做了",
            "open-originals：做了",
            "sealed：做了",
            "audit-anchor：做了",
            "文件：处理 1 份",
            "过期消息：0 条",
        ],
        True,
    )
    again, sound = tick(settings, TUESDAY + timedelta(minutes=1), knowledge)
    assert sound
    assert again[:2] == ["retention：这一次已经做过", "holiday-notice：这一次已经做过"]
    assert [again[2], again[12]] == ["reminders：做了，提醒了 0 家店", "文件：处理 0 份"]
    assert reminded(settings) == 1
    database = Database(settings.database)
    with database.reading() as session:
        assert session.scalars(select(LedgerItem.serial).order_by(LedgerItem.id)).all() == ["0917", "N1"]
    database.close()


def test_at_night_and_on_days_off_nobody_is_told(settings: Settings, knowledge: Knowledge) -> None:
    for at in ("2026-12-01T03:00", "2026-12-05T09:00", "2026-12-07T21:00"):
        lines, sound = tick(settings, local(at), knowledge)
        assert sound
        assert lines[2] == "reminders：现在不是时候（休息日或夜里）"
    assert reminded(settings) == 0


def test_what_may_no_longer_be_sent_is_taken_back(settings: Settings, knowledge: Knowledge) -> None:
    tick(settings, TUESDAY, knowledge)
    database = Database(settings.database)
    with database.unit() as session:
        session.execute(update(OutboxRow).values(state=SendState.TODO))
    lines, _ = tick(settings, TUESDAY + timedelta(days=11), knowledge)
    assert lines[2].startswith("reminders：现在不是时候")  # a Saturday
    with database.reading() as session:
        states = session.scalars(select(OutboxRow.state)).all()
    database.close()
    assert set(states) <= {SendState.EXPIRED}


def test_a_job_that_fails_is_said_and_told_by_the_exit_code(
    settings: Settings, knowledge: Knowledge, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(settings, knowledge)
    with service.database.unit() as session:
        session.execute(update(LedgerItem).values(state="of another version"))
    service.close()
    lines, sound = tick(settings, TUESDAY, knowledge)
    assert not sound
    assert lines[2] == "reminders：没做成，见日志"
    assert "shop 1 could not be reminded" in caplog.text


def test_nobody_sets_the_clock_of_a_service_that_is_open_to_all(settings: Settings, knowledge: Knowledge) -> None:
    public = settings.model_copy(update={"public_url": "https://scale.example"})
    with pytest.raises(TickError, match="--at 只能在本机开发用"):
        tick(public, TUESDAY, knowledge)
    assert reminded(settings) == 0


def test_the_command_says_a_line_for_each_job_and_refuses_in_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(settings.data_dir))
    (settings.data_dir / "cache").symlink_to(CACHE.absolute())
    assert main(["tick", "--at", "2026-12-01T09:00"]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "reminders：做了，提醒了 1 家店"
    monkeypatch.setenv("HONESTSCALE_PUBLIC_URL", "https://scale.example")
    assert main(["tick", "--at", "2026-12-01T09:00"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "不能拨钟" in err
