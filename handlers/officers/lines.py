"""A case in one line, and the parts that lines and cards are made of. No identity stands in a case, so none here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from handlers.cases import terms
from handlers.talk import Bench
from knowledge import deadlines
from knowledge.deadlines import ClockRule, Unit
from storage import cases
from storage.case_clocks import CaseClock, ClockState
from storage.cases import Case, CaseEvent, CaseKind
from storage.database import Session
from storage.staff import StaffMember

KINDS = {CaseKind.COMPLAINT: "投诉", CaseKind.REPORT: "举报"}
REPORTERS = {CaseKind.COMPLAINT: "投诉人", CaseKind.REPORT: "举报人"}
OTHERS = ("reporter", "merchant")
SOON = 2
"""Working days within which a term is marked in the day's list."""
NOWHERE = "地点没写"
GRAVE = "case.urgent"
"""Staff said 重大; without it a case is only put first, by how often its stall was told of (优先)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands today: its next term and the working days left (None: no term, or it stands still).
    ``words`` says what is left as the term itself is counted."""

    case: Case
    clock: CaseClock | None
    left: int | None
    spoken: bool
    """Whether somebody else than staff has said something since staff last did something."""
    words: str
    grave: bool
    today: date

    @property
    def late(self) -> bool:
        return self.left is not None and self.clock is not None and self.clock.due_on < self.today

    @property
    def rank(self) -> str:
        return "重大" if self.grave else "优先" if self.case.urgent else ""

    @property
    def order(self) -> tuple[bool, date, int]:
        """The grave ones first, then by the next last day."""
        return (not self.case.urgent, self.clock.due_on if self.clock else date.max, self.case.id)


def standing(bench: Bench, session: Session, case: Case, today: date, clock: CaseClock | None = None) -> Standing:
    """By a term of the case, the one that ends first when none is named."""
    clock = clock or terms.next_term(session, case)
    running = clock is not None and clock.state == ClockState.RUNNING
    left = deadlines.days_left(today, clock.due_on, bench.calendar) if clock is not None and running else None
    words = left_words(left, clock, terms.rule_of(bench, case, clock), today) if clock and left is not None else ""
    events = cases.events(session, case.id)
    return Standing(case, clock, left, _spoken(events), words, is_grave(events), today)


def is_grave(events: Sequence[CaseEvent]) -> bool:
    return any(e.action == GRAVE for e in events)


def _spoken(events: Sequence[CaseEvent]) -> bool:
    last = [e for e in events if e.actor != "system"][-1:]
    return bool(last) and last[0].actor in OTHERS and last[0].action != "case.filed"


def short(case: Case) -> str:
    """The last four digits, by which staff call it."""
    return case.number[-4:]


def where(case: Case) -> str:
    return " ".join(filter(None, (case.market, case.stall_no, case.shop))) or case.place or NOWHERE


def reporter(case: Case) -> str:
    return REPORTERS[CaseKind(case.kind)]


def left_words(left: int, clock: CaseClock, rule: ClockRule, today: date) -> str:
    """``left`` in working days; a term that is counted in days of the calendar is told in those."""
    days = (clock.due_on - today).days
    if days == 0:
        return "今天到期"
    if rule.unit is not Unit.WORKING_DAYS:
        return f"还有{days}天" if days > 0 else f"超期{-days}天"
    if left == 0:
        return "已过期"  # the last day has passed and no working day since
    return f"还有{left}个工作日" if left > 0 else f"超期{-left}个工作日"


def day_words(day: date, today: date) -> str:
    """Month and day; the year as well when it is another one."""
    return f"{day:%m-%d}" if day.year == today.year else f"{day:%Y-%m-%d}"


def until(stands: Standing) -> str:
    """最迟12-15（还有15个工作日）."""
    if stands.clock is None:
        return ""
    if stands.left is None:
        return "期限暂停中"
    unsure = "，暂估" if stands.clock.provisional else ""
    return f"最迟{day_words(stands.clock.due_on, stands.today)}（{stands.words}{unsure}）"


def marks(stands: Standing) -> str:
    """What must not be overlooked, in words; the day's list begins with them."""
    left = stands.left
    near = f"{left}个工作日内" if left in range(1, SOON + 1) else ""
    due = stands.words if left is not None and left <= 0 else near
    told = (stands.rank, due, "有新留言" if stands.spoken else "")
    return "".join(f"【{mark}】" for mark in told if mark)


def line(stands: Standing) -> str:
    case = stands.case
    words = (short(case), KINDS[CaseKind(case.kind)], where(case), case.matter, until(stands))
    return " ".join(filter(None, words)) + marks(stands)


def public_line(stands: Standing) -> str:
    """Where others may read along: the number and the day, nothing else."""
    return f"{stands.case.number} {until(stands)}".rstrip()


def called(member: StaffMember) -> str:
    return f"{member.name}（{member.office}）" if member.office else member.name
