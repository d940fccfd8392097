"""Custodians' key files, and the commands by which two of them open an identity."""

from __future__ import annotations

import getpass
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PrivateKey, SealedBox

from bot import logs
from bot.__main__ import main
from bot.backoffice import key_files
from bot.backoffice.key_files import KeyFileError
from bot.settings import Settings
from storage import audit, cases, identities
from storage.audit import Entry
from storage.cases import Case
from storage.database import Database
from tests.support import NOW, migrated_file

PHRASE = "四个词 做一句 长口令 十二字"
REASON = "核对举报人身份以便发放奖励"
CANARY = {"name": "金丝雀赵", "phone": "13912345678", "contact": "晚上打\x1b[2J电话"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(logs, "_lasting", set())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "data").mkdir()
    database = Database(f"sqlite:///{migrated_file(tmp_path / 'data' / 'honestscale.db')}")
    yield database
    database.close()


@pytest.fixture
def phrase(tmp_path: Path) -> str:
    path = tmp_path / "phrase"
    path.write_text(f"{PHRASE}\n", "utf-8")
    return str(path)


def said(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    """What a command prints, to either side."""
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    assert (err if code == 0 else out) == ""
    return (out + err).strip()


# -- key files ----------------------------------------------------------------------------------------------------


def test_a_key_file_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public = key_files.make(path, PHRASE, tmp_path / "data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    key = key_files.read(path, PHRASE)
    assert bytes(key.public_key) == public
    assert bytes(key) not in path.read_bytes()
    assert SealedBox(key).decrypt(SealedBox(key.public_key).encrypt(b"x")) == b"x"
    with pytest.raises(KeyFileError, match="口令不对"):
        key_files.read(path, PHRASE + " ")
    whole = path.read_bytes()
    path.chmod(0o600)
    for altered in (b"", whole[:-1], whole[:10], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(altered)
        with pytest.raises(KeyFileError, match="口令不对"):
            key_files.read(path, PHRASE)
    with pytest.raises(KeyFileError, match="读不了"):
        key_files.read(tmp_path / "none", PHRASE)


def test_a_key_is_never_made_in_the_data_folder_over_a_file_or_with_a_short_passphrase(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(data)
    there = tmp_path / "there"
    there.write_text("x")
    for path, phrase in (
        (data / "key", PHRASE),
        (data / "inner" / "key", PHRASE),
        (tmp_path / "link" / "key", PHRASE),
        (tmp_path / "elsewhere" / ".." / "data" / "key", PHRASE),
        (there, PHRASE),
        (tmp_path / "key", "十一个字的口令还是太短"),
    ):
        with pytest.raises(KeyFileError):
            key_files.make(path, phrase, data)
    assert there.read_text() == "x"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["there"]


# -- commands -----------------------------------------------------------------------------------------------------


def _appoint(capsys: pytest.CaptureFixture[str], tmp_path: Path, phrase: str, name: str) -> str:
    path = str(tmp_path / f"{name}.key")
    said(capsys, 0, "custodian", "new", name, "--key-file", path, "--passphrase-file", phrase)
    return path


def _case(database: Database) -> Case:
    with database.unit() as session:
        case = Case(kind="report", filing_hash="0" * 64, identified=True)
        cases.open_case(session, case, NOW.date(), NOW)
        identities.seal(session, case.id, CANARY, NOW)
    return case


def test_T1_two_custodians_open_an_identity_on_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, database: Database, phrase: str
) -> None:
    assert "还没有密钥保管人" in said(capsys, 0, "custodian", "list")
    first, second = (_appoint(capsys, tmp_path, phrase, name) for name in ("张三", "李四"))
    assert [name in said(capsys, 0, "custodian", "list") for name in ("张三", "李四", "王五")] == [True, True, False]
    number = _case(database).number
    ask = ("identity", "ask", number, "--passphrase-file", phrase, "--key-file")
    told = said(capsys, 0, *ask, first, "--reason", REASON)
    assert CANARY["name"] not in told
    found = re.search(r"identity open (\d+)", told)
    assert found is not None
    open_ = ("identity", "open", found[1], "--passphrase-file", phrase, "--key-file")
    assert "不能一个人开" in said(capsys, 1, *open_, first)
    shown = said(capsys, 0, *open_, second)
    assert "姓名：金丝雀赵" in shown
    assert "电话：13912345678" in shown
    assert "\x1b" not in shown
    assert "用过" in said(capsys, 1, *open_, second)


def test_T1_a_wrong_passphrase_key_case_or_reason_opens_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, database: Database, phrase: str
) -> None:
    first, _second = (_appoint(capsys, tmp_path, phrase, name) for name in ("张三", "李四"))
    number = _case(database).number
    wrong = tmp_path / "wrong"
    wrong.write_text("另外一句长口令 也够十二字", "utf-8")
    stranger = tmp_path / "stranger.key"
    key_files.make(stranger, PHRASE, tmp_path / "data")
    for words, sentence in (
        ((number, "--key-file", first, "--passphrase-file", str(wrong), "--reason", REASON), "口令不对"),
        ((number, "--key-file", str(stranger), "--passphrase-file", phrase, "--reason", REASON), "不是登记过"),
        (("TS-261124-9999", "--key-file", first, "--passphrase-file", phrase, "--reason", REASON), "没有编号"),
        ((number, "--key-file", first, "--passphrase-file", phrase, "--reason", "看看"), "理由"),
    ):
        assert sentence in said(capsys, 1, "identity", "ask", *words)
    with database.reading() as session:
        assert session.get(identities.Reveal, 1) is None


def test_a_custodian_retires_and_two_others_seal_anew(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, database: Database, phrase: str
) -> None:
    first, second = (_appoint(capsys, tmp_path, phrase, name) for name in ("张三", "李四"))
    case = _case(database)
    third = _appoint(capsys, tmp_path, phrase, "王五")
    assert "1 份身份" in said(capsys, 1, "custodian", "retire", "张三")
    rewrap = ("custodian", "rewrap", "--passphrase-file", phrase, "--key-file")
    assert "1 份" in said(capsys, 0, *rewrap, first, "--second-passphrase-file", phrase, "--second-key-file", second)
    assert "已卸任" in said(capsys, 0, "custodian", "retire", "张三")
    assert "没有叫" in said(capsys, 1, "custodian", "retire", "张三")
    assert "不是保管人" in said(
        capsys, 1, *rewrap, first, "--second-passphrase-file", phrase, "--second-key-file", third
    )
    assert "1 份" in said(capsys, 0, *rewrap, second, "--second-passphrase-file", phrase, "--second-key-file", third)
    assert "1 份身份" in said(capsys, 1, "custodian", "retire", "李四")
    with database.reading() as session:
        assert identities.stranded(session) == 0
        assert identities.kept(session, case.id) == 1
    assert "已卸任" in said(capsys, 0, "custodian", "retire", "李四", "--anyway")
    assert "已经有叫" in said(
        capsys, 1, "custodian", "new", "张三", "--key-file", f"{first}2", "--passphrase-file", phrase
    )


def test_a_key_of_a_custodian_never_lies_in_the_database(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, database: Database, phrase: str
) -> None:
    key = key_files.read(Path(_appoint(capsys, tmp_path, phrase, "张三")), PHRASE)
    assert isinstance(key, PrivateKey)
    database.close()
    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert bytes(key.public_key) in on_disk
    assert bytes(key) not in on_disk


def test_nobody_waits_while_a_passphrase_is_typed(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    database: Database,
    phrase: str,
) -> None:
    first, second = (_appoint(capsys, tmp_path, phrase, name) for name in ("张三", "李四"))
    number = _case(database).number
    typed: list[str] = []

    def typing(prompt: str) -> str:
        """Somebody else writes just then; a lock would make them wait until they give up."""
        with database.unit() as session:
            audit.append(session, Entry("system", "", "test.written", "case:1"), NOW)
        typed.append(prompt)
        return PHRASE

    monkeypatch.setattr(getpass, "getpass", typing)
    said(capsys, 0, "custodian", "new", "王五", "--key-file", str(tmp_path / "王五.key"))
    said(capsys, 0, "identity", "ask", number, "--key-file", first, "--reason", REASON)
    said(capsys, 0, "identity", "open", "1", "--key-file", second)
    said(capsys, 0, "custodian", "rewrap", "--key-file", first, "--second-key-file", second)
    assert len(typed) == 6


def test_two_passphrases_that_differ_make_no_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database
) -> None:
    answers = iter((PHRASE, PHRASE + "x"))
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(answers))
    path = tmp_path / "张三.key"
    assert "不一样" in said(capsys, 1, "custodian", "new", "张三", "--key-file", str(path))
    assert not path.exists()
    with database.reading() as session:
        assert identities.custodians(session) == []


