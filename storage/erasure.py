"""Everything about one account, gone: what an unfollow or a wish to be forgotten asks for.

Kept are the bureau's own figures: that a consult with such a number was asked and when, without a word of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from storage import closing, contacts, pledges, staff
from storage.consults import Consult, ConsultState, Feedback, Miss
from storage.contacts import Contact, Handover, Person, WebSession
from storage.dialogues import Dialogue, InboxMessage
from storage.links import FileLink
from storage.media import MediaFile
from storage.outbox import OutboxRow
from storage.platform import Parked
from storage.tasks import Task
from storage.windows import Consent, CustomerWindow

ERASED = "erased"
"""Why an erased account cannot be written to, and how its random new name begins."""
_Owned = (
    InboxMessage
    | OutboxRow
    | Miss
    | Feedback
    | WebSession
    | Handover
    | CustomerWindow
    | Consent
    | MediaFile
    | Task
    | FileLink
)
_OF_THE_ACCOUNT: tuple[type[_Owned], ...] = (
    InboxMessage,
    OutboxRow,
    Miss,
    Feedback,
    WebSession,
    Handover,
    CustomerWindow,
    Consent,
    MediaFile,
    Task,
    FileLink,
)


_STILL_TALKING = (WebSession, CustomerWindow)
"""What an account needs to be told that all else is gone."""


def erase(session: Session, contact_id: int, now: datetime) -> None:
    """Erase an account. Its person stays while another account is bound to it; twice is as good as once."""
    contact = session.get(Contact, contact_id)
    if contact is None or contact.unreachable == ERASED:
        return
    asked = _wipe(session, contact, _OF_THE_ACCOUNT)
    staff.release(session, contact_id)
    pledges.forget_signer(session, contact_id)
    left = contact.person_id
    alone = len(contacts.of_person(session, left)) == 1
    if alone:
        closing.person_leaves(session, left, now, close_own=False)
        session.execute(delete(Dialogue).where(Dialogue.person_id == left))
    if not asked:
        session.delete(contact)
        session.flush()
        if alone:
            session.execute(delete(Person).where(Person.id == left))
        return
    if not alone:
        contacts.set_apart(session, contact, now)
    # The consults refer to an account; it becomes one that is nobody's.
    contact.external_id, contact.address = f"{ERASED}-{secrets.token_hex(12)}", ""
    contact.unreachable = ERASED


def forget(session: Session, contact_id: int, now: datetime) -> None:
    """Erase a person who is still there: all their other accounts, and of this one all but the account itself.

    The dialogue is the caller's, who holds it. Shops of theirs alone are closed.
    """
    contact = session.get_one(Contact, contact_id)
    closing.person_leaves(session, contact.person_id, now, close_own=True)
    for other in contacts.of_person(session, contact.person_id):
        if other.id != contact_id:
            erase(session, other.id, now)
    pledges.forget_signer(session, contact_id)
    _wipe(session, contact, [table for table in _OF_THE_ACCOUNT if table not in _STILL_TALKING])


def _wipe(session: Session, contact: Contact, tables: Sequence[type[_Owned]]) -> bool:
    """Empty the account; whether something was asked through it, of which the number stays."""
    keys = session.scalars(select(InboxMessage.key).where(InboxMessage.contact_id == contact.id)).all()
    about = or_(Parked.key.in_(keys), Parked.body.contains(contact.external_id, autoescape=True))
    session.execute(delete(Parked).where(Parked.channel == contact.channel, about))
    for table in tables:
        session.execute(delete(table).where(table.contact_id == contact.id))
    asked = session.scalars(select(Consult).where(Consult.contact_id == contact.id)).all()
    for consult in asked:
        consult.question, consult.files = "", []
        consult.state = ConsultState.CLOSED if consult.state == ConsultState.OPEN else consult.state
    session.flush()
    return bool(asked)
