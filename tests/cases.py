"""Cases as tests begin with them: filed, with their first term, a receipt and, where wanted, a tie to an account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from handlers.cases import terms
from handlers.talk import SHANGHAI, Bench
from knowledge.receipt_code import with_check
from storage import case_links, cases, contacts
from storage.cases import Case, CaseKind
from storage.database import Session

RECEIPT = "4839201177450926"
"""Sixteen digits, without the check digit."""


def filed(
    bench: Bench, session: Session, now: datetime, kind: CaseKind = CaseKind.REPORT, who: str = "", **traits: Any
) -> Case:
    """A case filed now; ``who`` is the name of a terminal account it is tied to, and which wants news."""
    today = now.astimezone(SHANGHAI).date()
    told = {"matter": "称重少2两（排骨）", "market": "城西菜场", "stall_no": "A12", "told": "少称2两"} | traits
    case = cases.open_case(session, Case(kind=kind, filing_hash="9f3a61c2" + "0" * 56, **told), today, now)
    terms.start(bench, session, case, terms.FIRST[kind], today)
    if who:
        contact = contacts.get_or_create(session, "terminal", who, now)
        link = case_links.link(session, case.id, case_links.tag_of(bench.vault, contact), today)
        case_links.want_news(link, bench.vault, contact.id)
        session.flush()
    return case


def with_receipt(bench: Bench, session: Session, case: Case, digits: str = RECEIPT) -> str:
    """Give a case a receipt; as it is written."""
    case_links.keep_receipt(session, case.id, case_links.digest_of(bench.vault, digits))
    return with_check(digits)
