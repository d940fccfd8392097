from __future__ import annotations

import io
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.app import Service
from bot.channels.terminal import chat, fixed_clock, render
from bot.settings import Settings
from handlers.conversation.messages import Choice, Reply
from handlers.outreach import push
from storage import contacts
from tests.support import NOW, picture


def _talk(service: Service, *lines: str) -> str:
    out = io.StringIO()
    chat(service, "wang", io.StringIO("".join(f"{line}\n" for line in lines)), out, fixed_clock(NOW))
    return out.getvalue()


def test_options_are_numbered_lines() -> None:
    assert render(Reply("选：", (Choice("甲", "a:"), Choice("乙", "b:")))) == "选：\n1 甲\n2 乙"


def test_a_piped_conversation_reads_as_one(service: Service) -> None:
    told = _talk(service, "查秤", "", "2")
    assert told.startswith("机器人：您好，我是诚信秤")
    assert "用户：查秤\n机器人：查秤两招，选一个：\n1 用手机当砝码测秤\n" in told
    assert "用户：2\n机器人：发我三个数" in told
    assert told.count("用户：") == 2


def test_the_greeting_comes_once(service: Service) -> None:
    assert _talk(service).count("您好，我是诚信秤") == 1
    assert _talk(service) == ""


def test_what_was_pushed_is_shown_once(service: Service) -> None:
    _talk(service)
    with service.database.unit() as session:
        person = contacts.find(session, "terminal", "wang")
        assert person is not None
        push(session, person.id, Reply("工作人员答复您了。"), NOW, "consult-answer", "consult:1")
    assert "机器人：工作人员答复您了。" in _talk(service)
    assert "工作人员答复您了" not in _talk(service)


def test_a_line_with_an_at_sign_sends_the_file(service: Service, tmp_path: Path) -> None:
    photo = tmp_path / "秤.png"
    photo.write_bytes(picture())
    assert "收到 1 个文件" in _talk(service, f"@{photo}")


def test_slow_work_that_fails_does_not_end_the_conversation(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_given: object) -> int:
        raise RuntimeError("no luck")

    monkeypatch.setattr("bot.channels.terminal.run_due", away)
    told = _talk(service, "查秤", "2")
    assert "用户：2\n机器人：发我三个数" in told
    assert "no luck" not in told


def test_a_file_that_is_not_there_or_not_right(service: Service, tmp_path: Path) -> None:
    program = tmp_path / "x.exe"
    program.write_bytes(b"MZ" + bytes(100))
    told = _talk(service, f"@{tmp_path / '没有.png'}", f"@{program}", "@")
    assert "打不开文件" in told
    assert "不是照片、视频、PDF 或表格" in told
    assert told.count("用户：") == 3


def test_the_command_line_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(tmp_path))
    assert main(["migrate"]) == 0
    assert main(["judge", "2斤排骨28一斤称得1斤8两"]) == 0
    told = capsys.readouterr().out
    assert "数据库已是最新：" in told
    assert "超过允许负偏差" in told
    assert Settings().data_dir == tmp_path


def test_a_wrong_setting_is_said_plainly(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONESTSCALE_DATABASE_URL", "oracle://x")
    assert main(["migrate"]) == 2
    assert "HONESTSCALE_DATABASE_URL 不对" in capsys.readouterr().err
