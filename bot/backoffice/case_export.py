"""Cases as a table for the bureau's own books: the matter, the steps and dates, never a reporter and never their words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date

from bot.sheets.writer import write_rows
from handlers.cases.labels import category_label
from handlers.cases.steps import NAMES
from handlers.officers.lines import KINDS, standing, until, where
from handlers.talk import Bench
from storage.cases import Case, CaseKind, CaseState
from storage.database import Session
from storage.staff import StaffMember

HEADS = (
    *("编号", "种类", "类别", "状态", "地点", "事由", "证据等级", "收到日期", "承办人", "下一期限"),
    *("不予受理或移送", "结果", "公开理由", "文书号", "查实", "办结日期", "重办次数", "满意度"),
)
WIDTH = 18.0
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""With these a spreadsheet program takes a cell for a formula (ASVS 1.2.10)."""


def row_of(bench: Bench, session: Session, case: Case, today: date) -> list[str]:
    """One case in the order of ``HEADS``; the story is left out: its turn of phrase could name who told it."""
    officer = session.get(StaffMember, case.officer_id) if case.officer_id is not None else None
    outcome = bench.casebook.outcome_named(case.outcome) if case.outcome else None
    return [
        case.number,
        KINDS[CaseKind(case.kind)],
        category_label(case.category),
        NAMES[CaseState(case.state)],
        where(case),
        case.matter,
        f"{case.evidence_level}/5",
        str(case.received_on),
        officer.name if officer else "",
        until(standing(bench, session, case, today)),
        case.ground,
        outcome.label if outcome else "",
        case.reason,
        case.document_no,
        "是" if case.confirmed else "",
        str(case.ended_on or ""),
        str(case.reopened or ""),
        str(case.satisfied or ""),
    ]


def write_xlsx(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    return write_rows("案件", [(head, WIDTH) for head in heads], rows)


def write_csv(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """UTF-8 with a mark at the front, as spreadsheet programs here expect it; every cell quoted, none a formula."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([[harmless(cell) for cell in row] for row in rows])
    return out.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    text = _CONTROLS.sub("", cell)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
