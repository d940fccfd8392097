"""What a service has at hand during one turn: the message, the person, the clock, the law and the open transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from handlers.conversation.messages import Inbound, Reply
from handlers.conversation.state import DialogueState
from knowledge.library import Library
from knowledge.matcher import Matcher
from knowledge.workdays import Calendar
from storage import outbox
from storage.database import Session

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Office:
    """The bureau behind the bot, as its users see it."""

    name: str = "市场监督管理局"
    hotline: str = "12315"
    opens: time = time(9, 0)
    closes: time = time(17, 30)
    answer_by: time = time(10, 0)
    """A question that comes outside working hours is promised for this hour of the next working day."""


@dataclass(slots=True)
class Talk:
    """One message being answered. ``state`` may be changed; it is saved when the turn ends."""

    inbound: Inbound
    state: DialogueState
    now: datetime
    contact_id: int
    person_id: int
    session: Session
    library: Library
    matcher: Matcher
    calendar: Calendar
    office: Office
    forms: Callable[[Talk, str, str], list[Reply]]
    """Opens a form by name; the router's own method, so that services need not know it."""

    @property
    def today(self) -> date:
        return self.now.astimezone(SHANGHAI).date()

    def open_form(self, name: str, text: str = "") -> list[Reply]:
        return self.forms(self, name, text)

    def repeat(self) -> list[Reply]:
        rows = outbox.by_ids(self.session, self.state.last_ids)
        return [Reply.from_json(row.payload) for row in rows] or [Reply("前面还没有说过什么。有问题直接问我。")]
