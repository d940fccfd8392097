"""T1 and T2, end to end: two hundred reporters who leave a name, and one who does not; nobody finds them but two custodians
together."""

from __future__ import annotations

import itertools
import json
import logging
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import logs
from bot.app import Knowledge, Service
from bot.backoffice import case_export
from bot.backoffice.cases import Work, listed, shown
from bot.server import create_app
from bot.task_kinds import run_due
from handlers.cases import files
from handlers.conversation.messages import Attachment, AttachmentKind, ContactRef, Inbound, Way
from handlers.officers import card
from handlers.redaction import for_body, for_party, render
from handlers.sealing import UNREADABLE
from scheduler import deadlines, retention
from storage import audit, case_links, cases, contacts, evidence, media, outbox
from storage.base import Base
from storage.cases import Case
from storage.contacts import Contact
from storage.identities import Holder
from storage.media import MediaFile
from storage.outbox import OutboxRow
from storage.tasks import Task
from tests.officers import WANG, team
from tests.support import NOW, Browser, StandingClock, bench_of, local, picture, service_at
from tests.tips import custodians, opened

MANY = 200
RARE = "翀翯翥翾翙翚翛翎翈翂翃翊"
GIVEN = ["".join(pair) for pair in itertools.product(RARE, RARE)]
SURNAMES = ("欧阳", "司马")
OPENID = "oCanary-of-a-reporter-0123456"
PAGES = (
    *("/", "/t", "/t/verify", "/pledges"),
    *("/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/docs"),
)
LATER = NOW + timedelta(days=1)


class Reporter:
    """Someone whose name, phone and accounts stand nowhere else. Every other one complains; all write of themselves."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = SURNAMES[number // 100] + GIVEN[number % 100]
        self.phone = f"139{number:04d}7531"
        self.typed_name = SURNAMES[number // 100] + GIVEN[number % 100][::-1] + "讳"
        self.typed_phone = f"186{number:04d}9642"
        self.account = f"qingluan{number:04d}"
        self.who = ContactRef("web", f"canary-account-{number:04d}")
        self.complains = number % 2 == 0

    @property
    def words(self) -> tuple[str, ...]:
        return self.name, self.phone, self.typed_name[:4], self.typed_phone, self.account

    def script(self) -> tuple[str, ...]:
        story = (
            f"城西菜场B{self.number:03d}买排骨28一斤，付了2斤的钱只有1斤8两，少称2两。"
            f"我叫{self.typed_name[:4]}，电话{self.typed_phone}，微信号{self.account}"
        )
        last = ("2",) if self.complains else ()
        return (story, "完成", "3" if self.complains else "2", self.name, self.phone, *last, "1")


class City:
    """A service, its staff and custodians, and everything that was ever shown to anybody."""

    def __init__(self, service: Service) -> None:
        self.service, self.bench = service, service.reception.bench
        self.shown: list[str] = []
        self._count = itertools.count()
        with service.database.unit() as session:
            team(session)
            self.holders: list[Holder] = custodians(session)

    def say(self, who: ContactRef, text: str, files: Sequence[Attachment] = (), way: Way = Way.PULL) -> str:
        inbound = Inbound(who, f"k{next(self._count)}", LATER, text, attachments=tuple(files), way=way)
        said = "\n".join(line.reply.text for line in self.service.talk(inbound))
        self.shown.append(said)
        return said

    def officer(self, text: str) -> str:
        return self.say(ContactRef("terminal", WANG), text)

    def pushed(self) -> Iterator[str]:
        """Every message in the queue, opened as its receiver sees it."""
        with self.service.database.reading() as session:
            rows = session.scalars(select(OutboxRow)).all()
            return iter([line.reply.text for line in self.service.reception.numbered(list(rows))])

    def cases(self) -> list[Case]:
        with self.service.database.reading() as session:
            return list(session.scalars(select(Case).order_by(Case.id)))


@pytest.fixture
def city(tmp_path: Path, empty_file: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    for name, value in (("_OPS", 1), ("_MEMORY", 1024 * 1024)):  # what is tested is not the receipts' slow hash
        monkeypatch.setattr(case_links, name, value)
    service = service_at(tmp_path / "data", empty_file, knowledge)
    yield City(service)
    service.close()


def _hits(text: str, reporters: Sequence[Reporter]) -> list[str]:
    return [word for one in reporters for word in one.words if word in text]


def _in_bytes(folder: Path, words: Sequence[str]) -> dict[str, list[str]]:
    """In which files which words stand, as UTF-8 or as JSON escapes them."""
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        here = [w for w in words if w.encode() in data or json.dumps(w)[1:-1].encode() in data]
        if here:
            found[path.name] = here
    return found


def test_T1_two_hundred_identities_come_out_nowhere_but_at_the_reveal(
    city: City, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reporters = [Reporter(n) for n in range(MANY)]
    receipts = [_file(city, one) for one in reporters]
    filed = city.cases()
    assert len(filed) == MANY
    assert all(case.identified for case in filed)
    _work(city, filed)
    _clockwork(city)
    for one in reporters[::20]:
        for text in ("查", "补充", "完成", "菜单", "再说一遍"):
            city.say(one.who, text)
    for text in (
        *city.shown,
        *city.pushed(),
        *_pages(city, filed, receipts),
        *_exports(city, filed),
        *(record.getMessage() + str(record.exc_text or "") for record in caplog.records),
        *(logs.ScrubbingFormatter().format(record) for record in caplog.records),
    ):
        assert _hits(text, reporters) == [], text
    assert _hits(f"…{reporters[7].phone}…", reporters) == [reporters[7].phone]  # the search does find
    folder = city.service.settings.data_dir
    assert _in_bytes(folder, [w for one in reporters for w in one.words]) == {}
    assert "honestscale.db" in _in_bytes(folder, ["城西菜场"])
    _demand_revealed(city, filed, reporters)


def _file(city: City, one: Reporter) -> str:
    """File a tip with a name; its receipt."""
    said = [city.say(one.who, text) for text in one.script()]
    card_of = next(text for text in said if "已收到 ✔" in text)
    assert "我找到的已隐去，另外封存" in card_of
    found = re.search(r"回执码 ([\d-]+)", card_of)
    assert found is not None
    return found[1]


STEPS = (
    (
        "受理 {}",
        "问 {} 付的是现金还是扫码",
        "暂停 {} 1 送检",
        "恢复 {}",
        "模板 {} 1",
        "办结 {} 3 现场复称三次，都在允许误差内",
    ),
    ("不予受理 {} 1", "经过 {}"),
    ("移送 {} 公安", "经过 {}"),
    ("派给 {} 张三", "受理 {}", "记录 {} 现场复称超差40克", "备注 {} 等检定结果", "重大 {}", "恶意 {}"),
    ("受理 {}", "立案 {}", "照片 {}", "通知商家 {} 鲜达超市", "延长 {}"),
)


def _work(city: City, filed: Sequence[Case]) -> None:
    city.officer("今日")
    for n, case in enumerate(filed):
        text = city.officer(f"看 {case.number[-4:]}")
        assert card.SEALED in text
        for step in STEPS[n % len(STEPS)] if n < 60 else ():
            city.officer(step.format(case.number[-4:]))
    city.officer("今日")
    states = {case.state for case in city.cases()}
    assert {"closed", "refused", "transferred", "accepted", "filed", "received"} <= states


def _clockwork(city: City) -> None:
    """Marks of the terms, the morning's list, news for reporters: all of it is pushed."""
    database, at = city.service.database, local("2026-12-16T09:00")
    before = len(list(city.pushed()))
    assert deadlines.escalate(database, at, city.bench) > 0
    assert deadlines.digest(database, at, city.bench) > 0
    assert len(list(city.pushed())) > before


