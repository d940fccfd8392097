"""Telling people something they did not just ask for."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.conversation.messages import Reply
from handlers.conversation.paging import fit
from handlers.conversation.state import OPTIONS_LIFE, DialogueState
from handlers.sealing import seal
from storage import binding, dialogues, outbox
from storage.contacts import Contact
from storage.database import Session
from storage.outbox import Envelope
from storage.vault import Vault


def push(
    session: Session,
    contact_id: int,
    reply: Reply,
    now: datetime,
    kind: str,
    dedup_key: str,
    life: timedelta = OPTIONS_LIFE,
    vault: Vault | None = None,
) -> bool:
    """Queue a message for a person; the same ``dedup_key`` is told once. Whether it was queued now.

    An account that cannot be written to is stood in for by another one of the same person.
    Its options become the open ones for ``life``, unless the person is filling in a form: a number then still answers
    the form. With a ``vault`` the message is confidential and lies sealed.
    """
    shown = fit(reply)
    contact = binding.reachable(session, session.get_one(Contact, contact_id))
    row = dialogues.lock(session, contact.person_id, now)
    state = DialogueState.from_json(row.state)
    nonce = "" if state.form is not None else state.offer(shown.choices, now, life=life)
    envelope = Envelope(kind=kind, nonce=nonce, dedup_key=dedup_key)
    payload = shown.to_json() if vault is None else seal(vault, shown.to_json(), "outbox")
    queued = outbox.push(session, contact, payload, now, envelope)
    if queued:
        row.state = state.to_json()
    return queued


def person_of(session: Session, contact_id: int) -> int:
    return session.get_one(Contact, contact_id).person_id
