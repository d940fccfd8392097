"""What a merchant is told of a case: the kind of matter, what to bring, by when. Nothing by which a reporter could be
known: no story, no photo, no amount, no hour, and of a report not even the day."""

from __future__ import annotations

import re

from handlers.cases import terms
from handlers.cases.labels import category_label
from handlers.talk import Bench
from storage.case_clocks import CaseClock
from storage.cases import Case, CaseKind

RECENT = "近期"
BRING = "可以带：检定证书或合格标签、秤的照片、进货和销售记录。"
_DAY = re.compile(r"\d{4}-(\d{2})-(\d{2})")


def notice(bench: Bench, case: Case, clock: CaseClock | None) -> str:
    """The notice; a mediation needs the day of the purchase, a check of a report does not. ``clock`` None: the term begins
    with the day on which the paper is served."""
    kind = "消费投诉" if case.kind == CaseKind.COMPLAINT else "计量方面的情况反映"
    when = f"，涉及 {_day(case)}的交易" if case.kind == CaseKind.COMPLAINT else ""
    lines = (
        f"{bench.office.name}请贵店说明一件{kind}（通知 {reference(case)}）。",
        f"类别：{category_label(case.category)}{when}。",
        f"请在{_by(bench, case, clock)}说明情况。{BRING}",
        "这是例行了解情况，不代表已经认定贵店违法；请不要打听、猜测或为难任何人，打击报复要承担法律责任。",
    )
    return "\n".join(lines)


def _by(bench: Bench, case: Case, clock: CaseClock | None) -> str:
    length = bench.deadlines.rule(terms.ANSWER, case.received_on).length
    return (
        f" {clock.due_on:%Y-%m-%d} 前（{length}）" if clock is not None else f"收到本通知后 {length}内（收到当天不算）"
    )


def reference(case: Case) -> str:
    """The last four digits: the whole number holds the day on which the case came in."""
    return case.number[-4:]


def _day(case: Case) -> str:
    """Month and day at most."""
    found = _DAY.match(case.happened)
    return f"{int(found[1])}月{int(found[2])}日" if found else RECENT
