"""One inbound message = one transaction: inbox key, lock, then read; reply rows and the new state; commit.

A message whose key is known gets the replies it got the first time and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from handlers.conversation.messages import Attachment, Inbound, Numbered, Reply, Way
from handlers.conversation.paging import fit
from handlers.conversation.router import Desk
from handlers.conversation.state import DialogueState, OpenOptions
from handlers.sealing import reply_of, seal_reply, seal_said, seal_state, state_of
from handlers.talk import Bench, Talk
from storage import binding, contacts, dialogues, media, outbox
from storage.contacts import Contact
from storage.database import Session
from storage.dialogues import Dialogue, InboxMessage
from storage.failpoints import reach
from storage.outbox import Envelope, OutboxRow

MAX_TEXT = 2048
PASSIVE_GRACE = timedelta(seconds=16)
"""A platform that waits for the answer asks again for up to 15 s; only then is the answer sent by other means."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes messages in: the desk that understands them and what the desk works with."""

    desk: Desk[Talk]
    bench: Bench
    public_only: frozenset[str] = frozenset()
    """Channels that may carry no personal matters."""
    staff: frozenset[tuple[str, str]] = frozenset()
    """The accounts of staff: channel and the channel's own id."""

    def turn(self, session: Session, inbound: Inbound) -> list[Numbered]:
        """Answer one message inside the caller's transaction."""
        inbound = replace(inbound, text=clean(inbound.text))
        contact, row, known = _lock(session, inbound)
        if known is not None:
            return self.numbered(outbox.by_ids(session, known.reply_ids), known.body.get("late", 0))
        reach("turn.begun")
        late = _heard_from(session, contact, inbound)
        state = self._state(row)
        if self._only_public(inbound):
            inbound = replace(inbound, place=None, attachments=() if inbound.heard else inbound.attachments)
        else:
            inbound = self.desk.without_needless_voice(inbound, state)
            inbound = replace(inbound, attachments=tuple(_wanted(session, contact, inbound)))
        body = _body(inbound, state)
        talk = self._talk(session, inbound, contact, row, state)
        talk.confidential = self._is_confidential(state)
        replies = self.desk.route(talk)
        talk.confidential = talk.confidential or self._is_confidential(talk.state)
        if talk.withheld:
            body["text"] = ""
        reach("turn.routed")
        rows = late + _send(talk, contact, replies)
        row = talk.dialogue
        self._write(row, talk)
        row.turns += 1
        # Last, with its replies: until here the lock on the dialogue kept a second delivery waiting.
        if talk.confidential:
            body = seal_said(self.bench.vault, body, contact.id)
        body |= {"late": len(late)}
        dialogues.record_message(session, contact.id, inbound.key, body, inbound.at, [r.id for r in rows])
        reach("turn.written")
        return self.numbered(rows, len(late))

    def numbered(self, rows: list[OutboxRow], late: int = 0) -> list[Numbered]:
        """Rows as replies; the first ``late`` of them belong to earlier messages."""
        vault = self.bench.vault
        return [Numbered(row.id, reply_of(vault, row), row.nonce, n < late) for n, row in enumerate(rows)]

    def welcome(self, session: Session, inbound: Inbound) -> list[Numbered]:
        """Greet a person who opened the conversation without saying anything yet; once."""
        contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
        row = dialogues.lock(session, contact.person_id, inbound.at)
        state = self._state(row)
        if state.greeted or row.turns:
            return []
        talk = self._talk(session, inbound, contact, row, state)
        rows = _send(talk, contact, self.desk.menu(talk))
        self._write(row, talk)
        return self.numbered(rows)

    def note_greeting(self, session: Session, inbound: Inbound) -> None:
        """The channel has shown the greeting itself: its options are open, nothing is to be sent."""
        contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
        row = dialogues.lock(session, contact.person_id, inbound.at)
        talk = self._talk(session, inbound, contact, row, self._state(row))
        for reply in self.desk.menu(talk):
            talk.state.offer(reply.choices, talk.now)
        self._write(row, talk)

    def _is_confidential(self, state: DialogueState) -> bool:
        """Also after a confidential word: what is said again, or still on offer, is of that time."""
        return state.private or (state.form is not None and state.form.form in self.desk.confidential)

    def _state(self, row: Dialogue) -> DialogueState:
        return state_of(self.bench.vault, row.state, row.person_id)

    def _write(self, row: Dialogue, talk: Talk) -> None:
        """What was said in confidence can be read out of the state as well: the state is as confidential."""
        talk.state.private = talk.state.private or talk.confidential
        row.state, row.updated_at = seal_state(self.bench.vault, talk.state, row.person_id), talk.now

    def _only_public(self, inbound: Inbound) -> bool:
        return inbound.shared or inbound.contact.channel in self.public_only

    def _talk(self, session: Session, inbound: Inbound, contact: Contact, row: Dialogue, state: DialogueState) -> Talk:
        return Talk(
            inbound=inbound,
            state=state,
            now=inbound.at,
            contact_id=contact.id,
            person_id=contact.person_id,
            dialogue=row,
            session=session,
            bench=self.bench,
            forms=self.desk.open_form,
            question=self.desk.question,
            public_only=self._only_public(inbound),
            staff=(contact.channel, contact.external_id) in self.staff,
        )


