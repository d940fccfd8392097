"""Telling people something they did not just ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.paging import fit
from handlers.conversation.state import OPTIONS_LIFE
from handlers.sealing import offer_beside, seal_reply, seal_state, state_of
from storage import binding, dialogues, outbox
from storage.coarse import hour_of
from storage.contacts import Contact
from storage.database import Session
from storage.dialogues import Dialogue
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
    the form. With a ``vault`` the message is confidential: it lies sealed, and its key shows nothing.
    """
    shown = fit(reply)
    contact = binding.reachable(session, session.get_one(Contact, contact_id))
    row = dialogues.lock(session, contact.person_id, now)
    if vault is None:
        key, payload = dedup_key, shown.to_json()
        nonce, state = offer_beside(row.state, shown.choices, now, life)
    else:
        key, payload = vault.token(f"told:{dedup_key}"), seal_reply(vault, shown, contact.id)
        nonce, state = _offer_sealed(vault, row, shown.choices, now, life)
    at = now if vault is None else hour_of(now)
    queued = outbox.push(session, contact, payload, at, Envelope(kind=kind, nonce=nonce, dedup_key=key))
    if queued:
        row.state = state
    return queued


def _offer_sealed(
    vault: Vault, row: Dialogue, choices: Sequence[Choice], now: datetime, life: timedelta
) -> tuple[str, dict[str, Any]]:
    """What a confidential message offers says what it is about, and so does the dialogue that has it open."""
    state = state_of(vault, row.state, row.person_id)
    nonce = "" if state.form is not None else state.offer(choices, now, life=life)
    state.private = state.private or bool(nonce)
    return nonce, seal_state(vault, state, row.person_id)


def person_of(session: Session, contact_id: int) -> int:
    return session.get_one(Contact, contact_id).person_id
