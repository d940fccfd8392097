"""``cases``: the list, one case, what a chat may not do (延长、恶意 with an approval), and the export without identities."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.app import Service
from bot.backoffice.case_export import HEADS, row_of, write_csv, write_xlsx
from bot.settings import Settings
from bot.times import utc_now
from handlers.cases import steps
from handlers.cases.steps import StepError
from handlers.officers import card
from handlers.officers.lines import line, standing
from handlers.talk import Bench
from knowledge.receipt_code import read_case_number
from storage import audit, cases, casework
from storage.audit import Entry
from storage.cases import Case, Deed
from storage.database import Session

ACTOR = "command"
MOST_LISTED = 1_000
LEAST_REASON = 10


@dataclass(frozen=True, slots=True)
class Work:
    """One command at work."""

    session: Session
    bench: Bench
    now: datetime

    @property
    def desk(self) -> steps.Desk:
        return steps.Desk(self.bench, self.session, ACTOR, self.now)


def cases_command(arguments: argparse.Namespace, settings: Settings) -> int:
    service = Service(settings)
    try:
        with service.database.unit() as session:
            said = ACTIONS[arguments.action](Work(session, service.reception.bench, utc_now()), arguments)
    except StepError as why:
        print(why, file=sys.stderr)
        return 1
    finally:
        service.close()
    print(said)
    return 0


def listed(work: Work, _arguments: argparse.Namespace) -> str:
    """Every open case in one line each."""
    found = cases.open_cases(work.session, limit=MOST_LISTED)
    today = work.desk.today
    stands = sorted((standing(work.bench, work.session, case, today) for case in found), key=lambda s: s.order)
    return "\n".join(f"{s.case.number}  {line(s)}" for s in stands) or "没有在办的案件。"


def shown(work: Work, arguments: argparse.Namespace) -> str:
    """The same card as in chat; that it was looked at is noted."""
    case = _case(work, arguments.number)
    audit.append(work.session, Entry(ACTOR, "", "case.shown", f"case:{case.id}"), work.now)
    return card.text(work.bench, work.session, case, work.desk.today)


def extended(work: Work, arguments: argparse.Namespace) -> str:
    """延长 with the name of whoever approved it (负责人批准)."""
    approved_by = arguments.approved_by.strip()
    if not approved_by:
        raise StepError("请写批准人：--approved-by 姓名。")
    case = _case(work, arguments.number)
    steps.extend(work.desk, case, approved_by)
    return f"{case.number} 的期限已延长，批准人 {approved_by}。"


def malicious(work: Work, arguments: argparse.Namespace) -> str:
    """认定恶意 by two people: who proposed it cannot approve it."""
    by, approved_by = arguments.by.strip(), arguments.approved_by.strip()
    if not by or not approved_by or by == approved_by:
        raise StepError("认定恶意要两个人：提出的人和批准的人不能是同一个。")
    case = _case(work, arguments.number)
    if any(e.action == card.MALICIOUS for e in cases.events(work.session, case.id)):
        raise StepError(f"{case.number} 已经认定过了。")
    reason = f"by {by}, approved by {approved_by}"
    deed = Deed(ACTOR, card.MALICIOUS, f"{by}提出，{approved_by}批准", public=False, reason=reason)
    cases.happen(work.session, case, deed, work.now)
    return f"{case.number} 已认定恶意：{by}提出，{approved_by}批准。只作标记，案件照常办完。"


def exported(work: Work, arguments: argparse.Namespace) -> str:
    """All cases of a span of days as .xlsx, or .csv; what was exported, and that it was, is noted."""
    today = work.desk.today
    found = casework.received_between(work.session, arguments.since, arguments.until or today)
    rows = [row_of(work.bench, work.session, case, today) for case in found]
    path: Path = arguments.csv or arguments.xlsx or Path(f"案件-{today}.xlsx")
    path.write_bytes(write_csv(HEADS, rows) if arguments.csv else write_xlsx(HEADS, rows))
    detail = {"count": len(rows), "since": str(arguments.since or ""), "until": str(arguments.until or today)}
    audit.append(work.session, Entry(ACTOR, "", "cases.exported", "cases", detail=detail), work.now)
    return f"已导出 {len(rows)} 件到 {path}，不含任何举报人身份。"


ACTIONS: dict[str, Callable[[Work, argparse.Namespace], str]] = {
    "list": listed,
    "show": shown,
    "extend": extended,
    "malicious": malicious,
    "export": exported,
}


def _case(work: Work, said: str) -> Case:
    number = read_case_number(said)
    case = cases.by_number(work.session, number) if number else None
    if case is None:
        raise StepError(f"没有编号为 {said} 的案件，请写完整编号，如 TS-261120-0031。")
    return case
