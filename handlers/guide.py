"""Words of the menus whose own function is not open yet: half a sentence that says so, then the card that helps today.

A service that takes a word over takes its row away here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from handlers import lookup
from handlers.conversation.messages import Reply
from handlers.talk import Talk
from knowledge.matcher import Aspect


@dataclass(frozen=True, slots=True)
class Signpost:
    """The words that lead here, the card they lead to, and what is said before it; ``{hotline}`` is filled in."""

    words: tuple[str, ...]
    entry: str
    note: str = ""


SIGNPOSTS = {
    "institutions": Signpost(("找检定机构", "检定机构"), "institution-address"),
    "courses": Signpost(("看课程", "课程"), "training-signup", "这里还不能看课程，先说怎么参加："),
    "quiz": Signpost(("报名答题", "答题"), "training-signup", "这里的报名和答题还没开通，先说怎么参加培训："),
}
COMMANDS = {word: name for name, sign in SIGNPOSTS.items() for word in sign.words}


def act(talk: Talk, action: str) -> list[Reply]:
    sign = SIGNPOSTS[action]
    card = lookup.card(talk, (sign.entry,), Aspect.OVERVIEW)
    note = sign.note.format(hotline=talk.office.hotline)
    return [replace(card, text="\n".join([*filter(None, (note,)), card.text]))]
