"""Whose case it is. A case opens for the accounts it is tied to, or for whoever holds its receipt; to anybody else it is
as good as missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from handlers.conversation.messages import Choice, Reply
from handlers.talk import Talk
from storage import case_links, cases, contacts
from storage.case_links import CaseLink
from storage.cases import Case
from storage.contacts import Contact

MISSING = Reply(
    "没有找到这个案件。用当时的账号回“我的举报”，或把 17 位回执码发给我。",
    (Choice("我的举报", "tips:mine"), Choice("看菜单", "menu:")),
)
MOST_DIGITS = 9
GRANT_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Mine:
    """A case that the person may see and answer. ``link``: the account's tie; None: opened by its receipt.

    ``key`` names it in actions: the id, and for one opened by its receipt the leave that this gave.
    """

    case: Case
    link: CaseLink | None
    key: str


def tags(talk: Talk) -> list[str]:
    """The tags of all accounts of the person."""
    return [case_links.tag_of(talk.bench.vault, c) for c in contacts.of_person(talk.session, talk.person_id)]


def own_tag(talk: Talk) -> str:
    return case_links.tag_of(talk.bench.vault, talk.session.get_one(Contact, talk.contact_id))


def mine(talk: Talk, key: str) -> Mine | None:
    """The case an action names, locked; None alike when it is somebody else's and when there is none."""
    id_, _, leave = key.partition("/")
    if not (id_.isascii() and id_.isdecimal()) or len(id_) > MOST_DIGITS:
        return None
    own = case_links.own_case(talk.session, tags(talk), int(id_))
    if own is not None:
        return Mine(*own, id_)
    if leave and leave in (_leave(talk, id_, talk.today), _leave(talk, id_, talk.today - timedelta(days=1))):
        case = cases.get(talk.session, int(id_))
        return Mine(case, None, key) if case is not None else None
    return None


def by_receipt(talk: Talk, case: Case) -> Mine:
    """What the holder of a receipt may do until tomorrow: nothing is noted, the leave proves itself."""
    own = case_links.own_case(talk.session, tags(talk), case.id)
    if own is not None:
        return Mine(*own, str(case.id))
    return Mine(case, None, f"{case.id}/{_leave(talk, str(case.id), talk.today)}")


def _leave(talk: Talk, case_id: str, day: date) -> str:
    return talk.bench.vault.token(f"case-leave:{talk.contact_id}:{case_id}:{day}")[:GRANT_LENGTH]
