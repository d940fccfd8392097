"""Confidential words lie sealed in the database: what was said, what was answered, what stands in an open form.

A sealed JSON object is ``{"sealed": …}``; whoever reads one opens it with the vault, and everything else passes as it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers.conversation.forms import FormState
from handlers.conversation.messages import Reply
from handlers.conversation.state import DialogueState
from storage.vault import SealedError, Vault

MARK = "sealed"
UNREADABLE = "这条内容已封存，这里打不开了。"
ONCE = "回执码只显示一次，为安全起见不再重复。丢了也不要紧：用这个账号回“我的举报”就能看进展。"


def seal(vault: Vault, data: Mapping[str, Any], about: str) -> dict[str, Any]:
    text = json.dumps(data, ensure_ascii=False).encode()
    return {MARK: base64.b64encode(vault.seal(text, about)).decode()}


def unseal(vault: Vault, data: Mapping[str, Any], about: str) -> dict[str, Any]:
    """The object itself; ``SealedError`` when it was sealed under another key or about something else."""
    if MARK not in data:
        return dict(data)
    opened: dict[str, Any] = json.loads(vault.open(base64.b64decode(data[MARK]), about))
    return opened


def reply_of(vault: Vault, payload: Mapping[str, Any]) -> Reply:
    """A queued reply. One that cannot be opened any more is not worth a failure: it says so."""
    try:
        return Reply.from_json(unseal(vault, payload, "outbox"))
    except SealedError:
        return Reply(UNREADABLE)


def again(reply: Reply) -> Reply:
    """A reply as it is shown another time."""
    return Reply(ONCE) if reply.once else reply


# -- dialogues ----------------------------------------------------------------------------------------------------


def open_forms(vault: Vault, state: DialogueState) -> DialogueState:
    state.form, state.draft = _opened(vault, state.form), _opened(vault, state.draft)
    return state


def seal_forms(vault: Vault, state: DialogueState, confidential: frozenset[str]) -> DialogueState:
    """What is to be written: the answers of confidential forms sealed, the rest as it is."""
    return replace(
        state, form=_sealed(vault, state.form, confidential), draft=_sealed(vault, state.draft, confidential)
    )


def _sealed(vault: Vault, form: FormState | None, confidential: frozenset[str]) -> FormState | None:
    if form is None or form.sealed or form.form not in confidential:
        return form
    said = seal(vault, {"answers": form.answers, "parts": form.parts}, "form")
    return replace(form, answers={}, parts=[], sealed=said[MARK])


def _opened(vault: Vault, form: FormState | None) -> FormState | None:
    """None when it cannot be opened any more: the form is begun anew."""
    if form is None or not form.sealed:
        return form
    try:
        said = unseal(vault, {MARK: form.sealed}, "form")
    except SealedError:
        return None
    return replace(form, answers=said["answers"], parts=said["parts"], sealed="")
