"""Where a conversation stands, as one small JSON row."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handlers.conversation.forms import FormState
from handlers.conversation.messages import Choice

OPTIONS_LIFE = timedelta(minutes=30)
DRAFT_LIFE = timedelta(days=7)


@dataclass(slots=True)
class OpenOptions:
    """The numbered options last shown. Their nonce tells today's button from yesterday's."""

    nonce: str
    choices: list[tuple[str, str]]
    at: datetime
    minutes: float = OPTIONS_LIFE / timedelta(minutes=1)
    """How long a bare number answers them."""

    def choice(self, number: int) -> Choice:
        return Choice(*self.choices[number - 1])

    def expired(self, now: datetime) -> bool:
        return now - self.at > timedelta(minutes=self.minutes)


@dataclass(slots=True)
class DialogueState:
    """``form`` is being filled in, ``draft`` was left for later; ``query`` is the last question asked in words.

    ``ground`` is what a follow-up stands on: the last question with thing and aspect spelled out.
    """

    form: FormState | None = None
    draft: FormState | None = None
    draft_at: datetime | None = None
    options: OpenOptions | None = None
    more: str = ""
    query: str = ""
    query_at: datetime | None = None
    ground: str = ""
    misses: int = 0
    last_ids: list[int] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    greeted: bool = False
    private: bool = False
    """Something confidential was said in it: from then on it lies sealed."""

    def offer(
        self, choices: Sequence[Choice], now: datetime, *, in_form: bool = False, life: timedelta = OPTIONS_LIFE
    ) -> str:
        """A bare number now answers these options. Returns their nonce, empty when there are none to open.

        The question of a form closes what was offered before even when it offers nothing itself: an older button
        must not answer a newer question.
        """
        if not choices and not in_form:
            return ""
        nonce = secrets.token_hex(8)
        minutes = life / timedelta(minutes=1)
        self.options = OpenOptions(nonce, [(c.label, c.action) for c in choices], now, minutes)
        return nonce

    def to_json(self) -> dict[str, Any]:
        return {
            "form": self.form.to_json() if self.form else None,
            "draft": self.draft.to_json() if self.draft else None,
            "draft_at": _out(self.draft_at),
            "options": asdict(self.options) | {"at": _out(self.options.at)} if self.options else None,
            "more": self.more,
            "query": self.query,
            "query_at": _out(self.query_at),
            "ground": self.ground,
            "misses": self.misses,
            "last_ids": self.last_ids,
            "files": self.files,
            "greeted": self.greeted,
            "private": self.private,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> DialogueState:
        """An empty object is a new conversation; unknown keys of another version are left aside."""
        options = data.get("options")
        return cls(
            form=FormState.from_json(data["form"]) if data.get("form") else None,
            draft=FormState.from_json(data["draft"]) if data.get("draft") else None,
            draft_at=_in(data.get("draft_at")),
            options=_options(options) if options else None,
            more=data.get("more", ""),
            query=data.get("query", ""),
            query_at=_in(data.get("query_at")),
            ground=data.get("ground", ""),
            misses=data.get("misses", 0),
            last_ids=list(data.get("last_ids", [])),
            files=list(data.get("files", [])),
            greeted=data.get("greeted", False),
            private=data.get("private", False),
        )


def _options(data: dict[str, Any]) -> OpenOptions:
    known = {"minutes": data["minutes"]} if "minutes" in data else {}
    return OpenOptions(
        data["nonce"], [(c[0], c[1]) for c in data["choices"]], datetime.fromisoformat(data["at"]), **known
    )


def _out(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _in(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
