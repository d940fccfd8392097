"""What a member of a shop may do with its pledge, and the least role that may. Apart from the service, so that the ledger can
go on with it once a shop is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handlers.conversation.messages import Reply
from handlers.pledge import applying, cards, credit, keeping, signing
from handlers.talk import Talk
from storage.shops import Membership, Role

Act = Callable[[Talk, Membership, str], list[Reply]]

ACTIONS: Mapping[str, tuple[Role, Act]] = {
    "start": (Role.MANAGER, signing.start),
    "declare": (Role.MANAGER, signing.declare),
    "text": (Role.MANAGER, signing.show_text),
    "renew": (Role.MANAGER, signing.renew),
    "end": (Role.OWNER, keeping.end),
    "card": (Role.VIEWER, cards.card),
    "mine": (Role.VIEWER, keeping.mine),
    "grade": (Role.VIEWER, credit.mine),
    "appeal": (Role.MANAGER, applying.appeal),
    "demonstration": (Role.MANAGER, applying.demonstration),
    "apply": (Role.MANAGER, applying.apply),
}
