"""Which cases a member of staff may see and work: one's own, unassigned ones of one's office, a leader all.

What is not theirs is answered exactly as what is not there. Nobody works a case they stood back from (回避), nor one
that they filed themselves: that it is theirs is said to them alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from handlers.cases import steps
from handlers.cases.telling import RECUSED
from handlers.talk import Talk
from storage import case_links, cases, contacts, staff
from storage.cases import Case
from storage.contacts import Contact
from storage.database import Session
from storage.staff import StaffMember, StaffRole
from storage.vault import Vault

GONE = "没有这个案件，或者不归您办。请核对编号，回“今日”看您的案件。"
STAND_BACK = "请回避：这件由别的同事办。"
ALL_EVENTS = 10_000
MOST_OWN = 1_000
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
    seen = seen_by(session, duty.member, _meant(session, ref), duty.talk.bench.vault)
    if len(seen) == 1:
        cases.get(session, seen[0].id)
    return seen


def filed_by(duty: Duty, ref: str) -> list[Case]:
    """The cases a reference means that this very member filed, and has not stood back from yet."""
    session, member = duty.talk.session, duty.member
    own = _own(session, member, duty.talk.bench.vault)
    found = [case for case in _meant(session, ref) if _ids(session, case) & own] if own else []
    return [case for case in found if member.id not in stood_back(session, case)]


def _meant(session: Session, ref: str) -> list[Case]:
    if ref.startswith("#"):
        return cases.by_short(session, ref[1:], SAME_DIGITS)
    case = cases.get(session, int(ref)) if ref.isdecimal() else cases.by_number(session, ref)
    return [case] if case is not None else []


def seen_by(session: Session, member: StaffMember, found: Collection[Case], vault: Vault | None = None) -> list[Case]:
    """Those of the cases that the member may see; without the vault it is not known which ones they filed."""
    if member.role != StaffRole.LEADER:
        offices = {m.office for m in staff.everybody(session)}
        found = [case for case in found if _may_see(member, case, offices)]
    own = _own(session, member, vault)
    return [case for case in found if not _barred(session, member, case, own)]


def barred(duty: Duty, case: Case) -> bool:
    """Whether the member stood back from the case, or filed it."""
    session = duty.talk.session
    return _barred(session, duty.member, case, _own(session, duty.member, duty.talk.bench.vault))


def filed(session: Session, member: StaffMember, case: Case, vault: Vault) -> bool:
    """Whether the member filed the case, or one that is worked with it, from any account of theirs."""
    own = _own(session, member, vault)
    return bool(own) and bool(_ids(session, case) & own)


def together(session: Session, case: Case) -> list[Case]:
    """The main case and all that is worked with it: who may not work one of them may not work the others."""
    main = session.get_one(Case, case.main_id) if case.main_id is not None else case
    return [main, *cases.merged_into(session, main.id)]


def stood_back(session: Session, case: Case) -> frozenset[int]:
    """Those of staff who may not have the case (回避)."""
    events = [e for one in together(session, case) for e in cases.events(session, one.id, limit=ALL_EVENTS)]
    return frozenset(e.detail["officer"] for e in events if e.action == RECUSED)


def _barred(session: Session, member: StaffMember, case: Case, own: Collection[int]) -> bool:
    return bool(own and _ids(session, case).intersection(own)) or member.id in stood_back(session, case)


def _ids(session: Session, case: Case) -> set[int]:
    return {one.id for one in together(session, case)}


def _own(session: Session, member: StaffMember, vault: Vault | None) -> frozenset[int]:
    """What the person behind the member's account filed, from any account of theirs."""
    account = session.get(Contact, member.contact_id) if member.contact_id is not None else None
    if account is None or vault is None:
        return frozenset()
    tags = [case_links.tag_of(vault, one) for one in contacts.of_person(session, account.person_id)]
    return frozenset(case.id for case in case_links.cases_of(session, tags, MOST_OWN))


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
