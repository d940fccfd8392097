"""The whole vocabulary between people and services: what came in, what goes out. No channel, no storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ContactRef:
    """A person as one channel knows them: ``("web", session id)``, ``("terminal", user name)``."""

    channel: str
    external_id: str


class AttachmentKind(StrEnum):
    IMAGE = "image"
    FILE = "file"
    VOICE = "voice"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file. ``name`` is how it is known from here on: the SHA-256 of its content once it is in the evidence store.

    A file that still lies on the platform's server has ``ref``, the platform's id of it, and gets a name of its own
    (``media:12``) when the turn notes that it is to be fetched.
    """

    kind: AttachmentKind
    name: str = ""
    media_type: str = ""
    size: int = 0
    label: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map that was sent: degrees, and what the platform calls it."""

    lat: float
    lon: float
    label: str = ""


class Way(StrEnum):
    """How a channel takes the answer to a message."""

    PULL = "pull"
    """It fetches the answers itself, as often as it likes: the row is the delivery."""
    PASSIVE = "passive"
    """One answer goes back with the request; what is not collected so is sent, or shown with the next answer."""
    PUSH = "push"
    """Every answer is sent by the delivery worker."""


class Other(StrEnum):
    """Something that is neither words nor a file we take."""

    LOCATION = "location"
    LINK = "link"
    CONTACT = "contact"
    STICKER = "sticker"
    LARGE_FILE = "large-file"
    UNSENDABLE_FILE = "unsendable-file"
    """A file the platform shows to us by name only."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from one person.

    ``key`` is the channel's own identity of the message: the same key is the same message, however often it
    is delivered. ``choice`` is the token of a tapped option, when the channel can carry one, and ``tapped_on`` the
    channel's id of the message that offered it. ``route`` is what a scanned code or a deep link carried, such as
    ``s_A12``. ``address`` is where the answer goes, when that is not the account itself (a group).
    """

    contact: ContactRef
    key: str
    at: datetime
    text: str = ""
    choice: str | None = None
    attachments: tuple[Attachment, ...] = ()
    way: Way = Way.PULL
    other: Other | None = None
    route: str | None = None
    tapped_on: str = ""
    address: str = ""
    edited: bool = False
    shared: bool = False
    """Said in a group, where others read along."""
    place: Place | None = None
    heard: bool = False
    """``text`` is what the platform understood of the voice that is attached."""
    prepared: str = ""
    """The slow hash of a receipt in ``text``, made before the turn so that nobody waits for it; empty: none."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One numbered option. ``action`` says what tapping it does, e.g. ``ask:verification-fee``."""

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to tell the person. Channels render it within their own limits; choices are numbered from 1.

    ``more`` is the text kept for 更多; ``about`` names the knowledge entries the text was made of, so that
    feedback lands on the right card.
    """

    text: str
    choices: tuple[Choice, ...] = ()
    more: str = ""
    about: tuple[str, ...] = ()
    multi: bool = False
    in_form: bool = False
    """The open question of a form: it can be gone back from and left."""
    once: bool = False
    """It is shown this once: a secret that must not stand in the conversation again."""

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "choices": [[c.label, c.action] for c in self.choices],
            "more": self.more,
            "about": list(self.about),
            "multi": self.multi,
            "in_form": self.in_form,
            "once": self.once,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reply:
        return cls(
            text=data["text"],
            choices=tuple(Choice(label, action) for label, action in data["choices"]),
            more=data["more"],
            about=tuple(data["about"]),
            multi=data["multi"],
            in_form=data.get("in_form", False),
            once=data.get("once", False),
        )


@dataclass(frozen=True, slots=True)
class Numbered:
    """A reply with its place in the person's history (the outbox row) and the nonce of its choices.

    ``late``: it belongs to an earlier message and could not be delivered then.
    """

    id: int
    reply: Reply
    nonce: str = field(default="")
    late: bool = False
