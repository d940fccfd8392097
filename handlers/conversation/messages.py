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


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file already stored by its content; ``sha256`` is its name in the evidence store."""

    kind: AttachmentKind
    sha256: str
    media_type: str
    size: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from one person.

    ``key`` is the channel's own identity of the message: the same key is the same message, however often it
    is delivered. ``choice`` is the token of a tapped option, when the channel can carry one.
    """

    contact: ContactRef
    key: str
    at: datetime
    text: str = ""
    choice: str | None = None
    attachments: tuple[Attachment, ...] = ()


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

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "choices": [[c.label, c.action] for c in self.choices],
            "more": self.more,
            "about": list(self.about),
            "multi": self.multi,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reply:
        return cls(
            text=data["text"],
            choices=tuple(Choice(label, action) for label, action in data["choices"]),
            more=data["more"],
            about=tuple(data["about"]),
            multi=data["multi"],
        )


@dataclass(frozen=True, slots=True)
class Numbered:
    """A reply with its place in the person's history (the outbox row) and the nonce of its choices."""

    id: int
    reply: Reply
    nonce: str = field(default="")
