"""The JSON of the web chat, in and out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

if TYPE_CHECKING:
    from bot.web.ports import Line
    from handlers.conversation.messages import Reply

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class MessageIn(BaseModel):
    """One message: ``text`` or ``choice`` (the token of a tapped option). The same key is the same message."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    text: str | None = None
    choice: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}:[0-9]{1,2}$")] | None = None
    after: int = Field(default=0, ge=0, description="id of the last line the sender already has")


class CodeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)]


class SessionOut(BaseModel):
    token: str


class HandoverOut(BaseModel):
    code: str
    minutes: int = 10


class ChoiceOut(BaseModel):
    """``token`` is empty when the reply has no nonce: then the number is sent as text."""

    n: int
    label: str
    token: str


class ReplyOut(BaseModel):
    text: str
    choices: list[ChoiceOut]
    multi: bool
    more: bool = Field(default=False, description="还有后面的内容，发“更多”接着看")

    @classmethod
    def of(cls, reply: Reply, nonce: str) -> ReplyOut:
        choices = [
            ChoiceOut(n=n, label=choice.label, token=f"{nonce}:{n}" if nonce else "")
            for n, choice in enumerate(reply.choices, start=1)
        ]
        return cls(text=reply.text, choices=choices, multi=reply.multi, more=bool(reply.more))


class LineOut(BaseModel):
    id: int
    at: datetime
    mine: str | None = None
    files: list[str] | None = None
    reply: ReplyOut | None = None

    @classmethod
    def of(cls, line: Line) -> LineOut:
        if line.reply is not None:
            return cls(id=line.id, at=line.at, reply=ReplyOut.of(line.reply, line.nonce))
        return cls(id=line.id, at=line.at, mine=line.mine, files=list(line.files) or None)


class LinesOut(BaseModel):
    """``last`` is what to ask with next time as ``after``."""

    lines: list[LineOut]
    last: int

    @classmethod
    def of(cls, lines: list[Line], after: int) -> LinesOut:
        return cls(lines=[LineOut.of(line) for line in lines], last=max([after, *(line.id for line in lines)]))
