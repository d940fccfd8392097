"""Everything about one account, gone: what an unfollow or a wish to be forgotten asks for.

Kept are the bureau's own figures: that a consult with such a number was asked and when, without a word of it.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage.consults import Consult, ConsultState, Feedback, Miss
from storage.contacts import Contact, Handover, Person, WebSession
from storage.dialogues import Dialogue, InboxMessage
from storage.media import MediaFile
from storage.outbox import OutboxRow
from storage.platform import Parked
from storage.windows import Consent, CustomerWindow

ERASED = "erased"
"""Why an erased account cannot be written to, and how its random new name begins."""
_OF_THE_ACCOUNT = (
    InboxMessage,
    OutboxRow,
    Miss,
    Feedback,
    WebSession,
    Handover,
    CustomerWindow,
    Consent,
    MediaFile,
)


def erase(session: Session, contact_id: int, now: datetime) -> None:
    """Erase an account. Its person stays while another account is bound to it; twice is as good as once."""
    contact = session.get(Contact, contact_id)
    if contact is None or contact.unreachable == ERASED:
        return
    keys = session.scalars(select(InboxMessage.key).where(InboxMessage.contact_id == contact_id)).all()
    session.execute(delete(Parked).where(Parked.channel == contact.channel, Parked.key.in_(keys)))
    for table in _OF_THE_ACCOUNT:
        session.execute(delete(table).where(table.contact_id == contact_id))
    asked = session.scalars(select(Consult).where(Consult.contact_id == contact_id)).all()
    for consult in asked:
        consult.question, consult.files = "", []
        consult.state = ConsultState.CLOSED if consult.state == ConsultState.OPEN else consult.state
    person = contact.person_id
    alone = _leave_the_person(session, contact, now)
    if not asked:
        session.delete(contact)
        session.flush()
        session.execute(delete(Person).where(Person.id == (person if alone else contact.person_id)))
        return
    # The consults refer to an account; it becomes one that is nobody's.
    contact.external_id, contact.address = f"{ERASED}-{secrets.token_hex(12)}", ""
    contact.unreachable = ERASED


def _leave_the_person(session: Session, contact: Contact, now: datetime) -> bool:
    """Of a person with other accounts only the link goes; else the dialogue goes as well. Whether it was alone."""
    left = contact.person_id
    others = select(func.count(Contact.id)).where(Contact.person_id == left, Contact.id != contact.id)
    if session.scalar(others):
        nobody = Person(created_at=now)
        session.add(nobody)
        session.flush()
        contact.person_id = nobody.id
        return False
    session.execute(delete(Dialogue).where(Dialogue.person_id == left))
    return True
