"""``staff`` and ``cases`` on the command line: enrolment, what needs two people, and exports without anybody in them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select

from bot import logs
from bot.__main__ import main
from bot.app import Knowledge, Service
from bot.backoffice.case_export import HEADS, harmless, row_of, write_csv, write_xlsx
from bot.settings import Settings
from bot.times import utc_now
from handlers.cases import terms
from storage import cases, staff
from storage.audit import AuditEntry
from storage.case_clocks import CaseClock
from storage.cases import Case, CaseEvent, CaseKind
from storage.database import Database
from tests.officers import case
from tests.support import NOW, migrated_file, said

Run = Callable[..., str]
FORMULA = '=HYPERLINK("http://x","点")'


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, knowledge: Knowledge) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HONESTSCALE_{name.upper()}", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("HONESTSCALE_DATA_DIR", str(data))
    monkeypatch.setattr(logs, "_lasting", set())
    # The facts are the same ones; that a command loads them takes two seconds each time.
    monkeypatch.setattr(Knowledge, "load", classmethod(lambda *_: knowledge))
    monkeypatch.chdir(tmp_path)
    migrated_file(data / "honestscale.db")
    return data


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{folder / 'honestscale.db'}")
    yield database
    database.close()


@pytest.fixture
def service(folder: Path, knowledge: Knowledge) -> Iterator[Service]:
    service = Service(Settings(data_dir=folder, database_url="", _env_file=None), knowledge)
    yield service
    service.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], folder: Path) -> Run:  # noqa: ARG001 - the commands look there
    def ran(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(list(words)) == code
        out, err = capsys.readouterr()
        assert (err if code == 0 else out) == ""
        return (out + err).strip()

    return ran


def noted(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry.record).order_by(AuditEntry.seq)))


# -- staff --------------------------------------------------------------------------------------------------------


def test_T10_the_words_printed_make_an_account_staff_once(run: Run, service: Service, database: Database) -> None:
    printed = run("staff", "add", "张三", "--office", "城西所")
    assert printed.startswith("张三（城西所），办案人员。请本人 30 分钟内")
    found = re.search("入职 [A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", printed)
    assert found is not None
    with database.reading() as session:  # the clock of the command is the real one, so the test's follows it
        created = staff.named(session, "张三")[0].created_at
    assert service.talk(said(found[0], "1", "zhang", created))[0].reply.text.startswith("您好，张三（城西所）")
    assert "用过了" in service.talk(said(found[0], "1", "thief", created))[0].reply.text
    assert "已绑定" in run("staff", "list")
    assert not any(found[0].replace("-", "").split()[1] in record for record in noted(database))


def test_a_telegram_link_when_the_bot_has_a_name_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONESTSCALE_TELEGRAM_NAME", "honest_scale_bot")
    assert re.search(r"https://t\.me/honest_scale_bot\?start=e_[A-Z2-9]{12}$", run("staff", "add", "李四"))


def test_a_new_link_makes_the_old_one_worthless(run: Run, service: Service) -> None:
    old = run("staff", "add", "张三").split("入职 ")[1][:14]
    new = run("staff", "link", "张三").split("入职 ")[1][:14]
    at = utc_now()
    assert "不对" in service.talk(said(f"入职 {old}", "1", "zhang", at))[0].reply.text
    assert "您好，张三" in service.talk(said(f"入职 {new}", "2", "zhang", at))[0].reply.text


def test_the_list_leave_and_the_end(run: Run, database: Database, service: Service) -> None:
    assert run("staff", "list").startswith("还没有工作人员")
    run("staff", "add", "张三", "--role", "leader")
    assert "已经有张三" in run("staff", "add", "张三", code=1)
    assert run("staff", "away", "张三") == "张三休假，不派新案件。"
    assert run("staff", "list").endswith("张三  组长  没绑定  休假")
    assert run("staff", "back", "张三") == "张三已销假。"
    with database.unit() as session:
        row = case(session, service.reception.bench)
        row.officer_id = staff.named(session, "张三")[0].id
    assert "手上 1 件已退回组长" in run("staff", "dismiss", "张三")
    with database.reading() as session:
        assert [c.id for c in cases.unassigned(session)] == [row.id]
    assert "名单里没有张三" in run("staff", "link", "张三", code=1)
    assert len(noted(database)) == 6  # added, link, away, back, the case, dismissed


# -- cases --------------------------------------------------------------------------------------------------------


@pytest.fixture
def number(service: Service, database: Database) -> str:
    with database.unit() as session:
        return case(session, service.reception.bench, told="一句认得出人的话", matter=FORMULA).number


def test_list_and_show(run: Run, number: str, database: Database) -> None:
    assert run("cases", "list").startswith(f"{number}  {number[-4:]} 举报 城西菜场 A12")
    assert run("cases", "show", number.lower()).startswith(f"{number} 举报，已收到")
    assert "case.shown" in noted(database)[-1]
    assert "请写完整编号" in run("cases", "show", "0001", code=1)


def test_an_extension_names_who_approved_it_and_is_given_once(run: Run, number: str, database: Database) -> None:
    assert "请写批准人" in run("cases", "extend", number, "--approved-by", " ", code=1)
    assert run("cases", "extend", number, "--approved-by", "赵局长") == f"{number} 的期限已延长，批准人 赵局长。"
    with database.reading() as session:
        (clock,) = session.scalars(select(CaseClock)).all()
        assert (clock.due_on, clock.extended) == (date(2027, 1, 6), True)
    assert "approved by 赵局长" in noted(database)[-1]
    assert "已经延长过一次" in run("cases", "extend", number, "--approved-by", "赵局长", code=1)


@pytest.mark.parametrize(("by", "approved_by"), [("张三", "张三"), ("张三", " "), (" ", "李四"), ("张三 ", "张三")])
def test_D12_nobody_marks_a_case_malicious_alone(
    run: Run, number: str, database: Database, by: str, approved_by: str
) -> None:
    assert "两个人" in run("cases", "malicious", number, "--by", by, "--approved-by", approved_by, code=1)
    with database.reading() as session:
        assert "case.malicious" not in session.scalars(select(CaseEvent.action)).all()


def test_D12_two_people_mark_a_case_and_it_goes_on(run: Run, number: str, database: Database) -> None:
    run("cases", "malicious", number, "--by", "张三", "--approved-by", "李四")
    assert "已认定恶意（两人批准）。" in run("cases", "show", number)
    assert "认定过" in run("cases", "malicious", number, "--by", "张三", "--approved-by", "李四", code=1)
    with database.reading() as session:
        assert session.scalars(select(Case.state)).all() == ["received"]
        assert not session.scalars(
            select(CaseEvent).where(CaseEvent.action == "case.malicious", CaseEvent.public)
        ).all()


def test_an_export_holds_the_matter_and_no_story(run: Run, number: str, folder: Path, database: Database) -> None:
    out = folder.parent / "cases.csv"
    assert run("cases", "export", "--csv", str(out)) == f"已导出 1 件到 {out}，不含任何举报人身份。"
    text = out.read_text("utf-8-sig")
    assert number in text
    assert "一句认得出人的话" not in text
    (heads, row) = list(csv.reader(io.StringIO(text)))
    assert heads == list(HEADS)
    assert row[4] == "城西菜场 A12"
    assert row[5] == f"'{FORMULA}"
    assert "cases.exported" in noted(database)[-1]


def test_T14_no_cell_of_an_export_is_a_formula(run: Run, number: str, folder: Path) -> None:
    out = folder.parent / "cases.xlsx"
    run("cases", "export", "--xlsx", str(out))
    with zipfile.ZipFile(out) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/")]
    assert sheets
    assert not any("<f>" in xml or "<hyperlink" in xml for xml in sheets)
    sheet = load_workbook(out).active
    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert number in [cell.value for cell in next(sheet.iter_rows(min_row=2))]


def test_an_export_can_be_of_some_days(run: Run, number: str, folder: Path) -> None:  # noqa: ARG001 - there is one case
    out = folder.parent / "cases.csv"
    told = run("cases", "export", "--since", "2026-11-25", "--csv", str(out))
    assert told.startswith("已导出 0 件")
    assert run("cases", "export", "--since", "2026-11-24", "--until", "2026-11-24").startswith("已导出 1 件到 案件-")


@given(st.lists(st.text(), min_size=1, max_size=6))
def test_T14_whatever_is_in_a_cell_it_is_text(cells: list[str]) -> None:
    text = write_csv([str(n) for n in range(len(cells))], [cells]).decode("utf-8-sig", "surrogatepass")
    (_, row) = list(csv.reader(io.StringIO(text, newline="")))
    for cell in row:
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row == [harmless(cell) for cell in cells]


def test_a_date_of_the_export_is_the_terms_own(service: Service, database: Database) -> None:
    """The next term stands in the table as in the list."""
    with database.unit() as session:
        row = case(session, service.reception.bench, CaseKind.COMPLAINT)
        clock = terms.next_term(session, row)
        assert clock is not None
        cells = dict(zip(HEADS, row_of(service.reception.bench, session, row, NOW.date()), strict=True))
    assert cells["下一期限"] == f"最迟{clock.due_on:%m-%d}（还有7个工作日）"
    assert write_xlsx(HEADS, [list(cells.values())])[:2] == b"PK"