def _pages(city: City, filed: Sequence[Case], receipts: Sequence[str]) -> Iterator[str]:
    with StandingClock() as clock:
        clock.now = LATER
        browser = Browser(create_app(city.service, clock=False, worker=False))
        for path in PAGES:
            answer = browser.get(path)
            assert answer.status_code == 200, path
            yield answer.text
        for case, receipt in zip(filed[:25], receipts, strict=False):
            looked = browser.post("/t", data={"code": receipt})
            assert case.number in looked.text
            yield looked.text
            yield browser.get(f"/t/verify?number={case.number}&code={case.filing_hash[:8]}").text
        yield browser.get("/api/ask?q=电子秤多久检一次").text
        browser.close()


def _exports(city: City, filed: Sequence[Case]) -> Iterator[str]:
    with city.service.database.unit() as session:
        work = Work(session, city.bench, LATER)
        rows = [case_export.row_of(city.bench, session, case, LATER.date()) for case in filed]
        yield str(rows)
        yield case_export.write_csv(case_export.HEADS, rows).decode()
        yield listed(work, Namespace())
        for case in filed:
            yield shown(work, Namespace(number=case.number))
            yield render(for_body(case, "短斤少两", "计量法"))
            yield render(for_party(case, "短斤少两", "计量法"))
            yield str(audit.of_object(session, f"case:{case.id}"))
            yield str([(e.text, e.detail) for e in cases.events(session, case.id)])


def _demand_revealed(city: City, filed: Sequence[Case], reporters: Sequence[Reporter]) -> None:
    """Two custodians together find every one of them, with what was taken out of the story."""
    with city.service.database.unit() as session:
        for case, one in zip(filed, reporters, strict=True):
            (found,) = opened(session, city.holders, case.id)
            assert (found["name"], found["phone"]) == (one.name, one.phone)
            assert all(word in found["told"] for word in one.words[2:])