def due_at(inbound: Inbound) -> datetime:
    """From when the answer is to be sent by the delivery worker, if it has not reached the person otherwise."""
    return inbound.at + PASSIVE_GRACE if inbound.way is Way.PASSIVE else inbound.at


def clean(text: str) -> str:
    """What both databases can hold: no NUL, no lone surrogates, at most ``MAX_TEXT`` characters."""
    kept = text[:MAX_TEXT].replace("\x00", "")
    return kept.encode("utf-8", "replace").decode("utf-8")


def _lock(session: Session, inbound: Inbound) -> tuple[Contact, Dialogue, InboxMessage | None]:
    """The account, its dialogue, and the message if it was answered before.

    While we waited for the dialogue the account may have changed hands, or been erased: then it begins anew.
    """
    contact = contacts.get_or_create(session, inbound.contact.channel, inbound.contact.external_id, inbound.at)
    row = dialogues.lock(session, contact.person_id, inbound.at)
    found = binding.heard(session, contact.id, inbound.key)
    if found is None:
        session.expunge(contact)
        return _lock(session, inbound)
    person, known = found
    if person != contact.person_id:
        session.refresh(contact, ["person_id"])
        row = dialogues.lock(session, person, inbound.at)
    return contact, row, known


def _heard_from(session: Session, contact: Contact, inbound: Inbound) -> list[OutboxRow]:
    """The account is there (again). What could not be delivered before is shown first, or sent."""
    contact.unreachable = ""
    if inbound.address != contact.address:
        contact.address = inbound.address
    if inbound.way is Way.PASSIVE:
        return outbox.missed(session, contact.id, inbound.at)
    if inbound.way is Way.PUSH:
        outbox.unblock(session, contact.id, inbound.at)
    return []


def _wanted(session: Session, contact: Contact, inbound: Inbound) -> list[Attachment]:
    """The attachments, each with a name: those still on the platform's server are noted to be fetched."""
    return [
        replace(a, name=media.want(session, contact, a.ref, a.kind, a.label, inbound.at)) if a.ref else a
        for a in inbound.attachments
    ]


def _send(talk: Talk, contact: Contact, replies: list[Reply]) -> list[OutboxRow]:
    """Queue the replies; the last one with choices is what a bare number will answer."""
    state, inbound = talk.state, talk.inbound
    state.more = ""
    asking = len(replies) - 1 if state.form is not None else None
    rows = []
    for number, reply in enumerate(map(fit, replies)):
        in_form = number == asking
        shown = replace(reply, in_form=in_form)
        nonce = state.offer(shown.choices, talk.now, in_form=in_form)
        state.more = shown.more or state.more
        # Within a form the next question takes the place of the one that was tapped; anything else is to be kept.
        replaces = inbound.tapped_on if in_form and len(replies) == 1 else ""
        seen = inbound.way is Way.PULL
        kind = outbox.ONCE if reply.once else "reply"
        envelope = Envelope(kind, nonce=nonce, replaces=replaces, due_at=due_at(inbound), seen=seen)
        payload = seal_reply(talk.bench.vault, shown, contact.id) if talk.confidential else shown.to_json()
        row = outbox.new(talk.session, contact, payload, talk.now, envelope)
        rows.append(row)
    talk.session.flush()
    state.last_ids = [row.id for row in rows]
    return rows


def _body(inbound: Inbound, state: DialogueState) -> dict[str, Any]:
    """What is kept of a message; a tapped option is kept as the words it showed."""
    return {
        "text": inbound.text or _tapped_label(inbound.choice, state.options),
        "choice": inbound.choice,
        # A file that may not be kept has no name.
        "files": [{"name": a.name, "label": a.label, "type": a.media_type} for a in inbound.attachments if a.name],
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
