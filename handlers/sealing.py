"""Confidential words lie sealed in the database: what was said, what was answered, where the conversation stands.

A sealed JSON object is ``{"sealed": …}``, bound to whose it is and what; whoever reads one opens it with the vault, and
everything else passes as it is. What cannot be opened any more is no failure: it is said to be gone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from handlers.conversation.messages import Choice, Reply
from handlers.conversation.state import DialogueState
from storage import outbox
from storage.database import Session
from storage.dialogues import InboxMessage
from storage.vault import SealedError, Vault

MARK, IN_FORM, PUSHED = "sealed", "in_form", "pushed"
"""Of a sealed dialogue only this stays open: whether a form is, and options that came from outside of a turn."""
UNREADABLE = "这条内容已封存，这里打不开了。"
ONCE = "回执码只显示一次，为安全起见不再重复。丢了也不要紧：用这个账号回“我的举报”就能看进展。"


class Queued(Protocol):
    """A queued reply, as a row or as it was claimed for sending."""

    @property
    def contact_id(self) -> int: ...

    @property
    def payload(self) -> dict[str, Any]: ...


def seal(vault: Vault, data: Mapping[str, Any], about: str) -> dict[str, Any]:
    text = json.dumps(data, ensure_ascii=False).encode()
    return {MARK: base64.b64encode(vault.seal(text, about)).decode()}


def unseal(vault: Vault, data: Mapping[str, Any], about: str) -> dict[str, Any]:
    """The object itself; ``SealedError`` when it was sealed under another key or about something else."""
    if MARK not in data:
        return dict(data)
    opened: dict[str, Any] = json.loads(vault.open(base64.b64decode(data[MARK]), about))
    return opened


# -- what either side said ----------------------------------------------------------------------------------------


def seal_reply(vault: Vault, reply: Reply, contact_id: int) -> dict[str, Any]:
    return seal(vault, reply.to_json(), f"outbox:{contact_id}")


def reply_of(vault: Vault, queued: Queued) -> Reply:
    try:
        return Reply.from_json(unseal(vault, queued.payload, f"outbox:{queued.contact_id}"))
    except SealedError:
        return Reply(UNREADABLE)


def again(reply: Reply) -> Reply:
    """A reply as it is shown another time."""
    return Reply(ONCE) if reply.once else reply


def blank_once(session: Session, before: datetime, limit: int) -> int:
    """Take the secrets out of replies that were shown, or given up, before an instant; how many."""
    return outbox.blank_once(session, Reply(ONCE).to_json(), before, limit)


def seal_said(vault: Vault, body: Mapping[str, Any], contact_id: int) -> dict[str, Any]:
    return seal(vault, body, f"inbox:{contact_id}")


def said_of(vault: Vault, message: InboxMessage) -> dict[str, Any]:
    """What a person said: ``text``, ``choice``, ``files``."""
    try:
        return unseal(vault, message.body, f"inbox:{message.contact_id}")
    except SealedError:
        return {"text": UNREADABLE, "choice": None, "files": []}


# -- where the conversation stands --------------------------------------------------------------------------------


def state_of(vault: Vault, data: Mapping[str, Any], person_id: int) -> DialogueState:
    """A dialogue's state; begun anew when it cannot be opened."""
    if MARK not in data:
        return DialogueState.from_json(dict(data))
    try:
        state = DialogueState.from_json(unseal(vault, data, _dialogue(person_id)))
    except SealedError:
        state = DialogueState(greeted=True)
    if data.get(PUSHED):
        state.options = DialogueState.from_json({"options": data[PUSHED]}).options
    return state


def seal_state(vault: Vault, state: DialogueState, person_id: int) -> dict[str, Any]:
    """A state as it is written: sealed from the first confidential word on."""
    if not state.private:
        return state.to_json()
    return seal(vault, state.to_json(), _dialogue(person_id)) | {IN_FORM: state.form is not None, PUSHED: None}


def offer_beside(
    data: Mapping[str, Any], choices: Sequence[Choice], now: datetime, life: timedelta
) -> tuple[str, dict[str, Any]]:
    """Open options in a dialogue, sealed or not, without looking into it: their nonce, and the state with them.

    While a form is open nothing is offered: a number still answers the form.
    """
    if MARK not in data:
        state = DialogueState.from_json(dict(data))
        nonce = "" if state.form is not None else state.offer(choices, now, life=life)
        return nonce, state.to_json()
    beside = DialogueState()
    nonce = "" if data[IN_FORM] else beside.offer(choices, now, life=life)
    return nonce, dict(data) | ({PUSHED: beside.to_json()["options"]} if nonce else {})


def _dialogue(person_id: int) -> str:
    return f"dialogue:{person_id}"
