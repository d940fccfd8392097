"""Replies as WeChat text: one message of at most 2,048 bytes, its options as lines that can be tapped or typed.

A tapped line arrives as an ordinary text (the digit) with the id we gave it; accounts that do not return the id, and
clients that show the line as plain text, still work by the digit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wechatpy.replies import TextReply

from bot.channels.wechat.inbound import Received
from handlers.conversation.messages import Numbered
from handlers.conversation.paging import cut, size

LIMIT = 2048
LATE = "（补发上次没送到的）\n"
_MARKUP = re.compile(r"<(?=[A-Za-z/!])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Composed:
    """One text and the replies it shows; what did not fit is shown or sent another time."""

    text: str
    shown: tuple[int, ...]


def compose(lines: Sequence[Numbered]) -> Composed:
    """The newest replies first claim their room; what is left goes to what could not be delivered before."""
    new = [line for line in lines if not line.late]
    open_one = next((line for line in reversed(lines) if line.reply.choices), None)
    texts = {line.id: _block(line, tappable=line is open_one) for line in lines}
    shown: list[int] = []
    room = LIMIT
    for line in [*new, *(line for line in lines if line.late)]:
        need = size(texts[line.id]) + (2 if shown else 0)
        if need > room and shown:
            continue
        if need > room:  # a first block too long for one message would not be delivered at all
            texts[line.id] = cut(texts[line.id], room)[0]
            need = size(texts[line.id])
        shown.append(line.id)
        room -= need
    text = "\n\n".join(texts[line.id] for line in lines if line.id in shown)
    return Composed(text, tuple(shown))


def _block(line: Numbered, *, tappable: bool) -> str:
    head = (LATE if line.late else "") + (harmless(line.reply.text) or "…")
    if not tappable:
        return head
    options = [harmless(choice.label) for choice in line.reply.choices]
    linked = "\n".join([head, *(_link(n, label, line.nonce) for n, label in enumerate(options, 1))])
    if size(linked) <= LIMIT:
        return linked
    return "\n".join([head, *(f"{n} {label}" for n, label in enumerate(options, 1))])


def _link(number: int, label: str, nonce: str) -> str:
    address = f"weixin://bizmsgmenu?msgmenucontent={number}&msgmenuid={nonce}-{number}"
    return f'{number} <a href="{address}">{label}</a>'


def harmless(text: str) -> str:
    """Words only: no markup of the sender's own, no control characters, no end of the CDATA section."""
    return _CONTROL.sub("", _MARKUP.sub("＜", text)).replace("]]>", "]]＞").replace("\r\n", "\n")


def passive(text: str, received: Received) -> str:
    """The answer's XML. Its time is the message's own, so that a second delivery gets the same answer."""
    reply = TextReply(source=received.account, target=received.openid, content=text, time=received.created)
    xml: str = reply.render()
    return xml
