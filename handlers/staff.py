"""What staff see in the chat: the open consults. Anybody else who says the word gets an ordinary answer."""

from __future__ import annotations

from handlers import lookup
from handlers.consult import deadlines, waiting_list
from handlers.conversation.messages import Reply
from handlers.talk import Talk
from storage import consults

COMMANDS = dict.fromkeys(("待办", "今日待办", "/todo"), "todo")


def act(talk: Talk, _action: str) -> list[Reply]:
    if not talk.staff:
        return lookup.answer(talk, talk.inbound.text)
    rows = consults.open_consults(talk.session)
    return [Reply(deadlines(rows) if talk.public_only else waiting_list(rows))]
