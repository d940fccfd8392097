"""Which cases a member of staff may see and work: one's own, unassigned ones of one's office, a leader all.

What is not theirs is answered exactly as what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from handlers.cases import steps
from handlers.talk import Talk
from storage import cases, staff
from storage.cases import Case
from storage.database import Session
from storage.staff import StaffMember, StaffRole

GONE = "没有这个案件，或者不归您办。请核对编号，回“今日”看您的案件。"
SAME_DIGITS = 50
"""Cases whose numbers end in the same four digits: one in ten thousand each."""
_SUFFIX = re.compile(r"(?:市场监督管理|市场监管|市监)?(?:所|分局|中队|大队|科|站)$")


@dataclass(frozen=True, slots=True)
class Duty:
    """A member of staff in a turn of theirs."""

    talk: Talk
    member: StaffMember

    @property
    def leads(self) -> bool:
        return self.member.role == StaffRole.LEADER

    @property
    def desk(self) -> steps.Desk:
        talk = self.talk
        return steps.Desk(talk.bench, talk.session, f"staff:{self.member.id}", talk.now, self.member.role)


def on_duty(talk: Talk) -> Duty | None:
    """None for everybody else: the role hangs on the account, never on what is said."""
    member = staff.of_contact(talk.session, talk.contact_id)
    return Duty(talk, member) if member is not None else None


def find(duty: Duty, ref: str) -> list[Case]:
    """The cases a reference means and this member may see, locked when it is one: by row (``17``), by the last four
    digits (``#0031``), by the whole number."""
    session = duty.talk.session
    if ref.startswith("#"):
        found = cases.by_short(session, ref[1:], SAME_DIGITS)
    elif ref.isdecimal():
        found = [case for case in [cases.get(session, int(ref))] if case is not None]
    else:
        found = [case for case in [cases.by_number(session, ref)] if case is not None]
    seen = seen_by(session, duty.member, found)
    if len(seen) == 1:
        cases.get(session, seen[0].id)
    return seen


def seen_by(session: Session, member: StaffMember, found: Collection[Case]) -> list[Case]:
    """Those of the cases that the member may see."""
    if member.role == StaffRole.LEADER:
        return list(found)
    offices = {m.office for m in staff.everybody(session)}
    return [case for case in found if _may_see(member, case, offices)]


def _may_see(member: StaffMember, case: Case, offices: Collection[str]) -> bool:
    if case.officer_id is not None:
        return case.officer_id == member.id
    return case.state in cases.OPEN and in_area(member.office, case, offices)


def in_area(office: str, case: Case, offices: Collection[str]) -> bool:
    """Whether an office is one that a case falls to; one that falls to none of them is everybody's."""
    areas = {one: _area(one) for one in offices if one}
    claimed = {one for one, area in areas.items() if area and area in _place(case)}
    return not office or not claimed or office in claimed


def is_local(office: str, case: Case) -> bool:
    """Whether the office's area is named where the case happened."""
    area = _area(office)
    return bool(area) and area in _place(case)


def _area(office: str) -> str:
    """城西市场监管所 → 城西."""
    return _SUFFIX.sub("", office)


def _place(case: Case) -> str:
    return " ".join((case.district, case.market, case.place))
