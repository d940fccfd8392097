"""The slip that goes with a case to another body: made by ``handlers.redaction``, which has no place for a reporter."""

from __future__ import annotations

from handlers import redaction
from handlers.cases.labels import category_label
from handlers.talk import Bench
from storage.cases import Case

POLICE = "police"
CRIME = "行政处罚法第二十七条（涉嫌犯罪的及时移送司法机关）"
OTHER = "不属于本机关管辖，依法移送有权处理的机关（具体条款由承办人在公文中写明）"


def slip_text(bench: Bench, case: Case, to: str) -> str:
    body = bench.casebook.body(to)
    basis = CRIME if body is not None and body.id == POLICE else OTHER
    verdict = str((case.verdict or {}).get("text", "")).partition("\n")[0]
    slip = redaction.for_body(case, category_label(case.category), basis, (verdict,) if verdict else ())
    return redaction.render(slip)
