from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from bot.app import Service
from bot.downloads import makers
from bot.sheets.reader import read_sheet
from handlers.ledger.sheets import records_of, understand
from storage import contacts, evidence, ledger, links, shops
from storage.ledger import Certificate, LedgerItem
from storage.links import FileLink
from tests.sent_files import BY_NAME, LEDGER, book
from tests.shops import add, shop
from tests.support import NOW
from tests.talks import Terminal

WRONG = (
    *LEDGER,
    ("神秘仪", "X-1", "77", 1, "2026-05-20", '=HYPERLINK("http://x")'),
    ("电子计价秤", "ACS-30", "0919", 1, "2026.13.5", "+cmd|x"),
)


class Owner(Terminal):
    """The owner of a shop in a terminal."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        with service.database.unit() as session:
            self.shop_id = shop(session, NOW).id

    def tell(self, text: str) -> str:
        return "\n".join(reply.text for reply in self.say(text, NOW))

    def waited(self) -> str:
        return "\n".join(reply.text for reply in self.wait(NOW))

    def send(self, data: bytes, name: str) -> str:
        replies = self._talk("", NOW, (self.service.keep_file(data, name),))
        return "\n".join(reply.text for reply in replies)

    def fetch(self, text: str) -> bytes:
        """What the link in a text gives."""
        token = re.search(r"/files/([\w-]+)", text)
        assert token is not None, text
        with self.service.database.reading() as session:
            link = links.find(session, token[1], NOW)
            assert link is not None
            return makers(self.service).downloads[link.kind](session, link, NOW).data

    def items(self) -> list[LedgerItem]:
        with self.service.database.reading() as session:
            return ledger.everything(session, self.shop_id)


@pytest.fixture
def owner(service: Service) -> Owner:
    return Owner(service)


def test_wrong_rows_come_back_with_the_reason_and_go_in_once_they_are_right(owner: Owner) -> None:
    owner.send(book(WRONG), "台账.xlsx")
    said = owner.waited()
    assert "可导入 3 行：新增 3 台、更新 0 台、没变 0 台。" in said
    assert "要改 2 行" in said
    assert "第6行" in said
    assert "2026.13.5" in said
    sent = owner.fetch(owner.tell("2"))
    owner.tell("1")
    assert "导入好了：新增 3 台。" in owner.waited()
    page = load_workbook(io.BytesIO(sent)).worksheets[0]
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    assert rows[0][-1] == "错误原因"
    assert [row[0] for row in rows[1:]] == ["神秘仪", "电子计价秤"]
    assert all(cell.data_type != "f" for row in page.iter_rows() for cell in row)
    rows[2][4] = "2026-05-13"
    owner.send(book([rows[0], rows[2]]), "改错表.xlsx")
    assert "可导入 1 行：新增 1 台" in owner.waited()
    owner.tell("1")
    owner.waited()
    assert sorted(item.serial for item in owner.items()) == ["0917", "0918", "0919", "A2203"]


def test_what_is_exported_goes_in_again_and_changes_nothing(owner: Owner) -> None:
    with owner.service.database.unit() as session:
        bench = owner.service.reception.bench
        add(bench, session, owner.shop_id, date(2026, 12, 31), NOW, ("0917", "=1+1"), verified_on=date(2026, 1, 1))
        add(bench, session, owner.shop_id, None, NOW, kind="glass-thermometer", verified_on=date(2026, 1, 1))
        add(bench, session, owner.shop_id, None, NOW)
    before = [(i.id, i.serial, i.due_on, i.sequence) for i in owner.items()]
    data = owner.fetch(owner.tell("导出"))
    owner.send(data, "台账.xlsx")
    said = owner.waited()
    assert "新增 0 台、更新 0 台、没变 4 台" in said, said
    owner.tell("1")
    assert "没变 4 台" in owner.waited()
    assert [(i.id, i.serial, i.due_on, i.sequence) for i in owner.items()] == before
    with owner.service.database.reading() as session:
        ours = records_of(session, owner.shop_id)
    found = understand(owner.service.reception.bench, read_sheet(data, "x"), NOW.date())
    assert [(r.record.kind, r.record.serial, r.record.due_on) for r in found.table.rows] == [
        (r.kind, r.serial, r.due_on) for r in ours
    ]


def test_a_long_import_says_how_far_it_is(owner: Owner) -> None:
    rows = [("器具名称", "出厂编号", "检定日期"), *(("电子秤", f"N{n}", "2026-05-20") for n in range(1100))]
    owner.send(book(rows), "台账.xlsx")
    owner.waited()
    owner.tell("1")
    said = owner.waited()
    assert "已导入 1000 / 1100 行……" in said
    assert said.index("已导入") < said.index("导入好了：新增 1100 台。")


def test_a_second_tap_imports_nothing_twice(owner: Owner) -> None:
    owner.send(book(LEDGER), "台账.xlsx")
    owner.waited()
    owner.tell("1")
    assert "处理过了" in owner.tell("1")


@pytest.mark.parametrize("data", [b"PK\x03\x04" + b"\0" * 50 + b"xl/workbook", "姓名,电话\n王,1\n".encode("gbk")])
def test_a_table_that_cannot_be_read_is_answered_with_what_to_do(owner: Owner, data: bytes) -> None:
    owner.send(data, "台账.csv" if b"PK" not in data else "台账.xlsx")
    said = owner.waited()
    assert re.search("表头|另存|损坏|打不开", said), said
    assert "系统错误" not in said


def test_without_the_reader_the_fields_are_asked_for_and_the_original_is_kept(owner: Owner) -> None:
    service = owner.service
    bench = service.reception.bench
    office = replace(bench.office, reads_certificates=False)
    service.reception = replace(service.reception, bench=replace(bench, office=office))
    owner.tell("存证书")
    asked = owner.send_file("证书.pdf", NOW)[0].text
    assert "打三样：器具和编号、检定日期、有效期" in asked
    assert "没看懂" in owner.tell("嗯嗯嗯") or "认不出" in owner.tell("嗯嗯嗯")
    card = owner.tell("电子秤 编号0917 2026-05-20检 有效期至2027-05-19")
    assert "有效期至 2027-05-19" in card
    assert "存好了：电子秤 0917，有效期至 2027-05-19。" in owner.tell("1")
    owner.waited()
    with service.database.reading() as session:
        kept = session.scalars(select(Certificate)).one()
    assert evidence.unseal(service.settings.evidence_dir, kept.sha256, service.vault) == BY_NAME["证书.pdf"]()
    assert not evidence.path_of(service.settings.evidence_dir, kept.sha256).exists()


def test_a_certificate_that_was_also_handed_to_staff_stays_readable_for_them(owner: Owner) -> None:
    data = BY_NAME["证书.pdf"]()
    owner.tell("人工")
    owner.send(data, "证书.pdf")
    owner.tell("菜单")
    owner.tell("存证书")
    owner.send(data, "证书.pdf")
    owner.waited()
    owner.tell("1")
    owner.waited()
    with owner.service.database.reading() as session:
        kept = session.scalars(select(Certificate)).one()
    assert evidence.path_of(owner.service.settings.evidence_dir, kept.sha256).exists()


def test_hundreds_of_instruments_are_paged_through_without_gap_or_twin(owner: Owner) -> None:
    with owner.service.database.unit() as session:
        for n in range(60):
            due = date(2026, 10, 1) + timedelta(days=7 * n) if n % 9 else None
            add(owner.service.reception.bench, session, owner.shop_id, due, NOW, tuple(f"{n}-{i}" for i in range(5)))
    seen: list[str] = []
    replies = owner.say("我的台账", NOW)
    while True:
        labels = [c.label for c in replies[-1].choices]
        seen += [label for label in labels if "计价秤" in label or "电子" in label]
        if "下一页" not in labels:
            break
        replies = owner.say("下一页", NOW)
    assert len(seen) == 300
    assert "🔴" in seen[0]
    assert "❔" in seen[-1]
    with owner.service.database.reading() as session:
        assert len(ledger.search(session, owner.shop_id, "33-4", "334", 7)) == 1


def test_a_link_is_for_who_still_belongs_to_the_shop(owner: Owner) -> None:
    said = owner.tell("导出")
    with owner.service.database.unit() as session:
        person = contacts.get_or_create(session, "terminal", "wang", NOW).person_id
        place = shops.membership(session, person, owner.shop_id)
        assert place is not None
        shops.leave(session, place.member)
    with pytest.raises(LookupError):
        owner.fetch(said)
    with owner.service.database.reading() as session:
        assert session.scalars(select(FileLink)).one().kind == "ledger"
