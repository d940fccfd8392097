"""One inbound message = one transaction: inbox key, lock, then read; reply rows and the new state; commit.

A message whose key is known gets the replies it got the first time and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from handlers.conversation.messages import Inbound, Numbered, Reply
from handlers.conversation.paging import fit
from handlers.conversation.router import Desk
from handlers.conversation.state import DialogueState, OpenOptions
from handlers.talk import Office, Talk
from knowledge.library import Library
from knowledge.matcher import Matcher
from knowledge.workdays import Calendar
from storage import contacts, dialogues, outbox
from storage.database import Session

MAX_TEXT = 2048
PULL_CHANNELS = frozenset(("web", "terminal"))
"""Channels that fetch a turn's replies themselves, as often as they like: the row is the delivery."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes messages in: the desk that understands them and what the desk works with."""

    desk: Desk[Talk]
    library: Library
    matcher: Matcher
    calendar: Calendar
    office: Office

    def turn(self, session: Session, inbound: Inbound) -> list[Numbered]:
        """Answer one message inside the caller's transaction."""
        inbound = replace(inbound, text=clean(inbound.text))
        contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
        row = dialogues.lock(session, contact.id, inbound.at)
        known = dialogues.find_message(session, contact.id, inbound.key)
        if known is not None:
            return numbered(outbox.by_ids(session, known.reply_ids))
        state = DialogueState.from_json(row.state)
        body = _body(inbound, state)
        talk = self._talk(session, inbound, contact.id, state)
        replies = self.desk.route(talk)
        rows = _send(talk, replies)
        row.state, row.turns, row.updated_at = talk.state.to_json(), row.turns + 1, inbound.at
        # Last, with its replies: until here the lock on the dialogue kept a second delivery waiting.
        dialogues.record_message(session, contact.id, inbound.key, body, inbound.at, [r.id for r in rows])
        return numbered(rows)

    def welcome(self, session: Session, inbound: Inbound) -> list[Numbered]:
        """Greet a person who opened the conversation without saying anything yet; once."""
        contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
        row = dialogues.lock(session, contact.id, inbound.at)
        state = DialogueState.from_json(row.state)
        if state.greeted or row.turns:
            return []
        talk = self._talk(session, inbound, contact.id, state)
        rows = _send(talk, self.desk.menu(talk))
        row.state, row.updated_at = talk.state.to_json(), inbound.at
        return numbered(rows)

    def note_greeting(self, session: Session, inbound: Inbound) -> None:
        """The channel has shown the greeting itself: its options are open, nothing is to be sent."""
        contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
        row = dialogues.lock(session, contact.id, inbound.at)
        talk = self._talk(session, inbound, contact.id, DialogueState.from_json(row.state))
        for reply in self.desk.menu(talk):
            talk.state.offer(reply.choices, talk.now)
        row.state, row.updated_at = talk.state.to_json(), inbound.at

    def _talk(self, session: Session, inbound: Inbound, contact_id: int, state: DialogueState) -> Talk:
        return Talk(
            inbound=inbound,
            state=state,
            now=inbound.at,
            contact_id=contact_id,
            session=session,
            library=self.library,
            matcher=self.matcher,
            calendar=self.calendar,
            office=self.office,
            forms=self.desk.open_form,
        )


def numbered(rows: list[outbox.OutboxRow]) -> list[Numbered]:
    return [Numbered(row.id, Reply.from_json(row.payload), row.nonce) for row in rows]


def clean(text: str) -> str:
    """What both databases can hold: no NUL, no lone surrogates, at most ``MAX_TEXT`` characters."""
    kept = text[:MAX_TEXT].replace("\x00", "")
    return kept.encode("utf-8", "replace").decode("utf-8")


def _send(talk: Talk, replies: list[Reply]) -> list[outbox.OutboxRow]:
    """Queue the replies; the last one with choices is what a bare number will answer."""
    rows = []
    state = talk.state
    state.more = ""
    for reply in map(fit, replies):
        nonce = state.offer(reply.choices, talk.now)
        state.more = reply.more or state.more
        row = outbox.new(talk.session, talk.contact_id, reply.to_json(), talk.now, nonce=nonce)
        if talk.inbound.contact.channel in PULL_CHANNELS:
            row.state, row.sent_at = outbox.SendState.SENT, talk.now
        rows.append(row)
    talk.session.flush()
    state.last_ids = [row.id for row in rows]
    return rows


def _body(inbound: Inbound, state: DialogueState) -> dict[str, Any]:
    """What is kept of a message; a tapped option is kept as the words it showed."""
    return {
        "text": inbound.text or _tapped_label(inbound.choice, state.options),
        "choice": inbound.choice,
        "files": [{"sha256": a.sha256, "label": a.label, "type": a.media_type} for a in inbound.attachments],
    }


def _tapped_label(choice: str | None, options: OpenOptions | None) -> str:
    nonce, _, number = (choice or "").partition(":")
    known = (
        options is not None
        and nonce == options.nonce
        and number.isdecimal()
        and 1 <= int(number) <= len(options.choices)
    )
    return options.choice(int(number)).label if options is not None and known else ""
