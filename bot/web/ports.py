"""What the web pages need of the service behind them. ``bot.app`` gives the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime

    from handlers.conversation.messages import Attachment, ContactRef, Inbound, Numbered, Reply, Way


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a person's history. ``id`` grows; ``mine`` is what the person sent, else ``reply`` is set."""

    id: int
    at: datetime
    mine: str = ""
    files: tuple[str, ...] = ()
    reply: Reply | None = None
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A file made for somebody who may have it; ``name`` as people read it, such as ``台账-老王水产.xlsx``."""

    data: bytes
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Uploader:
    """Whose message a file handed in by a link is; ``place`` is where they will find the answer: ``微信``."""

    contact: ContactRef
    way: Way
    address: str
    place: str
    link: str
    """Names the link without opening it."""


class BadFileError(ValueError):
    """The uploaded file cannot be kept; the text says why and what to do, in Chinese."""


class BusyError(RuntimeError):
    """Too much is waiting; nothing of the message was kept and the sender should try again shortly."""


class ChatPort(Protocol):
    """The bot as the web chat sees it. ``send`` never raises for anything a person typed."""

    async def send(self, inbound: Inbound) -> list[Numbered]: ...

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        """What the page says before anything is typed, and the starts it offers: looking leaves nothing behind."""

    def open_session(self) -> str:
        """A new anonymous session: 43 characters of URL-safe token, stored only as its hash."""

    def contact_of(self, token: str) -> ContactRef | None: ...

    def handover_code(self, token: str) -> str | None:
        """Six digits, ten minutes, one use, to go on with the same dialogue on another device."""

    def redeem_handover(self, code: str) -> str | None:
        """A new token for the same dialogue, or None when the code is wrong, used or too old."""

    def history(self, contact: ContactRef, after: int, limit: int = 60) -> list[Line]: ...

    def keep_file(self, data: bytes, name: str) -> Attachment:
        """Store a picture, PDF or spreadsheet of at most 10 MB by its content; else ``BadFileError``."""

    def ask(self, query: str, context: str | None, on: date | None) -> dict[str, Any]: ...


class FilesPort(Protocol):
    """Files that go by links. ``LookupError``: the link is wrong, has expired, or is no longer for the one who has it."""

    def download(self, token: str) -> Made: ...

    def feed(self, token: str) -> Made:
        """A shop's calendar."""

    def uploader(self, token: str) -> Uploader: ...

    def keep_file(self, data: bytes, name: str) -> Attachment:
        """As for the web chat."""

    async def send(self, inbound: Inbound) -> list[Numbered]:
        """As for the web chat."""


class NoGuessLeftError(RuntimeError):
    """Too many wrong receipts today, over everybody; nothing is looked up until tomorrow."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A case as the holder of its receipt sees it: nothing of what was reported, by days. ``ticket`` is the right to
    answer, for twenty minutes."""

    number: str
    kind: str
    state: str
    lines: tuple[tuple[date, str], ...]
    next: str
    why: str
    questions: tuple[str, ...]
    result: tuple[str, ...]
    open: bool
    may_judge: bool
    may_reopen: bool
    ticket: str
    problem: str = ""
    done: bool = False
    """What the page was asked to do is done."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That a receipt is real: nothing of what it is about."""

    number: str
    received_on: date
    office: str
    code: str


class ProgressPort(Protocol):
    """Cases by their receipts. Slow: to be called in a thread."""

    def look(self, digits: str) -> Progress | None:
        """By sixteen digits; ``NoGuessLeftError``. None alike for a wrong and for a lapsed receipt."""

    def answer(self, ticket: str, text: str) -> Progress | None:
        """A word to the officer; None when the ticket is wrong or has lapsed."""

    def judge(self, ticket: str, reason: str, *, satisfied: bool) -> Progress | None:
        """Whether the result satisfies; not, with a reason: taken up again."""

    def prove(self, number: str, code: str) -> Proof | None: ...


@dataclass(frozen=True, slots=True)
class SeenPledge:
    """A pledge as anybody may see it. ``genuine``: whether the code's signature fits; None when none came with it.
    ``percent``: of the mandatory instruments in validity; None when there are none."""

    number: str
    shop: str
    district: str
    sector: str
    good: bool
    label: str
    signed_on: date
    valid_until: date
    share: str
    percent: int | None
    confirmed: int
    text: tuple[str, ...]
    genuine: bool | None


@dataclass(frozen=True, slots=True)
class ListedPledge:
    """One line of the public list."""

    number: str
    shop: str
    district: str
    sector: str
    signed_on: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class PledgeList:
    """A page of the public list; ``after`` begins the next one, 0 when there is none."""

    rows: tuple[ListedPledge, ...]
    total: int
    target: int
    after: int


class PledgePort(Protocol):
    """Pledges as the public sees them."""

    def see(self, number: str, signature: str) -> SeenPledge | None: ...

    def list(self, district: str, sector: str, after: int) -> PledgeList: ...
