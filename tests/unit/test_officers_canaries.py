"""T1: identities of reporters, planted as canaries, do not come out by any word, push, slip or export of the officers'."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from openpyxl import load_workbook
from sqlalchemy import select

from bot.app import Knowledge
from bot.backoffice.case_export import HEADS, row_of, write_csv, write_xlsx
from bot.backoffice.cases import Work, listed, shown
from handlers.desk import build_desk
from handlers.officers import card, words
from handlers.turn import Reception
from storage import cases, identities
from storage.cases import Case, CaseKind
from storage.database import Database
from storage.outbox import OutboxRow
from tests.officers import LI, WANG, ZHANG, Room, reporter, team
from tests.shops import shop
from tests.support import NOW, bench_of

MANY = 20
ENDINGS = ("办结", "移送", "不予受理")
RESTS = {
    "不予受理": "1",
    "移送": "公安",
    "派给": "张三",
    "问": "付的是现金还是扫码",
    "记录": "现场复称超差40克",
    "备注": "等检定结果",
    "通知商家": "鲜达超市",
    "办结": "3 现场复称三次，都在允许误差内",
    "暂停": "1",
    "模板": "2",
}


def canaries(n: int) -> dict[str, str]:
    """An identity of which no part stands anywhere else."""
    return {"name": f"金丝雀{n:02d}甲", "phone": f"139{n:04d}7531", "address": f"鸣禽路{n:02d}弄"}


@pytest.fixture
def room(tmp_path: Path, empty_file: Path, knowledge: Knowledge) -> Iterator[Room]:
    """On one kind of database only: what is said is the same on both."""
    shutil.copy(empty_file, tmp_path / "test.db")
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    found = Room(database, Reception(build_desk(), bench_of(knowledge)))

    def prepare(session) -> None:
        team(session)
        shop(session, NOW, "owner", "鲜达超市")
        for name in ("甲", "乙"):
            identities.appoint(session, name, bytes(PrivateKey.generate().public_key), NOW)

    found.do(prepare)
    for n in range(MANY):
        short = found.new_case(list(CaseKind)[n % 2], identified=True)
        id_ = found.case(short).id

        def seal(session, id_: int = id_, n: int = n) -> None:
            identities.seal(session, id_, canaries(n), NOW)
            reporter(session, found.bench, session.get_one(Case, id_), f"鸣禽账号{n:02d}")

        found.do(seal)
    yield found
    database.close()


def planted() -> list[str]:
    return [word for n in range(MANY) for word in (*canaries(n).values(), f"鸣禽账号{n:02d}")]


def hits(text: str) -> list[str]:
    return [word for word in planted() if word in text]


def test_T1_no_word_of_the_officers_brings_an_identity_out(room: Room) -> None:
    said = []
    with room.database.reading() as session:
        shorts = [row.number[-4:] for row in cases.open_cases(session)]
    assert len(shorts) == MANY
    order = sorted(set(words.VERBS))
    for n, short in enumerate(shorts):
        # One ending step each, in turn: after it the others have nothing more to say.
        ending = ENDINGS[n % len(ENDINGS)]
        spoken = [*(word for word in order if word not in ENDINGS), ending]
        said += [room.text(WANG, f"{word} {short} {RESTS.get(word, '')}") for word in spoken]
        said.append(room.text(WANG, f"看 {short}"))
        said.append(room.text(WANG, f"经过 {short}"))
    for who in (ZHANG, LI, WANG):
        said += [room.text(who, "今日"), room.text(who, "1"), room.text(who, "模板")]
    everything = "\n".join(said)
    assert card.SEALED in everything
    assert hits(f"{everything}金丝雀07甲") == ["金丝雀07甲"]
    assert hits(everything) == []


def test_T1_no_push_slip_or_export_holds_an_identity(room: Room) -> None:
    with room.database.reading() as session:
        shorts = [row.number[-4:] for row in cases.open_cases(session)]
    for short in shorts:
        room.text(WANG, f"受理 {short}")
        room.text(WANG, f"记录 {short} 现场复称超差40克")
        room.text(WANG, f"通知商家 {short} 鲜达超市")
        room.text(WANG, f"问 {short} 付的是现金还是扫码")
    slip = room.text(WANG, f"移送 {shorts[0]} 公安")
    pushed = "".join(r.text for who in (ZHANG, LI, WANG, "owner") for r in room.told(who))
    assert "消费投诉" in pushed
    with room.database.unit() as session:
        work = Work(session, room.bench, NOW)
        rows = [row_of(room.bench, session, row, NOW.date()) for row in session.scalars(select(Case)).all()]
        listed_ = listed(work, Namespace())
        cards = "".join(shown(work, Namespace(number=row.number)) for row in session.scalars(select(Case)).all())
        news = [str(row.payload) + str(row.dedup_key) for row in session.scalars(select(OutboxRow)).all()]
    assert len(rows) == MANY
    book = load_workbook(BytesIO(write_xlsx(HEADS, rows)))
    cells = str([[cell.value for cell in line] for line in book.worksheets[0].iter_rows()])
    for text in (cells, slip, pushed, listed_, cards, write_csv(HEADS, rows).decode(), str(rows), *news):
        assert hits(text) == []
