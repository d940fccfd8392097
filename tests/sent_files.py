"""Files that people send in the conversations: small, plain, and always the same."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

from tests.support import picture

LEDGER = (
    ("器具名称", "型号规格", "出厂编号", "数量", "上次检定日期", "安装地点"),
    ("电子计价秤", "ACS-30", "0917", 1, "2026-05-20", "水产区1号"),
    ("电子计价秤", "ACS-30", "0918", 1, "2026.5.20", "水产区2号"),
    ("电子台秤", "TCS-150", "A2203", 1, "2026/3/2", "收货口"),
)


def book(rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook with one sheet of these rows."""
    made = Workbook()
    assert made.active is not None
    for row in rows:
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def small_ledger() -> bytes:
    """Three instruments, dated in three styles."""
    return book(LEDGER)


def certificate_pdf() -> bytes:
    """An electronic certificate with its text: read in a moment."""
    # Only when asked for: drawing takes fonts that the other conversations do not need.
    from tests.certificates import text_pdf  # noqa: PLC0415

    return text_pdf("检定证书", random.Random(7)).data  # noqa: S311 - a sample, no secret


BY_NAME = {"秤.png": picture, "台账.xlsx": small_ledger, "证书.pdf": certificate_pdf}
"""What a conversation may send, by the name it gives."""
