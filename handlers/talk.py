"""What a service has at hand during one turn: the message, the person, the clock, the law and the open transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from handlers.cases.receipts import ReceiptMint
from handlers.conversation.messages import Inbound, Reply
from handlers.conversation.state import DialogueState
from handlers.sealing import again, reply_of
from knowledge.casebook import Casebook
from knowledge.deadlines import Deadlines
from knowledge.library import Library
from knowledge.matcher import Matcher
from knowledge.pledges import PledgeBook
from knowledge.stages import Plans
from knowledge.workdays import Calendar
from storage import outbox
from storage.database import Session
from storage.dialogues import Dialogue
from storage.signing import SEED_BYTES, Signer
from storage.vault import Vault

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
    public_url: str = ""
    """Where the web chat is, without a closing slash."""
    telegram_name: str = ""
    """The bot's name there, to which a deep link can lead."""
    notices: bool = False
    """Whether reminders can be agreed to on a page of the web."""
    channel_names: Mapping[str, str] = field(default_factory=dict)
    """What people call each channel."""
    reads_certificates: bool = False
    """Whether this installation can read text in pictures."""
    without_files: frozenset[str] = frozenset()
    """Channels whose people cannot send files of their own: they hand them in on a page."""
    local_url: str = "http://127.0.0.1:8000"
    """Where the pages are while there is no public address: only this machine can open them."""
    districts: Mapping[str, str] = field(default_factory=dict)
    """The districts the bureau covers: the six digits of a region and its name."""
    statutory_intake: bool = False
    """Whether the bureau has announced the bot as a channel of its own for complaints and reports (令121号)."""

    @property
    def pages_url(self) -> str:
        return self.public_url or self.local_url

    def called(self, channel: str) -> str:
        return self.channel_names.get(channel, "另一个账号")


@dataclass(frozen=True, slots=True)
class Bench:
    """What a service works with wherever it works: in a turn, by the clock, on a slow task."""

    library: Library
    matcher: Matcher
    calendar: Calendar
    plans: Plans
    office: Office
    vault: Vault
    files: Path | None = None
    """Where received and sealed files lie."""
    deadlines: Deadlines = field(default_factory=Deadlines.load)
    casebook: Casebook = field(default_factory=Casebook.load)
    pledge_book: PledgeBook = field(default_factory=PledgeBook.load)
    signer: Signer = field(default_factory=lambda: Signer(secrets.token_bytes(SEED_BYTES)))
    """Signs the codes on cards; the running service has the bureau's."""
    receipts: ReceiptMint = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "receipts", ReceiptMint(self.vault))


@dataclass(slots=True)
class Talk:
    """One message being answered. ``state`` may be changed; it is saved in ``dialogue`` when the turn ends.

    A turn that makes the account another person's takes up that person's (locked) ``dialogue`` and ``state``.
    """

    inbound: Inbound
    state: DialogueState
    now: datetime
    contact_id: int
    person_id: int
    dialogue: Dialogue
    session: Session
    bench: Bench
    forms: Callable[[Talk, str, str], list[Reply]]
    """Opens a form by name; the router's own method, so that services need not know it."""
    question: Callable[[Talk], list[Reply]]
    """The open question of a form once more, none when no form is open; the router's own method as well."""
    public_only: bool = False
    """Others read along, or the channel may carry no personal matters."""
    staff: bool = False
    confidential: bool = False
    """What is said in this turn, by either side, is kept sealed."""
    withheld: bool = False
    """What was said is a personal matter in the wrong place: its words are not kept."""

    @property
    def library(self) -> Library:
        return self.bench.library

    @property
    def matcher(self) -> Matcher:
        return self.bench.matcher

    @property
    def calendar(self) -> Calendar:
        return self.bench.calendar

    @property
    def office(self) -> Office:
        return self.bench.office

    @property
    def today(self) -> date:
        return self.now.astimezone(SHANGHAI).date()

    def open_form(self, name: str, text: str = "") -> list[Reply]:
        return self.forms(self, name, text)

    def repeat(self) -> list[Reply]:
        rows = outbox.by_ids(self.session, self.state.last_ids)
        if self.public_only:  # what was said to another account of the person is not for here
            rows = [row for row in rows if row.contact_id == self.contact_id]
        return [again(reply_of(self.bench.vault, row)) for row in rows] or [
            Reply("前面还没有说过什么。有问题直接问我。")
        ]