# -- T2 -----------------------------------------------------------------------------------------------------------

OF_CASES = (
    "cases",
    "case_events",
    "case_files",
    "case_links",
    "case_clocks",
    "case_pauses",
    "case_keys",
    "case_likenesses",
    "receipts",
    "receipt_guesses",
    "stalls",
    "audit_entries",
    "audit_head",
    "sealed_identities",
    "identity_keys",
)
OF_ACCOUNTS = {"contacts"}
"""Where the account itself stands in the open: without it nobody could be answered. It leads to no case."""


def _rows(city: City, table: str) -> str:
    with city.service.database.reading() as session:
        return str([tuple(row) for row in session.execute(select(Base.metadata.tables[table]))])


def _tables_with(city: City, word: str) -> set[str]:
    return {name for name in Base.metadata.tables if word in _rows(city, name)}


def _fetched(city: City) -> None:
    """What the media worker does: the file is fetched from the platform and kept."""
    with city.service.database.unit() as session:
        for wanted in media.claim(session, "wechat", LATER, 10):
            media.kept(session, wanted, evidence.keep(city.service.settings.evidence_dir, picture()), "image/png")


def _file_without_name(city: City) -> str:
    who = ContactRef("wechat", OPENID)
    photo = Attachment(AttachmentKind.IMAGE, "", "image/png", 10, "", ref="MEDIA-ID-1")
    city.say(who, "城西菜场A12买排骨少称2两", way=Way.PASSIVE)
    city.say(who, "", [photo], Way.PASSIVE)
    for text in ("完成", "1"):
        said = city.say(who, text, way=Way.PASSIVE)
    city.say(who, "1", way=Way.PASSIVE)
    return said


def test_T2_an_account_that_left_no_name_is_in_no_row_of_its_case(city: City) -> None:
    said = _file_without_name(city)
    assert "已收到 ✔" in said
    _fetched(city)
    assert run_due(city.service, lambda: LATER) == 1
    (case,) = city.cases()
    with city.service.database.reading() as session:
        assert [f.state for f in cases.files(session, case.id)] == ["kept"]
        contact = contacts.find(session, "wechat", OPENID)
        assert contact is not None
        assert case_links.addresses(session, case.id, city.service.vault) == [contact.id]
        assert [session.scalars(select(table)).all() for table in (Task, MediaFile)] == [[], []]
    assert set(OF_CASES) <= set(Base.metadata.tables)
    assert _tables_with(city, OPENID) == OF_ACCOUNTS
    assert _in_bytes(city.service.settings.evidence_dir, [OPENID]) == {}
    # What is kept of the conversation is tied to the account, and sealed: it leads to no case either.
    for word in (case.number, "城西菜场", "A12", "排骨"):
        assert _tables_with(city, word) & {"outbox", "inbox", "dialogues", "tasks", "media_files"} == set()


def test_T2_no_table_of_cases_refers_to_an_account() -> None:
    for name in OF_CASES:
        targets = {key.column.table.name for key in Base.metadata.tables[name].foreign_keys}
        assert targets.isdisjoint({"contacts", "persons", "inbox", "outbox", "media_files", "tasks"}), name
        assert not [c for c in Base.metadata.tables[name].columns if "contact" in c.name or "person" in c.name], name


def test_T2_a_day_later_nothing_that_was_said_is_left_and_after_a_file_that_never_came_neither(city: City) -> None:
    _file_without_name(city)
    with city.service.database.unit() as session:
        for wanted in media.claim(session, "wechat", LATER, 10):
            media.give_up(session, wanted, "gone")
    run_due(city.service, lambda: LATER)
    retention.sweep(city.service.database, LATER + timedelta(days=5))
    (case,) = city.cases()
    with city.service.database.reading() as session:
        assert [f.state for f in cases.files(session, case.id)] == ["refused"]
        for task in session.scalars(select(Task)):
            assert task.kind != files.SEAL, "a row that names the account and its case"
    assert _rows(city, "inbox") == "[]"
    assert _tables_with(city, OPENID) == OF_ACCOUNTS


def test_T2_without_the_key_what_was_said_and_answered_is_unreadable(city: City, knowledge: Knowledge) -> None:
    _file_without_name(city)
    with city.service.database.reading() as session:
        rows = session.scalars(select(OutboxRow).join(Contact).where(Contact.external_id == OPENID)).all()
    stranger = replace(city.service.reception, bench=bench_of(knowledge))
    assert {line.reply.text for line in stranger.numbered(list(rows))} == {UNREADABLE}
    assert {row.kind for row in rows} == {"reply", outbox.ONCE}
