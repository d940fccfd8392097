"""The terms that run in a case in the order in which they are told, and why each ends on its day."""

from __future__ import annotations

from datetime import date

from handlers.cases import terms
from handlers.talk import Bench
from storage import case_clocks
from storage.case_clocks import CaseClock
from storage.cases import Case
from storage.database import Session


def in_order(bench: Bench, session: Session, case: Case) -> list[CaseClock]:
    """The terms of the law first, then those the bureau set itself (the merchant's answer); the one due first at the
    head of each."""
    return sorted(case_clocks.live(session, case.id), key=lambda clock: terms.rule_of(bench, case, clock).own)


def explained(bench: Bench, session: Session, case: Case, today: date) -> str:
    """为什么是这个日期, for every term that runs; empty when none does."""
    found = in_order(bench, session, case)
    texts = [terms.explain(bench, session, case, clock, today) for clock in found]
    if len(found) < 2:
        return "".join(texts)
    names = [terms.rule_of(bench, case, clock).event for clock in found]
    return "\n".join(f"【{name}】\n{text}" for name, text in zip(names, texts, strict=True))