def test_what_cannot_be_read_or_written_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, database: Database, phrase: str
) -> None:
    lost = str(tmp_path / "none" / "张三.key")
    new = ("custodian", "new", "张三", "--key-file", lost, "--passphrase-file")
    assert "写不了" in said(capsys, 1, *new, phrase)
    assert "读不了口令文件" in said(capsys, 1, *new, str(tmp_path / "nothing"))
    with database.reading() as session:
        assert identities.custodians(session) == []


def test_what_was_taken_out_of_a_story_is_named_in_chinese(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, database: Database, phrase: str
) -> None:
    first, second = (_appoint(capsys, tmp_path, phrase, name) for name in ("张三", "李四"))
    with database.unit() as session:
        case = Case(kind="report", filing_hash="0" * 64, identified=True)
        cases.open_case(session, case, NOW.date(), NOW)
        hidden = "mobile：13912345678；name：金丝雀赵；e-mail：name：x@example.cn；id-card：110101199003077475"
        identities.seal(session, case.id, {"told": hidden}, NOW)
        number = case.number
    told = said(
        capsys, 0, "identity", "ask", number, "--passphrase-file", phrase, "--key-file", first, "--reason", REASON
    )
    found = re.search(r"identity open (\d+)", told)
    assert found is not None
    shown = said(capsys, 0, "identity", "open", found[1], "--passphrase-file", phrase, "--key-file", second)
    expected = "手机：13912345678；姓名：金丝雀赵；电子邮箱：name：x@example.cn；身份证：110101199003077475"
    assert f"自述中隐去的内容：{expected}" in shown
